"""Which model speaks, and that a change of it leaves a reply that streams alone."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import KeyMissing
from pocketcoder_tui.core.model import OfferedModel
from pocketcoder_tui.core.ports import Service
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.voice import TOUR, Voice
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.reasoning.providers import split_name
from tests.engine.fakes import ScriptedModel


class Closing(ScriptedModel):
    """Says when it was closed."""

    closed = False

    async def offered(self) -> list[OfferedModel]:
        return []

    async def aclose(self) -> None:
        self.closed = True


class FakeKeyVoice(Voice):
    """Makes models that never speak, one for each name and key."""

    made: list[Closing]

    def _make(self, name: str) -> Service:
        self.made.append(Closing())
        return self.made[-1]


@pytest.fixture
def voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKeyVoice:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    paths = Paths(tmp_path, tmp_path / "s", tmp_path / "s" / "one", tmp_path / "c")
    made = FakeKeyVoice(Options(paths, Settings()))
    made.made = []
    return made


async def test_a_model_that_was_replaced_is_closed_at_the_end(voice: FakeKeyVoice) -> None:
    with pytest.raises(KeyMissing):
        voice.model()
    await voice.set_key("first")
    first = voice.model()
    await voice.set_key("second")
    assert voice.model() is not first
    first, second = voice.made
    assert voice.model() is second
    assert not first.closed  # it may be in the middle of a reply
    await voice.take_tour()
    assert voice.model().provider == TOUR
    assert voice.check().state is CheckState.OK
    await voice.aclose()
    assert first.closed
    assert second.closed


def spoken(tmp_path: Path, *, model: str = "", **settings: Any) -> Voice:
    paths = Paths(tmp_path, tmp_path / "s", tmp_path / "s" / "one", tmp_path / "c")
    return Voice(Options(paths, Settings(**settings), model=model))


def test_an_endpoint_on_this_machine_needs_no_key(tmp_path: Path) -> None:
    named = {"model": "openai:qwen3:8b"}
    here = spoken(tmp_path, **named, openai_base_url="http://127.0.0.1:11434")
    assert here.ready
    assert here.check().state is CheckState.OK
    assert (here.label, here.model().name) == ("openai:qwen3:8b", "qwen3:8b")
    assert here.key_use() is None
    elsewhere = spoken(tmp_path, **named, openai_base_url="https://127.0.0.1.example.org/v1")
    assert not elsewhere.ready
    assert "OpenAI" in elsewhere.check().sentence


async def test_a_key_is_kept_for_the_models_provider(tmp_path: Path) -> None:
    voice = spoken(tmp_path, model="anthropic:claude-x")
    await voice.set_key("secret-word")
    assert (tmp_path / "c" / ".env").read_text() == "ANTHROPIC_API_KEY=secret-word\n"
    assert voice.model().label == "anthropic:claude-x"
    use = voice.key_use()
    assert use is not None
    assert use.facts["provider"] == "anthropic"
    assert "secret-word" not in repr(voice.services)


async def test_the_model_of_each_mode_and_of_the_session(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(tmp_path / "ledger.db")
    try:
        started = ev.SessionStarted("s" * 32, "/somewhere", 0.0)
        journal = Journal(ledger, "s" * 32, preface=[started])
        voice = spoken(tmp_path, gemini_api_key=SecretStr("k"), model_plan="openai:thinker")
        voice.begin(journal)
        assert voice.name == "gemini-3.8-flash"
        await journal.write(ev.ModeChanged("plan", "dana", 1.0))
        assert voice.name == voice.default == "openai:thinker"
        await journal.write(ev.ModelChosen("anthropic:claude-x", "dana", 2.0))
        assert voice.name == "anthropic:claude-x"
        assert voice.default == "openai:thinker"
        await journal.write(ev.ModelChosen("", "dana", 3.0))
        assert voice.name == "openai:thinker"
        given = spoken(tmp_path, model="gemini-given")
        given.begin(journal)
        assert given.name == "gemini-given"
        given.chosen()
        assert given.name == "gemini-3.8-flash"
    finally:
        await ledger.aclose()


def test_thinking_by_the_beginning_of_a_name(tmp_path: Path) -> None:
    levels = "gemini-3 low, anthropic:claude high,anthropic:claude-old 4000"
    services = spoken(tmp_path, thinking_level="medium", thinking_levels=levels).services
    assert services.level("gemini-3.8-flash") == "low"
    assert services.level("anthropic:claude-old-1") == "4000"
    assert services.level("anthropic:claude-new") == "high"
    assert services.level("openai:qwen3") == "medium"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("gemini-3.8-flash", ("gemini", "gemini-3.8-flash")),
        ("gemini:flash", ("gemini", "flash")),
        ("openai:qwen3:8b", ("openai", "qwen3:8b")),
        ("openai:org/model:free", ("openai", "org/model:free")),
        ("anthropic:claude", ("anthropic", "claude")),
        ("qwen3:8b", ("gemini", "qwen3:8b")),
    ],
)
def test_names(name: str, split: tuple[str, str]) -> None:
    assert split_name(name) == split
