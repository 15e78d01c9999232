"""`pocketcoder sessions`: the sessions of a workspace, one a line, the last changed first."""

import asyncio
import time

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import encodable, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.gatekeeper.faithful import plain


def run(args: Arguments, paths: Paths) -> int:
    """Print the list. Raises LedgerError while a pocketcoder has the ledger open."""
    if not paths.ledger.exists():
        say(f"No sessions in {paths.workspace} yet.")
        return 0
    found = asyncio.run(read(paths))
    for session in found:
        print(line(session))
    if not found:
        say(f"No sessions in {paths.workspace} yet.")
    return 0


async def read(paths: Paths) -> list[SessionSummary]:
    """Open the ledger, read the list, close it. Raises LedgerError."""
    from pocketcoder_tui.ledger import SqliteLedger

    async with await SqliteLedger.open(paths.ledger) as ledger:
        return await ledger.sessions()


def line(session: SessionSummary) -> str:
    """Return id, time of the last change, turns, what is open, and the title."""
    changed = time.strftime("%Y-%m-%d %H:%M", time.localtime(session.changed))
    turns = f"{session.turns} turn{'' if session.turns == 1 else 's'}"
    still = f", {session.open_actions} open" if session.open_actions else ""
    title = encodable(plain(session.title, keep_newlines=False)) or "(no title yet)"
    return f"{session.id}  {changed}  {turns + still:<16}  {title}"
