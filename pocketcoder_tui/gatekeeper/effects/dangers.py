"""Forms that have destroyed work before or that hide what they do: marked, not banned.

Some are told from a command's words; ``in_text`` looks for the rest, also in a text that no parser
can read. Each pattern there runs in time linear in the text.
"""

import re

from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind
from pocketcoder_tui.gatekeeper.effects.options import arguments_of
from pocketcoder_tui.gatekeeper.effects.tables import DESTROYERS, DOWNLOADERS
from pocketcoder_tui.gatekeeper.programs import INTERPRETERS, SHELLS, family
from pocketcoder_tui.gatekeeper.reading import Reading, Simple, Word

__all__ = ["in_reading", "in_text", "in_words"]

_READ = 65_536
"""Characters of a text in which forms are looked for; a longer one is marked as long anyway."""
_BROAD = re.compile(
    r"""(?:"|')?(?:/|/\*|~|~/|~/\*|\.|\./|\./\*|\.\.|\.\./|\*|\*\.\*|\.\*|/workspace/?\*?|/home/?\*?
    |\.git/?|\$\{?HOME\}?/?\*?|\$\{?PWD\}?/?\*?|/(?:etc|usr|var|bin|lib|boot|root)/?\*?)(?:"|')?""",
    re.VERBOSE,
)
_WORLD = re.compile(r"0?[0-7]?777|[ao]*\+[rx]*w[rx]*|[0-7]?[0-7]?[0-7]?[2367]$")
_SPECIAL_BITS = re.compile(r"[ugo]*[+=][rwx]*[st]+.*|[2467][0-7]{3}")

_FORMS = (
    (re.compile(r":\s*\(\s*\)\s*\{"), "Starts itself without end."),
    (re.compile(r">\s*/dev/(?:sd|hd|vd|nvme|mmcblk|xvd|loop|mem|kmem|port)"), "Writes to a disk."),
    (re.compile(r"\|\s*(?:sudo\s+)?(?:ba|da|z|k|a)?sh\b"), "Runs whatever is piped into a shell."),
    (
        re.compile(r"\brm\s+-[a-zA-Z]{0,8}[rR][a-zA-Z]{0,8}\s+(?:-\w{1,12}\s+){0,4}[/~$*]"),
        "Deletes a whole tree.",
    ),
    (re.compile(r"\beval\b"), "eval runs a text as commands."),
)
"""What is looked for in a text that cannot be read."""
_SOCKET = re.compile(r"/dev/(?:tcp|udp)/([^/\s\"']{1,255})")
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u00ad\U000e0000-\U000e01ef]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNSEEN = "Holds characters that are invisible or that turn the text around."
_CONTROLS = "Holds control characters, which a terminal would obey."
_NULL_MOVES = "Moves a file into the device that keeps nothing."


def in_text(text: str, findings: Findings, *, unread: bool) -> None:
    """Note what is seen by the letters alone; ``unread`` says that no command could be read."""
    text = text[:_READ]
    for pattern, sentence in _FORMS if unread else ():
        for form in pattern.finditer(text):
            findings.add(Kind.DANGER, sentence, form.span())
    for socket in _SOCKET.finditer(text):
        sentence = f"Bash itself speaks to {socket[1]} over the network."
        findings.add(Kind.NETWORK, sentence, socket.span(), socket[1])
    for pattern, sentence in ((_INVISIBLE, _UNSEEN), (_CONTROL, _CONTROLS)):
        if found := pattern.search(text):
            findings.add(Kind.DANGER, sentence, found.span())


def in_words(name: str, words: list[Word], findings: Findings) -> None:
    """Note what is dangerous about one program and its arguments."""
    span = (words[0].start, words[-1].end) if words else (0, 0)
    base = name.partition(".")[0]
    if base in DESTROYERS:
        findings.add(Kind.DANGER, DESTROYERS[base], span)
    match name:
        case "rm":
            _removal(words, span, findings)
        case "chmod":
            _modes(words, findings)
        case "eval":
            findings.add(Kind.DANGER, "eval runs a text as commands.", span)
        case "kill" if any(word.text == "-1" for word in words[1:]):
            findings.add(Kind.DANGER, "Ends every program that it may.", span)
        case "mv" if words and words[-1].text == "/dev/null":
            findings.add(Kind.DANGER, _NULL_MOVES, span)
        case "find" if any(word.text == "-delete" for word in words):
            findings.add(Kind.DANGER, "Deletes everything that it finds.", span)
        case "history" if any(word.text == "-c" for word in words):
            findings.add(Kind.DANGER, "Deletes the record of earlier commands.", span)
        case "npm" | "cargo" | "twine" | "poetry" | "gem" if any(
            word.text in ("publish", "upload", "push") for word in words
        ):
            findings.add(Kind.DANGER, "Publishes something for everybody.", span)
        case _:
            pass


def in_reading(reading: Reading, findings: Findings) -> None:
    """Note what is dangerous about how commands are put together."""
    pipes: dict[int, list[Simple]] = {}
    for command in reading.commands:
        if command.pipe >= 0:
            pipes.setdefault(command.pipe, []).append(command)
    for parts in pipes.values():
        _piped(sorted(parts, key=lambda command: command.place), findings)
    for definition in reading.definitions:
        inside = [c for c in reading.commands if definition.start < c.start < definition.end]
        if any(command.words[0].text == definition.name for command in inside):
            sentence = f"{definition.name} starts itself, without an end that can be seen."
            findings.add(Kind.DANGER, sentence, (definition.start, definition.end))


def _piped(parts: list[Simple], findings: Findings) -> None:
    families = [family(command.words[0].text or "") for command in parts]
    for place, name in enumerate(families):
        if place == 0 or name not in SHELLS | INTERPRETERS | {"sudo", "xargs"}:
            continue
        span = parts[0].start, parts[place].end
        if set(families[:place]) & DOWNLOADERS:
            findings.add(Kind.DANGER, "Runs or uses unseen what it fetches from the network.", span)
        elif name in SHELLS:
            findings.add(Kind.DANGER, "Runs whatever is piped into a shell.", span)


def _removal(words: list[Word], span: tuple[int, int], findings: Findings) -> None:
    given = arguments_of(words)
    if given.has("", "--no-preserve-root"):
        findings.add(Kind.DANGER, "May delete the root of the file system.", span)
    if not given.has("rR", "--recursive") and not given.has("f", "--force"):
        return
    for word in given.operands:
        if word.text is None and "$" in word.raw:
            sentence = f"Deletes what {word.raw} names; an empty variable makes that another place."
            findings.add(Kind.DANGER, sentence, (word.start, word.end))
        elif _BROAD.fullmatch(word.raw) or (word.text is not None and _BROAD.fullmatch(word.text)):
            sentence = f"Deletes everything that {word.raw} covers."
            findings.add(Kind.DANGER, sentence, (word.start, word.end))


def _modes(words: list[Word], findings: Findings) -> None:
    for word in words:
        text = word.text or ""
        if _SPECIAL_BITS.fullmatch(text):
            sentence = "Gives a program the rights of its owner."
            findings.add(Kind.PRIVILEGE, sentence, (word.start, word.end))
        if _WORLD.fullmatch(text):
            sentence = "Lets everybody on the machine write."
            findings.add(Kind.DANGER, sentence, (word.start, word.end))
