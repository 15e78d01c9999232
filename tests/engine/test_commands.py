"""Commands that go on: reported, waited for, typed into, held, followed over a restart."""

import asyncio
from pathlib import Path
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.terminal import CommandEnded, CommandHeld, Job, PersonLine
from pocketcoder_tui.core.transcript import Deed, Typed
from pocketcoder_tui.engine.outputs import Outputs
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running

LINE = PersonLine("agent", "git stash", 0, "Saved working directory\n", 0, "/workspace", 0.2)


def deeds(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


def results(model: ScriptedModel, call: int) -> list[dict[str, Any]]:
    """The results that a call of the model brought, the newest ones."""
    messages = [m for m in model.requests[call].messages if m.results]
    return [dict(result.response) for result in messages[-1].results]


def notes(model: ScriptedModel, call: int) -> list[str]:
    return [m.text for m in model.requests[call].messages if m.text.startswith("[From PocketCoder")]


def slow(model: ScriptedModel, limit: float = 0.05) -> Rig:
    rig = Rig(model)
    rig.command_limit = limit
    rig.terminal.gate.clear()
    return rig


async def test_a_command_that_takes_long_is_reported_and_its_end_is_told_later(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("make all"), says("it builds"), says("thanks"))
    async with running(tmp_path, model, rig=slow(model)) as rig:
        await rig.session.send("build")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        [told] = results(model, 1)
        assert (told["still_running"], told["output"]) == (True, "so far\n")
        assert (deed.state, deed.reported) == (ActionState.DISPATCHED, True)

        rig.terminal.gate.set()
        await rig.until(lambda: deed.state is ActionState.FINISHED)
        rig.events.clear()
        await rig.session.send("and?")
        await rig.rest()
        [note] = notes(model, 2)
        assert "`make all` is over: exit status 0" in note
        assert results(model, 2) == [told], "what the model was told stays as it was"


async def test_a_command_that_wants_input_is_reported_at_once(tmp_path: Path) -> None:
    model = ScriptedModel(
        shell("read x"), calls(("shell_input", {"text": "Ada", "keys": ["Enter"]})), says("ok")
    )
    async with running(tmp_path, model, rig=slow(model, 60)) as rig:
        rig.terminal.main.asks.set()
        await rig.session.send("ask")
        [asked] = await rig.waiting()
        await rig.allow(asked)
        await rig.until(lambda: asked.needs_input)
        [typing] = await rig.waiting()
        [told] = results(model, 1)
        assert told["waits_for_input"] is True
        assert typing.preview.text == (
            "Into the program in the window agent:\nAda\nthen the keys <Enter>"
        )
        assert typing.action.base == asked.id
        await rig.allow(typing)
        await rig.terminal.main.pressed.wait()
        rig.terminal.gate.set()
        await rig.rest()
        assert rig.terminal.main.typed == ["Ada", ("Enter",)]
        [answer] = results(model, 2)
        assert (answer["exit_status"], answer["told"]) == (0, asked.id)
        assert notes(model, 2) == [], "its end was told as the answer"


async def test_what_is_typed_is_for_the_program_that_was_shown(tmp_path: Path) -> None:
    model = ScriptedModel(
        shell("read x"), calls(("shell_input", {"text": "yes"})), says("ok"), says("ok")
    )
    async with running(tmp_path, model, rig=slow(model)) as rig:
        await rig.session.send("ask")
        [asked] = await rig.waiting()
        await rig.allow(asked)
        [typing] = await rig.waiting()
        rig.terminal.gate.set()
        await rig.until(lambda: asked.state is ActionState.FINISHED)
        await rig.allow(typing)
        [again] = await rig.waiting()
        assert (typing.state, again.action.base) == (ActionState.SUPERSEDED, "")
        await rig.allow(again)
        await rig.rest()
        assert rig.terminal.main.typed == []
        assert "No command of yours runs" in results(model, 2)[0]["error"]


async def test_waiting_brings_the_end_once(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), calls(("shell_wait", {"seconds": 20.0})), says("done"))
    async with running(tmp_path, model, rig=slow(model)) as rig:
        await rig.session.send("build")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        [wait] = await rig.waiting()
        await rig.allow(wait)
        await rig.until(lambda: wait.state is ActionState.DISPATCHED)
        rig.terminal.gate.set()
        await rig.rest()
        [answer] = results(model, 2)
        assert (answer["exit_status"], answer["output"]) == (0, "so far\n")
        assert notes(model, 2) == []


async def test_a_busy_window_refuses_and_another_one_runs(tmp_path: Path) -> None:
    model = ScriptedModel(
        shell("sleep 1000"),
        calls(("shell", {"command": "ls"}), ("shell", {"command": "ls", "window": "other"})),
        says("ok"),
    )
    async with running(tmp_path, model, rig=slow(model)) as rig:
        await rig.session.send("go")
        [first] = await rig.waiting()
        await rig.allow(first)
        await rig.waiting(2)
        for deed in tuple(rig.session.transcript.waiting):
            await rig.allow(deed)
        await rig.until(lambda: len(rig.terminal.ran) == 2)
        rig.terminal.gate.set()
        await rig.rest()
        refused, ran = results(model, 2)
        assert "'sleep 1000' still runs in the window 'agent'" in refused["error"]
        assert ran["output"] == "out of ls"
        assert [text for _, text in rig.terminal.ran] == ["sleep 1000", "ls"]


async def test_a_held_command_says_why_and_starts_when_the_line_is_free(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls"), says("ok"))
    async with running(tmp_path, model) as rig:
        held = rig.terminal.main.held
        held.put_nowait(CommandHeld("Something is half typed.", clearable=True))
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: bool(deed.held))
        assert (deed.state, deed.clearable) == (ActionState.ALLOWED, True)
        assert rig.terminal.ran == []
        await rig.session.clear_line(deed.window)
        assert rig.terminal.main.cleared.is_set()
        held.put_nowait(None)
        await rig.rest()
        assert (deed.held, deed.state) == ("", ActionState.FINISHED)


async def test_a_held_command_is_taken_back_by_a_stop(tmp_path: Path) -> None:
    model = ScriptedModel(shell("rm -rf x"), says("never"))
    async with running(tmp_path, model) as rig:
        rig.terminal.main.held.put_nowait(CommandHeld("A line is still running."))
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: bool(deed.held))
        await rig.session.stop()
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        assert rig.terminal.ran == []
        assert not any(isinstance(e, ev.ActionDispatched) for e in rig.events)


async def test_a_directory_that_the_person_changed_meanwhile_is_asked_again(tmp_path: Path) -> None:
    model = ScriptedModel(shell("rm -rf *"), says("ok"))
    async with running(tmp_path, model) as rig:
        main = rig.terminal.main
        main.held.put_nowait(CommandHeld("A line is still running."))
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: bool(deed.held))
        main.cwd = "/workspace/precious"
        main.held.put_nowait(None)
        [again] = await rig.waiting()
        assert (deed.state, again.action.cwd) == (ActionState.SUPERSEDED, "/workspace/precious")
        assert rig.terminal.ran == []
        await rig.deny(again)
        await rig.rest()


async def test_a_line_of_the_person_s_is_kept_shown_and_told(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls"), says("ok"), says("ok"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [deed] = await rig.waiting()
        for listener in rig.terminal.listeners:
            listener(LINE)
        await rig.until(lambda: any(isinstance(e, ev.PersonRan) for e in rig.events))
        await rig.allow(deed)
        await rig.rest()
        [typed] = [e for e in rig.session.transcript.entries.values() if isinstance(e, Typed)]
        assert typed.line.command == "git stash"
        [note] = notes(model, 1)
        assert "the person ran `git stash`: exit status 0" in note
        assert "Saved working directory" in note
        # The answer to the call comes right behind it, and the note after that.
        kinds = [("results" if m.results else m.role.value) for m in model.requests[1].messages]
        assert kinds == ["user", "model", "results", "user"]
    async with running(tmp_path, model, resume=rig.session.transcript.session_id) as rig:
        assert [e for e in rig.session.transcript.entries.values() if isinstance(e, Typed)]


async def test_a_reported_command_is_followed_over_a_restart(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("it builds"), says("done"))
    async with running(tmp_path, model, rig=slow(model)) as rig:
        await rig.session.send("build")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
        session_id = rig.session.transcript.session_id
    again = Rig(model)
    again.terminal.fate = CommandEnded(3, "built\n", 0, 60.0, "/workspace")
    async with running(tmp_path, model, rig=again, resume=session_id) as rig:
        await rig.until(lambda: deeds(rig)[0].state is ActionState.FINISHED)
        assert len(model.requests) == 2, "nobody waited for it, so nothing is asked by itself"
        await rig.session.send("and?")
        await rig.rest()
        assert "exit status 3" in notes(model, 2)[0]


async def test_a_window_is_made_by_the_command_and_not_before(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("shell", {"command": "ls", "window": "server"})), says("ok"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [deed] = await rig.waiting()
        assert list(rig.terminal.by_name) == ["agent"]
        assert deed.preview.notes == ("In the window server.",)
        await rig.allow(deed)
        await rig.rest()
        assert list(rig.terminal.by_name) == ["agent", "server"]


async def test_what_the_tools_of_the_terminal_bring(tmp_path: Path) -> None:
    asked = [
        ("screen", {}),
        ("screen", {"window": "nowhere"}),
        ("shell_list", {}),
        ("shell_stop", {"pid": 40}),
        ("shell_stop", {"pid": 41}),
        ("shell_interrupt", {}),
        ("shell_input", {}),
        ("shell_input", {"text": "x", "window": "Not A Name"}),
    ]
    model = ScriptedModel(calls(*asked), says("ok"))
    async with running(tmp_path, model) as rig:
        rig.terminal.running = [Job(40, "agent", False, 12.0, "sleep 1000")]
        await rig.session.send("go")
        await rig.waiting(6)
        for deed in tuple(rig.session.transcript.waiting):
            await rig.allow(deed)
        await rig.rest()
        seen, none, listed, stopped, gone, idle, empty, named = results(model, 1)
    assert seen["output"] == "screen of agent"
    assert "no window 'nowhere'" in none["error"]
    assert "agent: free, in /workspace" in listed["output"]
    assert "40  agent (background)  12  sleep 1000" in listed["output"]
    assert stopped["output"] == "The program 40 ended."
    assert "no program 41" in gone["error"]
    assert "No command of yours runs" in idle["error"]
    assert "neither text nor a key" in empty["error"]
    assert "window is wrong" in named["error"]


async def test_a_long_output_is_read_by_lines(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "outputs", 1 << 20)
    action = "ab" * 16
    spool = outputs.spool(action)
    for number in range(1, 31):
        spool(f"line {number}\n")
    asked = {"output_id": action, "start_line": 3, "line_count": 2}
    model = ScriptedModel(
        calls(("shell_output", asked), ("shell_output", {"output_id": "cd" * 16})), says("ok")
    )
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        await rig.waiting(2)
        for deed in tuple(rig.session.transcript.waiting):
            await rig.allow(deed)
        await rig.rest()
        some, none = results(model, 1)
    assert some["output"] == "line 3\nline 4\n"
    assert (some["first_line"], some["lines"], some["total_lines"]) == (3, 2, 30)
    assert "not kept" in none["error"]
    assert (tmp_path / "outputs" / f"{action}.txt").stat().st_mode & 0o777 == 0o600


def test_an_output_is_kept_up_to_a_limit_and_the_cut_is_said(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "outputs", 10)
    action = "ab" * 16
    for _ in range(2):
        # An output that is read back after a gap begins again.
        spool = outputs.spool(action)
        for piece in ("1234\n", "567", "8\n9\n", "0\n"):
            spool(piece)
    found = outputs.read(action, 1, 100)
    assert (found.text, found.total, found.cut) == ("1234\n5678\n", 2, True)
    assert outputs.read(action, 2, 1).text == "5678\n"
    assert outputs.read(action, 9, 5).text == ""


async def test_secrets_of_the_host_are_not_sent_or_stored(tmp_path: Path) -> None:
    secret = "AIzaSy-not-a-real-key-0123456789"
    model = ScriptedModel(calls(("read_file", {"path": "notes"})), says("ok"))
    rig = Rig(model)
    rig.masker = Masker([secret])
    rig.box.answer = ExecResult(0, b"1\nkey=" + secret.encode() + b"\n", b"")
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
        assert results(model, 1)[0]["output"] == "key=[secret]\n"
    assert secret.encode() not in (tmp_path / "ledger.db").read_bytes()


async def test_what_was_typed_when_the_program_ended_is_unknown(tmp_path: Path) -> None:
    model = ScriptedModel(shell("read x"), calls(("shell_input", {"text": "x"})), says("ok"))
    rig = slow(model)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("go")
        [asked] = await rig.waiting()
        await rig.allow(asked)
        await rig.until(
            lambda: [d.preview.verb for d in rig.session.transcript.waiting] == ["type"]
        )
        hold = rig.disk.hold("action_ended")
        for deed in tuple(rig.session.transcript.waiting):
            await rig.allow(deed)
        await rig.disk.reached["action_ended"].wait()
        session_id = rig.session.transcript.session_id
        closing = asyncio.create_task(rig.session.aclose())
        hold.set()
        await closing
    again = Rig(model)
    async with running(tmp_path, model, rig=again, resume=session_id) as rig:
        await rig.until(lambda: not any(d.state.is_open for d in deeds(rig)))
        states = {d.preview.verb: d.state for d in deeds(rig)}
        assert states["type"] in (ActionState.UNKNOWN, ActionState.FINISHED)
