"""The outermost boundary: whatever happens becomes one sentence and an exit status.

0 done · 1 it cannot be done, the sentence says why · 2 the command line is wrong · 70 a defect of
ours, its traceback is in the log (sysexits.h, EX_SOFTWARE) · 130 interrupted · 141 nobody reads
the output any more.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pocketcoder_tui.cli.arguments import COMMANDS, Arguments, UsageError, parse
from pocketcoder_tui.core.errors import PocketCoderError

OK, REFUSED, USAGE, DEFECT, INTERRUPTED, UNREAD = 0, 1, 2, 70, 130, 141
_MODULES = (
    {name: name for name in COMMANDS}
    | dict.fromkeys(("backup", "restore", "recover"), "care")
    | dict.fromkeys(("undo", "diff", "checkpoints"), "undo")
)
"""The module of each command, loaded when it is used; without a command it is the workbench."""


def run(argv: Sequence[str] | None = None) -> int:
    """Understand the command line, do it, and return the exit status. Raises nothing."""
    args = Arguments()
    try:
        try:
            args = parse(sys.argv[1:] if argv is None else argv)
            status = _dispatch(args)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except UsageError as error:
        return _complain(USAGE, str(error))
    except PocketCoderError as error:
        return _complain(REFUSED, error.sentence, error.hint)
    except KeyboardInterrupt:
        return _complain(INTERRUPTED, "Interrupted.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else OK
    except Exception as error:  # noqa: BLE001 - the boundary: it is logged, and shown as a sentence
        return _complain(DEFECT, *_defect(error, args.workspace))
    return status


def _dispatch(args: Arguments) -> int:
    from pocketcoder_tui.config.paths import Paths

    paths = Paths.for_workspace(Path(args.workspace))
    module = importlib.import_module(f"pocketcoder_tui.cli.{_MODULES.get(args.command, 'start')}")
    status: int = module.run(args, paths)
    return status


def _complain(status: int, sentence: str, hint: str = "") -> int:
    from pocketcoder_tui.gatekeeper.faithful import plain

    lines = [line for line in (sentence, hint) if line]
    with contextlib.suppress(OSError):  # nobody listens there either
        print(*(plain(line) for line in lines), sep="\n", file=sys.stderr)
    return status


def _defect(error: Exception, workspace: str) -> tuple[str, str]:
    """Write the traceback to the log; returns the sentence and the hint."""
    import time
    import traceback

    what = f"Something went wrong that should not: {type(error).__name__}."
    text = "".join(traceback.format_exception(error))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    try:
        log = _log_file(workspace)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with open(os.open(log, flags, 0o600), "a", errors="backslashreplace") as file:
            file.write(f"{stamp} pid {os.getpid()}\n{text}\n")
    except (OSError, PocketCoderError) as cause:
        return what, f"The log could not be written either ({cause})."
    return what, f"The details are in {log}."


def _log_file(workspace: str) -> Path:
    """Return the workspace's log, or the one of all workspaces where that one has no state yet."""
    from pocketcoder_tui.config.paths import Paths

    paths = Paths.for_workspace(Path(workspace))
    if paths.state.is_dir():
        return paths.log
    paths.state_root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return paths.state_root / paths.log.name
