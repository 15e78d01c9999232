"""`pocketcoder keys`: public keys and nothing else, at rest and beside a workbench."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.keys import fingerprint_of
from pocketcoder_tui.ledger.inspection import records
from tests.cli.conftest import Run


def line(seed: int, comment: str = "") -> str:
    inside = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([seed]) * 32
    return f"ssh-ed25519 {base64.b64encode(inside).decode()} {comment}".rstrip()


def told(run: Run, *words: str) -> dict[str, Any]:
    done = run("keys", *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    assert said.pop("schema") == 1
    return said


def test_a_key_is_added_listed_switched_off_and_removed(run: Run, paths: Paths) -> None:
    assert "There are no keys" in run("keys").stdout
    public = paths.workspace / "id.pub"
    public.write_text(line(1, "ada@phone") + "\n")
    phone = told(run, "add", "id.pub")["key"]
    assert (phone["number"], phone["name"], phone["kind"]) == (1, "ada@phone", "ssh-ed25519")
    assert phone["fingerprint"] == fingerprint_of(line(1).split()[1])
    laptop = told(run, "add", line(2), "--name", "laptop")["key"]
    shown = run("keys").stdout
    assert "ada@phone" in shown
    assert laptop["fingerprint"] in shown
    assert "nobody can come in" in shown
    assert told(run, "disable", "ada@phone")["key"]["disabled"]
    assert "  off" in run("keys").stdout
    assert not told(run, "enable", phone["fingerprint"][:12])["key"]["disabled"]
    assert "Removed the key 1, ada@phone" in run("keys", "remove", "1").stdout
    assert [key["name"] for key in told(run)["keys"]] == ["laptop"]
    what = [r["facts"]["what"] for r, _, _ in records(paths.ledger) if r["kind"] == "ssh_key"]
    assert what == ["added", "added", "disabled", "enabled", "removed"]
    assert run("audit", "verify").returncode == 0


def test_a_key_comes_from_standard_input(environ: dict[str, str], paths: Paths, run: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pocketcoder_tui", "keys", "add", "-"],
        cwd=paths.workspace,
        env=environ,
        input=line(3, "from a pipe"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [key["name"] for key in told(run)["keys"]] == ["from a pipe"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("missing.pub", "No such file"),
        (".", "cannot be read"),
        (f"no-pty {line(1)}", "Options stand before"),
        (f"{line(1)} \x1b[31m", "control characters"),
        (f"{line(1)}\n{line(2)}", "several lines"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "private key"),
        ("ssh-dss AAAA", "DSA"),
        ("secret", "private key"),
        ("binary", "no text"),
        ("long", "too long"),
    ],
)
def test_what_is_no_public_key_is_refused(run: Run, paths: Paths, text: str, why: str) -> None:
    (paths.workspace / "secret").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    (paths.workspace / "binary").write_bytes(b"ssh-ed25519 \xff\xfe")
    (paths.workspace / "long").write_text(line(1, "x" * 9_000))
    done = run("keys", "add", "--", text)
    assert done.returncode == 1
    assert why in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert told(run)["keys"] == []


def test_what_is_there_twice_or_not_at_all_or_could_be_two_is_refused(run: Run) -> None:
    told(run, "add", line(1), "--name", "phone")
    for words, why in (
        (("add", line(1), "--name", "other"), "This key is there already"),
        (("add", line(2), "--name", "phone"), "a key with this name"),
        (("add", line(2), "--name", "7"), "taken for a number"),
        (("remove", "2"), "There is no key"),
        (("remove", "SHA256:"), "There is no key"),
        (("disable", "pho"), "There is no key"),
    ):
        done = run("keys", *words)
        assert (done.returncode, why in done.stderr) == (1, True), (words, done.stderr)
    # A name that is the beginning of the other's fingerprint names both.
    start = fingerprint_of(line(1).split()[1])[7:13]
    told(run, "add", line(4), "--name", f"{start}")
    done = run("keys", "remove", start)
    assert (done.returncode, "could be 2 keys" in done.stderr) == (1, True)
    assert run("keys", "frobnicate", "x", "y").returncode == 2
    assert run("keys", "remove").returncode == 2


@contextmanager
def working(paths: Paths) -> Iterator[None]:
    """A workbench that works in the folder, in a process of its own: it owns the ledger."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from pocketcoder_tui.config.paths import Paths\n"
        "from pocketcoder_tui.control import ControlServer\n"
        "from pocketcoder_tui.engine.answering import Answering\n"
        "from pocketcoder_tui.engine.keykeeper import KeyList\n"
        "from pocketcoder_tui.ledger import SqliteLedger\n"
        "async def main():\n"
        "    paths = Paths.for_workspace(Path(sys.argv[1]))\n"
        "    async with await SqliteLedger.open(paths.ledger) as ledger:\n"
        "        class Session: keybook = KeyList(ledger.keys)\n"
        "        server = ControlServer(paths.control, Answering(Session()).respond)\n"
        "        await server.start()\n"
        "        print('ready', flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "        await server.aclose()\n"
        "asyncio.run(main())\n"
    )
    env = dict(os.environ) | {"HOME": str(paths.state_root.parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(paths.workspace)],
        env={k: v for k, v in env.items() if not k.startswith("XDG_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        yield
    finally:
        child.stdin.close()
        assert child.wait(timeout=30) == 0
        child.stdout.close()


def test_all_of_it_works_while_a_workbench_has_the_ledger(run: Run, paths: Paths) -> None:
    paths.prepare()
    with working(paths):
        assert told(run, "add", line(1), "--name", "phone")["key"]["number"] == 1
        assert told(run, "disable", "phone")["key"]["disabled"]
        assert [key["name"] for key in told(run)["keys"]] == ["phone"]
        refused = run("keys", "add", f"restrict {line(2)}")
        assert (refused.returncode, "Options stand before" in refused.stderr) == (1, True)
        assert told(run, "remove", "1")["key"]["name"] == "phone"
        assert told(run)["keys"] == []
    who = [r["facts"]["by"] for r, _, _ in records(paths.ledger) if r["kind"] == "ssh_key"]
    assert len(who) == 3
    assert asyncio.run(_none_left(paths.ledger))


async def _none_left(ledger: Path) -> bool:
    from pocketcoder_tui.ledger import SqliteLedger

    async with await SqliteLedger.open(ledger) as opened:
        return not any(key.lets_in for key in await opened.keys.all())
