"""How messages look on Gemini's wire, in both directions; pure dictionaries, nothing is sent here.

What the service sent goes back as it came: a part's raw dictionary is never rebuilt, moved or
merged, because thought signatures are bound to their own part ("Thought signatures", Gemini API
documentation).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import (
    Message,
    PartKind,
    ReplyPart,
    Role,
    ToolResult,
    ToolSpec,
    Usage,
)

__all__ = [
    "PROVIDER",
    "SERVICE",
    "STAND_IN",
    "declarations",
    "part_from_wire",
    "to_contents",
    "usage",
]

PROVIDER = "gemini"

SERVICE = "https://generativelanguage.googleapis.com/"
"""The service's own address; said here, or an environment variable of the SDK could name another
and get the key."""

STAND_IN = "skip_thought_signature_validator"
"""The literal that the service accepts where a call was not made by this model."""

Wire = dict[str, Any]


def to_contents(messages: Iterable[Message], model: str = "") -> list[Wire]:
    """Turn a history into the request's ``contents``.

    A message of another provider, or of another model than ``model``, is rebuilt from its text and
    calls; its thoughts and signatures are left out.
    Messages that hold nothing are left out, because the service refuses empty contents.
    """
    contents: list[Wire] = []
    foreign: set[str] = set()
    for message in messages:
        if message.role is Role.MODEL:
            parts = _model_parts(message, model, foreign)
            contents += [{"role": "model", "parts": parts}] if parts else []
            continue
        if message.results:
            answers = [_response_part(result, foreign) for result in message.results]
            contents.append({"role": "user", "parts": answers})
        if message.text:
            contents.append({"role": "user", "parts": [{"text": message.text}]})
    return contents


def part_from_wire(raw: Mapping[str, Any]) -> ReplyPart:
    """Read one part of a candidate; what we do not know becomes OTHER and keeps its raw form."""
    call = raw.get("functionCall")
    if isinstance(call, Mapping):
        return ReplyPart(PartKind.CALL, call=_call(call), raw=raw)
    text = raw.get("text")
    if not isinstance(text, str):
        return ReplyPart(PartKind.OTHER, raw=raw)
    kind = PartKind.THOUGHT if raw.get("thought") is True else PartKind.TEXT
    return ReplyPart(kind, text=text, raw=raw)


def usage(metadata: Mapping[str, Any]) -> Usage:
    """Read ``usageMetadata``, the running totals of one reply."""
    return Usage(
        prompt=_count(metadata.get("promptTokenCount")),
        cached=_count(metadata.get("cachedContentTokenCount")),
        output=_count(metadata.get("candidatesTokenCount")),
        thoughts=_count(metadata.get("thoughtsTokenCount")),
        total=_count(metadata.get("totalTokenCount")),
    )


def declarations(tools: Iterable[ToolSpec]) -> list[Wire]:
    """Turn tools into function declarations; the schema goes as JSON schema, unchanged."""
    return [
        {"name": t.name, "description": t.description, "parametersJsonSchema": dict(t.parameters)}
        for t in tools
    ]


def _call(wire: Mapping[str, Any]) -> ToolCall:
    name, arguments, wire_id = wire.get("name"), wire.get("args"), wire.get("id")
    return ToolCall(
        id=new_id(),
        tool=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, Mapping) else {},
        wire_id=wire_id if isinstance(wire_id, str) and wire_id else None,
    )


def _model_parts(message: Message, model: str, foreign: set[str]) -> list[Wire]:
    if message.provider == PROVIDER and (not model or message.model in {"", model}):
        own = [dict(part.raw) for part in message.parts]
        return own or _text_part(message.text)
    return _rebuilt_parts(message, foreign)


def _rebuilt_parts(message: Message, foreign: set[str]) -> list[Wire]:
    """Rebuild another model's message; only the first of parallel calls carries a signature."""
    said = "".join(part.text for part in message.parts if part.kind is PartKind.TEXT)
    calls = [part.call for part in message.parts if part.call is not None]
    parts = _text_part(said or message.text)
    for call in calls:
        foreign.add(call.id)
        part: Wire = {"functionCall": {"name": call.tool, "args": dict(call.arguments)}}
        if call is calls[0]:
            part["thoughtSignature"] = STAND_IN
        parts.append(part)
    return parts


def _response_part(result: ToolResult, foreign: set[str]) -> Wire:
    """An id goes back only where this service gave one."""
    response: Wire = {"name": result.call.tool, "response": dict(result.response)}
    if result.call.wire_id is not None and result.call.id not in foreign:
        response["id"] = result.call.wire_id
    return {"functionResponse": response}


def _text_part(text: str) -> list[Wire]:
    return [{"text": text}] if text else []


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
