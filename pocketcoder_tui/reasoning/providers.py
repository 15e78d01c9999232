"""Which providers there are, how their models are named, and how one is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pocketcoder_tui.core.ports import Service
from pocketcoder_tui.reasoning import addresses

__all__ = ["ANTHROPIC", "GEMINI", "OPENAI", "Access", "Services", "make_model", "split_name"]

GEMINI = "gemini"
OPENAI = "openai"
ANTHROPIC = "anthropic"
PROVIDERS = (GEMINI, OPENAI, ANTHROPIC)


@dataclass(frozen=True, slots=True)
class Access:
    """How one provider is reached, by the person's settings."""

    key: str = field(default="", repr=False)
    base_url: str = ""
    """Empty for the provider's own address."""


@dataclass(frozen=True, slots=True)
class Services:
    """What every provider needs."""

    access: Mapping[str, Access]
    timeout_seconds: float = 600
    gemini_api_version: str = "v1beta"
    max_tokens: int = 16_000
    """The longest answer that is asked of Anthropic, whose service wants a number."""
    thinking_level: str = ""
    """For models of which ``thinking_levels`` says nothing."""
    thinking_levels: Mapping[str, str] = field(default_factory=dict)
    """By the beginning of a model's name as it is set, the longest one counts."""

    def level(self, name: str) -> str:
        """How much a model thinks; empty for its own choice."""
        fitting = [begin for begin in self.thinking_levels if name.startswith(begin)]
        if not fitting:
            return self.thinking_level
        return self.thinking_levels[max(fitting, key=len)]

    def with_key(self, provider: str, key: str) -> "Services":
        """The same with another key of one provider."""
        access = replace(self.access[provider], key=key)
        return replace(self, access={**self.access, provider: access})

    def usable(self, name: str) -> bool:
        """Whether the model's provider may be asked."""
        return split_name(name)[0] in self.providers

    @property
    def providers(self) -> list[str]:
        """Those that may be asked: with a key, or on this machine (Google's SDK wants a key)."""
        return [
            name
            for name, access in self.access.items()
            if access.key or (name != GEMINI and addresses.is_loopback(access.base_url))
        ]


def split_name(name: str) -> tuple[str, str]:
    """The provider and the model's own name: ``openai:qwen3:8b`` is openai and qwen3:8b.

    A name without a provider is Gemini's.
    """
    provider, colon, rest = name.strip().partition(":")
    return (provider, rest) if colon and provider in PROVIDERS else (GEMINI, name.strip())


def make_model(name: str, services: Services) -> Service:
    """The model of a name. Loads and sends nothing yet."""
    provider, own = split_name(name)
    access, level = services.access[provider], services.level(name)
    if provider == OPENAI:
        from pocketcoder_tui.reasoning.chat import ChatModel

        return ChatModel(
            api_key=access.key,
            name=own,
            base_url=access.base_url,
            timeout_seconds=services.timeout_seconds,
            thinking_level=level,
        )
    if provider == ANTHROPIC:
        from pocketcoder_tui.reasoning.messages import MessagesModel

        return MessagesModel(
            api_key=access.key,
            name=own,
            base_url=access.base_url,
            timeout_seconds=services.timeout_seconds,
            thinking_level=level,
            max_tokens=services.max_tokens,
        )
    from pocketcoder_tui.reasoning.gemini import GeminiModel

    return GeminiModel(
        api_key=access.key,
        name=own,
        base_url=access.base_url,
        api_version=services.gemini_api_version,
        timeout_seconds=services.timeout_seconds,
        thinking_level=level,
    )
