"""Programs that run another one: what they add to it, and where in their words it begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind
from pocketcoder_tui.gatekeeper.programs import family, names
from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["WRAPPED", "Variable", "note_wrapper", "unwrapped"]

WRAPPED = names(
    """sudo doas env nohup nice timeout time stdbuf setsid ionice chrt taskset command builtin exec
    xargs flock strace ltrace unbuffer coproc fakeroot valgrind rlwrap parallel
    pkexec runuser su watch ! catchsegv setarch gtime prlimit choom"""
)
"""Wrappers behind whose options the program that they run can be found."""

VALUED = {
    "sudo": ("ughpCTDRrt", 0),
    "doas": ("uC", 0),
    "env": ("uCS", 0),
    "nice": ("n", 0),
    "timeout": ("ks", 1),
    "time": ("fo", 0),
    "stdbuf": ("ioe", 0),
    "ionice": ("cnp", 0),
    "chrt": ("", 1),
    "taskset": ("", 1),
    "xargs": ("InPLdaEs", 0),
    "flock": ("wE", 1),
    "strace": ("eopsua", 0),
    "exec": ("a", 0),
    "watch": ("n", 0),
    "parallel": ("j", 0),
}
"""Short options that take a value, and how many arguments stand before the program."""

_FOLLOWED = names("nohup nice timeout time setsid stdbuf ionice env command builtin !")
"""Wrappers of which every short option is known, so that it is certain what they run."""
_SURE_OPTION = re.compile(r"-(?:[ivVpcfw]+|[uksnoec].*|[0-9]+)?")
_BACKGROUND = {
    "nohup": "Goes on when the terminal is closed.",
    "setsid": "Goes on in a session of its own.",
    "disown": "Goes on after the shell ends.",
    "coproc": "Runs beside the shell.",
}
_LAYERS = 6
"""Wrappers around wrappers that are taken off."""
_NUMBER = re.compile(r"[+-]?[0-9.]+[smhd]?")
_SETTING = re.compile(r"([A-Za-z_]\w*)=")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a wrapper sets for its program."""

    name: str
    start: int
    end: int


def unwrapped(words: list[Word]) -> list[list[Word]]:
    """A command and, behind each wrapper it begins with, the command in it."""
    layers = [words]
    for _ in range(_LAYERS):
        name = family(layers[-1][0].text or "")
        inner: list[Word] = []
        if name in WRAPPED:
            inner = _behind(name, layers[-1][1:])
        elif name in ("find", "fd"):
            inner = _executed(layers[-1])
        if not inner:
            break
        layers.append(inner)
    return layers


def _behind(name: str, words: list[Word]) -> list[Word]:
    """What stands behind a wrapper's own options and arguments."""
    valued, positional = VALUED.get(name, ("", 0))
    skip = False
    for index, word in enumerate(words):
        text = word.text if word.text is not None else word.raw
        if skip:
            skip = False
        elif text.startswith("-") and len(text) > 1:
            skip = not text.startswith("--") and _takes_next(text, valued)
        elif "=" in text.partition("/")[0] and name in ("env", "sudo", "doas"):
            continue
        elif positional:
            positional -= 1
        elif name in ("nice", "ionice") and _NUMBER.fullmatch(text):
            continue
        else:
            return words[index:]
    return []


def _takes_next(option: str, valued: str) -> bool:
    """Whether the value of a cluster's first valued letter is the next word."""
    places = [place for place, letter in enumerate(option) if place and letter in valued]
    return bool(places) and places[0] == len(option) - 1


def _executed(words: list[Word]) -> list[Word]:
    """The command that ``find`` runs on what it finds."""
    for index, word in enumerate(words):
        if word.text in ("-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec"):
            inner = words[index + 1 :]
            ends = [at for at, after in enumerate(inner) if after.text in (";", "+")]
            return inner[: ends[0]] if ends else inner
    return []


def note_wrapper(name: str, words: list[Word], findings: Findings) -> Iterator[Variable]:
    """Note what a wrapper adds; yields the variables that it sets."""
    span = (words[0].start, words[-1].end)
    if name in _BACKGROUND:
        findings.add(Kind.BACKGROUND, _BACKGROUND[name], span)
    inner = _behind(name, words[1:])
    own = words[1 : len(words) - len(inner)]
    for word in own if name in ("env", "sudo", "doas") else ():
        if setting := _SETTING.match(word.text or word.raw):
            yield Variable(setting[1], word.start, word.end)
    if name in ("xargs", "parallel"):
        findings.add(Kind.UNKNOWN, f"{name} gives a program what it reads from its input.", span)
    elif name not in _FOLLOWED or not all(_is_sure(name, word) for word in own):
        findings.add(Kind.UNKNOWN, f"What {name} makes of its program cannot be told.", span)


def _is_sure(name: str, word: Word) -> bool:
    """Whether one of a wrapper's own words is understood here."""
    if word.text is None:
        return False
    if word.text.startswith("-"):
        return name != "time" and _SURE_OPTION.fullmatch(word.text) is not None
    return True
