"""Sessions as wholes: what goes is gone from every file, what stays can be verified."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, ActionState, Execution
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.model import Finish, PartKind, Usage
from pocketcoder_tui.core.shelf import Place, Shelf
from pocketcoder_tui.core.transcript import Deed, Remark, Said, Transcript
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import examine, records
from pocketcoder_tui.ledger.searching import search_path
from tests.ledger.samples import (
    OPENING,
    SESSION,
    TURN,
    action,
    decided,
    dispatched,
    ended,
    life_to,
    proposed,
)

OTHER, SECOND = "o" * 32, "8" * 32
SECRET = "xyzzy-secret"


def told(n: str, turn: str = TURN) -> list[ev.Durable]:
    """A message and its answer, in two pieces."""
    return [
        ev.MessageQueued(f"m{n}", f"draft {n}", 2.0),
        ev.MessageQueued(f"not{n}", f"never mind {n}", 2.0),
        ev.MessageWithdrawn(f"not{n}", 2.0),
        ev.MessageEdited(f"m{n}", f"message {n}", 2.0),
        ev.MessagesTaken(turn, (f"m{n}",)),
        ev.ReplyStarted(turn, f"r{n}", "gemini", "flash", 3.0),
        ev.PartGrew(f"r{n}", f"p{n}", PartKind.TEXT, "ans", {"text": "ans"}),
        ev.PartGrew(f"r{n}", f"p{n}", PartKind.TEXT, f"wer {n}", {"text": f"wer {n}"}),
        ev.ReplyEnded(f"r{n}", Finish.DONE, "STOP", Usage(), 4.0),
    ]


def over(turn: str = TURN) -> ev.TurnEnded:
    return ev.TurnEnded(turn, ev.TurnOutcome.DONE, "", "", 7.0)


async def two_turns(ledger: SqliteLedger) -> None:
    """A session of two turns; a command of the first ends in the second."""
    late = action("late", "make all")
    await ledger.record(SESSION, *OPENING, ev.SessionTitled("rounding"), *told("1"))
    await ledger.record(SESSION, *life_to(action("a", "pytest"), ActionState.FINISHED))
    await ledger.record(SESSION, proposed(late), decided(late), dispatched(late))
    await ledger.record(SESSION, ev.MessageQueued("unsent", "not yet", 6.0), over())
    await ledger.record(SESSION, ev.TurnStarted(SECOND, 8.0), *told("2", SECOND))
    await ledger.record(SESSION, ended(late), over(SECOND))


def the_port(ledger: SqliteLedger) -> Shelf:
    return ledger.shelf


def fold(events: list[ev.Durable]) -> Transcript:
    transcript = Transcript()
    transcript.apply_all(events)
    return transcript


def everything(path: Path, pattern: str = "*") -> bytes:
    """All bytes of all files in a ledger's folder."""
    return b"".join(p.read_bytes() for p in path.parent.rglob(pattern) if p.is_file())


def put(place: Path, content: bytes) -> None:
    place.write_bytes(content)


# --- rename and archive


async def test_a_session_is_renamed_and_archived(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    await the_port(ledger).rename(SESSION, "another name")
    await the_port(ledger).archive(SESSION)
    assert await ledger.sessions() == []
    (there,) = await ledger.sessions(archived=True)
    assert (there.title, there.archived) == ("another name", True)
    assert len(await ledger.replay(SESSION)) == 4
    await the_port(ledger).archive(SESSION, False)
    assert [s.id for s in await ledger.sessions()] == [SESSION]
    for work in (ledger.shelf.rename("nobody", "x"), ledger.shelf.archive("nobody")):
        with pytest.raises(LedgerError, match="no session nobody"):
            await work


# --- delete


async def test_a_deleted_session_leaves_its_hashes_and_nothing_else(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, ev.SessionTitled(f"title {SECRET}"))
        await ledger.record(SESSION, ev.MessageQueued("m", f"message {SECRET}", 1.0))
        what = action("a", f"echo {SECRET}")
        await ledger.record(SESSION, *life_to(what, ActionState.DISPATCHED))
        await ledger.record(SESSION, ended_with(f"{SECRET}\n" * 2_000))
        await ledger.record(OTHER, ev.SessionStarted(OTHER, "/w", 1.0), ev.SessionTitled("stays"))
        assert len(await ledger.shelf.search("xyzzy")) == 4
        before = [text for _, text, _ in await chain_of(ledger)]
        await the_port(ledger).delete(SESSION)
        assert SECRET.encode() not in everything(path)
        assert [s.id for s in await ledger.sessions(archived=True)] == [OTHER]
        assert await ledger.shelf.search("xyzzy") == []
        for work in (
            ledger.replay(SESSION),
            ledger.tail(SESSION, 1),
            ledger.shelf.delete(SESSION),
            ledger.shelf.rename(SESSION, "x"),
        ):
            with pytest.raises(LedgerError, match="You deleted"):
                await work
        with pytest.raises(LedgerError, match="deleted"):
            await ledger.record(SESSION, ev.SessionTitled("again"))
        await ledger.record(OTHER, ev.SessionTitled("goes on"))
    assert SECRET.encode() not in everything(path)
    found = list(records(path))
    assert [text for _, text, _ in found][: len(before)] == before
    deleted = next(record for record, _, _ in found if record["facts"].get("what") == "deleted")
    assert (deleted["session"], deleted["facts"]["events"]) == (SESSION, 9)
    assert examine(path).events == 12
    async with await SqliteLedger.open(path) as ledger:
        await ledger.verified()
        assert len(await ledger.replay(OTHER)) == 3


def ended_with(output: str) -> ev.ActionEnded:
    return ev.ActionEnded(replace(ended(action("a")).execution, output=output))


async def chain_of(ledger: SqliteLedger) -> list[tuple[int, str, str]]:
    rows = await ledger.read(lambda db: db.execute("SELECT seq, body FROM audit").fetchall())
    return [(seq, body, "") for seq, body in rows]


def run(statement: str, db: sqlite3.Connection) -> int:
    return db.execute(statement).rowcount


async def test_content_goes_only_with_a_session_that_was_deleted(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, *life_to(action("a"), ActionState.FINISHED))
    erased = '{"erased":"' + "a" * 64 + '"}'
    for statement in (
        f"UPDATE event SET body = '{erased}' WHERE seq = 1",
        "DELETE FROM output",
        "UPDATE output SET text = NULL, pruned = 999",
        "DELETE FROM decision",
        "DELETE FROM action",
        "DELETE FROM turn",
        "DELETE FROM session",
        "DELETE FROM session_state",
        "UPDATE session SET workspace = ''",
    ):
        with pytest.raises(LedgerError):
            await ledger.read(partial(run, statement))


# --- prune


async def test_old_output_is_pruned_and_says_so(path: Path) -> None:
    moments = iter([100.0] * 40 + [5_000.0] * 100)
    async with await SqliteLedger.open(path, clock=lambda: next(moments)) as ledger:
        await ledger.record(SESSION, *OPENING, *life_to(action("a"), ActionState.DISPATCHED))
        await ledger.record(SESSION, ended_with(f"{SECRET}\n" * 500))
        while next(moments) < 1_000:
            pass
        await ledger.record(SESSION, *life_to(action("b"), ActionState.FINISHED))
        assert await ledger.shelf.search("xyzzy")
        assert await the_port(ledger).prune(100.0) == 0
        assert await the_port(ledger).prune(2_000.0) == 1
        assert await the_port(ledger).prune(2_000.0) == 0
        transcript = fold(await ledger.replay(SESSION))
        assert output_of(transcript, "a") == "(This output of 6,500 characters was pruned.)"
        assert output_of(transcript, "b") == "out\n"
        assert await ledger.shelf.search("xyzzy") == []
        hits = await ledger.shelf.search("out")
        assert [hit.entry_id for hit in hits if hit.place is Place.OUTPUT] == ["b"]
    assert SECRET.encode() not in everything(path)
    (pruned,) = [record for record, _, _ in records(path) if record["kind"] == "pruned"]
    assert pruned["facts"] == {"before": 2_000.0, "outputs": 1}
    assert examine(path)


def output_of(transcript: Transcript, action_id: str) -> str:
    execution = transcript.deed(action_id).execution
    return execution.output if isinstance(execution, Execution) else ""


# --- fork


async def test_a_fork_has_the_turn_and_what_came_of_it_and_nothing_after(
    ledger: SqliteLedger,
) -> None:
    await two_turns(ledger)
    made = await the_port(ledger).fork(SESSION, TURN)
    events = await ledger.replay(made)
    fork = fold(events)
    assert fork.session_id == made
    assert fork.title == "rounding (fork)"
    assert isinstance(events[-1], ev.Inherited)
    said = [entry.text for entry in fork.entries.values() if isinstance(entry, Said)]
    assert said == ["message 1"]
    states = {e.id: e.state for e in fork.entries.values() if isinstance(e, Deed)}
    assert states == {"a": ActionState.FINISHED, "late": ActionState.FINISHED}
    assert fork.waiting == fork.queued == []
    assert fork.turn_id == ""
    (summary,) = [s for s in await ledger.sessions() if s.id == made]
    assert (summary.turns, summary.open_actions) == (1, 0)


async def test_a_fork_goes_on_by_itself(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await two_turns(ledger)
        made = await ledger.shelf.fork(SESSION, TURN)
        turn = "9" * 32
        what = action("own", session=made, turn=turn)
        await ledger.record(made, ev.TurnStarted(turn, 9.0), *told("3", turn))
        await ledger.record(made, *life_to(what, ActionState.FINISHED), over(turn))
        again = await ledger.shelf.fork(made, turn)
        second = await ledger.shelf.fork(made, TURN)
        assert len(await ledger.replay(again)) > len(await ledger.replay(second))
        await ledger.shelf.delete(SESSION)
        assert "own" in fold(await ledger.replay(again)).entries
        assert "a" in fold(await ledger.replay(made)).entries
    assert examine(path)


@pytest.mark.parametrize("make", [decided, dispatched, ended])
async def test_nothing_of_a_fork_can_be_decided_or_sent_again(
    ledger: SqliteLedger, make: Callable[[Action], ev.Durable]
) -> None:
    await two_turns(ledger)
    made = await ledger.shelf.fork(SESSION, TURN)
    with pytest.raises(LedgerError):
        await ledger.record(made, make(action("a")))


async def test_what_cannot_be_forked_is_a_sentence(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    for session, turn, said in (
        (SESSION, TURN, "not over"),
        (SESSION, "nobody", "no such turn"),
        ("nobody", TURN, "no session"),
    ):
        with pytest.raises(LedgerError, match=said):
            await ledger.shelf.fork(session, turn)


# --- export and import


async def test_an_export_comes_back_as_another_session(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await two_turns(ledger)
        lines = await the_port(ledger).export(SESSION)
    assert json.loads(lines[0])["format"] == "pocketcoder-session"
    assert "out\\n" in "".join(lines)
    elsewhere = tmp_path / "elsewhere" / "ledger.db"
    async with await SqliteLedger.open(elsewhere) as ledger:
        first = await the_port(ledger).import_session(lines, "/home/bea/shop")
        second = await the_port(ledger).import_session([*lines, ""], "/home/bea/shop")
        assert first != second
        events = await ledger.replay(first)
        assert events[0].kind == "session_started"
        origin = events[-1]
        assert isinstance(origin, ev.Inherited)
        assert (origin.origin, origin.session_id) == (ev.Origin.IMPORT, SESSION)
        transcript = fold(events)
        assert transcript.title == "rounding"
        assert transcript.workspace == "/home/bea/shop"
        assert output_of(transcript, "a") == "out\n"
        assert await ledger.shelf.search("message 1")
        third = await ledger.shelf.import_session(await ledger.shelf.export(first), "/w")
        assert fold(await ledger.replay(third)).title == "rounding"
    assert examine(elsewhere)


HEADER = '{"format":"pocketcoder-session","version":1,"session":"s"}'


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "not an exported session"),
        (["nonsense"], "not an exported session"),
        (["[]"], "not an exported session"),
        (["[" * 100_000], "not an exported session"),
        ([HEADER.replace(":1,", ":2,")], "not an exported session"),
        ([HEADER, "{}"], "Line 2"),
        ([HEADER, '{"kind":"session_titled","title":"t"}', "x"], "Line 3"),
        ([HEADER, '{"kind":"messages_taken","turn_id":"t","message_ids":["m"]}'], "Line 2"),
    ],
)
async def test_what_is_no_export_changes_nothing(
    ledger: SqliteLedger, lines: list[str], said: str
) -> None:
    with pytest.raises(LedgerError, match=said):
        await ledger.shelf.import_session(lines, "/w")
    assert await ledger.sessions() == []


async def test_what_was_open_elsewhere_is_not_open_here(ledger: SqliteLedger) -> None:
    what, left = action("w"), action("l")
    await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", "queued", 1.0))
    await ledger.record(SESSION, *life_to(what, ActionState.WAITING))
    await ledger.record(SESSION, *life_to(left, ActionState.DISPATCHED))
    made = await ledger.shelf.import_session(await ledger.shelf.export(SESSION), "/w")
    transcript = fold(await ledger.replay(made))
    assert transcript.waiting == transcript.queued == []
    assert transcript.turn_id == ""
    assert transcript.deed("w").state is ActionState.SUPERSEDED
    assert transcript.deed("l").state is ActionState.UNKNOWN
    assert not [e for e in transcript.entries.values() if isinstance(e, Remark)]


# --- search


async def test_everything_that_was_said_and_done_is_found(ledger: SqliteLedger) -> None:
    await two_turns(ledger)
    await ledger.record(OTHER, ev.SessionStarted(OTHER, "/w", 1.0), ev.SessionTitled("pytest too"))

    async def places(text: str, session: str = "") -> list[tuple[str, Place, str]]:
        hits = await the_port(ledger).search(text, session_id=session)
        return [(hit.session_id, hit.place, hit.entry_id) for hit in hits]

    assert await places("rounding") == [(SESSION, Place.TITLE, "")]
    assert await places("message") == [
        (SESSION, Place.MESSAGE, "m2"),
        (SESSION, Place.MESSAGE, "m1"),
    ]
    assert await places("answer 2") == [(SESSION, Place.ANSWER, "p2")]
    assert await places("pytest") == [(OTHER, Place.TITLE, ""), (SESSION, Place.ACTION, "a")]
    assert await places("pytest", SESSION) == [(SESSION, Place.ACTION, "a")]
    assert await places("out") == [
        (SESSION, Place.OUTPUT, "late"),
        (SESSION, Place.OUTPUT, "a"),
    ]
    assert await places("mess 1") == []
    assert await places("1 mess") == [(SESSION, Place.MESSAGE, "m1")]
    (hit,) = await ledger.shelf.search("answer 2")
    assert (hit.title, hit.snippet) == ("rounding", "answer 2")
    assert len(await ledger.shelf.search("message", limit=1)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '"',
        "*",
        "a AND",
        "NEAR(",
        "^x",
        "col:x",
        "-",
        "___",
        "\0",
        "\ud800",
        "(",
        "'--",
        "💥",
    ],
)
async def test_no_sign_is_an_operator(ledger: SqliteLedger, text: str) -> None:
    await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", "hello", 1.0))
    assert await ledger.shelf.search(text) == []


async def test_words_are_found_without_their_accents_and_in_any_case(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", "Größe PRÜFEN src/a_b.py", 1.0))
    for text in ("größe", "prufen", "GRÖ", "a_b.py", "src/a"):
        assert [hit.entry_id for hit in await ledger.shelf.search(text)] == ["m"]


async def test_an_answer_that_a_crash_cut_off_is_found(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, *told("1")[:-1])
    await ledger.record(SESSION, over())
    assert [hit.place for hit in await ledger.shelf.search("answer")] == [Place.ANSWER]


@pytest.mark.parametrize(
    "content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000], ids=range(3)
)
async def test_a_ruined_search_file_is_made_anew(path: Path, content: bytes) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await two_turns(ledger)
        assert await ledger.shelf.search("pytest")
    put(search_path(path), content)
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.shelf.search("pytest")
        await ledger.record(SESSION, ev.SessionTitled("pytest twice"))
        assert len(await ledger.shelf.search("pytest")) == 2


async def test_a_search_file_of_another_ledger_is_made_anew(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "ledger.db"
    async with await SqliteLedger.open(other) as ledger:
        await two_turns(ledger)
        await ledger.record(SESSION, ev.SessionTitled(SECRET))
        assert await ledger.shelf.search("xyzzy")
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, ev.SessionTitled("here"))
    put(search_path(path), everything(other, "*.search"))
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.shelf.search("xyzzy") == []
        assert len(await ledger.shelf.search("here")) == 1
