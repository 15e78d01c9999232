"""`pocketcoder files`: what is in the workspace, fetched, put there, and shown in a browser.

``ls --json`` prints one object a line: name, kind (folder, file, link, other), size (bytes),
changed (Unix seconds); a byte of a name that is no UTF-8 is a lone surrogate.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import encodable, is_terminal, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import WorkspaceError
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.sandbox.artifacts import Opened, Row, Tree

_SIGNS = {"folder": "d", "file": "-", "link": "l", "other": "?"}
_SHOWN = 1 << 20
"""Bytes of a file that are printed to a terminal."""


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises WorkspaceError, SandboxError."""
    tree = Tree(paths.workspace)
    match args.action:
        case "ls":
            return show_list(args, tree)
        case "get":
            return get(args, tree)
        case "put":
            return put(args, tree, paths.workspace)
        case _:
            return serve(args, paths)


def show_list(args: Arguments, tree: Tree) -> int:
    """Print a folder's rows."""
    for row in tree.listing(os.fsencode(args.file)):
        print(json.dumps(_object(row)) if args.json else _line(row))
    return 0


def get(args: Arguments, tree: Tree) -> int:
    """Write a file's bytes to a new file or to the output; a terminal gets text that is safe."""
    with tree.opened(os.fsencode(args.file)) as file:
        if args.to is not None:
            _save(file, Path(args.to))
        elif is_terminal():
            _show(file)
        else:
            for piece in file.pieces():
                sys.stdout.buffer.write(piece)
    return 0


def put(args: Arguments, tree: Tree, workspace: Path) -> int:
    """Copy a file of this machine into the workspace."""
    path = args.to or Path(args.file).name
    if Path(os.path.abspath(args.file)).is_relative_to(workspace):
        raise WorkspaceError(
            f"{args.file} is in the workspace already.", hint="What is there may be a link."
        )
    try:
        with open(args.file, "rb") as source:
            size = tree.put(source, os.fsencode(path), replace=args.yes)
    except OSError as error:
        raise WorkspaceError(
            f"{args.file} cannot be read: {error.strerror}.", hint="Name a file of this machine."
        ) from error
    say(f"/workspace/{path.strip('/')}: {size:,} bytes.")
    return 0


def serve(args: Arguments, paths: Paths) -> int:
    """Serve until Ctrl+C or SIGTERM."""
    from pocketcoder_tui.sandbox.artifacts.web import FileServer

    server = FileServer(
        paths.workspace, port=args.number, shown=lambda name: plain(name, keep_newlines=False)
    )
    say(server.url, "Whoever has this address reads the workspace. Ctrl+C ends it.")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt):
        server.serve()
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    """Being told to end is like Ctrl+C."""
    raise KeyboardInterrupt


def _save(file: Opened, to: Path) -> None:
    try:
        with to.open("xb") as out:
            for piece in file.pieces():
                out.write(piece)
    except FileExistsError as error:
        raise WorkspaceError(f"There is a file {to} already.", hint="Name another one.") from error
    except OSError as error:
        raise WorkspaceError(
            f"{to} cannot be written: {error.strerror}.", hint="Name another place."
        ) from error


def _show(file: Opened) -> None:
    """Print a text to a terminal; nothing in it is obeyed."""
    data = b"".join(file.pieces(0, min(file.facts.st_size, _SHOWN)))
    if b"\0" in data:
        raise WorkspaceError("That is no text.", hint="Write it to a file: --to FILE.")
    print(encodable(plain(data.decode("utf-8", "replace"))), end="")
    if file.facts.st_size > _SHOWN:
        raise WorkspaceError("The rest is not shown.", hint="Write it to a file: --to FILE.")


def _line(row: Row) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.changed))
    name = encodable(plain(os.fsdecode(row.name), keep_newlines=False))
    size = f"{row.size:,}" if row.kind.value == "file" else ""
    return f"{_SIGNS[row.kind.value]} {size:>14}  {when}  {name}"


def _object(row: Row) -> dict[str, object]:
    return {
        "name": os.fsdecode(row.name),
        "kind": row.kind.value,
        "size": row.size,
        "changed": row.changed,
    }
