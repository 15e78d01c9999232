"""One reply in events of the messages API, read into parts; nothing of its shape is trusted."""

from collections.abc import Mapping
from typing import Any

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import UNREADABLE, Finish, PartKind, ReplyFinished, ReplyPart, Usage
from pocketcoder_tui.reasoning import faults
from pocketcoder_tui.reasoning.blocks import BLOCK
from pocketcoder_tui.reasoning.lines import load_object

__all__ = ["BlocksReply"]

_FINISHES = {
    "end_turn": Finish.DONE,
    "tool_use": Finish.DONE,
    "stop_sequence": Finish.DONE,
    "max_tokens": Finish.LIMIT,
    "model_context_window_exceeded": Finish.LIMIT,
    "refusal": Finish.REFUSED,
}
"""Stop reasons; ``pause_turn`` and words that are not here become OTHER, and the person goes on."""

Wire = dict[str, Any]


class BlocksReply:
    """What has been read of one reply."""

    def __init__(self) -> None:
        self.begun = False
        """True once a part was handed out."""
        self.usage = Usage()
        self._counts: dict[str, int] = {}
        self._open: dict[int, Wire] = {}
        self._json: dict[int, list[str]] = {}
        self._calls: list[ReplyPart] = []
        self._reason = ""
        self._why = ""

    def parts(self, event: Mapping[str, Any]) -> list[ReplyPart]:
        """Take an event; each field may be absent, null or of another type."""
        match event.get("type"):
            case "message_start":
                self._count(_object(event.get("message")).get("usage"))
            case "message_delta":
                self._count(event.get("usage"))
                self._stop(_object(event.get("delta")))
            case "content_block_start":
                return self._given(self._start(_index(event), event.get("content_block")))
            case "content_block_delta":
                return self._given(self._grow(_index(event), _object(event.get("delta"))))
            case "content_block_stop":
                return self._given(self._close(_index(event)))
        return []

    def calls(self) -> list[ReplyPart]:
        """The calls of a reply that is over, in their order; none when it was cut."""
        return self._calls if self._reason not in {"", "max_tokens", "refusal"} else []

    def ending(self) -> ReplyFinished:
        """Say how the reply ended once the stream is over."""
        if not self._reason:
            return ReplyFinished(Finish.CUT, "The answer stopped before its end.", self.usage)
        finish = _FINISHES.get(self._reason, Finish.OTHER)
        detail = "" if finish is Finish.DONE else faults.one_line(self._why or self._reason)
        return ReplyFinished(finish, detail, self.usage)

    def _given(self, part: ReplyPart | None) -> list[ReplyPart]:
        self.begun = self.begun or part is not None
        return [] if part is None else [part]

    def _start(self, index: int, block: object) -> ReplyPart | None:
        block = dict(_object(block))
        match block.get("type"):
            case "text":
                return _text(index, block.get("text"))
            case "thinking":
                return _thinking(index, block.get("thinking"))
            case "redacted_thinking":
                return ReplyPart(PartKind.OTHER, raw={BLOCK: index, **block})
            case str():
                self._open[index], self._json[index] = block, []
        return None

    def _grow(self, index: int, delta: Mapping[str, Any]) -> ReplyPart | None:
        match delta.get("type"):
            case "text_delta":
                return _text(index, delta.get("text"))
            case "thinking_delta":
                return _thinking(index, delta.get("thinking"))
            case "signature_delta" if isinstance(signature := delta.get("signature"), str):
                raw = {BLOCK: index, "type": "thinking", "signature": signature}
                return ReplyPart(PartKind.THOUGHT, raw=raw)
            case "input_json_delta" if isinstance(piece := delta.get("partial_json"), str):
                self._json.setdefault(index, []).append(piece)
        return None

    def _close(self, index: int) -> ReplyPart | None:
        """A call is whole with its block's end; what we do not know is kept as it is."""
        block, text = self._open.pop(index, None), "".join(self._json.pop(index, []))
        if block is None:
            return None
        given = block.get("input")
        arguments: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        if text.strip():
            try:
                arguments = load_object(text)
            except ValueError:
                # The tool refuses it and says why, so the model can write it again.
                arguments = {UNREADABLE: text}
        raw = {BLOCK: index, **block}
        if block["type"] != "tool_use":
            return ReplyPart(PartKind.OTHER, raw=raw | ({"input": arguments} if text else {}))
        name, id_ = block.get("name"), block.get("id")
        call = ToolCall(
            new_id(),
            name if isinstance(name, str) else "",
            arguments,
            id_ if isinstance(id_, str) and id_ else None,
        )
        self._calls.append(ReplyPart(PartKind.CALL, call=call, raw=raw))
        return None

    def _stop(self, delta: Mapping[str, Any]) -> None:
        reason, details = delta.get("stop_reason"), _object(delta.get("stop_details"))
        if isinstance(reason, str) and reason:
            self._reason = reason
        if isinstance(why := details.get("explanation"), str):
            self._why = why

    def _count(self, counts: object) -> None:
        """Running totals; cached tokens are told beside the others."""
        found = {k: v for k, v in _object(counts).items() if isinstance(v, int) and v >= 0}
        self._counts |= found
        told = self._counts.get
        cached = told("cache_read_input_tokens", 0)
        prompt = told("input_tokens", 0) + cached + told("cache_creation_input_tokens", 0)
        output = told("output_tokens", 0)
        self.usage = Usage(prompt=prompt, cached=cached, output=output, total=prompt + output)


def _text(index: int, text: object) -> ReplyPart | None:
    if not isinstance(text, str) or not text:
        return None
    return ReplyPart(PartKind.TEXT, text, raw={BLOCK: index, "type": "text", "text": text})


def _thinking(index: int, text: object) -> ReplyPart | None:
    """A block of thinking may be empty but for its signature."""
    if not isinstance(text, str):
        return None
    raw = {BLOCK: index, "type": "thinking", "thinking": text}
    return ReplyPart(PartKind.THOUGHT, text, raw=raw)


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else -1


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
