"""`pocketcoder usage`: tokens and money, by day, by model and by session.

Computed from the ledger, which is only read; while another pocketcoder has it, from what was
recorded so far. The JSON keeps its keys within one number of ``schema``; new ones may be added:

    schema    1
    total, days, models, sessions   each {"calls", "prompt", "cached", "output", "dollars",
              "unpriced"}: tokens (prompt with cached, output with thoughts), US dollars of the
              calls whose price is known, and the number of those whose price is not
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.pricing import load_prices
from pocketcoder_tui.core.prices import PriceTable, money
from pocketcoder_tui.core.spending import Call, Spent, by_day, by_model, calls_in, total
from pocketcoder_tui.gatekeeper.faithful import plain

SCHEMA = 1
NOTHING = "No model was asked in this folder yet."
TITLE = 40
"""Characters of a session's title."""


def run(args: Arguments, paths: Paths) -> int:
    """Print it. Raises LedgerError, ConfigError."""
    prices = load_prices(paths.config)
    sessions = asyncio.run(_sessions(paths)) if paths.ledger.exists() else {}
    calls = [call for _, found in sessions.values() for call in found]
    if args.json:
        print(json.dumps(_as_json(sessions, calls, prices)))
        return 0
    if not calls:
        say(NOTHING)
        return 0
    spent = {
        f"{title}  {id_[-8:]}": total(found, prices)
        for id_, (title, found) in sessions.items()
        if found
    }
    say(*_table("day", by_day(calls, prices)), "")
    say(*_table("model", by_model(calls, prices)), "")
    say(*_table("session", spent), "")
    whole = total(calls, prices)
    say(*_table("all", {"": whole}))
    if whole.unpriced:
        names = sorted({c.model for c in calls if prices.cost(c.provider, c.model, c.usage, c.at)
                        is None})  # fmt: skip
        say("", f"No price is known for: {', '.join(plain(n, keep_newlines=False) for n in names)}")
        say(f"{paths.config / 'prices.toml'} can name one.")
    return 0


async def _sessions(paths: Paths) -> dict[str, tuple[str, list[Call]]]:
    """By the session's id its title and its calls, the last changed first."""
    from pocketcoder_tui.ledger import open_to_look

    found: dict[str, tuple[str, list[Call]]] = {}
    async with await open_to_look(paths.ledger) as ledger:
        for session in await ledger.sessions(archived=True):
            calls = list(calls_in(await ledger.replay(session.id)))
            title = plain(session.title or "(no title)", keep_newlines=False)
            found[session.id] = (title[:TITLE], calls)
    return found


def _table(head: str, rows: Mapping[str, Spent]) -> Iterable[str]:
    width = max(len(head), *(len(name) for name in rows))
    yield f"{head:<{width}}  {'calls':>6}  {'tokens in':>11}  {'cached':>6}  {'out':>9}  {'':>10}"
    for name, spent in rows.items():
        share = f"{spent.cached / spent.prompt:.0%}" if spent.prompt else ""
        cost = money(spent.dollars) if spent.unpriced < spent.calls else "no price"
        cost += "+" if 0 < spent.unpriced < spent.calls else ""
        yield (
            f"{name:<{width}}  {spent.calls:>6,}  {spent.prompt:>11,}  {share:>6}  "
            f"{spent.output:>9,}  {cost:>10}"
        )


def _as_json(
    sessions: Mapping[str, tuple[str, list[Call]]], calls: list[Call], prices: PriceTable
) -> dict[str, Any]:
    by_session = {id_: _plain(total(found, prices)) for id_, (_, found) in sessions.items()}
    return {
        "schema": SCHEMA,
        "total": _plain(total(calls, prices)),
        "days": {day: _plain(spent) for day, spent in by_day(calls, prices).items()},
        "models": {name: _plain(spent) for name, spent in by_model(calls, prices).items()},
        "sessions": by_session,
    }


def _plain(spent: Spent) -> dict[str, int | float]:
    return {
        "calls": spent.calls,
        "prompt": spent.prompt,
        "cached": spent.cached,
        "output": spent.output,
        "dollars": round(spent.dollars, 6),
        "unpriced": spent.unpriced,
    }
