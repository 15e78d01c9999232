"""Secrets of the host's, taken out of text before it is shown, stored or sent. Pure."""

import base64
import codecs
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

MASK = "[secret]"
"""What stands in a secret's place."""

SHORTEST = 8
"""Characters of the shortest secret; a shorter one would mask ordinary words."""

_TOKEN = 16
"""Characters of the shortest token that stands where a name does."""

_CONTROL = r"\x1b\[[0-?]*[ -/]*[@-~]"
"""A terminal's control sequence (ECMA-48, 5.4): colours and the like, which take no room."""
_UNSEEN = re.compile(_CONTROL + r"|\x1b(?:\[[0-?]*[ -/]*)?\Z")
"""One, or the beginning of one at a text's end."""
_ROOM = 1_024
"""Characters of control sequences within a secret that still arrives."""


class Masker:
    """Knows some secrets. One that holds none changes nothing."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        self._coloured: re.Pattern[str] | None = None
        """Finds them with control sequences between their characters."""
        self._folded: re.Pattern[str] | None = None
        """Finds them also where a row ends within one."""
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Know more secrets from now on; those that are too short are left alone."""
        known = {*self._secrets, *(s for s in secrets if len(s) >= SHORTEST)}
        self._secrets = sorted(known, key=len, reverse=True)
        self._pattern = self._with("")
        self._coloured = self._with(f"(?:{_CONTROL})*")
        self._folded = self._with(rf"(?:{_CONTROL}|\n)*")

    def clean(self, text: str) -> str:
        """Return a whole text without the secrets, those that it colours in part included."""
        if self._pattern is None or self._coloured is None:
            return text
        text = self._pattern.sub(MASK, text)
        return self._coloured.sub(_masked, text) if "\x1b" in text else text

    def clean_rows(self, rows: Sequence[str]) -> list[str]:
        """Return the rows of a screen, as many, without secrets that go on in the next one."""
        text = "\n".join(rows)
        return (text if self._folded is None else self._folded.sub(_masked, text)).split("\n")

    def split(self, text: str) -> tuple[str, str]:
        """Divide a text into what can be cleaned now and an end that may begin a secret."""
        if not self._secrets:
            return text, ""
        begin = max(0, len(text) - len(self._secrets[0]) - _ROOM)
        end = text[begin:]
        places = _seen(end) if "\x1b" in end else range(len(end))
        seen = "".join(end[at] for at in places) if "\x1b" in end else end
        held = max(_overlap(seen, secret) for secret in self._secrets)
        at = begin + places[len(seen) - held] if held else len(text)
        return text[:at], text[at:]

    def _with(self, between: str) -> "re.Pattern[str] | None":
        words = (between.join(map(re.escape, secret)) for secret in self._secrets)
        return re.compile("|".join(words)) if self._secrets else None


def secrets_in(address: str) -> list[str]:
    """What an address (RFC 3986) says to let somebody in, and how it is sent (RFC 7617).

    A name that stands alone is one when it looks like a token and not like a name.
    """
    try:
        split = urlsplit(address)
        name, word = split.username or "", split.password or ""
    except ValueError:
        return []
    if not word:
        token = len(name) >= _TOKEN and any(map(str.isdigit, name))
        return [name, unquote(name)] if token else []
    pair = f"{unquote(name)}:{unquote(word)}".encode("utf-8", "surrogateescape")
    return [word, unquote(word), base64.b64encode(pair).decode("ascii")]


class MaskedStream:
    """Text in pieces, cleaned; a secret that is cut in two between pieces is found."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, text: str) -> str:
        """Take the next piece and return what can be shown of all so far."""
        ready, self._held = self._masker.split(self._masker.clean(self._held + text))
        return ready

    def feed_bytes(self, data: bytes) -> str:
        """The same for UTF-8, in which a character may be cut too."""
        return self.feed(self._decoder.decode(data))

    def finish(self) -> str:
        """Return what was held back; the text is over."""
        held, self._held = self._held, ""
        return held


def _masked(found: re.Match[str]) -> str:
    """The mask, and behind it what stood within the secret, so that a colour ends and a row too."""
    return MASK + "".join(re.findall(rf"{_CONTROL}|\n", found[0]))


def _seen(text: str) -> list[int]:
    """The places of the characters that are shown."""
    places: list[int] = []
    at = 0
    for unseen in _UNSEEN.finditer(text):
        places += range(at, unseen.start())
        at = unseen.end()
    places += range(at, len(text))
    return places


def _overlap(text: str, secret: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``secret``."""
    longest = min(len(secret) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(secret[:n])), 0)
