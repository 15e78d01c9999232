"""`pocketcoder sessions`: the sessions of a workspace, found, changed, handed on and taken in.

Reading works while another pocketcoder has the ledger; it then sees what was recorded so far.
Changing needs the ledger, and is refused with the name of who has it.

The JSON of ``list`` and ``search`` keeps its keys within one number of ``schema``; new ones may be
added. Times are Unix seconds.

    schema     1
    workspace  the folder
    owner      who has the ledger: {"pid": N, "since": time}, pid 0 when unknown; null for nobody
    sessions   of list: {"id", "title", "started", "changed", "turns", "actions",
               "open" (actions that are not over), "archived"}, the last changed first
    query      of search: the words
    hits       of search: {"session", "title", "place" (title, message, answer, action or output),
               "entry" (the message's, answer's or action's id, or empty), "at", "snippet"},
               the newest first
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREY, ask, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import LedgerError, WorkspaceError
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.engine.catalogue import choose, short_ids, titled
from pocketcoder_tui.gatekeeper.faithful import plain

if TYPE_CHECKING:
    from pocketcoder_tui.engine.library import Library
    from pocketcoder_tui.ledger import Snapshot

SCHEMA = 1
WHAT_GOES = (
    "Its messages, answers, commands and output go, from the search file too; its long outputs, "
    "and the checkpoints of its actions."
)
WHAT_STAYS = (
    "What stays: in the audit chain, of each event its place, time, kind and SHA-256, and the "
    "records of decisions and results, which hold no content; so all the rest can still be "
    "verified. Backups and exports that you made are yours to delete."
)
Work = Callable[[Arguments, Paths], Awaitable[int]]


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Returns 1 when the person says no.

    Raises LedgerError, NobodyToAsk, WorkspaceError, engine.exports.files.FileRefused, and for
    resume what cli.start.run raises.
    """
    if args.action == "resume":
        from pocketcoder_tui.cli import start

        found = asyncio.run(_chosen(args, paths))
        return start.run(replace(args, command="", resume=found.id), paths)
    return asyncio.run(_run(_WORKS[args.action], args, paths))


async def _run(work: Work, args: Arguments, paths: Paths) -> int:
    return await work(args, paths)


# --- reading


async def show_list(args: Arguments, paths: Paths) -> int:
    """Print them, the last changed first."""
    found: list[SessionSummary] = []
    owner: Snapshot | None = None
    if paths.ledger.exists():
        async with looking(paths) as (library, owner):
            found = await library.sessions(archived=args.all)
    if args.json:
        print(json.dumps({**_head(paths, owner), "sessions": [_as_json(s) for s in found]}))
        return 0
    short = short_ids(found)
    for session in found:
        print(line(session, short[session.id]))
    if not found:
        say(f"No sessions in {paths.workspace} yet.")
    _tell_owner(owner)
    return 0


async def search(args: Arguments, paths: Paths) -> int:
    """Print where the words stand."""
    words = " ".join(args.words)
    hits, found, owner = [], list[SessionSummary](), None
    if paths.ledger.exists():
        async with looking(paths) as (library, owner):
            hits = await library.search(words, limit=args.last or sys.maxsize)
            found = await library.sessions(archived=True)
    if args.json:
        told = [{**asdict(h), "session": h.session_id, "entry": h.entry_id} for h in hits]
        for hit in told:
            del hit["session_id"], hit["entry_id"]
        print(json.dumps({**_head(paths, owner), "query": words, "hits": told}))
        return 0
    short = short_ids(found)
    for h in hits:
        title = _line(h.title) or "(no title yet)"
        print(f"{short[h.session_id]}  {_moment(h.at)}  {h.place.value:<8}  {title}")
        print("    " + paint(_line(h.snippet), GREY))
    if not hits:
        say(f"Nothing found for {words}.")
    _tell_owner(owner)
    return 0


async def export(args: Arguments, paths: Paths) -> int:
    """Print a session as text, or write it to a new file."""
    from pocketcoder_tui.engine.exports import Format, format_of, write_new

    form = Format(args.format) if args.format else format_of(args.to or "") or Format.MARKDOWN
    async with looking(paths) as (library, owner):
        session = choose(args.session, await library.sessions(archived=True))
        text = await library.export(session.id, form)
    if args.to is None:
        sys.stdout.write(encodable(text))
        return 0
    write_new(Path(args.to), text, workspace=paths.workspace)
    say(
        f"The session is in {args.to}",
        "Keys that pocketcoder knew were masked when it was stored. Read it before you hand it on.",
    )
    _tell_owner(owner)
    return 0


async def _chosen(args: Arguments, paths: Paths) -> SessionSummary:
    async with looking(paths) as (library, _):
        return choose(args.session, await library.sessions(archived=True))


# --- changing


async def rename(args: Arguments, paths: Paths) -> int:
    """Give it another title."""
    async with changing(args, paths) as (library, session):
        await library.rename(session.id, " ".join(args.words))
        (now,) = [s for s in await library.sessions(archived=True) if s.id == session.id]
    say(f"{titled(session)}: it is called {titled(now)} now.")
    return 0


async def archive(args: Arguments, paths: Paths) -> int:
    """Put it away, or take it out again."""
    away = args.action == "archive"
    async with changing(args, paths) as (library, session):
        if session.archived != away:
            await library.archive(session.id, away)
    said = "is put away; list --all shows it" if away else "is in the list"
    say(f"{titled(session)}: it {said}.")
    return 0


async def fork(args: Arguments, paths: Paths) -> int:
    """Begin a session with its beginning."""
    async with changing(args, paths) as (library, session):
        story = await library.story(session.id)
        over = [turn for turn in story.turns if turn.outcome is not None]
        chosen = [t for t in over if t.number == args.turn] if args.turn else over[-1:]
        if not chosen:
            turns = "".join(f"\n  {t.number}  {' '.join(t.said.split())[:60]}" for t in over)
            which = f"There is no turn {args.turn} that is over" if args.turn else "No turn is over"
            raise LedgerError(f"{which} in {titled(session)}.", hint=turns and f"Turns:{turns}")
        made = await library.fork(session.id, chosen[0].turn_id)
    say(
        f"The new session {made} begins with {titled(session)} up to turn {chosen[0].number}.",
        f"Go on with it: pocketcoder sessions resume {made}",
    )
    return 0


async def delete(args: Arguments, paths: Paths) -> int:
    """Delete its content, after asking."""
    async with changing(args, paths) as (library, session):
        say(f"{session.id}  {titled(session)}  ({_counts(session)})", WHAT_GOES, WHAT_STAYS)
        if not args.yes and not ask("Delete it for ever?"):
            say("Nothing was deleted.")
            return 1
        await library.delete(session.id)
    say("Deleted.")
    return 0


async def import_(args: Arguments, paths: Paths) -> int:
    """Begin a session with an export's events."""
    from pocketcoder_tui.engine.exports import lines_of

    if not paths.workspace.is_dir():
        raise WorkspaceError(f"There is no folder {paths.workspace}.")
    paths.prepare()
    async with _opened(paths) as library:
        made = await library.import_session(lines_of(Path(args.file)), str(paths.workspace))
        (session,) = [s for s in await library.sessions() if s.id == made]
    say(
        f"Imported: {titled(session)} ({_counts(session)}), as {made}.",
        "Nothing of it is open in here. It was said and done elsewhere, perhaps by somebody else.",
        f"Go on with it: pocketcoder sessions resume {made}",
    )
    return 0


_WORKS: dict[str, Work] = {
    "list": show_list,
    "search": search,
    "export": export,
    "rename": rename,
    "archive": archive,
    "unarchive": archive,
    "fork": fork,
    "delete": delete,
    "import": import_,
}


# --- the ledger


class _Kept:
    """The checkpoints of a workspace in which nobody works. Implements engine.library.Forgets."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    async def forget(self, action_ids: Iterable[str]) -> None:
        """Drop those of some actions. Raises CheckpointError."""
        if self._paths.checkpoints.is_dir():
            await asyncio.to_thread(self._prune, tuple(action_ids))

    def _prune(self, action_ids: tuple[str, ...]) -> None:
        """Within the person's limits of space and time, as the workbench does it."""
        from pocketcoder_tui.config.settings import load_settings
        from pocketcoder_tui.engine.assembly import make_keeping
        from pocketcoder_tui.engine.options import Options

        with make_keeping(Options(self._paths, load_settings(self._paths))).keeper() as keeper:
            keeper.prune(forget=action_ids)


@asynccontextmanager
async def looking(paths: Paths) -> "AsyncIterator[tuple[Library, Snapshot | None]]":
    """The sessions to be read; the second is not None while another process has the ledger."""
    from pocketcoder_tui.engine.library import Library
    from pocketcoder_tui.engine.outputs import Outputs
    from pocketcoder_tui.ledger import Snapshot, open_to_look

    _require(paths)
    async with await open_to_look(paths.ledger) as ledger:
        library = Library(ledger, Outputs(paths.outputs, 0), _Kept(paths))
        yield library, ledger if isinstance(ledger, Snapshot) else None


@asynccontextmanager
async def changing(
    args: Arguments, paths: Paths
) -> "AsyncIterator[tuple[Library, SessionSummary]]":
    """The session that was named, to be changed. Raises LedgerError while another has it."""
    _require(paths)
    async with _opened(paths) as library:
        yield library, choose(args.session, await library.sessions(archived=True))


@asynccontextmanager
async def _opened(paths: Paths) -> "AsyncIterator[Library]":
    from pocketcoder_tui.engine.library import Library
    from pocketcoder_tui.engine.login import login
    from pocketcoder_tui.engine.outputs import Outputs
    from pocketcoder_tui.ledger import SqliteLedger

    async with await SqliteLedger.open(paths.ledger, login=login()) as ledger:
        yield Library(ledger, Outputs(paths.outputs, 0), _Kept(paths))


def _require(paths: Paths) -> None:
    if not paths.ledger.exists():
        raise LedgerError(f"No sessions in {paths.workspace} yet.", hint="Start pocketcoder.")


# --- words


def line(session: SessionSummary, short: str) -> str:
    """Id, time of the last change, how much is in it, and the title."""
    away = paint("  (put away)", GREY) if session.archived else ""
    title = _line(titled(session))
    return f"{short}  {_moment(session.changed)}  {_counts(session):<30}  {title}{away}"


def _counts(session: SessionSummary) -> str:
    words = [_count(session.turns, "turn"), _count(session.actions, "action")]
    return ", ".join(words + ([f"{session.open_actions} open"] if session.open_actions else []))


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _line(text: str) -> str:
    """Untrusted text as one line that is safe to print."""
    return encodable(plain(text, keep_newlines=False))


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _as_json(session: SessionSummary) -> dict[str, Any]:
    fields = asdict(session)
    fields["open"] = fields.pop("open_actions")
    return fields


def _head(paths: Paths, owner: "Snapshot | None") -> dict[str, Any]:
    who = None if owner is None else {"pid": owner.owner, "since": owner.since}
    return {"schema": SCHEMA, "workspace": str(paths.workspace), "owner": who}


def _tell_owner(owner: "Snapshot | None") -> None:
    """Say that this is a look over somebody's shoulder."""
    if owner is not None:
        who = f" (process {owner.owner}, since {_moment(owner.since)})" if owner.owner else ""
        at = time.strftime("%H:%M:%S", time.localtime(owner.taken))
        print(f"Another pocketcoder{who} works here; so it was at {at}.", file=sys.stderr)
