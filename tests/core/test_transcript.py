"""The fold over events that every front end draws, live or read back."""

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import ActionState, DecidedBy, Decision, Ended, Outcome
from pocketcoder_tui.core.model import Finish, PartKind, Usage
from pocketcoder_tui.core.transcript import (
    LIVE_OUTPUT_LIMIT,
    Answer,
    Deed,
    Remark,
    Said,
    Thought,
    Transcript,
)
from tests.ledger.samples import OPENING, SESSION, TURN, action, ended, life_to, proposed


def folded(*events: ev.Event) -> Transcript:
    transcript = Transcript()
    transcript.apply_all(events)
    return transcript


def grew(part_id: str, part: PartKind, text: str) -> ev.PartGrew:
    return ev.PartGrew("r", part_id, part, text, {})


REPLY = ev.ReplyStarted(TURN, "r", "gemini", "flash", 3.0)


def test_a_session_its_title_and_its_turn() -> None:
    transcript = folded(*OPENING, ev.SessionTitled("one"), ev.SessionTitled("two"))
    assert (transcript.session_id, transcript.workspace) == (SESSION, "/home/ada/shop")
    assert (transcript.title, transcript.turn_id) == ("two", TURN)
    transcript.apply(ev.TurnEnded(TURN, ev.TurnOutcome.DONE, "", "", 9.0))
    assert transcript.turn_id == ""
    assert transcript.entries == {}


def test_messages_are_queued_until_a_call_takes_them_and_then_stand_where_it_read_them() -> None:
    transcript = folded(
        *OPENING,
        ev.MessageQueued("m1", "first", 1.0),
        ev.MessageQueued("m2", "second", 2.0),
        ev.Noticed("info", "between", "", 3.0),
    )
    assert [said.text for said in transcript.queued] == ["first", "second"]
    assert transcript.apply(ev.MessagesTaken(TURN, ("m1",))) == "m1"
    assert [said.text for said in transcript.queued] == ["second"]
    assert list(transcript.entries) == ["m2", "remark-1", "m1"]
    assert transcript.apply(ev.MessagesTaken(TURN, ())) == ""


def test_pieces_of_one_part_are_one_entry_and_a_new_part_closes_the_old() -> None:
    transcript = folded(
        REPLY,
        grew("p1", PartKind.THOUGHT, "hm "),
        grew("p1", PartKind.THOUGHT, "so"),
        grew("p2", PartKind.TEXT, "I "),
    )
    assert transcript.entries["p1"] == Thought("p1", "hm so", done=True)
    assert transcript.entries["p2"] == Answer("p2", "I ", done=False)
    assert transcript.apply(grew("p2", PartKind.TEXT, "look")) == "p2"
    assert transcript.reply_id == "r"
    usage = Usage(1, 2, 3, 4, 5)
    assert transcript.apply(ev.ReplyEnded("r", Finish.DONE, "", usage, 4.0)) == "p2"
    assert transcript.entries["p2"] == Answer("p2", "I look", done=True)
    assert (transcript.reply_id, transcript.usage, transcript.model) == ("", usage, "flash")


@pytest.mark.parametrize("part", [PartKind.CALL, PartKind.OTHER])
def test_parts_without_words_have_no_entry_of_their_own(part: PartKind) -> None:
    transcript = folded(REPLY)
    assert transcript.apply(grew("p", part, "")) == ""
    assert transcript.apply(grew("q", PartKind.TEXT, "")) == ""
    assert transcript.entries == {}


@pytest.mark.parametrize("state", list(ActionState))
def test_an_action_stands_where_its_events_brought_it(state: ActionState) -> None:
    what = action("a")
    transcript = folded(*OPENING, *life_to(what, state))
    deed = transcript.deed("a")
    assert (deed.state, deed.action) == (state, what)
    assert (transcript.waiting == [deed]) is (state is ActionState.WAITING)


def test_an_action_carries_all_that_became_of_it() -> None:
    what = action("a")
    transcript = folded(*OPENING, proposed(what))
    assert transcript.apply(ev.ActionWaiting("a", "it writes")) == "a"
    assert transcript.deed("a").why == "it writes"
    decision = Decision("a", Outcome.ALLOW, DecidedBy.PERSON, what.digest, "ada")
    transcript.apply(ev.ActionDecided(decision))
    assert transcript.deed("a").decision == decision
    transcript.apply(ev.ActionDispatched("a", what.digest, 5.0))
    assert transcript.deed("a").dispatched == 5.0
    transcript.apply(transient.OutputGrew("a", "out"))
    assert transcript.deed("a").live == "out"
    result = ended(what, Ended.INTERRUPTED)
    transcript.apply(result)
    deed = transcript.deed("a")
    assert (deed.execution, deed.live) == (result.execution, "")
    assert deed.state is ActionState.INTERRUPTED


def test_live_output_keeps_the_newest_and_is_bounded() -> None:
    transcript = folded(*OPENING, *life_to(action("a"), ActionState.DISPATCHED))
    for n in range(40):
        transcript.apply(transient.OutputGrew("a", f"{n:02d}" * 2000))
    live = transcript.deed("a").live
    assert len(live) == LIVE_OUTPUT_LIMIT
    assert live.endswith("39")


def test_an_action_closes_the_answer_before_it() -> None:
    transcript = folded(REPLY, grew("p", PartKind.TEXT, "I run it"), proposed(action("a")))
    assert transcript.entries["p"] == Answer("p", "I run it", done=True)


def test_only_an_actions_id_names_a_deed() -> None:
    transcript = folded(*OPENING, ev.MessageQueued("m", "hi", 1.0))
    for unknown in ("nobody", "m"):
        with pytest.raises(KeyError):
            transcript.deed(unknown)


def test_remarks_are_lines_in_order_and_a_failed_turn_is_one() -> None:
    transcript = folded(
        *OPENING,
        ev.Noticed("warning", "slow", "wait", 1.0),
        ev.TurnEnded(TURN, ev.TurnOutcome.FAILED, "No network.", "Check it.", 2.0),
        ev.TurnEnded(TURN, ev.TurnOutcome.STOPPED, "You stopped the turn.", "", 3.0),
    )
    assert list(transcript.entries.values()) == [
        Remark("remark-1", "warning", "slow", "wait"),
        Remark("remark-2", "error", "No network.", "Check it."),
        Remark("remark-3", "info", "You stopped the turn.", ""),
    ]


def test_a_turn_that_ends_in_the_middle_of_a_reply_closes_it() -> None:
    transcript = folded(*OPENING, REPLY, grew("p", PartKind.TEXT, "half"))
    transcript.apply(ev.MessageQueued("m", "stop", 4.0))
    transcript.apply(ev.TurnEnded(TURN, ev.TurnOutcome.STOPPED, "", "", 5.0))
    assert transcript.entries["p"] == Answer("p", "half", done=True)
    assert transcript.reply_id == ""


def test_what_is_only_for_a_watching_screen_leaves_no_trace() -> None:
    transcript = folded(*OPENING)
    for event in (
        transient.RetryWaiting("r", "again", 1.0, 1),
        transient.BoxChanged(transient.BoxState.READY),
        transient.ScreenChanged(("$",), 80, (0, 0)),
    ):
        assert transcript.apply(event) == ""
    assert transcript == folded(*OPENING)


def test_two_actions_wait_oldest_first_and_are_independent() -> None:
    transcript = folded(*OPENING)
    for name in ("a", "b"):
        transcript.apply_all(life_to(action(name), ActionState.WAITING))
    assert [deed.id for deed in transcript.waiting] == ["a", "b"]
    what = action("a")
    transcript.apply(
        ev.ActionDecided(Decision("a", Outcome.DENY, DecidedBy.PERSON, what.digest, reason="no"))
    )
    assert [deed.id for deed in transcript.waiting] == ["b"]
    assert all(isinstance(entry, Deed | Said) for entry in transcript.entries.values())
