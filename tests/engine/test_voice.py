"""Which model speaks, and that a change of it leaves a reply that streams alone."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import KeyMissing
from pocketcoder_tui.core.ports import Model
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.voice import TOUR, Voice
from tests.engine.fakes import ScriptedModel


class Closing(ScriptedModel):
    """Says when it was closed."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True


class FakeKeyVoice(Voice):
    """Makes models that never speak, one for each key."""

    made: list[Closing]

    def _gemini(self, key: SecretStr) -> Model:
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
    await voice.set_key("second")
    first, second = voice.made
    assert voice.model() is second
    assert not first.closed  # it may be in the middle of a reply
    await voice.take_tour()
    assert voice.model().provider == TOUR
    assert voice.check().state is CheckState.OK
    await voice.aclose()
    assert first.closed
    assert second.closed
