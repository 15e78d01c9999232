"""What the model is told: a pure fold of the session's events into messages."""

from collections.abc import Iterable
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, Decision, Ended, Execution, Outcome, ToolCall
from pocketcoder_tui.core.model import Message, ReplyPart, Role, ToolResult

NOT_RUN = "Not run: the turn was stopped before this was decided."
RUNNING = "Still running when the turn was stopped. Its output is not known yet."


class History:
    """Collects messages; results are filled in when they are asked for, from all that is known."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.said: dict[str, str] = {}
        self.parts: list[ReplyPart] = []
        self.provider = ""
        self.actions: dict[str, Action] = {}
        """The newest action of each call, by the call's id."""
        self.decisions: dict[str, Decision] = {}
        self.executions: dict[str, Execution] = {}
        self.dispatched: set[str] = set()

    def feed(self, event: ev.Durable) -> None:
        """Take the next event."""
        match event:
            case ev.MessageQueued():
                self.said[event.message_id] = event.text
            case ev.MessagesTaken():
                self._close_reply()
                texts = [self.said[m] for m in event.message_ids]
                self.messages.append(Message(Role.USER, text="\n\n".join(texts)))
            case ev.ReplyStarted():
                self._close_reply()
                self.provider = event.provider
            case ev.PartGrew():
                self.parts.append(ReplyPart(event.part, event.text, event.call, event.raw))
            case ev.Inherited():
                self._close_reply()
            case ev.ActionProposed():
                self.actions[event.action.call.id] = event.action
            case ev.ActionDecided():
                self.decisions[event.decision.action_id] = event.decision
            case ev.ActionDispatched():
                self.dispatched.add(event.action_id)
            case ev.ActionEnded():
                self.executions[event.execution.action_id] = event.execution
            case _:
                pass

    def told(self) -> tuple[Message, ...]:
        """Return the messages for the next model call.

        Every call of a reply is answered in the message right after it, in the calls' order,
        whatever became of it.
        """
        self._close_reply()
        messages: list[Message] = []
        for message in self.messages:
            messages.append(message)
            asked = [p.call for p in message.parts if p.call is not None]
            if asked:
                results = tuple(self._result(call) for call in asked)
                messages.append(Message(Role.USER, results=results))
        return tuple(messages)

    def _close_reply(self) -> None:
        if self.parts:
            self.messages.append(
                Message(Role.MODEL, parts=tuple(self.parts), provider=self.provider)
            )
        self.parts = []

    def _result(self, call: ToolCall) -> ToolResult:
        action = self.actions.get(call.id)
        if action is None:
            return ToolResult(call, {"error": NOT_RUN})
        execution = self.executions.get(action.id)
        if execution is not None:
            return ToolResult(call, response_of(execution))
        if action.id in self.dispatched:
            return ToolResult(call, {"error": RUNNING})
        decision = self.decisions.get(action.id)
        if decision is not None and decision.outcome is Outcome.DENY:
            return ToolResult(call, {"error": denial(decision)})
        return ToolResult(call, {"error": NOT_RUN})


def history(events: Iterable[ev.Durable]) -> tuple[Message, ...]:
    """Return what the model is told of these events; see History.told."""
    fold = History()
    for event in events:
        fold.feed(event)
    return fold.told()


def denial(decision: Decision) -> str:
    """The sentence by which the model learns of a denial."""
    if decision.reason:
        return f"The person denied this. Their reason: {decision.reason}"
    return "The person denied this and gave no reason. Do not repeat the same call."


def response_of(execution: Execution) -> dict[str, Any]:
    """What the model gets of an execution: JSON, with the output under output or error."""
    body: dict[str, Any] = dict(execution.data)
    if execution.status is not None:
        body["exit_status"] = execution.status
    if execution.omitted:
        body["omitted_characters"] = execution.omitted
    if execution.cwd:
        body["directory_now"] = execution.cwd
    if execution.ended is Ended.UNKNOWN:
        return {**body, "error": execution.error or "What became of it is unknown."}
    if execution.error:
        return {**body, "error": execution.error, "output_so_far": execution.output}
    return {**body, "output": execution.output}
