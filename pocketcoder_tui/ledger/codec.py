"""An event as a line of JSON and back, exactly.

The text is ASCII: every other character is a ``\\uXXXX`` escape, so a lone surrogate (half of a
character, as in a path that is not UTF-8) is kept like any other, though UTF-8 has no form for it.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.events import Durable

DEPTH_LIMIT = 200
"""Levels of nesting in one event; JSON readers that recurse fail at about 1,000."""

_EVENT: TypeAdapter[Durable] = TypeAdapter(Annotated[Durable, Field(discriminator="kind")])


def encode(event: Durable) -> str:
    """Write an event as one line of ASCII JSON, and see that it reads back as the same event.

    Raises LedgerError for what JSON cannot hold exactly: NaN and infinities, keys that are not
    text, other types than JSON's, more than DEPTH_LIMIT levels, whole numbers of more than 4,300
    digits (which Python does not read back).
    """
    body = _dumps(event)
    if decode(body) != event:
        raise LedgerError(f"A {event.kind} event holds a value of the wrong type.")
    return body


def as_object(event: object) -> dict[str, object]:
    """An event, a dataclass, as the JSON object that ``encode`` would write.

    Raises LedgerError for what JSON cannot hold.
    """
    plain = _plain(event, 0)
    assert isinstance(plain, dict)  # a dataclass becomes an object
    return plain


def encode_json(value: Mapping[str, object]) -> str:
    """Write a JSON object as ASCII, by the same rules and with the same errors as ``encode``."""
    return _dumps(value)


def decode(body: str) -> Durable:
    """Read an event. Raises LedgerError when the text is no event that this version knows."""
    return understood(parsed(body))


def parsed(body: str) -> Any:
    """Read JSON text. Raises LedgerError when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from error


def understood(whole: object) -> Durable:
    """Make the event that JSON describes. Raises LedgerError when it is none of this version."""
    try:
        return _EVENT.validate_python(whole)
    except (ValueError, RecursionError) as error:
        raise _unreadable(type(error).__name__) from error


def _unreadable(why: str) -> LedgerError:
    return LedgerError(
        f"An event in the ledger cannot be read ({why}).",
        hint="The file may be damaged, or written by another version. Run: pocketcoder doctor.",
    )


def _dumps(value: object) -> str:
    try:
        return json.dumps(_plain(value, 0), allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise LedgerError(f"A number cannot be kept: {error}.") from error


def _plain(value: object, depth: int) -> object:
    """Turn dataclasses and tuples into objects and lists; hand what is inside a JSON object on."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), depth + 1) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return str(value)
    return _json(value, depth)


def _json(value: object, depth: int) -> object:
    """Check that a value is JSON and nothing else; a tuple in it would come back as a list."""
    if depth > DEPTH_LIMIT:
        raise LedgerError(f"A value is nested deeper than {DEPTH_LIMIT} levels.")
    match value:
        case Mapping():
            for key in value:
                if type(key) is not str:
                    raise LedgerError(f"A key of a JSON object is not text but {_named(key)}.")
            return {key: _json(item, depth + 1) for key, item in value.items()}
        case list():
            return [_json(item, depth + 1) for item in value]
        case None:
            return None
        case _ if type(value) in (str, int, float, bool):
            return value
    raise LedgerError(f"A value is not JSON but {_named(value)}.")


def _named(value: object) -> str:
    return type(value).__name__
