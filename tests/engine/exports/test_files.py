"""The person's files: new ones only, within bounds, and never through a link of the agent's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.engine.exports import Format, files, format_of, lines_of, render, write_new
from tests.engine.exports.stories import ORDINARY


def test_a_file_is_new_and_its_owners_alone(tmp_path: Path) -> None:
    place = tmp_path / "out.html"
    write_new(place, "é\n")
    assert place.read_bytes() == "é\n".encode()
    assert place.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PocketCoderError, match="already"):
        write_new(place, "other")
    (tmp_path / "link").symlink_to(tmp_path / "not-there")
    for wrong in (tmp_path / "link", tmp_path / "no" / "x", tmp_path / "a\0b", tmp_path):
        with pytest.raises(PocketCoderError):
            write_new(wrong, "x")
    assert not (tmp_path / "not-there").exists()


def test_a_disk_that_is_full_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    """The process may write 1,000 bytes more (RLIMIT_FSIZE), as on a disk with no more space."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from pocketcoder_tui.engine.exports import write_new\n"
        "from pocketcoder_tui.core.errors import PocketCoderError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_new(Path(sys.argv[1]), 'x' * 100_000)\n"
        "except PocketCoderError as error: print(error)\n"
    )
    place = tmp_path / "x.html"
    argv = [sys.executable, "-c", code, str(place)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert not place.exists()


def test_a_folder_of_the_workspace_that_leads_out_of_it_is_refused(tmp_path: Path) -> None:
    shop, private = tmp_path / "shop", tmp_path / "private"
    shop.mkdir()
    private.mkdir()
    (shop / "out").symlink_to(private)
    with pytest.raises(PocketCoderError, match="leads out of the workspace"):
        write_new(shop / "out" / "x.md", "x", workspace=shop)
    assert list(private.iterdir()) == []
    (shop / "docs").mkdir()
    write_new(shop / "docs" / "x.md", "x", workspace=shop)
    write_new(private / "x.md", "x", workspace=shop)


def test_lines_come_one_by_one_and_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "x.jsonl"
    place.write_bytes("é\n\nlast".encode())
    assert list(lines_of(place)) == ["é\n", "\n", "last"]
    place.write_bytes(b"fine\n\xff\n")
    with pytest.raises(PocketCoderError, match=r"Line 2 of .* is not UTF-8"):
        list(lines_of(place))
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    place.write_bytes(b"fine\n" + b"x" * 11)
    with pytest.raises(PocketCoderError, match=r"Line 2 of .* is longer than 10"):
        list(lines_of(place))
    monkeypatch.setattr(files, "LARGEST", 15)
    with pytest.raises(PocketCoderError, match="16 bytes"):
        list(lines_of(place))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for wrong in ("pipe", ".", "nothing", "a\0b"):
        with pytest.raises(PocketCoderError):
            list(lines_of(tmp_path / wrong))


def test_a_form_is_known_by_its_ending() -> None:
    assert [format_of(n) for n in ("a.md", "b/x.HTML", "c.htm", "d.jsonl", "e.pdf", "md", "")] == [
        Format.MARKDOWN, Format.PAGE, Format.PAGE, Format.LINES, None, None, None
    ]  # fmt: skip
    assert render(Format.LINES, [], ["{}", "{}"]) == "{}\n{}\n"
    assert render(Format.PAGE, ORDINARY, []).startswith("<!DOCTYPE html>")
    assert render(Format.MARKDOWN, ORDINARY, []).startswith("# ")
