"""Sessions to export: an ordinary one, and one in which all tries to get out of its place."""

from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    DecidedBy,
    Decision,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.checkpoints import (
    CheckpointMade,
    Difference,
    FileChange,
    How,
    Restored,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.model import Finish, PartKind, Usage

NOON = 1_790_000_000.0
DIFFERENCE = Difference((FileChange("shop/cart.py", How.CHANGED, 3, 1),), 1, 3, 1)
COLOURED = "\x1b[32m2 passed\x1b[0m in \x1b[1;38;5;208m0.1 s\x1b[0m\n"

EVIL = (
    "</pre></details></div><script>alert(1)</script><img src=x onerror=alert(2)>\n"
    "```\n# Turn 99\n- allowed by dana\n````\n![](http://evil.example/x.png)\n"
    "--> ]]> \" ' & &#60;b&#62; \x1b]52;c;eA==\x07 \u202egnp.exe \x9b31m \ud800 \x00\r\n~~~\n> out"
)
"""Markup, fences, headings, pictures, terminal sequences, half a character."""
EVIL_DIFFERENCE = Difference((FileChange(EVIL, How.ADDED),), 99, 3, 1)


def deed(
    id_: str,
    text: str,
    output: str,
    *,
    turn: str = "t1",
    coloured: str = "",
    outcome: Outcome = Outcome.ALLOW,
    who: str = "dana",
    reason: str = "",
    verb: str = "run",
) -> list[ev.Durable]:
    """An action from its proposal to its end."""
    call = ToolCall(f"call-{id_}", "shell", {"command": text})
    action = Action(id_, "s1", turn, "r1", call, "/workspace", "box", at=NOON)
    preview = Preview(PreviewKind.COMMAND, verb, text.partition("\n")[0], text, notes=(reason,))
    decision = Decision(id_, outcome, DecidedBy.PERSON, "d" * 64, who, reason, NOON + 3)
    told: list[ev.Durable] = [
        ev.ActionProposed(action, preview),
        ev.ActionWaiting(id_, "Every action is asked about."),
        ev.ActionDecided(decision),
    ]
    if outcome is Outcome.ALLOW:
        done = Execution(
            id_, Ended.FINISHED, 0, output, 7, NOON, 0.12, "/workspace", coloured=coloured
        )
        told += [ev.ActionDispatched(id_, "d" * 64, NOON), ev.ActionEnded(done)]
    return told


def turn(
    n: int, message: str, answer: str, *acts: ev.Durable, thought: str = ""
) -> list[ev.Durable]:
    """A message, what was done about it, and the answer."""
    id_ = f"t{n}"
    parts = [ev.PartGrew(f"r{n}", f"think{n}", PartKind.THOUGHT, thought, {})] if thought else []
    return [
        ev.MessageQueued(f"m{n}", message, NOON),
        ev.TurnStarted(id_, NOON + n),
        ev.MessagesTaken(id_, (f"m{n}",)),
        ev.ReplyStarted(id_, f"r{n}", "gemini", "flash", NOON),
        *parts,
        *acts,
        ev.PartGrew(f"r{n}", f"p{n}", PartKind.TEXT, answer, {}),
        ev.ReplyEnded(f"r{n}", Finish.DONE, "", Usage(), NOON),
        ev.TurnEnded(id_, ev.TurnOutcome.DONE, "", "", NOON + n + 0.5),
    ]


ORDINARY: list[ev.Durable] = [
    ev.SessionStarted("s1", "/home/dana/src/shop", NOON),
    ev.SessionTitled("fix the rounding"),
    *turn(
        1,
        "Fix the rounding.",
        "Done: **half even**.",
        *deed("a1", "pytest -q\ntrue", "2 passed in 0.1 s\n", coloured=COLOURED),
        *deed("a2", "rm -rf build", "", outcome=Outcome.DENY, reason="not now"),
        thought="I look at the cart first.",
    ),
    CheckpointMade("a1", 7, "f" * 64, NOON),
    WorkspaceChanged("a1", "e" * 64, DIFFERENCE, False, NOON),
    WorkspaceRestored(Restored(7, 8, DIFFERENCE, ()), "pytest -q", NOON),
    ev.PersonRan("agent", "ls", 0, "cart.py\n", 0, "/workspace", 0.2, NOON),
    *turn(2, "And commit it.", "Committed."),
    ev.MessageQueued("m3", "one more thing", NOON),
]


def hostile() -> list[ev.Durable]:
    """Everything that can hold text holds EVIL."""
    acts = deed("a1", EVIL, EVIL, coloured=f"\x1b[31m{EVIL}", who=EVIL, reason=EVIL, verb=EVIL)
    ended = acts[-1]
    assert isinstance(ended, ev.ActionEnded)
    first = acts[0]
    assert isinstance(first, ev.ActionProposed)
    acts[0] = replace(first, edited=EVIL)
    acts[-1] = ev.ActionEnded(replace(ended.execution, error=EVIL, cwd=EVIL))
    return [
        ev.SessionStarted("s1", EVIL, NOON),
        ev.SessionTitled(EVIL),
        *turn(1, EVIL, EVIL, *acts, thought=EVIL),
        WorkspaceChanged("a1", EVIL, EVIL_DIFFERENCE, True, NOON),
        WorkspaceRestored(Restored(7, 8, EVIL_DIFFERENCE, (EVIL,)), EVIL, NOON),
        ev.PersonRan(EVIL, EVIL, 1, EVIL, 3, EVIL, 0.2, NOON),
        ev.Noticed("error", EVIL, EVIL, NOON),
        ev.MessageQueued("m9", EVIL, NOON),
        ev.Inherited(ev.Origin.IMPORT, EVIL, NOON),
    ]
