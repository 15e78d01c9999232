"""Which hosts a command reaches for; the box has no network of its own."""

import re
from collections.abc import Iterator

from pocketcoder_tui.gatekeeper.effects.git import git_words
from pocketcoder_tui.gatekeeper.effects.model import Findings, Kind
from pocketcoder_tui.gatekeeper.effects.options import arguments_of
from pocketcoder_tui.gatekeeper.effects.tables import (
    DOWNLOADERS,
    GIT_NETWORK,
    HOST_FIRST,
    REGISTRY,
)
from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["hosts_in", "note_network"]

_URL = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@\s\"']*@)?(\[[0-9a-fA-F:.]+\]|[^/:\s?#\"'\\]+)"
)
_SCP = re.compile(
    r"(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9._-]+\.[A-Za-z0-9._-]+|[A-Za-z0-9_-]+):(?!//).*"
)
_HOST = re.compile(r"(?:[^@\s]+@)?([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::\d+)?(?:/.*)?")
_REMOTE_COPY = frozenset({"scp", "rsync", "sftp", "git"})


def note_network(name: str, words: list[Word], findings: Findings) -> None:
    """Note what a program reaches; ``words`` are its arguments."""
    found = False
    for word in words:
        for host in hosts_in(word, copies=name in _REMOTE_COPY):
            findings.add(Kind.NETWORK, f"Reaches for {host}.", (word.start, word.end), host)
            found = True
    if not found:
        _note_unnamed(name, words, findings)


def hosts_in(word: Word, *, copies: bool = False) -> Iterator[str]:
    """The hosts of the addresses in a word, and with ``copies`` of ``host:path`` as well."""
    text = word.text if word.text is not None else word.raw
    for address in _URL.finditer(text):
        if not address.group().startswith("file:"):
            yield address[1].lower()
    if copies and "://" not in text and (place := _SCP.fullmatch(text)) and text[0] != "/":
        yield place[1].lower()


def _note_unnamed(name: str, words: list[Word], findings: Findings) -> None:
    """Programs that use the network without an address in the usual form."""
    span = (words[0].start, words[-1].end) if words else (0, 0)
    if name == "git":
        verb, rest = git_words(words)
        if verb in GIT_NETWORK or (verb in ("remote", "submodule") and "update" in rest):
            findings.add(Kind.NETWORK, f"git {verb} reaches for the remote repository.", span)
    elif name in DOWNLOADERS or name in HOST_FIRST:
        findings.add(Kind.NETWORK, *_first_host(name, words))
    elif name in REGISTRY and (verb := next(_plain(words), "")) in REGISTRY[name]:
        findings.add(Kind.NETWORK, f"{name} {verb} may fetch or send over the network.", span)


def _first_host(name: str, words: list[Word]) -> tuple[str, tuple[int, int], str]:
    """The first argument that could be a host, for programs that are given one."""
    operands = arguments_of(words, "bcDEeFIiJLlmOopQRSWwXxHdAuTK").operands
    for word in operands:
        host = _HOST.fullmatch(word.text or "")
        if host is not None:
            return f"Reaches for {host[1].lower()}.", (word.start, word.end), host[1].lower()
    span = (words[0].start, words[-1].end) if words else (0, 0)
    return f"{name} uses the network; which host is known only when it runs.", span, ""


def _plain(words: list[Word]) -> Iterator[str]:
    return (word.text for word in words if word.text and not word.text.startswith("-"))
