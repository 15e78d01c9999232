"""An event as the ledger's tables hold it: a body, and beside it the output of a command.

The body of a result names the output's sha256 and length in the output's place, so that old output
can be pruned while the event, and every hash over it, stays as it was.
"""

import json
from typing import Any, NamedTuple

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.ledger.codec import encode, parsed, understood
from pocketcoder_tui.ledger.verify_audit import sha256

RESULT = "action_ended"
"""The kind of event that holds an output."""


class Packed(NamedTuple):
    """What is written of an event."""

    body: str
    """One line of ASCII JSON."""
    output: str | None
    """A JSON string in ASCII; None when nothing was printed."""


def pack(event: Durable) -> Packed:
    """Write an event. Raises LedgerError for what cannot be kept exactly (see codec.encode)."""
    body = encode(event)
    return part_output(body) if event.kind == RESULT else Packed(body, None)


def part_output(body: str) -> Packed:
    """Take the output out of the body of a result that holds it whole.

    Raises LedgerError when the body is no JSON.
    """
    whole = parsed(body)
    match whole:
        case {"execution": {"output": str() as text}} if text:
            output = json.dumps(text)
        case _:
            return Packed(body, None)
    whole["execution"]["output"] = {"sha256": sha256(output), "characters": len(text)}
    return Packed(json.dumps(whole, separators=(",", ":")), output)


def unpack(body: str, output: str | None) -> Durable:
    """Read an event back; an output that is not there any more says that it was pruned.

    Raises LedgerError when the row is no event that this version knows.
    """
    whole = parsed(body)
    if (held := held_output(whole)) is not None:
        text = pruned(held["characters"]) if output is None else parsed(output)
        whole["execution"]["output"] = text
    return understood(whole)


def held_output(whole: Any) -> dict[str, Any] | None:
    """What the JSON of a result says of an output that is kept beside it; None when none is."""
    match whole:
        case {"execution": {"output": {"sha256": str(), "characters": int()} as held}}:
            return dict(held)
    return None


def pruned(characters: int) -> str:
    """What stands in the place of an output that is gone."""
    return f"(This output of {characters:,} characters was pruned.)"
