"""How a session travels to whoever watches it: events as JSON objects, and back. Pure.

The lines of ``session.watch``, in this order:

``{"session": {…}}``
    Head: which session. Comes again when something of it changed.
``{"past": [event, …]}``
    Of a long session what precedes the place from which its owner took it up, some at a time.
``{"history": [event, …]}``
    From that place to now.
``{"complete": true}``
    All that had happened was sent; what follows happens now.
``{"event": event}``, ``{"now": {"what": NAME, …}}``
    A durable event, or one that is only shown (core/transient.py, by the name of its class).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from pocketcoder_tui.core import transient
from pocketcoder_tui.core.errors import LedgerError, PocketCoderError
from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.transient import Transient
from pocketcoder_tui.ledger.codec import as_object, understood

PAGE_EVENTS = 200
PAGE_WEIGHT = 256_000
"""Characters of one page, unless a single event has more."""
EVENT_WEIGHT = 4_000_000
"""Characters of one event; in JSON they may be six times as many bytes (control.LINE_LIMIT)."""
_LATEST = 1e11
"""Unix seconds; no clock of ours says more, and calendars end."""
_SHOWN = (
    transient.OutputGrew,
    transient.ActionHeld,
    transient.ActionNeedsInput,
    transient.RetryWaiting,
    transient.BoxChanged,
    transient.ScreenChanged,
)
"""The transient events that travel; PastRead is the owner's own affair."""
_BY_NAME: Mapping[str, type[Transient]] = {kind.__name__: kind for kind in _SHOWN}

Line = dict[str, Any]
_Made = TypeVar("_Made")


class MirrorError(PocketCoderError):
    """What another pocketcoder tells of its session cannot be followed."""

    hint = "Use the same pocketcoder for both."


@dataclass(frozen=True, slots=True)
class Head:
    """Which session is watched."""

    id: str
    workspace: str
    title: str
    model: str
    mode: str
    """The owner's mode."""
    pid: int
    """The owner's process."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events that happened before somebody watched."""

    events: Sequence[Durable]
    past: bool
    """True before the place from which the owner took the session up."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Everything before now was sent."""


Item = Head | Page | Complete | Durable | Transient

_ADAPTERS: Mapping[type[Any], TypeAdapter[Any]] = {k: TypeAdapter(k) for k in (Head, *_SHOWN)}


def head_line(head: Head) -> Line:
    """Say which session it is."""
    return {"session": asdict(head)}


def pages(events: Iterable[Durable], *, past: bool) -> Iterator[Line]:
    """Lay events out in lines of a bounded size. Raises MirrorError for one that has no room."""
    name = "past" if past else "history"
    page: list[object] = []
    weight = 0
    for event in events:
        made, heavy = _object(event)
        if page and (weight + heavy > PAGE_WEIGHT or len(page) == PAGE_EVENTS):
            yield {name: page}
            page, weight = [], 0
        page.append(made)
        weight += heavy
    if page:
        yield {name: page}


def complete_line() -> Line:
    """Say that the history was told."""
    return {"complete": True}


def event_line(event: Durable | Transient) -> tuple[Line, int]:
    """Lay out what happens now; returns the line and its weight in characters.

    Raises MirrorError for an event that has no room.
    """
    made, weight = _object(event)
    if isinstance(event, _SHOWN):
        return {"now": {"what": type(event).__name__, **made}}, weight
    return {"event": made}, weight


def travels(event: Durable | Transient) -> bool:
    """Whether an event is for whoever watches."""
    return not isinstance(event, transient.PastRead)


def read_line(line: Mapping[str, Any]) -> Item:
    """Understand a line. Raises MirrorError for anything that is none."""
    try:
        item = _read(line)
    except (LedgerError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise MirrorError("What the other pocketcoder sent cannot be understood.") from error
    for part in item.events if isinstance(item, Page) else (item,):
        _require_sane(part)
    return item


def _read(line: Mapping[str, Any]) -> Item:
    match line:
        case {"session": dict(facts)}:
            return _made(Head, facts)
        case {"past": list(events)}:
            return Page([understood(event) for event in events], past=True)
        case {"history": list(events)}:
            return Page([understood(event) for event in events], past=False)
        case {"complete": True}:
            return Complete()
        case {"event": dict(event)}:
            return understood(event)
        case {"now": dict(facts)}:
            kind = _BY_NAME[facts["what"]]
            return _made(kind, {name: fact for name, fact in facts.items() if name != "what"})
    raise ValueError("no line of this version")


def _made(kind: type[_Made], facts: Mapping[str, Any]) -> _Made:
    """Raises ValueError (pydantic's own is one) when the facts do not fit."""
    made: _Made = _ADAPTERS[kind].validate_python(facts)
    return made


def _object(event: Durable | Transient) -> tuple[dict[str, object], int]:
    made = as_object(event)
    weight = _weight(made)
    if weight > EVENT_WEIGHT:
        raise MirrorError("Something in this session is too large to be watched.", hint="")
    return made, weight


def _weight(value: object) -> int:
    """Roughly the characters of a JSON value."""
    match value:
        case str():
            return len(value) + 2
        case Mapping():
            return sum(len(key) + 3 + _weight(item) for key, item in value.items())
        case list():
            return sum(map(_weight, value)) + 2
    return 8


def _require_sane(value: object) -> None:
    """Refuse numbers that no clock and no counter of ours makes. Raises MirrorError."""
    match value:
        case float() if not (math.isfinite(value) and abs(value) < _LATEST):
            raise MirrorError("The other pocketcoder sent a time that cannot be.")
        case int() if abs(value) >= 1 << 63:
            raise MirrorError("The other pocketcoder sent a number that cannot be.")
        case tuple():
            for item in value:
                _require_sane(item)
        case _ if is_dataclass(value):
            for field in fields(value):
                _require_sane(getattr(value, field.name))
