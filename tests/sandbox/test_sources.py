"""Only the distribution's own sources go into the box."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.sandbox.frames import FrameReader
from pocketcoder_tui.sandbox.sources import Source, distribution_sources, read_sources

DEB822 = """\
Types: deb deb-src
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/php
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcdef
"""

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ONE_LINE = f"""\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by={KEYRING}] http://a.example/debian bookworm main
deb [signed-by=/etc/apt/keyrings/tool.gpg] http://tool.example/debian bookworm main
deb http://b.example/tool/apt bookworm main
deb http://c.example/debian bookworm-pgdg main
deb http://d.example/debian bookworm stable
deb-src http://e.example/debian bookworm main
deb broken
"""


def _apt(folder: Path, *, lines: str = "", deb822: str = "") -> Path:
    (folder / "sources.list.d").mkdir()
    (folder / "sources.list").write_text(lines)
    (folder / "sources.list.d" / "debian.sources").write_text(deb822)
    (folder / "sources.list.d" / "off.sources.disabled").write_text(DEB822)
    return folder


def test_deb822(tmp_path: Path) -> None:
    found = distribution_sources(read_sources(_apt(tmp_path, deb822=DEB822)), "bookworm")

    assert [source.line for source in found] == [
        f"deb [signed-by={KEYRING}] http://mirror.example/debian bookworm main",
        f"deb [signed-by={KEYRING}] http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/debian-security bookworm-security main",
    ]


def test_one_line_format(tmp_path: Path) -> None:
    found = distribution_sources(read_sources(_apt(tmp_path, lines=ONE_LINE)), "bookworm")

    assert [source.uri for source in found] == ["http://a.example/debian"]


def test_another_release_or_only_its_updates_is_nothing(tmp_path: Path) -> None:
    sources = read_sources(_apt(tmp_path, deb822=DEB822))

    assert distribution_sources(sources, "trixie") == []
    only = [Source("http://m.example/debian", "bookworm-updates", ("main",))]
    assert distribution_sources(only, "bookworm") == []


def test_ubuntu_keeps_universe(tmp_path: Path) -> None:
    line = "deb http://m.example/ubuntu noble main restricted universe multiverse\n"

    found = distribution_sources(read_sources(_apt(tmp_path, lines=line)), "noble")

    assert found[0].components == ("main", "universe")


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_sources(tmp_path / "none") == []


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    from pocketcoder_tui.sandbox import sources

    list(sources._one_line(text))
    list(sources._deb822(text))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=300))),
    st.lists(st.integers(1, 64), min_size=1),
)
def test_frames_come_out_whole_in_any_chunking(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    wire = b"".join(
        bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for stream, data in sent
    )
    reader, got, at, turn = FrameReader(), {0: b"", 1: b"", 2: b""}, 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        for stream, piece in reader.feed(wire[at : at + size]):
            got[stream] += piece
        at, turn = at + size, turn + 1

    for stream, data in got.items():
        assert data == b"".join(piece for number, piece in sent if number == stream)
