"""The providers' models on the screen: found by typing, and chosen, with or without a list."""

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.model import Offer, OfferedModel
from pocketcoder_tui.ui.models import ModelsScreen
from tests.ui.bench import ScriptedWorkbench, began
from tests.ui.stage import Stage, staged

OFFER = Offer(
    (
        OfferedModel("gemini-3.5-flash-lite", "Flash Lite", 1_048_576),
        OfferedModel("gemini-3.8-flash", "Flash", 1_048_576, "$0.75 in, 2026-11"),
        OfferedModel("openai:qwen3:8b"),
        OfferedModel("anthropic:claude-x", "Claude \x1b[31mX"),
    ),
    ("OpenAI: The model's service cannot be \x1b[31mreached.",),
)


async def opened(stage: Stage) -> None:
    await stage.pilot.press("alt+m")
    await stage.until(lambda: isinstance(stage.app.screen, ModelsScreen))
    await stage.until(lambda: stage.bench.requests("offered"))


def bench_with(offer: Offer) -> ScriptedWorkbench:
    bench = ScriptedWorkbench(list(began()))
    bench.models.offer = offer
    return bench


async def test_a_model_is_found_by_typing_and_chosen() -> None:
    bench = bench_with(OFFER)
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "openai:qwen3:8b" in stage.screen_text())
        text = stage.screen_text()
        lines = text.split("\n")
        first = next(line for line in lines if "gemini-3" in line and "tokens" in line)
        assert "gemini-3.8-flash" in first
        assert "asked now" in first
        assert "$0.75 in, 2026-11" in first
        assert "The one of the settings" in text
        assert "cannot be" in text
        assert "\x1b" not in text
        await stage.pilot.press(*"CLAUDE")
        await stage.until(lambda: "openai:qwen3:8b" not in stage.screen_text())
        await stage.pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, ModelsScreen))
        assert bench.requests("choose model") == [("choose model", "anthropic:claude-x")]
        await stage.until(lambda: "this model is asked: anthropic:claude-x" in stage.screen_text())


async def test_keys_mark_and_esc_chooses_nothing() -> None:
    bench = bench_with(OFFER)
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "openai:qwen3:8b" in stage.screen_text())
        await stage.pilot.press("down", "down", "up", "enter")
        await stage.until(lambda: not isinstance(stage.app.screen, ModelsScreen))
        assert bench.requests("choose model") == [("choose model", "gemini-3.5-flash-lite")]
        await opened(stage)
        await stage.pilot.press("pagedown", "escape")
        await stage.until(lambda: not isinstance(stage.app.screen, ModelsScreen))
        await opened(stage)
        await stage.until(lambda: "openai:qwen3:8b" in stage.screen_text())
        await stage.pilot.press("pagedown", "enter")
        await stage.until(lambda: not isinstance(stage.app.screen, ModelsScreen))
        assert bench.requests("choose model")[1:] == [("choose model", "")]


async def test_a_name_that_no_list_has_is_chosen_as_typed() -> None:
    bench = bench_with(Offer((), ("Gemini: The model's service cannot be reached.",)))
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "cannot be reached" in stage.screen_text())
        await stage.pilot.press(*"openai:x")
        await stage.until(lambda: "As typed" in stage.screen_text())
        await stage.pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, ModelsScreen))
        assert bench.requests("choose model") == [("choose model", "openai:x")]


async def test_a_choice_that_cannot_be_kept_is_said_where_it_was_made() -> None:
    bench = bench_with(OFFER)
    bench.models.error = LedgerError("There is no space left.", hint="Free some.")
    async with staged(bench, size=(60, 20)) as stage:
        await opened(stage)
        await stage.until(lambda: "openai:qwen3:8b" in stage.screen_text())
        await stage.pilot.press("enter")
        await stage.until(lambda: "There is no space left." in stage.screen_text())
        assert isinstance(stage.app.screen, ModelsScreen)
