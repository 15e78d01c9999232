"""An action in the conversation: one line until opened, and always who decided and why."""

from rich.filesize import decimal
from rich.style import Style as RichStyle
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from pocketcoder_tui.core.actions import (
    ActionState,
    DecidedBy,
    Decision,
    Execution,
    Outcome,
    PreviewKind,
)
from pocketcoder_tui.core.checkpoints import MAKING
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.core.transcript import Deed, Traffic
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.gatekeeper.toolset import ASK
from pocketcoder_tui.ui.actions import action, keys_of
from pocketcoder_tui.ui.ansi import Pen, Run, parse_line, tail_lines
from pocketcoder_tui.ui.changes import changed_lines, changed_rows
from pocketcoder_tui.ui.folding import Ink, Piece, decision_lines, lines_of, preview_lines
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.looks import Look, look_of, verb_of
from pocketcoder_tui.ui.plans import is_plan, plan_rows
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip, count, duration

TAIL = 4
"""Lines of a running command's output that show in its row."""
OPENED = 40
"""Lines of text or output that an opened row shows; the whole is on the full screen."""

KEY_CLEAR, KEY_ATTACH = keys_of(action("clear_line")), keys_of(action("attach"))

_NOTHING = {"read": "empty", "list": "empty", "search": "no match"}
"""What is said of a look that brought nothing."""

_INKS = {
    Ink.TEXT: "",
    Ink.MARK: "bold reverse $warning",
    Ink.NOTE: "bold $warning",
    Ink.DIM: "$text-muted",
    Ink.ADDED: "$success",
    Ink.REMOVED: "$error",
    Ink.HUNK: "$primary",
    Ink.KEYWORD: "$secondary",
    Ink.STRING: "$success",
    Ink.NUMBER: "$primary",
    Ink.COMMENT: "$text-muted",
    Ink.NAME: "$accent",
    Ink.DANGER: "bold underline $error",
}


def decision_words(decision: Decision, *, asked: bool = False) -> str:
    """Say who decided, in one safe line, with the reason; ``asked``: of a question, the answer."""
    if decision.who and asked:
        answer = one_line(decision.reason) if decision.outcome is Outcome.ALLOW else ""
        said = f"answered: {answer}" if answer else "gave no answer"
        return f"{one_line(decision.who)} {said}"
    word = "allowed" if decision.outcome is Outcome.ALLOW else "denied"
    who = one_line(decision.who) or "you"
    by = {DecidedBy.PERSON: who, DecidedBy.RULE: f"rule {who}", DecidedBy.MODE: f"mode {who}"}
    reason = f": {one_line(decision.reason)}" if decision.reason else ""
    return f"{word} by {by[decision.by]}{reason}"


def _decided(deed: Deed, decision: Decision) -> str:
    return decision_words(decision, asked=deed.action.call.tool == ASK)


def omitted_words(execution: Execution) -> str:
    """Say how much of the output is not here; empty when it is whole."""
    if not execution.omitted:
        return ""
    return f"… {count(execution.omitted, 'character')} left out between head and tail …"


def facts_of(deed: Deed, look: Look, kit: Kit) -> list[str]:
    """The short facts at the right end of the row, the most important first."""
    done = deed.execution
    now = kit.clock.wall()
    if deed.action.call.tool == CONNECT and (done or deed.state is ActionState.DISPATCHED):
        return [*([] if done else [look.word]), *traffic_words(deed.traffic)]
    if deed.state is ActionState.DISPATCHED:
        where = [] if deed.window == MAIN_WINDOW else [one_line(deed.window)]
        return [look.word, duration(now - deed.dispatched), *where]
    if done is None:
        return [look.word]
    if is_plan(deed) or (done.status == 0 and deed.action.call.tool == ASK):
        return [""]
    facts = [] if done.status == 0 else [look.word]
    facts += _result_facts(deed, done, kit)
    facts.append(duration(done.seconds))
    return facts


def traffic_words(traffic: Traffic) -> list[str]:
    """What went to a host, the number of connections first."""
    more = [f"{traffic.open} open"] * bool(traffic.open)
    more += [f"{traffic.failed} failed"] * bool(traffic.failed)
    carried = f"{decimal(traffic.sent)} out, {decimal(traffic.received)} in"
    return [", ".join([count(traffic.made, "connection"), *more]), carried]


def _result_facts(deed: Deed, done: Execution, kit: Kit) -> list[str]:
    """What came of it, in the words of its kind: a status is a command's, lines are a file's."""
    preview = deed.preview
    lines = count(done.output.rstrip("\n").count("\n") + 1, "line") if done.output else ""
    if preview.kind is PreviewKind.COMMAND:
        status = [] if done.status is None else [f"exit {done.status}"]
        return [*status, lines] if lines else status
    if done.status != 0:
        return []
    if preview.kind is PreviewKind.DIFF:
        return [f"+{preview.added} {kit.pick('−', '-')}{preview.removed}"]
    return [lines or _NOTHING.get(preview.verb, "nothing")]


def whole_text(deed: Deed) -> list[list[Piece]]:
    """Everything about an action as lines for the full screen: text, decision, output."""
    lines = decision_lines(deed)
    if deed.decision is not None:
        lines += [[Piece("")], [Piece(_decided(deed, deed.decision), Ink.DIM)]]
    lines += changed_lines(deed)
    done = deed.execution
    if done is None:
        return lines
    if done.error:
        lines += [[Piece("")], [Piece(one_line(done.error), Ink.NOTE)]]
    if done.omitted:
        lines += [[Piece("")], [Piece(omitted_words(done), Ink.NOTE)]]
    lines.append([Piece("")])
    lines.extend(lines_of([Piece(plain(done.output))]))
    return lines


class DeedView(Static):
    """One action."""

    def __init__(self, deed: Deed, kit: Kit) -> None:
        super().__init__(markup=False, classes="entry deed openable")
        self.deed = deed
        self._kit = kit
        self.opened = False

    def on_mount(self) -> None:
        """Draw it once its width is known."""
        self.refresh_entry()

    def on_resize(self) -> None:
        """The row is laid out for the width."""
        self.refresh_entry()

    def toggle(self) -> None:
        """Open or close it."""
        self.opened = not self.opened
        self.refresh_entry()

    def refresh_entry(self) -> None:
        """Draw it again."""
        width = self.content_size.width
        if width <= 0:
            return
        if is_plan(self.deed):
            rows = [self._row(width), *plan_rows(self.deed, self._kit), *self._error()]
            self.update(Content("\n").join(rows))
            return
        rows = [self._row(width), *self._decision(), *self._held()]
        rows += [*self._error(), *self._tail(width)]
        rows += changed_rows(self.deed, self._kit, opened=self.opened)
        if self.opened:
            rows += self._body()
        self.update(Content("\n").join(rows))

    def _row(self, width: int) -> Content:
        look = look_of(self.deed)
        glyph = self._kit.pick(look.glyph, look.fallback)
        facts = facts_of(self.deed, look, self._kit)
        if width < 44:
            facts[0] = facts[0].split()[0]
        verb = f"{verb_of(self.deed):<8}"
        while len(facts) > 1 and width - sum(len(f) + 2 for f in facts) < 24:
            facts.pop()
        right = "  ".join(facts)
        room = width - len(verb) - len(right) - 5
        dots = self._kit.pick("…", "...")
        title = clip(one_line(self.deed.preview.title), max(room, 4), dots)
        pad = max(width - 3 - len(verb) - Content(title).cell_length - len(right), 1)
        return Content.assemble(
            (glyph, f"bold {look.style}"), f" {verb} ", title, " " * pad, (right, look.style)
        )

    def _decision(self) -> list[Content]:
        """Who decided; a reason for asking or replacing while there is no decision."""
        sign = self._kit.pick("└", "'")
        edited = []
        if self.deed.edited:
            who = one_line(self.deed.edited)
            edited = [Content.styled(f"  {sign} changed by {who}", "$text-muted")]
        if self.deed.decision is not None:
            return [
                *edited,
                Content.styled(
                    f"  {sign} {_decided(self.deed, self.deed.decision)}", "$text-muted"
                ),
            ]
        if self.deed.state is ActionState.SUPERSEDED and self.deed.why:
            return [*edited, Content.styled(f"  {sign} {one_line(self.deed.why)}", "$text-muted")]
        return edited

    def _held(self) -> list[Content]:
        """What an allowed command waits for, or what one that runs wants."""
        sign = self._kit.pick("└", "'")
        if self.deed.held:
            key = (
                f"  {KEY_CLEAR} clears it" if self.deed.clearable else f"  {KEY_ATTACH} goes there"
            )
            key = "" if self.deed.held == MAKING else key
            return [Content.styled(f"  {sign} {one_line(self.deed.held)}{key}", "$warning")]
        if self.deed.needs_input:
            text = f"  {sign} it reads the terminal and is silent  {KEY_ATTACH} goes there"
            return [Content.styled(text, "$warning")]
        return []

    def _error(self) -> list[Content]:
        done = self.deed.execution
        if done is None or not done.error:
            return []
        return [Content.styled(f"  {one_line(done.error)}", "$error")]

    def _tail(self, width: int) -> list[Content]:
        """The newest lines of a command that runs."""
        if self.deed.state is not ActionState.DISPATCHED or not self.deed.live:
            return []
        lines = tail_lines(self.deed.live, OPENED if self.opened else TAIL)
        return [_runs_content(runs, width - 2) for runs in lines]

    def _body(self) -> list[Content]:
        text = [_pieces_content(line) for line in preview_lines(self.deed.preview)]
        rows = self._some(text)
        done = self.deed.execution
        if done is None:
            return rows
        if done.omitted:
            rows.append(Content.styled("  " + omitted_words(done), "$warning"))
        if done.output:
            rows += [Content(""), *self._some(_output_rows(done, self.content_size.width - 2))]
        return rows

    def _some(self, lines: list[Content]) -> list[Content]:
        """The lines, or their beginning and end with the count of what is between."""
        if len(lines) <= OPENED:
            return lines
        half = OPENED // 2
        hidden = count(len(lines) - 2 * half, "line")
        gap = Content.styled(f"  … {hidden} not shown here, f shows all …", "$warning")
        return [*lines[:half], gap, *lines[-half:]]


def _output_rows(done: Execution, width: int) -> list[Content]:
    """The output, line by line, in its colours when it had some."""
    if not done.coloured:
        lines = plain(done.output.rstrip("\n")).split("\n")
        return [Content.styled("  " + line, "$text-muted") for line in lines]
    pen = Pen()
    rows = [parse_line(line, pen) for line in done.coloured.rstrip("\n").split("\n")]
    return [_runs_content(runs, width) for runs in rows]


def _pieces_content(line: list[Piece]) -> Content:
    parts = [(p.text, _INKS[p.ink]) for p in line if p.text]
    return Content.assemble("  ", *(t if not s else (t, s) for t, s in parts))


def _runs_content(runs: tuple[Run, ...], width: int) -> Content:
    """One terminal line with its colours, cut to the width."""
    parts: list[Content] = [Content("  ")]
    room = width
    for run in runs:
        text = clip(run.text, room)
        room -= Content(text).cell_length
        style = run.style
        if style == RichStyle.null():
            parts.append(Content.styled(text, "$text-muted"))
        else:
            parts.append(Content.styled(text, Style.from_rich_style(style)))
    return Content("").join(parts)
