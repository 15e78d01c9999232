"""Runs in the box, under any Python from 3.8 on and with nothing else: the near end of its way out.

It takes connections on the box's own loopback and hands their bytes to the host over its standard
input and output, and the other way round. It knows no hosts and decides nothing: it runs as the
agent's user, so whatever it did could be done without it. frames.py has the frames. Debian's
python3-minimal is enough for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import sys
import time

HEAD = struct.Struct(">BII")
READY, OPEN, DATA, END, CLOSE, CREDIT, PORTS, TROUBLE = range(1, 9)
WINDOW = 1 << 18
PIECE = 1 << 15
FULL = 1 << 20
"""Bytes waiting for the host at which nothing more is read."""
MOST = 256
BIND_SECONDS = 3.0
LISTENS = "0A"
"""A socket's state in /proc/net/tcp (proc(5))."""


class Connection:
    """One of a program's connections."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.room = WINDOW
        self.unsent = bytearray()
        self.host_ended = False
        self.shut = False
        self.ended = False


class Near:
    """Everything there is, in one loop."""

    def __init__(self, port: int) -> None:
        self.listener = listen(port)
        self.port = port
        self.known: dict[int, Connection] = {}
        self.files: dict[int, Connection] = {}
        self.next = 1
        self.out = bytearray()
        self.held = bytearray()
        self.say(READY)

    def say(self, kind: int, number: int = 0, data: bytes = b"") -> None:
        self.out += HEAD.pack(kind, number, len(data)) + data

    def run(self) -> None:
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        while True:
            for fd, what in self.wait():
                if fd == 0:
                    if not self.hear():
                        return
                elif fd == 1:
                    if what & (select.POLLERR | select.POLLHUP):
                        return
                    self.flush()
                elif fd == self.listener.fileno():
                    self.accept()
                elif fd in self.files:
                    self.serve(self.files[fd], what)
            if self.out:
                self.flush()

    def wait(self) -> list[tuple[int, int]]:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(1, select.POLLOUT if self.out else 0)
        full = len(self.out) > FULL
        if not full and len(self.known) < MOST:
            poll.register(self.listener, select.POLLIN)
        for one in self.known.values():
            wanted = 0
            if one.room > 0 and not one.ended and not full:
                wanted |= select.POLLIN
            if one.unsent:
                wanted |= select.POLLOUT
            if wanted:
                poll.register(one.sock, wanted)
        return poll.poll()

    def flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            del self.out[: os.write(1, self.out)]

    def hear(self) -> bool:
        try:
            data = os.read(0, 1 << 16)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.held += data
        at = 0
        while len(self.held) - at >= HEAD.size:
            kind, number, length = HEAD.unpack_from(self.held, at)
            end = at + HEAD.size + length
            if len(self.held) < end:
                break
            self.obey(kind, number, bytes(self.held[at + HEAD.size : end]))
            at = end
        del self.held[:at]
        return True

    def obey(self, kind: int, number: int, data: bytes) -> None:
        if kind == OPEN:
            self.connect(number, struct.unpack(">H", data)[0])
        elif kind == PORTS:
            self.say(PORTS, 0, ports(self.port).encode("utf-8", "replace")[: 1 << 15])
        elif number in self.known:
            one = self.known[number]
            if kind == DATA:
                one.unsent += data
                self.push(one)
            elif kind == END:
                one.host_ended = True
                self.push(one)
            elif kind == CREDIT:
                one.room += struct.unpack(">I", data)[0]
            elif kind == CLOSE:
                self.drop(one)

    def add(self, sock: socket.socket, number: int) -> None:
        sock.setblocking(False)
        # What the host wrote in two pieces would wait 40 ms between them for the reader's kernel.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one = Connection(sock, number)
        self.known[number] = one
        self.files[sock.fileno()] = one

    def accept(self) -> None:
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        self.add(sock, self.next)
        self.say(OPEN, self.next)
        self.next += 2

    def connect(self, number: int, port: int) -> None:
        for host in ("127.0.0.1", "::1"):
            try:
                sock = socket.create_connection((host, port), timeout=5)
            except OSError:
                continue
            self.add(sock, number)
            self.say(OPEN, number)
            return
        self.say(CLOSE, number)

    def serve(self, one: Connection, what: int) -> None:
        if what & select.POLLOUT:
            self.push(one)
        if one.number in self.known and what & (select.POLLIN | select.POLLHUP | select.POLLERR):
            self.pull(one)

    def pull(self, one: Connection) -> None:
        if one.ended or one.room <= 0:
            return
        try:
            data = one.sock.recv(min(PIECE, one.room))
        except BlockingIOError:
            return
        except OSError:
            self.close(one)
            return
        if data:
            one.room -= len(data)
            self.say(DATA, one.number, data)
        else:
            one.ended = True
            self.say(END, one.number)
            self.settle(one)

    def push(self, one: Connection) -> None:
        try:
            if one.unsent:
                sent = one.sock.send(one.unsent[: 1 << 16])
                del one.unsent[:sent]
                self.say(CREDIT, one.number, struct.pack(">I", sent))
            if one.host_ended and not one.unsent and not one.shut:
                one.shut = True
                one.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self.close(one)
            return
        self.settle(one)

    def settle(self, one: Connection) -> None:
        if one.ended and one.shut:
            self.close(one)

    def close(self, one: Connection) -> None:
        self.say(CLOSE, one.number)
        self.drop(one)

    def drop(self, one: Connection) -> None:
        self.known.pop(one.number, None)
        self.files.pop(one.sock.fileno(), None)
        one.sock.close()


def listen(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host = select.poll()
    host.register(0, 0)  # tells of its going, and of nothing else
    until = time.monotonic() + BIND_SECONDS
    while True:
        try:
            sock.bind(("127.0.0.1", port))
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until or host.poll(50):
                raise
    sock.listen(64)
    sock.setblocking(False)
    return sock


def ports(own: int) -> str:
    """Where somebody listens: a port and the program's name a line."""
    found: dict[int, str] = {}
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(name) as lines:
                next(lines, None)
                for line in lines:
                    words = line.split()
                    if words[3] == LISTENS:
                        found.setdefault(int(words[1].rpartition(":")[2], 16), words[9])
        except OSError:
            pass
    found.pop(own, None)
    owners = programs(set(found.values()))
    told = [f"{port} {owners.get(inode, '')}\n" for port, inode in sorted(found.items())]
    return "".join(told[:200])


def programs(inodes: set[str]) -> dict[str, str]:
    """The names of the programs that hold sockets, by the socket's number."""
    names: dict[str, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            place = f"/proc/{pid}/fd"
            held = [os.readlink(f"{place}/{fd}") for fd in os.listdir(place)]
            mine = {link[8:-1] for link in held if link.startswith("socket:[")} & inodes
            if mine:
                with open(f"/proc/{pid}/comm") as comm:
                    names.update(dict.fromkeys(mine, comm.read().strip()))
        except OSError:
            continue
    return names


def main(port: int) -> None:
    try:
        near = Near(port)
    except OSError as error:
        text = str(error.strerror or error).encode()
        os.write(1, HEAD.pack(TROUBLE, 0, len(text)) + text)
        return
    near.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
