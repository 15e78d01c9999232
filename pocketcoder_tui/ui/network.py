"""The box's network on a screen of its own: hosts that it reaches, and its ports."""

from collections.abc import Coroutine, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.actions import ActionState, DecidedBy, Decision
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.network import CONNECT, BoxPort
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.deeds import traffic_words
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import Link, sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip

OFF = "The network is off. POCKETCODER_NETWORK=ask lets programs in the box ask for hosts."
NO_HOST = "No host is allowed. A program that wants one waits for you as any other action does."
NO_PORT = "No program in the box waits for connections."
KEYS = "d end a host   f bring a port here, or not   r look again   Esc back"
PAST = 8
"""Hosts of this session that hold no more, at most, below those that do."""
NO_ROW = "No row is marked that this key is for."

Row = Deed | BoxPort


class NetworkScreen(ModalScreen[None]):
    """Follows the session by looking twice a second; asks the box when it opens and on a key."""

    BINDINGS = bindings_for("network")

    def __init__(self, link: Link, kit: Kit) -> None:
        super().__init__()
        self._link = link
        self._network = link.workbench.network
        self._kit = kit
        self._ports: Sequence[BoxPort] = ()
        self._at = 0
        self._word = "Looking…" if self._network.on else OFF
        self._drawn: tuple[Content, Content] | None = None

    def compose(self) -> ComposeResult:
        """One text, and the keys."""
        with VerticalScroll(classes="sheet", id="network") as sheet:
            sheet.border_title = Content("Network")
            yield Static(id="network-rows", markup=False)
            yield Static(id="network-hint", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self._draw()
        self.set_interval(0.5, self._draw)
        if self._network.on:
            self._look()

    def on_resize(self) -> None:
        """The rows are cut to the width."""
        self._draw()

    @property
    def _rows(self) -> list[Row]:
        return [*self._link.transcript.reached, *self._ports]

    @property
    def _marked(self) -> Row | None:
        rows = self._rows
        return rows[min(self._at, len(rows) - 1)] if rows else None

    def action_move(self, step: int) -> None:
        """Mark another row."""
        self._at = min(max(self._at + step, 0), max(len(self._rows) - 1, 0))
        self._word = ""
        self._draw()

    def action_end(self) -> None:
        """End what the marked host was allowed."""
        match self._marked:
            case Deed(id=id_):
                self._change(self._network.end(id_))
            case _:
                self._say(NO_ROW)

    def action_forward(self) -> None:
        """Bring the marked port here, or end that."""
        match self._marked:
            case BoxPort(number=number, forwarded=0):
                self._change(self._network.forward(number))
            case BoxPort(number=number):
                self._change(self._network.unforward(number))
            case _:
                self._say(NO_ROW)

    def action_look(self) -> None:
        """Ask the box for its ports again."""
        if self._network.on:
            self._look()

    def action_back(self) -> None:
        """Close the list."""
        self.dismiss()

    @work(group="ports", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._ports, word = await self._network.ports(), ""
        except PocketCoderError as error:
            self._ports, word = (), sentence_of(error)
        self._say(word)

    @work(group="change", exit_on_error=False)
    async def _change(self, change: Coroutine[Any, Any, object]) -> None:
        try:
            await change
        except PocketCoderError as error:
            self._say(sentence_of(error))
            return
        self._look()

    def _say(self, word: str) -> None:
        self._word = word
        self._draw()

    def _draw(self) -> None:
        past = past_hosts(self._link.transcript)[-PAST:]
        hosts = self._section(self._link.transcript.reached, NO_HOST)
        ports = self._section(self._ports, NO_PORT)
        rows = Content.assemble(
            ("Hosts\n", "bold"),
            *hosts,
            *[(self._clipped("  ", host_words(deed)), "$text-muted") for deed in past],
            ("\nPorts in the box\n", "bold"),
            *ports,
        )
        hint = Content.styled(self._word or KEYS, "$warning" if self._word else "$text-muted")
        if (rows, hint) != self._drawn:
            self._drawn = rows, hint
            self.query_one("#network-rows", Static).update(rows)
            self.query_one("#network-hint", Static).update(hint)

    def _section(self, rows: Sequence[Row], empty: str) -> list[tuple[str, str]]:
        if not rows:
            return [(self._clipped("  ", empty), "$text-muted")]
        lines = []
        for row in rows:
            words = host_words(row) if isinstance(row, Deed) else port_words(row)
            here = row is self._marked
            sign = self._kit.pick("▌ ", "> ") if here else "  "
            lines.append((self._clipped(sign, words), "bold" if here else ""))
        return lines

    def _clipped(self, sign: str, words: str) -> str:
        width = max(self.size.width - 12, 20)
        return clip(f"{sign}{words}", width, self._kit.pick("…", "...")) + "\n"


def past_hosts(transcript: Transcript) -> list[Deed]:
    """The hosts that were allowed in this session, and are no more."""
    deeds = (e for e in transcript.entries.values() if isinstance(e, Deed))
    return [d for d in deeds if d.action.call.tool == CONNECT and d.state is ActionState.FINISHED]


def host_words(deed: Deed) -> str:
    """One safe line about a host: by whom it is allowed, and what went there."""
    host = one_line(str(deed.action.call.arguments["host"]))
    return "  ".join([host, _by(deed.decision), *traffic_words(deed.traffic)])


def port_words(port: BoxPort) -> str:
    """One safe line about a port: whose it is, and where it leads."""
    program = one_line(port.program) or "a program"
    here = f"  from 127.0.0.1:{port.forwarded} of this machine" if port.forwarded else ""
    return f"{port.number}  {program}{here}"


def _by(decision: Decision | None) -> str:
    by = decision.by if decision is not None else DecidedBy.PERSON
    return {DecidedBy.PERSON: "by you", DecidedBy.RULE: "by a rule"}.get(by, "by the mode")
