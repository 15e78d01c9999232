"""What the engine accounts for: logins, keys; and what it says of a ledger that is damaged."""

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.errors import LedgerDamaged
from pocketcoder_tui.core.transcript import Remark
from pocketcoder_tui.engine.assembly import make_workbench
from pocketcoder_tui.engine.library import SECONDS_OF_A_DAY
from pocketcoder_tui.engine.login import login
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import records
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running
from tests.ledger.tampering import TABLES, change, fill

KEY = "AIza-0123456789-secret"


def of_kind(path: Path, kind: AuditKind) -> list[dict[str, Any]]:
    return [record for record, _, _ in records(path) if record["kind"] == kind]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "shop").mkdir()
    environ = {"HOME": str(tmp_path)}
    paths = Paths.for_workspace(tmp_path / "shop", environ)
    paths.prepare()
    return Options(paths, Settings(gemini_api_key=SecretStr(KEY)))


async def test_a_login_says_who_from_where_and_with_which_version(options: Options) -> None:
    session = await make_workbench(options)
    await session._ledger.verified()
    await session.aclose()
    (record,) = of_kind(options.paths.ledger, AuditKind.LOGIN)
    assert set(record["facts"]) == {"who", "uid", "tty", "host", "pid", "version"}
    assert (record["facts"]["uid"], record["facts"]["pid"]) == (os.getuid(), os.getpid())
    assert record["facts"] == dict(sorted(login().facts.items()))


async def test_a_key_in_use_is_accounted_for_and_never_written(options: Options) -> None:
    session = await make_workbench(options)
    await session.models.account("in use")
    await session.aclose()
    (record,) = of_kind(options.paths.ledger, AuditKind.KEY)
    facts = record["facts"]
    assert (facts["what"], facts["provider"]) == ("in use", "gemini")
    assert facts["model"] == options.settings.model
    assert len(facts["fingerprint"]) == 8
    everything = b"".join(p.read_bytes() for p in options.paths.state.rglob("*") if p.is_file())
    assert KEY.encode() not in everything


async def test_a_key_that_is_entered_is_accounted_for(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        await rig.session.set_key(KEY)
    (record,) = of_kind(tmp_path / "ledger.db", AuditKind.KEY)
    assert record["facts"] == {"what": "entered", "model": "script"}


async def test_a_key_at_the_start_is_accounted_for(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(says("hi")))
    rig.key = AuditNote(AuditKind.KEY, {"model": "script"})
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("hello")
        await rig.rest()
    (record,) = of_kind(tmp_path / "ledger.db", AuditKind.KEY)
    assert record["facts"] == {"what": "in use", "model": "script"}


async def test_a_damaged_ledger_is_said_on_the_screen_and_nothing_leaves(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await fill(path)
    change(path, TABLES["who decided"], random.Random(1))
    model = ScriptedModel(shell("ls"))
    async with running(tmp_path, model) as rig:
        await rig.until(lambda: bool(remarks(rig)))
        assert "is damaged" in remarks(rig)[0].sentence
        assert "pocketcoder recover" in remarks(rig)[0].hint
        with pytest.raises(LedgerDamaged):
            await rig.session.send("please")
        assert model.requests == []
        assert rig.terminal.ran == []


def remarks(rig: Rig) -> list[Remark]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Remark)]


async def test_a_deleted_session_takes_its_long_outputs_along(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("one", "two"), says("done"))) as rig:
        await rig.session.send("go")
        for deed in await rig.waiting(2):
            await rig.allow(deed)
        await rig.rest()
        session_id = rig.session.transcript.session_id
        ids = [id for id, _ in rig.terminal.ran]
    kept = [tmp_path / "outputs" / f"{id}.txt" for id in (*ids, "f" * 32)]
    kept[0].parent.mkdir(exist_ok=True)
    for place in kept:
        put(place, "long")
    async with running(tmp_path, ScriptedModel()) as rig:
        await rig.session.library.delete(session_id)
        assert [s.id for s in await rig.session.sessions()] == []
    assert [place.exists() for place in kept] == [False, False, True]


def put(place: Path, text: str, age: float = 0.0) -> None:
    place.write_text(text)
    os.utime(place, (time.time() - age, time.time() - age))


async def test_old_output_goes_at_the_start_if_a_setting_says_so(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    for name, age in (("a", 1.0), ("b", 3.0)):
        put(tmp_path / "outputs" / f"{name * 32}.txt", "long", age * SECONDS_OF_A_DAY)
    for days, there in ((0, ["a", "b"]), (4, ["a", "b"]), (2, ["a"])):
        rig = Rig(ScriptedModel(says("hi")))
        rig.output_days = days
        async with running(tmp_path, rig.model, rig=rig):
            await rig.session.send("hello")
            await rig.rest()
            await rig.session.library.prune(days)
        assert sorted(p.name[0] for p in (tmp_path / "outputs").iterdir()) == there


async def test_archived_sessions_are_resumed_by_name_and_not_by_continue(options: Options) -> None:
    async with await SqliteLedger.open(options.paths.ledger) as ledger:
        for name in "ab":
            session = name * 32
            await ledger.record(session, ev.SessionStarted(session, "/w", 1.0))
        await ledger.shelf.archive("b" * 32)
    for chosen, session in (
        (Options(options.paths, options.settings, latest=True), "a" * 32),
        (Options(options.paths, options.settings, resume="bb"), "b" * 32),
    ):
        workbench = await make_workbench(chosen)
        assert workbench.transcript.session_id == session
        await workbench.aclose()
