"""What went wrong with the service, as an error that a person can read; pure.

Refusals come as google.rpc.Status with details (google/rpc/error_details.proto). No sentence made
here contains the key.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pocketcoder_tui.core.errors import (
    KeyRefused,
    ModelError,
    ModelUnknown,
    QuotaSpent,
    RequestRefused,
    ServiceDown,
)

__all__ = ["bad_address", "cleaned", "mappings", "one_line", "refusal", "without_key"]

LONGEST_SENTENCE = 300
"""Characters of the service's own words that are kept."""

_DELAY = re.compile(r"(\d+(?:\.\d+)?)s\b")
_RETRY_IN = re.compile(r"retry in (\d+(?:\.\d+)?)s\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def refusal(
    status: int, body: object, *, model: str = "", retry_header: str | None = None
) -> ModelError:
    """Turn an HTTP status and the decoded body of an error into a ModelError.

    ``retry_header`` is the Retry-After header, used when the body names no delay.
    """
    said = _Said(body)
    if said.key_is_bad or status in {401, 403}:
        return KeyRefused(_sentence("The service did not accept the key", said.message))
    if status == 429:
        return _quota(said, retry_header)
    if status == 404:
        named = f"The service does not know the model {one_line(model)}"
        return ModelUnknown(_sentence(named, said.message))
    if status >= 500 or status == 408:
        down = ServiceDown(_sentence(f"The service failed ({status})", said.message))
        down.retry_after = said.retry_after or _header_delay(retry_header)
        return down
    return RequestRefused(_sentence(f"The service refused the request ({status})", said.message))


def bad_address(setting: str = "POCKETCODER_GEMINI_BASE_URL") -> ModelError:
    """The error for a base URL that no request can go to; ``setting`` names where it stands."""
    return RequestRefused(
        "The address of the model's service is not usable.",
        hint=f"Correct the service's address in the settings ({setting}).",
    )


def one_line(text: str) -> str:
    """Fold untrusted text into one line of bounded length, without control characters."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= LONGEST_SENTENCE else line[: LONGEST_SENTENCE - 1] + "…"


def without_key(text: str, key: str) -> str:
    """Take the key out of a text, wherever somebody repeated it."""
    return text.replace(key, "(key)") if key else text


def cleaned(error: ModelError, key: str) -> ModelError:
    """The same error without the key in its sentence."""
    clean = type(error)(without_key(error.sentence, key), hint=error.hint)
    clean.retry_after, clean.transient = error.retry_after, error.transient
    return clean


def _quota(said: "_Said", retry_header: str | None) -> QuotaSpent:
    """A limit for each minute waits; a limit for each day is final."""
    if said.spent_for_today:
        spent = QuotaSpent(
            _sentence("The daily limit of this key is used up", said.message),
            hint="Wait until tomorrow, choose another model, or enter another key.",
        )
        spent.transient = False
    elif said.spent_for_good:
        spent = QuotaSpent(
            _sentence("The account of this key has no credit left", said.message),
            hint="Add credit at the service, choose another model, or enter another key.",
        )
        spent.transient = False
    else:
        spent = QuotaSpent(_sentence("The limit of this key is reached for now", said.message))
    spent.retry_after = said.retry_after or _header_delay(retry_header)
    return spent


class _Said:
    """What an error body says; any shape may come, HTML and lists of one included."""

    def __init__(self, body: object) -> None:
        if isinstance(body, list) and body:
            body = body[0]
        outer = body if isinstance(body, Mapping) else {}
        inner = outer.get("error")
        self._error: Mapping[str, Any] = inner if isinstance(inner, Mapping) else outer
        if isinstance(inner, str):
            self._error = {"message": inner}

    @property
    def message(self) -> str:
        """The service's own words; empty for a web page, which says nothing in one line."""
        words = self._error.get("message")
        if not isinstance(words, str) or words.lstrip().startswith("<"):
            return ""
        return one_line(words)

    @property
    def key_is_bad(self) -> bool:
        """True for the 400 that is about the key."""
        if self._error.get("status") == "UNAUTHENTICATED":
            return True
        return any(d.get("reason") in {"API_KEY_INVALID", "API_KEY_EXPIRED"} for d in self._all())

    @property
    def retry_after(self) -> float | None:
        """Seconds from RetryInfo, or from the message."""
        for detail in self._all():
            delay = detail.get("retryDelay")
            if isinstance(delay, str) and (match := _DELAY.fullmatch(delay)):
                return float(match[1])
        found = _RETRY_IN.search(self.message)
        return float(found[1]) if found else None

    @property
    def spent_for_today(self) -> bool:
        """True when a quota that counts by day is among the violations."""
        for detail in self._all():
            violations = detail.get("violations")
            names = [v.get("quotaId") for v in mappings(violations)]
            metadata = detail.get("metadata")
            if isinstance(metadata, Mapping):
                names.append(metadata.get("quota_limit"))
            if any("PerDay" in name for name in names if isinstance(name, str)):
                return True
        return False

    @property
    def spent_for_good(self) -> bool:
        """True when waiting does not help (OpenAI's insufficient_quota)."""
        return "insufficient_quota" in (self._error.get("code"), self._error.get("type"))

    def _all(self) -> Iterator[Mapping[str, Any]]:
        return mappings(self._error.get("details"))


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in what should be a list of objects."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _header_delay(header: str | None) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); the date form is not used by this service."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None


def _sentence(ours: str, theirs: str) -> str:
    return f"{ours}: {theirs}" if theirs else f"{ours}."
