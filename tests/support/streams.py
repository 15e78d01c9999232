"""A stream of the box read piece by piece, as a test wants it."""

import asyncio

from pocketcoder_tui.core.ports import ByteStream


class Reader:
    """Follows a stream and keeps what came."""

    def __init__(self, stream: ByteStream) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = False
        stream.follow(self._pieces.put_nowait, lambda: self._pieces.put_nowait(b""))

    async def read(self) -> bytes:
        """The next piece; b"" at the end, then and ever after."""
        if self._ended:
            return b""
        piece = await self._pieces.get()
        self._ended = not piece
        return piece
