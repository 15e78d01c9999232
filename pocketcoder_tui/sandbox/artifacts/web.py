"""The workspace's files in a browser of this machine: read-only, on loopback, behind a token.

The token is the first part of every path. It is in no cookie, because a cookie of 127.0.0.1 goes to
every port, so also to what the agent serves; and no page here tells a site where it was
(Referrer-Policy). Nothing that is served may act: see ``kinds``, and the policy of each answer.
Sources: RFC 9110 (ranges, conditions), CSP level 3.
"""

import hmac
import html
import os
import re
import secrets
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from pocketcoder_tui.core.errors import SandboxError, WorkspaceError
from pocketcoder_tui.sandbox.artifacts.kinds import UNKNOWN, disposition, type_of
from pocketcoder_tui.sandbox.artifacts.tree import Kind, Opened, Row, Tree

__all__ = ["FileServer"]

LOOPBACK = "127.0.0.1"
AT_ONCE = 32
"""Connections."""
SECONDS = 30
"""How long a browser may be silent."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""For pages of our own, without a sandbox: a browser takes links out of one for another site's."""
_FILE_POLICY = f"{_PAGE_POLICY}; img-src 'self'; media-src 'self'; sandbox"
_STYLE = "body{font:15px/1.6 monospace;margin:2em;color-scheme:light dark}td{padding-right:2em}"
_HEAD = f"<!doctype html><meta charset=utf-8><title>pocketcoder</title><style>{_STYLE}</style>"
_LOOKED_AT = 8_192
"""Bytes of a file without a telling name that show whether it is text, as git looks."""
_CROSS = ("cross-site", "same-site")


class FileServer:
    """Owns the listening socket from the start on, until ``close``."""

    def __init__(self, workspace: Path, *, port: int = 0, shown: Callable[[str], str]) -> None:
        """``port`` 0 takes a free one; ``shown`` makes an untrusted name fit to be read.

        Raises SandboxError when the port cannot be had.
        """
        self.token = secrets.token_urlsafe(32)
        self.tree = Tree(workspace)
        self.shown = shown
        try:
            self._server = _Server((LOOPBACK, port), _Answer)
        except OSError as error:
            raise SandboxError(
                f"Port {port} cannot be had: {error.strerror}.", hint="Choose another: --port."
            ) from error
        self._server.files = self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address of the workspace, with the token."""
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Answer until ``close``. Blocking."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stop listening; from another thread than ``serve``'s when that runs."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: FileServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection; too many at once are hung up on."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up in the middle is no event."""


class _Answer(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "pocketcoder", ""
    timeout = SECONDS

    def do_GET(self) -> None:
        """A file, a part of it, or a folder."""
        path = self._path()
        if path is None:
            return
        tree = self.server.files.tree
        try:
            if tree.is_folder(path):
                self._folder(path, tree.listing(path))
                return
            with tree.opened(path) as file:
                self._file(file)
        except WorkspaceError as error:
            self._refuse(HTTPStatus.NOT_FOUND, error.sentence)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line would hold the token."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The library's own refusals, for what is no HTTP or no method of ours."""
        self._refuse(HTTPStatus(code), "This is not answered here.")

    # --- who asks, and for what

    def _path(self) -> bytes | None:
        """The path below the workspace; None when the request was refused."""
        self.close_connection = True  # what a request may carry along is not read
        hosts = (f"{LOOPBACK}:{self.server.files.port}", f"localhost:{self.server.files.port}")
        if self.headers.get_all("Host", []) not in ([hosts[0]], [hosts[1]]):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "This is another machine's name.")
            return None
        if self.headers.get("Sec-Fetch-Site", "none") in _CROSS:
            self._refuse(HTTPStatus.FORBIDDEN, "Another site asks.")
            return None
        target = self.path.encode("latin-1", "replace").partition(b"?")[0]
        token, _, rest = target.lstrip(b"/").partition(b"/")
        if not hmac.compare_digest(token, self.server.files.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "The address is not the one that was printed.")
            return None
        return unquote_to_bytes(rest)

    # --- answers

    def _file(self, file: Opened) -> None:
        kind, shown = type_of(file.name)
        if kind.startswith("text/plain") and b"\0" in b"".join(file.pieces(0, _LOOKED_AT)):
            kind, shown = UNKNOWN, False
        size, facts = file.facts.st_size, file.facts
        tag = f'"{facts.st_mtime_ns:x}-{facts.st_ctime_ns:x}-{size:x}"'
        headers = {
            "Content-Type": kind,
            "Content-Disposition": disposition(file.name, shown),
            "Accept-Ranges": "bytes",
            "ETag": tag,
            "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
        }
        if self.headers.get("If-None-Match") == tag:
            self._begin(HTTPStatus.NOT_MODIFIED, headers)
            return
        part = self._part(size) if self.headers.get("If-Range", tag) == tag else None
        if part is None:
            self._send(HTTPStatus.OK, headers, file, 0, size)
        elif part[1] <= 0:
            headers["Content-Range"] = f"bytes */{size}"
            self._begin(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {**headers, "Content-Length": "0"}
            )
        else:
            start, count = part
            headers["Content-Range"] = f"bytes {start}-{start + count - 1}/{size}"
            self._send(HTTPStatus.PARTIAL_CONTENT, headers, file, start, count)

    def _part(self, size: int) -> tuple[int, int] | None:
        """What is asked for: where it begins and how long it is; None for all of it.

        Of several parts all is sent, as may be done (RFC 9110, 14.2).
        """
        asked = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if asked is None or asked.groups() == ("", ""):
            return None
        first, last = asked.groups()
        if not first:
            count = min(int(last), size)
            return size - count, count
        end = min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None  # no valid range, so none was asked for
        return int(first), end - int(first) + 1

    def _send(
        self, status: HTTPStatus, headers: dict[str, str], file: Opened, start: int, count: int
    ) -> None:
        self._begin(status, {**headers, "Content-Length": str(count)})
        if self.command == "HEAD":
            return
        for piece in file.pieces(start, count):
            self.wfile.write(piece)

    def _folder(self, path: bytes, rows: list[Row]) -> None:
        if not self.path.partition("?")[0].endswith("/"):
            place = quote(os.fsdecode(path).rpartition("/")[2], errors="surrogateescape") + "/"
            self._begin(HTTPStatus.SEE_OTHER, {"Location": place, "Content-Length": "0"})
            return
        shown = self.server.files.shown
        title = html.escape(shown(f"/workspace/{os.fsdecode(path).strip('/')}"))
        lines = [f"<tr><td>{self._link(row)}<td>{_size(row)}" for row in rows]
        self._page(HTTPStatus.OK, f"<h1>{title}</h1><table>{''.join(lines)}</table>")

    def _link(self, row: Row) -> str:
        name = html.escape(self.server.files.shown(os.fsdecode(row.name)))
        if row.kind in (Kind.LINK, Kind.OTHER):
            return f"{name} ({row.kind.value})"
        slash = "/" if row.kind is Kind.FOLDER else ""
        return f'<a href="./{quote(row.name, safe="")}{slash}">{name}{slash}</a>'

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self.close_connection = True
        self._page(status, f"<p>{html.escape(self.server.files.shown(sentence))}</p>")

    def _page(self, status: HTTPStatus, body: str) -> None:
        head = (
            f"<!doctype html><meta charset=utf-8><title>pocketcoder</title><style>{_STYLE}</style>"
        )
        data = (head + body).encode("utf-8", "replace")
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(data))}
        self._begin(status, {**headers, "Content-Security-Policy": _PAGE_POLICY})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Security-Policy": _FILE_POLICY, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


def _size(row: Row) -> str:
    return f"{row.size:,}" if row.kind is Kind.FILE else ""
