"""What the two fixed lines and the activity line say; pure words over the transcript."""

from collections.abc import Sequence
from dataclasses import dataclass

from pocketcoder_tui.core import modes, transient
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.core.transcript import Answer, Deed, Thought, Transcript
from pocketcoder_tui.ui.actions import ACTIONS, key_name
from pocketcoder_tui.ui.bars import Word
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip, count, duration, short_path

_BOX = {
    transient.BoxState.ABSENT: ("○", "-", "no box", "$text-muted"),
    transient.BoxState.STARTING: ("◐", "~", "box starting", "$primary"),
    transient.BoxState.READY: ("●", "+", "box ready", "$success"),
    transient.BoxState.FAILED: ("✗", "x", "box failed", "$error"),
}


@dataclass(slots=True)
class Standing:
    """What the lines need beside the transcript."""

    box: transient.BoxState = transient.BoxState.ABSENT
    box_sentence: str = ""
    opened: bool = False
    watching: bool = False
    """True where another process works in the session."""
    trouble: bool = False
    """True when opening the session came to an end without one."""
    retry: str = ""
    """What went wrong with the model's service while it is asked again; already safe."""
    retry_at: float = 0.0
    """Unix seconds at which it is asked again."""
    turn_began: float = 0.0
    """Unix seconds; 0 while the agent rests."""

    @property
    def box_trouble(self) -> str:
        """Why there is no box, already safe; empty unless starting it failed."""
        return self.box_sentence if self.box is transient.BoxState.FAILED else ""


def header_words(
    transcript: Transcript, *, workspace: str, home: str, mode: str, model: str
) -> tuple[list[Word], list[Word]]:
    """The top line: where, what about, in which mode, with which model."""
    place = one_line(short_path(transcript.workspace or workspace, home))
    left = [Word("pocketcoder", "bold $primary", 3), Word(place, "", 1)]
    if transcript.title:
        left.append(Word(one_line(transcript.title), "$text-muted", 4))
    right = [Word(mode.upper(), "bold $warning", 0)] if mode else []
    if model:
        right.append(Word(one_line(model), "", 2))
    if transcript.usage.prompt:
        right.append(Word(f"ctx {_thousands(transcript.usage.prompt)}", "$text-muted", 5))
    return left, right


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:.1f}k" if tokens >= 1000 else str(tokens)


NET_OFF = Word("net off", "$text-muted", 3)


def network_words(transcript: Transcript, *, on: bool) -> Word:
    """What the box can reach."""
    if not on:
        return NET_OFF
    reached = transcript.reached
    if not reached:
        return Word("net asks", "$text-muted", 3)
    return Word(f"network: {count(len(reached), 'host')} allowed", "bold $warning", 0)


def status_words(
    standing: Standing, kit: Kit, mode: str = "", network: Word | None = None
) -> tuple[list[Word], list[Word]]:
    """The bottom line: box, network, what is kept; then the keys."""
    glyph, fallback, word, style = _BOX[standing.box]
    left = [Word(f"{kit.pick(glyph, fallback)} {word}", style, 0)]
    if mode:
        style = {modes.CONTAINED: "bold $warning", modes.PLAN: "$primary"}.get(mode, "$text-muted")
        left.append(Word(_mode_words(mode), style, 0))
    left.append(network or NET_OFF)
    if standing.opened:
        kept = "read-only" if standing.watching else "saved"
        left.append(Word(kept, "$text-muted", 4))
    else:
        left.append(Word("not open" if standing.trouble else "opening…", "$warning", 1))
    labelled = [a for a in ACTIONS if a.label]
    ranks = {"help": 1, "approvals": 2, "commands": 5, "attach": 6, "terminal": 7}
    right = [
        Word(f"{a.label} {key_name(a.key)}", "$text-muted", ranks.get(a.label, 9)) for a in labelled
    ]
    return left, right


def _mode_words(mode: str) -> str:
    """The mode in words; what weakens a promise says how."""
    if mode not in modes.SHORT:
        return mode  # watching, or ended: another process's session has no mode of ours
    return f"{mode} mode" if mode == modes.ASK else f"{mode} mode: {modes.SHORT[mode]}"


def activity_words(transcript: Transcript, standing: Standing, kit: Kit) -> Sequence[Word]:
    """What is being waited for, for how long, and the key that ends it; nothing at rest."""
    waiting = len(transcript.waiting)
    words = [] if standing.watching else _calls_for_you(transcript, kit)
    if not transcript.turn_id and not waiting:
        return words
    if waiting:
        glyph = kit.pick("●", "*")
        noun = count(waiting, "action")
        waits = "waits" if waiting == 1 else "wait"
        where = "elsewhere" if standing.watching else "for you"
        words.append(Word(f"{glyph} {noun} {waits} {where}", "bold $warning", 0))
        words.append(Word("^Y shows" if standing.watching else "^Y decide", "$warning", 1))
    if transcript.turn_id:
        doing = _doing(transcript, standing, kit)
        words += [Word(doing, "$primary", 2)] if doing else []
        words += [] if standing.watching else [Word("Esc stops", "$text-muted", 3)]
        if standing.retry:
            words.append(Word(standing.retry, "$warning", 4, gives_way=True))
    return words


def _calls_for_you(transcript: Transcript, kit: Kit) -> list[Word]:
    """The command that wants input, or the one that an unfinished line keeps from starting."""
    deeds = [e for e in transcript.entries.values() if isinstance(e, Deed)]
    glyph = kit.pick("●", "*")
    for deed in deeds:
        if deed.needs_input:
            title = clip(one_line(deed.preview.title), 32, kit.pick("…", "..."))
            return [Word(f"{glyph} needs you: {title}", "bold $warning", 0),
                    Word("^T goes there", "$warning", 1)]  # fmt: skip
        if deed.held:
            words = [Word(f"{glyph} held: {one_line(deed.held)}", "bold $warning", 0)]
            return [*words, Word("^L clears it", "$warning", 1)] if deed.clearable else words
    return []


def _doing(transcript: Transcript, standing: Standing, kit: Kit) -> str:
    """What goes on; empty while nothing does but waiting for the person."""
    glyph = kit.pick("◐", "~")
    if standing.retry:
        left = max(round(standing.retry_at - kit.clock.wall()), 0)
        return f"{glyph} asks again in {left} s" if left else f"{glyph} asks again now"
    took = ""
    if standing.turn_began:
        took = f" {duration(max(int(kit.clock.wall() - standing.turn_began), 0)).replace('.0', '')}"
    if _running(transcript):
        return f"{glyph} running in the box{took}"
    if transcript.reply_id:
        model = one_line(transcript.model) or "the model"
        newest = next(reversed(transcript.entries.values()), None)
        writes = isinstance(newest, Answer | Thought) and not newest.done
        return f"{glyph} {model} {'writes' if writes else 'was asked'}{took}"
    return "" if transcript.waiting else f"{glyph} at work{took}"


def _running(transcript: Transcript) -> bool:
    return any(
        isinstance(e, Deed) and e.state is ActionState.DISPATCHED and e.action.call.tool != CONNECT
        for e in transcript.entries.values()
    )
