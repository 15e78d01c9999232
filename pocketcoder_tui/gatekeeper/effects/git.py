"""What git does, by its subcommand."""

from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind
from pocketcoder_tui.gatekeeper.effects.places import Places
from pocketcoder_tui.gatekeeper.effects.tables import (
    GIT_DESTROYS,
    GIT_FORCES,
    GIT_LOOKS,
    GIT_RECORDS,
    GIT_SETTINGS,
    GIT_TREE,
)
from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["git_words", "note_git"]

_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"})
_RUNS = ("-c", "--exec-path", "--config-env", "--git-dir", "--work-tree", "-p", "--paginate")
_OPTION_RUNS = (
    "--output", "-O", "--open-files-in-pager", "--ext-diff", "--textconv", "--exec", "-x",
    "--upload-pack", "--receive-pack", "--tool", "-G",
)  # fmt: skip
_REMOVED = {"rm": "git removes {path}.", "mv": "Moves {path}."}


def git_words(words: list[Word]) -> tuple[str, list[str]]:
    """The subcommand and what stands behind it; an empty one when it cannot be told."""
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word.text is None:
            return "", []
        elif word.text.startswith("-"):
            skip = word.text in _VALUED
        else:
            return word.text, [after.text or after.raw for after in words[index + 1 :]]
    return "", []


def note_git(words: list[Word], places: Places) -> None:
    """Note what git does; ``words`` are its arguments."""
    findings = places.findings
    verb, rest = git_words(words)
    span = (words[0].start, words[-1].end) if words else (0, 0)
    _note_options(words, findings)
    _note_dangers(verb, rest, span, findings)
    if verb in GIT_SETTINGS and not _only_shows(verb, rest):
        sentence = f"git {verb} changes git's settings, which git on your machine follows."
        findings.add(Kind.GUARDED, sentence, span, "/workspace/.git/config")
    if verb in GIT_TREE:
        findings.add(Kind.UNKNOWN, f"git {verb} writes or deletes files by itself.", span)
    if verb in _REMOVED:
        for word in words[1:]:
            if word.text and not word.text.startswith("-") and word.text != verb:
                places.deleted(word, _REMOVED[verb])
    if verb == "commit":
        findings.add(Kind.CODE, "git commit runs the hooks of the repository.", span)
    elif verb not in GIT_LOOKS | GIT_RECORDS | GIT_TREE | GIT_SETTINGS | {"push", "fetch", ""}:
        findings.add(Kind.UNKNOWN, f"git {verb} is not known here; it may be an alias.", span)
    elif not verb and words:
        findings.add(Kind.UNKNOWN, "What git is told to do cannot be read.", span)


def _note_options(words: list[Word], findings: Findings) -> None:
    for word in words:
        text = word.text
        if text is None:
            findings.add(Kind.UNKNOWN, f"{word.raw} may be any option of git.", _at(word))
        elif text.startswith("-") and (
            text.partition("=")[0] in _RUNS + _OPTION_RUNS or text.startswith("-O")
        ):
            sentence = f"With {text} git can run programs or write files."
            findings.add(Kind.UNKNOWN, sentence, _at(word))


def _note_dangers(verb: str, rest: list[str], span: tuple[int, int], findings: Findings) -> None:
    for (dangerous, mark), sentence in GIT_DESTROYS.items():
        if verb == dangerous and (not mark or mark in rest):
            findings.add(Kind.DANGER, f"{sentence}", span)
    forced = any(word in GIT_FORCES or word.startswith("--force-with-lease=") for word in rest)
    if verb == "push" and (forced or any(word.startswith("+") for word in rest)):
        findings.add(Kind.DANGER, "Replaces what is on the other side, for everybody.", span)


def _only_shows(verb: str, rest: list[str]) -> bool:
    match verb:
        case "config":
            return any(word in ("--list", "-l") or word.startswith("--get") for word in rest)
        case "remote" | "submodule" | "worktree":
            return not rest or rest[0] in ("-v", "--verbose", "show", "status", "list")
        case _:
            return False


def _at(word: Word) -> tuple[int, int]:
    return word.start, word.end
