"""Secrets of the host's, taken out of text before it is shown, stored or sent. Pure."""

import re
from collections.abc import Iterable

MASK = "[secret]"
"""What stands in a secret's place."""

SHORTEST = 8
"""Characters of the shortest secret; a shorter one would mask ordinary words."""


class Masker:
    """Knows some secrets. One that holds none changes nothing."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Know more secrets from now on; those that are too short are left alone."""
        known = {*self._secrets, *(s for s in secrets if len(s) >= SHORTEST)}
        self._secrets = sorted(known, key=len, reverse=True)
        words = "|".join(map(re.escape, self._secrets))
        self._pattern = re.compile(words) if words else None

    def clean(self, text: str) -> str:
        """Return a whole text without the secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def split(self, text: str) -> tuple[str, str]:
        """Divide a text into what can be cleaned now and an end that may begin a secret."""
        held = max((_overlap(text, secret) for secret in self._secrets), default=0)
        return (text[: len(text) - held], text[len(text) - held :]) if held else (text, "")


class MaskedStream:
    """Text in pieces, cleaned; a secret that is cut in two between pieces is found."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece and return what can be shown of all so far."""
        ready, self._held = self._masker.split(self._masker.clean(self._held + text))
        return ready

    def finish(self) -> str:
        """Return what was held back; the text is over."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, secret: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``secret``."""
    longest = min(len(secret) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(secret[:n])), 0)
