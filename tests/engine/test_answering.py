"""The queue from anywhere: the real session behind the real socket, asked as a command asks it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.control import ControlServer, ask, follow
from pocketcoder_tui.control.protocol import ControlError
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.engine.answering import Answering
from pocketcoder_tui.engine.login import login_name
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running


@asynccontextmanager
async def served(path: Path, model: ScriptedModel) -> AsyncIterator[tuple[Rig, Path]]:
    """A session that answers at a socket."""
    async with running(path, model) as rig:
        server = ControlServer(path / "control.sock", Answering(rig.session).respond)
        await server.start()
        try:
            yield rig, path / "control.sock"
        finally:
            await server.aclose()


async def asked(path: Path, name: str, **fields: object) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, name, **fields)


async def test_a_row_is_whole_and_deciding_it_lets_it_run(tmp_path: Path) -> None:
    command = "printf 'a\u202eb\\n' > x; ls"
    async with served(tmp_path, ScriptedModel(shell(command), says("done"))) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        [row] = (await asked(path, "approvals.list"))["approvals"]
        assert row["id"] == deed.id
        assert row["text"] == row["arguments"]["command"] == command
        assert row["digest"] == deed.action.digest
        assert row["effects"]
        again = await asked(path, "approvals.show", id=deed.id[-8:])
        assert again["approval"] == row
        said = await asked(
            path, "approvals.decide", id=deed.id, outcome="allow", who="ada (pts/9)",
            digest=row["digest"], reason="good",
        )  # fmt: skip
        assert said["approval"]["decision"]["who"] == "ada (pts/9)"
        await rig.rest()
        assert rig.terminal.ran == [(deed.id, command)]
        assert deed.decision is not None
        assert (deed.decision.who, deed.decision.reason) == ("ada (pts/9)", "good")


async def test_a_denial_with_its_reason_reaches_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(shell("rm x"), says("all right"))
    async with served(tmp_path, model) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await asked(path, "approvals.decide", id=deed.id[-6:], outcome="deny", reason="keep it")
        await rig.rest()
        assert "keep it" in json.dumps(dict(model.requests[-1].messages[-1].results[0].response))
        assert rig.terminal.ran == []


async def test_whoever_is_second_is_told_who_was_first(tmp_path: Path) -> None:
    async with served(tmp_path, ScriptedModel(shell("x"), says("done"))) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await asked(path, "approvals.decide", id=deed.id, outcome="deny", who="bob (pts/2)")
        with pytest.raises(TransitionRefused, match=r"bob \(pts/2\) denied it at "):
            await rig.session.decide(deed.id, Outcome.ALLOW)
        with pytest.raises(ControlError, match=r"bob \(pts/2\) denied it"):
            await asked(path, "approvals.decide", id=deed.id, outcome="allow")
        await rig.rest()
        assert rig.terminal.ran == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"id": "nobody", "outcome": "allow"}, "no action"),
        ({"id": "", "outcome": "allow"}, "too little"),
        ({"id": "abc", "outcome": "allow"}, "too little"),
        ({"outcome": "maybe"}, "allow or deny"),
        ({"outcome": None}, "allow or deny"),
        ({"outcome": "allow", "digest": "0" * 64}, "not the one that was shown"),
        ({"outcome": "deny", "reason": "x" * 20_001}, "at most"),
    ],
)
async def test_what_cannot_be_understood_decides_nothing(
    tmp_path: Path, fields: dict[str, object], sentence: str
) -> None:
    async with served(tmp_path, ScriptedModel(shell("x"))) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(ControlError, match=sentence):
            await asked(path, "approvals.decide", **{"id": deed.id, **fields})
        assert deed.state is ActionState.WAITING


async def test_the_beginning_of_an_id_is_no_name_since_it_is_a_moment(tmp_path: Path) -> None:
    async with served(tmp_path, ScriptedModel(shell("x"))) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(ControlError, match="no action"):
            await asked(path, "approvals.decide", id=deed.id[:8], outcome="allow")


async def test_a_name_of_a_caller_is_one_bounded_line(tmp_path: Path) -> None:
    async with served(tmp_path, ScriptedModel(shell("x"), says("done"))) as (rig, path):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        who = "\x1b]0;evil\x07\nroot" + "x" * 500
        await asked(path, "approvals.decide", id=deed.id, outcome="deny", who=who)
        await rig.rest()
        assert deed.decision is not None
        assert "\x1b" not in deed.decision.who
        assert "\n" not in deed.decision.who
        assert len(deed.decision.who) <= 80


async def test_who_watches_sees_everything_in_order_until_the_end(tmp_path: Path) -> None:
    model = ScriptedModel(shell("one"), shell("two"), says("done"))
    async with running(tmp_path, model) as rig:
        server = ControlServer(tmp_path / "control.sock", Answering(rig.session).respond)
        await server.start()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        listening = asyncio.Event()
        loop = asyncio.get_running_loop()
        seen: list[tuple[str, str]] = []

        def watch() -> None:
            for answer in follow(tmp_path / "control.sock", "approvals.watch"):
                row = answer.get("approval", {"text": ""})
                seen.append((answer["event"], row["text"]))
                if answer["event"] == "listening":
                    loop.call_soon_threadsafe(listening.set)

        watching = asyncio.create_task(asyncio.to_thread(watch))
        await asyncio.wait_for(listening.wait(), 10)
        await rig.allow(deed)
        await rig.until(lambda: [d.preview.text for d in rig.session.transcript.waiting] == ["two"])
        await rig.deny((await rig.waiting())[0])
        await rig.rest()
        await server.aclose()
        await asyncio.wait_for(watching, 10)
    assert seen == [
        ("waiting", "one"),
        ("listening", ""),
        ("allowed", "one"),
        ("dispatched", "one"),
        ("finished", "one"),
        ("waiting", "two"),
        ("denied", "two"),
    ]


async def test_of_two_answers_exactly_one_wins_a_thousand_times(tmp_path: Path) -> None:
    """One from the screen and one over the socket, begun at once, each row its own race."""
    rows = 50
    model = ScriptedModel(
        *(shell(*(f"c{n}" for n in range(rows))) for _ in range(20)), says("done")
    )
    async with served(tmp_path, model) as (rig, path):
        await rig.session.send("please")
        for _ in range(20):
            for deed in await rig.waiting(rows):
                here = rig.session.decide(deed.id, Outcome.DENY)
                there = _over_there(rig, path, deed.id)
                pair = (here, there) if int(deed.id[-1], 16) % 2 else (there, here)
                said = await asyncio.gather(*pair, return_exceptions=True)
                assert [s for s in said if not isinstance(s, BaseException)] == [None]
                [lost] = [s for s in said if isinstance(s, BaseException)]
                assert isinstance(lost, TransitionRefused | ControlError)
                assert deed.decision is not None
                assert deed.decision.who in str(lost)
                assert deed.decision.who in (login_name(), "other")
        await rig.rest()
    decided = [e for e in rig.events if isinstance(e, ev.ActionDecided)]
    assert len(decided) == len({e.decision.action_id for e in decided}) == 1000


async def _over_there(rig: Rig, path: Path, action_id: str) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    body = {"v": 1, "ask": "approvals.decide", "id": action_id, "outcome": "deny", "who": "other"}
    writer.write(json.dumps(body).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    if "error" in answer:
        raise ControlError(answer["error"])
