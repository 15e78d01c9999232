"""Which of the host's package sources a Debian base may be bootstrapped from (pure).

Only the distribution's own: a machine also has sources of other projects, and nothing of those
belongs in the box. Formats: sources.list(5), one-line and deb822.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Source", "distribution_sources", "read_sources"]

_COMPONENTS = ("main", "universe")
"""Debian's free part; Ubuntu keeps some of the box's tools in the second one."""

_POCKETS = ("", "-updates", "-security")

_KEYRINGS = ("debian-archive-", "ubuntu-archive-")
"""How the distributions' own keyring files are named."""

_ARCHIVES = ("debian", "debian-security", "ubuntu", "ubuntu-ports")
"""The last folder of the address of a distribution's own archive or of a mirror of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One archive, one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    @property
    def line(self) -> str:
        """As sources.list(5) writes it."""
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {self.suite} {' '.join(self.components)}"


def distribution_sources(sources: list[Source], codename: str) -> list[Source]:
    """Keep the distribution's own archives for a release, each once; empty when none is there."""
    suites = [codename + pocket for pocket in _POCKETS]
    kept: dict[Source, None] = {}
    for source in sources:
        components = tuple(c for c in source.components if c in _COMPONENTS)
        if source.suite in suites and "main" in components and _is_distribution(source):
            kept[Source(source.uri, source.suite, components, source.signed_by)] = None
    whole = any(source.suite == codename for source in kept)
    return list(kept) if whole else []


def read_sources(apt: Path) -> list[Source]:
    """Read a folder such as /etc/apt. Files that cannot be read are left out."""
    found: list[Source] = []
    lists = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    for path in lists:
        found += _one_line(_text(path))
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        found += _deb822(_text(path))
    return found


def _is_distribution(source: Source) -> bool:
    if source.signed_by:
        return Path(source.signed_by).name.startswith(_KEYRINGS)
    return source.uri.rstrip("/").rsplit("/", 1)[-1] in _ARCHIVES


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) < 4 or words[0] != "deb":
            continue
        signed = ""
        if words[1].startswith("["):
            end = next((i for i, word in enumerate(words) if word.endswith("]")), 0)
            options = " ".join(words[1 : end + 1]).strip("[]").split()
            signed = next((o[10:] for o in options if o.startswith("signed-by=")), "")
            del words[1 : end + 1]
        if len(words) >= 4:
            yield Source(words[1], words[2], tuple(words[3:]), signed)


def _deb822(text: str) -> Iterator[Source]:
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split():
            continue
        if stanza.get("enabled", "yes").lower() in ("no", "false", "0", "off"):
            continue
        components = tuple(stanza.get("components", "").split())
        signed = stanza.get("signed-by", "")
        for uri in stanza.get("uris", "").split():
            for suite in stanza.get("suites", "").split():
                yield Source(uri, suite, components, signed)


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    stanza: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, key = {}, ""
        elif line[0].isspace() and key:
            stanza[key] = f"{stanza[key]} {line.strip()}".strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            key = name.strip().lower()
            stanza[key] = value.strip()
