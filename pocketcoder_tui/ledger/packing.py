"""An event as the ledger's tables hold it: a body, and beside it what was printed.

The body names an output's sha256 and length in the output's place, so that old output can be
pruned while the event, and every hash over it, stays as it was.
"""

import json
from typing import Any, NamedTuple

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.ledger.codec import encode, parsed, understood
from pocketcoder_tui.ledger.verify_audit import sha256

HOLDERS = {"action_ended": "execution", "action_reported": "", "person_ran": ""}
"""The kinds of event that hold an output, and the field of theirs that has it; "" is themselves."""
COLOURED = "coloured"
"""The field of a result that is its output once more, with colours."""


class Packed(NamedTuple):
    """What is written of an event."""

    body: str
    """One line of ASCII JSON."""
    output: str | None
    """A JSON list in ASCII: the output, and if it has colours the output with them; or None."""


def pack(event: Durable) -> Packed:
    """Write an event. Raises LedgerError for what cannot be kept exactly (see codec.encode)."""
    body = encode(event)
    return part_output(body) if event.kind in HOLDERS else Packed(body, None)


def part_output(body: str) -> Packed:
    """Take the output out of the body of an event that holds it whole.

    Raises LedgerError when the body is no JSON.
    """
    whole = parsed(body)
    match _holder(whole):
        case {"output": str() as text} as holder if text:
            pass
        case _:
            return Packed(body, None)
    texts = [text]
    if coloured := holder.get(COLOURED):
        texts.append(coloured)
        holder[COLOURED] = ""
    output = json.dumps(texts)
    holder["output"] = {"sha256": sha256(output), "characters": len(text)}
    return Packed(json.dumps(whole, separators=(",", ":")), output)


def unpack(body: str, output: str | None) -> Durable:
    """Read an event back; an output that is not there any more says that it was pruned.

    Raises LedgerError when the row is no event that this version knows.
    """
    whole = parsed(body)
    holder = _holder(whole)
    if (held := _held(holder)) is not None:
        texts = [pruned(held["characters"])] if output is None else parsed(output)
        match texts:
            case [str() as text]:
                holder["output"] = text
            case [str() as text, str() as coloured]:
                holder["output"], holder[COLOURED] = text, coloured
    return understood(whole)


def held_output(whole: Any) -> dict[str, Any] | None:
    """What the JSON of an event says of an output that is kept beside it; None when none is."""
    return _held(_holder(whole))


def pruned(characters: int) -> str:
    """What stands in the place of an output that is gone."""
    return f"(This output of {characters:,} characters was pruned.)"


def _holder(whole: Any) -> Any:
    """The object that has the output; None when this kind of event has none."""
    if not isinstance(whole, dict):
        return None
    name = HOLDERS.get(whole.get("kind", ""))
    return None if name is None else whole.get(name) if name else whole


def _held(holder: Any) -> dict[str, Any] | None:
    match holder:
        case {"output": {"sha256": str(), "characters": int()} as held}:
            return dict(held)
    return None
