"""What became of the workspace: the files that an action changed, and what an undo brought back."""

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Static

from pocketcoder_tui.core.checkpoints import Difference, FileChange, How, WorkspaceChanged
from pocketcoder_tui.core.transcript import Deed, Undone
from pocketcoder_tui.ui.folding import Ink, Piece
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import count

NAMED = 2
"""Files that are named while the row is closed."""
WARNED = 3
"""Files that the host runs and that are named while the row is closed."""
OPENED = 20
"""Files that an opened row lists."""

BESIDE = "other commands ran meanwhile, so some of it may be theirs"

_WORDS = {
    How.ADDED: "made",
    How.REMOVED: "removed",
    How.CHANGED: "changed",
    How.MODE: "permissions",
    How.KIND: "replaced",
}


def change_words(change: FileChange, kit: Kit) -> str:
    """One file in one line: what happened, its name, and the lines."""
    lines = _count_words(change.added, change.removed, kit)
    return f"{_WORDS[change.how]:<11} {one_line(change.path)}{'  ' if lines else ''}{lines}"


def difference_words(difference: Difference, kit: Kit) -> str:
    """How much differs, in a few words."""
    lines = _count_words(difference.added, difference.removed, kit)
    return f"{count(difference.total, 'file')}{'  ' if lines else ''}{lines}"


def _count_words(added: int | None, removed: int | None, kit: Kit) -> str:
    if not added and not removed:
        return ""
    return f"+{added or 0} {kit.pick('−', '-')}{removed or 0}"


def listed(difference: Difference, kit: Kit, most: int) -> list[str]:
    """The files, one a line, and how many are not named."""
    lines = [change_words(change, kit) for change in difference.changes[:most]]
    more = difference.total - len(lines)
    return [*lines, f"and {count(more, 'file')} more"] if more > 0 else lines


def changed_rows(deed: Deed, kit: Kit, *, opened: bool) -> list[Content]:
    """What an action did to the workspace, below its row."""
    sign = kit.pick("└", "'")
    rows: list[Content] = []
    if deed.unkept:
        text = f"  {sign} no checkpoint before it: {one_line(deed.unkept)}"
        rows.append(Content.styled(text, "$warning"))
    if deed.tried is not None:
        rows.append(Content.styled(f"  {sign} {_tried_words(deed)}", "$text-muted"))
    if deed.changed is not None:
        if deed.changed.difference.total:
            rows.append(Content.assemble("  ", (sign, "$text-muted"), *_head(deed.changed, kit)))
        rows += _warnings(deed.changed.difference, opened=opened)
        if opened:
            lines = listed(deed.changed.difference, kit, OPENED)
            lines += [BESIDE] if deed.changed.beside else []
            rows += [Content.styled(f"    {line}", "$text-muted") for line in lines]
    return rows


def _warnings(difference: Difference, *, opened: bool) -> Iterable[Content]:
    """What the host runs is named whatever else changed."""
    most = len(difference.guarded) if opened else WARNED
    for sentence in difference.guarded[:most]:
        yield Content.styled(f"  ! {one_line(sentence)}", "bold $warning")
    more = len(difference.guarded) - most
    if more > 0:
        words = f"  ! and {count(more, 'file')} more that your machine runs"
        yield Content.styled(words, "bold $warning")


def _head(changed: WorkspaceChanged, kit: Kit) -> Iterable[str | tuple[str, str]]:
    difference = changed.difference
    names = [one_line(change.path) for change in difference.changes[:NAMED]]
    more = difference.total - len(names)
    text = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    yield f" {text}" if difference.total == 1 else f" {count(difference.total, 'file')}: {text}"
    if difference.added:
        yield f"  +{difference.added}", "$success"
    if difference.removed:
        yield f"  {kit.pick('−', '-')}{difference.removed}", "$error"
    if changed.beside:
        yield "  with what ran beside it", "$text-muted"


def _tried_words(deed: Deed) -> str:
    tried = deed.tried
    assert tried is not None  # asked for one that was tried
    status = "ended by its limit" if tried.status is None else f"exit {tried.status}"
    return f"tried in a copy: {status}, {count(tried.changed, 'file')} changed there"


def changed_lines(deed: Deed) -> list[list[Piece]]:
    """The same for the full screen, every file that is known by name."""
    if deed.changed is None:
        return []
    kit = Kit()
    head = f"Changed in the workspace: {difference_words(deed.changed.difference, kit)}"
    lines = [[Piece("")], [Piece(head, Ink.NOTE)]]
    lines += [[Piece(f"  ! {one_line(s)}", Ink.DANGER)] for s in deed.changed.difference.guarded]
    if deed.changed.beside:
        lines.append([Piece(f"  {BESIDE}", Ink.DIM)])
    names = listed(deed.changed.difference, kit, len(deed.changed.difference.changes))
    return lines + [[Piece(f"  {name}")] for name in names]


class UndoneView(Static):
    """An undo in the conversation: one line until opened."""

    def __init__(self, undone: Undone, kit: Kit) -> None:
        super().__init__(markup=False, classes="entry undone openable")
        self._undone = undone
        self._kit = kit
        self.opened = False
        self.refresh_entry()

    def refresh_entry(self) -> None:
        """Draw it again."""
        restored = self._undone.restored
        parts: list[str | tuple[str, str]] = [
            (f"{self._kit.pick('↶', '<')} ", "bold $primary"),
            ("you undid ", "bold $primary"),
            one_line(self._undone.label),
            (f"  {difference_words(restored.difference, self._kit)}", "$text-muted"),
        ]
        parts += [(f"\n  ! {one_line(sentence)}", "$warning") for sentence in restored.left[:5]]
        if len(restored.left) > 5:
            parts.append((f"\n  ! and {len(restored.left) - 5} more", "$warning"))
        if self.opened:
            names = listed(restored.difference, self._kit, OPENED)
            parts += [(f"\n    {name}", "$text-muted") for name in names]
            again = f"\n    checkpoint {restored.before} holds what was there before the undo"
            parts.append((again, "$text-muted"))
        self.update(Content.assemble(*parts))

    def toggle(self) -> None:
        """Open or close it."""
        self.opened = not self.opened
        self.refresh_entry()
