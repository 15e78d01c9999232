"""The tour as a Model: deterministic, without a service, and without memory of its own.

What comes next is read from the messages alone, so a tour that was interrupted goes on where it
was. Each part's raw form names its step, because arguments may be edited before they are allowed.
"""

import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import (
    Finish,
    Message,
    ModelRequest,
    PartKind,
    ReplyFinished,
    ReplyPart,
    Role,
)
from pocketcoder_tui.reasoning.tour_script import (
    AFTERWARDS,
    GREETING,
    STEPS,
    Outcome,
    Step,
    acknowledged,
    outcome_of,
)

__all__ = ["TourModel"]

PROVIDER = "tour"

_START, _END = "start", "end"
_PIECES = re.compile(r"\S+\s*|\s+")
_AGAIN = re.compile(r"\bagain\b", re.IGNORECASE)


class TourModel:
    """The scripted model."""

    @property
    def provider(self) -> str:
        """tour"""
        return PROVIDER

    @property
    def label(self) -> str:
        """Says that it is scripted."""
        return "tour (scripted)"

    @property
    def name(self) -> str:
        """The name in requests."""
        return "tour"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        """Yield the next step of the tour in small pieces, then ReplyFinished. Raises nothing."""
        so_far = _read(request.messages)
        reply = _next(so_far)
        for piece in _PIECES.findall(reply.text):
            yield ReplyPart(PartKind.TEXT, piece, raw={"text": piece, "step": reply.mark})
        if reply.step is not None:
            call = ToolCall(new_id(), reply.step.tool, dict(reply.step.arguments))
            yield ReplyPart(PartKind.CALL, call=call, raw={"step": reply.step.id})
        yield ReplyFinished(Finish.DONE)

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class _SoFar:
    """Where the tour is."""

    started: bool = False
    ended: bool = False
    calls: dict[str, str] = field(default_factory=dict)
    """Step id to call id, in the order in which the steps were taken."""
    responses: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By call id."""
    asked: str = ""
    """What the person said last; empty when the last message is a result."""

    def outcome(self, step_id: str) -> Outcome:
        """What became of a step; LOST for one that was not taken."""
        return outcome_of(self.response(step_id))

    def response(self, step_id: str) -> Mapping[str, Any] | None:
        """The result of a step."""
        return self.responses.get(self.calls.get(step_id, ""))


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    mark: str = ""
    step: Step | None = None


def _read(messages: Iterable[Message]) -> _SoFar:
    """Find where the newest tour in a history is; other providers' messages are passed over."""
    so_far = _SoFar()
    for message in messages:
        if message.role is Role.USER:
            so_far.asked = "" if message.note else message.text
            so_far.responses |= {r.call.id: r.response for r in message.results}
            continue
        if message.provider != PROVIDER:
            continue
        for part in message.parts:
            mark = part.raw.get("step")
            if mark == _START and (so_far.ended or not so_far.started):
                so_far = _SoFar(started=True, responses=so_far.responses)
            so_far.ended = so_far.ended or mark == _END
            if part.call is not None and isinstance(mark, str):
                so_far.calls[mark] = part.call.id
    return so_far


def _next(so_far: _SoFar) -> _Reply:
    if so_far.ended and not _AGAIN.search(so_far.asked):
        return _Reply(AFTERWARDS)
    if so_far.ended or not so_far.started:
        return _Reply(f"{GREETING}{STEPS[0].before}\n", _START, STEPS[0])
    said = [_unanswered(so_far.asked)]
    taken = [step for step in STEPS if step.id in so_far.calls]
    if taken:
        said.append(acknowledged(taken[-1], so_far.response(taken[-1].id)))
    step = _following(taken, so_far)
    said.append(step.before if step is not None else _closing(so_far))
    text = "\n\n".join(words for words in said if words) + "\n"
    return _Reply(text, "going" if step is not None else _END, step)


def _following(taken: list[Step], so_far: _SoFar) -> Step | None:
    """The first step after the last one taken whose conditions hold."""
    begin = STEPS.index(taken[-1]) + 1 if taken else 0
    for step in STEPS[begin:]:
        if step.needs and so_far.outcome(step.needs) is not Outcome.OK:
            continue
        if step.instead_of and so_far.outcome(step.instead_of) is Outcome.OK:
            continue
        return step
    return None


def _unanswered(asked: str) -> str:
    if not asked:
        return ""
    return "I got your message, but I am scripted and cannot answer it. I go on with the tour."


def _closing(so_far: _SoFar) -> str:
    words = {
        Outcome.OK: "allowed, done",
        Outcome.DENIED: "denied, did not run",
        Outcome.FAILED: "allowed, failed",
        Outcome.LOST: "no result",
    }
    rows = [
        f"- `{step.tool}` ({step.id}): {words[so_far.outcome(step.id)]}"
        for step in STEPS
        if step.id in so_far.calls
    ]
    kept = (
        "\n\nThe program is in `pocketcoder-tour/`; delete the folder when you like."
        if so_far.outcome("write") is Outcome.OK
        else ""
    )
    return (
        "## That was the tour\n\n" + "\n".join(rows) + kept + "\n\n"
        "Every decision and result is kept and comes back with `pocketcoder --continue`. Enter a "
        "key to work with a real model."
    )
