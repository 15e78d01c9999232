"""The audit head survives torn writes, is announced before a commit, and allows no other end."""

import json
import os
import stat
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import LedgerDamaged
from pocketcoder_tui.ledger.head import (
    LINE,
    START,
    FileSum,
    Head,
    Link,
    Mark,
    check_end,
    head_path,
    read_head,
)

ONE, TWO, THREE = (Link(n, str(n) * 64) for n in (1, 2, 3))


@pytest.fixture
def head(path: Path) -> Head:
    path.parent.mkdir()
    return Head(path)


def at_one(head: Head) -> None:
    head.announce(ONE)
    head.confirm()


def test_a_new_head_is_private_and_at_the_start(path: Path, head: Head) -> None:
    assert read_head(path) == Mark(START)
    assert stat.S_IMODE(head_path(path).stat().st_mode) == 0o600
    assert head_path(path).stat().st_size == 2 * LINE
    assert read_head(path.with_name("other")) is None


def test_announced_then_confirmed(path: Path, head: Head) -> None:
    at_one(head)
    assert read_head(path) == Mark(ONE)
    head.announce(TWO)
    assert read_head(path) == Mark(ONE, TWO)
    head.confirm()
    assert read_head(path) == Mark(TWO)
    again = Head(path)
    assert again.mark == Mark(TWO)
    again.announce(THREE)
    assert read_head(path) == Mark(TWO, THREE)


def test_a_transaction_that_failed_is_announced_over(path: Path, head: Head) -> None:
    at_one(head)
    head.announce(TWO)
    head.announce(THREE)
    assert read_head(path) == Mark(ONE, THREE)


def test_the_sum_of_the_file_goes_before_the_first_write(path: Path, head: Head) -> None:
    at_one(head)
    head.seal(FileSum(7, "f" * 64))
    assert read_head(path) == Mark(ONE, file=FileSum(7, "f" * 64))
    again = Head(path)
    again.settle(ONE)
    again.unseal()
    assert read_head(path) == Mark(ONE)


@pytest.mark.parametrize("length", [0, 1, 100, 200])
def test_a_torn_line_leaves_the_one_before_it(path: Path, head: Head, length: int) -> None:
    """A write that a power cut tore: its beginning is there, the rest is what was before."""
    at_one(head)
    before = head_path(path).read_bytes()
    head.announce(TWO)
    after = head_path(path).read_bytes()
    start = next(n for n in (0, LINE) if before[n : n + LINE] != after[n : n + LINE])
    torn = bytearray(before)
    torn[start : start + length] = after[start : start + length]
    head_path(path).write_bytes(torn)
    assert read_head(path) == Mark(ONE)


def test_every_flipped_bit_is_noticed(path: Path, head: Head) -> None:
    at_one(head)
    head.announce(TWO)
    whole = head_path(path).read_bytes()
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        head_path(path).write_bytes(changed)
        mark = read_head(path)
        # The spaces that fill a line up say nothing; else the other line stands in.
        assert mark in (Mark(ONE, TWO), Mark(ONE))


@pytest.mark.parametrize(
    "content", [b"x", b"[1, 2]\n" * 100, b"\0" * 1024, json.dumps(["[]", "x"]).encode()]
)
def test_a_head_that_is_none_is_a_sentence(path: Path, head: Head, content: bytes) -> None:
    head_path(path).write_bytes(content)
    with pytest.raises(LedgerDamaged, match="cannot be read"):
        read_head(path)
    with pytest.raises(LedgerDamaged, match="cannot be read"):
        Head(path)


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    os.symlink(tmp_path / "precious", head_path(path))
    with pytest.raises(OSError, match="symbolic link"):
        Head(path)
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("mark", "end", "said"),
    [
        (Mark(START), ONE, ""),
        (Mark(START), START, ""),
        (Mark(ONE), ONE, ""),
        (Mark(ONE, TWO), ONE, ""),
        (Mark(ONE, TWO), TWO, ""),
        (Mark(START), TWO, "something else wrote"),
        (Mark(TWO), ONE, "cut off or put back"),
        (Mark(TWO, THREE), ONE, "cut off or put back"),
        (Mark(ONE), TWO, "something else wrote"),
        (Mark(ONE, TWO), THREE, "something else wrote"),
        (Mark(ONE), Link(1, "f" * 64), "not the one"),
        (Mark(ONE, TWO), Link(2, "f" * 64), "not the one"),
        (Mark(START, TWO), ONE, "cut off or put back"),
    ],
)
def test_which_ends_a_head_allows(path: Path, mark: Mark, end: Link, said: str) -> None:
    if not said:
        check_end(path, mark, end)
        return
    with pytest.raises(LedgerDamaged, match=said):
        check_end(path, mark, end)
