"""Who watches a session sees exactly what its owner sees, changes nothing, and slows nothing."""

import asyncio
import inspect
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.control.protocol import ControlError, decode, encode, request
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import PocketCoderError, WatchingOnly
from pocketcoder_tui.core.terminal import PersonLine
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.engine import journal as journals
from pocketcoder_tui.engine import mirroring, mirrorlines
from pocketcoder_tui.engine import workbench as ports
from pocketcoder_tui.engine.mirroring import mirrored
from pocketcoder_tui.engine.mirrorlines import MirrorError, event_line, pages, read_line
from pocketcoder_tui.engine.workbench import ENDED, WATCHING
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.mirrors import Watcher, served, telling, watching
from tests.engine.rig import Rig, running
from tests.engine.test_long_session import SESSION, TURNS, fill
from tests.ledger.test_codec import EVENTS, JSON_VALUES, OBJECTS, values_of

SHOWN = [kind for kind in get_args(transient.Transient) if kind is not transient.PastRead]
HEAD = {
    "session": {
        "id": "s", "workspace": "/w", "title": "t", "model": "m", "mode": "ask", "pid": 42,
    }
}  # fmt: skip
BEGUN = [HEAD, {"history": []}, {"complete": True}]


# --- the same, byte for byte


async def play(rig: Rig, watchers: Sequence[Watcher]) -> None:
    """A session with all that is shown: asked, held, run, asked for input, denied, typed, failed.

    At every stop the watchers show what the owner shows.
    """

    async def stop() -> None:
        for watcher in watchers:
            await watcher.same_as(rig.session)

    terminal = rig.terminal
    terminal.gate.clear()
    await rig.session.send("make it \ud800 \x1b[31m <b> é")
    one, two = sorted(await rig.waiting(2), key=lambda deed: deed.preview.text)
    await stop()
    await rig.deny(two, "not this one")
    await rig.allow(one)
    await rig.until(lambda: bool(one.live))
    await stop()
    terminal.main.asks.set()
    await rig.until(lambda: one.needs_input)
    await stop()
    terminal.gate.set()
    await rig.until(lambda: one.state is ActionState.FINISHED)
    for on_line in terminal.listeners:
        on_line(PersonLine("agent", "ls", 0, "a.py\n", 0, "/workspace", 0.1))
    await rig.rest()
    await rig.until(lambda: any(isinstance(e, ev.PersonRan) for e in rig.events))
    await rig.session.journal.tell(ev.Noticed("error", "The disk is full.", "Free some.", 1.0))
    await stop()


def model() -> ScriptedModel:
    return ScriptedModel(shell("make", "make install"), says("**done** [x]"), says("again"))


async def test_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
    ):
        await play(rig, [watcher])
        transcript = watcher.mirror.transcript
        assert len(transcript.entries) > 5
        assert transcript.title.startswith("make it")
        assert watcher.mirror.model_label == "script"
        assert watcher.mirror.mode == WATCHING


async def test_who_comes_in_the_middle_sees_the_same(tmp_path: Path) -> None:
    """At every event of the session another watcher comes; all show the same at the end."""
    socket = tmp_path / "s"
    late: list[Watcher] = []
    coming: set[asyncio.Task[None]] = set()
    async with running(tmp_path, model()) as rig, served(rig.session, socket):

        def another(event: ev.Event) -> None:
            if len(late) < 25:
                late.append(Watcher(socket))
                coming.add(asyncio.create_task(late[-1].mirror.open()))

        rig.session.listen(another)
        await play(rig, [])
        await asyncio.gather(*coming)
        for watcher in late:
            await watcher.same_as(rig.session)
            await watcher.mirror.aclose()
        assert len(late) > 15


async def test_what_is_only_shown_is_there_for_who_comes_later(tmp_path: Path) -> None:
    async with running(tmp_path, model()) as rig, served(rig.session, tmp_path / "s"):
        rig.terminal.gate.clear()
        rig.terminal.main.asks.set()
        await rig.session.send("go")
        one, _ = sorted(await rig.waiting(2), key=lambda deed: deed.preview.text)
        await rig.allow(one)
        await rig.until(lambda: one.needs_input)
        async with watching(tmp_path / "s") as watcher:
            await watcher.same_as(rig.session)
            mirrored_deed = watcher.mirror.transcript.deed(one.id)
            assert mirrored_deed.live == one.live != ""
            assert mirrored_deed.needs_input
            ready = transient.BoxChanged(transient.BoxState.READY)
            await watcher.until(lambda: ready in watcher.events)


@pytest.mark.parametrize("window", [1, 5, 60, 10_000])
async def test_a_resumed_session_with_a_long_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(journals, "WINDOW", window)
    monkeypatch.setattr("pocketcoder_tui.ledger.reading.PAGE", 7)
    monkeypatch.setattr(mirrorlines, "PAGE_EVENTS", 3)
    await fill(tmp_path / "ledger.db", ev.Noticed("info", "before", "", 1.0))
    model = ScriptedModel(says("hello"))
    async with running(tmp_path, model, resume=SESSION) as rig, served(rig.session, tmp_path / "s"):
        async with watching(tmp_path / "s") as early:
            await early.same_as(rig.session)
            await rig.session.journal.read_past()
            await rig.session.send("and now")
            await rig.rest()
            await early.same_as(rig.session)
        async with watching(tmp_path / "s") as late:
            await late.same_as(rig.session)
            entries = late.mirror.transcript.entries
            assert len([id for id in entries if id.removeprefix("m").isdigit()]) == TURNS


async def test_what_happens_while_the_past_is_read_is_neither_lost_nor_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every line that is read, something happens."""
    monkeypatch.setattr(journals, "WINDOW", 5)
    monkeypatch.setattr("pocketcoder_tui.ledger.reading.PAGE", 7)
    monkeypatch.setattr(mirrorlines, "PAGE_EVENTS", 4)
    await fill(tmp_path / "ledger.db")
    async with running(tmp_path, ScriptedModel(), resume=SESSION) as rig:
        journal = rig.session.journal
        await journal.read_past()
        told: list[ev.Event] = []
        written = 0
        async with aclosing(mirrored(rig.session)) as lines:
            while len(told) < 30:
                line = await anext(lines)
                item = read_line(json.loads(encode(line)))
                if isinstance(item, mirrorlines.Page) and not item.past:
                    told += item.events
                elif isinstance(item, ev.Noticed):
                    told.append(item)
                if written < 12:
                    written += 1
                    await journal.write(ev.Noticed("info", f"line {written}", "", 1.0))
                if written == 12 and told[-1:] == [ev.Noticed("info", "line 12", "", 1.0)]:
                    break
        assert told == journal.events
        assert [e.sentence for e in told if isinstance(e, ev.Noticed)][-12:] == [
            f"line {n}" for n in range(1, 13)
        ]


async def test_the_terminal_is_shown_too(tmp_path: Path) -> None:
    frames: list[transient.ScreenChanged] = []
    seen = asyncio.Event()

    def on_frame(frame: transient.ScreenChanged) -> None:
        frames.append(frame)
        seen.set()

    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
        watcher.mirror.watch(on_frame),
    ):
        await asyncio.wait_for(seen.wait(), 5)
        assert frames == [transient.ScreenChanged(("$ ",), 80, (2, 0))]
        await watcher.mirror.resize(10, 5)
        async with watcher.mirror.watch(frames.append):
            assert frames[0] == frames[1]
        assert rig.session.windows()


async def test_a_model_that_changes_is_told(tmp_path: Path) -> None:
    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
    ):
        rig.session._voice.label = "another"
        await rig.session.send("go")
        await rig.waiting(2)
        await watcher.same_as(rig.session)
        assert watcher.mirror.model_label == "another"


# --- nothing is slowed, nothing is kept open


async def test_who_does_not_read_is_let_go_and_slows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred large events while the reader sleeps: none of them waits for it."""
    monkeypatch.setattr(mirroring, "MOST_WEIGHT", 1_000_000)
    async with running(tmp_path, model()) as rig, served(rig.session, tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(encode(request("session.watch")))
        first = decode(await reader.readline())
        assert first["session"]["pid"]
        text = "x" * 50_000
        async with asyncio.timeout(10):
            for _ in range(100):
                await rig.session.journal.write(ev.Noticed("info", text, "", 1.0))
        lines = [decode(line) for line in (await reader.read()).splitlines()]
        assert len(lines) < 60
        assert "reads more slowly" in lines[-1]["error"]
        writer.close()
        # The session goes on, and so does the next watcher.
        async with watching(tmp_path / "s") as watcher:
            await rig.session.send("go")
            await rig.waiting(2)
            await watcher.same_as(rig.session)


async def test_a_watcher_that_was_let_go_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "MOST_LINES", 20)
    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
    ):
        for _ in range(30):  # all at once: nobody can read in between
            rig.session.journal.show(transient.BoxChanged(transient.BoxState.READY))
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        [said] = watcher.remarks
        assert "reads more slowly" in said
        assert "F5 watches again" in said


async def test_nobody_is_listened_for_any_more_after_hanging_up(tmp_path: Path) -> None:
    async with running(tmp_path, model()) as rig, served(rig.session, tmp_path / "s") as server:
        before = len(rig.session.journal._listeners)
        async with watching(tmp_path / "s"):
            assert len(rig.session.journal._listeners) == before + 1
        await server.aclose()
        assert len(rig.session.journal._listeners) == before


# --- the owner ends


async def test_the_owner_leaves(tmp_path: Path) -> None:
    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s") as server,
        watching(tmp_path / "s") as watcher,
    ):
        await rig.session.send("go")
        await rig.waiting(2)
        await watcher.same_as(rig.session)
        await server.aclose()
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        [said] = watcher.remarks
        assert said.startswith("The other pocketcoder has left this session")
        assert "^R goes on" in said
        # What was seen stays.
        assert len(watcher.mirror.transcript.waiting) == 2


OWNER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.engine.fakes import ScriptedModel, shell
from tests.engine.mirrors import served
from tests.engine.rig import running
async def main():
    where = Path(sys.argv[1])
    async with running(where, ScriptedModel(shell("ls"))) as rig, served(rig.session, where / "s"):
        await rig.session.send("go")
        await rig.waiting()
        print("waits", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_the_owner_is_killed(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(
        *("python", "-c", OWNER, str(tmp_path), str(Path(__file__).parents[2])),
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"waits\n"
    async with watching(tmp_path / "s") as watcher:
        [deed] = watcher.mirror.transcript.waiting
        assert watcher.mirror.owner == owner.pid
        owner.kill()
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        assert "has left this session" in watcher.remarks[-1]
        await owner.wait()
        with pytest.raises(ControlError, match="No pocketcoder works"):
            await Watcher(tmp_path / "s").mirror.open()
        assert deed.state is ActionState.WAITING


# --- what comes is judged


def raw(*lines: object) -> bytes:
    return b"".join(line if isinstance(line, bytes) else encode(line) for line in lines)


GARBAGE: list[tuple[bytes, str]] = [
    (b"\x00\xff not json\n", "not JSON"),
    (b"[1]\n", "no JSON object"),
    (b"[" * 100_000 + b"\n", "not JSON"),
    (raw({"event": {"kind": "no_such_kind"}}), "cannot be understood"),
    (raw({"event": {"kind": "session_titled", "title": 7}}), "cannot be understood"),
    (raw({"now": {"what": "__class__"}}), "cannot be understood"),
    (raw({"now": {"what": "PastRead", "entries": 1}}), "cannot be understood"),
    (raw({"now": {"what": ["x"]}}), "cannot be understood"),
    (raw({"surprise": True}), "cannot be understood"),
    (raw({"event": {"kind": "action_waiting", "action_id": "a", "why": "?"}}), "had not named"),
    (
        raw({"event": {"kind": "message_withdrawn", "message_id": "m", "at": 1.0}}),
        "had not named",
    ),
    (b'{"event":{"kind":"turn_started","turn_id":"t","at":1e999}}\n', "cannot be"),
    (b'{"event":{"kind":"turn_started","turn_id":"t","at":NaN}}\n', "cannot be"),
    (b'{"event":{"kind":"turn_started","turn_id":"t","at":1e300}}\n', "cannot be"),
    (
        raw({"now": {"what": "ScreenChanged", "lines": [], "columns": 10**30, "cursor": [0, 0]}}),
        "cannot be",
    ),
    (raw(HEAD | {"session": {"id": "s"}}), "cannot be understood"),
    (raw({"error": "No \x1b[31m more.", "hint": "Go."}), "No \x1b[31m more."),
]


@pytest.mark.parametrize(("line", "says"), GARBAGE)
async def test_garbage_instead_of_a_history_is_refused(
    tmp_path: Path, line: bytes, says: str
) -> None:
    async with telling(tmp_path / "s", line):
        watcher = Watcher(tmp_path / "s")
        with pytest.raises(PocketCoderError) as caught:
            await watcher.mirror.open()
        # Whatever is well formed but out of place is refused for that.
        assert says in caught.value.sentence or "out of order" in caught.value.sentence
        await watcher.mirror.aclose()


@pytest.mark.parametrize(
    ("line", "says"), [*GARBAGE, (raw({"complete": True}), "out of order"), (raw(*BEGUN), "order")]
)
async def test_garbage_later_ends_the_watching_with_a_sentence(
    tmp_path: Path, line: bytes, says: str
) -> None:
    async with (
        telling(tmp_path / "s", raw(*BEGUN), line, then="stay"),
        watching(tmp_path / "s") as watcher,
    ):
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        [said] = watcher.remarks
        assert said.startswith("You watch no longer. ")
        assert says in said
        assert "F5" in said
        assert "Traceback" not in said


async def test_a_line_that_does_not_end_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketcoder_tui.control.following.LINE_LIMIT", 1000)
    async with (
        telling(tmp_path / "s", raw(*BEGUN), b"x" * 5000, then="stay"),
        watching(tmp_path / "s") as watcher,
    ):
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        assert "at most 1000 bytes" in watcher.remarks[-1]


@pytest.mark.parametrize("cut", range(0, len(raw(*BEGUN)), 7))
async def test_an_owner_that_dies_in_the_middle_of_the_history(tmp_path: Path, cut: int) -> None:
    async with telling(tmp_path / "s", raw(*BEGUN)[:cut]):
        watcher = Watcher(tmp_path / "s")
        with pytest.raises(MirrorError, match="ended before"):
            await watcher.mirror.open()
        await watcher.mirror.aclose()
    # Another try begins anew.
    (tmp_path / "s").unlink(missing_ok=True)
    async with telling(tmp_path / "s", raw(*BEGUN), then="stay"):
        await watcher.mirror.open()
        assert watcher.mirror.transcript == Transcript()
        await watcher.mirror.aclose()


@given(JSON_VALUES | OBJECTS | st.sampled_from(["now", "event", "past"]).flatmap(
    lambda key: st.builds(lambda value: {key: value}, JSON_VALUES | OBJECTS)
))  # fmt: skip
def test_no_json_raises_anything_else(value: Any) -> None:
    try:
        read_line(value if isinstance(value, dict) else {"event": value})
    except MirrorError:
        return


# --- events travel exactly


def same_number(value: object) -> bool:
    """Whether every number in it is one that our clocks and counters can make."""
    try:
        mirrorlines._require_sane(value)
    except MirrorError:
        return False
    return True


@given(
    EVENTS | st.one_of([values_of(kind) for kind in SHOWN if kind is not transient.ScreenChanged])
)
def test_every_event_travels_exactly(event: ev.Event) -> None:
    line = json.loads(encode(event_line(event)[0]))
    if same_number(event):
        back = read_line(line)
        assert back == event
        assert repr(back) == repr(event)
    else:
        with pytest.raises(MirrorError):
            read_line(line)


def test_a_frame_travels_exactly() -> None:
    frame = transient.ScreenChanged(("\x1b[31mé\udc80", ""), 80, (2, 1), "server")
    assert read_line(json.loads(encode(event_line(frame)[0]))) == frame


def test_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrorlines, "PAGE_WEIGHT", 5_000)
    said = [ev.MessageQueued(f"m{n}", "x" * (n * 100), 1.0) for n in range(60)]
    laid = list(pages(said, past=True))
    assert [event["message_id"] for line in laid for event in line["past"]] == [
        event.message_id for event in said
    ]
    assert len(laid) > 20
    assert all(len(encode(line)) < 8_000 for line in laid)


async def test_an_event_without_room_ends_the_watching_and_not_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrorlines, "EVENT_WEIGHT", 1_000)
    async with (
        running(tmp_path, ScriptedModel(says("hello"))) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
    ):
        await rig.session.send("x" * 2_000)
        await rig.rest()
        await watcher.until(lambda: watcher.mirror.mode == ENDED)
        assert "too large to be watched" in watcher.remarks[-1]


# --- nothing is changed


QUIET = {"open", "aclose", "listen", "resize", "watch", "windows", "checks"}
"""What who watches may do."""
PARTS = ("review", "checkpoints", "trials", "queue", "library")


async def ask(call: Any) -> None:
    """Call with as many words as it takes."""
    words = ["x" for _ in inspect.signature(call).parameters]
    made = call(*words)
    if inspect.isawaitable(made):
        await made


REQUESTS = [
    name
    for name, member in vars(ports.Workbench).items()
    if inspect.isfunction(member) and not name.startswith("_") and name not in QUIET
]


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    async with (
        telling(tmp_path / "s", raw(*BEGUN), then="stay"),
        watching(tmp_path / "s") as watcher,
    ):
        with pytest.raises(WatchingOnly, match=r"another pocketcoder \(process 42\)") as caught:
            await ask(getattr(watcher.mirror, name))
        assert "pocketcoder a" in caught.value.hint


def test_there_are_requests() -> None:
    assert {"send", "decide", "stop", "attach", "mend", "stop_job"} <= set(REQUESTS)


@pytest.mark.parametrize("part", PARTS)
async def test_every_request_of_a_part_is_refused(tmp_path: Path, part: str) -> None:
    mirror = Watcher(tmp_path / "s").mirror
    for name in ("edit", "undo", "run", "withdraw", "page"):
        with pytest.raises(WatchingOnly):
            await getattr(getattr(mirror, part), name)("x", on_step=None)


async def test_nobody_works_there(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="No pocketcoder works in this folder"):
        await Watcher(tmp_path / "nobody").mirror.open()


async def test_a_deed_is_a_deed(tmp_path: Path) -> None:
    """The mirror's entries are the core's own, so the same screen draws them."""
    async with (
        running(tmp_path, model()) as rig,
        served(rig.session, tmp_path / "s"),
        watching(tmp_path / "s") as watcher,
    ):
        await rig.session.send("go")
        await rig.waiting(2)
        await watcher.same_as(rig.session)
        assert all(isinstance(deed, Deed) for deed in watcher.mirror.transcript.waiting)
