"""`pocketcoder usage`: what was spent, from a ledger that nobody has open."""

import json

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import Finish, Usage
from pocketcoder_tui.ledger import SqliteLedger
from tests.cli.conftest import Run

AT = 1_795_780_000.0
"""27 November 2026."""


async def fill(paths: Paths) -> None:
    """A session of two calls: one of a model whose price is known, and one of another."""
    paths.ledger.parent.mkdir(parents=True)
    ledger = await SqliteLedger.open(paths.ledger)
    session, turn = new_id(), new_id()
    known, new = new_id(), new_id()
    usage = Usage(prompt=1_000_000, cached=400_000, output=10_000, thoughts=10_000)
    await ledger.record(
        session,
        ev.SessionStarted(session, str(paths.workspace), AT),
        ev.SessionTitled("mend\x1b[2J it"),
        ev.TurnStarted(turn, AT),
        ev.ReplyStarted(turn, known, "gemini", "gemini-2.5-pro", AT),
        ev.ReplyEnded(known, Finish.DONE, "", usage, AT),
        ev.ReplyStarted(turn, new, "openai", "qwen3:8b", AT),
        ev.ReplyEnded(new, Finish.DONE, "", Usage(prompt=50, output=7), AT),
        ev.TurnEnded(turn, ev.TurnOutcome.DONE, "", "", AT),
    )
    await ledger.aclose()


def test_nothing_was_asked_yet(run: Run) -> None:
    done = run("usage")
    assert (done.returncode, done.stdout) == (0, "No model was asked in this folder yet.\n")
    assert json.loads(run("usage", "--json").stdout)["total"]["calls"] == 0


async def test_tokens_and_money(run: Run, paths: Paths) -> None:
    await fill(paths)
    done = run("usage")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    # 600,000 at 1.25, 400,000 at 0.125 and 20,000 at 10 dollars a million.
    assert (
        "gemini:gemini-2.5-pro       1    1,000,000     40%     20,000       $1.00" in done.stdout
    )
    assert "no price" in done.stdout
    assert "$1.00+" in done.stdout
    assert "No price is known for: qwen3:8b" in done.stdout
    told = json.loads(run("usage", "--json").stdout)
    assert told["total"] == {
        "calls": 2, "prompt": 1_000_050, "cached": 400_000, "output": 20_007, "dollars": 1.0,
        "unpriced": 1,
    }  # fmt: skip
    assert len(told["sessions"]) == len(told["days"]) == 1


async def test_a_price_file_of_one_s_own(run: Run, paths: Paths) -> None:
    await fill(paths)
    paths.config.mkdir(parents=True)
    file = paths.config / "prices.toml"
    file.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "qwen"\nfrom = 2026-01-01\ninput = 1\noutput = 1\n'
    )
    assert json.loads(run("usage", "--json").stdout)["total"]["unpriced"] == 0
    file.write_text("[[price]]\n")
    done = run("usage")
    assert done.returncode == 1
    assert "cannot be used: provider is one of" in done.stderr
