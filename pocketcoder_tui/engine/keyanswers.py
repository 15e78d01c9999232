"""What is answered about SSH keys over the control socket; docs/control.md is the contract."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pocketcoder_tui.control.protocol import ControlError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.engine.keybook import Keybook, chosen
from pocketcoder_tui.gatekeeper.faithful import plain

PREFIX = "keys."
"""How the requests that are answered here begin."""
WHO_LIMIT = 80
"""Characters of what a caller says of itself."""


async def answer_about_keys(book: Keybook, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request. Raises PocketCoderError subclasses."""
    who = plain(str(body.get("who", "")), keep_newlines=False)[:WHO_LIMIT]
    who = who or "another program"
    match body["ask"]:
        case "keys.list":
            rows = [key_row(key) for key in await book.listed()]
            return {"keys": rows, "door": door_row(book.door)}
        case "keys.add":
            line, name = str(body.get("line", "")), str(body.get("called", ""))
            return {"key": key_row(await book.add(line, name, who=who))}
        case "keys.disable" | "keys.enable" | "keys.remove":
            key = chosen(str(body.get("key", "")), await book.listed())
            if body["ask"] == "keys.remove":
                await book.remove(key.number, who=who)
            else:
                await book.disable(key.number, body["ask"] == "keys.disable", who=who)
            return {"key": key_row(await _after(book, key))}
        case other:
            raise ControlError(f"This pocketcoder does not know the request {other!a}.")


def key_row(key: KeptKey) -> dict[str, Any]:
    """A key as JSON."""
    return {
        "number": key.number,
        "name": key.name,
        "kind": key.kind,
        "fingerprint": key.fingerprint,
        "public": f"{key.kind} {key.blob}",
        "added": key.added,
        "added_by": key.added_by,
        "disabled": key.disabled,
    }


def door_row(door: DoorState) -> dict[str, Any]:
    """The door as JSON."""
    return asdict(door)


async def _after(book: Keybook, key: KeptKey) -> KeptKey:
    """The key as it is now, or as it was when it was removed."""
    return next((now for now in await book.listed() if now.number == key.number), key)
