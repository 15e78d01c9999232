"""A local HTTP server that speaks the wire of OpenAI's chat completions; see gemini_server.

As a process: ``python -m tests.support.openai_server --key ''``.
"""

from collections.abc import Mapping
from typing import Any

from tests.support.gemini_server import Chunk, GeminiServer, main


def delta(**fields: Any) -> Chunk:
    """A chunk with a piece of the message."""
    choice = {"index": 0, "delta": fields, "finish_reason": None}
    return {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def text(words: str) -> Chunk:
    """A chunk of text."""
    return delta(content=words)


def thought(words: str) -> Chunk:
    """A chunk of reasoning, as DeepSeek and llama.cpp send it."""
    return delta(reasoning_content=words)


def call(name: str, arguments: Any, id: str | None = None, index: int | None = 0) -> Chunk:
    """A chunk with a call, or with a piece of one."""
    function = {"name": name or None, "arguments": arguments}
    piece: Chunk = {"type": "function", "function": function}
    piece |= {} if id is None else {"id": id}
    return delta(tool_calls=[piece if index is None else piece | {"index": index}])


def finish(reason: str = "stop") -> Chunk:
    """The chunk that ends a reply."""
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def usage(prompt: int, output: int, *, thoughts: int = 0, cached: int = 0) -> Chunk:
    """The chunk with the counts, which has no choice."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": output + thoughts,
        "total_tokens": prompt + output + thoughts,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thoughts},
    }
    return {"choices": [], "usage": counts}


class OpenAIServer(GeminiServer):
    """Owns the listening socket and its connections."""

    streams = "/chat/completions"
    bad_key: Mapping[str, Any] = {
        "status": 401,
        "json": {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}},
    }
    plain = (text("ok"), finish())
    last_event = "data: [DONE]\n\n"

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The key of the bearer."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def listed(self) -> Mapping[str, Any]:
        """The list of /v1/models."""
        models = [{"id": name, "object": "model"} for name in self._models]
        return {"status": 200, "json": {"object": "list", "data": models}}


if __name__ == "__main__":
    main(OpenAIServer)
