"""How a Gemini reply ends: finish reasons and blocked prompts, in the words of the house."""

from collections.abc import Mapping
from typing import Any

from pocketcoder_tui.core.model import Finish

__all__ = ["blocked", "finish"]

_FINISHES = {
    "STOP": Finish.DONE,
    "MAX_TOKENS": Finish.LIMIT,
    "CONTINUATION": Finish.CUT,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        Finish.REFUSED,
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        ),
        Finish.MALFORMED,
    ),
}
"""FinishReason of the v1beta reference; a word that is not here becomes OTHER."""


def finish(candidate: Mapping[str, Any]) -> tuple[Finish, str] | None:
    """Say how a candidate ended, with the service's own words; None while it goes on.

    A reply that ended well has no detail unless the service sent a message with it.
    """
    reason = candidate.get("finishReason")
    if not isinstance(reason, str) or reason in {"", "FINISH_REASON_UNSPECIFIED"}:
        return None
    message = candidate.get("finishMessage")
    detail = message if isinstance(message, str) and message else reason
    ended = _FINISHES.get(reason, Finish.OTHER)
    return ended, "" if ended is Finish.DONE and detail == reason else detail


def blocked(chunk: Mapping[str, Any]) -> str:
    """Say why the prompt was blocked; empty when it was not.

    ``promptFeedback`` with ratings only is no block.
    """
    feedback = chunk.get("promptFeedback")
    if not isinstance(feedback, Mapping):
        return ""
    words = [feedback.get("blockReason"), feedback.get("blockReasonMessage")]
    return ": ".join(word for word in words if isinstance(word, str) and word)
