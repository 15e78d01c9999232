"""`pocketcoder stats`: how often you were asked, who or what decided, and how fast.

Computed from the ledger, which is only read; while another pocketcoder has it, from what was
recorded so far. The JSON keeps its keys within one number of ``schema``; new ones may be added:

    schema          1
    actions, asked, allowed, denied, edited, open   numbers of actions
    median_seconds  from the question to your answer; null when there was none
    deciders        {"by" (person, rule or mode), "who", "allowed", "denied"}, the most busy first
    repeated        {"command", "cwd", "asked", "rule" (the exact text of the one that would have
                    covered it, or empty), "why" (why there is none)}, the most repeated first
"""

import asyncio
import json
from dataclasses import asdict

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import encodable
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.gatekeeper.tally import Tally, tally, tally_words

SCHEMA = 1


def run(args: Arguments, paths: Paths) -> int:
    """Print it. Raises LedgerError."""
    counted = asyncio.run(_count(paths)) if paths.ledger.exists() else tally([])
    if args.json:
        print(json.dumps({"schema": SCHEMA, **asdict(counted)}))
        return 0
    for line in tally_words(counted):
        print(encodable(plain(line, keep_newlines=False)))
    return 0


async def _count(paths: Paths) -> Tally:
    from pocketcoder_tui.ledger import open_to_look

    async with await open_to_look(paths.ledger) as ledger:
        return tally(await ledger.rules.past())
