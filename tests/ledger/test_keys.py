"""SSH keys in the ledger: kept, never changed, and under the chain."""

import base64
import random
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError, TransitionRefused
from pocketcoder_tui.core.keys import KeptKey, fingerprint_of
from pocketcoder_tui.ledger import SqliteLedger, open_to_look
from pocketcoder_tui.ledger.inspection import examine, records
from tests.ledger.tampering import change, statement


def key(name: str) -> KeptKey:
    blob = base64.b64encode(name.encode() * 12).decode()
    return KeptKey("ssh-ed25519", blob, fingerprint_of(blob), name, 0.0, "ada")


async def test_a_key_is_kept_switched_off_and_removed_with_a_record_each(path: Path) -> None:
    async with await SqliteLedger.open(path, clock=lambda: 5.0) as ledger:
        phone = await ledger.keys.add(key("phone"))
        laptop = await ledger.keys.add(key("laptop"))
        assert phone == replace(key("phone"), number=1, added=5.0)
        await ledger.keys.disable(1, True, "eve")
        assert await ledger.keys.all() == [replace(phone, disabled=True), laptop]
        await ledger.keys.disable(1, False, "ada")
        await ledger.keys.remove(1, "ada")
        assert await ledger.keys.all() == [replace(phone, removed=5.0), laptop]
        assert [one.lets_in for one in await ledger.keys.all()] == [False, True]
        again = await ledger.keys.add(key("phone"))
        assert again.number == 3
    async with await SqliteLedger.open(path) as ledger:
        await ledger.verified()
        assert [one.number for one in await ledger.keys.all()] == [1, 2, 3]
    told = [r["facts"] for r, _, _ in records(path) if r["kind"] == "ssh_key"]
    assert [(f["what"], f["key"], f["by"]) for f in told] == [
        ("added", 1, "ada"), ("added", 2, "ada"), ("disabled", 1, "eve"), ("enabled", 1, "ada"),
        ("removed", 1, "ada"), ("added", 3, "ada"),
    ]  # fmt: skip
    assert told[0]["fingerprint"] == key("phone").fingerprint
    assert "phone" not in str(told)
    examine(path)


async def test_a_key_and_a_name_are_there_once(ledger: SqliteLedger) -> None:
    await ledger.keys.add(key("phone"))
    with pytest.raises(TransitionRefused, match="This key is there already"):
        await ledger.keys.add(replace(key("phone"), name="other"))
    with pytest.raises(TransitionRefused, match="a key with this name"):
        await ledger.keys.add(replace(key("laptop"), name="phone"))
    for number in (0, 2, 99):
        with pytest.raises(LedgerError, match="no key"):
            await ledger.keys.disable(number, True, "ada")
    await ledger.keys.remove(1, "ada")
    with pytest.raises(LedgerError, match="no key 1"):
        await ledger.keys.remove(1, "ada")
    with pytest.raises(LedgerError, match="no key 1"):
        await ledger.keys.disable(1, False, "ada")
    assert len(await ledger.keys.all()) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ssh_key SET blob = 'AAAA'",
        "UPDATE ssh_key SET kind = 'ssh-rsa'",
        "UPDATE ssh_key SET fingerprint = fingerprint || 'x'",
        "UPDATE ssh_key SET name = 'mallory'",
        "UPDATE ssh_key SET added = added + 1",
        "UPDATE ssh_key SET added_by = 'mallory'",
        "UPDATE ssh_key SET disabled = 0 WHERE number = 2",
        "UPDATE ssh_key SET removed = 0 WHERE number = 3",
        "UPDATE ssh_key SET removed = removed + 1 WHERE number = 3",
        "UPDATE ssh_key SET number = 9 WHERE number = 3",
        "DELETE FROM ssh_key WHERE number = 3",
        "INSERT INTO ssh_key SELECT 4, kind, blob, fingerprint, 'x', added, added_by, 0, 0"
        " FROM ssh_key WHERE number = 3",
    ],
)
async def test_a_key_that_was_changed_past_the_triggers_is_found(path: Path, sql: str) -> None:
    async with await SqliteLedger.open(path) as ledger:
        for name in ("phone", "laptop", "lost"):
            await ledger.keys.add(key(name))
        await ledger.keys.disable(2, True, "ada")
        await ledger.keys.remove(3, "ada")
    examine(path)
    change(path, statement(sql), random.Random(1))
    with pytest.raises(LedgerDamaged):
        examine(path, beside_head=False)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ssh_key SET blob = 'AAAA'",
        "UPDATE ssh_key SET fingerprint = 'x'",
        "UPDATE ssh_key SET removed = 0",
        "DELETE FROM ssh_key",
        "INSERT INTO ssh_key SELECT 9, kind, blob, fingerprint, 'x', added, added_by, 0, 5.0"
        " FROM ssh_key",
    ],
)
async def test_what_is_kept_cannot_be_changed_by_a_statement(
    ledger: SqliteLedger, sql: str
) -> None:
    await ledger.keys.add(key("phone"))
    await ledger.keys.remove(1, "ada")
    with pytest.raises(TransitionRefused):
        await ledger.write(lambda writer: writer.db.execute(sql))


async def test_keys_are_read_beside_the_owner(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.keys.add(key("phone"))
    async with await open_to_look(path) as look:
        assert [one.name for one in await look.keys.all()] == ["phone"]
