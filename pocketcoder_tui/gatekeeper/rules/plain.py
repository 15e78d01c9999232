"""A rule in plain words, for the prompt that makes it and the screen that lists it."""

from dataclasses import dataclass

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.rules.exact import written
from pocketcoder_tui.gatekeeper.rules.model import (
    Beginning,
    Command,
    Host,
    Place,
    Rule,
    Scope,
    Subject,
)
from pocketcoder_tui.gatekeeper.toolset import WATCHING

__all__ = ["Explanation", "explain", "sentences_of"]

_TOOLS = {
    "read_file": "reading",
    "write_file": "writing",
    "edit_file": "editing",
    "list_files": "listing",
    "search_files": "searching",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is shown of a rule."""

    stored: str
    """The exact text that is stored."""
    sentences: tuple[str, ...]


def explain(rule: Rule, now: float, session_id: str = "") -> Explanation:
    """Say what a rule does, how long it holds and how often it decided.

    ``now`` is in Unix seconds; ``session_id`` is the session that asks.
    """
    rests = rule.rests(now, session_id)
    holds = rests or _holds(rule, now)
    decided = "once" if rule.used == 1 else f"{rule.used:,} times"
    used = f"It decided {decided}." if rule.used else "It has never decided anything yet."
    return Explanation(rule.stored, (*sentences_of(rule.outcome, rule.subject), holds, used))


def sentences_of(outcome: Outcome, subject: Subject) -> tuple[str, ...]:
    """Say what a rule about a subject does."""
    match subject:
        case Command(argv, cwd):
            return (
                f"Allows exactly this command, and no other one: {written(argv)}",
                f"Only in {cwd}. It runs beside the agent's shell, in a fresh process without the "
                "shell's aliases, functions and variables, and without a terminal.",
            )
        case Beginning(words):
            return (
                f"Denies every command of which a part begins with: {' '.join(words)}",
                "Also inside of pipelines, substitutions and text for another shell, as far as "
                "that can be seen. What cannot be read is asked about.",
            )
        case Host(name):
            if outcome is Outcome.DENY:
                return (f"Denies every connection to {name}.",)
            return (
                f"Allows programs in the box to reach {name}, ports 80 and 443, and no other host.",
                "Whatever runs in the box may send there what is in the workspace.",
            )
        case Place(tool, path, below):
            if tool in WATCHING:
                verb = "Allows" if outcome is Outcome.ALLOW else "Denies"
                return (f"{verb} {tool}, which looks at the box's terminal and changes nothing.",)
            doing = _TOOLS.get(tool, f"the tool {tool} on")
            what = f"{doing} everything below {path}" if below else f"{doing} {path}"
            return (f"{'Allows' if outcome is Outcome.ALLOW else 'Denies'} {what}.",)


def _holds(rule: Rule, now: float) -> str:
    match rule.scope:
        case Scope.SESSION:
            return "It holds in this session."
        case Scope.WORKSPACE:
            return "It holds in every session of this workspace."
        case Scope.TIME:
            minutes = max(round((rule.expires - now) / 60), 1)
            return f"It holds for another {minutes} min."
        case Scope.USES:
            return f"It holds for another {rule.uses - rule.used} of {rule.uses} uses."
