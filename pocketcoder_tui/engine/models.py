"""Which models there are, by the providers' live lists, and the choice of one for the session."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditNote
from pocketcoder_tui.core.errors import ModelError, ModelUnknown
from pocketcoder_tui.core.model import Offer, OfferedModel
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.engine.voice import TITLES, Voice
from pocketcoder_tui.reasoning.providers import Services, make_model, split_name

LIST_SECONDS = 20.0
"""Longest silence while a list is read."""
LONGEST_NAME = 200
"""Characters of a model's name."""


class ModelDesk:
    """See workbench.Models."""

    def __init__(
        self,
        voice: Voice,
        journal: Journal,
        ledger: Ledger,
        crew: Crew,
        *,
        price: Callable[[str], str] = lambda name: "",
    ) -> None:
        """``price`` says what a price table knows of a model; nothing without one."""
        self._voice = voice
        self._journal = journal
        self._ledger = ledger
        self._crew = crew
        self._price = price

    @property
    def name(self) -> str:
        """See Models."""
        return self._voice.name

    @property
    def default(self) -> str:
        """See Models."""
        return self._voice.default

    async def offered(self) -> Offer:
        """See Models."""
        services = replace(self._voice.services, timeout_seconds=LIST_SECONDS)
        usable = services.providers
        lists = await asyncio.gather(*(_listed(provider, services) for provider in usable))
        models = [
            replace(model, price=self._price(model.name))
            for found in lists
            if not isinstance(found, str)
            for model in found
        ]
        troubles = [found for found in lists if isinstance(found, str)]
        without = [TITLES[p] for p in services.access if p not in usable]
        if without:
            troubles.append(f"No key is set for {', '.join(without)}.")
        return Offer(models, troubles)

    async def choose(self, name: str) -> None:
        """See Models."""
        name = name.strip()
        if not name.isprintable() or len(name) > LONGEST_NAME or (name and not split_name(name)[1]):
            raise ModelUnknown("This is not a model's name.")
        await self._journal.write(ev.ModelChosen(name, login_name(), time.time()))
        self._voice.chosen()
        await self.account("in use")
        self._crew.start(self._voice.warm(), "model library")

    def account(self, how: str) -> Coroutine[Any, Any, None]:
        """Write into the audit chain that the key of the moment of this call is used.

        Raises LedgerError.
        """
        return self._note(self._voice.key_use(), how)

    async def _note(self, note: AuditNote | None, how: str) -> None:
        if note is not None:
            await self._ledger.note(replace(note, facts={"what": how, **note.facts}))


async def _listed(provider: str, services: Services) -> Sequence[OfferedModel] | str:
    """A provider's list, sorted by name, or the sentence that says why there is none."""
    service = make_model(f"{provider}:models", services)
    try:
        return sorted(await service.offered(), key=lambda model: model.name)
    except ModelError as error:
        return f"{TITLES[provider]}: {error.sentence}"
    finally:
        await service.aclose()
