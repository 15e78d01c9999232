"""How a secret may be written, every place in which it could turn up, and the search for it."""

import base64
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.labels import container_name
from tests.e2e.program import Home, pocketcoder

_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
"""Where gzip (RFC 1952) or zlib (RFC 1950) may begin."""
_UNSEEN = re.compile(rb"(?:\x1b|\\u001b)\[[0-?]*[ -/]*[@-~]|[\r\n]|\\[rn]|<[^<>]{0,80}>")
"""What may stand within a word that is read as one: colours, the end of a row, marks of HTML."""
_BACKSLASHES = re.compile(rb"\\{2,}")


def canary(number: int) -> str:
    """One that looks like a token and like no other."""
    return f"cAnarY{number:02}q{os.urandom(9).hex()}Z{number:02}"


def encodings(secret: str) -> dict[str, bytes]:
    """The secret as it may be written somewhere."""
    plain = secret.encode()
    aligned = {
        f"base64 {n}": base64.b64encode(b"x" * n + plain)[4 if n else 0 : -4] for n in range(3)
    }
    return {
        "plain": plain,
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "reversed": plain[::-1],
        "percent": "".join(f"%{byte:02X}" for byte in plain).encode(),
        "JSON": "".join(f"\\u{ord(letter):04x}" for letter in secret).encode(),
        "UTF-16": secret.encode("utf-16-le"),
        **aligned,
    }


def sightings(sinks: Mapping[str, bytes], secret: str) -> list[str]:
    """Where a secret is, and how it is written there."""
    forms = encodings(secret)
    found = (
        f"{form} in {sink}{within}"
        for sink, held in sinks.items()
        for within, data in _readings(held)
        for form, written in forms.items()
        if written in data
    )
    return list(dict.fromkeys(found))


def _readings(held: bytes) -> Iterator[tuple[str, bytes]]:
    """What is held, JSON within JSON taken apart; as it is seen; what is packed somewhere in it."""
    once = _BACKSLASHES.sub(rb"\\", held)
    yield "", once
    seen = _UNSEEN.sub(b"", once)
    if seen != once:
        yield ", as it is seen", seen
    for found in _PACKED.finditer(held):
        unpacking = zlib.decompressobj(wbits=47)
        with contextlib.suppress(zlib.error):
            yield ", packed", unpacking.decompress(held[found.start() :], 1 << 24)


def shouted(secret: str) -> str:
    """A command that prints a secret in every encoding."""
    words = [base64.b64encode(form).decode() for form in encodings(secret).values()]
    return "; ".join(f"echo {word} | base64 -d; echo" for word in words)


def sinks_of_the_box(home: Home) -> dict[str, bytes]:
    """What the engine and the box say of themselves."""
    api = connect()
    name = container_name(home.workspace)

    def ran(*argv: str) -> bytes:
        made = api.exec_create(name, list(argv))
        return bytes(api.exec_start(made))

    def told(what: str) -> bytes:
        return ran("bash", "-c", what)

    tmux = ("tmux", "-S", "/run/pocketcoder/tmux.sock")
    try:
        facts = api.inspect_container(name)
        image = facts["Image"]
        return {
            "the container's settings": json.dumps(facts).encode(),
            "the image": json.dumps([api.inspect_image(image), api.history(image)]).encode(),
            "its environment": told("cat /proc/[0-9]*/environ"),
            "its programs' words": told("cat /proc/[0-9]*/cmdline"),
            "tmux's environment": ran(*tmux, "show-environment", "-g"),
            "tmux's options": ran(*tmux, "show-options", "-g"),
            "tmux's buffers": b"buffers:" + ran(*tmux, "list-buffers"),
            "tmux's titles": ran(*tmux, "list-panes", "-a", "-F", "#{pane_title} #{window_name}"),
            "tmux's screen": ran(*tmux, "capture-pane", "-p", "-S", "-", "-t", "pocketcoder:agent"),
            "the box's logs": told("cat /run/pocketcoder/log/* /run/pocketcoder/in/*"),
            "the box's files": told(
                "find /run /tmp /home /dev/shm /var/tmp /workspace -type f -exec cat {} +"
            ),
        }
    finally:
        api.close()


def words_of_programs(first: int) -> bytes:
    """The argument lists of a process and of all that it started, as the host's kernel has them."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    mine = {first}
    while more := {pid for pid, parent in pairs if parent in mine} - mine:
        mine |= more
    found = b""
    for pid in mine:
        with contextlib.suppress(OSError):
            found += Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


def cells(ledger: Path) -> Iterator[bytes]:
    """Every value of every table, whatever SQLite packs it into."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield from (str(v).encode() if not isinstance(v, bytes) else v for v in row)


def sinks_of_the_host(home: Home) -> dict[str, bytes]:
    """What is kept on this machine and what can be got out of it; the checkpoints are the folder's
    own content and go nowhere."""
    [state] = (home.folder / "state" / "pocketcoder").glob("shop-*")
    found = {
        str(path.relative_to(state)): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and "checkpoints" not in path.parts and path.name != "ssh_host_key"
    }
    found["the ledger's values"] = b"\0".join(cells(state / "ledger.db"))
    told = pocketcoder(home, "sessions", "--json")
    assert told.stdout, told.stderr
    session = json.loads(told.stdout)["sessions"][0]["id"]
    exports = [
        ("sessions", "export", session, "--format", form) for form in ("md", "jsonl", "html")
    ]
    for words in (
        *exports, ("sessions", "list"), ("sessions", "search", "cAnarY"), ("audit", "export"),
        ("audit", "show"), ("log",), ("log", "--json"), ("doctor", "--json"), ("stats",),
        ("network",), ("diff",), ("checkpoints", "list"), ("files", "ls"), ("rules", "list"),
    ):  # fmt: skip
        told = pocketcoder(home, *words)
        assert told.stdout + told.stderr, words
        assert "Traceback" not in told.stderr, told.stderr
        found[" ".join(words)] = (told.stdout + told.stderr).encode()
    return found
