"""The near program's own sockets, in this process."""

import os
import socket

from pocketcoder_tui.sandbox.egress.inside import Near
from tests.sandbox.wayout import free_port


async def test_small_pieces_leave_at_once() -> None:
    port = await free_port()
    near = Near(port)
    try:
        with socket.create_connection(("127.0.0.1", port)):
            os.set_blocking(near.listener.fileno(), True)
            near.accept()
            [came] = near.known.values()
            assert came.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            near.drop(came)
    finally:
        near.listener.close()
