"""Modes and rules at work: who answers, what runs where, and what never answers by itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, DecidedBy, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.transcript import Deed, Remark
from pocketcoder_tui.engine.gatekeeping import UNREADABLE
from pocketcoder_tui.engine.rulebook import Choices
from pocketcoder_tui.gatekeeper.rules import Scope, Terms
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running

DONE = ExecResult(0, b"6\nfresh\n", b"")
"""What the box's script says of a command that printed a word."""
WORKSPACE = Terms(Scope.WORKSPACE)


def deeds(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


def allow_text(choices: Choices) -> str:
    return choices.allow[0].stored


async def always(rig: Rig, deed: Deed, terms: Terms = WORKSPACE) -> None:
    await rig.session.rulebook.keep(
        deed.id, allow_text(rig.session.rulebook.choices(deed.id)), terms
    )


async def test_a_rule_lets_the_next_identical_command_run_beside_the_shell(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("make test"), shell("make test", "make clean"), says("done"))
    async with running(tmp_path, model) as rig:
        rig.box.answer = DONE
        await rig.session.send("go")
        [first] = await rig.waiting()
        await always(rig, first)
        [other] = await rig.waiting()
        assert other.action.call.arguments["command"] == "make clean"
        await rig.until(lambda: deeds(rig)[1].state is ActionState.FINISHED)
        await rig.deny(other)
        await rig.rest()
        by_rule = deeds(rig)[1]
    assert [text for _, text in rig.terminal.ran] == ["make test"]
    [argv] = [argv for argv in rig.box.asked if by_rule.id in argv]
    assert list(argv[-2:]) == ["make", "test"]
    assert "/usr/bin/env" in argv
    assert by_rule.decision is not None
    assert by_rule.decision.by is DecidedBy.RULE
    assert '{"allow":{"argv":["make","test"]' in by_rule.decision.reason
    assert by_rule.execution is not None
    assert by_rule.execution.output == "fresh\n"
    assert "fresh process" in str(by_rule.execution.data)


async def test_what_a_command_by_a_rule_prints_is_seen_while_it_runs(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make test"), shell("make test"), says("done"))
    async with running(tmp_path, model) as rig:
        rig.box.answer = DONE
        rig.box.printed = [b"caf\xc3", b"\xa9 \xff"]
        await rig.session.send("go")
        [first] = await rig.waiting()
        rig.box.free.clear()
        await always(rig, first)
        await rig.until(lambda: [deed.live for deed in deeds(rig)][1:] == ["café \ufffd"])
        assert deeds(rig)[1].state is ActionState.DISPATCHED
        rig.box.free.set()
        await rig.rest()
        assert deeds(rig)[1].live == ""


async def test_a_rule_is_there_after_a_restart_and_a_session_rule_is_not_elsewhere(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("make a", "make b"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        first, second = await rig.waiting(2)
        await always(rig, first)
        await always(rig, second, Terms(Scope.SESSION))
        await rig.rest()
    async with running(tmp_path, ScriptedModel(shell("make a", "make b"), says("done"))) as rig:
        rig.box.answer = DONE
        await rig.session.send("go")
        [waits] = await rig.waiting()
        assert waits.action.call.arguments["command"] == "make b"


async def test_a_rule_for_two_decides_two_of_five_at_once(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make a"), shell(*["make a"] * 5), says("done"))
    async with running(tmp_path, model) as rig:
        rig.box.answer = DONE
        await rig.session.send("go")
        [first] = await rig.waiting()
        await always(rig, first, Terms(Scope.USES, 2))
        await rig.waiting(3)
        by = [d.decision.by for d in deeds(rig)[1:] if d.decision is not None]
        assert by == [DecidedBy.RULE] * 2
        [kept] = await rig.disk.ledger.rules.all()
        assert (kept.uses, kept.used) == (2, 2)


async def test_a_new_rule_or_mode_answers_nothing_that_waits(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make a", "make a", "ls"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        first, _, _ = await rig.waiting(3)
        await always(rig, first)
        assert len(await rig.waiting(2)) == 2
        await rig.session.rulebook.change_mode("contained")
        await rig.session.rulebook.change_mode("plan")
        assert len(rig.session.transcript.waiting) == 2


async def test_a_deny_rule_denies_this_and_the_next(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make x | tee log"), shell("cd src && make x"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [first] = await rig.waiting()
        choices = rig.session.rulebook.choices(first.id)
        assert not choices.allow
        assert choices.why
        text = next(o.stored for o in choices.deny if o.stored == '{"deny":{"begins":["make"]}}')
        await rig.session.rulebook.keep(first.id, text, WORKSPACE)
        await rig.rest()
        assert [d.state for d in deeds(rig)] == [ActionState.DENIED] * 2
    results = [r for m in model.requests[-1].messages for r in m.results]
    assert "A rule of the person denies this" in str(results[-1].response)
    assert "The person denied" not in str(results[-1].response)


@pytest.mark.parametrize(
    "command", ["git status", "bash x", "python3 a.py", "env ls", "ls > x", "ls $X", "ls; id"]
)
async def test_what_is_never_offered_says_why_and_cannot_be_kept(
    tmp_path: Path, command: str
) -> None:
    async with running(tmp_path, ScriptedModel(shell(command))) as rig:
        await rig.session.send("go")
        [deed] = await rig.waiting()
        choices = rig.session.rulebook.choices(deed.id)
        assert (choices.allow, choices.why[-1]) == ((), ".")
        with pytest.raises(TransitionRefused, match="not offered"):
            await rig.session.rulebook.keep(
                deed.id, '{"allow":{"argv":["ls"],"cwd":"/workspace"}}', WORKSPACE
            )
        assert await rig.disk.ledger.rules.all() == []


async def test_plan_mode_denies_with_words_for_the_model_and_looks(tmp_path: Path) -> None:
    asked = calls(
        ("shell", {"command": "make"}),
        ("write_file", {"path": "a", "content": "x"}),
        ("read_file", {"path": "a"}),
    )
    model = ScriptedModel(asked, says("a plan"))
    async with running(tmp_path, model) as rig:
        rig.box.answer = ExecResult(0, b"/workspace/a\0", b"")
        await rig.session.rulebook.change_mode("plan")
        await rig.session.send("go")
        await rig.rest()
        states = [d.state for d in deeds(rig)]
    assert states == [ActionState.DENIED, ActionState.DENIED, ActionState.FINISHED]
    assert rig.terminal.ran == []
    told = [r for m in model.requests[-1].messages for r in m.results]
    assert str(told[0].response).count("Plan mode") == 1
    assert "The person denied" not in str(told[0].response)
    assert model.requests[0].system.endswith("mode plan.")
    assert "Plan mode" in model.requests[0].messages[0].text


async def test_contained_mode_runs_what_is_safe_and_stops_what_crosses(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls src", "echo x > .envrc", "curl http://x", "make"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.rulebook.change_mode("contained")
        await rig.session.send("go")
        waits = await rig.waiting(3)
        await rig.until(lambda: deeds(rig)[0].state is ActionState.FINISHED)
        assert [d.action.call.arguments["command"] for d in waits] == [
            "echo x > .envrc",
            "curl http://x",
            "make",
        ]
        assert all("Contained mode" in d.why for d in waits)
    decision = deeds(rig)[0].decision
    assert decision is not None
    assert (decision.by, decision.who) == (DecidedBy.MODE, "contained")
    assert [text for _, text in rig.terminal.ran] == ["ls src"]


async def test_contained_mode_writes_only_where_the_shown_change_is_bound_to(
    tmp_path: Path,
) -> None:
    """A link that leads elsewhere by the time of the judgement makes it a question."""
    asked = calls(("write_file", {"path": "notes.txt", "content": "x"}))
    model = ScriptedModel(asked, says("done"))
    async with running(tmp_path, model) as rig:
        guarded = ExecResult(0, b"/workspace/.git/hooks/x\0absent\0", b"")
        harmless = ExecResult(0, b"/workspace/notes.txt\0absent\0", b"")
        rig.box.answers = [guarded, harmless]
        await rig.session.rulebook.change_mode("contained")
        await rig.session.send("go")
        [deed] = await rig.waiting()
        assert "Contained mode" in deed.why


async def test_the_mode_is_recorded_told_and_taken_up_again(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("hm"))) as rig:
        session_id = rig.session.transcript.session_id
        assert rig.session.mode == "ask"
        await rig.session.send("hello")
        await rig.rest()
        await rig.session.rulebook.change_mode("contained")
        await rig.session.rulebook.change_mode("contained")
        changes = [e for e in rig.events if isinstance(e, ev.ModeChanged)]
        assert [e.mode for e in changes] == ["contained"]
        remark = list(rig.session.transcript.entries.values())[-1]
        assert isinstance(remark, Remark)
        assert "without asking" in remark.sentence
        session_id = rig.session.transcript.session_id
        with pytest.raises(ValueError, match="unknown mode"):
            await rig.session.rulebook.change_mode("yolo")
    async with running(tmp_path, ScriptedModel(), resume=session_id) as rig:
        assert rig.session.mode == "contained"


async def test_the_first_offer_is_made_once_and_lets_looking_be(tmp_path: Path) -> None:
    asked = calls(("read_file", {"path": "a"}), ("read_file", {"path": ".env"}), ("list_files", {}))
    async with running(tmp_path, ScriptedModel(asked, says("done"))) as rig:
        rig.box.answer = ExecResult(0, b"/workspace/a\0", b"")
        assert len(await rig.session.rulebook.first_offer()) == 3
        await rig.session.rulebook.answer_first_offer(True)
        assert await rig.session.rulebook.first_offer() == ()
        await rig.session.send("go")
        [deed] = await rig.waiting()
        assert deed.action.call.arguments["path"] == ".env"
    async with running(tmp_path, ScriptedModel()) as rig:
        assert await rig.session.rulebook.first_offer() == ()
        assert len(await rig.session.rulebook.listed()) == 3


async def test_the_first_offer_can_be_left_for_good(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        await rig.session.rulebook.answer_first_offer(False)
        assert await rig.session.rulebook.first_offer() == ()
        assert await rig.session.rulebook.listed() == []
        with pytest.raises(TransitionRefused):
            await rig.session.rulebook.answer_first_offer(True)


async def test_a_path_rule_asks_the_box_where_the_path_leads(tmp_path: Path) -> None:
    asked = calls(("read_file", {"path": "link"}))
    async with running(tmp_path, ScriptedModel(asked)) as rig:
        rig.box.answer = ExecResult(0, b"/etc/passwd\0", b"")
        await rig.session.rulebook.answer_first_offer(True)
        await rig.session.send("go")
        await rig.waiting()
        assert ["readlink", "-mz", "--", "link"] in [list(argv) for argv in rig.box.asked]


async def test_a_disabled_and_a_deleted_rule_decide_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make a", "make b"), shell("make a", "make b"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        first, second = await rig.waiting(2)
        await always(rig, first)
        [one] = await rig.session.rulebook.listed()
        await rig.session.rulebook.disable(one.kept.id, True)
        await always(rig, second)
        two = (await rig.session.rulebook.listed())[1]
        await rig.session.rulebook.delete(two.kept.id)
        await rig.waiting(2)
        [one] = await rig.session.rulebook.listed()
        assert one.rests == "It is switched off."


async def test_a_rule_that_ended_between_judgement_and_decision_asks(tmp_path: Path) -> None:
    """Another program with the ledger in hand cannot be; a use taken at the same time can."""
    model = ScriptedModel(shell("make a"), shell("make a"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [first] = await rig.waiting()
        rig.model.hold.clear()
        await always(rig, first)
        [kept] = await rig.disk.ledger.rules.all()
        await rig.disk.ledger.rules.disable(kept.id, True, "ada")
        rig.model.hold.set()
        [again] = await rig.waiting()
        assert again.decision is None


async def test_a_rule_that_cannot_be_read_makes_all_a_question(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make a"), shell("make a"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [first] = await rig.waiting()
        await always(rig, first)
        [kept] = await rig.disk.ledger.rules.all()
        await rig.waiting(0)
    async with running(tmp_path, ScriptedModel(shell("ls"))) as rig:
        odd = replace(kept, id="odd", text='{"allow":{"glob":"*"}}')
        await rig.disk.ledger.rules.add(odd)
        await rig.session._gatekeeping.load()
        await rig.session.rulebook.change_mode("contained")
        await rig.session.send("go")
        [deed] = await rig.waiting()
        assert deed.why == UNREADABLE


async def test_what_left_by_a_rule_before_a_crash_is_looked_up_and_not_sent_again(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("make a"), shell("make a"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("go")
        [first] = await rig.waiting()
        session_id = rig.session.transcript.session_id
        rig.box.free.clear()
        await always(rig, first)
        await rig.until(
            lambda: len(deeds(rig)) == 2 and deeds(rig)[1].state is ActionState.DISPATCHED
        )
    again = Rig(ScriptedModel(says("done")))
    again.box.answer = ExecResult(103, b"6\nfresh\n", b"")
    async with running(tmp_path, again.model, rig=again, resume=session_id) as rig:
        await rig.until(lambda: deeds(rig)[1].state is ActionState.FINISHED)
        execution = deeds(rig)[1].execution
        assert execution is not None
        assert (execution.status, execution.output) == (3, "fresh\n")
        assert rig.terminal.asked == []


async def test_the_tally_counts_who_decided(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make a"), shell("make a", "git status"), says("done"))
    async with running(tmp_path, model) as rig:
        rig.box.answer = DONE
        await rig.session.send("go")
        [first] = await rig.waiting()
        await always(rig, first)
        [git] = await rig.waiting()
        await rig.deny(git, "no")
        await rig.rest()
        tally = await rig.session.rulebook.tally()
        [rule] = await rig.session.rulebook.listed()
        tested = await rig.session.rulebook.back_test(rule.kept.id)
    assert (tally.actions, tally.asked, tally.allowed, tally.denied) == (3, 2, 2, 1)
    assert tally.median_seconds is not None
    assert {(d.by, d.allowed, d.denied) for d in tally.deciders} == {
        (DecidedBy.PERSON, 1, 1),
        (DecidedBy.RULE, 1, 0),
    }
    assert (len(tested.actions), tested.asked) == (2, 3)
    assert Outcome.ALLOW is rule.rule.outcome
