"""Sessions as wholes from a front end's side; forks that go on, imports that are only read."""

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.engine import journal as journals
from pocketcoder_tui.engine.catalogue import choose, short_ids
from pocketcoder_tui.engine.exports import Format, format_of, render, tell
from pocketcoder_tui.engine.history import history
from pocketcoder_tui.ledger import SqliteLedger, shelving
from tests.engine.exports.stories import EVIL, ORDINARY, deed, hostile, turn
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running
from tests.engine.test_long_session import SESSION, a_turn, fill
from tests.ledger.samples import action, life_to


def exact(messages: object) -> str:
    """Messages for the model, every byte of them."""
    return json.dumps([asdict(m) for m in messages], default=list)


async def ask(rig: Rig, text: str) -> None:
    """One turn with one command that is allowed."""
    rig.events.clear()
    await rig.session.send(text)
    (waits,) = await rig.waiting()
    await rig.allow(waits)
    await rig.rest()


async def test_the_open_session_is_renamed_and_put_away_before_ones_eyes(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("hello"))) as rig:
        await rig.session.send("hi")
        await rig.rest()
        library = rig.session.library
        await library.rename(library.open_id, "  another\n name ")
        assert rig.session.transcript.title == "another name"
        await library.archive(library.open_id)
        assert [s.archived for s in await library.sessions(archived=True)] == [True]
        assert [type(e) for e in rig.events[-2:]] == [ev.SessionTitled, ev.SessionArchived]
        with pytest.raises(LedgerError, match="is open"):
            await library.delete(library.open_id)
        with pytest.raises(LedgerError, match="at least one word"):
            await library.rename(library.open_id, "\n")
        glimpse = await library.glimpse(library.open_id)
        assert (glimpse.summary.title, glimpse.whole) == ("another name", True)
        (hit,) = await library.search("hello")
        assert hit.session_id == library.open_id


async def test_another_session_is_changed_in_the_ledger_alone(tmp_path: Path) -> None:
    await fill(tmp_path / "ledger.db")
    async with running(tmp_path, ScriptedModel(says("hello"))) as rig:
        await rig.session.send("hi")
        await rig.rest()
        library = rig.session.library
        await library.rename(SESSION, "other")
        await library.archive(SESSION)
        assert rig.session.transcript.title == "hi"
        assert [s.id for s in await library.sessions()] == [library.open_id]
        assert len((await library.story(SESSION)).turns) == 12
        glimpse = await library.glimpse(SESSION)
        assert not glimpse.whole
        assert "# other" in await library.export(SESSION, Format.MARKDOWN)
        await library.delete(SESSION)
        for work in (library.glimpse(SESSION), library.story(SESSION), library.story("nobody")):
            with pytest.raises(LedgerError):
                await work


async def test_a_fork_goes_on_from_the_same_bytes(tmp_path: Path) -> None:
    """Two turns, a fork after the first: the model is told what it was told then, and no more."""
    model = ScriptedModel(
        shell("one"), says("first"), shell("two"), says("second"), shell("three"), says("third")
    )
    async with running(tmp_path, model) as rig:
        await ask(rig, "do one")
        first = rig.session.transcript.turn_id, exact(history(rig.session._journal.events))
        await ask(rig, "do two")
        original = rig.session.library.open_id
        story = await rig.session.library.story(original)
        made = await rig.session.library.fork(original, story.turns[0].turn_id)
        before = rig.session._journal.events[:]
    async with running(tmp_path, model, resume=made) as rig:
        transcript = rig.session.transcript
        assert transcript.title == "do one (fork)"
        assert transcript.waiting == transcript.queued == []
        assert exact(history(rig.session._journal.events)) == first[1]
        await ask(rig, "do three")
        told = model.requests[-2].messages
        assert exact(told[:-1]) == first[1]
        assert told[-1].text == "do three"
        assert [what for _, what in rig.terminal.ran] == ["three"]
    async with running(tmp_path, model, resume=original) as rig:
        assert rig.session._journal.events == before


async def test_what_was_open_in_the_original_is_never_open_in_a_fork(tmp_path: Path) -> None:
    """A command that runs in the original when the fork begins: it ends in the original alone."""
    path = tmp_path / "ledger.db"
    left, done = action("left", "make"), f"{7:032x}"
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, ev.SessionStarted(SESSION, "/w", 1.0), ev.SessionTitled("t"))
        await ledger.record(SESSION, ev.TurnStarted(left.turn_id, 1.0))
        await ledger.record(SESSION, *life_to(left, ActionState.DISPATCHED))
        await ledger.record(
            SESSION, ev.TurnEnded(left.turn_id, ev.TurnOutcome.STOPPED, "", "", 1.0)
        )
        await ledger.record(SESSION, ev.TurnStarted(done, 1.0))
        await ledger.record(SESSION, ev.TurnEnded(done, ev.TurnOutcome.DONE, "", "", 1.0))
        made = await ledger.shelf.fork(SESSION, done)
    model = ScriptedModel(says("hello"))
    async with running(tmp_path, model, resume=made) as rig:
        assert state(rig.session.transcript, "left") is ActionState.UNKNOWN
        await rig.session.send("go on")
        await rig.rest()
        assert rig.terminal.asked == rig.terminal.ran == []
        assert not [e for e in rig.events if isinstance(e, ev.ActionEnded)]
    async with running(tmp_path, model, resume=SESSION) as rig:
        await rig.until(lambda: state(rig.session.transcript, "left") is ActionState.UNKNOWN)
        assert [e for e in rig.events if isinstance(e, ev.ActionEnded)]


async def test_what_was_open_long_before_the_end_of_an_import_is_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is read first, and what precedes it later: neither part brings an open row."""
    monkeypatch.setattr(journals, "WINDOW", 5)
    path = tmp_path / "ledger.db"
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, ev.SessionStarted(SESSION, "/w", 1.0), ev.SessionTitled("t"))
        turn_id = f"{99:032x}"
        await ledger.record(SESSION, ev.MessageQueued("m", "queued", 1.0))
        await ledger.record(SESSION, ev.TurnStarted(turn_id, 1.0))
        for name, to in (("w", ActionState.WAITING), ("d", ActionState.DISPATCHED)):
            what = action(name, name, SESSION, turn_id)
            await ledger.record(SESSION, *life_to(what, to))
        for n in range(1, 9):
            await ledger.record(SESSION, *a_turn(n))
        made = await ledger.shelf.import_session(await ledger.shelf.export(SESSION), "/w")
    async with running(tmp_path, ScriptedModel(says("hello")), resume=made) as rig:
        await rig.session._journal.read_past()
        transcript = rig.session.transcript
        assert {state(transcript, "w"), state(transcript, "d")} == {
            ActionState.SUPERSEDED,
            ActionState.UNKNOWN,
        }
        assert transcript.waiting == []
        assert transcript.queued == []
        await rig.session.send("go on")
        await rig.rest()
        assert rig.terminal.asked == rig.terminal.ran == []


def state(transcript: Transcript, id_: str) -> ActionState | None:
    entry = transcript.entries.get(id_)
    return entry.state if isinstance(entry, Deed) else None


# --- exports come back


TEXT = st.one_of(st.text(max_size=30), st.sampled_from([EVIL, "", "\ud800", "💥", "\u2028"]))
ACTS = st.builds(lambda text, out: (text, out), TEXT, TEXT)
TURNS = st.lists(st.tuples(TEXT, TEXT, st.lists(ACTS, max_size=2)), max_size=4)
OWN = (ev.SessionStarted, ev.SessionArchived)


def told_of(turns: list[tuple[str, str, list[tuple[str, str]]]]) -> list[ev.Durable]:
    events: list[ev.Durable] = [ev.SessionStarted("s1", "/w", 1.0), ev.SessionTitled("t")]
    for n, (message, answer, acts) in enumerate(turns, 1):
        done = [
            event
            for k, (text, out) in enumerate(acts)
            for event in deed(f"a{n}-{k}", text, out, turn=f"t{n}", coloured=out)
        ]
        events += turn(n, message, answer, *done, thought=answer)
    return events


@given(TURNS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_export_that_is_imported_has_the_same_events(
    turns: list[tuple[str, str, list[tuple[str, str]]]],
) -> None:
    events = told_of(turns)
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": "s1"})
    lines = [header, *map(shelving.encode, events)]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(Path(folder), lines, events))


async def there_and_back(folder: Path, lines: list[str], events: list[ev.Durable]) -> None:
    async with await SqliteLedger.open(folder / "ledger.db") as ledger:
        made = await ledger.shelf.import_session(lines, "/here")
        (first, *kept, mark) = await ledger.replay(made)
        assert isinstance(first, ev.SessionStarted)
        assert isinstance(mark, ev.Inherited)
        assert mark.session_id == "s1"
        assert kept == [e for e in events if not isinstance(e, OWN)]
        again = await ledger.shelf.import_session(await ledger.shelf.export(made), "/there")
        assert (await ledger.replay(again))[1:-2] == kept
        await ledger.verified()


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_imported_can_be_told_whatever_was_done_to_it(data: st.DataObject) -> None:
    """Lines lost, doubled, exchanged, ids mixed up: refused with a line, or told by every fold."""
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": "s"})
    lines = [shelving.encode(e) for e in ORDINARY]
    ids = ["m1", "m2", "t1", "t2", "r1", "r2", "p1", "think1", "a1", "a2", "call-a1", "call-a2"]
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap", "mix"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                one, other_id = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
                lines[at] = lines[at].replace(f'"{one}"', f'"{other_id}"')
    events, refusal = tried([header, *lines])
    if refusal:
        assert "Line " in refusal
        return
    events.append(ev.Inherited(ev.Origin.IMPORT, "s", 1.0))
    history(events)
    for form in (Format.MARKDOWN, Format.PAGE):
        render(form, events, ())
    transcript = Transcript()
    transcript.apply_all(events)
    assert transcript.waiting == transcript.queued == []
    assert tell(events).inherited is not None


def tried(lines: list[str]) -> tuple[list[ev.Durable], str]:
    """What is read, or the sentence of the refusal."""
    try:
        return shelving.read_export(lines)[1], ""
    except LedgerError as error:
        return [], error.sentence


async def test_the_checkpoints_of_an_import_are_another_workspaces(tmp_path: Path) -> None:
    """An undo by their numbers would bring back something else."""
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": "s1"})
    async with await SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        made = await ledger.shelf.import_session([header, *map(shelving.encode, ORDINARY)], "/w")
        imported, original = Transcript(), Transcript()
        imported.apply_all(await ledger.replay(made))
        original.apply_all(ORDINARY)
        assert (original.deed("a1").checkpoint, imported.deed("a1").checkpoint) == (7, 0)
        forked = await ledger.shelf.fork(made, "t2")
        again = Transcript()
        again.apply_all(await ledger.replay(forked))
        assert again.deed("a1").checkpoint == 0


async def test_a_hostile_export_is_taken_in_and_handed_on(tmp_path: Path) -> None:
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": EVIL})
    async with await SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        lines = [header, *map(shelving.encode, hostile())]
        made = await ledger.shelf.import_session(lines, EVIL)
        await ledger.verified()
        events = await ledger.replay(made)
        assert "<script" not in render(Format.PAGE, events, ())
        assert await ledger.shelf.search("evil.example")
        assert [s.id for s in await ledger.sessions()] == [made]


def test_bounds_of_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": "s"})
    title = shelving.encode(ev.SessionTitled("t"))
    monkeypatch.setattr(shelving, "MOST_EVENTS", 2)
    with pytest.raises(LedgerError, match="Line 5 is more than"):
        shelving.read_export([header, "", title, title, title])
    monkeypatch.setattr(shelving, "LONGEST_LINE", 10)
    with pytest.raises(LedgerError, match="Line 2 is more than"):
        shelving.read_export([header, title])


# --- naming one


def summary(id_: str, title: str = "t") -> SessionSummary:
    return SessionSummary(id_, title, 1.0, 2.0, 1, 0)


def test_one_is_chosen_by_its_beginning() -> None:
    found = [summary("ab" + "0" * 30, "one\ntwo"), summary("ac" + "0" * 30), summary("b" * 32)]
    assert choose("AB", found) is found[0]
    assert choose("b" * 32, found) is found[2]
    with pytest.raises(LedgerError, match="2 sessions begin with 'a'") as error:
        choose("a", found)
    assert "\n  ab0000000000  one two\n  ac0000000000  t" in error.value.sentence
    for none in ("", "x", "b" * 33):
        with pytest.raises(LedgerError, match="no session"):
            choose(none, found)
    with pytest.raises(LedgerError, match="and 1 more"):
        choose("x", [summary(f"{n}" * 32) for n in range(7)])
    assert choose("ab", [summary("ab"), summary("abc")]).id == "ab"


def test_ids_are_cut_where_they_differ() -> None:
    assert short_ids([]) == {}
    one, other = "a" * 20 + "b" * 12, "a" * 20 + "c" * 12
    assert short_ids([summary(one), summary(other)]) == {one: one[:21], other: other[:21]}
    assert list(short_ids([summary(one)]).values()) == [one[:12]]
    assert format_of("x.md") is Format.MARKDOWN
