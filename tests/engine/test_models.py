"""Choosing a model: by the providers' live lists, durably, and in the middle of a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import ModelUnknown
from pocketcoder_tui.core.transcript import Remark
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.exports import Format
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.models import ModelDesk
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.reply import ask
from pocketcoder_tui.engine.voice import Voice
from pocketcoder_tui.ledger import SqliteLedger
from tests.engine.fakes import ScriptedModel, says
from tests.engine.rig import running
from tests.support import anthropic_server as claude
from tests.support import openai_server as openai
from tests.support.anthropic_server import AnthropicServer
from tests.support.gemini_server import KEY, GeminiServer
from tests.support.openai_server import OpenAIServer


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Place:
    """A journal, a voice and a desk, without a box."""

    def __init__(self, ledger: SqliteLedger, path: Path, settings: dict[str, Any]) -> None:
        started = ev.SessionStarted("5" * 32, str(path), 1.0)
        self.journal = Journal(ledger, "5" * 32, preface=[started])
        paths = Paths(path, path / "s", path / "s" / "one", path / "c")
        self.voice = Voice(Options(paths, Settings(**settings)))
        self.voice.begin(self.journal)
        self.crew = Crew(lambda task, error: None)
        self.desk = ModelDesk(self.voice, self.journal, ledger, self.crew, price=lambda n: f"€ {n}")


@asynccontextmanager
async def place(path: Path, **settings: Any) -> AsyncIterator[Place]:
    ledger = await SqliteLedger.open(path / "ledger.db")
    made = Place(ledger, path, settings)
    try:
        yield made
    finally:
        await made.crew.dismiss()
        await made.voice.aclose()
        await ledger.aclose()


async def test_the_lists_of_all_that_are_set_up(tmp_path: Path) -> None:
    async with GeminiServer(models=("g-2", "g-1")) as gemini, OpenAIServer(key="") as local:
        async with AnthropicServer() as closed:
            gone = closed.base_url
        settings = {
            "gemini_api_key": SecretStr(KEY),
            "gemini_base_url": gemini.base_url,
            "openai_base_url": local.base_url,
            "anthropic_base_url": gone,
        }
        async with place(tmp_path, **settings) as here:
            offer = await here.desk.offered()
    names = ["g-1", "g-2", "openai:gemini-3.8-flash"]
    assert [model.name for model in offer.models] == names
    assert [model.price for model in offer.models] == [f"€ {name}" for name in names]
    [trouble] = offer.troubles
    assert trouble.startswith("Anthropic: The model's service at 127.0.0.1 cannot be reached")


async def test_nobody_is_asked_without_a_key(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        offer = await here.desk.offered()
    assert offer.models == []
    assert offer.troubles == ["No key is set for Gemini, OpenAI, Anthropic."]


@pytest.mark.parametrize("name", ["openai:", "two\nlines", "x" * 201])
async def test_what_is_no_name_is_not_recorded(tmp_path: Path, name: str) -> None:
    async with place(tmp_path) as here:
        with pytest.raises(ModelUnknown):
            await here.desk.choose(name)
        assert not here.journal.transcript.entries


async def test_a_switch_between_providers_keeps_words_and_drops_what_is_signed(
    tmp_path: Path,
) -> None:
    signed = claude.reply(claude.thought(0, "hm", signature="sig-1"), claude.text(1, "From one."))
    script = [signed, signed]
    plain = [openai.thought("mm"), openai.text("From two."), openai.finish()]
    async with AnthropicServer(script) as one, OpenAIServer([plain], key="") as two:
        settings = {
            "model": "anthropic:c-1",
            "anthropic_api_key": SecretStr(KEY),
            "anthropic_base_url": one.base_url,
            "openai_base_url": two.base_url,
        }
        async with place(tmp_path, **settings) as here:
            journal = here.journal
            await journal.write(
                ev.TurnStarted("t", 2.0),
                ev.MessageQueued("m", "hello", 2.0),
                ev.MessagesTaken("t", ("m",)),
            )
            for name in ("", "openai:q", "anthropic:c-1", "anthropic:c-2"):
                if name:
                    await here.desk.choose(name)
                assert here.desk.name == (name or "anthropic:c-1")
                await ask(here.voice.model(), "system", "t", journal, str)
    (first, again, other), (between,) = one.requests, two.requests
    assert first["messages"][0]["content"][0]["text"] == "hello"
    assert between["model"] == "q"
    assert between["messages"][-1] == {"role": "assistant", "content": "From one."}
    assert again["messages"][1]["content"][0]["signature"] == "sig-1"
    assert "From two." in str(again)
    assert "mm" not in str(again["messages"])
    assert other["model"] == "c-2"
    assert "sig-1" not in str(other)
    assert str(other).count("From one.") == 2


async def test_a_choice_is_said_resumed_and_forked_but_not_imported(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("hm"))) as rig:
        session = rig.session
        await session.models.choose("openai:qwen3")
        session_id = session.transcript.session_id
        remark = list(session.transcript.entries.values())[-1]
        assert isinstance(remark, Remark)
        assert "openai:qwen3" in remark.sentence
        await session.send("hello")
        await rig.rest()
        turn = next(e.turn_id for e in rig.events if isinstance(e, ev.TurnStarted))
        forked = await session.library.fork(session_id, turn)
        assert "qwen3" in await session.library.export(session_id, Format.MARKDOWN)
        lines = (await session.library.export(session_id, Format.LINES)).splitlines()
        imported = await session.library.import_session(lines, "/elsewhere")
    for resumed, model in ((session_id, "openai:qwen3"), (forked, "openai:qwen3"), (imported, "")):
        async with running(tmp_path, ScriptedModel(), resume=resumed) as rig:
            assert rig.session.transcript.chosen_model == model


async def test_a_long_session_opens_by_its_end_with_its_choice(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(tmp_path / "ledger.db")
    try:
        journal = Journal(ledger, "6" * 32, preface=[ev.SessionStarted("6" * 32, "/w", 1.0)])
        await journal.write(ev.ModelChosen("openai:qwen3", "dana", 2.0))
        for number in range(30):
            await journal.write(ev.Noticed("info", f"notice {number}", "", 3.0))
        tail = await ledger.tail("6" * 32, 5)
        assert tail.begins
        assert [e.model for e in tail.events if isinstance(e, ev.ModelChosen)] == ["openai:qwen3"]
    finally:
        await ledger.aclose()
