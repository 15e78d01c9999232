"""Which model speaks: Gemini when there is a key, the tour when the person takes it, or none."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence

from pydantic import SecretStr

from pocketcoder_tui.config.secrets import keep_key
from pocketcoder_tui.config.settings import NETWORK_ASK
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import ConfigError, KeyMissing
from pocketcoder_tui.core.ports import Model
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.tools import SPECS
from pocketcoder_tui.reasoning.prompt import system_prompt

TOUR = "tour"
"""The provider name of the scripted model."""
FINGERPRINT = 8
"""Digits of the key's sha256 that tell keys apart and say nothing about one."""


class Voice:
    """Holds the model of the session. Owns its connections."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._model: Model | None = None
        self._retired: list[Model] = []
        """Models of earlier choices; one may still be in the middle of a reply."""
        self._key = options.settings.gemini_api_key

    @property
    def ready(self) -> bool:
        """True when somebody can answer."""
        return self._model is not None

    @property
    def label(self) -> str:
        """For the status line."""
        return self._model.label if self._model is not None else "no model"

    def begin(self, events: Sequence[ev.Durable]) -> None:
        """Choose by the options; a session that was the tour goes on as the tour."""
        replies = (e for e in reversed(events) if isinstance(e, ev.ReplyStarted))
        last = next(replies, None)
        if self._options.tour or (last is not None and last.provider == TOUR):
            self._model = _tour()
        elif self._key is not None and self._key.get_secret_value():
            self._model = self._gemini(self._key)

    def key_use(self) -> AuditNote | None:
        """What is to be accounted for about the key in use, never the key; None without one."""
        if self._key is None or self._model is None or self._model.provider == TOUR:
            return None
        mark = hashlib.sha256(self._key.get_secret_value().encode("utf-8")).hexdigest()
        facts = {
            "provider": self._model.provider,
            "model": self._model.name,
            "fingerprint": mark[:FINGERPRINT],
        }
        return AuditNote(AuditKind.KEY, facts)

    async def warm(self) -> None:
        """Load the model's library in a thread, so that the first message does not wait for it."""
        if self._model is not None and self._model.provider != TOUR:
            from pocketcoder_tui.reasoning import preload

            await preload()

    def model(self) -> Model:
        """Return the model. Raises KeyMissing when there is none."""
        if self._model is None:
            raise KeyMissing("There is no model key yet.")
        return self._model

    def system(self, mode: str) -> str:
        """The system instruction for the next call, in a mode."""
        return system_prompt(
            workspace_name=self._options.paths.workspace.name,
            mode=mode,
            tools=SPECS,
            network=self._options.settings.network == NETWORK_ASK,
        )

    def check(self) -> Check:
        """The checklist's row about the key."""
        if self._model is not None and self._model.provider == TOUR:
            return Check("key", "Model", CheckState.OK, "The tour is on: a scripted model.")
        if self._model is not None:
            return Check("key", "Model key", CheckState.OK, f"Set, for {self._model.name}.")
        return Check(
            "key",
            "Model key",
            CheckState.MISSING,
            "No Gemini key is set.",
            mend="enter a key",
            hint="The tour needs none.",
        )

    async def set_key(self, key: str) -> None:
        """Keep a key in the configuration's .env and use it from the next call on.

        A reply that streams ends as it began. Raises ConfigError.
        """
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                "A key is one word of letters and digits.", hint="Paste it again, without spaces."
            )
        await asyncio.to_thread(keep_key, self._options.paths.env_file, key)
        self._key = SecretStr(key)
        self._succeed(self._gemini(self._key))

    async def take_tour(self) -> None:
        """Let the scripted model speak from the next call on."""
        self._succeed(_tour())

    async def aclose(self) -> None:
        """Let go of the connections of every model that spoke."""
        async with contextlib.AsyncExitStack() as stack:
            for model in [*self._retired, *([self._model] if self._model is not None else [])]:
                stack.push_async_callback(model.aclose)

    def _succeed(self, model: Model) -> None:
        if self._model is not None:
            self._retired.append(self._model)
        self._model = model

    def _gemini(self, key: SecretStr) -> Model:
        from pocketcoder_tui.reasoning.gemini import GeminiModel

        settings = self._options.settings
        return GeminiModel(
            api_key=key.get_secret_value(),
            name=settings.model,
            base_url=settings.gemini_base_url,
            api_version=settings.gemini_api_version,
            timeout_seconds=settings.model_timeout,
            thinking_level=settings.thinking_level,
        )


def _tour() -> Model:
    from pocketcoder_tui.reasoning.tour import TourModel

    return TourModel()
