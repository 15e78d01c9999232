"""A file that is not an intact ledger of ours is refused with a sentence and stays as it is."""

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import SqliteLedger, failures, schema_report
from pocketcoder_tui.ledger.schema import migrations, newest
from tests.ledger.limits import files_no_larger_than
from tests.ledger.samples import OPENING, SESSION

NOBODY = 65534
FILES = ["ledger.db", "ledger.db.head", "ledger.db.lock"]


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, content: bytes) -> None:
    """Write a file, in a folder that may be missing."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
async def used(path: Path) -> Path:
    """A ledger with a session in it, closed."""
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
    return path


async def refused(path: Path) -> LedgerError:
    """The refusal to write to a ledger; also that its bytes stayed and the report says the same."""
    before = content_of(path)
    with pytest.raises(LedgerError) as refusal:
        async with await SqliteLedger.open(path) as ledger:
            await ledger.record(SESSION, *OPENING)
    assert content_of(path) == before
    report = schema_report(path)
    assert (report.problem, report.hint) == (refusal.value.sentence, refusal.value.hint)
    assert report.hint
    assert content_of(path) == before
    return refusal.value


async def test_a_new_ledger_is_for_its_owner_alone(path: Path) -> None:
    path = path.parent / "a" / "b?mode=memory#%41 ü" / path.name
    old = os.umask(0)
    try:
        async with await SqliteLedger.open(path) as ledger:
            await ledger.record(SESSION, *OPENING)
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert set(modes) == {"ledger.db", "ledger.db-wal", "ledger.db.lock", "ledger.db.head"}
    assert set(modes.values()) == {0o600}
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_ledger_that_others_could_read_is_closed_to_them(used: Path) -> None:
    os.chmod(used, 0o644)
    async with await SqliteLedger.open(used) as ledger:
        assert mode_of(used) == 0o600
        assert await ledger.replay(SESSION) == list(OPENING)


async def test_the_connection_is_set_up_as_designed(ledger: SqliteLedger) -> None:
    def pragma(name: str) -> object:
        return ledger._connection._conn.execute(f"PRAGMA {name}").fetchone()[0]

    names = ["journal_mode", "locking_mode", "synchronous", "foreign_keys", "recursive_triggers"]

    assert await ledger._connection.run(lambda _: [pragma(n) for n in names]) == [
        "wal",
        "exclusive",
        2,
        1,
        1,
    ]


async def test_an_empty_file_is_a_new_ledger(path: Path) -> None:
    put(path, b"")
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.sessions() == []


async def test_what_an_interrupted_creation_left_is_cleared_away(path: Path) -> None:
    path.parent.mkdir()
    for suffix in (".new", ".new-wal", ".new-journal"):
        path.with_name(path.name + suffix).write_bytes(b"half")
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.sessions() == []
    assert sorted(p.name for p in path.parent.iterdir()) == FILES


@pytest.mark.parametrize("content", [b"x", b"\0" * 512, b"plain text\n" * 1000, os.urandom(9000)])
async def test_a_file_that_is_not_sqlite(path: Path, content: bytes) -> None:
    put(path, content)
    assert "not a ledger" in (await refused(path)).sentence


async def test_a_database_of_another_program(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url)")
        other.commit()
    assert "another program" in (await refused(path)).sentence


async def test_a_ledger_from_a_newer_version(used: Path) -> None:
    with closing(sqlite3.connect(used)) as other:
        other.execute("INSERT INTO migration VALUES (99, 'from_the_future', 1.0)")
        other.commit()
    error = await refused(used)
    assert "newer" in error.sentence
    assert "99" in error.sentence


async def test_a_ledger_cut_short_anywhere(used: Path) -> None:
    whole = content_of(used)
    for length in [*range(1, 600, 97), *range(1024, len(whole), 7001), len(whole) - 1]:
        put(used, whole[:length])
        await refused(used)
    put(used, whole)
    async with await SqliteLedger.open(used) as ledger:
        assert await ledger.replay(SESSION) == list(OPENING)


async def test_a_page_of_zeros_is_found(used: Path) -> None:
    whole = content_of(used)
    for page in range(len(whole) // 4096):
        put(used, whole[: page * 4096] + bytes(4096) + whole[(page + 1) * 4096 :])
        await refused(used)


async def test_a_schema_that_is_no_text_is_found(used: Path) -> None:
    whole = content_of(used)
    for word in (b"CREATE TABLE migration", b"tablemigration", b"indexevent_of_session"):
        assert word in whole
        put(used, whole.replace(word, word[:5] + b"\xa0" + word[6:]))
        await refused(used)


async def test_a_folder_in_its_place(path: Path) -> None:
    os.makedirs(path)
    with pytest.raises(LedgerError, match="not a file"):
        await SqliteLedger.open(path)
    assert "not a file" in schema_report(path).problem


async def test_a_file_where_its_folder_should_be(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(LedgerError, match=r"Not a directory|File exists"):
        await SqliteLedger.open(path)
    assert schema_report(path).problem


@contextmanager
def an_ordinary_person() -> Iterator[Path]:
    """A folder of a user for whom permissions count; root passes for nobody meanwhile."""
    was_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        if was_root:
            os.chown(home, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield home
        finally:
            if was_root:
                os.seteuid(0)
            home.chmod(0o755)


async def test_files_and_folders_without_permission() -> None:
    with an_ordinary_person() as home:
        path = home / "ledger.db"
        async with await SqliteLedger.open(path) as ledger:
            await ledger.record(SESSION, *OPENING)

        path.chmod(0o000)
        error = await refused_unread(path)
        assert "Permission denied" in error.sentence

        path.chmod(0o600)
        home.chmod(0o555)
        error = await refused_unread(path)
        assert "cannot be" in error.sentence
        assert schema_report(path).version == newest()

        nested = home / "more" / "ledger.db"
        assert "Permission denied" in (await refused_unread(nested)).sentence

        home.chmod(0o755)
        async with await SqliteLedger.open(path) as ledger:
            assert await ledger.replay(SESSION) == list(OPENING)


async def refused_unread(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as refusal:
        await SqliteLedger.open(path)
    assert refusal.value.hint
    return refusal.value


def crashed(path: Path) -> Path:
    """What kill -9 would leave of an open ledger, in another place: file, log and head."""
    left = path.parent.parent / "crashed" / path.name
    for suffix in ("", "-wal", ".head"):
        put(left.with_name(left.name + suffix), content_of(path.with_name(path.name + suffix)))
    return left


async def test_a_log_left_by_a_crash_is_read_and_then_taken_in(
    path: Path, ledger: SqliteLedger
) -> None:
    await ledger.record(SESSION, *OPENING)
    left = crashed(path)
    report = schema_report(left)
    assert (report.version, report.problem) == (newest(), "")
    async with await SqliteLedger.open(left) as again:
        assert await again.replay(SESSION) == list(OPENING)
    assert sorted(os.listdir(left.parent)) == FILES


async def test_a_refused_ledger_keeps_its_log_too(path: Path, ledger: SqliteLedger) -> None:
    newer = "INSERT INTO migration VALUES (99, 'from_the_future', 1.0)"
    await ledger._connection.run(lambda db: db.execute(newer).rowcount)
    left = crashed(path)
    log = left.with_name(left.name + "-wal")
    before = content_of(log)
    assert before
    assert "newer" in (await refused(left)).sentence
    assert content_of(log) == before


async def test_no_space_for_the_index_of_a_log(path: Path, ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    left = crashed(path)
    with files_no_larger_than(1000):
        assert (await refused(left)).sentence == failures.FULL
    async with await SqliteLedger.open(left) as again:
        assert await again.replay(SESSION) == list(OPENING)


async def test_a_report_makes_and_changes_nothing(path: Path, used: Path) -> None:
    before = {p.name: content_of(p) for p in used.parent.iterdir()}
    report = schema_report(used)
    assert {p.name: content_of(p) for p in used.parent.iterdir()} == before
    assert (report.version, report.newest) == (newest(), newest())
    assert (report.problem, report.owner) == ("", None)
    assert [(m.number, m.name) for m in report.migrations] == [
        (m.number, m.name) for m in migrations()
    ]
    assert report.records > 0
    assert len(report.head) == 64
    assert {"event", "session", "turn", "action", "decision", "dispatch", "execution"} <= set(
        report.tables
    )
    assert report.size_bytes == len(content_of(used))
    nowhere = path.parent / "nowhere" / "ledger.db"
    assert schema_report(nowhere).exists is False
    assert schema_report(nowhere).problem == ""
    assert not nowhere.parent.exists()
