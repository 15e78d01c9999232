"""The rules on a screen of their own: explained, switched off, deleted, tried on the past."""

import time
from collections.abc import Coroutine, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.engine.rulebook import Listed
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.gatekeeper.rules import BackTest
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.folding import Ink, Piece
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.scope import Line, rule_lines
from pocketcoder_tui.ui.screens import AskScreen
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.words import clip, count

EMPTY = "You have no rules. a on an action that waits offers the one that can be made of it."
ALL_FIRE = "Every rule has decided something."
SHOWN = 12
"""Rules in the list above the text; the marked one is always among them."""
KEYS = "x off/on   d delete   t try on the past   u never used   Esc back"


class RulesScreen(ModalScreen[None]):
    """Lists at once, and again after each change."""

    BINDINGS = bindings_for("rules")

    def __init__(self, workbench: Workbench, kit: Kit) -> None:
        super().__init__()
        self._book = workbench.rulebook
        self._kit = kit
        self._all: Sequence[Listed] = ()
        self._at = 0
        self._unused = False
        self._word = "Looking…"

    def compose(self) -> ComposeResult:
        """The list, the marked rule whole, and the keys."""
        with Vertical(classes="sheet", id="rules") as sheet:
            sheet.border_title = Content("Rules")
            yield Static(id="rules-list", markup=False)
            yield TextView(self._kit, id="rules-text")
            yield Static(id="rules-hint", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self._draw()
        self._look()

    def on_resize(self) -> None:
        """The rows are cut to the width."""
        self._draw()

    @property
    def _rows(self) -> Sequence[Listed]:
        return [one for one in self._all if not self._unused or not one.kept.used]

    @property
    def _marked(self) -> Listed | None:
        return self._rows[self._at] if self._at < len(self._rows) else None

    def action_move(self, step: int) -> None:
        """Mark another rule."""
        self._at = min(max(self._at + step, 0), max(len(self._rows) - 1, 0))
        self._word = ""
        self._show()

    def action_read(self, step: int) -> None:
        """Almost a page."""
        view = self.query_one("#rules-text", TextView)
        page = max(view.size.height - 1, 1)
        view.scroll_to(y=view.scroll_y + step * page, animate=False, immediate=True)

    def action_unused(self) -> None:
        """Only the rules that never fire, or all."""
        self._unused = not self._unused
        self.action_move(-self._at)

    def action_switch(self) -> None:
        """Switch the marked rule off, or on."""
        if self._marked is not None:
            self._change(self._marked.kept.id, self._marked.kept.disabled)

    def action_delete(self) -> None:
        """Ask, then delete the marked rule."""
        marked = self._marked
        if marked is not None:

            def answered(yes: bool | None) -> None:
                if yes:
                    self._delete(marked.kept.id)

            self.app.push_screen(AskScreen(f"Delete the rule? {marked.sentences[0]}"), answered)

    def action_test(self) -> None:
        """Try the marked rule on what was asked before."""
        if self._marked is not None:
            self._test(self._marked)

    def action_back(self) -> None:
        """Close the list."""
        self.dismiss()

    @work(group="rules", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._all, self._word = await self._book.listed(), ""
        except PocketCoderError as error:
            self._word = sentence_of(error)
        self._at = min(self._at, max(len(self._rows) - 1, 0))
        self._show()

    @work(group="change", exit_on_error=False)
    async def _change(self, rule_id: str, on: bool) -> None:
        await self._done(self._book.disable(rule_id, not on))

    @work(group="change", exit_on_error=False)
    async def _delete(self, rule_id: str) -> None:
        await self._done(self._book.delete(rule_id))

    async def _done(self, change: Coroutine[Any, Any, None]) -> None:
        try:
            await change
        except PocketCoderError as error:
            self._word = sentence_of(error)
            self._draw()
            return
        self._look()

    @work(group="test", exclusive=True, exit_on_error=False)
    async def _test(self, marked: Listed) -> None:
        try:
            tested = await self._book.back_test(marked.kept.id)
        except PocketCoderError as error:
            self._word = sentence_of(error)
            self._draw()
            return
        self.query_one("#rules-text", TextView).show(tested_lines(tested))

    def _show(self) -> None:
        marked = self._marked
        lines: list[Line] = []
        if marked is not None:
            lines = rule_lines(marked.rule.outcome, marked.rule.stored, marked.sentences)
            lines += [[Piece(origin_words(marked), Ink.DIM)]]
        self.query_one("#rules-text", TextView).show(lines)
        self._draw()

    def _draw(self) -> None:
        rows, width = self._rows, max(self.size.width - 12, 20)
        room = max(min(SHOWN, self.size.height // 3), 1)
        first = max(min(self._at - room // 2, len(rows) - room), 0)
        parts: list[str | tuple[str, str]] = []
        for number, row in list(enumerate(rows))[first : first + room]:
            here = number == self._at
            sign = self._kit.pick("▌", ">") if here else " "
            text = clip(f"{sign} {row_words(row)}", width, self._kit.pick("…", "..."))
            parts.append((f"{text}\n", "bold" if here else "" if not row.rests else "$text-muted"))
        if not rows and not self._word:
            parts.append((ALL_FIRE if self._unused and self._all else EMPTY, "$text-muted"))
        self.query_one("#rules-list", Static).update(Content.assemble(*parts))
        hint = Content.styled(self._word or KEYS, "$warning" if self._word else "$text-muted")
        self.query_one("#rules-hint", Static).update(hint)


def row_words(row: Listed) -> str:
    """One safe line about a rule."""
    used = count(row.kept.used, "use")
    rests = f"  {row.rests}" if row.rests else ""
    return f"{row.kept.outcome.value:<6}{one_line(row.sentences[0])}  {used}{rests}"


def origin_words(row: Listed) -> str:
    """Who made it, when, and when it decided last, in one safe line."""
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.kept.made))
    words = f"Made {made} by {one_line(row.kept.made_by) or 'you'}."
    if row.kept.last_used:
        last = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.kept.last_used))
        words += f" It decided last {last}."
    return words


def tested_lines(tested: BackTest) -> list[Line]:
    """What a rule would have decided of the last actions."""
    said = "allowed" if tested.rule.outcome is Outcome.ALLOW else "denied"
    hits = len(tested.actions)
    head = f"Of your last {count(tested.asked, 'action')} it would have {said} these {hits}."
    lines: list[Line] = [[Piece(head, Ink.NOTE)]]
    for action in tested.actions:
        text = action.call.arguments.get("command") or action.call.arguments.get("path") or ""
        lines.append([Piece(f"  {one_line(action.call.tool)}  {one_line(str(text))}")])
    if tested.unsure:
        lines.append([Piece(f"Of {tested.unsure} more it could not tell.", Ink.DIM)])
    return lines
