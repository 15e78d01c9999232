"""What a program does to files: written, deleted, read, by its name and options."""

import re
from collections.abc import Callable

from pocketcoder_tui.gatekeeper.effects.model import Kind
from pocketcoder_tui.gatekeeper.effects.options import Arguments, arguments_of
from pocketcoder_tui.gatekeeper.effects.places import Places, looks_like_path
from pocketcoder_tui.gatekeeper.effects.tables import (
    ALL_WRITTEN,
    LOOKS,
    LOOKS_MOSTLY,
    MODES,
    PACKERS,
    PATTERN_FIRST,
)
from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["KNOWN", "note_files"]

_UNNAMED = "Writes files that its text does not name."
_HIDDEN_OPTION = "What this is given is known only when it runs, and it has options that write."
_TEST = "The test may become another one, which can run commands hidden in variables."
_RUNS_FOUND = "Runs a program on what it finds."
_SED = re.compile(
    r"(?:\d+|\$|/[^/]*/)?(?:,(?:\d+|\$|/[^/]*/))?(?:[pdqDP=]|s([/|#,])(?:(?!\1).)*\1(?:(?!\1).)*\1[gIip0-9]*)"
)
"""A script of sed that prints, deletes or replaces, and neither writes nor runs anything."""


def note_files(name: str, words: list[Word], places: Places) -> None:
    """Note what a program does to files; ``words`` are its arguments."""
    note = _SPECIAL.get(name)
    if note is not None:
        note(words, places)
    elif name in ALL_WRITTEN:
        for word in arguments_of(words, ALL_WRITTEN[name]).operands:
            places.written(word)
    elif name in MODES:
        _modes(name, words, places)
    elif name in PACKERS:
        _packs(words, places)
    if name in _NOT_READ:
        return
    skipped = 1 if name in PATTERN_FIRST else 0
    for word in arguments_of(words).operands[skipped:]:
        if looks_like_path(word) or name in LOOKS:
            places.read(word)


def _removes(words: list[Word], places: Places) -> None:
    given = arguments_of(words)
    deep = given.has("rR", "--recursive")
    how = "Deletes {path}, with everything in it." if deep else "Deletes {path}."
    for word in given.operands:
        places.deleted(word, how)


def _copies(words: list[Word], places: Places, *, moves: bool = False, links: bool = False) -> None:
    given = arguments_of(words, "tSgmo", "--target-directory")
    folder = given.values.get("t") or given.values.get("--target-directory")
    sources = given.operands if folder or len(given.operands) < 2 else given.operands[:-1]
    target = folder or (given.operands[-1] if len(given.operands) > 1 else None)
    for source in sources:
        if moves:
            places.deleted(source, "Moves {path} away.")
        elif links:
            places.touched(source)
    if target is None:
        return
    into = len(sources) > 1 or (target.text or "").endswith(("/", ".")) or folder is not None
    places.written(target, "Writes into {path}." if into else "Writes {path}.")
    for source in sources:
        places.written_as(target, source)
    if not given.literal:
        places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, _over(words))
    if not moves and given.has("raR", "--recursive", "--archive"):
        places.findings.add(Kind.UNKNOWN, _UNNAMED, _over(words))


def _moves(words: list[Word], places: Places) -> None:
    _copies(words, places, moves=True)


def _links(words: list[Word], places: Places) -> None:
    _copies(words, places, links=True)


def _dd(words: list[Word], places: Places) -> None:
    for word in words:
        name, _, value = (word.text or word.raw).partition("=")
        if word.text is None and name not in ("if", "of", "bs", "count", "seek", "skip"):
            places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, (word.start, word.end))
        part = Word(value, word.end - len(value), word.end, None if word.text is None else value)
        if name == "of":
            places.written(part)
        elif name == "if":
            places.read(part)


def _sed(words: list[Word], places: Places) -> None:
    given = arguments_of(words, "efl", "--expression", "--file")
    in_place = given.has("i", "--in-place")
    scripts = [given.values[key] for key in ("e", "--expression") if key in given.values]
    files = given.operands
    if not scripts and "f" not in given.values:
        scripts, files = files[:1], files[1:]
    for script in scripts:
        parts = (script.text or "w").split(";")
        if not all(_SED.fullmatch(part.strip()) for part in parts):
            sentence = "The script of sed may write files or run programs."
            places.findings.add(Kind.UNKNOWN, sentence, (script.start, script.end))
    if "f" in given.values or "--file" in given.values or not given.literal:
        places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, _over(words))
    for word in files if in_place else ():
        places.written(word, "Changes {path} in place.")


def _find(words: list[Word], places: Places) -> None:
    for word in words:
        match word.text:
            case "-delete":
                sentence = "Deletes whatever it finds."
                span = (word.start, word.end)
                places.findings.add(Kind.DELETES, sentence, span, certain=False)
            case "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch":
                places.findings.add(Kind.UNKNOWN, _RUNS_FOUND, (word.start, word.end))
            case "-fprint" | "-fprint0" | "-fprintf" | "-fls" | "-files0-from" | None:
                places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, (word.start, word.end))
            case _:
                pass


def _output(words: list[Word], places: Places) -> None:
    """Programs with ``-o FILE``: sort, shuf, tree; other options of theirs can run programs."""
    given = arguments_of(words, "oTktSn", "--output", "--compress-program", "--pre")
    for option in ("o", "--output"):
        if option in given.values:
            places.written(given.values[option])
    odd = given.values.keys() & {"--compress-program", "--pre"}
    if odd or not given.literal or given.has("", "--hostname-bin", "--files0-from", "--pager"):
        places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, _over(words))


def _curl(words: list[Word], places: Places) -> None:
    given = arguments_of(words, "oPHdXuAeTbcFKmxrw", "--output")
    _fetched(given, ("o", "--output"), places)
    if given.has("OJ", "--remote-name", "--remote-name-all"):
        sentence = "Writes a file that is named by the address."
        places.findings.add(Kind.WRITES, sentence, _over(words), certain=False)


def _wget(words: list[Word], places: Places) -> None:
    given = arguments_of(words, "OoPaUtTeB", "--output-document", "--directory-prefix")
    _fetched(given, ("O", "o", "a", "P", "--output-document", "--directory-prefix"), places)
    if "O" not in given.values and "--output-document" not in given.values:
        sentence = "Writes a file that is named by the address."
        places.findings.add(Kind.WRITES, sentence, _over(words), certain=False)


def _fetched(given: Arguments, options: tuple[str, ...], places: Places) -> None:
    for option in options:
        if option in given.values and given.values[option].text != "-":
            places.written(given.values[option])


def _fills(words: list[Word], places: Places) -> None:
    """``printf`` sets a variable instead of printing when its first word says so."""
    if words and (words[0].text is None or words[0].text.startswith("-v")):
        places.findings.add(Kind.UNKNOWN, "May set a variable of the shell.", _over(words))


def _makes(words: list[Word], places: Places) -> None:
    """``mktemp`` makes a file in the folder that it is told, else in /tmp."""
    for word in words:
        if word.text not in ("-d", "-q", "-u", "-t"):
            places.findings.add(Kind.UNKNOWN, _UNNAMED, (word.start, word.end))


def _tests(words: list[Word], places: Places) -> None:
    """A test whose words are put in by the shell may become another one, ``-v`` for example."""
    open_words = [word for word in words if word.text is None]
    bare = any(not word.raw.startswith('"') for word in open_words)
    if bare or (len(words) == 2 and words[0].text is None):
        places.findings.add(Kind.UNKNOWN, _TEST, _over(words))


def _second(words: list[Word], places: Places) -> None:
    """Programs whose second argument is written: uniq, xxd."""
    given = arguments_of(words, "fswcglos")
    for word in given.operands[1:]:
        places.written(word)
    if not given.literal:
        places.findings.add(Kind.UNKNOWN, _HIDDEN_OPTION, _over(words))


def _sets(words: list[Word], places: Places) -> None:
    """Programs that look until they are given an option that sets something."""
    given = arguments_of(words)
    if not given.literal or given.has("sCi", "--set", "--compile", "--in-place", "--inplace"):
        places.findings.add(Kind.UNKNOWN, "Changes what it usually only shows.", _over(words))


def _modes(name: str, words: list[Word], places: Places) -> None:
    given = arguments_of(words, "", "--reference")
    skipped = 0 if "--reference" in given.values else 1
    for word in given.operands[skipped:]:
        places.written(word, f"Changes the {MODES[name]} of {{path}}.")
    if given.has("R", "--recursive"):
        places.findings.add(Kind.UNKNOWN, "Changes everything below as well.", _over(words))


def _packs(words: list[Word], places: Places) -> None:
    places.findings.add(Kind.UNKNOWN, _UNNAMED, _over(words))
    for word in words:
        places.read(word)


def _over(words: list[Word]) -> tuple[int, int]:
    return (words[0].start, words[-1].end) if words else (0, 0)


_SPECIAL: dict[str, Callable[[list[Word], Places], None]] = {
    **dict.fromkeys(("rm", "rmdir", "unlink", "shred"), _removes),
    **dict.fromkeys(("cp", "install"), _copies),
    "mv": _moves,
    **dict.fromkeys(("ln", "link", "symlink"), _links),
    "dd": _dd,
    "sed": _sed,
    **dict.fromkeys(("find", "fd"), _find),
    **dict.fromkeys(("sort", "shuf", "tree", "rg", "bat"), _output),
    **dict.fromkeys(("uniq", "xxd"), _second),
    "curl": _curl,
    "wget": _wget,
    "printf": _fills,
    "test": _tests,
    "mktemp": _makes,
    **dict.fromkeys(("date", "file", "yq", "hexdump"), _sets),
}

_NOT_READ = frozenset({"rm", "rmdir", "unlink", "shred", *ALL_WRITTEN, *MODES})

KNOWN = frozenset({*_SPECIAL, *ALL_WRITTEN, *MODES, *PACKERS, *LOOKS, *LOOKS_MOSTLY})
"""Programs of which all is told that they do to files, ``Kind.UNKNOWN`` included."""

__all__ += ["Arguments"]
