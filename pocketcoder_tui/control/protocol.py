"""What goes over the control socket: lines of JSON, one request, then answers until the end. Pure.

A request is ``{"v": 1, "ask": NAME, …}``. An answer is an object; one with ``error`` (a sentence)
and ``hint`` is the last. docs/control.md lists the requests and their answers.
"""

import json
from collections.abc import Mapping
from typing import Any

from pocketcoder_tui.core.errors import PocketCoderError

VERSION = 1
"""Goes up when an answer changes in a way that a program would notice."""

LINE_LIMIT = 32 * 1024 * 1024
"""Bytes of one line."""

REQUEST_LIMIT = 256 * 1024
"""Bytes of a request."""

Body = Mapping[str, Any]


class ControlError(PocketCoderError):
    """The program that works could not be asked, or said no."""


class NobodyWorks(ControlError):
    """There is no program to ask."""


def encode(body: Body) -> bytes:
    """Write one line. A character that UTF-8 cannot hold (half of one) becomes an escape."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line. Raises ControlError when it is no object."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ControlError("What came over the control socket is not JSON.") from error
    if not isinstance(body, dict):
        raise ControlError("What came over the control socket is no JSON object.")
    return body


def request(name: str, **fields: object) -> dict[str, Any]:
    """Make a request."""
    return {"v": VERSION, "ask": name, **fields}


def refusal(error: PocketCoderError) -> dict[str, Any]:
    """The answer that ends a request which cannot be fulfilled."""
    return {"error": error.sentence, "hint": error.hint}


def check_request(body: Body) -> None:
    """Refuse what this version does not understand. Raises ControlError."""
    if body.get("v") != VERSION:
        raise ControlError(
            f"This pocketcoder speaks version {VERSION} of the control protocol.",
            hint="Use the same pocketcoder for both.",
        )
    if not isinstance(body.get("ask"), str):
        raise ControlError("The request does not say what it asks.")


def checked_answer(body: dict[str, Any]) -> dict[str, Any]:
    """Hand an answer on. Raises ControlError with the other side's words when it is a refusal."""
    if "error" in body:
        raise ControlError(str(body["error"]), hint=str(body.get("hint", "")))
    return body
