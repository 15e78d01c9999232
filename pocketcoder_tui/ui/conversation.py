"""The story of the session from top to bottom: which entries are mounted, and following the end."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from pocketcoder_tui.core.transcript import (
    Answer,
    Deed,
    Entry,
    Remark,
    Said,
    Thought,
    Transcript,
    Typed,
    Undone,
)
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.deeds import DeedView
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.words import count

if TYPE_CHECKING:
    from pocketcoder_tui.ui.changes import UndoneView
    from pocketcoder_tui.ui.entries import (
        AnswerView,
        RemarkView,
        SaidView,
        ThoughtView,
        TypedView,
    )

    EntryView = AnswerView | RemarkView | SaidView | ThoughtView | TypedView | DeedView | UndoneView

PAGE = 200
"""Entries that are mounted at once, and that one look further back adds."""


class Story(VerticalScroll):
    """The scrolling part; it has one focus for all entries."""

    BINDINGS = bindings_for("conversation")
    HELP = "What was said, asked, decided and run. **Enter** opens an entry."

    class Scrolled(Message):
        """The person or the text moved."""

    class ViewAsked(Message):
        """The person wants an action on the whole screen."""

        def __init__(self, deed: Deed) -> None:
            super().__init__()
            self.deed = deed

    class ChangeAsked(Message):
        """The person wants to change a message that waits."""

        def __init__(self, said: Said) -> None:
            super().__init__()
            self.said = said

    class WithdrawAsked(ChangeAsked):
        """The person wants to take a message back."""

    class UndoAsked(Message):
        """The person wants to see what an undo would do."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number
            """The checkpoint; 0 for the last step."""

    def __init__(self) -> None:
        super().__init__(id="story")
        self._cursor: Widget | None = None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Let the conversation see whether the end is in sight."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    @property
    def at_end(self) -> bool:
        """True when the newest line is in sight; a short text that is followed scrolls below 0."""
        return self.scroll_y < 0 or self.scroll_y >= self.max_scroll_y - 1

    def _openable(self) -> list[Widget]:
        return [w for w in self.children if w.has_class("openable")]

    def action_step(self, step: int) -> None:
        """Move the mark to the next entry that opens; without one, scroll."""
        entries = self._openable()
        if not entries:
            self.scroll_relative(y=step, animate=False)
            return
        at = entries.index(self._cursor) if self._cursor in entries else len(entries)
        at = min(max(at + step, 0), len(entries) - 1)
        self._mark(entries[at])
        entries[at].scroll_visible(animate=False)

    def _mark(self, widget: Widget | None) -> None:
        if self._cursor is not None:
            self._cursor.remove_class("-cursor")
        self._cursor = widget
        if widget is not None:
            widget.add_class("-cursor")

    def on_blur(self) -> None:
        """Without the focus there is no mark."""
        self._mark(None)

    def action_open(self) -> None:
        """Open or close the marked entry."""
        if getattr(self._cursor, "queued", None) is not None:
            self.action_change()
            return
        toggle = getattr(self._cursor, "toggle", None)
        if toggle is not None:
            toggle()

    def on_click(self, event: object) -> None:
        """A click on an entry's line opens it."""
        widget = getattr(event, "widget", None)
        if isinstance(widget, Widget) and widget.has_class("openable"):
            self._mark(widget)
            self.action_open()

    def action_change(self) -> None:
        """Ask for the marked message, if it waits."""
        said = getattr(self._cursor, "queued", None)
        if said is not None:
            self.post_message(self.ChangeAsked(said))

    def action_withdraw(self) -> None:
        """Ask to take the marked message back, if it waits."""
        said = getattr(self._cursor, "queued", None)
        if said is not None:
            self.post_message(self.WithdrawAsked(said))

    def action_view(self) -> None:
        """Ask for the whole screen."""
        if isinstance(self._cursor, DeedView):
            self.post_message(self.ViewAsked(self._cursor.deed))

    def action_undo(self) -> None:
        """Ask for the undo of the marked action, or of the last one."""
        deed = self._cursor.deed if isinstance(self._cursor, DeedView) else None
        self.post_message(self.UndoAsked(deed.checkpoint if deed is not None else 0))

    def action_newest(self) -> None:
        """Follow the end again."""
        self.anchor()


class Conversation(Vertical):
    """Keeps the mounted entries in step with the transcript."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="conversation")
        self._kit = kit
        self._views: dict[str, EntryView] = {}
        self._shown = PAGE
        self._seen = 0
        """Entries that existed when the end was last in sight."""
        self._total = 0

    def compose(self) -> ComposeResult:
        """The story, and the line that says what is new below."""
        yield Story()
        new = Static("", id="new-below", markup=False)
        new.display = False
        yield new

    def on_mount(self) -> None:
        """Name the pane and follow the end."""
        self.border_title = Content("Conversation")
        self.story.anchor()

    @property
    def story(self) -> Story:
        """The scrolling part."""
        return self.query_one(Story)

    async def sync(self, transcript: Transcript, dirty: Iterable[str], *, live: bool) -> None:
        """Bring the mounted entries in step; ``dirty`` names those whose content changed."""
        wanted = list(transcript.entries)[-self._shown :]
        if wanted != list(self._views):
            await self._restructure(transcript, wanted, live)
        for entry_id in dirty:
            view = self._views.get(entry_id)
            if view is not None:
                await _refresh(view)
        self._total = len(transcript.entries)
        self._tell_new()

    async def _restructure(self, transcript: Transcript, wanted: list[str], live: bool) -> None:
        """Remove what is not wanted or not in its place, mount the rest, one batch each."""
        keep = set(_common_order(list(self._views), wanted))
        gone = [self._views.pop(i) for i in list(self._views) if i not in keep]
        if gone:
            await self.story.remove_children(gone)
        fresh: list[EntryView] = []
        with self.app.batch_update():
            before: Widget | None = None
            for entry_id in reversed(wanted):
                if entry_id in self._views:
                    before = self._views[entry_id]
                    continue
                view = _view_of(transcript.entries[entry_id], self._kit, live)
                self._views[entry_id] = view
                fresh.append(view)
                await self.story.mount(view, before=before)
                before = view
            self._views = {i: self._views[i] for i in wanted}
            await self._earlier(len(transcript.entries) - len(wanted))
        for view in fresh:
            await _refresh(view)

    async def _earlier(self, hidden: int) -> None:
        """The line at the top that stands for entries which are not mounted."""
        old = self.story.query("#earlier")
        if not hidden:
            await old.remove()
            return
        text = Content.styled(f"{count(hidden, 'earlier entry').replace('entrys', 'entries')}"
                              ", Enter shows more", "$text-muted")  # fmt: skip
        if old:
            old.first(Static).update(text)
            return
        line = Earlier(text)
        await self.story.mount(line, before=0)

    def on_earlier_asked(self, event: "Earlier.Asked") -> None:
        """Mount another page of older entries."""
        self._shown += PAGE

    def on_story_scrolled(self, event: Story.Scrolled) -> None:
        """The end may be in sight now."""
        event.stop()
        self._tell_new()

    def _tell_new(self) -> None:
        if self.story.at_end or not self.story.is_attached:
            self._seen = self._total
        new = self._total - self._seen
        line = self.query_one("#new-below", Static)
        line.display = new > 0
        if new > 0:
            sign = self._kit.pick("↓", "v")
            line.update(Content.styled(f"{sign} {new} new below   End goes there", "$warning"))

    def tick(self) -> None:
        """Draw the running actions again, because time has passed."""
        for view in self._views.values():
            if isinstance(view, DeedView) and view.deed.dispatched and not view.deed.execution:
                view.refresh_entry()


class Earlier(Static):
    """Stands at the top for the entries that are not mounted."""

    class Asked(Message):
        """The person wants to see more of them."""

    def __init__(self, text: Content) -> None:
        super().__init__(text, id="earlier", markup=False, classes="openable")

    def toggle(self) -> None:
        """Enter, or a click."""
        self.post_message(self.Asked())


def _common_order(have: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The mounted entries that can stay where they are: wanted, and still in the wanted order."""
    place = {entry_id: i for i, entry_id in enumerate(wanted)}
    kept: list[str] = []
    last = len(wanted)
    for entry_id in reversed(have):  # a message that was taken moves down; the others stay
        if entry_id in place and place[entry_id] < last:
            kept.append(entry_id)
            last = place[entry_id]
    return kept[::-1]


def _view_of(entry: Entry, kit: Kit, live: bool) -> "EntryView":
    """Make the widget of an entry. Markdown is imported with the first one."""
    from pocketcoder_tui.ui.changes import UndoneView
    from pocketcoder_tui.ui.entries import (
        AnswerView,
        RemarkView,
        SaidView,
        ThoughtView,
        TypedView,
    )

    match entry:
        case Said():
            return SaidView(entry, kit)
        case Answer():
            return AnswerView(entry)
        case Thought():
            return ThoughtView(entry, kit, live=live)
        case Deed():
            return DeedView(entry, kit)
        case Typed():
            return TypedView(entry, kit)
        case Remark():
            return RemarkView(entry, kit)
        case Undone():
            return UndoneView(entry, kit)


async def _refresh(view: "EntryView") -> None:
    """Draw an entry's content again."""
    done = view.refresh_entry()
    if done is not None:
        await done
