"""`pocketcoder network`: which hosts the box reached, when, and how much went each way.

Computed from the ledger, which is only read; while another pocketcoder has it, from what was
recorded so far. ``--json`` prints one object a line, the newest last, with the keys of the event
(core/network.py: ``kind`` is connection_opened, connection_closed or connection_refused) and
``session``.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict

from rich.filesize import decimal

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREY, RED, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.network import ConnectionClosed, ConnectionOpened, NetworkEvent
from pocketcoder_tui.gatekeeper.faithful import plain

NOTHING = "Nothing in the box of this workspace has asked for a host yet."


def run(args: Arguments, paths: Paths) -> int:
    """Print it. Raises LedgerError."""
    found = asyncio.run(_read(args, paths)) if paths.ledger.exists() else []
    if args.json:
        for session, event in found:
            print(json.dumps({"session": session, **asdict(event)}))
        return 0
    lines = [line for event in _told(found) for line in [_line(event)]]
    say(*(lines or [NOTHING]))
    return 0


async def _read(args: Arguments, paths: Paths) -> list[tuple[str, NetworkEvent]]:
    from pocketcoder_tui.ledger import open_to_look
    from pocketcoder_tui.ledger.traffic import traffic

    async with await open_to_look(paths.ledger) as ledger:
        return await traffic(ledger, args.last)


def _told(found: Sequence[tuple[str, NetworkEvent]]) -> list[NetworkEvent]:
    """Each connection once: its end, or its beginning while it has none."""
    over = {e.connection_id for _, e in found if isinstance(e, ConnectionClosed)}
    return [
        event
        for _, event in found
        if not isinstance(event, ConnectionOpened) or event.connection_id not in over
    ]


def _line(event: NetworkEvent) -> str:
    when = paint(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at)), GREY)
    match event:
        case ConnectionOpened(host=host, port=port, address=address):
            return f"{when}  {_safe(host)}:{port}  open, at {_safe(address)}"
        case ConnectionClosed(host=host, port=port, error=error):
            carried = f"{decimal(event.sent)} out, {decimal(event.received)} in"
            why = f"  {paint(_safe(error), RED)}" if error else ""
            return f"{when}  {_safe(host)}:{port}  {carried}, {event.seconds:.1f} s{why}"
        case _:
            return f"{when}  {_safe(event.target)}  {paint('refused', RED)}: {_safe(event.why)}"


def _safe(text: str) -> str:
    return encodable(plain(text, keep_newlines=False))
