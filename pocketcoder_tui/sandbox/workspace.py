"""Which folders may be given to an agent: the refusals, each with its own sentence."""

import os
from collections.abc import Sequence
from pathlib import Path

from pocketcoder_tui.core.errors import WorkspaceError

__all__ = ["check_workspace"]

_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc",
           "run", "sbin", "snap", "sys", "usr", "var")  # fmt: skip
"""Folders of / that belong to the system with all that is in them (FHS 3.0)."""

_WORK = ("/run/media", "/run/user", "/usr/local/src", "/usr/src", "/var/tmp", "/var/www")
"""Folders of those in which people keep work; a folder inside of one is fine."""

_SHARED = ("home", "media", "mnt", "opt", "root", "srv", "tmp")
"""Folders of / that hold other people's or programs' folders: refused, what is inside is not."""

_PRIVATE = (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config", ".local", ".mozilla")
"""Folders of the home folder that hold keys and settings, those of pocketcoder among them."""


def check_workspace(path: Path, *, home: Path, others: Sequence[Path] = ()) -> Path:
    """Return the folder with links resolved, if an agent may work in it.

    ``home`` is the person's home folder, ``others`` the workspaces of sessions that are active now.
    Raises WorkspaceError.
    """
    folder = _resolved(path)
    home = home.resolve()
    _refuse_system(folder)
    _refuse_home(folder, home)
    _refuse_overlap(folder, others)
    _refuse_unusable(folder)
    return folder


def _resolved(path: Path) -> Path:
    try:
        folder = path.expanduser().resolve(strict=True)
        is_folder = folder.is_dir()
    except FileNotFoundError as error:
        hint = f"Make it first: mkdir -p '{path}'."
        raise WorkspaceError(f"{path} does not exist.", hint=hint) from error
    except NotADirectoryError as error:
        raise WorkspaceError(f"A part of {path} is not a folder.") from error
    except (OSError, RuntimeError) as error:
        # RuntimeError: a loop of links, or no home folder for "~name".
        why = getattr(error, "strerror", None) or str(error)
        raise WorkspaceError(f"{path} cannot be opened: {why}.") from error
    if not is_folder:
        hint = f"Name the folder that it is in: pocketcoder '{folder.parent}'."
        raise WorkspaceError(f"{path} is not a folder.", hint=hint)
    try:
        str(folder).encode("utf-8")
    except UnicodeEncodeError as error:
        hint = "Rename the folder, or bind it to another name."
        raise WorkspaceError("The folder's name is not valid UTF-8.", hint=hint) from error
    return folder


def _refuse_system(folder: Path) -> None:
    if folder == Path("/"):
        raise WorkspaceError("The whole machine (/) cannot be a workspace.")
    top = folder.parts[1]
    if any(Path(work) in folder.parents for work in _WORK):
        return
    if top in _SYSTEM:
        raise WorkspaceError(f"{folder} belongs to the system and cannot be a workspace.")


def _refuse_home(folder: Path, home: Path) -> None:
    if folder == home:
        raise WorkspaceError(
            "Your home folder cannot be a workspace: your keys and settings are in it.",
            hint="Make a folder for the work inside it: pocketcoder ~/work.",
        )
    if folder in home.parents:
        raise WorkspaceError(f"{folder} holds your home folder and cannot be a workspace.")
    if folder.parent == Path("/") and folder.name in _SHARED:
        raise WorkspaceError(
            f"{folder} is shared by other people and programs and cannot be a workspace.",
            hint=f"Make a folder inside it: {folder}/work.",
        )
    for name in _PRIVATE:
        if (home / name) in (folder, *folder.parents):
            raise WorkspaceError(f"{folder} holds keys or settings and cannot be a workspace.")


def _refuse_overlap(folder: Path, others: Sequence[Path]) -> None:
    for other in (path.resolve() for path in others):
        if other in folder.parents:
            raise WorkspaceError(f"{folder} is inside {other}, where another session works.")
        if folder in other.parents:
            raise WorkspaceError(f"{folder} contains {other}, where another session works.")


def _refuse_unusable(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.X_OK):
        hint = f"Change its permissions: chmod u+rx '{folder}'."
        raise WorkspaceError(f"You may not read {folder}.", hint=hint)
    if not os.access(folder, os.W_OK):
        hint = "Choose a folder of your own, or change its permissions."
        raise WorkspaceError(f"You may not write in {folder}.", hint=hint)
