"""A workbench in memory: it applies events to a real transcript and records what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import (
    Action,
    DecidedBy,
    Decision,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.core.errors import PocketCoderError, TransitionRefused
from pocketcoder_tui.core.model import Finish, Offer, PartKind, Usage
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.rules import KeptRule, PastAction
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.engine.rulebook import Choices, Listed
from pocketcoder_tui.engine.rulekeeper import listed_rule
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.gatekeeper import rules
from pocketcoder_tui.gatekeeper.tally import Tally, tally
from tests.ui.keyring import ScriptedKeybook
from tests.ui.shelves import NOON, ScriptedLibrary
from tests.ui.undoing import ScriptedCheckpoints, ScriptedTrials
from tests.ui.wayout import ScriptedNetwork

ALL_WELL = [
    Check("engine", "Docker", CheckState.OK, "It runs."),
    Check("image", "Box image", CheckState.OK, "It is built."),
    Check("key", "Model key", CheckState.OK, "It is set."),
]
ALL_MISSING = [
    Check("engine", "Docker", CheckState.MISSING, "It is not installed.", mend="install Docker"),
    Check("image", "Box image", CheckState.MISSING, "It was not built.", mend="build the image"),
    Check("key", "Model key", CheckState.MISSING, "No key is set.", mend="enter a key"),
]


class ScriptedReview:
    """See Review: notes what was asked; the test plays what follows."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.error: PocketCoderError | None = None

    async def edit(self, action_id: str, text: str) -> None:
        self._ask("edit", action_id, text)

    async def keep_hunks(self, action_id: str, hunks: Collection[int]) -> None:
        self._ask("keep_hunks", action_id, tuple(hunks))

    async def undo(self) -> str:
        self._ask("undo")
        return "a1"

    def _ask(self, *request: object) -> None:
        self._note(*request)
        if self.error:
            raise self.error


class ScriptedQueue:
    """See Queue."""

    def __init__(self, bench: "ScriptedWorkbench") -> None:
        self.bench = bench

    async def edit(self, message_id: str, text: str) -> None:
        self.bench._note("edit queued", message_id, text)
        self._require(message_id)
        self.bench.emit(ev.MessageEdited(message_id, text, NOON))

    async def withdraw(self, message_id: str) -> None:
        self.bench._note("withdraw", message_id)
        self._require(message_id)
        self.bench.emit(ev.MessageWithdrawn(message_id, NOON))

    def _require(self, message_id: str) -> None:
        if message_id not in [said.id for said in self.bench.transcript.queued]:
            raise TransitionRefused("The message went to the model already.")


class ScriptedRulebook:
    """See Rulebook: the gatekeeper's own offers, and rules in a list."""

    def __init__(self, bench: "ScriptedWorkbench") -> None:
        self.bench = bench
        self.kept: list[KeptRule] = []
        self.past: list[PastAction] = []
        self.offered = False
        """True while the first session's offer stands."""
        self.error: PocketCoderError | None = None

    async def change_mode(self, mode: str) -> None:
        self.bench._note("mode", mode)
        self.bench.emit(ev.ModeChanged(mode, "dana", NOON + len(self.bench.asked)))

    def choices(self, action_id: str) -> Choices:
        act = self.bench.transcript.deed(action_id).action
        allow = rules.offers(act)
        if isinstance(allow, rules.NotOffered):
            return Choices((), allow.why, rules.denials(act))
        return Choices(allow, "", rules.denials(act))

    async def keep(self, action_id: str, stored: str, terms: rules.Terms) -> None:
        self.bench._note("keep", action_id, stored, terms)
        outcome, subject = rules.read_stored(stored)
        self.add(outcome, subject, terms, made_from=action_id)
        await self.bench.decide(action_id, outcome)

    def add(
        self, outcome: Outcome, subject: rules.Subject, terms: rules.Terms, made_from: str = ""
    ) -> KeptRule:
        made = rules.kept(
            f"r{len(self.kept) + 1}", outcome, subject, terms,
            now=NOON, by="dana", session_id="s1", made_from=made_from,
        )  # fmt: skip
        self.kept.append(made)
        return made

    async def listed(self) -> list[Listed]:
        self.bench._note("rules")
        return [listed_rule(one, NOON, "s1") for one in self.kept]

    async def disable(self, rule_id: str, disabled: bool) -> None:
        self.bench._note("disable", rule_id, disabled)
        self._require()
        self.kept = [replace(o, disabled=disabled) if o.id == rule_id else o for o in self.kept]

    async def delete(self, rule_id: str) -> None:
        self.bench._note("delete", rule_id)
        self._require()
        self.kept = [one for one in self.kept if one.id != rule_id]

    async def back_test(self, rule_id: str) -> rules.BackTest:
        self.bench._note("back_test", rule_id)
        rule = next(rules.rule_of(one) for one in self.kept if one.id == rule_id)
        return rules.back_test([rule], [one.action for one in self.past])[0]

    async def first_offer(self) -> tuple[rules.Offer, ...]:
        return rules.first_offers() if self.offered else ()

    async def answer_first_offer(self, taken: bool) -> None:
        self.bench._note("offer", taken)
        self.offered = False

    async def tally(self) -> Tally:
        self.bench._note("tally")
        return tally(self.past)

    def _require(self) -> None:
        if self.error:
            raise self.error


class ScriptedModels:
    """See Models: what a test says that the providers have."""

    def __init__(self, bench: "ScriptedWorkbench") -> None:
        self._bench = bench
        self.offer = Offer((), ())
        self.error: PocketCoderError | None = None
        self.default = "gemini-3.8-flash"

    @property
    def name(self) -> str:
        return self._bench.transcript.chosen_model or self.default

    async def offered(self) -> Offer:
        self._bench._note("offered")
        return self.offer

    async def choose(self, name: str) -> None:
        self._bench._note("choose model", name)
        if self.error:
            raise self.error
        self._bench.emit(ev.ModelChosen(name, "dana", NOON))


class ScriptedWorkbench:
    """See Workbench; tests play the engine's part through ``emit`` and the helpers below."""

    def __init__(self, history: list[ev.Event] | None = None) -> None:
        self._transcript = Transcript()
        self._transcript.apply_all(history or [])
        self._listeners: list[Callable[[ev.Event], None]] = []
        self.asked: list[tuple[object, ...]] = []
        self.told = asyncio.Event()
        """Set with every request; tests clear it and wait for it."""
        self.review = ScriptedReview(self._note)
        self.standing = list(ALL_WELL)
        self.open_errors: list[PocketCoderError] = []
        self.send_error: PocketCoderError | RuntimeError | None = None
        self.key_error: PocketCoderError | None = None
        self.model_label = "gemini-3.8-flash"
        self.mend_error: PocketCoderError | None = None
        self.mend_gate = asyncio.Event()
        """A mend waits for it before its end."""
        self.on_frame: Callable[[transient.ScreenChanged], None] | None = None
        self.closed = False
        self.close_gate = asyncio.Event()
        """Closing comes to its end once this is set."""
        self.close_gate.set()
        self.queue = ScriptedQueue(self)
        self.library = ScriptedLibrary()
        self._messages = 0
        self.checkpoints = ScriptedCheckpoints(self._note)
        self.trials = ScriptedTrials(self._note)
        self.rulebook = ScriptedRulebook(self)
        self.keybook = ScriptedKeybook(self._note)
        self.network = ScriptedNetwork(self._note)
        self.models = ScriptedModels(self)

    @property
    def transcript(self) -> Transcript:
        return self._transcript

    @property
    def mode(self) -> str:
        return self._transcript.mode

    def listen(self, on_event: Callable[[ev.Event], None]) -> Callable[[], None]:
        self._listeners.append(on_event)
        return lambda: self._listeners.remove(on_event)

    def _note(self, *request: object) -> None:
        self.asked.append(request)
        self.told.set()

    async def open(self) -> None:
        self._note("open")
        if self.open_errors:
            raise self.open_errors.pop(0)
        self.emit(transient.BoxChanged(transient.BoxState.READY))

    async def checks(self) -> list[Check]:
        self._note("checks")
        return list(self.standing)

    async def mend(self, check_id: str) -> AsyncIterator[Progress]:
        self._note("mend", check_id)
        try:
            yield Progress("Fetching packages", None)
            yield Progress("Unpacking \x1b]0;evil\x07 base", 0.42)
            await self.mend_gate.wait()
            if self.mend_error:
                raise self.mend_error
            self.standing = [
                Check(c.id, c.label, CheckState.OK, "Ready now.") if c.id == check_id else c
                for c in self.standing
            ]
        finally:
            self._note("mend over", check_id)

    async def set_key(self, key: str) -> None:
        self._note("set_key", key)
        if self.key_error:
            raise self.key_error
        self.standing = [
            Check(c.id, c.label, CheckState.OK, "It is set.") if c.id == "key" else c
            for c in self.standing
        ]

    async def take_tour(self) -> None:
        self._note("tour")

    async def send(self, text: str) -> None:
        self._note("send", text)
        if self.send_error:
            raise self.send_error
        self._messages += 1
        self.emit(ev.MessageQueued(f"said-{self._messages}", text, NOON))

    async def decide(self, action_id: str, outcome: Outcome, reason: str = "") -> None:
        self._note("decide", action_id, outcome, reason)
        deed = self._transcript.deed(action_id)
        if deed.decision is not None:
            raise TransitionRefused("It was decided already.")
        self.emit(decided(deed.action, outcome, reason))

    async def stop(self) -> None:
        self._note("stop")
        self.emit(ev.TurnEnded(self._transcript.turn_id, ev.TurnOutcome.STOPPED, "", "", NOON))

    async def interrupt(self) -> None:
        self._note("interrupt")

    async def resize(self, columns: int, rows: int) -> None:
        self._note("resize", columns, rows)

    @asynccontextmanager
    async def watch(
        self, on_frame: Callable[[transient.ScreenChanged], None]
    ) -> AsyncIterator[None]:
        self._note("watch")
        self.on_frame = on_frame
        try:
            yield
        finally:
            self.on_frame = None
            self._note("watch over")

    def attach(self) -> int:
        self._note("attach")
        return 0

    async def sessions(self) -> list[SessionSummary]:
        return []

    async def aclose(self) -> None:
        self._note("close")
        await self.close_gate.wait()
        self.closed = True

    # --- the engine's part

    def emit(self, *events: ev.Event) -> None:
        """Apply events, then tell the listeners, as the engine does."""
        for event in events:
            self._transcript.apply(event)
            for listener in list(self._listeners):
                listener(event)

    def requests(self, name: str) -> list[tuple[object, ...]]:
        """What was asked under this name."""
        return [r for r in self.asked if r[0] == name]


def factory(workbench: ScriptedWorkbench) -> Callable[[], Awaitable[Workbench]]:
    """What the app wants: an async callable."""

    async def make() -> Workbench:
        return workbench

    return make


def action(id_: str, tool: str = "shell", **arguments: str) -> Action:
    """An action with fixed surroundings."""
    call = ToolCall(f"call-{id_}", tool, arguments)
    return Action(id_, "s1", "t1", "r1", call, "/workspace", "c0ffee", at=NOON)


def command(id_: str, text: str, *notes: str) -> ev.ActionProposed:
    """The model asks to run a command."""
    title = text.split("\n", 1)[0]
    preview = Preview(PreviewKind.COMMAND, "run", title, text, notes=notes)
    return ev.ActionProposed(action(id_, command=text), preview)


def edit(id_: str, path: str, diff: str, *notes: str) -> ev.ActionProposed:
    """The model asks to edit a file."""
    lines = diff.split("\n")
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    preview = Preview(PreviewKind.DIFF, "edit", path, diff, added, removed, notes)
    return ev.ActionProposed(action(id_, "edit_file", path=path), preview)


def waits(proposed: ev.ActionProposed, why: str = "Every action is asked about.") -> list[ev.Event]:
    """An action that waits for the person."""
    return [proposed, ev.ActionWaiting(proposed.action.id, why)]


def decided(act: Action, outcome: Outcome, reason: str = "") -> ev.ActionDecided:
    """A decision of the person's."""
    return ev.ActionDecided(
        Decision(act.id, outcome, DecidedBy.PERSON, act.digest, "dana", reason, NOON)
    )


def runs(proposed: ev.ActionProposed) -> list[ev.Event]:
    """An action that was allowed and runs."""
    act = proposed.action
    return [
        *waits(proposed),
        decided(act, Outcome.ALLOW),
        ev.ActionDispatched(act.id, act.digest, NOON),
    ]


def ran(
    proposed: ev.ActionProposed, status: int, output: str, *, omitted: int = 0
) -> list[ev.Event]:
    """An action that came to its end."""
    done = Execution(
        proposed.action.id, Ended.FINISHED, status, output, omitted, NOON, 0.12, "/workspace"
    )
    return [*runs(proposed), ev.ActionEnded(done)]


def said(id_: str, text: str) -> list[ev.Event]:
    """A message that a model call took."""
    return [ev.MessageQueued(id_, text, NOON), ev.MessagesTaken("t1", (id_,))]


def began() -> list[ev.Event]:
    """A session with a turn that is open."""
    return [
        ev.SessionStarted("s1", "/home/dana/src/shop", NOON),
        ev.SessionTitled("fix the checkout rounding"),
        ev.TurnStarted("t1", NOON),
    ]


def writes(part_id: str, text: str, kind: PartKind = PartKind.TEXT) -> list[ev.Event]:
    """A piece of a reply."""
    return [
        ev.ReplyStarted("t1", "r1", "gemini", "gemini-3.8-flash", NOON),
        ev.PartGrew("r1", part_id, kind, text, {}),
    ]


def over() -> list[ev.Event]:
    """The reply and the turn are over."""
    usage = Usage(prompt=12_300, output=400, total=12_700)
    return [
        ev.ReplyEnded("r1", Finish.DONE, "", usage, NOON),
        ev.TurnEnded("t1", ev.TurnOutcome.DONE, "", "", NOON),
    ]


def with_rules(bench: ScriptedWorkbench) -> ScriptedWorkbench:
    """Two rules, one of them used, and four actions that were asked about."""
    book = bench.rulebook
    make = rules.Command(("make", "test"), "/workspace")
    used = book.add(Outcome.ALLOW, make, rules.Terms(rules.Scope.WORKSPACE))
    book.kept[0] = replace(used, used=7)
    rm = rules.Beginning(("rm", "-rf"))
    book.add(Outcome.DENY, rm, rules.Terms(rules.Scope.USES, 3))
    book.past = [
        PastAction(
            action(f"p{n}", command=text), True, Outcome.ALLOW, DecidedBy.PERSON, "dana", NOON + 2
        )
        for n, text in enumerate(["make test", "make  test", "make x", "rm -rf y; ls"])
    ]
    return bench
