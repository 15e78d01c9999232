"""`pocketcoder log`: a session told line by line, and with -f as it goes on.

The last session that changed is read from the ledger, also while another pocketcoder works; -f asks
that one over its control socket, which tells the whole of its session first.
"""

import asyncio
import json
from collections.abc import Iterable

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import say
from pocketcoder_tui.cli.telling import SCHEMA, JsonTeller, TextTeller
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.control import follow
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.transcript import Transcript

NOTHING = "There is no session in this folder yet."


def run(args: Arguments, paths: Paths) -> int:
    """Print it. Raises LedgerError, ControlError."""
    return _follow(args, paths) if args.watch else _read(args, paths)


def _read(args: Arguments, paths: Paths) -> int:
    events = asyncio.run(_stored(args, paths)) if paths.ledger.exists() else []
    if not events:
        say(*([] if args.json else [NOTHING]))
        return 0
    teller = JsonTeller() if args.json else TextTeller()
    transcript = Transcript()
    if isinstance(teller, JsonTeller):
        first = next((e for e in events if isinstance(e, ev.SessionStarted)), None)
        session, workspace = (first.session_id, first.workspace) if first else ("", "")
        teller.head(session, workspace)
    for event in events:
        transcript.apply(event)
        teller.hear(event, transcript)
    teller.close()
    return 0


async def _stored(args: Arguments, paths: Paths) -> list[ev.Durable]:
    from pocketcoder_tui.engine.catalogue import choose
    from pocketcoder_tui.ledger import open_to_look

    async with await open_to_look(paths.ledger) as ledger:
        found = await ledger.sessions(archived=True)
        if not found:
            return []
        chosen = choose(args.session, found) if args.session else found[0]
        return await ledger.replay(chosen.id)


def _follow(args: Arguments, paths: Paths) -> int:
    from pocketcoder_tui.engine.mirrorlines import Complete, Head, Page, read_line

    teller, transcript = TextTeller(), Transcript()
    for line in follow(paths.control, "session.watch"):
        if args.json:
            print(json.dumps({"schema": SCHEMA, **line}), flush=True)
            continue
        match read_line(line):
            case Head() | Complete():
                continue
            case Page(events=events):
                _tell(events, teller, transcript)
            case event:
                _tell([event], teller, transcript)
    teller.close()
    if not args.json:
        say("The pocketcoder there ended.")
    return 0


def _tell(events: Iterable[ev.Event], teller: TextTeller, transcript: Transcript) -> None:
    for event in events:
        transcript.apply(event)
        teller.hear(event, transcript)
