"""A local HTTP server that speaks the wire of Anthropic's messages API; see gemini_server."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.gemini_server import Chunk, GeminiServer, main


def begin(prompt: int = 0, *, cached: int = 0, written: int = 0) -> Chunk:
    """The event that begins a reply."""
    counts = {
        "input_tokens": prompt,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "output_tokens": 1,
    }
    return {"type": "message_start", "message": {"role": "assistant", "usage": counts}}


def block(index: int, start: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[Chunk]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": dict(start)},
        *({"type": "content_block_delta", "index": index, "delta": dict(d)} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[Chunk]:
    """A block of text."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def thought(index: int, *pieces: str, signature: str = "") -> list[Chunk]:
    """A block of thinking, with its signature at the end."""
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = [{"type": "signature_delta", "signature": signature}] if signature else []
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, *signed)


def redacted(index: int, data: str) -> list[Chunk]:
    """A block of thinking that nobody can read."""
    return block(index, {"type": "redacted_thinking", "data": data})


def call(index: int, name: str, id: str, *pieces: str) -> list[Chunk]:
    """A block with a call, its arguments in pieces of JSON."""
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def finish(reason: str = "end_turn", output: int = 0) -> list[Chunk]:
    """The events that end a reply."""
    ended = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": output}},
        {"type": "message_stop"},
    ]


def reply(*blocks: Sequence[Chunk], reason: str = "end_turn") -> list[Chunk]:
    """A whole reply."""
    return [begin(), *(event for events in blocks for event in events), *finish(reason)]


def error(kind: str, message: str) -> Chunk:
    """An error, as an event and as a body."""
    return {"type": "error", "error": {"type": kind, "message": message}}


class AnthropicServer(GeminiServer):
    """Owns the listening socket and its connections."""

    streams = "/v1/messages"
    bad_key: Mapping[str, Any] = {
        "status": 401,
        "json": error("authentication_error", "invalid x-api-key"),
    }
    plain = tuple(reply(text(0, "ok")))

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The key of the header."""
        return headers.get("x-api-key")

    def listed(self) -> Mapping[str, Any]:
        """The list of /v1/models."""
        models = [{"type": "model", "id": name, "display_name": name} for name in self._models]
        return {"status": 200, "json": {"data": models, "has_more": False}}

    def frame(self, chunk: Chunk) -> str:
        """An event with its name."""
        return f"event: {chunk.get('type')}\ndata: {json.dumps(chunk)}\n\n"


if __name__ == "__main__":
    main(AnthropicServer)
