"""A caller's side of the control socket on an event loop: a screen that follows another program."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from pocketcoder_tui.control.client import connected
from pocketcoder_tui.control.protocol import (
    LINE_LIMIT,
    ControlError,
    checked_answer,
    decode,
    encode,
    request,
)


async def is_there(path: Path) -> bool:
    """Whether a program takes connections at this socket."""
    try:
        caller = await asyncio.to_thread(connected, path)
    except ControlError:
        return False
    caller.close()
    return True


async def stream(path: Path, name: str, **fields: object) -> AsyncGenerator[dict[str, Any]]:
    """Yield answers until the other side ends in order. Owns the connection while it runs.

    Raises ControlError: nobody works there, it said no, or what it sent is no answer.
    """
    caller = await asyncio.to_thread(connected, path)
    caller.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=caller, limit=LINE_LIMIT)
    try:
        writer.write(encode(request(name, **fields)))
        while line := await _line(reader):
            yield checked_answer(decode(line))
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # the other side is gone; that is why we end
            await writer.wait_closed()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end, also when the other side died in the middle of one."""
    try:
        return await reader.readuntil()
    except asyncio.IncompleteReadError:
        return b""
    except asyncio.LimitOverrunError as error:
        raise ControlError(f"An answer has at most {LINE_LIMIT} bytes.") from error
    except OSError:
        return b""
