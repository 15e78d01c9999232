"""A stored conversation goes back byte for byte, whatever became of it on the way.

Events are written as the ledger writes them, read back, folded by the engine and put on the wire.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, ToolCall
from pocketcoder_tui.core.model import Finish, Usage
from pocketcoder_tui.engine.history import history
from pocketcoder_tui.ledger.codec import decode, encode
from pocketcoder_tui.reasoning.contents import part_from_wire, to_contents
from tests.ledger.samples import OPENING, action, ended, life_to

Wire = dict[str, Any]

SIGNED = st.fixed_dictionaries({}, optional={"thoughtSignature": st.text(max_size=8)})
WORDS = st.fixed_dictionaries({"text": st.text()}, optional={"thought": st.booleans()})
ARGUMENTS = st.dictionaries(
    st.text(max_size=4),
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
CALLS = st.fixed_dictionaries(
    {"name": st.sampled_from(["shell", "read"]), "args": ARGUMENTS},
    optional={"id": st.text(min_size=1, max_size=4)},
).map(lambda call: {"functionCall": call})
STRANGE = st.dictionaries(st.sampled_from(["inlineData", "later"]), ARGUMENTS, max_size=2)
PARTS = st.builds(lambda part, signed: part | signed, WORDS | CALLS | STRANGE, SIGNED)


@dataclass(frozen=True)
class Step:
    """One reply, what becomes of its calls, and what comes after it."""

    parts: list[Wire]
    fates: list[ActionState]
    edited: bool
    late: bool
    inherited: ev.Origin | None


STEPS = st.builds(
    Step,
    st.lists(PARTS, min_size=1, max_size=5),
    st.lists(st.sampled_from(ActionState), min_size=5, max_size=5),
    st.booleans(),
    st.booleans(),
    st.none() | st.sampled_from(ev.Origin),
)


def life(name: str, call: ToolCall, step: Step, fate: ActionState) -> Iterator[ev.Durable]:
    """What became of one call, perhaps with the person's words in place of the model's."""
    first = replace(action(name), call=call)
    if not step.edited:
        yield from life_to(first, fate)
        return
    yield from life_to(first, ActionState.SUPERSEDED)
    changed = replace(call, arguments={"command": "the person's"})
    second = replace(action(f"{name}-2"), call=changed, supersedes=first.id)
    proposal, *rest = life_to(second, fate)
    assert isinstance(proposal, ev.ActionProposed)
    yield replace(proposal, edited="ada")
    yield from rest


def story(steps: list[Step]) -> Iterator[ev.Durable]:
    """A session of these replies, as the engine records it."""
    yield from OPENING
    for number, step in enumerate(steps):
        said, reply = f"m{number}", f"r{number}"
        yield ev.MessageQueued(said, f"said {number}", 1.0)
        yield ev.MessagesTaken("t", (said,))
        yield ev.ReplyStarted("t", reply, "gemini", "flash", 1.0)
        parts = [part_from_wire(wire) for wire in step.parts]
        for place, part in enumerate(parts):
            yield ev.PartGrew(reply, f"{reply}-{place}", part.kind, part.text, part.raw, part.call)
        yield ev.ReplyEnded(reply, Finish.DONE, "", Usage(), 1.0)
        calls = [part.call for part in parts if part.call is not None]
        for place, (call, fate) in enumerate(zip(calls, step.fates, strict=False)):
            name = f"a{number}-{place}"
            yield from life(name, call, step, fate)
            if fate is ActionState.DISPATCHED and step.late:
                last = replace(action(f"{name}-2" if step.edited else name), call=call)
                yield ev.ActionReported(last.id, "so far", 0, 1.0, False, 1.0)
                yield ended(last)
        if step.inherited:
            yield ev.Inherited(step.inherited, "other", 1.0)


@given(st.lists(STEPS, min_size=1, max_size=4))
def test_every_reply_goes_back_as_it_came_and_every_call_is_answered(steps: list[Step]) -> None:
    before = [json.dumps(step.parts) for step in steps]
    stored = [decode(encode(event)) for event in story(steps)]
    contents = to_contents(history(stored))
    sent = [json.dumps(c["parts"]) for c in contents if c["role"] == "model"]
    assert sent == before
    for content, after in pairwise([*contents, {"role": "user", "parts": []}]):
        asked = [p["functionCall"] for p in content["parts"] if "functionCall" in p]
        given_back = [p["functionResponse"] for p in after["parts"] if "functionResponse" in p]
        if content["role"] == "model":
            names = [(call["name"], call.get("id")) for call in asked]
            assert [(one["name"], one.get("id")) for one in given_back] == names


@given(st.lists(STEPS, min_size=1, max_size=4))
def test_what_was_sent_once_is_the_beginning_of_all_that_is_sent_later(steps: list[Step]) -> None:
    stored = list(story(steps))
    for place, event in enumerate(stored):
        if isinstance(event, ev.ReplyStarted):
            sent = to_contents(history(stored[:place]))
            assert json.dumps(to_contents(history(stored))[: len(sent)]) == json.dumps(sent)


def test_the_result_of_a_stopped_turn_stays_as_it_was_sent() -> None:
    """The end of a command that was running then is told as news, not put in the past."""
    step = Step(
        [{"functionCall": {"name": "shell", "args": {"command": "make"}}}],
        [ActionState.DISPATCHED],
        edited=False,
        late=False,
        inherited=None,
    )
    stored = list(story([step, replace(step, parts=[{"text": "so"}])]))
    sent = to_contents(history(stored))
    later = to_contents(history([*stored, ended(action("a0-0"))]))
    assert later[: len(sent)] == sent
    assert "is over" in later[-1]["parts"][0]["text"]
