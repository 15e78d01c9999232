"""The queue of what waits, in full: its rows, the text of the selected one, and what it will do.

What is shown and where the person is in it; ``approvals.py`` has the keys that decide.
"""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.toolset import ASK, GO_ON
from pocketcoder_tui.ui.bonds import Bond, bonds
from pocketcoder_tui.ui.boxes import HINTS, WritingBox
from pocketcoder_tui.ui.choices import Choices
from pocketcoder_tui.ui.diffs import Change
from pocketcoder_tui.ui.effects import EffectStrip
from pocketcoder_tui.ui.gate import SCROLL, Gate
from pocketcoder_tui.ui.keyline import NOTHING_WAITS, choices_for
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.lonekey import LoneKey
from pocketcoder_tui.ui.marks import Marks
from pocketcoder_tui.ui.rowtext import RowText
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.waiting import MOST_ROWS, WaitingList
from pocketcoder_tui.ui.words import count

ELSEWHERE = "You watch: decide where it works, or with pocketcoder approvals."
NO_PARTS = "This is no change with several parts."


class WaitingPane(Vertical, can_focus=True):
    """Shows what waits; knows what was read, what is marked, and what is being written."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="approvals")
        self._kit = kit
        self.gate = Gate(kit.clock, kit.grace)
        self._keys = LoneKey(kit, self.set_timer)
        self._texts = RowText(kit)
        self._marks = Marks()
        self._deeds: Sequence[Deed] = ()
        self._index = 0
        self._focused_at = 0.0
        self._bond_shown: Bond | None = None
        self._refused = ""
        """Why the last key did nothing; safe."""
        self.elsewhere = False
        """True where another process works in the session: rows are shown, nothing is decided."""
        self._comments: dict[str, str] = {}
        """What the agent is told with the result, by the row that is about to be allowed."""
        self._drafts: dict[str, str] = {}
        """Changed texts that were put away, by their rows."""

    def compose(self) -> ComposeResult:
        """Rows, text, what it will do, box, keys."""
        yield WaitingList(self._kit)
        yield TextView(self._kit, id="decision-text")
        yield EffectStrip(self._kit)
        yield WritingBox()
        yield Choices()

    def on_mount(self) -> None:
        """Show the empty state."""
        self.update_waiting(())

    @property
    def selected(self) -> Deed | None:
        """The row that the keys are about."""
        return self._deeds[self._index] if self._index < len(self._deeds) else None

    @property
    def _change(self) -> Change | None:
        """The change that the selected row is, in its parts."""
        return self._texts.change(self.selected) if self.selected is not None else None

    @property
    def _box(self) -> WritingBox:
        return self.query_one(WritingBox)

    @property
    def _view(self) -> TextView:
        return self.query_one("#decision-text", TextView)

    def update_waiting(self, deeds: Sequence[Deed]) -> None:
        """Take over what waits now; the selection stays on its action, or on what replaced it."""
        kept = [i for i, d in enumerate(deeds) if d.id == self.gate.row]
        heirs = [i for i, d in enumerate(deeds) if d.action.supersedes == self.gate.row]
        ids = [deed.id for deed in deeds]
        self._deeds = tuple(deeds)
        self._index = (kept or heirs or [min(self._index, max(len(deeds) - 1, 0))])[0]
        self._marks.keep(ids)
        self._texts.keep(ids)
        self.gate.keep([*ids, ""])
        if heirs and not kept:
            self._inherit(self.gate.row, deeds[self._index].id)
        if not kept:
            self._row_came_up()
        elif self._bond != self._bond_shown:
            self._lay_out_again()
        self._draw()

    @property
    def _bond(self) -> Bond | None:
        """How the selected row depends on others."""
        return bonds(self._deeds).get(self.gate.row)

    def _inherit(self, old: str, new: str) -> None:
        """What was being written about a row goes to the one that took its place."""
        self._put_away()
        if old in self._drafts:
            self._drafts[new] = self._drafts.pop(old)

    def on_resize(self) -> None:
        """A low or narrow pane shows the selected row only."""
        self._draw()

    def on_show(self) -> None:
        """The pane came into sight, and its row with it."""
        if self.selected is not None:
            self._row_came_up()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The keys live, or rest and one that had not settled is forgotten."""
        super().watch_has_focus(has_focus)
        if has_focus:
            self._focused_at = self._kit.clock.steady()
        elif self.is_mounted:
            self._forget_key()
        if self.is_mounted:
            self._draw()

    def _row_came_up(self) -> None:
        """Another row is selected: show its text, begin its grace, drop what was typed before."""
        self._forget_key()
        deed = self.selected
        self.gate.select(deed.id if deed else "")
        self._close_box()
        if deed is None:
            self._view.show(())
            return
        self._bond_shown = self._bond
        self._view.lay_out(self._texts.layout(deed, self._bond), self.gate.reading)
        self.set_timer(self.gate.grace + 0.01, self._wake)

    def _lay_out_again(self) -> None:
        if self.selected is not None:
            self._bond_shown = self._bond
            self._view.lay_out_again(self._texts.layout(self.selected, self._bond))
        self._draw()

    def _wake(self) -> None:
        """The first moment is over: the keys decide, and a refusal for its sake is stale."""
        if not self.gate.resting:
            self._refused = ""
        self._draw()

    def _draw(self) -> None:
        total, height = len(self._deeds), self.size.height
        low = height < 10 or self.size.width < 44
        rows = self.query_one(WaitingList)
        rows.put(self._deeds, self._index, 1 if low else MOST_ROWS)
        rows.mark(self._marks.of([deed.id for deed in self._deeds]))
        whose = "Waiting elsewhere" if self.elsewhere else "Waiting for you"
        title = f"{whose} · {total}" if total else whose
        if low and total > 1:
            title = f"{whose} · {self._index + 1} of {total}"
        title += f" · {len(self._marks)} marked" if self._marks else ""
        self.border_title = Content(title if not self._kit.ascii else title.replace("·", "-"))
        self.border_subtitle = Content(one_line(self.selected.why) if self.selected else "")
        self._view.display = bool(total)
        lines = min(max((height - 8) // 3, 1), 5) if height >= 7 else 0
        asks = self.selected is not None and self.selected.action.call.tool in (ASK, GO_ON)
        told = self.selected.action if self.selected is not None and not asks else None
        self.query_one(EffectStrip).tell(told, lines)
        self._draw_hint(low)

    def _draw_hint(self, low: bool) -> None:
        """What the keys would do now, or why they rest."""
        line, change = self.query_one(Choices), self._change
        if self.selected is None:
            line.say(NOTHING_WAITS)
            return
        choices = choices_for(
            self.selected,
            parts=len(change.hunks) if change else 0,
            left_out=len(change.left_out) if change else 0,
            marked=len(self._marks),
            comment=self._comments.get(self.selected.id, ""),
            narrow=self.size.width < 60,
        )
        line.offer(choices, 1 if low else 2 + (self.size.height > 18), self._resting_words())

    def _resting_words(self) -> Content | None:
        """Why no key decides now; None when they do."""
        reading = self.gate.reading
        if self.elsewhere:
            return Content.styled(ELSEWHERE, "$warning" if self._refused else "$text-muted")
        if self._box.purpose is not None:
            return Content.styled(HINTS[self._box.purpose], "$text-muted")
        if self._refused and self._refused != SCROLL:
            return Content.styled(self._refused, "$warning")
        if not reading.whole:
            more = f"   {count(reading.left, 'line')} more" if reading.left else ""
            return Content.styled(f"{SCROLL[:-1]}: Space{more}", "$warning")
        if not self.has_focus:
            return Content.styled("^Y decide", "$text-muted")
        if self.gate.resting:
            words = "This has just come up. The keys wake in a moment."
            return Content.styled(words, "$text-muted")
        return None

    def on_text_view_seen(self, event: TextView.Seen) -> None:
        """More of the text was on screen."""
        event.stop()
        self._draw()

    def on_waiting_list_picked(self, event: WaitingList.Picked) -> None:
        """A click selects."""
        event.stop()
        self._select(event.index)

    def _refuse(self, why: str) -> None:
        """Say why a key did nothing; nothing is said for an empty text."""
        if why != self._refused:
            self._refused = why
            self._draw()

    def _forget_key(self) -> None:
        self._keys.forget()
        self._refused = ""

    def close_box(self) -> bool:
        """Put away what is being written; says whether anything was. A changed text is kept."""
        was_open = self._box.purpose is not None
        self._put_away()
        self._draw()
        return was_open

    def _put_away(self) -> None:
        text = self._box.edited_text
        if text is not None and self.gate.row:
            self._drafts[self.gate.row] = text
        self._close_box()

    def _close_box(self) -> None:
        had_focus = self._box.has_text_focus
        if self._box.close() and had_focus:
            self.focus()

    # --- moving, marking, reading

    def action_select(self, step: int) -> None:
        """Select the row before or after."""
        self._select(self._index + step)

    def _select(self, index: int) -> None:
        if 0 <= index < len(self._deeds) and index != self._index:
            self._put_away()
            self._index = index
            self._row_came_up()
        self._draw()

    def action_mark(self) -> None:
        """Mark the selected row, or no longer."""
        if self.selected is not None:
            self._marks.toggle(self.selected.id)
        self._refused = ""
        self._draw()

    def action_mark_all(self) -> None:
        """Mark every row, or none."""
        self._marks.toggle_all([deed.id for deed in self._deeds])
        self._refused = ""
        self._draw()

    def action_read(self, step: int) -> None:
        """Scroll the text by almost a page, and never past a line that was not on screen."""
        target = self._view.scroll_y + step * max(self._view.size.height - 1, 1)
        reading = self.gate.reading
        if step > 0 and not reading.whole:
            target = min(target, reading.reached)
        self._read_from(target)

    def action_hunk(self, step: int) -> None:
        """Go to the next part of a change, or the one before."""
        change = self._change
        if change is None:
            return
        change.current = min(max(change.current + step, 0), len(change.hunks) - 1)
        self._lay_out_again()
        self._read_from(self._view.hunk_rows[change.current])

    def action_take(self) -> None:
        """Leave the part out that the keys are about, or take it again."""
        change = self._change
        if change is None or len(change.hunks) < 2:
            self._refuse(NO_PARTS)
            return
        change.left_out ^= {change.current}
        self._lay_out_again()

    def action_split(self) -> None:
        """Show a change side by side, or in one column."""
        self._refuse(self._texts.toggle_split(self._view.text_width))
        self._lay_out_again()

    def _read_from(self, y: float) -> None:
        self._view.scroll_to(y=y, animate=False, immediate=True)
