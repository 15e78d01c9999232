"""What a rule is: what it is about, what it says, and how long it holds."""

import json
from dataclasses import dataclass
from enum import StrEnum

from pocketcoder_tui.core.actions import Outcome, canonical
from pocketcoder_tui.core.hosts import host_name
from pocketcoder_tui.gatekeeper.rules.exact import exact_words, written

__all__ = [
    "HALF_HOUR",
    "Beginning",
    "Command",
    "Host",
    "Place",
    "Rule",
    "Scope",
    "Subject",
    "read_stored",
]

HALF_HOUR = 1_800.0
"""Seconds for which a rule of the scope TIME is offered."""


class Scope(StrEnum):
    """How long a rule holds. "Once" is a decision and makes no rule."""

    SESSION = "session"
    WORKSPACE = "workspace"
    TIME = "time"
    """Until ``Rule.expires``."""
    USES = "uses"
    """For the next ``Rule.uses`` actions."""


@dataclass(frozen=True, slots=True)
class Command:
    """Exactly this argument list, in exactly this directory; only to allow.

    Raises ValueError for a list that is no simple command in the safe alphabet.
    """

    argv: tuple[str, ...]
    cwd: str
    """Absolute, in the box: ``make test`` elsewhere is another command."""

    def __post_init__(self) -> None:
        if not self.argv or exact_words(written(self.argv)) != self.argv:
            raise ValueError(f"no rule can be about this command: {self.argv!r}")
        if not _is_plain_path(self.cwd):
            raise ValueError(f"no rule can be about this directory: {self.cwd!r}")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Any simple command that begins with these words, wherever it stands; only to deny."""

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.words or not all(self.words):
            raise ValueError("a rule needs at least one word, and no empty one")


@dataclass(frozen=True, slots=True)
class Place:
    """A file tool on exactly this path, or on everything below it.

    Raises ValueError for a path that is not absolute and plain.
    """

    tool: str
    path: str
    """Absolute, in the box, without ``.``, ``..`` and a final slash."""
    below: bool = False
    """True for the folder with all that is in it."""

    def __post_init__(self) -> None:
        if not self.tool or not _is_plain_path(self.path):
            raise ValueError(f"no rule can be about this path: {self.path!r}")


@dataclass(frozen=True, slots=True)
class Host:
    """Exactly this host, for programs in the box. Raises ValueError for what is no host's name."""

    name: str

    def __post_init__(self) -> None:
        if host_name(self.name) != self.name:
            raise ValueError(f"no rule can be about this host: {self.name!r}")


Subject = Command | Beginning | Place | Host


@dataclass(frozen=True, slots=True)
class Rule:
    """One remembered answer. Raises ValueError when the answer does not fit the subject."""

    id: str
    outcome: Outcome
    subject: Subject
    scope: Scope
    made: float
    """Unix seconds."""
    session_id: str = ""
    """The session that it was made in; one of the scope SESSION holds in no other."""
    expires: float = 0.0
    """Unix seconds, for the scope TIME."""
    uses: int = 0
    """How many actions it decides in all, for the scope USES."""
    used: int = 0
    """How many actions it has decided; one with 0 after a while never fires."""
    disabled: bool = False

    def __post_init__(self) -> None:
        unfit = Beginning if self.outcome is Outcome.ALLOW else Command
        if isinstance(self.subject, unfit):
            raise ValueError(f"a rule that says {self.outcome} cannot be about {self.subject!r}")

    @property
    def stored(self) -> str:
        """The exact text that is stored: what it says and about what, as JSON."""
        return canonical({self.outcome.value: _as_json(self.subject)}).decode("utf-8")

    def rests(self, now: float, session_id: str) -> str:
        """Why the rule does not hold now, one sentence; empty when it does."""
        if self.disabled:
            return "It is switched off."
        match self.scope:
            case Scope.SESSION if session_id != self.session_id:
                return "It was made for another session."
            case Scope.TIME if now >= self.expires or now < self.made:
                return "Its time is over."
            case Scope.USES if self.used >= self.uses:
                return "It was used as often as it was made for."
            case _:
                return ""


def read_stored(text: str) -> tuple[Outcome, Subject]:
    """Read back what ``Rule.stored`` wrote. Raises ValueError for anything else."""
    try:
        [(said, about)] = json.loads(text).items()
        outcome, subject = Outcome(said), _from_json(about)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is no stored rule: {text[:200]!r}") from error
    if Rule("", outcome, subject, Scope.WORKSPACE, 0.0).stored != text:
        raise ValueError(f"this is no stored rule: {text[:200]!r}")
    return outcome, subject


def _as_json(subject: Subject) -> dict[str, object]:
    match subject:
        case Command(argv, cwd):
            return {"argv": list(argv), "cwd": cwd}
        case Beginning(words):
            return {"begins": list(words)}
        case Place(tool, path, below):
            return {"tool": tool, "below" if below else "path": path}
        case Host(name):
            return {"host": name}


def _from_json(about: dict[str, object]) -> Subject:
    match about:
        case {"argv": list(argv), "cwd": str(cwd)}:
            return Command(tuple(str(word) for word in argv), cwd)
        case {"begins": list(words)}:
            return Beginning(tuple(str(word) for word in words))
        case {"tool": str(tool), "below": str(path)}:
            return Place(tool, path, below=True)
        case {"tool": str(tool), "path": str(path)}:
            return Place(tool, path)
        case {"host": str(name)}:
            return Host(name)
        case _:
            raise ValueError("this is no subject of a rule")


def _is_plain_path(path: str) -> bool:
    """Absolute, printable ASCII, and the only way to write it."""
    if not path.startswith("/") or not (path.isascii() and path.isprintable()):
        return False
    parts = path.split("/")[1:]
    return path == "/" or not any(part in ("", ".", "..") for part in parts)
