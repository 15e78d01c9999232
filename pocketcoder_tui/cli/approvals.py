"""`pocketcoder approvals`: the queue of what waits, seen and answered from any other terminal.

The pocketcoder that works in the folder is asked over its control socket; it decides who was first.
While nobody works there, what waits is read from the ledger, and nothing can be decided.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREEN, GREY, RED, YELLOW, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.control import ask, follow
from pocketcoder_tui.control.protocol import ControlError, NobodyWorks
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.gatekeeper.faithful import faithful_text, plain

SCHEMA = 1
SHOWN_OF_ID = 8
"""Characters of the end of an id that a list shows: the part that is random."""
AT_REST = "No pocketcoder works in this folder, so nothing can be decided now."
AT_REST_HINT = "Start one there: what waits is asked again, on its screen and here."
_WORDS = {
    "waiting": ("waits", YELLOW),
    "allowed": ("allowed", GREEN),
    "denied": ("denied", RED),
    "dispatched": ("runs", GREEN),
    "finished": ("over", GREY),
    "interrupted": ("interrupted", RED),
    "unknown": ("unknown", RED),
    "superseded": ("replaced or taken back", GREY),
}
Row = dict[str, Any]


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises ControlError and LedgerError."""
    match args.action:
        case "show":
            return show(args, paths)
        case "allow" | "deny":
            return decide(args, paths)
        case "watch":
            return watch(args, paths)
        case _:
            return show_list(args, paths)


def show_list(args: Arguments, paths: Paths) -> int:
    """Print what waits, the oldest first."""
    rows, live = _rows(paths)
    if args.json:
        print(json.dumps({"schema": SCHEMA, "live": live, "approvals": rows}))
        return 0
    for row in rows:
        print(_block(row))
    if not rows:
        say("Nothing waits.")
    elif not live:
        say(AT_REST, AT_REST_HINT)
    return 0


def show(args: Arguments, paths: Paths) -> int:
    """Print one action."""
    try:
        row = ask(paths.control, "approvals.show", id=args.session)["approval"]
    except NobodyWorks:
        row = _named(args.session, asyncio.run(_stored(paths)))
    if args.json:
        print(json.dumps({"schema": SCHEMA, "approval": row}))
        return 0
    print(_block(row))
    for line in _facts(row):
        say(line)
    return 0


def decide(args: Arguments, paths: Paths) -> int:
    """Allow or deny one that waits; the first answer wins, wherever it comes from."""
    try:
        row = ask(
            paths.control,
            "approvals.decide",
            id=args.session,
            outcome=args.action,
            reason=args.reason,
            who=_who(),
        )["approval"]
    except NobodyWorks as error:
        raise ControlError(AT_REST, hint=AT_REST_HINT) from error
    if args.json:
        print(json.dumps({"schema": SCHEMA, "approval": row}))
    else:
        word = "Allowed" if args.action == "allow" else "Denied"
        print(paint(word, GREEN if args.action == "allow" else RED), _block(row), sep="\n")
    return 0


def watch(args: Arguments, paths: Paths) -> int:
    """Print what waits, then what becomes of it, as it happens; ends with the one who works."""
    for answer in follow(paths.control, "approvals.watch"):
        if args.json:
            print(json.dumps({"schema": SCHEMA, **answer}), flush=True)
        elif answer["event"] == "waiting":
            print(_block(answer["approval"]), flush=True)
        elif answer["event"] in _WORDS:
            print(_news(answer["event"], answer["approval"]), flush=True)
    say("The pocketcoder there ended.")
    return 0


# --- where the rows come from


def _rows(paths: Paths) -> tuple[Sequence[Row], bool]:
    """What waits, and whether it can be decided now."""
    try:
        return ask(paths.control, "approvals.list")["approvals"], True
    except NobodyWorks:
        stored = asyncio.run(_stored(paths))
        return [row for row in stored if row["state"] == "waiting"], False


async def _stored(paths: Paths) -> list[Row]:
    """The actions of all sessions in which something is open, from the ledger."""
    from pocketcoder_tui.core.transcript import Deed, Transcript
    from pocketcoder_tui.engine.approvals import row_of
    from pocketcoder_tui.ledger import open_to_look

    if not paths.ledger.exists():
        return []
    rows: list[Row] = []
    async with await open_to_look(paths.ledger) as ledger:
        for session in await ledger.sessions(archived=True):
            if session.open_actions:
                transcript = Transcript()
                transcript.apply_all((await ledger.tail(session.id, 1)).events)
                deeds = [e for e in transcript.entries.values() if isinstance(e, Deed)]
                rows += map(row_of, deeds)
    return rows


def _named(wanted: str, rows: Sequence[Row]) -> Row:
    found = [r for r in rows if r["id"].endswith(wanted)]
    if len(found) != 1:
        what = "no open action" if not found else f"more than one ({len(found)})"
        raise ControlError(f"There is {what} of the id {wanted!a}.", hint=AT_REST)
    return found[0]


def _who() -> str:
    """Who decides here: the login name, and from which terminal."""
    try:
        place = os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):
        place = "no terminal"
    return f"{login_name()} ({place.removeprefix('/dev/')})"


# --- words


def _block(row: Row) -> str:
    """An action with its whole text; nothing of it is cut or interpreted."""
    age = _ago(row["at"])
    head = f"{row['id'][-SHOWN_OF_ID:]}  {_one_line(row['verb'])}  in {_one_line(row['cwd'])}"
    if row["verb"] != "run":
        head += f"  {_one_line(row['title'])}"
    lines = [head + paint(f"  {_WORDS[row['state']][0]}, asked {age} ago", GREY)]
    text = encodable(faithful_text(row["text"]))
    lines += [f"    {line}" for line in text.split("\n")]
    # A decision about what this machine runs counts as one only if that was said before it.
    runs = [effect["sentence"] for effect in row["effects"] if effect["kind"] == "guarded"]
    lines += [paint(f"  ! {_one_line(note)}", YELLOW) for note in [*row["notes"], *runs]]
    return "\n".join(lines)


def _facts(row: Row) -> Iterator[str]:
    yield f"  id      {row['id']}"
    yield f"  digest  {row['digest']}"
    if row["why"]:
        yield f"  asked   {row['why']}"
    if row["edited_by"]:
        yield f"  edited  by {row['edited_by']}"
    for effect in row["effects"]:
        yield f"  does    {effect['sentence']}"
    said = row["decision"]
    if said is not None:
        word = "allowed" if said["outcome"] == "allow" else "denied"
        yield f"  {word} by {said['who']}" + (f": {said['reason']}" if said["reason"] else "")
    if row["exit_status"] is not None:
        yield f"  exit    {row['exit_status']}"


def _news(event: str, row: Row) -> str:
    word, colour = _WORDS[event]
    said = row["decision"]
    by = f" by {_one_line(said['who'])}" if said and event in ("allowed", "denied") else ""
    status = "" if row["exit_status"] is None else f", exit {row['exit_status']}"
    title = _one_line(row["title"])
    return f"{row['id'][-SHOWN_OF_ID:]}  {paint(word, colour)}{by}{status}  {title}"


def _one_line(text: str) -> str:
    return encodable(plain(text, keep_newlines=False))


def _ago(at: float) -> str:
    seconds = max(time.time() - at, 0)
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} s"
