"""The approvals pane: the keys and clicks that decide about what waits.

It never takes the focus by itself, and no key decides about text that was not on screen.
"""

from collections.abc import Sequence

from textual import events

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.toolset import ASK, choices_of, text_of
from pocketcoder_tui.ui import asked
from pocketcoder_tui.ui.actions import ACTIONS, bindings_for
from pocketcoder_tui.ui.boxes import Purpose, WritingBox
from pocketcoder_tui.ui.choices import Choices
from pocketcoder_tui.ui.waitingpane import ELSEWHERE, WaitingPane

AT_ONCE = "Several keys came at once, as in a paste. Nothing was decided."
FRESH_CLICK = "That click brought the pane to the front. Click again to choose."
NO_TEXT = "There is no text in this action that could be changed."
ALL_OUT = "Every part is left out: n denies the whole."
PARTS_ALONE = "A marked row has parts left out: decide it alone."
NO_CHOICE = "There is no answer of that number here."
UNANSWERED = "A question wants an answer: c writes one, a number chooses one, n gives none."
WHILE_WRITING = frozenset({"read"})
"""What the pane's keys may do while the person writes in a box."""
_OWN = frozenset(a.action.partition("(")[0] for a in ACTIONS if a.group == "approvals")


class ApprovalsPane(WaitingPane):
    """What waits for the person."""

    BINDINGS = bindings_for("approvals")
    HELP = "Decide about one action at a time: **y** allows it once, **n** denies it."

    AlwaysAsked = asked.AlwaysAsked
    Decided = asked.Decided
    DecidedTogether = asked.DecidedTogether
    Edited = asked.Edited
    EditorAsked = asked.EditorAsked
    ExplainAsked = asked.ExplainAsked
    PartsChosen = asked.PartsChosen
    TryAsked = asked.TryAsked
    UndoAsked = asked.UndoAsked
    ZoomAsked = asked.ZoomAsked

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the person writes, the pane's keys do nothing but scroll."""
        return self._box.purpose is None or action in WHILE_WRITING or action not in _OWN

    def on_key(self, event: events.Key) -> None:
        """Note when the key was pressed; it runs before the key's action."""
        if self._keys.note(event.time, event.character or ""):
            self._refuse(AT_ONCE)
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A paste decides nothing."""
        self._forget_key()
        event.stop()

    async def on_choices_clicked(self, event: Choices.Clicked) -> None:
        """A click is held to what a key is held to, and to having had the focus before."""
        event.stop()
        pressed = self._kit.clock.of_key(event.pressed_at)
        fresh = not self.has_focus or pressed < self._focused_at + self.gate.grace
        if fresh:
            self._refuse(FRESH_CLICK)
            return
        self._keys.note(event.pressed_at)
        await self.run_action(event.action)

    def action_allow(self) -> None:
        """Allow the selected action once, or the marked ones."""
        self._answer(Outcome.ALLOW)

    def action_deny(self) -> None:
        """Deny the selected action, or the marked ones."""
        self._answer(Outcome.DENY)

    def action_choose(self, number: int = 0) -> None:
        """Answer the selected question with one of its choices: by its number, or by the key's."""
        deed = self.selected
        offered = choices_of(deed.action) if deed is not None else []
        chosen = number or int(self._keys.character or 0)
        if deed is None or not 1 <= chosen <= len(offered):
            self._refuse(NO_CHOICE)
        elif self._may_decide([deed.id]):
            answer = offered[chosen - 1]
            self._keys.alone(lambda: self._settled([deed.id], Outcome.ALLOW, answer))

    def _answer(self, outcome: Outcome) -> None:
        rows = self._targets()
        if not self._may_decide(rows):
            return
        if outcome is Outcome.ALLOW and self._unanswered(rows):
            self._refuse(UNANSWERED)
            return
        self._keys.alone(lambda: self._settled(rows, outcome))

    def _unanswered(self, rows: Sequence[str]) -> bool:
        """Whether one of these is a question without an answer."""
        asked = [deed.id for deed in self._deeds if deed.action.call.tool == ASK]
        return any(row in asked and row not in self._comments for row in rows)

    def _targets(self) -> list[str]:
        """The rows that a decision is about."""
        marked = self._marks.of([deed.id for deed in self._deeds])
        return marked or ([self.selected.id] if self.selected else [])

    def _may_decide(self, rows: Sequence[str]) -> bool:
        """Whether the key that was just pressed decides about these rows; says why not."""
        refusal = AT_ONCE if self._keys.in_burst else self._refusal(rows)
        refusal = ELSEWHERE if self.elsewhere else refusal
        self._refuse(refusal)
        return bool(rows) and not refusal

    def _refusal(self, rows: Sequence[str]) -> str:
        if not self._marks:
            return self.gate.refusal(self._keys.pressed_at)
        ids = [deed.id for deed in self._deeds]
        unread = ", ".join(map(str, self._marks.unread(ids, self.gate.was_read)))
        if unread:
            return f"Marked, and not read to the end: row {unread}. Nothing was decided."
        if len(rows) > 1 and any(self._left_out(row) for row in rows):
            return PARTS_ALONE
        return self.gate.too_soon(self._keys.pressed_at)

    def _left_out(self, row: str) -> bool:
        change = next((self._texts.change(d) for d in self._deeds if d.id == row), None)
        return change is not None and bool(change.left_out)

    def _settled(self, rows: Sequence[str], outcome: Outcome, reason: str = "") -> None:
        self._forget_key()
        if outcome is Outcome.ALLOW:
            if self._takes_parts(rows):
                return
            kept = (self._comments[row] for row in rows if row in self._comments)
            reason = reason or next(kept, "")
        self._marks.clear()
        if len(rows) == 1:
            self.post_message(self.Decided(rows[0], outcome, reason))
        else:
            self.post_message(self.DecidedTogether(rows, outcome, reason))

    def _takes_parts(self, rows: Sequence[str]) -> bool:
        """With parts left out, allowing asks about the others; says whether that is so."""
        deed = next((deed for deed in self._deeds if deed.id == rows[0]), None)
        change = self._texts.change(deed) if deed is not None else None
        if change is None or not change.left_out:
            return False
        if change.kept:
            self.post_message(self.PartsChosen(rows[0], change.kept))
        else:
            self._refuse(ALL_OUT)
        return True

    # --- writing

    def action_deny_reason(self) -> None:
        """Ask for the reason, in place."""
        self._write(Purpose.REASON)

    def action_comment(self) -> None:
        """Ask for a comment that goes with the result, in place."""
        comment = self._comments.get(self.selected.id, "") if self.selected else ""
        self._write(Purpose.COMMENT, comment)

    def _write(self, purpose: Purpose, text: str = "") -> None:
        if self._may_decide(self._targets()):
            self._open_box(purpose, text)

    def _open_box(self, purpose: Purpose, text: str) -> None:
        """Open a box once the key stood alone: what is pasted is no text for it either."""
        row = self.gate.row

        def opened() -> None:
            if self.gate.row == row:
                self._box.open(purpose, text)
                self._draw()

        self._keys.alone(opened)

    def action_edit(self) -> None:
        """Change the text, in place."""
        text = self._changeable()
        if text is not None:
            self._open_box(Purpose.EDIT, text)

    def action_editor(self) -> None:
        """Change the text in the person's own editor."""
        text = self._changeable()
        if text is not None and self.selected is not None:
            self.post_message(self.EditorAsked(self.selected.id, text))

    def _changeable(self) -> str | None:
        """The text that may be changed now; says why not."""
        deed = self.selected
        soon = AT_ONCE if self._keys.in_burst else self.gate.too_soon(self._keys.pressed_at)
        soon = ELSEWHERE if self.elsewhere else soon
        text = text_of(deed.action) if deed is not None else None
        self._refuse(soon or ("" if text is not None else NO_TEXT))
        return None if deed is None or self._refused else self._drafts.get(deed.id, text)

    def on_writing_box_written(self, event: WritingBox.Written) -> None:
        """Words were handed over."""
        event.stop()
        deed, rows = self.selected, self._targets()
        self._close_box()
        if deed is None:
            return
        match event.purpose:
            case Purpose.REASON:
                self._settled(rows, Outcome.DENY, event.text)
            case Purpose.COMMENT:
                self._comments[deed.id] = event.text
                if deed.action.call.tool == ASK and event.text:
                    self._settled([deed.id], Outcome.ALLOW, event.text)
            case Purpose.EDIT:
                self._drafts.pop(deed.id, None)
                self.post_message(self.Edited(deed.id, event.text))
        self._draw()

    def on_writing_box_editor_asked(self, event: WritingBox.EditorAsked) -> None:
        """The text goes on in the person's editor."""
        event.stop()
        deed = self.selected
        self._close_box()
        if deed is not None:
            self.post_message(self.EditorAsked(deed.id, event.text))

    # --- asking the screen

    def action_zoom(self) -> None:
        """Ask for the whole screen, or give it back."""
        self.post_message(self.ZoomAsked())

    def action_explain(self) -> None:
        """Ask why it was asked, and what it touches."""
        if self.selected is not None:
            bond = self._bond.sentence if self._bond else ""
            self.post_message(self.ExplainAsked(self.selected, bond))

    def action_always(self) -> None:
        """Ask for the rules that can be made from it; that decides nothing yet."""
        soon = AT_ONCE if self._keys.in_burst else self.gate.refusal(self._keys.pressed_at)
        soon = ELSEWHERE if self.elsewhere else soon
        self._refuse(soon)
        if self.selected is not None and not soon:
            self.post_message(self.AlwaysAsked(self.selected))

    def action_try_first(self) -> None:
        """Ask for a try; no decision, but a key that came in a paste asks for nothing either."""
        soon = AT_ONCE if self._keys.in_burst else self.gate.refusal(self._keys.pressed_at)
        soon = ELSEWHERE if self.elsewhere else soon
        self._refuse(soon)
        if self.selected is not None and not soon:
            self.post_message(self.TryAsked(self.selected))

    def action_take_back(self) -> None:
        """Ask to take the last decision back."""
        if self.elsewhere:
            self._refuse(ELSEWHERE)
            return
        self.post_message(self.UndoAsked())
