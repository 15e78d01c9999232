"""What the tour says and asks for, step by step; pure text and data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["AFTERWARDS", "GREETING", "STEPS", "Outcome", "Step", "acknowledged", "outcome_of"]

PROGRAM_PATH = "pocketcoder-tour/countdown.sh"

PROGRAM = """\
#!/usr/bin/env bash
# Counts down, one line a number.
from=3
for ((n = from; n > 0; n--)); do
    printf '%s…\\n' "$n"
done
printf 'Liftoff, %s steps.\\n' "$from"
"""

RUN = f"bash /workspace/{PROGRAM_PATH}"

QUOTED_LINES = 8
"""Longest quotation of an output, in lines."""

_DENIED = "The person denied this"
_REASON = re.compile(r"Their reason: (.+)", re.DOTALL)


class Outcome(StrEnum):
    """What became of a step."""

    OK = "ok"
    DENIED = "denied"
    FAILED = "failed"
    LOST = "lost"
    """The call has no result."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the tour."""

    id: str
    before: str
    """Said when the call is asked for."""
    tool: str
    arguments: Mapping[str, Any]
    after: Callable[[Mapping[str, Any]], str]
    """Said when it went well, from the tool's response."""
    needs: str = ""
    """Another step that must have gone well."""
    instead_of: str = ""
    """Taken only when this other step did not go well."""


GREETING = """\
## The tour

I am a **scripted model**: no service is asked, and I cannot answer questions. Everything else is
real. Each thing I ask for waits in the approval pane, and runs in your sandbox only if you allow
it: `y` allows once, `n` denies, with a reason if you like. I go on either way.

What will happen: I look into your folder, write a small program into `pocketcoder-tour/`, run it,
change one line and run it again.

"""

AFTERWARDS = """\
The tour is over, and I am only a script, so I cannot help with that. Enter a key to talk to a real
model, or say **again** to take the tour once more.
"""


def outcome_of(response: Mapping[str, Any] | None) -> Outcome:
    """Read a tool's response."""
    if response is None:
        return Outcome.LOST
    error = response.get("error")
    if error is not None:
        return Outcome.DENIED if str(error).startswith(_DENIED) else Outcome.FAILED
    return Outcome.FAILED if response.get("exit_status") not in {None, 0} else Outcome.OK


def acknowledged(step: Step, response: Mapping[str, Any] | None) -> str:
    """Say what became of a step, in the words of the result."""
    match outcome_of(response):
        case Outcome.OK:
            return step.after(response or {})
        case Outcome.DENIED:
            found = _REASON.search(str((response or {}).get("error")))
            why = f" Your reason, as I got it:\n\n{_quote(found[1])}" if found else ""
            return f"You denied `{step.tool}`, so it did not run.{why}"
        case Outcome.FAILED:
            return _failure(step, response or {})
        case Outcome.LOST:
            return f"I have no result for `{step.tool}`, so I do not count on it."


def _failure(step: Step, response: Mapping[str, Any]) -> str:
    if "error" in response:
        return f"`{step.tool}` did not work:\n\n{_quote(str(response['error']))}"
    status = response.get("exit_status")
    return f"`{step.tool}` ended with status {status}:\n\n{_quote(_output(response))}"


def _listed(response: Mapping[str, Any]) -> str:
    lines = [line for line in _output(response).splitlines() if line.strip()]
    if not lines:
        return "Your folder is empty as far as the sandbox sees it."
    return f"The sandbox sees your folder; the listing has {len(lines)} line(s)."


def _written(response: Mapping[str, Any]) -> str:
    return f"`{PROGRAM_PATH}` is in your folder now; it belongs to you."


def _ran(response: Mapping[str, Any]) -> str:
    return f"It ran in the sandbox's terminal and printed:\n\n{_quote(_output(response))}"


def _edited(response: Mapping[str, Any]) -> str:
    return "One line is changed, the one that you saw in the difference."


def _output(response: Mapping[str, Any]) -> str:
    return str(response.get("output", ""))


def _quote(text: str) -> str:
    """Quote untrusted text so that it stays text in Markdown."""
    lines = text.strip("\n").splitlines() or ["(nothing)"]
    if len(lines) > QUOTED_LINES:
        lines = ["…", *lines[1 - QUOTED_LINES :]]
    return "\n".join(f"    {line}" for line in lines)


STEPS = (
    Step(
        "look",
        "First I look at what is there.",
        "list_files",
        {"path": ".", "depth": 1},
        _listed,
    ),
    Step(
        "write",
        "Now a new file. The approval shows its whole text.",
        "write_file",
        {"path": PROGRAM_PATH, "content": PROGRAM},
        _written,
    ),
    Step(
        "run",
        "Next I run it. A command is typed into the sandbox's terminal, which you can watch.",
        "shell",
        {"command": RUN},
        _ran,
        needs="write",
    ),
    Step(
        "around",
        "Without the program there is nothing to run, so here is another command: who and where "
        "the sandbox's shell is.",
        "shell",
        {"command": "id; pwd"},
        _ran,
        instead_of="write",
    ),
    Step(
        "edit",
        "An edit is shown as a difference before it is made.",
        "edit_file",
        {"path": PROGRAM_PATH, "old_text": "from=3", "new_text": "from=5"},
        _edited,
        needs="write",
    ),
    Step(
        "rerun",
        "The same command once more: it is a new action and needs a new decision.",
        "shell",
        {"command": RUN},
        _ran,
        needs="write",
    ),
)
