"""What models cost: dated prices, looked up by a model's name and the day of a call. Pure.

Prices are data (config/prices.toml and the person's own file). A model that none names costs
nothing that could be told: its tokens are counted, and that is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pocketcoder_tui.core.model import Usage

__all__ = ["BadPrice", "Price", "PriceTable", "money", "price_of"]

_MILLION = 1_000_000
_FIELDS = {"provider", "model", "from", "input", "output", "cached"}
_PROVIDERS = ("gemini", "openai", "anthropic")
_MOST = 100_000
"""US dollars for a million tokens that nothing costs."""


class BadPrice(ValueError):
    """An entry of a price file is wrong; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, from a day on."""

    provider: str
    model: str
    """A name, or how several begin."""
    since: date
    input: float
    output: float
    cached: float

    def of(self, usage: Usage) -> float:
        """US dollars of one call. Thoughts are billed as output, cached input for less."""
        fresh = max(usage.prompt - usage.cached, 0)
        out = usage.output + usage.thoughts
        parts = (fresh * self.input, usage.cached * self.cached, out * self.output)
        return sum(parts) / _MILLION

    @property
    def words(self) -> str:
        """For a list of models."""
        return f"${self.input:g} in, ${self.output:g} out, {self.since.isoformat()}"


def price_of(entry: Mapping[str, Any]) -> Price:
    """Read one entry of a price file. Raises BadPrice."""
    unknown = sorted(set(entry) - _FIELDS)
    if unknown:
        raise BadPrice(f"a price has no field {unknown[0]!a}")
    provider, model, since = entry.get("provider"), entry.get("model"), entry.get("from")
    if provider not in _PROVIDERS:
        raise BadPrice(f"provider is one of {', '.join(_PROVIDERS)}")
    if not isinstance(model, str) or not model.strip():
        raise BadPrice("model is a name, or how names begin")
    if not isinstance(since, date) or isinstance(since, datetime):
        raise BadPrice(f"from is a day such as 2026-11-01, for {model!a}")
    numbers = {}
    for name in ("input", "output", "cached"):
        value = entry.get(name, entry.get("input"))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
            raise BadPrice(f"{name} is a number of US dollars, for {model!a}")
        numbers[name] = float(value)
    return Price(provider, model.strip(), since, **numbers)


class PriceTable:
    """Prices in the order in which they win: later ones over earlier ones of the same day."""

    def __init__(self, prices: Sequence[Price] = ()) -> None:
        self._prices = tuple(prices)

    def find(self, provider: str, model: str, at: float) -> Price | None:
        """The price of a model on the day of a moment (Unix seconds); None when none is known.

        The longest name that fits wins, then the newest day that is not later.
        """
        day = datetime.fromtimestamp(at, UTC).date()
        fitting = [
            (len(price.model), price.since, number, price)
            for number, price in enumerate(self._prices)
            if price.provider == provider and model.startswith(price.model) and price.since <= day
        ]
        return max(fitting, key=lambda found: found[:3])[3] if fitting else None

    def cost(self, provider: str, model: str, usage: Usage, at: float) -> float | None:
        """US dollars of one call; None when no price is known."""
        price = self.find(provider, model, at)
        return price.of(usage) if price is not None else None


def money(dollars: float) -> str:
    """For a person: two digits, or as many as show something."""
    if 0 < dollars < 0.01:
        return f"${dollars:.4f}"
    return f"${dollars:,.2f}"
