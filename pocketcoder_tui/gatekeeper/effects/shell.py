"""What a command of the shell will do, told from its text: the parts brought together."""

import re
from collections.abc import Iterable

from pocketcoder_tui.gatekeeper.effects.dangers import in_reading, in_text, in_words
from pocketcoder_tui.gatekeeper.effects.files import note_files
from pocketcoder_tui.gatekeeper.effects.git import note_git
from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind, Report
from pocketcoder_tui.gatekeeper.effects.network import note_network
from pocketcoder_tui.gatekeeper.effects.places import Places
from pocketcoder_tui.gatekeeper.effects.running import (
    note_assignment,
    note_document,
    note_running,
)
from pocketcoder_tui.gatekeeper.effects.wrappers import unwrapped
from pocketcoder_tui.gatekeeper.lookalikes import lookalikes
from pocketcoder_tui.gatekeeper.paths import HOME, WORKSPACE, absolute, in_workspace
from pocketcoder_tui.gatekeeper.programs import family
from pocketcoder_tui.gatekeeper.reading import Document, Redirect, Simple, Word, read_whole

__all__ = ["of_command"]

LONG_TEXT = 2_000
LONG_LINE = 300
MANY_LINES = 40
"""From these on, characters and lines are counted for the person."""
LONG_DOCUMENT = 20
"""Lines of a here-document from which on it is counted."""

_LOOKED_AT = 65_536
"""Characters in which words are looked for that are not what they seem."""

_COMPUTES = re.compile(
    r"\(\(|\$\[|\$\{!|@[PAEKk]\}|\$\{\w+\[|\$\{\w+:[^-=?+}]|\[\[[^\]\n]{0,200}-(?:eq|ne|lt|le|gt|ge|v|R)\b"
    r"|(?:\[|\btest)\s+-[vR]\s|\bprintf\s+-v|(?<!\[)\[\s[^\]\n\"]{0,200}[$`]"
    r"|\[\s+\"[^\"\n]{0,200}\"\s+\S{1,200}\s+\]"
)
"""Where bash computes with names; a variable that was set before can hold commands then.
Source: Bash manual, Shell Arithmetic: a name in an expression is evaluated in turn."""
_TELLS = "Bash computes with variables here, and one that was set before can hold a command."


def of_command(text: str, cwd: str = WORKSPACE) -> Report:
    """Tell what a command will do when it runs in ``cwd``. Never raises."""
    findings = Findings()
    whole = read_whole(text)
    in_text(text, findings, unread=bool(whole.outer.why))
    _note_size(text, findings)
    for word in lookalikes(text[:_LOOKED_AT]):
        findings.add(Kind.DANGER, word.sentence, (word.start, word.end))
    if whole.outer.why:
        sentence = f"What this does cannot be told. {whole.outer.why}"
        findings.add(Kind.UNREAD, sentence, (0, len(text)))
        return findings.report()
    for doubt in whole.doubts:
        findings.add(Kind.UNREAD, doubt.sentence, (doubt.start, doubt.end))
    for found in _COMPUTES.finditer(text):
        findings.add(Kind.UNKNOWN, _TELLS, found.span())
    outer = _Walk(findings, cwd)
    several = len(whole.commands) > 1
    for reading in whole.readings:
        inside = reading is not whole.outer and reading.commands
        walk = _Walk(findings, outer.at(reading.commands[0].start)) if inside else outer
        walk.commands(reading.commands, listed=several)
        walk.redirects(reading.redirects)
        in_reading(reading, findings)
        for assignment in reading.assignments:
            note_assignment(assignment, findings)
        for defined in reading.definitions:
            sentence = f"From now on {defined.name} means what is written here."
            findings.add(Kind.SHELL, sentence, (defined.start, defined.end))
    return findings.report()


class _Walk:
    """Goes through the commands in their order and keeps track of the directory."""

    def __init__(self, findings: Findings, cwd: str | None) -> None:
        self._findings = findings
        self._cwd = cwd
        self._moves: list[tuple[int, str | None]] = [(0, cwd)]
        """From which offset on which directory holds."""

    def commands(self, commands: Iterable[Simple], *, listed: bool) -> None:
        """Note what each command does."""
        for command in commands:
            if listed:
                shown = " ".join(word.raw for word in command.words)
                self._findings.add(Kind.RUNS, f"Runs: {shown}", (command.start, command.end))
            if command.background:
                sentence = "Goes on in the background."
                self._findings.add(Kind.BACKGROUND, sentence, (command.start, command.end))
            for document in command.documents:
                self._document(document)
                note_document(document, command.words[0].text or "", self._findings)
            for words in unwrapped(command.words):
                self._command(words, command)

    def redirects(self, redirects: Iterable[Redirect]) -> None:
        """Note where streams are led."""
        for redirect in redirects:
            target, sign = redirect.target, redirect.operator
            if sign in (">&", "<&"):
                continue
            if target.text in ("/dev/null", "-") or target.raw == "-":
                continue
            span = (redirect.start, redirect.end)
            places = Places(self._findings, self.at(redirect.start))
            if sign == "<":
                self._findings.add(Kind.REDIRECT, f"Reads its input from {target.raw}.", span)
                places.read(target)
            else:
                how = "is added to" if ">>" in sign else "replaces what is in"
                self._findings.add(Kind.REDIRECT, f"Its output {how} {target.raw}.", span)
                places.written(target)

    def _command(self, words: list[Word], command: Simple) -> None:
        name = family(words[0].text or "")
        places = Places(self._findings, self._cwd)
        note_running(words, self._findings)
        in_words(name, words, self._findings)
        note_network(name, words[1:], self._findings)
        if name == "git":
            note_git(words[1:], places)
        elif name in ("cd", "pushd", "popd"):
            self._move(words, command)
        else:
            note_files(name, words[1:], places)

    def _move(self, words: list[Word], command: Simple) -> None:
        """Follow ``cd``; one that may not happen, or not last, leaves the directory open."""
        plain = [word for word in words[1:] if not (word.text or "").startswith("-")]
        target = plain[0].text if plain else HOME
        if words[0].text == "popd" or target is None or (self._cwd is None and target[:1] != "/"):
            self._cwd = None
        else:
            self._cwd = absolute(target, self._cwd or "/")
            if not in_workspace(self._cwd):
                sentence = f"Leaves the workspace, within the box: {self._cwd}"
                span = (command.start, command.end)
                self._findings.add(Kind.OUTSIDE, sentence, span, self._cwd)
        if command.optional:
            self._cwd = None
        self._moves.append((command.end, self._cwd))

    def at(self, offset: int) -> str | None:
        """The directory at a place of the text; None when that is known only when it runs."""
        return [cwd for start, cwd in self._moves if start <= offset][-1]

    def _document(self, document: Document) -> None:
        lines, span = (document.text or "").count("\n"), (document.start, document.end)
        if lines >= LONG_DOCUMENT:
            sentence = f"Holds a text of {lines:,} lines ({span[1] - span[0]:,} characters)."
            self._findings.add(Kind.SIZE, sentence, span)


def _note_size(text: str, findings: Findings) -> None:
    lines = text.count("\n") + 1
    if len(text) > LONG_TEXT or lines > MANY_LINES:
        findings.add(Kind.SIZE, f"It is long: {len(text):,} characters in {lines:,} lines.")
    start = 0
    for line in text.split("\n"):
        if len(line) > LONG_LINE:
            sentence = f"A line of it is {len(line):,} characters long."
            findings.add(Kind.SIZE, sentence, (start, start + len(line)))
            break
        start += len(line) + 1
