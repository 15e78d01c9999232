"""Where a workspace's state and the person's configuration live. Nothing is read from a workspace.

Source: the XDG base directory specification; a relative path in one of its variables is ignored.
"""

import hashlib
import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core.errors import ConfigError, WorkspaceError

_PROGRAM = "pocketcoder"
_NAME_LENGTH = 40
_HASH_LENGTH = 12
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Paths:
    """Every place outside the workspace that the program writes to or reads settings from."""

    workspace: Path
    """The person's folder, absolute, links resolved."""
    state_root: Path
    """`$XDG_STATE_HOME/pocketcoder`: one folder for each workspace, and what they share."""
    state: Path
    """This workspace's folder below it, 0700 once prepared."""
    config: Path
    """`$XDG_CONFIG_HOME/pocketcoder`."""

    @classmethod
    def for_workspace(cls, workspace: Path, environ: Mapping[str, str] | None = None) -> "Paths":
        """Work the places out; touches nothing.

        Raises ConfigError when there is no home folder, WorkspaceError for a path that cannot be.
        """
        env = os.environ if environ is None else environ
        try:
            resolved = Path(os.path.realpath(workspace))
        except FileNotFoundError as error:
            raise WorkspaceError("The current folder does not exist any more.") from error
        except ValueError as error:
            raise WorkspaceError("A folder's name cannot hold a null byte.") from error
        state_root = _base(env, "XDG_STATE_HOME", ".local/state") / _PROGRAM
        config = _base(env, "XDG_CONFIG_HOME", ".config") / _PROGRAM
        return cls(resolved, state_root, state_root / _folder_name(resolved), config)

    @property
    def ledger(self) -> Path:
        """The SQLite database of this workspace."""
        return self.state / "ledger.db"

    @property
    def outputs(self) -> Path:
        """The whole of outputs that are too long for the ledger, one file an action."""
        return self.state / "outputs"

    @property
    def control(self) -> Path:
        """The socket by which the person's other programs ask the one that works."""
        return self.state / "control.sock"

    @property
    def checkpoints(self) -> Path:
        """The store of what the workspace was before each action."""
        return self.state / "checkpoints"

    @property
    def trials(self) -> Path:
        """Throw-away copies of the workspace, each for one try."""
        return self.state / "trials"

    @property
    def hatch(self) -> Path:
        """What the host hands into the box lies here for a moment; the box sees it read-only."""
        return self.state / "hatch"

    @property
    def ssh_host_key(self) -> Path:
        """The key by which the box is known to who comes in over SSH, 0600."""
        return self.state / "ssh_host_key"

    @property
    def carried(self) -> Path:
        """What is known of the box's own copy of the workspace, where it cannot be mounted."""
        return self.state / "carried"

    @property
    def masks(self) -> Path:
        """What lies in the box over files that are hidden from the agent."""
        return self.state / "masks"

    @property
    def log(self) -> Path:
        """What went wrong that nobody foresaw, with tracebacks."""
        return self.state / "pocketcoder.log"

    @property
    def engine_log(self) -> Path:
        """What dockerd prints where setup had to start it itself; shared by all workspaces."""
        return self.state_root / "dockerd.log"

    @property
    def marker(self) -> Path:
        """A file that holds the workspace's path, so that a state folder names what it is for."""
        return self.state / "workspace"

    @property
    def env_file(self) -> Path:
        """Keys and generated secrets, 0600."""
        return self.config / ".env"

    @property
    def config_file(self) -> Path:
        """Settings in TOML."""
        return self.config / "config.toml"

    @property
    def box_choices(self) -> Path:
        """What was chosen for the box of this workspace (config/boxes.py)."""
        return self.config / "boxes" / f"{self.state.name}.json"

    def prepare(self) -> None:
        """Make the state folders, readable by their owner only. Raises ConfigError."""
        self.prepare_root()
        with _explained(self.state):
            _make_private(self.state)
            if not self.marker.exists():
                self.marker.write_bytes(os.fsencode(self.workspace))

    def prepare_root(self) -> None:
        """Make the folder that all workspaces share, nothing for this one. Raises ConfigError."""
        with _explained(self.state_root):
            _make_private(self.state_root)

    def check_apart(self) -> None:
        """Refuse a workspace in which the agent could reach our files. Raises WorkspaceError."""
        for ours in (self.state_root, self.config):
            place = Path(os.path.realpath(ours))
            if place.is_relative_to(self.workspace) or self.workspace.is_relative_to(place):
                raise WorkspaceError(
                    f"{self.workspace} holds pocketcoder's own files ({place}), "
                    "and the agent could change them."
                )

    def others(self, in_use: Callable[[Path], bool] | None = None) -> list[Path]:
        """Other workspaces that have state here and still exist as folders, in order of path.

        ``in_use`` is asked with each one's ledger; what it denies is left out.
        """
        found = set[Path]()
        for state in _states(self.state_root):
            workspace = _marked(state)
            if workspace is None or workspace == self.workspace or not workspace.is_dir():
                continue
            if in_use is None or in_use(state / self.ledger.name):
                found.add(workspace)
        return sorted(found)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(_PRIVATE)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"The state folder {folder} cannot be made: {error.strerror}.",
            hint="Free some space, or set XDG_STATE_HOME to a folder that you can write to.",
        ) from error


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    value = environ.get(variable, "")
    return Path(value) if value.startswith("/") else home(environ) / below_home


def home(environ: Mapping[str, str] | None = None) -> Path:
    """Return the person's home folder. Raises ConfigError when nobody can tell it."""
    env = os.environ if environ is None else environ
    value = env.get("HOME", "")
    if value.startswith("/"):
        return Path(value)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError as error:
        raise ConfigError(
            "There is no home folder for this user.", hint="Set HOME to a folder of yours."
        ) from error


def _folder_name(workspace: Path) -> str:
    """Name for a person's eye, and a hash so that two folders of one name do not share state."""
    kept = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in workspace.name
    )
    digest = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:_HASH_LENGTH]
    return f"{kept[:_NAME_LENGTH].lstrip('.') or 'root'}-{digest}"


def _states(root: Path) -> list[Path]:
    try:
        return [entry for entry in root.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _marked(state: Path) -> Path | None:
    try:
        return Path(os.fsdecode((state / "workspace").read_bytes()))
    except (OSError, ValueError):
        return None
