"""What a command starts: code, unknown programs, more rights, and another state of the shell."""

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
    SETTINGS,
    SHELL_CHANGES,
)
from pocketcoder_tui.gatekeeper.effects.wrappers import WRAPPED, note_wrapper
from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.gatekeeper.programs import INTERPRETERS, SHELLS, family
from pocketcoder_tui.gatekeeper.reading import Assignment, Document, Word

__all__ = ["note_assignment", "note_document", "note_named", "note_running"]

_HARMLESS = frozenset({"cd", "pushd", "kill", "git", "disown"})
_TOLD = DOWNLOADERS | HOST_FIRST | PRIVILEGED | DESTROYERS.keys()
"""Programs that always have an effect of a kind of their own."""
_PATH = re.compile(r"[\w./+-]+")
_CODE_MARKS = frozenset("'\"()=;\n ")
_SCANNED = 8_000
"""Characters of a program's text in which guarded names are looked for."""


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
    if name in WRAPPED:
        for variable in note_wrapper(name, words, findings):
            _note_variable(variable.name, (variable.start, variable.end), findings, lasts=False)
    if name in SHELL_CHANGES:
        _shell_change(name, words, findings)
    elif "/" in program and not _of_system(program):
        findings.add(Kind.CODE, f"Runs the file {program}.", span)
    elif name in SHELLS | BUILDERS | INTERPRETERS:
        findings.add(Kind.CODE, f"{name} runs code of the workspace, or what it is given.", span)
        code = [word for word in words[1:] if _CODE_MARKS & set(word.text or "")]
        note_named([(w.text, w.start, w.end) for w in code], findings)
    elif not _is_known(program):
        findings.add(Kind.UNKNOWN, f"What {program} does is not known here.", span)
        note_named([(w.text, w.start, w.end) for w in words[1:]], findings)


def note_document(document: Document, name: str, findings: Findings) -> None:
    """Note guarded names in a text that a program reads and may run."""
    if family(name) in SHELLS | BUILDERS | INTERPRETERS:
        note_named([(document.text, document.start, document.end)], findings)


def note_named(texts: Iterable[tuple[str | None, int, int]], findings: Findings) -> None:
    """Note the guarded names in texts; each stands from an offset to another one."""
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


def _is_known(program: str) -> bool:
    """Whether everything that matters about a program is told by other effects."""
    name = program.rpartition("/")[2]
    return name in KNOWN or name in _HARMLESS or name in WRAPPED or name in _TOLD
