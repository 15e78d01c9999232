"""How messages look on the wire of chat completions; pure dictionaries.

A call's arguments go back as the text that came, unless that was no JSON: servers that read it to
fill a template refuse the whole request then. Reasoning goes back only within the work on one
message of the person's, where some models need it (DeepSeek, "Thinking mode: tool calls"), and
only to the model that made it; ``reasoning_details`` are opaque and signed (OpenRouter).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pocketcoder_tui.core.model import (
    UNREADABLE,
    Message,
    ModelRequest,
    PartKind,
    ReplyPart,
    Role,
    ToolResult,
)

__all__ = ["PROVIDER", "REASONING", "to_body", "to_messages"]

PROVIDER = "openai"

REASONING = ("reasoning_content", "reasoning")
"""The fields of thoughts: DeepSeek's and llama.cpp's, then OpenRouter's and vLLM's."""

Wire = dict[str, Any]


def to_body(request: ModelRequest, model: str, *, level: str, host: str) -> Wire:
    """The request; ``host`` decides which fields of one service alone it carries."""
    body: Wire = {
        "model": model,
        "messages": to_messages(request.system, request.messages, model),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
    if level:
        body["reasoning_effort"] = level
    return body | _unstored(host)


def _unstored(host: str) -> Wire:
    """How a service is asked to keep nothing; others refuse fields that they do not know."""
    if host == "api.openai.com" or host.endswith(".openai.azure.com"):
        return {"store": False}
    if host == "openrouter.ai" or host.endswith(".openrouter.ai"):
        return {"provider": {"data_collection": "deny"}}
    return {}


def to_messages(system: str, messages: Sequence[Message], model: str) -> list[Wire]:
    """Turn a history into the request's ``messages``."""
    wire: list[Wire] = [{"role": "system", "content": system}] if system else []
    answered = max((i for i, m in enumerate(messages) if _is_persons(m)), default=-1)
    for index, message in enumerate(messages):
        if message.role is Role.MODEL:
            wire += _assistant(message, model, reasons=index > answered)
            continue
        wire += [_tool(result, _own(messages, result)) for result in message.results]
        if message.text:
            _user(wire, message.text)
    return wire


def _is_persons(message: Message) -> bool:
    return message.role is Role.USER and bool(message.text) and not message.note


def _user(wire: list[Wire], text: str) -> None:
    """Templates of some models refuse two messages of the person's in a row."""
    if wire and wire[-1]["role"] == "user":
        wire[-1] = {"role": "user", "content": f"{wire[-1]['content']}\n\n{text}"}
    else:
        wire.append({"role": "user", "content": text})


def _assistant(message: Message, model: str, *, reasons: bool) -> list[Wire]:
    own = message.provider == PROVIDER
    said = "".join(p.text for p in message.parts if p.kind is PartKind.TEXT) or message.text
    calls = [_call(part, own=own) for part in message.parts if part.call is not None]
    if not said and not calls:
        return []
    wire: Wire = {"role": "assistant", "content": said or None}
    if calls:
        wire["tool_calls"] = calls
    same = own and message.model in {"", model}
    return [wire | (_reasoning(message.parts) if same and reasons else {})]


def _reasoning(parts: Iterable[ReplyPart]) -> Wire:
    """The thoughts in the field in which they came, and what is signed as it came."""
    found: Wire = {}
    for part in parts:
        for name in REASONING:
            if isinstance(piece := part.raw.get(name), str):
                found[name] = found.get(name, "") + piece
        if isinstance(details := part.raw.get("reasoning_details"), list):
            found.setdefault("reasoning_details", []).extend(details)
    return found


def _call(part: ReplyPart, *, own: bool) -> Wire:
    assert part.call is not None
    call = part.call
    if not own:
        arguments = json.dumps(dict(call.arguments))
        function = {"name": call.tool, "arguments": arguments}
        return {"id": call.id, "type": "function", "function": function}
    raw = dict(part.raw)
    function = dict(raw["function"])
    if UNREADABLE in call.arguments:
        function["arguments"] = json.dumps(dict(call.arguments))
    return {**raw, "id": call.wire_id or call.id, "type": "function", "function": function}


def _own(messages: Iterable[Message], result: ToolResult) -> bool:
    """Whether the call that is answered was made by this provider."""
    return any(
        message.provider == PROVIDER
        for message in messages
        for part in message.parts
        if part.call is not None and part.call.id == result.call.id
    )


def _tool(result: ToolResult, own: bool) -> Wire:
    call = result.call
    id_ = (call.wire_id if own else None) or call.id
    return {"role": "tool", "tool_call_id": id_, "content": _text(result.response)}


def _text(response: Mapping[str, Any]) -> str:
    return json.dumps(dict(response), ensure_ascii=False)
