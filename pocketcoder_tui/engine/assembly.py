"""The one place that picks concrete classes and joins them into a workbench."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox import DockerSandbox


async def make_workbench(options: Options) -> Session:
    """Open the ledger and a session in it. The folders are there and checked (cli.start).

    Raises ConfigError or LedgerError; nothing stays open then.
    """
    from pocketcoder_tui.ledger import SqliteLedger

    ledger = await SqliteLedger.open(options.paths.ledger)
    try:
        journal = await _open_journal(ledger, options)
        voice = Voice(options)
        await asyncio.to_thread(voice.begin, journal.events)
    except BaseException:
        await ledger.aclose()
        raise
    setup = Setup(options.settings, options.paths.engine_log)

    def make_keeper(journal: Journal, crew: Crew) -> BoxKeeper:
        return BoxKeeper(LazySandbox(options), _open_terminal(options), journal, crew)

    return Session(
        journal, ledger, voice=voice, setup=setup, make_keeper=make_keeper, attach=attach
    )


def attach(box: Box) -> int:
    """Blocking: hand this process's terminal to the box's tmux. Raises SandboxError."""
    from pocketcoder_tui.relay import attach_argv
    from pocketcoder_tui.sandbox import attach as attach_to

    return attach_to(box.id, attach_argv(), user=box.user)


class LazySandbox:
    """The real sandbox, loaded when the box is first wanted: nothing slow precedes the screen."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sandbox: DockerSandbox | None = None

    async def ensure(self) -> Box:
        """See boxkeeper.Sandbox."""
        if self._sandbox is None:
            self._sandbox = await asyncio.to_thread(make_sandbox, self._options)
        return await self._sandbox.ensure()

    async def aclose(self) -> None:
        """See boxkeeper.Sandbox."""
        if self._sandbox is not None:
            await self._sandbox.aclose()


def make_sandbox(options: Options) -> "DockerSandbox":
    """The sandbox of a workspace, with the limits of the settings. Does not start it."""
    from pocketcoder_tui.sandbox import DockerSandbox, Limits, image_tag, parse_size

    settings = options.settings
    limits = Limits(
        memory=parse_size(settings.memory),
        cpus=settings.cpus,
        pids=settings.pids,
        tmp=parse_size(settings.tmp_size),
        home=parse_size(settings.home_size),
    )
    return DockerSandbox(
        options.paths.workspace,
        image=settings.image or image_tag(),
        limits=limits,
        runtime=settings.runtime,
    )


def _open_terminal(options: Options) -> Callable[[Box], Awaitable[Terminal]]:
    async def open_terminal(box: Box) -> Terminal:
        from pocketcoder_tui.relay import TmuxTerminal

        return await TmuxTerminal.open(box, output_limit=options.settings.output_limit)

    return open_terminal


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
