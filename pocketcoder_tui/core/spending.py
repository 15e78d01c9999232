"""What calls of models came to: tokens, and money where prices are known. A pure fold of events."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.model import Usage
from pocketcoder_tui.core.prices import PriceTable

__all__ = ["Call", "Spent", "by_day", "by_model", "calls_in", "total"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model's."""

    provider: str
    model: str
    usage: Usage
    at: float
    """Unix seconds of its beginning."""


@dataclass(slots=True)
class Spent:
    """A sum of calls."""

    calls: int = 0
    prompt: int = 0
    """Tokens, cached ones included."""
    cached: int = 0
    output: int = 0
    """Tokens, thoughts included."""
    dollars: float = 0.0
    """Of the calls whose price is known."""
    unpriced: int = 0
    """Calls whose price is not known."""
    models: set[str] = field(default_factory=set)

    def add(self, call: Call, prices: PriceTable) -> None:
        """Count one more."""
        cost = prices.cost(call.provider, call.model, call.usage, call.at)
        self.calls += 1
        self.prompt += call.usage.prompt
        self.cached += call.usage.cached
        self.output += call.usage.output + call.usage.thoughts
        self.dollars += cost or 0.0
        self.unpriced += cost is None
        self.models.add(call.model)


def calls_in(events: Iterable[ev.Durable]) -> Iterator[Call]:
    """Every call that a session made itself, in its order.

    What was inherited from another session was paid there.
    """
    calls: list[Call] = []
    started: ev.ReplyStarted | None = None
    for event in events:
        match event:
            case ev.ReplyStarted():
                started = event
            case ev.ReplyEnded() if started is not None and started.reply_id == event.reply_id:
                calls.append(Call(started.provider, started.model, event.usage, started.at))
                started = None
            case ev.Inherited():
                calls.clear()
            case _:
                pass
    yield from (call for call in calls if call.usage != Usage())


def total(calls: Iterable[Call], prices: PriceTable) -> Spent:
    """All of them."""
    spent = Spent()
    for call in calls:
        spent.add(call, prices)
    return spent


def by_day(calls: Iterable[Call], prices: PriceTable) -> dict[str, Spent]:
    """By the day on this machine's calendar, the last one first."""
    return _sorted(calls, prices, lambda call: time.strftime("%Y-%m-%d", time.localtime(call.at)))


def by_model(calls: Iterable[Call], prices: PriceTable) -> dict[str, Spent]:
    """By the model, with its provider."""
    return _sorted(calls, prices, lambda call: f"{call.provider}:{call.model}")


def _sorted(
    calls: Iterable[Call], prices: PriceTable, key: Callable[[Call], str]
) -> dict[str, Spent]:
    found: dict[str, Spent] = {}
    for call in calls:
        found.setdefault(key(call), Spent()).add(call, prices)
    return dict(sorted(found.items(), reverse=True))
