"""`pocketcoder [WORKSPACE]`: the workbench. What is slow is loaded after the first frame."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import COMMANDS, Arguments
from pocketcoder_tui.cli.memory import share_one_heap
from pocketcoder_tui.cli.output import is_terminal
from pocketcoder_tui.config.looks import first_looks
from pocketcoder_tui.config.paths import Paths, home
from pocketcoder_tui.core.errors import PocketCoderError, WorkspaceError

if TYPE_CHECKING:
    from pocketcoder_tui.engine.options import Options
    from pocketcoder_tui.engine.workbench import Workbench

LOG_BYTES = 1_000_000
"""The log is cut off at this size, and one older piece is kept."""


class NoTerminal(PocketCoderError):
    """The workbench was started where nobody can see it."""

    hint = "Start it in a terminal. setup, doctor, down and sessions work without one."


def run(args: Arguments, paths: Paths) -> int:
    """Open the workbench. Returns its exit status; raises NoTerminal, WorkspaceError.

    With --watch raises ControlError when nobody works there.
    """
    if not (is_terminal() and is_terminal(sys.stdin)):
        raise NoTerminal("The workbench needs a terminal for its input and its output.")
    check(args, paths)
    if args.watch:
        from pocketcoder_tui.control.client import connected

        connected(paths.control).close()
    share_one_heap()
    from pocketcoder_tui.ui import run_app
    from pocketcoder_tui.ui.elsewhere import Mirror

    async def make() -> "Workbench":
        """Read the settings and build the session; called once the first frame is drawn."""
        options = await asyncio.to_thread(prepare, args, paths)
        from pocketcoder_tui.engine.assembly import make_workbench

        return await make_workbench(options)

    def make_other(session_id: str) -> Callable[[], Awaitable["Workbench"]]:
        """The same for another session of the folder, or for a new one."""

        async def other() -> "Workbench":
            options = await asyncio.to_thread(prepare, args, paths)
            from pocketcoder_tui.engine.assembly import make_workbench

            tour = options.tour and not session_id
            return await make_workbench(
                replace(options, resume=session_id, latest=False, tour=tour)
            )

        return other

    async def watch() -> "Workbench":
        """What only looks at the session of the process that works."""
        await asyncio.to_thread(_log_to_file, paths)
        from pocketcoder_tui.engine.assembly import make_mirror

        return make_mirror(paths)

    async def is_there() -> bool:
        """Whether such a process works here."""
        from pocketcoder_tui.control import is_there as listens

        return await listens(paths.control)

    looks = first_looks(paths)
    return run_app(
        watch if args.watch else make,
        make_other=make_other,
        mirror=Mirror(is_there, watch),
        workspace=str(paths.workspace),
        theme=looks.theme,
        ascii_only=looks.ascii,
    )


def check(args: Arguments, paths: Paths) -> None:
    """Refuse what costs nothing to see, before anything is drawn. Raises WorkspaceError.

    What other sessions work in is looked up later, and refused on the screen.
    """
    from pocketcoder_tui.sandbox.workspace import check_workspace

    if not paths.workspace.exists():
        raise WorkspaceError(f"There is no folder {paths.workspace}.", hint=_nearest(args))
    check_workspace(paths.workspace, home=home())
    paths.check_apart()


def prepare(args: Arguments, paths: Paths) -> "Options":
    """Check the folder, make state, log and secrets, and read the settings.

    Blocking: it loads the settings' library, about half a second of CPU. Raises WorkspaceError,
    ConfigError.
    """
    from pocketcoder_tui.cli.facts import check_place
    from pocketcoder_tui.config.secrets import ensure_secrets
    from pocketcoder_tui.config.settings import env_example, load_settings
    from pocketcoder_tui.engine.options import Options

    check_place(paths)
    paths.prepare()
    _log_to_file(paths)
    ensure_secrets(paths.env_file, env_example())
    settings = load_settings(paths, {"model": args.model} if args.model else None)
    return Options(paths, settings, args.resume or "", args.latest, args.model or "", args.tour)


def _log_to_file(paths: Paths) -> None:
    """Everything that a library logs goes to the log, never onto the screen."""
    import logging
    from logging.handlers import RotatingFileHandler

    if any(isinstance(handler, RotatingFileHandler) for handler in logging.getLogger().handlers):
        return  # another session was opened before
    handler = RotatingFileHandler(
        paths.log, maxBytes=LOG_BYTES, backupCount=1, delay=True, errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)


def _nearest(args: Arguments) -> str:
    import difflib

    near = difflib.get_close_matches(args.workspace, COMMANDS, 1)
    if near:
        return f"If you meant the command, it is: pocketcoder {near[0]}."
    return "Make it, or name another one: pocketcoder PATH."
