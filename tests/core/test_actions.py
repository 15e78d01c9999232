"""An action's digest covers everything that decides what would run, and nothing else."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pocketcoder_tui.core.actions import Action, ActionState, ToolCall, canonical

ACTION = Action(
    id="a",
    session_id="s",
    turn_id="t",
    reply_id="r",
    call=ToolCall("c", "shell", {"command": "ls", "timeout": 5}),
    cwd="/workspace",
    container="box",
    base="base",
    at=1.0,
)

TEXT = st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)


def test_the_digest_is_the_sha256_of_a_fixed_form() -> None:
    """Written out by hand: a decision made today must still match after an update."""
    form = '["shell",{"command":"ls","timeout":5},"/workspace","box","base"]'
    assert ACTION.digest == hashlib.sha256(form.encode()).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        replace(ACTION, call=replace(ACTION.call, tool="read_file")),
        replace(ACTION, call=replace(ACTION.call, arguments={"command": "ls "})),
        replace(ACTION, call=replace(ACTION.call, arguments={"command": "ls"})),
        replace(ACTION, cwd="/"),
        replace(ACTION, container="another"),
        replace(ACTION, base=""),
        replace(ACTION, cwd="/workspacebox", container=""),
    ],
)
def test_anything_that_changes_what_runs_changes_the_digest(other: Action) -> None:
    assert other.digest != ACTION.digest


def test_what_does_not_change_what_runs_is_left_out() -> None:
    other = Action(
        "b", "x", "y", "z", replace(ACTION.call, id="d", wire_id="w"), "/workspace", "box", "base"
    )
    assert other.digest == ACTION.digest


@given(OBJECTS)
def test_the_order_of_keys_does_not_matter(arguments: dict[str, Any]) -> None:
    backwards = dict(reversed(arguments.items()))
    assert canonical(arguments) == canonical(backwards)


@given(OBJECTS)
def test_the_canonical_form_is_json_and_loses_nothing(arguments: dict[str, Any]) -> None:
    form = canonical(arguments)
    assume(b"Infinity" not in form)
    assert repr(json.loads(form)) == repr(json.loads(json.dumps(arguments, sort_keys=True)))


@given(OBJECTS, OBJECTS)
def test_different_arguments_have_different_digests(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assume(json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0, False), ("1", 1), (None, "")])
def test_values_that_python_calls_equal_are_told_apart(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_half_a_character_has_no_digest() -> None:
    broken = replace(ACTION, call=replace(ACTION.call, arguments={"command": "\ud800"}))
    with pytest.raises(UnicodeEncodeError):
        _ = broken.digest


def test_an_action_is_open_until_it_has_an_end() -> None:
    still_open = {state.value for state in ActionState if state.is_open}
    assert still_open == {"proposed", "waiting", "allowed", "dispatched"}
