"""The one place that picks concrete classes and joins them into a workbench."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.secrets import box_seal
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import Box, Ledger, Terminal
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.session import Session
from pocketcoder_tui.engine.setup import Setup
from pocketcoder_tui.engine.voice import Voice


async def make_workbench(options: Options) -> Session:
    """Open the ledger and a session in it.

    Raises WorkspaceError, ConfigError or LedgerError; nothing stays open then.
    """
    from pocketcoder_tui.ledger import SqliteLedger

    await asyncio.to_thread(_check_places, options)
    ledger = await SqliteLedger.open(options.paths.ledger)
    try:
        journal = await _open_journal(ledger, options)
    except BaseException:
        await ledger.aclose()
        raise
    voice = Voice(options)
    voice.begin(journal.events)
    setup = Setup(options.settings, options.paths.engine_log)

    def make_keeper(journal: Journal, crew: Crew) -> BoxKeeper:
        return BoxKeeper(LazySandbox(options), open_terminal(options.settings), journal, crew)

    return Session(
        journal, ledger, voice=voice, setup=setup, make_keeper=make_keeper, attach=attach
    )


async def _open_journal(ledger: Ledger, options: Options) -> Journal:
    """A new session, or the one that was asked for. Raises LedgerError."""
    session_id = await _chosen(ledger, options)
    if session_id:
        journal = Journal(ledger, session_id)
        await journal.read_back()
        return journal
    session_id = new_id()
    workspace = str(options.paths.workspace)
    started = ev.SessionStarted(session_id, workspace, time.time())
    return Journal(ledger, session_id, preface=[started])


async def _chosen(ledger: Ledger, options: Options) -> str:
    """The id of the session to take up; empty for a new one."""
    if not options.resume and not options.latest:
        return ""
    ids = [summary.id for summary in await ledger.sessions()]
    if options.latest:
        return ids[0] if ids else ""
    return _only([i for i in ids if i.startswith(options.resume)], options.resume)


def _only(found: Sequence[str], asked: str) -> str:
    hint = "Run: pocketcoder sessions."
    if not found:
        raise LedgerError(f"There is no session {asked!a} in this workspace.", hint=hint)
    if len(found) > 1 and asked not in found:
        raise LedgerError(f"{len(found)} sessions begin with {asked!a}.", hint=hint)
    return asked if asked in found else found[0]


def _check_places(options: Options) -> None:
    from pocketcoder_tui.config.paths import home
    from pocketcoder_tui.ledger import owner_of
    from pocketcoder_tui.sandbox import check_workspace

    paths = options.paths
    others = [w for w in paths.others() if owner_of(Paths.for_workspace(w).ledger)]
    check_workspace(paths.workspace, home=home(), others=others)
    paths.check_apart()
    paths.prepare()
