"""What models cost: dated, by how a name begins, and nothing where nothing is known."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.config.pricing import load_prices
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import ConfigError
from pocketcoder_tui.core.model import Finish, Usage
from pocketcoder_tui.core.prices import BadPrice, Price, PriceTable, money, price_of
from pocketcoder_tui.core.spending import Spent, by_model, calls_in, total

MILLION = 1_000_000
DAY = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
LATER = datetime(2027, 1, 2, 12, tzinfo=UTC).timestamp()
ENTRY = {"provider": "openai", "model": "m", "from": date(2026, 1, 1), "input": 1, "output": 2.5}


def test_the_package_s_own_file_is_good_and_changes_with_the_day(tmp_path: Path) -> None:
    table = load_prices(tmp_path)
    now = table.find("gemini", "gemini-3.8-flash", DAY)
    then = table.find("gemini", "gemini-3.8-flash-001", LATER)
    assert now is not None
    assert then is not None
    assert (now.input, now.output, now.cached) == (0.75, 3.75, 0.075)
    assert (then.input, then.output, then.cached) == (1.5, 7.5, 0.15)
    assert now.words == "$0.75 in, $3.75 out, 2026-11-01"
    assert table.find("gemini", "gemini-3.8-flash", 0.0) is None
    assert table.find("openai", "gemini-3.8-flash", DAY) is None
    assert table.cost("gemini", "something-new", Usage(prompt=5), DAY) is None


def test_the_person_s_file_adds_and_wins(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        '[[price]]\nprovider = "openai"\nmodel = "qwen"\nfrom = 2026-01-01\ninput = 0\noutput = 0\n'
        '[[price]]\nprovider = "gemini"\nmodel = "gemini-3.8-flash"\nfrom = 2026-11-01\n'
        "input = 9\noutput = 9\n"
    )
    table = load_prices(tmp_path)
    assert table.cost("openai", "qwen3:8b", Usage(prompt=MILLION), DAY) == 0
    assert table.cost("gemini", "gemini-3.8-flash", Usage(prompt=MILLION), DAY) == 9


@pytest.mark.parametrize(
    "text",
    ["x", "price = 3", "[other]\n", "[[price]]\n", '[[price]]\nprovider = "x"\n', "\xff"],
)
def test_a_file_that_is_wrong_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"prices\.toml cannot be used") as refused:
        load_prices(tmp_path)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provider": "x"}, "provider is one of"), ({"model": " "}, "model is a name"),
        ({"model": 3}, "model is a name"), ({"from": "today"}, "from is a day"),
        ({"from": datetime(2026, 1, 1, tzinfo=UTC)}, "from is a day"),
        ({"input": -1}, "input is a number"), ({"output": True}, "output is a number"),
        ({"cached": "1"}, "cached is a number"), ({"input": float("nan")}, "input is a number"),
        ({"more": 1}, "no field 'more'"),
    ],
)  # fmt: skip
def test_an_entry_that_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadPrice, match=said):
        price_of({**ENTRY, **change})


def test_cached_input_costs_as_input_unless_it_is_told() -> None:
    assert price_of(ENTRY).cached == 1
    price = Price("openai", "m", date(2026, 1, 1), 10.0, 20.0, 1.0)
    usage = Usage(prompt=2 * MILLION, cached=MILLION, output=MILLION, thoughts=MILLION)
    assert price.of(usage) == 10 + 1 + 40


def test_the_longest_name_wins() -> None:
    old, new = date(2026, 1, 1), date(2026, 2, 1)
    table = PriceTable([
        Price("gemini", "a-b", old, 1, 1, 1), Price("gemini", "a", new, 2, 2, 2),
        Price("gemini", "a-b", old, 3, 3, 3),
    ])  # fmt: skip
    found = table.find("gemini", "a-b-c", DAY)
    assert found is not None
    assert found.input == 3


@given(st.floats(0, 1e6))
def test_money_is_never_shown_as_nothing_when_it_is_something(dollars: float) -> None:
    said = money(dollars)
    assert said.startswith("$")
    if dollars >= 0.0001:
        assert float(said[1:].replace(",", "")) > 0


def begun(n: int, model: str = "m") -> ev.ReplyStarted:
    return ev.ReplyStarted("t", f"r{n}", "openai", model, DAY)


def over(n: int, prompt: int) -> ev.ReplyEnded:
    return ev.ReplyEnded(f"r{n}", Finish.DONE, "", Usage(prompt=prompt, output=1), DAY)


def test_what_a_session_inherited_was_paid_elsewhere() -> None:
    events: list[ev.Durable] = [begun(1), over(1, 5)]
    inherited = ev.Inherited(ev.Origin.FORK, "s0", 1.0)
    assert [c.usage.prompt for c in calls_in([*events, inherited, begun(2), over(2, 7)])] == [7]
    cut: list[ev.Durable] = [begun(1), begun(2), over(2, 3), over(1, 9)]
    assert [c.usage.prompt for c in calls_in(cut)] == [3]
    assert list(calls_in([begun(1), ev.ReplyEnded("r1", Finish.CUT, "", Usage(), DAY)])) == []


def test_sums_say_what_they_do_not_know() -> None:
    table = PriceTable([Price("openai", "known", date(2026, 1, 1), 1, 1, 1)])
    events: list[ev.Durable] = [begun(1, "known"), over(1, MILLION), begun(2, "new"), over(2, 4)]
    calls = list(calls_in(events))
    spent = total(calls, table)
    assert (spent.calls, spent.prompt, spent.unpriced) == (2, MILLION + 4, 1)
    assert spent.dollars == pytest.approx(1.000001)
    assert list(by_model(calls, table)) == ["openai:new", "openai:known"]
    assert total([], table) == Spent()


def test_the_shipped_file_says_its_form() -> None:
    from importlib import resources

    text = resources.files("pocketcoder_tui.config").joinpath("prices.toml").read_text()
    assert "November 2026" in text
    assert all(price_of(entry) for entry in tomllib.loads(text)["price"])
