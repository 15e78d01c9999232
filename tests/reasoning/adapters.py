"""The three adapters with their servers and wires, for the tests that all of them pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pocketcoder_tui.reasoning.chat import ChatModel
from pocketcoder_tui.reasoning.gemini import GeminiModel
from pocketcoder_tui.reasoning.messages import MessagesModel
from tests.support import anthropic_server as claude
from tests.support import gemini_server as gemini
from tests.support import openai_server as openai
from tests.support.gemini_server import KEY, Chunk, GeminiServer


@dataclass(frozen=True)
class Adapter:
    """One provider: how its model is made, and its words for the same reply."""

    name: str
    server: type[GeminiServer]
    make: Callable[..., Any]
    text: Callable[..., list[Chunk]]
    """A reply of these pieces of text; it ends well."""
    whole: Callable[[], list[Chunk]]
    """A thought, a text, two calls and counts: 20 asked, 8 of it cached, 7 answered."""
    limited: Callable[[], list[Chunk]]
    refused: Callable[[], list[Chunk]]
    unknown: Callable[[], list[Chunk]]
    """An ending that nobody knows."""
    first: Callable[[], list[Chunk]]
    """The beginning of a reply, with one piece of text."""
    error: Callable[[str], Any]
    """The body of an error that says something."""
    failing: Chunk
    """An event in a stream that says that the service is overloaded."""

    def model(self, server: GeminiServer | str, **settings: Any) -> Any:
        url = server if isinstance(server, str) else server.base_url
        given = {"api_key": KEY, "name": "m-1", "base_url": url, **settings}
        return self.make(**given)


def _events(*groups: Sequence[Chunk]) -> list[Chunk]:
    return [event for group in groups for event in group]


GEMINI = Adapter(
    "gemini",
    GeminiServer,
    GeminiModel,
    lambda *pieces: [*(gemini.text(p) for p in pieces), gemini.finish()],
    lambda: [
        gemini.thought("hm"),
        gemini.text("I look."),
        gemini.call("shell", {"command": "ls"}, "w1"),
        gemini.call("shell", {"command": "pwd"}, "w2"),
        gemini.usage(20, 7, cached=8),
        gemini.finish(),
    ],
    lambda: [gemini.text("half"), gemini.finish("MAX_TOKENS")],
    lambda: [gemini.finish("SAFETY")],
    lambda: [gemini.text("x"), gemini.finish("NEW_REASON")],
    lambda: [gemini.text("half")],
    lambda words: {"error": {"code": 0, "message": words, "status": "X"}},
    {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}},
)
OPENAI = Adapter(
    "openai",
    openai.OpenAIServer,
    ChatModel,
    lambda *pieces: [*(openai.text(p) for p in pieces), openai.finish()],
    lambda: [
        openai.thought("hm"),
        openai.text("I look."),
        openai.call("shell", '{"comm', "w1"),
        openai.call("shell", '{"command":', "w2", 1),
        openai.call("", 'and": "ls"}', None, 0),
        openai.call("", ' "pwd"}', None, 1),
        openai.finish("tool_calls"),
        openai.usage(20, 7, cached=8),
    ],
    lambda: [openai.text("half"), openai.finish("length")],
    lambda: [openai.finish("content_filter")],
    lambda: [openai.text("x"), openai.finish("new_reason")],
    lambda: [openai.text("half")],
    lambda words: {"error": {"message": words, "type": "x", "code": None}},
    {"error": {"code": 503, "message": "Overloaded."}},
)
ANTHROPIC = Adapter(
    "anthropic",
    claude.AnthropicServer,
    MessagesModel,
    lambda *pieces: claude.reply(claude.text(0, *pieces)),
    lambda: _events(
        [claude.begin(10, cached=8, written=2)],
        claude.thought(0, "hm", signature="s1"),
        claude.text(1, "I look."),
        claude.call(2, "shell", "w1", '{"comm', 'and": "ls"}'),
        claude.call(3, "shell", "w2", '{"command": "pwd"}'),
        claude.finish("tool_use", output=7),
    ),
    lambda: claude.reply(claude.text(0, "half"), reason="max_tokens"),
    lambda: claude.reply(reason="refusal"),
    lambda: claude.reply(claude.text(0, "x"), reason="pause_turn"),
    lambda: [claude.begin(), *claude.text(0, "half")],
    lambda words: claude.error("x", words),
    claude.error("overloaded_error", "Overloaded."),
)
ADAPTERS = (GEMINI, OPENAI, ANTHROPIC)
