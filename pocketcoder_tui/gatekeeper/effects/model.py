"""What an action will do, as sentences with the place in its text that each is about."""

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Effect", "Findings", "Kind", "Report", "Span"]

Span = tuple[int, int]
"""Start and end in the action's text, in characters; (0, 0) when it is about the whole."""


class Kind(StrEnum):
    """What an effect is about, the most important first; rows are shown in this order."""

    DANGER = "danger"
    """A form that has destroyed work before, or that hides what it does. Marked, not banned."""
    UNREAD = "unread"
    """What it does cannot be told from its text."""
    GUARDED = "guarded"
    """It touches a file that the person's machine runs later."""
    NETWORK = "network"
    PRIVILEGE = "privilege"
    SECRET = "secret"
    """It reads a file that often holds keys; what is read goes to the model."""
    DELETES = "deletes"
    WRITES = "writes"
    OUTSIDE = "outside"
    """It leaves the workspace, within the box."""
    CODE = "code"
    """It runs code of the workspace."""
    UNKNOWN = "unknown"
    """A program, or a file name, of which nothing is known here."""
    SHELL = "shell"
    """It changes what later commands of the shell, or later programs of the box, do."""
    BACKGROUND = "background"
    REDIRECT = "redirect"
    SIZE = "size"
    RUNS = "runs"
    """One of several commands in the text."""


_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an action will do. The sentence may hold text of the action: untrusted."""

    kind: Kind
    sentence: str
    start: int = 0
    end: int = 0
    """Offsets in the action's text, in characters; both 0 when it is about the whole."""
    target: str = ""
    """The path or host, as far as it is known: an absolute path in the box, or a host's name."""
    certain: bool = True
    """False when what it is about is known only when it runs."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that could be told of an action, in the order in which it is shown."""

    effects: tuple[Effect, ...]

    def of(self, *kinds: Kind) -> tuple[Effect, ...]:
        """The effects of some kinds."""
        return tuple(effect for effect in self.effects if effect.kind in kinds)


@dataclass(slots=True)
class Findings:
    """Collects effects, each once."""

    _found: dict[Effect, None] = field(default_factory=dict)

    def add(
        self,
        kind: Kind,
        sentence: str,
        span: Span = (0, 0),
        target: str = "",
        *,
        certain: bool = True,
    ) -> None:
        """Note an effect."""
        self._found.setdefault(Effect(kind, sentence, *span, target, certain))

    def report(self) -> Report:
        """Everything noted: the most important kinds first, then in the order of the text."""
        ordered = sorted(self._found, key=lambda effect: (_ORDER[effect.kind], effect.start))
        return Report(tuple(ordered))
