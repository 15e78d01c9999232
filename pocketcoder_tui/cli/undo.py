"""`pocketcoder undo`, `diff` and `checkpoints`: what was kept of a workspace, and the way back.

``checkpoints --json`` prints one object a line: number, at (Unix seconds), kind (``action``,
``undo``), label, action_id, session_id, target, tree.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREEN, GREY, RED, YELLOW, ask, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.checkpoints import (
    Checkpoint,
    Restored,
    UndoPlan,
    WorkspaceRestored,
)
from pocketcoder_tui.core.errors import CheckpointError, LedgerError
from pocketcoder_tui.gatekeeper.faithful import faithful, plain

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper

_COLOURS = {"+": GREEN, "-": RED, "@": GREY}


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Returns 1 when the person says no. Raises CheckpointError, LedgerError."""
    if not paths.checkpoints.is_dir():
        raise CheckpointError(
            f"There are no checkpoints of {paths.workspace} yet.",
            hint="They are made before each action that can write.",
        )
    match args.command:
        case "checkpoints":
            return show_list(args, paths)
        case "diff":
            return show(args, paths)
        case _:
            return undo(args, paths)


def show_list(args: Arguments, paths: Paths) -> int:
    """Print every checkpoint, the oldest first; while a pocketcoder works, too."""
    from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper

    for entry in CheckpointKeeper(paths.workspace, paths.checkpoints).entries():
        print(json.dumps(asdict(entry)) if args.json else line(entry))
    return 0


def line(entry: Checkpoint) -> str:
    """One checkpoint for a person's eye."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
    label = encodable(plain(entry.label, keep_newlines=False))
    return f"{entry.number:>6}  {when}  before {label}"


def show(args: Arguments, paths: Paths) -> int:
    """Print what an undo would do; while a pocketcoder works, too."""
    with _looking(paths) as keeper:
        _print(keeper.plan(args.number))
    return 0


def undo(args: Arguments, paths: Paths) -> int:
    """Show it, ask, do it, and account for it."""
    _refuse_in_use(paths)
    with _keeper(paths) as keeper:
        plan = keeper.plan(args.number)
        _print(plan)
        if plan.difference.same:
            return 0
        if not args.yes and not ask("Bring this back?"):
            say("Nothing was changed.")
            return 1
        restored = asyncio.run(_do(paths, keeper, plan))
    for sentence in restored.left:
        print(paint(encodable(plain(f"! {sentence}", keep_newlines=False)), YELLOW))
    say(
        f"The workspace is as it was before {plan.checkpoint.label}.",
        f"Undo this undo with: pocketcoder undo {restored.before}",
    )
    return 0


def _print(plan: UndoPlan) -> None:
    entry = plan.checkpoint
    if plan.difference.same:
        say(f"Nothing differs from checkpoint {entry.number} (before {entry.label}).")
        return
    say(f"Back to checkpoint {entry.number}, before {entry.label}")
    for note in plan.notes:
        print(paint(encodable(plain(f"! {note}", keep_newlines=False)), YELLOW))
    for text in plan.text.split("\n"):
        shown = encodable("".join(fragment.text for fragment in faithful(text)))
        colour = _COLOURS.get(text[:1])
        print(paint(shown, colour) if colour else shown)
    found = plan.difference
    files = f"{found.total:,} file{'' if found.total == 1 else 's'}"
    say(f"{files} would change, +{found.added:,} -{found.removed:,} lines.")


def _keeper(paths: Paths) -> "CheckpointKeeper":
    from pocketcoder_tui.config.settings import load_settings
    from pocketcoder_tui.engine.assembly import make_keeping
    from pocketcoder_tui.engine.options import Options

    return make_keeping(Options(paths, load_settings(paths))).keeper()


@contextmanager
def _looking(paths: Paths) -> "Iterator[CheckpointKeeper]":
    """Something to compare with that writes nothing but to a folder which is gone afterwards."""
    from pocketcoder_tui.gatekeeper.paths import guarded
    from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
    from pocketcoder_tui.sandbox.checkpoints.store import Store

    with tempfile.TemporaryDirectory(prefix="look-", dir=paths.state) as folder:
        base = Store(paths.checkpoints)
        place = Path(folder)
        with CheckpointKeeper(paths.workspace, place, base=base, guarded=guarded) as keeper:
            yield keeper


def _refuse_in_use(paths: Paths) -> None:
    from pocketcoder_tui.ledger import owner_of
    from pocketcoder_tui.ledger.ownership import owned_by

    owner = owner_of(paths.ledger)
    if owner is not None:
        raise LedgerError(owned_by(owner), hint="Press F6 there, or quit it first.")


async def _do(paths: Paths, keeper: "CheckpointKeeper", plan: UndoPlan) -> Restored:
    """Do it and account for it: in the session whose action was undone, or in the chain alone.

    The ledger is checked first. Raises LedgerError, PlanStale, CheckpointError.
    """
    from pocketcoder_tui.ledger import SqliteLedger

    entry = plan.checkpoint
    async with await SqliteLedger.open(paths.ledger) as ledger:
        await ledger.verified()
        there = [session.id for session in await ledger.sessions(archived=True)]
        restored = keeper.restore(plan)
        session = entry.session_id if entry.session_id in there else next(iter(there), "")
        if session:
            await ledger.record(session, WorkspaceRestored(restored, entry.label, time.time()))
        else:
            facts = {"checkpoint": restored.checkpoint, "before": restored.before}
            await ledger.note(AuditNote(AuditKind.UNDO, facts))
        keeper.settled()
    return restored
