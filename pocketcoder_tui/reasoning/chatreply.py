"""One reply in chunks of chat completions, read into parts; nothing of its shape is trusted."""

import json
from collections.abc import Mapping
from typing import Any

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import UNREADABLE, Finish, PartKind, ReplyFinished, ReplyPart, Usage
from pocketcoder_tui.reasoning import faults
from pocketcoder_tui.reasoning.chatwire import REASONING
from pocketcoder_tui.reasoning.lines import load_object

__all__ = ["ChatReply"]

_FINISHES = {
    "stop": Finish.DONE,
    "tool_calls": Finish.DONE,
    "function_call": Finish.DONE,
    "length": Finish.LIMIT,
    "content_filter": Finish.REFUSED,
    "error": Finish.CUT,
}

Wire = dict[str, Any]


class ChatReply:
    """What has been read of one reply; calls are handed out once they are whole."""

    def __init__(self) -> None:
        self.begun = False
        """True once a part was handed out."""
        self.usage = Usage()
        self._calls: list[Wire] = []
        self._places: dict[int, int] = {}
        """Where the call with a number is; the newest of those that carry none is at -1."""
        self._reason = ""
        self._refused = False
        self._done = False

    def parts(self, chunk: Mapping[str, Any]) -> list[ReplyPart]:
        """Take a chunk; choices, delta and each field may be absent, null or of another type."""
        self._done = self._done or chunk.get("done") is True
        if isinstance(counts := chunk.get("usage"), Mapping):
            self.usage = _usage(counts)
        choice = next(faults.mappings(chunk.get("choices")), {})
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._reason = reason
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, Mapping):
            return []
        found = [*_thoughts(delta), *self._texts(delta)]
        for raw in faults.mappings(delta.get("tool_calls")):
            self._grow(raw)
        self.begun = self.begun or bool(found)
        return found

    def calls(self) -> list[ReplyPart]:
        """The calls of a reply that is over, in their order."""
        return [_call_part(raw) for raw in self._calls if self._whole]

    @property
    def _whole(self) -> bool:
        """A call of a reply that was cut may lack its end."""
        return bool(self._done or self._reason) and self._reason not in {"length", "error"}

    def ending(self) -> ReplyFinished:
        """Say how the reply ended once the stream is over."""
        if self._refused:
            return ReplyFinished(Finish.REFUSED, "", self.usage)
        if not self._reason and not (self._done and (self.begun or self._calls)):
            return ReplyFinished(Finish.CUT, "The answer stopped before its end.", self.usage)
        finish = _FINISHES.get(self._reason or "stop", Finish.OTHER)
        detail = "" if finish is Finish.DONE else faults.one_line(self._reason)
        return ReplyFinished(finish, detail, self.usage)

    def _texts(self, delta: Mapping[str, Any]) -> list[ReplyPart]:
        found = []
        for name in ("content", "refusal"):
            text = delta.get(name)
            if isinstance(text, list):  # Mistral sends content as a list of parts
                pieces = (piece.get("text") for piece in faults.mappings(text))
                text = "".join(piece for piece in pieces if isinstance(piece, str))
            if isinstance(text, str) and text:
                self._refused = self._refused or name == "refusal"
                found.append(ReplyPart(PartKind.TEXT, text, raw={name: text}))
        return found

    def _grow(self, raw: Mapping[str, Any]) -> None:
        """Put a piece of a call where it belongs.

        Pieces are told apart by index; servers that number nothing, or all calls alike, give each
        call another id and send it whole.
        """
        at = self._place(raw)
        if at is None:
            self._calls.append({"function": {"name": "", "arguments": ""}})
            at = len(self._calls) - 1
        self._places[_index(raw)] = at
        call = self._calls[at]
        kept = {k: v for k, v in raw.items() if k not in {"index", "function", "id"} and v}
        call |= kept
        if isinstance(id_ := raw.get("id"), str) and id_:
            call["id"] = id_
        function = raw.get("function")
        if isinstance(function, Mapping):
            _grow_function(call["function"], function)

    def _place(self, raw: Mapping[str, Any]) -> int | None:
        at = self._places.get(_index(raw))
        id_ = raw.get("id")
        if at is None or not isinstance(id_, str) or not id_:
            return at
        before = self._calls[at].get("id")
        return None if before and before != id_ else at


def _index(raw: Mapping[str, Any]) -> int:
    index = raw.get("index")
    return index if isinstance(index, int) else -1


def _grow_function(grown: Wire, function: Mapping[str, Any]) -> None:
    name, arguments = function.get("name"), function.get("arguments")
    if isinstance(name, str) and name != grown["name"]:
        grown["name"] += name
    if isinstance(arguments, Mapping):
        arguments = json.dumps(dict(arguments))
    if isinstance(arguments, str):
        grown["arguments"] += arguments


def _thoughts(delta: Mapping[str, Any]) -> list[ReplyPart]:
    """Some servers send one thought in two fields: the first one with words is shown."""
    raw = {n: t for n in REASONING if isinstance(t := delta.get(n), str) and t}
    details = delta.get("reasoning_details")
    signed = {"reasoning_details": details} if isinstance(details, list) and details else {}
    if raw:
        first = next(iter(raw.items()))
        return [ReplyPart(PartKind.THOUGHT, first[1], raw={first[0]: first[1], **signed})]
    return [ReplyPart(PartKind.OTHER, raw=signed)] if signed else []


def _call_part(raw: Wire) -> ReplyPart:
    text = raw["function"]["arguments"]
    try:
        arguments = load_object(text) if text.strip() else {}
    except ValueError:
        # The tool refuses it and says why, so the model can write it again.
        arguments = {UNREADABLE: text}
    call = ToolCall(new_id(), raw["function"]["name"], arguments, raw.get("id"))
    return ReplyPart(PartKind.CALL, call=call, raw=raw)


def _usage(counts: Mapping[str, Any]) -> Usage:
    """Completion tokens include the reasoning; here they are told apart."""
    asked, said = counts.get("prompt_tokens_details"), counts.get("completion_tokens_details")
    thoughts = _count(said, "reasoning_tokens")
    output = _count(counts, "completion_tokens")
    return Usage(
        prompt=_count(counts, "prompt_tokens"),
        cached=_count(asked, "cached_tokens"),
        output=max(output - thoughts, 0),
        thoughts=thoughts,
        total=_count(counts, "total_tokens"),
    )


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return value if isinstance(value, int) and value >= 0 else 0
