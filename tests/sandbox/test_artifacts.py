"""Files of a hostile workspace, used from the host: nothing leads out, and nothing hangs."""

import http.client
import io
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import SandboxError, WorkspaceError
from pocketcoder_tui.sandbox.artifacts import Kind, Tree
from pocketcoder_tui.sandbox.artifacts.kinds import disposition, type_of
from pocketcoder_tui.sandbox.artifacts.web import FileServer

SECRET = b"not of the workspace"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(SECRET)
    return folder


@pytest.fixture
def tree(workspace: Path) -> Tree:
    (workspace / "sub").mkdir()
    (workspace / "sub" / "a.txt").write_text("inside\n")
    return Tree(workspace)


def content(tree: Tree, path: str) -> bytes:
    with tree.opened(os.fsencode(path)) as file:
        return b"".join(file.pieces())


def link(workspace: Path, outside: Path) -> None:
    (workspace / "x").symlink_to(outside / "secret")


def folder_link(workspace: Path, outside: Path) -> None:
    (workspace / "d").symlink_to(outside)


def chain(workspace: Path, outside: Path) -> None:
    (workspace / "y").symlink_to(outside / "secret")
    (workspace / "x").symlink_to("y")


def relative(workspace: Path, _: Path) -> None:
    (workspace / "d").symlink_to("../outside")


def loop(workspace: Path, _: Path) -> None:
    (workspace / "x").symlink_to("x")


def hard(workspace: Path, outside: Path) -> None:
    os.link(outside / "secret", workspace / "x")


def pipe(workspace: Path, _: Path) -> None:
    os.mkfifo(workspace / "x")


def listening(workspace: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(workspace, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{here}/x")
        os.close(here)


def itself(workspace: Path, _: Path) -> None:
    (workspace / "x").symlink_to("/proc/self/environ")


def folder(workspace: Path, _: Path) -> None:
    (workspace / "x").mkdir()


PLANTS: list[tuple[Callable[[Path, Path], None], str]] = [
    (link, "x"), (chain, "x"), (loop, "x"), (hard, "x"), (pipe, "x"), (listening, "x"),
    (itself, "x"), (folder, "x"), (folder_link, "d/secret"), (relative, "d/secret"),
    (folder_link, "sub/./../d/secret"),
]  # fmt: skip
WAYS_OUT = (
    "..", "../", "../outside/secret", "sub/../../outside/secret", "/../outside/secret",
    "/workspace/../outside/secret", "./../outside/secret", "sub//..//..//outside/secret",
    "a\0b", "/workspace/sub/../../outside/secret",
)  # fmt: skip


@pytest.mark.parametrize(("plant", "path"), PLANTS)
def test_nothing_planted_is_read_or_written_through(
    tree: Tree, workspace: Path, outside: Path, plant: Callable[[Path, Path], None], path: str
) -> None:
    plant(workspace, outside)
    with pytest.raises(WorkspaceError):
        content(tree, path)
    with pytest.raises(WorkspaceError):
        tree.put(io.BytesIO(b"evil"), os.fsencode(path))
    with pytest.raises(WorkspaceError):
        tree.listing(os.fsencode(f"{path}/more"))
    assert (outside / "secret").read_bytes() == SECRET
    assert os.listdir(outside) == ["secret"]
    assert not [name for name in os.listdir(workspace) if name.startswith(".pocketcoder")]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_no_path_leads_out(tree: Tree, outside: Path, path: str) -> None:
    for use in (
        lambda: content(tree, path),
        lambda: tree.listing(os.fsencode(path)),
        lambda: tree.put(io.BytesIO(b"evil"), os.fsencode(path), replace=True),
    ):
        with pytest.raises(WorkspaceError):
            use()
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET


@pytest.mark.parametrize(
    "path", ["sub/a.txt", "/workspace/sub/a.txt", "./sub//a.txt", "/sub/a.txt"]
)
def test_every_way_to_name_a_file(tree: Tree, path: str) -> None:
    assert content(tree, path) == b"inside\n"


def test_a_listing_tells_what_is_what(tree: Tree, workspace: Path, outside: Path) -> None:
    link(workspace, outside)
    os.mkfifo(workspace / "p")
    (workspace / os.fsdecode(b"\xff\x1b")).write_bytes(b"abc")
    rows = {row.name: (row.kind, row.size) for row in tree.listing()}
    assert rows[b"sub"] == (Kind.FOLDER, 0)
    assert rows[b"x"] == (Kind.LINK, 0)
    assert rows[b"p"] == (Kind.OTHER, 0)
    assert rows[b"\xff\x1b"] == (Kind.FILE, 3)


def test_a_file_is_put_whole_owned_and_never_over_another(tree: Tree, workspace: Path) -> None:
    if os.geteuid() == 0:
        os.chown(workspace, 4711, 4712)
    assert tree.put(io.BytesIO(b"new" * 1_000_000), b"sub/b") == 3_000_000
    made = (workspace / "sub" / "b").stat()
    assert (made.st_size, made.st_nlink, stat.S_IMODE(made.st_mode)) == (3_000_000, 1, 0o644)
    assert (made.st_uid, made.st_gid) == (workspace.stat().st_uid, workspace.stat().st_gid)
    with pytest.raises(WorkspaceError, match="there already"):
        tree.put(io.BytesIO(b"x"), b"sub/b")
    assert tree.put(io.BytesIO(b"x"), b"sub/b", replace=True) == 1
    assert (workspace / "sub" / "b").read_bytes() == b"x"
    with pytest.raises(WorkspaceError):
        tree.put(io.BytesIO(b"x"), b"sub", replace=True)
    assert sorted(os.listdir(workspace / "sub")) == ["a.txt", "b"]


def test_what_replaces_a_link_leaves_where_it_led_alone(
    tree: Tree, workspace: Path, outside: Path
) -> None:
    link(workspace, outside)
    tree.put(io.BytesIO(b"mine"), b"x", replace=True)
    assert (outside / "secret").read_bytes() == SECRET
    assert not (workspace / "x").is_symlink()
    assert (workspace / "x").read_bytes() == b"mine"


def test_a_source_that_fails_leaves_nothing(tree: Tree, workspace: Path) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(WorkspaceError):
        tree.put(Failing(), b"x")
    assert os.listdir(workspace) == ["sub"]


def test_a_race_of_folder_and_link_never_leads_out(
    tree: Tree, workspace: Path, outside: Path
) -> None:
    (workspace / "real").mkdir()
    (workspace / "real" / "secret").write_bytes(b"inside")
    (workspace / "link").symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        at = workspace / "d"
        while not over.is_set():
            for name in ("real", "link"):
                os.rename(workspace / name, at)
                os.rename(at, workspace / name)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = set()
    try:
        for n in range(3_000):
            try:
                seen.add(content(tree, "d/secret"))
                tree.put(io.BytesIO(b"evil"), f"d/put{n}".encode())
            except WorkspaceError:
                continue
    finally:
        over.set()
        swapping.join()
    assert seen <= {b"inside"}
    assert os.listdir(outside) == ["secret"]


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("a.txt", "text/plain; charset=utf-8", True),
        ("a.py", "text/plain; charset=utf-8", True),
        ("Makefile", "text/plain; charset=utf-8", True),
        (".env", "text/plain; charset=utf-8", True),
        ("a.png", "image/png", True),
        ("a.JPG", "image/jpeg", True),
        ("a.mp4", "video/mp4", True),
        ("a.json", "application/json", True),
        ("a.html", "text/html; charset=utf-8", False),
        ("a.HTM", "text/html; charset=utf-8", False),
        ("a.svg", "image/svg+xml", False),
        ("a.xml", "text/xml; charset=utf-8", False),
        ("a.js", "text/javascript; charset=utf-8", False),
        ("a.css", "text/css; charset=utf-8", False),
        ("a.pdf", "application/pdf", False),
        ("a.tar.gz", "application/gzip", False),
        ("a.zip", "application/zip", False),
        ("a.bin", "application/octet-stream", False),
        ("a.nonesuch", "application/octet-stream", False),
        ("a.txt.html", "text/html; charset=utf-8", False),
        ("a.html.txt", "text/plain; charset=utf-8", True),
        ("a.xhtml", "application/octet-stream", False),
    ],
)
def test_types_and_what_a_browser_may_show(name: str, kind: str, shown: bool) -> None:
    found, may = type_of(name.encode())
    assert may is shown
    assert found == kind or not may


def test_a_name_in_a_header_is_harmless() -> None:
    told = disposition(b'a"\r\nSet-Cookie: x\xff\xe2\x80\xae.txt', False)
    assert told.startswith("attachment; filename*=UTF-8''a%22%0D%0ASet-Cookie")
    assert told.isascii()
    assert told.isprintable()


# --- over HTTP


@pytest.fixture
def server(tree: Tree, workspace: Path) -> Iterator[FileServer]:
    made = FileServer(workspace, shown=lambda text: text)
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join()


Answer = tuple[int, dict[str, str], bytes]


def ask(server: FileServer, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask with the token in front, unless the path begins with "//"."""
    asked = path[1:] if path.startswith("//") else f"/{server.token}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, asked, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_a_folder_a_file_and_its_parts(server: FileServer, workspace: Path) -> None:
    (workspace / "sub" / "n.txt").write_text("0123456789")
    status, headers, body = ask(server, "/")
    assert (status, b'<a href="./sub/">sub/</a>' in body) == (200, True)
    assert "no-referrer" in headers["Referrer-Policy"]
    assert ask(server, "/sub")[1]["Location"] == "sub/"
    assert b"a.txt" in ask(server, "/sub/")[2]
    status, headers, body = ask(server, "/sub/n.txt")
    assert (status, body, headers["Content-Length"]) == (200, b"0123456789", "10")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    for asked, part, told in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ):
        status, headers, body = ask(server, "/sub/n.txt", Range=asked)
        assert (status, body, headers["Content-Range"]) == (206, part, told), asked
    for asked in ("bytes=10-", "bytes=99-100", "bytes=-0"):
        status, headers, _ = ask(server, "/sub/n.txt", Range=asked)
        assert (status, headers["Content-Range"]) == (416, "bytes */10"), asked
    for asked in ("bytes=5-2", "bytes=-", "lines=1-2", "bytes=1-2,4-5", "bytes=a-b"):
        assert ask(server, "/sub/n.txt", Range=asked)[::2] == (200, b"0123456789"), asked
    tag = headers["ETag"]
    assert ask(server, "/sub/n.txt", If_None_Match=tag)[0] == 304
    assert ask(server, "/sub/n.txt", Range="bytes=2-4", If_Range='"old"')[0] == 200
    status, headers, body = ask(server, "/sub/n.txt", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")


@pytest.mark.parametrize(("plant", "path"), PLANTS)
def test_the_route_serves_nothing_planted(
    server: FileServer,
    workspace: Path,
    outside: Path,
    plant: Callable[[Path, Path], None],
    path: str,
) -> None:
    plant(workspace, outside)
    status, _, body = ask(server, f"/{path}")
    assert status == (303 if plant is folder else 404)
    assert SECRET not in body


@pytest.mark.parametrize(
    "path",
    ["/../outside/secret", "/%2e%2e/outside/secret", "/sub/%2e%2e%2f..%2foutside/secret", "/%00"],
)
def test_the_route_has_no_way_out(server: FileServer, outside: Path, path: str) -> None:
    status, _, body = ask(server, path)
    assert status == 404
    assert SECRET not in body


def test_who_has_not_the_address_gets_nothing(server: FileServer) -> None:
    token, port = server.token, server.port
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for path in (
        "//",
        "///sub/a.txt",
        f"//{wrong}/sub/a.txt",
        f"//{token.lower()}x/",
        "//favicon.ico",
    ):
        status, _, body = ask(server, path)
        assert status == 403, path
        assert token.encode() not in body
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil", ""):
        assert ask(server, "/sub/a.txt", Host=host)[0] == 421, host
    assert ask(server, "/sub/a.txt", Host=f"localhost:{port}")[0] == 200
    for site in ("cross-site", "same-site"):
        assert ask(server, "/sub/a.txt", Sec_Fetch_Site=site)[0] == 403
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert ask(server, "/sub/a.txt", method)[0] >= 400
    assert ask(server, "/sub/a.txt")[0] == 200


def test_a_name_is_escaped_and_its_link_leads_to_it(server: FileServer, workspace: Path) -> None:
    name = b"<script>alert(1)</script>\xff%41?#'\".html".replace(b"/", b"|")
    (workspace / os.fsdecode(name)).write_text("<script>evil</script>")
    body = ask(server, "/")[2].decode()
    assert "<script" not in body
    href = body.split('href="./')[-1].split('"')[0]
    status, headers, _ = ask(server, f"/{href}")
    assert status == 200
    assert headers["Content-Disposition"].startswith("attachment")


def test_what_is_no_text_is_only_saved(server: FileServer, workspace: Path) -> None:
    (workspace / "program").write_bytes(b"\x7fELF\0\0")
    (workspace / "notes").write_text("words")
    assert ask(server, "/program")[1]["Content-Type"] == "application/octet-stream"
    assert ask(server, "/program")[1]["Content-Disposition"].startswith("attachment")
    assert ask(server, "/notes")[1]["Content-Disposition"].startswith("inline")


def test_a_port_that_is_taken_is_a_sentence(server: FileServer, workspace: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be had"):
        FileServer(workspace, port=server.port, shown=str)


def test_too_many_at_once_are_hung_up_on_and_others_are_served_again(server: FileServer) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(32)]
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "/")
    for one in held:
        one.close()
    for _ in range(200):
        try:
            assert ask(server, "/")[0] == 200
            return
        except (http.client.RemoteDisconnected, ConnectionResetError):
            continue
    raise AssertionError("never served again")
