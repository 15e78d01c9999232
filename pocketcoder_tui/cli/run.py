"""`pocketcoder run`: one message, answered without a screen.

Exit status: 0 the agent came to rest · 1 the turn failed, or it cannot begin · 2 the line is wrong
· 3 it was stopped · 124 the time was up, and it was stopped · 130 interrupted · 143 told to end.
After 130 and 143 what waits goes on waiting, and what runs goes on running: `--continue` resumes.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from pocketcoder_tui.cli import start
from pocketcoder_tui.cli.arguments import Arguments, UsageError
from pocketcoder_tui.cli.run_arguments import STDIN
from pocketcoder_tui.cli.telling import JsonTeller, Teller, TextTeller
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.engine.workbench import Workbench

DONE, FAILED, STOPPED, TIMED_OUT, INTERRUPTED, TERMINATED = 0, 1, 3, 124, 130, 143
INPUT_LIMIT = 4_000_000
"""Characters of standard input that are taken."""
_SIGNALS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: TERMINATED}
_ENDS = {
    ev.TurnOutcome.DONE: DONE,
    ev.TurnOutcome.FAILED: FAILED,
    ev.TurnOutcome.STOPPED: STOPPED,
    ev.TurnOutcome.INTERRUPTED: STOPPED,
}


def run(args: Arguments, paths: Paths) -> int:
    """Do it. Raises UsageError, WorkspaceError, ConfigError, LedgerError, KeyMissing."""
    text = message(args.words)
    start.check(args, paths)
    return asyncio.run(_run(args, paths, text))


def message(words: Sequence[str]) -> str:
    """What was typed, with standard input in the place of a dash. Raises UsageError."""
    if words.count(STDIN) > 1:
        raise UsageError("pocketcoder run: standard input can be read once")
    taken = [_input() if word == STDIN else word for word in words]
    text = "\n\n".join(taken) if STDIN in words else " ".join(taken)
    if not text.strip():
        raise UsageError("pocketcoder run: there is nothing to say to the agent")
    return text


def _input() -> str:
    if sys.stdin is None:
        return ""
    data = sys.stdin.buffer.read(4 * INPUT_LIMIT + 1)
    text = data.decode("utf-8", "replace")
    if len(text) > INPUT_LIMIT:
        raise UsageError(f"pocketcoder run: more than {INPUT_LIMIT:,} characters of input")
    return text


async def _run(args: Arguments, paths: Paths, text: str) -> int:
    from pocketcoder_tui.engine.assembly import make_workbench

    options = await asyncio.to_thread(start.prepare, args, paths)
    workbench = await make_workbench(options)
    teller: Teller = JsonTeller() if args.json else TextTeller()
    if isinstance(teller, JsonTeller):
        session, folder = workbench.journal.session_id, str(paths.workspace)
        teller.head(session, folder, model=workbench.model_label)
    errand = Errand(workbench, teller)
    loop = asyncio.get_running_loop()
    for number, status in _SIGNALS.items():
        loop.add_signal_handler(number, errand.end, status)
    try:
        status = await errand.go(args, text)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        await workbench.aclose()
    teller.close()
    if isinstance(teller, JsonTeller):
        teller.line({"end": {"status": status}})
    return status


class Errand:
    """One message and what comes of it. Borrows the workbench."""

    def __init__(self, workbench: Workbench, teller: Teller) -> None:
        self._workbench = workbench
        self._teller = teller
        self._said = False
        """False while an end may be an earlier turn's."""
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, status: int) -> None:
        """Wait no longer; the first one to say so counts."""
        if not self._ended.done():
            self._ended.set_result(status)

    async def go(self, args: Arguments, text: str) -> int:
        """Say it and wait until the agent rests; the exit status.

        Raises KeyMissing, LedgerError.
        """
        unlisten = self._workbench.listen(self._hear)
        try:
            await self._workbench.open()
            if args.mode and args.mode != self._workbench.mode:
                await self._workbench.rulebook.change_mode(args.mode)
            self._said = True
            await self._workbench.send(text)
            with suppress(TimeoutError):
                async with asyncio.timeout(args.timeout or None):
                    return await asyncio.shield(self._ended)
            self.end(TIMED_OUT)
            await self._workbench.stop()
            return TIMED_OUT
        finally:
            unlisten()

    def _hear(self, event: ev.Event) -> None:
        try:
            self._teller.hear(event, self._workbench.transcript)
        except BrokenPipeError as error:
            if not self._ended.done():
                self._ended.set_exception(error)
        if isinstance(event, ev.TurnEnded) and self._said and not self._workbench.transcript.queued:
            self.end(_ENDS[event.outcome])
