"""The `.env`: private from its first byte, whole or not at all, and nobody's line is lost."""

import os
import stat
import threading
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.config import secrets
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.secrets import (
    GENERATED,
    box_seal,
    ensure_secrets,
    keep_key,
    write_env,
)
from pocketcoder_tui.config.settings import env_example, load_settings
from pocketcoder_tui.core.errors import ConfigError


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_are_generated_once(paths: Paths) -> None:
    assert ensure_secrets(paths.env_file, env_example()) == list(GENERATED)
    first = paths.env_file.read_text()
    assert private(paths.env_file)
    assert "# The most memory the box may use." in first
    assert ensure_secrets(paths.env_file, env_example()) == []
    assert paths.env_file.read_text() == first
    secret = load_settings(paths).local_secret
    assert secret is not None
    assert len(bytes.fromhex(secret.get_secret_value())) == 32


def test_keys_that_are_there_stay_with_comments_and_order(paths: Paths) -> None:
    paths.env_file.write_text(
        "# mine\nexport GEMINI_API_KEY='abc'  # work\n\nOTHER=1\nPOCKETCODER_LOCAL_SECRET=\n# end"
    )
    ensure_secrets(paths.env_file, env_example())
    lines = paths.env_file.read_text().splitlines()
    assert lines[:4] == ["# mine", "export GEMINI_API_KEY='abc'  # work", "", "OTHER=1"]
    assert lines[4].startswith("POCKETCODER_LOCAL_SECRET=")
    assert len(lines[4]) == len("POCKETCODER_LOCAL_SECRET=") + 64
    assert lines[5:] == ["# end"]


def test_a_missing_name_is_added_after_a_last_line_without_newline(paths: Paths) -> None:
    paths.env_file.write_text("A=1")
    assert write_env(paths.env_file, {"B": "2"}) == ["B"]
    assert paths.env_file.read_text() == "A=1\nB=2\n"


def test_an_open_file_is_closed_even_when_nothing_is_missing(paths: Paths) -> None:
    ensure_secrets(paths.env_file)
    paths.env_file.chmod(0o644)
    ensure_secrets(paths.env_file)
    assert private(paths.env_file)


def test_private_whatever_the_umask(paths: Paths) -> None:
    before = os.umask(0)
    try:
        write_env(paths.env_file, {"A": "1"})
    finally:
        os.umask(before)
    assert private(paths.env_file)


def test_a_linked_file_is_written_where_it_is(paths: Paths, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.env"
    real.write_text("A=1\n")
    paths.env_file.symlink_to(real)
    write_env(paths.env_file, {"B": "2"})
    assert paths.env_file.is_symlink()
    assert real.read_text() == "A=1\nB=2\n"


def test_a_crash_before_the_rename_leaves_the_old_file(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.env_file.write_text("GEMINI_API_KEY=abc\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secrets.os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written: No space left"):
        ensure_secrets(paths.env_file)
    assert paths.env_file.read_text() == "GEMINI_API_KEY=abc\n"
    assert [entry.name for entry in paths.config.iterdir()] == [".env"]


def test_two_at_once_agree_on_one_secret(paths: Paths) -> None:
    wrote: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: wrote.append(ensure_secrets(paths.env_file)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, wrote)) == [0] * 7 + [1]


@pytest.mark.parametrize("value", ["two\nlines", "x\x1b[0m", "${HOME}", " padded", "\x00"])
def test_a_value_that_would_not_come_back_is_refused_without_showing_it(
    paths: Paths, value: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        write_env(paths.env_file, {"GEMINI_API_KEY": value})
    assert value not in caught.value.sentence + caught.value.hint
    assert not paths.env_file.exists()


@given(value=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_what_is_written_is_what_is_read(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if "${" in value:
        return
    path = tmp_path_factory.mktemp("env") / ".env"
    write_env(path, {"A": "before", "KEY": value, "Z": "after"})
    write_env(path, {"A": value}, replace=True)
    assert dict(dotenv_values(path)) == {"A": value, "KEY": value, "Z": "after"}


@pytest.mark.parametrize(
    "present", ["", "GOOGLE_API_KEY=old\n", "POCKETCODER_GEMINI_API_KEY=old\n"]
)
def test_a_new_key_counts_at_the_next_start(paths: Paths, present: str) -> None:
    paths.env_file.write_text(present)
    name = keep_key(paths.env_file, "new")
    assert name == (present.partition("=")[0] or "GEMINI_API_KEY")
    key = load_settings(paths).gemini_api_key
    assert key is not None
    assert key.get_secret_value() == "new"
    assert private(paths.env_file)


def test_a_seal_depends_on_secret_and_workspace() -> None:
    seals = {
        box_seal(secret, Path(workspace)) for secret in ("a", "b") for workspace in ("/x", "/y")
    }
    assert len(seals) == 4
    assert all(len(bytes.fromhex(seal)) == 32 for seal in seals)
    assert box_seal("a", Path("/x\udcff"))
