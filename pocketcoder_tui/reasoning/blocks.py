"""How messages look on the wire of Anthropic's messages API; pure dictionaries.

The pieces of a reply are kept as they came, each with its block's number; a block that goes back is
its pieces put together, so text, thinking and signature are byte for byte the service's. Thinking
goes back only to the model that made it, and only with its signature ("Extended thinking").
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from pocketcoder_tui.core.model import Message, ModelRequest, PartKind, ReplyPart, Role, ToolResult

__all__ = ["BLOCK", "PROVIDER", "to_body", "to_messages"]

PROVIDER = "anthropic"
BLOCK = "block"
"""The key of a piece's raw form that holds its block's number; the service never sees it."""

_CACHED = {"cache_control": {"type": "ephemeral"}}
_ID = re.compile(r"[A-Za-z0-9_-]+")
_THINKING = {"thinking", "redacted_thinking"}

Wire = dict[str, Any]


def to_body(request: ModelRequest, model: str, *, level: str, max_tokens: int) -> Wire:
    """The request; tools, system and history are marked for the cache."""
    body: Wire = {"model": model, "max_tokens": max_tokens, "stream": True}
    if request.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)}
            for t in request.tools
        ]
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, **_CACHED}]
    messages = to_messages(request.messages, model)
    if messages:
        last = messages[-1]["content"]
        last[-1] = last[-1] | _CACHED
    return body | {"messages": messages} | _thinking(level, messages, max_tokens)


def _thinking(level: str, messages: Sequence[Wire], max_tokens: int) -> Wire:
    if not level:
        return {}
    if not level.isdigit():
        thinking = {"type": "adaptive", "display": "summarized"}
        return {"thinking": thinking, "output_config": {"effort": level}}
    if _begun_without(messages):
        return {}  # the service refuses to let it think in the middle of such work
    budget = max(1024, min(int(level), max_tokens - 1))
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _begun_without(messages: Sequence[Wire]) -> bool:
    """Whether calls are being answered that were made without thinking."""
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    return messages[-2]["content"][0]["type"] not in _THINKING


def to_messages(messages: Sequence[Message], model: str) -> list[Wire]:
    """Turn a history into the request's ``messages``; user and model take turns."""
    own = {
        part.call.id
        for message in messages
        if message.provider == PROVIDER
        for part in message.parts
        if part.call is not None
    }
    wire: list[Wire] = []
    for message in messages:
        if message.role is Role.MODEL:
            _add(wire, "assistant", _blocks_of(message, model))
            continue
        answers = [_answer(result, result.call.id in own) for result in message.results]
        said = [{"type": "text", "text": message.text}] if message.text.strip() else []
        _add(wire, "user", [*answers, *said])
    return wire


def _add(wire: list[Wire], role: str, blocks: list[Wire]) -> None:
    if not blocks:
        return
    if wire and wire[-1]["role"] == role:
        wire[-1]["content"] += blocks
    else:
        wire.append({"role": role, "content": blocks})


def _blocks_of(message: Message, model: str) -> list[Wire]:
    if message.provider != PROVIDER:
        blocks = _rebuilt(message)
    else:
        same = message.model in {"", model}
        blocks = [b for b in _joined(message.parts) if _goes_back(b, same=same)]
    return blocks if any(b["type"] not in _THINKING for b in blocks) else []


def _goes_back(block: Wire, *, same: bool) -> bool:
    match block.get("type"):
        case "text":
            return bool(block.get("text", "").strip())
        case "thinking":
            return same and bool(block.get("signature"))
        case "redacted_thinking":
            return same
    return "type" in block


def _joined(parts: Iterable[ReplyPart]) -> list[Wire]:
    """The blocks of a reply, each put together of its pieces."""
    blocks = []
    for _, pieces in groupby(sorted(parts, key=_number), key=_number):
        block: Wire = {}
        for part in pieces:
            for name, value in part.raw.items():
                grows = name in {"text", "thinking", "signature"} and name in block
                block[name] = block[name] + value if grows else value
            if part.call is not None:
                block["id"] = _own_id(part.call.wire_id, part.call.id)
                block["input"] = dict(part.call.arguments)
        block.pop(BLOCK, None)
        blocks.append(block)
    return blocks


def _number(part: ReplyPart) -> int:
    """Calls are handed out last, wherever they stood."""
    number = part.raw.get(BLOCK)
    return number if isinstance(number, int) else -1


def _rebuilt(message: Message) -> list[Wire]:
    """Another provider's message: its text and its calls."""
    said = "".join(p.text for p in message.parts if p.kind is PartKind.TEXT) or message.text
    text = [{"type": "text", "text": said}] if said.strip() else []
    calls = [
        {"type": "tool_use", "id": c.id, "name": c.tool, "input": dict(c.arguments)}
        for c in (part.call for part in message.parts)
        if c is not None
    ]
    return [*text, *calls]


def _own_id(wire_id: str | None, ours: str) -> str:
    return wire_id if wire_id is not None and _ID.fullmatch(wire_id) else ours


def _answer(result: ToolResult, own: bool) -> Wire:
    call = result.call
    answer: Wire = {
        "type": "tool_result",
        "tool_use_id": _own_id(call.wire_id, call.id) if own else call.id,
        "content": _text(result.response),
    }
    return answer | ({"is_error": True} if "error" in result.response else {})


def _text(response: Mapping[str, Any]) -> str:
    return json.dumps(dict(response), ensure_ascii=False)
