"""Paths in a command: where each leads, and what it means that something is written there."""

from dataclasses import dataclass

from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind
from pocketcoder_tui.gatekeeper.effects.tables import QUIET
from pocketcoder_tui.gatekeeper.paths import HOME, absolute, guarded, in_workspace, is_secret
from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["Places", "looks_like_path"]

_PATTERN_MARKS = frozenset("*?[]{}$`~")


@dataclass(frozen=True, slots=True)
class Places:
    """Notes what happens to the paths of one command."""

    findings: Findings
    cwd: str | None
    """Where the command runs; None when that is known only when it runs."""

    def written(self, word: Word, how: str = "Writes {path}.") -> None:
        """A file is written, or made."""
        path = self._path(word)
        if path is None:
            self._unknown(Kind.WRITES, word, "Writes")
        elif path.startswith(("/dev/tcp/", "/dev/udp/")):
            host = path.split("/")[3]
            self.findings.add(Kind.NETWORK, f"Speaks to {host} over the network.", _at(word), host)
        elif path.startswith("/dev/"):
            if path not in QUIET and not path.startswith("/dev/fd/"):
                self.findings.add(Kind.DANGER, f"Writes to the device {path}.", _at(word), path)
        else:
            self._note(Kind.WRITES, word, path, how)
            self._touched(word, path)

    def written_as(self, folder: Word, source: Word) -> None:
        """A file may land in a folder under its own name."""
        name = (source.text or source.raw).rstrip("/").rpartition("/")[2]
        path = f"{(folder.text or folder.raw).rstrip('/')}/{name}"
        if why := guarded(path):
            self.findings.add(Kind.GUARDED, f"May write {path}: {why}.", _at(folder), path)

    def deleted(self, word: Word, how: str = "Deletes {path}.") -> None:
        """A file or folder is deleted, or moved away."""
        path = self._path(word)
        if path is None:
            self._unknown(Kind.DELETES, word, "Deletes")
        else:
            self._note(Kind.DELETES, word, path, how)
            self._touched(word, path)

    def read(self, word: Word) -> None:
        """A path is named and perhaps read."""
        path = self._path(word)
        name = path if path is not None else word.raw
        if is_secret(name):
            sentence = f"Reads {name}, which often holds keys; what is read goes to the model."
            self.findings.add(Kind.SECRET, sentence, _at(word), name)
        if path is not None:
            self._outside(word, path)

    def touched(self, word: Word) -> None:
        """Something is changed that the path names; how is said elsewhere."""
        path = self._path(word)
        if path is None:
            self._unknown(Kind.WRITES, word, "Changes")
        else:
            self._touched(word, path)

    def _touched(self, word: Word, path: str) -> None:
        if why := guarded(path):
            self.findings.add(Kind.GUARDED, f"Changes {path}: {why}.", _at(word), path)
        if path == HOME or path.startswith(f"{HOME}/"):
            sentence = f"Changes {path}, from which programs of the box take their settings."
            self.findings.add(Kind.SHELL, sentence, _at(word), path)
        self._outside(word, path)

    def _outside(self, word: Word, path: str) -> None:
        quiet = path in QUIET or path.startswith("/dev/fd/")
        if path.startswith("/") and not in_workspace(path) and not quiet:
            sentence = f"Leaves the workspace, within the box: {path}"
            self.findings.add(Kind.OUTSIDE, sentence, _at(word), path)

    def _unknown(self, kind: Kind, word: Word, does: str) -> None:
        sentence = f"{does} what {word.raw} stands for, which is known only when it runs."
        self.findings.add(kind, sentence, _at(word), certain=False)
        if why := guarded(word.raw.replace('"', "").replace("'", "")):
            self.findings.add(Kind.GUARDED, f"May change {word.raw}: {why}.", _at(word), word.raw)

    def _note(self, kind: Kind, word: Word, path: str, how: str) -> None:
        shown = path.removeprefix("/workspace/") if in_workspace(path) else path
        certain = path.startswith("/")
        self.findings.add(kind, how.replace("{path}", shown), _at(word), path, certain=certain)

    def _path(self, word: Word) -> str | None:
        """Where a word leads; a relative path while the directory is unknown, None if it varies."""
        text = word.text
        if word.text == "{}":
            return None
        if text is None:
            rest = word.raw[1:]
            if not word.raw.startswith("~") or rest[:1] not in ("", "/") or _varies(rest):
                return None
            text = HOME + rest
        if self.cwd is None and not text.startswith("/"):
            return text
        return absolute(text, self.cwd or "/")


def looks_like_path(word: Word) -> bool:
    """Whether an argument names a place outside of the directory by its form alone."""
    text = word.text if word.text is not None else word.raw
    return text.startswith(("/", "~", "../")) or text in ("..", ".env") or is_secret(text)


def _varies(text: str) -> bool:
    return bool(_PATTERN_MARKS & set(text)) or "'" in text or '"' in text or "\\" in text


def _at(word: Word) -> tuple[int, int]:
    return word.start, word.end
