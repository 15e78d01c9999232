"""SSH keys in a session: the door knows of every change before whoever made it is told."""

import asyncio
import base64
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.engine.answering import Answering
from pocketcoder_tui.engine.keybook import NoSuchKey
from pocketcoder_tui.gatekeeper.sshkeys import SshKeyRefused
from pocketcoder_tui.ledger.inspection import records
from tests.engine.fakes import ScriptedModel
from tests.engine.rig import Rig, running


def line(seed: int, comment: str = "") -> str:
    inside = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([seed]) * 32
    return f"ssh-ed25519 {base64.b64encode(inside).decode()} {comment}".rstrip()


class FakeDoor:
    """A door that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.steps: list[str] = []
        self.started = asyncio.Event()
        self.error: SandboxError | None = None
        self.slow: asyncio.Event | None = None
        self.box: Callable[[], Box | None]
        self.came_in: Callable[[KeptKey], None]
        self.state = DoorState("127.0.0.1:1", "", "SHA256:h")

    def make(self, box: Callable[[], Box | None], came_in: Callable[[KeptKey], None]) -> "FakeDoor":
        self.box, self.came_in = box, came_in
        return self

    async def admit(self, keys: Collection[KeptKey]) -> None:
        if self.slow is not None:
            await self.slow.wait()
        self.told.append([key.name for key in keys])
        self.steps.append("admit")

    async def start(self) -> None:
        self.steps.append("start")
        self.started.set()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.steps.append("close")


def with_door() -> tuple[Rig, FakeDoor]:
    rig, door = Rig(ScriptedModel([])), FakeDoor()
    rig.door = door.make
    return rig, door


async def asked(rig: Rig, name: str, **fields: object) -> dict[str, Any]:
    body = {"v": 1, "ask": name, **fields}
    [answer] = [a async for a in Answering(rig.session).respond(body)]
    return answer


async def test_the_door_knows_who_may_come_in_before_it_opens_and_at_each_change(
    tmp_path: Path,
) -> None:
    rig, door = with_door()
    async with running(tmp_path, rig.model, rig=rig):
        book = rig.session.keybook
        await book.add(line(1, "phone"))
        await book.add(line(2), "laptop")
        await book.disable(1, True)
        assert door.told[-1] == ["laptop"]
        await book.disable(1, False)
        await book.remove(2)
        assert door.told[-1] == ["phone"]
        with pytest.raises(SshKeyRefused):
            await book.add(f"no-pty {line(3)}")
        assert door.told[-1] == ["phone"]
    assert door.steps[-1] == "close"
    rig, door = with_door()
    async with running(tmp_path, rig.model, rig=rig):
        await asyncio.wait_for(door.started.wait(), 10)
        assert door.steps[:2] == ["admit", "start"]
        assert door.told[0] == ["phone"]


async def test_a_removal_over_the_control_socket_is_done_when_it_is_answered(
    tmp_path: Path,
) -> None:
    rig, door = with_door()
    async with running(tmp_path, rig.model, rig=rig):
        added = await asked(rig, "keys.add", line=line(1, "phone"), who="eve\x1b[2J")
        assert door.told[-1] == ["phone"]
        assert "\x1b" not in added["key"]["added_by"]
        told = await asked(rig, "keys.list")
        assert [key["name"] for key in told["keys"]] == ["phone"]
        assert told["door"]["listens"] == "127.0.0.1:1"
        await asked(rig, "keys.remove", key="phone")
        assert door.told[-1] == []
        with pytest.raises(NoSuchKey):
            await asked(rig, "keys.remove", key="phone")


async def test_whoever_gave_up_meanwhile_has_removed_the_key_all_the_same(tmp_path: Path) -> None:
    rig, door = with_door()
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.keybook.add(line(1, "phone"))
        door.slow = asyncio.Event()
        removing = asyncio.ensure_future(rig.session.keybook.remove(1))
        while await rig.session.keybook.listed():
            pass
        removing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await removing
        door.slow.set()
        await rig.session.keybook.add(line(2, "laptop"))
        assert door.told[-2:] == [[], ["laptop"]]


async def test_a_door_that_cannot_open_is_said_and_the_session_works(tmp_path: Path) -> None:
    rig, door = with_door()
    door.error = SandboxError("The port is taken.", hint="Take another.")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.until(
            lambda: any(
                isinstance(e, ev.Noticed) and e.sentence == "The port is taken." for e in rig.events
            )
        )
        await rig.session.keybook.add(line(1, "phone"))


async def test_who_comes_in_is_said_and_accounted_for(tmp_path: Path) -> None:
    rig, door = with_door()
    async with running(tmp_path, rig.model, rig=rig):
        key = await rig.session.keybook.add(line(1, "phone"))
        door.came_in(key)
        await rig.until(
            lambda: any(isinstance(e, ev.Noticed) and "phone" in e.sentence for e in rig.events)
        )
        await rig.session.keybook.add(line(2, "laptop"))  # the one after it in the ledger's thread
    facts = [r["facts"] for r, _, _ in records(tmp_path / "ledger.db") if r["kind"] == "ssh_key"]
    assert {"what": "came in", "key": 1, "fingerprint": key.fingerprint} in facts
