"""What a command starts: wrapped programs, code, rights, the background, another shell state."""

import re
from collections.abc import Iterable

from pocketcoder_tui.gatekeeper.effects.files import KNOWN
from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind, Span
from pocketcoder_tui.gatekeeper.effects.tables import (
    BUILDERS,
    DESTROYERS,
    DOWNLOADERS,
    HARMLESS_VARIABLES,
    HOST_FIRST,
    PRIVILEGED,
    REGISTRY,
    SETTINGS,
    SHELL_CHANGES,
    VALUED,
    WRAPPED,
)
from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.gatekeeper.programs import INTERPRETERS, SHELLS, family
from pocketcoder_tui.gatekeeper.reading import Assignment, Document, Word

__all__ = ["note_assignment", "note_document", "note_running", "unwrapped"]

_LAYERS = 6
"""Wrappers around wrappers that are taken off."""
_BACKGROUND = {
    "nohup": "Goes on when the terminal is closed.",
    "setsid": "Goes on in a session of its own.",
    "disown": "Goes on after the shell ends.",
    "coproc": "Runs beside the shell.",
    "daemonize": "Goes on by itself.",
}
_HARMLESS = frozenset({"cd", "pushd", "kill", "git", "logout", "time", "!"})
_NUMBER = re.compile(r"[+-]?[0-9.]+[smhd]?")
_PATH = re.compile(r"[\w./+-]+")
_SETTING = re.compile(r"([A-Za-z_]\w*)=")
_CODE_MARKS = frozenset("'\"()=;\n ")
_SCANNED = 8_000
"""Characters of a program's text in which guarded names are looked for."""


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
            skip = not text.startswith("--") and text[-1] in valued
        elif "=" in text.partition("/")[0] and name in ("env", "sudo", "doas"):
            continue
        elif positional:
            positional -= 1
        elif name in ("nice", "ionice") and _NUMBER.fullmatch(text):
            continue
        else:
            return words[index:]
    return []


def _executed(words: list[Word]) -> list[Word]:
    """The command that ``find`` runs on what it finds."""
    for index, word in enumerate(words):
        if word.text in ("-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec"):
            inner = words[index + 1 :]
            ends = [at for at, after in enumerate(inner) if after.text in (";", "+")]
            return inner[: ends[0]] if ends else inner
    return []


def note_running(words: list[Word], findings: Findings) -> None:
    """Note what starting a program means; ``words`` are its name and arguments."""
    program = words[0].text
    span = (words[0].start, words[-1].end)
    if program is None:
        sentence = "Which program this starts is known only when it runs."
        findings.add(Kind.UNREAD, sentence, (words[0].start, words[0].end))
        return
    name = family(program)
    if name in PRIVILEGED:
        sentence = f"{name} asks for more rights; in the box nobody can have them."
        findings.add(Kind.PRIVILEGE, sentence, span)
    for word in words[1:] if name in ("env", "sudo", "doas") else ():
        if setting := _SETTING.match(word.text or word.raw):
            _note_variable(setting[1], (word.start, word.end), findings, lasts=False)
    if name in _BACKGROUND:
        findings.add(Kind.BACKGROUND, _BACKGROUND[name], span)
    if name in SHELL_CHANGES:
        _shell_change(name, words, findings)
    elif "/" in program and not _of_system(program):
        findings.add(Kind.CODE, f"Runs the file {program}.", span)
    elif name in SHELLS | BUILDERS | INTERPRETERS:
        findings.add(Kind.CODE, f"{name} runs code of the workspace, or what it is given.", span)
        code = [word for word in words[1:] if _CODE_MARKS & set(word.text or "")]
        _note_named([(w.text, w.start, w.end) for w in code], findings)
    elif not _is_known(name):
        findings.add(Kind.UNKNOWN, f"What {program} does is not known here.", span)
        _note_named([(w.text, w.start, w.end) for w in words[1:]], findings)
    if name in ("xargs", "parallel"):
        findings.add(Kind.UNKNOWN, f"{name} gives a program what it reads from its input.", span)


def note_document(document: Document, name: str, findings: Findings) -> None:
    """Note guarded names in a text that a program reads and may run."""
    if family(name) in SHELLS | BUILDERS | INTERPRETERS:
        _note_named([(document.text, document.start, document.end)], findings)


def _note_named(texts: Iterable[tuple[str | None, int, int]], findings: Findings) -> None:
    for text, start, end in texts:
        for found in _PATH.finditer((text or "")[:_SCANNED]):
            if why := guarded(found.group()):
                sentence = f"Names {found.group()}: {why}."
                findings.add(Kind.GUARDED, sentence, (start, end), found.group())


def note_assignment(assignment: Assignment, findings: Findings) -> None:
    """Note variables that decide what later programs do."""
    span = (assignment.start, assignment.end)
    if "[" in assignment.name:
        sentence = "Computes which part of the variable is set, which can run commands."
        findings.add(Kind.UNKNOWN, sentence, span)
    _note_variable(assignment.name, span, findings, lasts=assignment.alone)


def _note_variable(name: str, span: Span, findings: Findings, *, lasts: bool) -> None:
    if name in SETTINGS or name.startswith(("GIT_", "LD_", "BASH_FUNC", "DYLD_")):
        which = "later programs run" if lasts else "this program runs"
        findings.add(Kind.SHELL, f"{name} decides what {which} or read.", span)
    elif not lasts and name not in HARMLESS_VARIABLES and not name.startswith("LC_"):
        sentence = f"{name} is set for this program; what that changes is not known here."
        findings.add(Kind.UNKNOWN, sentence, span)


def _shell_change(name: str, words: list[Word], findings: Findings) -> None:
    """A builtin that only shows something when it is given nothing changes nothing."""
    shows = name in ("alias", "hash", "history", "umask", "ulimit", "set", "trap", "bind", "export")
    if not shows or len(words) > 1:
        findings.add(Kind.SHELL, SHELL_CHANGES[name], (words[0].start, words[-1].end))


def _of_system(program: str) -> bool:
    return program.startswith(("/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"))


def _is_known(name: str) -> bool:
    known = name in KNOWN or name in _HARMLESS or name in WRAPPED or name in _BACKGROUND
    return (
        known or name in DOWNLOADERS | HOST_FIRST | PRIVILEGED | DESTROYERS.keys() | REGISTRY.keys()
    )
