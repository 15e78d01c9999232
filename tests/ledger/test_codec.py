"""An event comes back from its JSON as it was, or is refused before it is written."""

import json
import math
import string
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from types import MappingProxyType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Ended, Execution
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.ledger.codec import DEPTH_LIMIT, decode, encode
from pocketcoder_tui.ledger.packing import pack, unpack

# Every code point, lone surrogates among them.
TEXT = st.text(st.characters(codec=None), max_size=20)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON_VALUES, max_size=4)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Every value that a field's annotation allows, defaults or not."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is UnionType:
        return st.one_of([values_of(one) for one in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return OBJECTS
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{f.name: values_of(hints[f.name]) for f in fields(hint)})
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return {
        str: TEXT,
        float: st.floats(allow_nan=False, allow_infinity=False),
        int: st.integers(-(2**200), 2**200),
        bool: st.booleans(),
        type(None): st.none(),
    }[hint]


KINDS: tuple[type, ...] = get_args(ev.Durable)
EVENTS = st.one_of([values_of(kind) for kind in KINDS])


def same(one: object, other: object) -> bool:
    """Equality that tells True from 1 and 1 from 1.0 and 0.0 from -0.0."""
    return one == other and repr(one) == repr(other)


@given(EVENTS)
def test_every_event_comes_back_exactly(event: ev.Durable) -> None:
    body = encode(event)
    assert body.isascii()
    assert "\n" not in body
    assert json.loads(body)["kind"] == event.kind
    assert same(decode(body), event)


@given(EVENTS)
def test_every_event_comes_back_exactly_from_its_parts(event: ev.Durable) -> None:
    body, output = pack(event)
    assert same(unpack(body, output), event)
    if output is not None:
        assert output.isascii()
        pruned = unpack(body, None)
        assert pruned.kind == event.kind
        assert "was pruned" in encode(pruned)
        assert pack(pruned) != (body, output)


@pytest.mark.parametrize("output", ["{}", "[]", "[1]", '["a","b","c"]', '"text"', "nonsense"])
def test_a_ruined_output_is_a_sentence(output: str) -> None:
    ended = ev.ActionEnded(Execution("a", Ended.FINISHED, output="text", coloured="text"))
    with pytest.raises(LedgerError, match="cannot be read"):
        unpack(pack(ended).body, output)


def test_every_kind_of_event_is_generated_and_has_its_own_name() -> None:
    assert len({kind.__dataclass_fields__["kind"].default for kind in KINDS}) == len(KINDS)


def part(raw: Any) -> ev.PartGrew:
    return ev.PartGrew("r", "p", PartKind.OTHER, "", {"value": raw})


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        [math.nan],
        (1, 2),
        {1: "number as key"},
        {None: 1},
        b"bytes",
        {1, 2},
        object(),
        10**5000,
        PartKind.TEXT,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_hold_exactly_is_refused(value: Any) -> None:
    with pytest.raises(LedgerError) as refusal:
        encode(part(value))
    assert refusal.value.sentence.endswith(".")


def test_numbers_of_the_events_own_are_held_to_the_same_rules() -> None:
    with pytest.raises(LedgerError):
        encode(ev.TurnStarted("t", math.nan))


def test_a_value_of_the_wrong_type_is_refused_before_it_makes_a_session_unreadable() -> None:
    queued = ev.MessageQueued("m", "text", 1.0)
    wrong: Any
    for wrong in (None, 5, ["text"]):
        with pytest.raises(LedgerError):
            encode(replace(queued, text=wrong))


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_has_a_limit_and_no_traceback() -> None:
    deep = part(nested(DEPTH_LIMIT - 5))
    assert decode(encode(deep)) == deep
    for levels in (DEPTH_LIMIT + 1, 100_000):
        with pytest.raises(LedgerError, match="nested"):
            encode(part(nested(levels)))


def test_a_mapping_that_is_no_dict_is_kept() -> None:
    event = ev.PartGrew("r", "p", PartKind.OTHER, "", MappingProxyType({"a": [1]}))
    assert decode(encode(event)) == ev.PartGrew("r", "p", PartKind.OTHER, "", {"a": [1]})


@given(st.text(string.printable, max_size=40) | EVENTS.map(encode).map(lambda body: body[:-1]))
def test_what_is_no_event_is_a_sentence(body: str) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        decode(body)


@pytest.mark.parametrize("body", ['{"kind":"from_the_future"}', "{}", "[" * 100_000, "1" * 5000])
def test_bodies_that_break_parsers_are_a_sentence(body: str) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        decode(body)
