"""The wire form of a history, as a pure function."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.model import Message, PartKind, ReplyPart, Role, ToolResult
from pocketcoder_tui.reasoning.contents import STAND_IN, part_from_wire, to_contents

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text() | JSON,
        "thought": st.booleans() | JSON,
        "thoughtSignature": st.text() | JSON,
        "functionCall": JSON
        | st.fixed_dictionaries({}, optional={"name": JSON, "args": JSON, "id": JSON}),
    },
)
PARTS = st.builds(lambda known, other: other | known, KNOWN, st.dictionaries(st.text(), JSON))


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_parts_of_any_shape_go_back_equal_and_in_order(wire: list[dict[str, Any]]) -> None:
    before = json.dumps(wire)
    message = Message(Role.MODEL, parts=tuple(map(part_from_wire, wire)), provider="gemini")
    (content,) = to_contents([message])
    assert json.dumps(content) == json.dumps({"role": "model", "parts": wire})
    assert json.dumps(wire) == before


@given(PARTS)
def test_a_part_of_any_shape_has_a_kind_and_a_call_only_if_it_is_one(wire: dict[str, Any]) -> None:
    part = part_from_wire(wire)
    assert (part.call is not None) == (part.kind is PartKind.CALL)
    assert part.raw is wire


def test_another_models_signatures_are_replaced() -> None:
    wire = [
        {"text": "hm", "thought": True},
        {"functionCall": {"name": "shell", "args": {}, "id": "w1"}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "shell", "args": {}}},
    ]
    parts = tuple(map(part_from_wire, wire))
    message = Message(Role.MODEL, parts=parts, provider="gemini", model="one")
    assert to_contents([message], "one") == [{"role": "model", "parts": wire}]
    (rebuilt,) = to_contents([message], "two")
    first, second = rebuilt["parts"]
    assert first["thoughtSignature"] == STAND_IN
    assert first["functionCall"] == {"name": "shell", "args": {}}
    assert "thoughtSignature" not in second


def test_another_providers_message_is_rebuilt() -> None:
    first, second = ToolCall("1", "shell", {"command": "a"}, "theirs"), ToolCall("2", "list", {})
    parts = (
        ReplyPart(PartKind.THOUGHT, "hidden", raw={"step": "x"}),
        ReplyPart(PartKind.TEXT, "I ", raw={"step": "x"}),
        ReplyPart(PartKind.TEXT, "look.", raw={"step": "x"}),
        ReplyPart(PartKind.CALL, call=first, raw={"step": "x"}),
        ReplyPart(PartKind.CALL, call=second, raw={"step": "x"}),
    )
    results = (ToolResult(first, {"output": "o"}), ToolResult(second, {"error": "e"}))
    model, user = to_contents(
        [Message(Role.MODEL, parts=parts, provider="tour"), Message(Role.USER, results=results)]
    )
    assert model["parts"] == [
        {"text": "I look."},
        {
            "functionCall": {"name": "shell", "args": {"command": "a"}},
            "thoughtSignature": STAND_IN,
        },
        {"functionCall": {"name": "list", "args": {}}},
    ]
    assert user["parts"] == [
        {"functionResponse": {"name": "shell", "response": {"output": "o"}}},
        {"functionResponse": {"name": "list", "response": {"error": "e"}}},
    ]


def test_a_message_that_holds_nothing_is_left_out() -> None:
    empty = [Message(Role.USER), Message(Role.MODEL, provider="gemini"), Message(Role.MODEL)]
    thought = ReplyPart(PartKind.THOUGHT, "x")
    assert to_contents([*empty, Message(Role.MODEL, parts=(thought,), provider="tour")]) == []


def test_results_come_before_what_the_person_said_meanwhile() -> None:
    result = ToolResult(ToolCall("1", "shell", {}), {"output": ""})
    answers, words = to_contents([Message(Role.USER, text="and?", results=(result,))])
    assert "functionResponse" in answers["parts"][0]
    assert words["parts"] == [{"text": "and?"}]
