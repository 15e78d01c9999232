"""The tour: what it asks for, how it takes denials and failures, and that it has no memory."""

from typing import Any

from pocketcoder_tui.core.actions import DecidedBy, Decision, ToolCall
from pocketcoder_tui.core.actions import Outcome as Decided
from pocketcoder_tui.core.model import Finish, Message, PartKind, ReplyPart, Role, ToolResult
from pocketcoder_tui.engine.history import denial
from pocketcoder_tui.engine.tools import TOOLS
from pocketcoder_tui.reasoning import TourModel
from pocketcoder_tui.reasoning.tour_script import STEPS, Outcome, outcome_of
from tests.reasoning.conftest import ask

OK = {"output": "3…\n2…\n1…\nLiftoff, 3 steps.\n", "exit_status": 0}


def denied(reason: str) -> dict[str, Any]:
    """A denial in the engine's own words."""
    decision = Decision("a", Decided.DENY, DecidedBy.PERSON, "digest", reason=reason)
    return {"error": denial(decision)}


class Talk:
    """Carries a history from reply to reply, each from a new model."""

    def __init__(self) -> None:
        self.history: list[Message] = []

    async def turn(self, message: Message) -> tuple[str, ToolCall | None]:
        self.history.append(message)
        parts, ending = await ask(TourModel(), *self.history)
        assert ending.finish is Finish.DONE
        self.history.append(Message(Role.MODEL, parts=tuple(parts), provider="tour"))
        calls = [part.call for part in parts if part.call is not None]
        assert len(calls) <= 1
        return "".join(part.text for part in parts), calls[0] if calls else None

    async def say(self, text: str) -> tuple[str, ToolCall | None]:
        return await self.turn(Message(Role.USER, text=text))

    async def answer(self, call: ToolCall, response: Any) -> tuple[str, ToolCall | None]:
        return await self.turn(Message(Role.USER, results=(ToolResult(call, response),)))

    async def to_the_end(
        self, call: ToolCall | None, responses: dict[str, Any] | None = None
    ) -> tuple[list[str], str]:
        """Answer every call; returns the tools that were asked for and the last words."""
        asked, text = [], ""
        while call is not None:
            asked.append(call.tool)
            assert len(asked) < 20
            text, call = await self.answer(call, (responses or {}).get(call.tool, OK))
        return asked, text


async def test_the_tour_says_what_it_is_and_goes_its_way() -> None:
    talk = Talk()
    text, call = await talk.say("build me a shop")
    assert "scripted" in text
    tools, last = await talk.to_the_end(call)
    assert tools == ["list_files", "write_file", "shell", "edit_file", "shell"]
    assert "That was the tour" in last
    assert TourModel().label == "tour (scripted)"


async def test_the_output_is_told_as_it_came() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    for tool in ("list_files", "write_file"):
        assert call is not None
        assert call.tool == tool
        _, call = await talk.answer(call, OK)
    assert call is not None
    text, _ = await talk.answer(call, {"output": "``` # odd\n", "exit_status": 0})
    assert "    ``` # odd" in text


async def test_a_denial_is_taken_with_its_reason_and_the_tour_goes_on() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    assert call is not None
    text, call = await talk.answer(call, denied("not my files"))
    assert "not my files" in text
    assert "did not run" in text
    assert call is not None
    assert call.tool == "write_file"


async def test_without_the_file_nothing_is_run_or_edited() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    tools, last = await talk.to_the_end(call, {"write_file": denied("no")})
    assert tools == ["list_files", "write_file", "shell"]
    assert "`write_file` (write): denied" in last
    assert "delete the folder" not in last


async def test_a_failure_is_told_as_one() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    responses = {"shell": {"output": "bash: not found", "exit_status": 127}}
    _, last = await talk.to_the_end(call, responses)
    assert "`shell` (run): allowed, failed" in last
    told = "".join(p.text for m in talk.history for p in m.parts)
    assert "status 127" in told


async def test_everything_denied_still_reaches_the_end() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    no = {tool: denied("no") for tool in ("list_files", "write_file", "shell", "edit_file")}
    _, last = await talk.to_the_end(call, no)
    assert "done" not in last


async def test_a_tour_that_was_stopped_goes_on() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    assert call is not None
    text, call = await talk.say("are you there?")
    assert "no result" in text
    assert "cannot answer" in text
    assert call is not None
    assert call.tool == "write_file"


async def test_what_the_program_notes_is_no_message_of_the_persons() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    assert call is not None
    talk.history.append(Message(Role.USER, results=(ToolResult(call, OK),)))
    text, _ = await talk.turn(Message(Role.USER, text="The person changed the mode.", note=True))
    assert "cannot answer" not in text


async def test_afterwards_it_ends_every_turn_and_starts_over_when_asked() -> None:
    talk = Talk()
    _, call = await talk.say("go")
    await talk.to_the_end(call)
    for words in ("fix my code", "please"):
        text, call = await talk.say(words)
        assert call is None
        assert "tour is over" in text
    text, call = await talk.say("Again!")
    tools, _ = await talk.to_the_end(call)
    assert len(tools) == 5
    text, call = await talk.say("thanks")
    assert call is None


async def test_another_providers_messages_are_passed_over() -> None:
    talk = Talk()
    other = ReplyPart(PartKind.CALL, call=ToolCall("1", "shell", {}), raw={"step": "end"})
    talk.history.append(Message(Role.MODEL, parts=(other,), provider="gemini"))
    text, call = await talk.say("go")
    assert "scripted" in text
    assert call is not None
    assert call.tool == "list_files"


async def test_it_streams_in_small_pieces() -> None:
    parts, _ = await ask(TourModel())
    assert len(parts) > 20
    assert max(len(part.text) for part in parts) < 60


def test_every_step_is_a_call_that_the_tools_take() -> None:
    for step in STEPS:
        assert TOOLS[step.tool].complaint(step.arguments) == ""


def test_a_denial_without_a_reason_is_one_too() -> None:
    assert outcome_of(denied("")) is Outcome.DENIED
    assert outcome_of({"error": "No such file."}) is Outcome.FAILED
