"""`pocketcoder reset`: delete a workspace's box and history, after saying exactly what goes."""

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.down import STOPPED, find_box, found_sandbox
from pocketcoder_tui.cli.output import ask, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import EngineMissing, LedgerError, PocketCoderError

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.labels import BoxSummary


class NotDeleted(PocketCoderError):
    """The state folder could not be deleted."""

    hint = "Correct the folder's permissions, then run it again."


def run(args: Arguments, paths: Paths) -> int:
    """Delete box and state. Returns 1 when the person says no.

    Raises LedgerError while a pocketcoder works there, SandboxError, NotDeleted, NobodyToAsk.
    """
    _refuse_in_use(paths)
    box = asyncio.run(_box(paths))
    there = paths.state.is_dir()
    if box is None and not there:
        say(f"There is nothing to delete for {paths.workspace}.")
        return 0
    say(*_what(paths, box))
    if not args.yes and not ask("Delete this?"):
        say("Nothing was deleted.")
        return 1
    with ExitStack() as held:
        if there:
            from pocketcoder_tui.ledger.ownership import Ownership

            held.enter_context(Ownership(paths.ledger))
        if box is not None:
            asyncio.run(_remove(paths, box))
        if there:
            _delete(paths.state)
    say("Deleted.")
    return 0


def _refuse_in_use(paths: Paths) -> None:
    from pocketcoder_tui.ledger import owner_of

    owner = owner_of(paths.ledger)
    if owner is not None:
        which = f" (process {owner})" if owner else ""
        raise LedgerError(
            f"A pocketcoder{which} works in {paths.workspace} now.", hint="Quit it first."
        )


async def _box(paths: Paths) -> "BoxSummary | None":
    """Return the box, None when there is none or there is no Docker that could hold one."""
    try:
        return await find_box(paths)
    except EngineMissing:
        return None


def _what(paths: Paths, box: "BoxSummary | None") -> list[str]:
    lines = [f"This will be deleted for {paths.workspace}:"]
    if box is not None:
        ends = "" if box.status in STOPPED else "; what runs in it ends"
        lines.append(f"  the box      {box.name} ({box.status}{ends})")
    if paths.state.is_dir():
        size = sum(p.lstat().st_size for p in paths.state.rglob("*") if not p.is_dir())
        lines.append(f"  the history  {paths.state} ({size:,} bytes, every session)")
    return [*lines, "The workspace's own files and your configuration stay."]


async def _remove(paths: Paths, box: "BoxSummary") -> None:
    async with found_sandbox(paths, box) as sandbox:
        await sandbox.remove()


def _delete(state: Path) -> None:
    try:
        shutil.rmtree(state)
    except OSError as error:
        raise NotDeleted(f"{state} cannot be deleted: {error.strerror}.") from error
