"""Which model speaks: the chosen one where it may be asked, the tour when the person takes it."""

import asyncio
import contextlib
import hashlib

from pydantic import SecretStr

from pocketcoder_tui.config.secrets import KEY_NAMES, keep_key
from pocketcoder_tui.config.settings import NETWORK_ASK, Settings
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import modes
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import ConfigError, KeyMissing
from pocketcoder_tui.core.ports import Model, Service
from pocketcoder_tui.engine.guidance import Guidance, guidance_of
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.tools import SPECS
from pocketcoder_tui.reasoning.prompt import system_prompt
from pocketcoder_tui.reasoning.providers import Access, Services, make_model, split_name

TOUR = "tour"
"""The provider name of the scripted model."""
FINGERPRINT = 8
"""Digits of the key's sha256 that tell keys apart and say nothing about one."""
TITLES = {"gemini": "Gemini", "openai": "OpenAI", "anthropic": "Anthropic"}


class Voice:
    """Holds the models of the session. Owns their connections."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._journal: Journal | None = None
        self._given = options.model
        """The model of the command line, until another is chosen."""
        self._tour: Model | None = None
        self._guidance = Guidance()
        self._made: dict[str, Service] = {}
        """Models by their name, once they were wanted."""
        self._retired: list[Model] = []
        """Models of earlier keys; one may still be in the middle of a reply."""
        self.services = services_of(options.settings)
        """How every provider is reached."""

    @property
    def name(self) -> str:
        """The model that holds now, as it is set: the person's choice, the mode's, the general."""
        chosen = self._journal.transcript.chosen_model if self._journal is not None else ""
        return self._given or chosen or self.default

    @property
    def default(self) -> str:
        """The model of the settings for the mode of this moment."""
        settings = self._options.settings
        mode = self._journal.transcript.mode if self._journal is not None else modes.ASK
        by_mode = {
            modes.ASK: settings.model_ask,
            modes.CONTAINED: settings.model_contained,
            modes.PLAN: settings.model_plan,
        }
        return by_mode.get(mode, settings.model_ask) or settings.model

    @property
    def ready(self) -> bool:
        """True when somebody can answer."""
        return self._tour is not None or self.services.usable(self.name)

    @property
    def label(self) -> str:
        """For the status line."""
        return self.model().label if self.ready else "no model"

    def begin(self, journal: Journal) -> None:
        """Choose by the options; a session that was the tour goes on as the tour.

        What the workspace says to agents is read once, so that every request begins the same.
        """
        self._journal = journal
        self._guidance = guidance_of(self._options.paths.workspace)
        spoken = (ev.ReplyStarted, ev.ModelChosen)
        last = next((e for e in reversed(journal.events) if isinstance(e, spoken)), None)
        toured = isinstance(last, ev.ReplyStarted) and last.provider == TOUR and not self._given
        if self._options.tour or toured:
            self._tour = _tour()

    def key_use(self) -> AuditNote | None:
        """What is to be accounted for about the key in use, never the key; None without one."""
        provider, own = split_name(self.name)
        key = self.services.access[provider].key
        if not key or self._tour is not None:
            return None
        mark = hashlib.sha256(key.encode("utf-8")).hexdigest()
        facts = {"provider": provider, "model": own, "fingerprint": mark[:FINGERPRINT]}
        return AuditNote(AuditKind.KEY, facts)

    @property
    def notice(self) -> ev.Noticed | None:
        """What the person is told of what the workspace says to the agent."""
        return self._guidance.notice

    async def warm(self) -> None:
        """Load the model's library in a thread, so that the first message does not wait for it."""
        if self._tour is None and self.ready:
            from pocketcoder_tui.reasoning import preload

            await preload(split_name(self.name)[0])

    def model(self) -> Model:
        """Return the model of this moment. Raises KeyMissing when there is none."""
        if self._tour is not None:
            return self._tour
        name = self.name
        if not self.services.usable(name):
            raise KeyMissing("There is no model key yet.")
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def system(self, mode: str) -> str:
        """The system instruction for the next call, in a mode."""
        return system_prompt(
            workspace_name=self._options.paths.workspace.name,
            mode=mode,
            tools=SPECS,
            network=self._options.settings.network == NETWORK_ASK,
            wishes=self._guidance.text,
            cut=self._guidance.cut,
            nested=self._guidance.nested,
        )

    def check(self) -> Check:
        """The checklist's row about the key."""
        if self._tour is not None:
            return Check("key", "Model", CheckState.OK, "The tour is on: a scripted model.")
        provider, _ = split_name(self.name)
        if not self.ready:
            return Check(
                "key",
                "Model key",
                CheckState.MISSING,
                f"No {TITLES[provider]} key is set.",
                mend="enter a key",
                hint="The tour needs none.",
            )
        keyed = bool(self.services.access[provider].key)
        said = (
            f"Set, for {self.name}." if keyed else f"{self.name} is on this machine: none needed."
        )
        return Check("key", "Model key", CheckState.OK, said)

    async def set_key(self, key: str) -> None:
        """Keep a key of the model's provider in the configuration's .env and use it from now on.

        A reply that streams ends as it began. Raises ConfigError.
        """
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(
                "A key is one word of letters and digits.", hint="Paste it again, without spaces."
            )
        provider, _ = split_name(self.name)
        await asyncio.to_thread(keep_key, self._options.paths.env_file, key, provider)
        self.services = self.services.with_key(provider, key)
        self._retired += self._made.values()
        self._made.clear()
        self._tour = None

    async def take_tour(self) -> None:
        """Let the scripted model speak from the next call on."""
        self._tour = _tour()

    def chosen(self) -> None:
        """The person chose a model: what the command line said and the tour hold no longer."""
        self._given, self._tour = "", None

    async def aclose(self) -> None:
        """Let go of the connections of every model that spoke."""
        async with contextlib.AsyncExitStack() as stack:
            for model in [*self._retired, *self._made.values()]:
                stack.push_async_callback(model.aclose)

    def _make(self, name: str) -> Service:
        return make_model(name, self.services)


def services_of(settings: Settings) -> Services:
    """How every provider is reached, by the settings."""

    def access(key: SecretStr | None, base_url: str) -> Access:
        return Access(key.get_secret_value() if key is not None else "", base_url)

    pairs = (pair.strip().partition(" ") for pair in settings.thinking_levels.split(","))
    return Services(
        {
            "gemini": access(settings.gemini_api_key, settings.gemini_base_url),
            "openai": access(settings.openai_api_key, settings.openai_base_url),
            "anthropic": access(settings.anthropic_api_key, settings.anthropic_base_url),
        },
        timeout_seconds=settings.model_timeout,
        gemini_api_version=settings.gemini_api_version,
        max_tokens=settings.anthropic_max_tokens,
        thinking_level=settings.thinking_level,
        thinking_levels={begin: level.strip() for begin, _, level in pairs if begin},
    )


def key_variable(provider: str) -> str:
    """The variable in which a provider's key is looked for first by its own name."""
    return KEY_NAMES[provider][1]


def _tour() -> Model:
    from pocketcoder_tui.reasoning.tour import TourModel

    return TourModel()
