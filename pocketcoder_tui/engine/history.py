"""What the model is told: a pure fold of the session's events into messages."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import modes
from pocketcoder_tui.core.actions import (
    Action,
    DecidedBy,
    Decision,
    Ended,
    Execution,
    Outcome,
    ToolCall,
    canonical,
)
from pocketcoder_tui.core.checkpoints import WorkspaceRestored
from pocketcoder_tui.core.holding import HELD
from pocketcoder_tui.core.model import Message, ReplyPart, Role, ToolResult
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.engine.room import is_long, shortened

Note = ev.PersonRan | ev.ModeChanged | Execution | WorkspaceRestored | Decision | ev.ActionProposed
"""What happened beside the calls: a line of the person's, a command's late end, an undo, files
that are held."""

NOTICE = "[From PocketCoder, not from the person: what happened in the terminal meanwhile]"
NOT_RUN = "Not run: the turn was stopped before this was decided."
LATE_OUTPUT = 2_000
"""Characters of the end of an output that go into a note."""
CHANGED = "The person changed this call before deciding about it."
CHANGED_TEXT = 4_000
"""Characters of changed arguments that are repeated to the model."""
UNDONE_NAMED = 30
"""Files that a note about an undo names."""
HELD_BACK = (
    "Changed by a program, and put back, because the person's machine runs such files and no "
    "decision named them: {}. The change waits for the person; until then the files are as they "
    "were before. Do not make the change again. A file tool names the file it writes."
)
IN_PLACE = "the person allowed the change; it is in place now."
RUNNING = "Still running when the turn was stopped. Its output is not known yet."


class History:
    """Collects messages; results are filled in when they are asked for, from all that is known."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.said: dict[str, str] = {}
        self.parts: list[ReplyPart] = []
        self.provider = self.model = ""
        self.actions: dict[str, Action] = {}
        """The newest action of each call, by the call's id."""
        self.hosts: dict[str, str] = {}
        """Hosts that programs in the box asked for, by the action."""
        self.held: dict[str, str] = {}
        """Names of files that were put back, by the action that would put them in place."""
        self.edited: set[str] = set()
        """Actions whose arguments are the person's."""
        self.decisions: dict[str, Decision] = {}
        self.executions: dict[str, Execution] = {}
        self.dispatched: set[str] = set()
        self.told: set[str] = set()
        """Commands whose end the model has as the result of another call."""
        self.left_running: set[str] = set()
        """Actions that the model was told were running when a turn was stopped."""
        self.aged: set[str] = set()
        """Actions whose long output is sent shortened."""
        self.reports: dict[str, ev.ActionReported] = {}
        self.mode = modes.ASK
        self.notes: list[Note] = []
        """What the model is to know before it is asked again."""

    def feed(self, event: ev.Durable) -> None:
        """Take the next event."""
        match event:
            case ev.MessageQueued() | ev.MessageEdited():
                self.said[event.message_id] = event.text
            case ev.MessagesTaken():
                self.close_reply()
                self.tell()
                texts = [self.said[m] for m in event.message_ids if m in self.said]
                self.messages.append(Message(Role.USER, text="\n\n".join(texts)))
            case ev.ReplyStarted():
                self.close_reply()
                self.tell()
                self.provider, self.model = event.provider, event.model
                self.leave_running()
            case ev.PartGrew():
                self.parts.append(ReplyPart(event.part, event.text, event.call, event.raw))
            case ev.Inherited():
                self.close_reply()
                self.mode = modes.ASK
            case ev.ActionProposed():
                self.propose(event)
            case ev.ActionDecided():
                self.decide(event.decision)
            case ev.ActionDispatched():
                self.dispatched.add(event.action_id)
            case _:
                self.feed_run(event)

    def leave_running(self) -> None:
        """What a model call says of an action stays said: its end is told as news."""
        known = {*self.executions, *self.reports, *self.hosts, *self.held}
        self.left_running |= self.dispatched - known

    def propose(self, event: ev.ActionProposed) -> None:
        action = event.action
        self.actions[action.call.id] = action
        if action.call.tool == CONNECT:
            self.hosts[action.id] = str(action.call.arguments["host"])
        if action.call.tool == HELD:
            self.held[action.id] = named(action)
            self.notes.append(event)
        if event.edited:
            self.edited.add(action.id)

    def decide(self, decision: Decision) -> None:
        self.decisions[decision.action_id] = decision
        if decision.outcome is Outcome.DENY and decision.action_id in self.hosts | self.held:
            self.notes.append(decision)

    def feed_run(self, event: ev.Durable) -> None:
        match event:
            case ev.ActionReported():
                self.reports[event.action_id] = event
            case ev.ActionEnded(execution):
                self.executions[execution.action_id] = execution
                self.told.add(str(execution.data.get("told", "")))
                if (
                    execution.action_id
                    in self.reports.keys() | self.held.keys() | self.left_running
                ):
                    self.notes.append(execution)
            case ev.PersonRan() | WorkspaceRestored():
                self.notes.append(event)
            case ev.OutputsAged():
                self.age(event.action_id)
            case ev.ModeChanged() if event.mode != self.mode:
                self.mode = event.mode
                self.notes.append(event)
            case _:
                pass

    def age(self, first_whole: str) -> None:
        """What ended before an action is sent shortened from now on."""
        if first_whole not in self.executions:
            return
        for action_id, execution in self.executions.items():
            if action_id == first_whole:
                return
            if is_long(execution):
                self.aged.add(action_id)

    def whole(self) -> tuple[Message, ...]:
        """Return the messages for a model call that begins now.

        Every call of a reply is answered in the message right after it, in the calls' order,
        whatever became of it.
        """
        self.close_reply()
        self.tell()
        messages: list[Message] = []
        for message in self.messages:
            messages.append(message)
            asked = [p.call for p in message.parts if p.call is not None]
            if asked:
                results = tuple(self.result(call) for call in asked)
                messages.append(Message(Role.USER, results=results))
        return tuple(messages)

    def tell(self) -> None:
        """What happened meanwhile goes in before the model speaks or is spoken to again."""
        notes, self.notes = self.notes, []
        lines = [self.words(note) for note in notes]
        text = "\n\n".join(filter(None, lines))
        if text:
            self.messages.append(Message(Role.USER, text=f"{NOTICE}\n\n{text}", note=True))

    def words(self, note: Note) -> str:
        match note:
            case ev.PersonRan():
                return person_ran(note)
            case ev.ModeChanged():
                return f"The person changed the mode. {modes.sentence_of(note.mode)}"
            case WorkspaceRestored():
                return undone(note)
            case ev.ActionProposed():
                return HELD_BACK.format(self.held[note.action.id])
            case Decision() | Execution() if note.action_id in self.held:
                return f"{self.held[note.action_id]}: {became(note)}"
            case Decision():
                host = self.hosts[note.action_id]
                return f"Programs in the box may not reach {host}. {denial(note)}"
            case Execution():
                return self.late_words(note)

    def late_words(self, note: Execution) -> str:
        if note.action_id in self.told:
            return ""
        actions = (a for a in self.actions.values() if a.id == note.action_id)
        action = next(actions, None)
        return late_end(action, note) if action is not None else ""

    def close_reply(self) -> None:
        if self.parts:
            parts = tuple(self.parts)
            self.messages.append(
                Message(Role.MODEL, parts=parts, provider=self.provider, model=self.model)
            )
        self.parts = []

    def result(self, call: ToolCall) -> ToolResult:
        action = self.actions.get(call.id)
        if action is None:
            return ToolResult(call, {"error": NOT_RUN})
        return ToolResult(call, {**self.words_of_person(action), **self.body(action)})

    def words_of_person(self, action: Action) -> dict[str, Any]:
        """What the person changed, and what they said while they allowed it."""
        said: dict[str, Any] = {}
        if action.id in self.edited:
            said["changed_by_the_person"] = changed(action)
        decision = self.decisions.get(action.id)
        if decision and decision.outcome is Outcome.ALLOW and decision.by is DecidedBy.PERSON:
            said |= {"comment_of_the_person": decision.reason} if decision.reason else {}
        return said

    def body(self, action: Action) -> dict[str, Any]:
        """What became of an action."""
        report = self.reports.get(action.id)
        if report is not None:
            return response_of_report(report)
        execution = self.executions.get(action.id)
        if execution is not None and action.id not in self.left_running:
            return response_of(self.as_sent(execution))
        if action.id in self.dispatched:
            return {"error": RUNNING}
        decision = self.decisions.get(action.id)
        if decision is not None and decision.outcome is Outcome.DENY:
            return {"error": denial(decision)}
        return {"error": NOT_RUN}

    def as_sent(self, execution: Execution) -> Execution:
        aged = execution.action_id in self.aged
        return replace(execution, output=shortened(execution.output)) if aged else execution


def history(events: Iterable[ev.Durable]) -> tuple[Message, ...]:
    """Return what the model is told of these events; see History.whole."""
    fold = History()
    for event in events:
        fold.feed(event)
    return fold.whole()


def became(note: Decision | Execution) -> str:
    """What became of files that were held."""
    return (
        f"not put in place. {denial(note)}"
        if isinstance(note, Decision)
        else note.error or IN_PLACE
    )


def named(action: Action) -> str:
    """The files of an action that holds some, the first of them."""
    paths = [str(path) for path in action.call.arguments["paths"]]
    more = len(paths) - UNDONE_NAMED
    return ", ".join(paths[:UNDONE_NAMED]) + (f" and {more} more" if more > 0 else "")


def changed(action: Action) -> str:
    """The sentence by which the model learns that its call was changed before it was decided."""
    text = canonical(action.call.arguments).decode("utf-8")
    if len(text) > CHANGED_TEXT:
        return f"{CHANGED} Its arguments are now too long to repeat; look at what is there."
    return f"{CHANGED} Its arguments are now: {action.call.tool} {text}"


def denial(decision: Decision) -> str:
    """The sentence by which the model learns of a denial.

    A mode or a rule says its own; only a person's denial is the person's.
    """
    if decision.by is not DecidedBy.PERSON and decision.reason:
        return decision.reason
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


def response_of_report(report: ev.ActionReported) -> dict[str, Any]:
    """What the model gets of a command that still runs."""
    body: dict[str, Any] = {"still_running": True, "seconds": round(report.seconds, 1)}
    if report.needs_input:
        body["waits_for_input"] = True
    if report.omitted:
        body["omitted_characters"] = report.omitted
    return {**body, "output": report.output}


def late_end(action: Action, execution: Execution) -> str:
    """The end of a command that the model knew as running."""
    command = str(action.call.arguments.get("command", "")).strip()
    first, _, rest = command.partition("\n")
    what = f"Your command `{first}{' …' if rest else ''}` is over"
    if execution.ended is not Ended.FINISHED:
        return f"{what}: {execution.error or 'what became of it is unknown'}"
    status = "no exit status" if execution.status is None else f"exit status {execution.status}"
    tail = execution.output[-LATE_OUTPUT:]
    cut = "… " if len(tail) < len(execution.output) else ""
    return f"{what}: {status} after {execution.seconds:.1f} s. The end of its output:\n{cut}{tail}"


def person_ran(line: ev.PersonRan) -> str:
    """A line that the person typed in the terminal."""
    what = f"`{line.command}`" if line.command else "a command (its text was not kept)"
    tail = line.output[-LATE_OUTPUT:]
    shown = f" It printed:\n{tail}" if tail.strip() else ""
    return (
        f"In the window {line.window!r} the person ran {what}: exit status {line.status}, "
        f"directory now {line.cwd}.{shown}"
    )


def undone(event: WorkspaceRestored) -> str:
    """An undo of the person's: which files are not as the model left them."""
    difference = event.restored.difference
    names = [change.path for change in difference.changes[:UNDONE_NAMED]]
    more = difference.total - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    return (
        "The person undid changes of the workspace: it is again as it was before "
        f"`{event.label}`. Not as you left them: {listed or 'no file'}. Look before you go on."
    )
