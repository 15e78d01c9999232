"""A ledger that is not as it was written is refused before anything is written to it or sent."""

import asyncio
import random
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.ledger import SqliteLedger, failures
from pocketcoder_tui.ledger.head import head_path
from pocketcoder_tui.ledger.inspection import examine
from tests.ledger.samples import SESSION, action, decided, dispatched, proposed
from tests.ledger.tampering import (
    CHAIN,
    TABLES,
    Change,
    change,
    drop_a_trigger,
    files_of,
    fill,
    flip,
    killed,
    put_files,
)

Files = dict[str, bytes]


async def refusal(path: Path) -> LedgerError:
    """How writing to a ledger is refused; also that its bytes stay as they are."""
    before = files_of(path)
    with pytest.raises(LedgerError) as refused:
        await dispatch(path)
    assert files_of(path) == before
    assert refused.value.hint
    with pytest.raises(LedgerError) as said:
        examine(path)
    assert said.value.sentence == refused.value.sentence
    return refused.value


async def dispatch(path: Path) -> None:
    """Open a ledger and let an action leave."""
    what = action("new")
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, proposed(what), decided(what), dispatched(what))


async def test_a_ledger_as_it_was_left_is_whole(tmp_path: Path, sittings: list[Files]) -> None:
    for files in (sittings[-1], killed(sittings[-1])):
        path = put_files(tmp_path, files)
        found = examine(path)
        assert found.covered == found.events > 100
        await dispatch(path)
        assert examine(path).events == found.events + 3


@pytest.mark.parametrize("was_killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("how", CHAIN, ids=lambda how: how.__name__)
async def test_a_changed_chain_is_found(
    tmp_path: Path, sittings: list[Files], how: Change, was_killed: bool
) -> None:
    draw = random.Random(how.__name__)
    for _ in range(6):
        files = killed(sittings[-1]) if was_killed else sittings[-1]
        path = put_files(tmp_path, files)
        change(path, how, draw)
        assert isinstance(await refusal(path), LedgerDamaged)


@pytest.mark.parametrize("name", TABLES)
async def test_a_table_that_says_something_else_than_the_events_is_found(
    tmp_path: Path, sittings: list[Files], name: str
) -> None:
    path = put_files(tmp_path, killed(sittings[-1]))
    change(path, TABLES[name], random.Random(1))
    assert isinstance(await refusal(path), LedgerDamaged)


async def test_a_guard_that_was_taken_away_is_found(tmp_path: Path, sittings: list[Files]) -> None:
    path = put_files(tmp_path, killed(sittings[-1]))
    drop_a_trigger(path, "dispatch_insert")
    assert "triggers" in (await refusal(path)).sentence


@pytest.mark.parametrize("sitting", range(3))
async def test_an_older_state_put_back_is_found(
    tmp_path: Path, sittings: list[Files], sitting: int
) -> None:
    old = sittings[sitting]["ledger.db"]
    path = put_files(tmp_path, sittings[-1] | {"ledger.db": old})
    assert "put back to an older state" in (await refusal(path)).sentence


async def test_records_that_the_head_does_not_know_are_found(
    tmp_path: Path, sittings: list[Files]
) -> None:
    old = sittings[1]["ledger.db.head"]
    path = put_files(tmp_path, sittings[-1] | {"ledger.db.head": old})
    assert "something else wrote to it" in (await refusal(path)).sentence


async def test_another_ledger_of_the_same_length_is_found(
    tmp_path: Path, sittings: list[Files]
) -> None:
    await fill(tmp_path / "other" / "ledger.db")
    other = files_of(tmp_path / "other" / "ledger.db")["ledger.db"]
    path = put_files(tmp_path / "here", sittings[-1] | {"ledger.db": other})
    assert "is not the one its head knows" in (await refusal(path)).sentence


@pytest.mark.parametrize("content", [None, b"", b"x" * 1024, b"\0" * 1024], ids=range(4))
async def test_a_lost_or_ruined_head_is_said(
    tmp_path: Path, sittings: list[Files], content: bytes | None
) -> None:
    path = put_files(tmp_path, sittings[-1])
    if content is None:
        head_path(path).unlink()
    else:
        head_path(path).write_bytes(content)
    assert "audit head" in (await refusal(path)).sentence


async def test_a_ledger_that_is_gone_is_not_begun_anew(
    tmp_path: Path, sittings: list[Files]
) -> None:
    for content in (None, b""):
        path = put_files(tmp_path, sittings[-1])
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(LedgerDamaged, match="is gone") as refused:
            await SqliteLedger.open(path)
        assert str(head_path(path)) in refused.value.hint
        assert path.exists() is (content is not None)
    head_path(path).unlink()
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.sessions() == []


async def test_a_flipped_bit_is_found(tmp_path: Path, sittings: list[Files]) -> None:
    """All of them after a close in order; after a kill all but those that no row is made of."""
    draw = random.Random(7)
    whole = sittings[-1]["ledger.db"]
    for was_killed, least in ((False, 60), (True, 20)):
        found = 0
        for _ in range(60):
            files = killed(sittings[-1]) if was_killed else dict(sittings[-1])
            files["ledger.db"] = flip(whole, draw.randrange(len(whole) * 8))
            path = put_files(tmp_path, files)
            found += await refused_whole(path)
        assert found >= least


async def refused_whole(path: Path) -> bool:
    """Say whether a ledger is refused, and then that it is explained and its bytes stay."""
    before = files_of(path)
    try:
        async with await SqliteLedger.open(path) as ledger:
            await ledger.verified()
    except LedgerError as error:
        return bool(error.sentence and error.hint) and files_of(path) == before
    return False


async def test_a_damaged_ledger_can_still_be_read_and_nothing_is_written(
    tmp_path: Path, sittings: list[Files]
) -> None:
    path = put_files(tmp_path, killed(sittings[-1]))
    change(path, TABLES["who decided"], random.Random(1))
    async with await SqliteLedger.open(path) as ledger:
        assert len(await ledger.sessions()) == 1
        events = await ledger.replay(SESSION)
        for _ in range(2):
            with pytest.raises(LedgerDamaged, match="the decision 0-1"):
                await ledger.record(SESSION, proposed(action("new")))
        assert await ledger.replay(SESSION) == events


async def test_many_writers_wait_for_one_check(tmp_path: Path, sittings: list[Files]) -> None:
    path = put_files(tmp_path, sittings[-1])
    async with await SqliteLedger.open(path) as ledger:
        names = [f"n{n}" for n in range(20)]
        await asyncio.gather(*(ledger.record(SESSION, proposed(action(n))) for n in names))
        assert ledger._check is not None
    assert examine(path).events == len(await replayed(path))


async def replayed(path: Path) -> list[object]:
    async with await SqliteLedger.open(path) as ledger:
        return list(await ledger.replay(SESSION))


async def test_a_close_in_the_middle_of_the_check_is_in_order(
    tmp_path: Path, sittings: list[Files]
) -> None:
    path = put_files(tmp_path, sittings[-1])
    ledger = await SqliteLedger.open(path)
    check = asyncio.ensure_future(ledger.verified())
    await asyncio.sleep(0)
    await ledger.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await check
    assert files_of(path) == sittings[-1]
    assert examine(path)


def test_the_hints_say_what_to_do() -> None:
    assert "pocketcoder restore FILE" in LedgerDamaged.hint
    assert "pocketcoder recover" in LedgerDamaged.hint
    assert failures.FOREIGN_HINT
