"""SSH keys on a screen of their own: pasted in, switched off, removed; and where they come in."""

import time
from collections.abc import Coroutine, Sequence
from typing import Any

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.folding import Ink, Piece
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.scope import Line
from pocketcoder_tui.ui.screens import AskScreen
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.words import clip

EMPTY = "There are no SSH keys. a adds one: paste the line of a .pub file."
KEYS = "a add   x off/on   d remove   Esc back"
ADDING = "Paste the one line of a .pub file, then Enter. Esc adds nothing."
SEVERAL = "These are several lines. One key is one line: that of the .pub file."
SHOWN = 12
"""Keys in the list above the text; the marked one is always among them."""


class KeyInput(Input):
    """One line; a paste of several is not cut to its first but said."""

    class SeveralLines(Message):
        """More than a line was pasted, and nothing was taken."""

    def _on_paste(self, event: events.Paste) -> None:
        if len(event.text.strip().splitlines()) > 1:
            event.prevent_default()
            event.stop()
            self.post_message(self.SeveralLines())


class SshKeysScreen(ModalScreen[None]):
    """Lists at once, and again after each change."""

    AUTO_FOCUS = ""
    """The line to paste into has the focus only while it is asked for."""
    BINDINGS = bindings_for("ssh keys")

    def __init__(self, workbench: Workbench, kit: Kit) -> None:
        super().__init__()
        self._book = workbench.keybook
        self._kit = kit
        self._keys: Sequence[KeptKey] = ()
        self._at = 0
        self._word = "Looking…"

    def compose(self) -> ComposeResult:
        """The list, the marked key whole with the way in, a line to paste into, and the keys."""
        with Vertical(classes="sheet", id="ssh") as sheet:
            sheet.border_title = Content("SSH keys")
            yield Static(id="ssh-list", markup=False)
            yield TextView(self._kit, id="ssh-text")
            line = KeyInput(placeholder="ssh-ed25519 AAAA… name", id="ssh-line")
            line.display = False
            yield line
            yield Static(id="ssh-hint", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self._draw()
        self._look()

    def on_resize(self) -> None:
        """The rows are cut to the width."""
        self._draw()

    @property
    def _line(self) -> KeyInput:
        return self.query_one(KeyInput)

    @property
    def _marked(self) -> KeptKey | None:
        return self._keys[self._at] if self._at < len(self._keys) else None

    def action_move(self, step: int) -> None:
        """Mark another key."""
        self._at = min(max(self._at + step, 0), max(len(self._keys) - 1, 0))
        self._word = ""
        self._show()

    def action_add(self) -> None:
        """Ask for a key's line."""
        self._word = ADDING
        self._line.display = True
        self._line.focus()
        self._draw()

    def action_switch(self) -> None:
        """Switch the marked key off, or on."""
        if self._marked is not None:
            self._change(self._book.disable(self._marked.number, not self._marked.disabled))

    def action_remove(self) -> None:
        """Ask, then remove the marked key."""
        marked = self._marked
        if marked is not None:

            def answered(yes: bool | None) -> None:
                if yes:
                    self._change(self._book.remove(marked.number))

            question = f"Remove the key {one_line(marked.name)}? Whoever is in by it is put out."
            self.app.push_screen(AskScreen(question), answered)

    def action_back(self) -> None:
        """Close the line, or the list."""
        if self._line.display:
            self._close_line()
            self._draw()
        else:
            self.dismiss()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Add what was pasted."""
        event.stop()
        self._add(event.value)

    def on_key_input_several_lines(self) -> None:
        """Say why nothing was taken."""
        self._word = SEVERAL
        self._draw()

    def _close_line(self) -> None:
        self._word = ""
        self._line.value = ""
        self._line.display = False
        self.set_focus(None)

    @work(group="ssh keys", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._keys, self._word = await self._book.listed(), ""
        except PocketCoderError as error:
            self._word = sentence_of(error)
        self._at = min(self._at, max(len(self._keys) - 1, 0))
        self._show()

    @work(group="add", exclusive=True, exit_on_error=False)
    async def _add(self, line: str) -> None:
        try:
            await self._book.add(line)
        except PocketCoderError as error:
            self._word = sentence_of(error)
            self._draw()
            return
        self._close_line()
        self._look()

    @work(group="change", exit_on_error=False)
    async def _change(self, change: Coroutine[Any, Any, None]) -> None:
        try:
            await change
        except PocketCoderError as error:
            self._word = sentence_of(error)
            self._draw()
            return
        self._look()

    def _show(self) -> None:
        lines = key_lines(self._marked) if self._marked is not None else []
        lines += door_lines(self._book.door)
        self.query_one("#ssh-text", TextView).show(lines)
        self._draw()

    def _draw(self) -> None:
        width = max(self.size.width - 12, 20)
        room = max(min(SHOWN, self.size.height // 3), 1)
        first = max(min(self._at - room // 2, len(self._keys) - room), 0)
        parts: list[str | tuple[str, str]] = []
        for number, key in list(enumerate(self._keys))[first : first + room]:
            here = number == self._at
            sign = self._kit.pick("▌", ">") if here else " "
            text = clip(f"{sign} {row_words(key)}", width, self._kit.pick("…", "..."))
            parts.append((f"{text}\n", "bold" if here else "$text-muted" if key.disabled else ""))
        if not self._keys and not self._word:
            parts.append((EMPTY, "$text-muted"))
        self.query_one("#ssh-list", Static).update(Content.assemble(*parts))
        hint = Content.styled(self._word or KEYS, "$warning" if self._word else "$text-muted")
        self.query_one("#ssh-hint", Static).update(hint)


def row_words(key: KeptKey) -> str:
    """One safe line about a key."""
    off = "  off" if key.disabled else ""
    return f"{key.number:>3}  {one_line(key.name)}  {key.fingerprint[:19]}{off}"


def key_lines(key: KeptKey) -> list[Line]:
    """A key whole."""
    added = time.strftime("%Y-%m-%d %H:%M", time.localtime(key.added))
    return [
        [Piece(f"{key.kind}  {key.fingerprint}")],
        [Piece(f"Added {added} by {one_line(key.added_by) or 'you'}.", Ink.DIM)],
    ]


def door_lines(door: DoorState) -> list[Line]:
    """Whether and where the keys come in."""
    if not door.listens:
        return [[Piece(one_line(door.why), Ink.NOTE)]]
    address, _, port = door.listens.rpartition(":")
    return [
        [Piece(f"They come in by: ssh -p {port} agent@{address}", Ink.NOTE)],
        [Piece(f"The box shows itself with {door.host_key}. In now: {door.visitors}.", Ink.DIM)],
    ]
