"""What a text of bash is made of, as far as the gatekeeper asks."""

from dataclasses import dataclass, field

from pocketcoder_tui.gatekeeper.reading.words import Word

__all__ = ["Assignment", "Definition", "Document", "Reading", "Redirect", "Simple"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable that is set, for one command or for the shell."""

    name: str
    start: int
    end: int
    value: str | None
    """None when it depends on the shell."""
    alone: bool
    """True when it stays set in the shell."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """An input or output that is led elsewhere."""

    operator: str
    target: Word
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A here-document or here-string that a command reads."""

    text: str | None
    """None when the shell replaces a part of it."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A function that is defined for the rest of the shell's life."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Simple:
    """One simple command: a program or builtin and its arguments."""

    words: list[Word]
    """The program first; never empty."""
    start: int
    end: int
    background: bool = False
    optional: bool = False
    """True inside a branch, a loop, a pipeline or a process of its own: its ``cd`` may not last."""
    pipe: int = -1
    """Which pipeline of the text it is part of; -1 for none."""
    place: int = 0
    """Its place in that pipeline, from 0."""
    documents: list[Document] = field(default_factory=list)
    """What it reads from the text itself."""


@dataclass(slots=True)
class Reading:
    """What a text says, or why it cannot be read."""

    text: str
    why: str = ""
    """Why it cannot be read, one sentence; then everything else is empty."""
    commands: list[Simple] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
