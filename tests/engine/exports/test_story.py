"""Chapters: what belongs to which turn, and what came from elsewhere."""

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.transcript import Deed, Said, Typed
from pocketcoder_tui.engine.exports import tell
from tests.engine.exports.stories import NOON, ORDINARY, turn


def test_everything_is_in_the_turn_in_which_it_happened() -> None:
    story = tell(ORDINARY)
    assert (story.title, story.workspace) == ("fix the rounding", "/home/dana/src/shop")
    assert [(c.number, c.turn_id, c.said) for c in story.chapters] == [
        (1, "t1", "Fix the rounding."),
        (2, "t2", "And commit it."),
    ]
    first, second = story.chapters
    assert [type(e).__name__ for e in first.entries] == [
        "Said", "Thought", "Deed", "Deed", "Answer", "Undone", "Typed",
    ]  # fmt: skip
    assert isinstance(second.entries[-1], Said)
    assert second.entries[-1].queued
    assert first.outcome is ev.TurnOutcome.DONE


def test_what_precedes_the_first_turn_is_a_chapter_of_its_own() -> None:
    line = ev.PersonRan("agent", "ls", 0, "", 0, "/workspace", 0.2, NOON)
    story = tell([ev.SessionStarted("s", "/w", NOON), line, *turn(1, "hi", "hello")])
    assert [c.number for c in story.chapters] == [0, 1]
    assert isinstance(story.chapters[0].entries[0], Typed)
    assert [c.number for c in story.turns] == [1]


def test_a_message_that_was_sent_while_the_agent_worked_is_where_the_model_read_it() -> None:
    first = turn(1, "first", "ok")
    late = ev.MessageQueued("late", "late", NOON)
    second = turn(2, "second", "ok")
    second[2] = ev.MessagesTaken("t2", ("late", "m2"))
    story = tell([ev.SessionStarted("s", "/w", NOON), *first[:-1], late, first[-1], *second])
    texts = [[e.text for e in c.entries if isinstance(e, Said)] for c in story.chapters]
    assert texts == [["first"], ["late", "second"]]


def test_the_end_of_what_was_inherited_is_known() -> None:
    mark = ev.Inherited(ev.Origin.FORK, "elsewhere", NOON)
    story = tell([*ORDINARY, mark, *turn(4, "go on", "yes")])
    assert (story.inherited, story.inherited_turns) == (mark, 2)
    assert [c.number for c in story.turns] == [1, 2, 3]
    deeds = [e for c in story.chapters for e in c.entries if isinstance(e, Deed)]
    assert not [d for d in deeds if d.state.is_open]


def test_a_turn_that_is_not_over_says_so() -> None:
    story = tell([ev.SessionStarted("s", "/w", NOON), *turn(1, "hi", "hello")[:-1]])
    assert story.turns[0].outcome is None
    assert tell([]).chapters == []
