"""SSH keys on the screen: pasted in, refused with the reason, switched off, then removed."""

import base64

from textual import events

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.keys import DoorState
from pocketcoder_tui.ui.sshkeys import SshKeysScreen
from tests.ui.bench import ScriptedWorkbench, began
from tests.ui.stage import Stage, staged


def line(seed: int, comment: str) -> str:
    inside = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([seed]) * 32
    return f"ssh-ed25519 {base64.b64encode(inside).decode()} {comment}"


async def opened(stage: Stage) -> None:
    await stage.pilot.press("f9")
    await stage.until(lambda: isinstance(stage.app.screen, SshKeysScreen))


async def paste(stage: Stage, text: str) -> None:
    await stage.pilot.press("a")
    focused = stage.app.screen.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await stage.pilot.pause()


async def test_a_key_is_pasted_switched_off_and_removed() -> None:
    async with staged(ScriptedWorkbench(list(began()))) as stage:
        await opened(stage)
        await stage.until(lambda: "There are no SSH keys." in stage.screen_text())
        await stage.until(lambda: "ssh -p 2222 agent@127.0.0.1" in stage.screen_text())
        await paste(stage, line(1, "phone"))
        await stage.pilot.press("enter")
        await stage.until(lambda: "1  phone" in stage.screen_text())
        book = stage.bench.keybook
        assert [key.name for key in book.kept] == ["phone"]
        await stage.pilot.press("x")
        await stage.until(lambda: "  off" in stage.screen_text())
        assert book.kept[0].disabled
        await stage.pilot.press("d", "n")
        assert stage.bench.requests("remove key") == []
        await stage.pilot.press("d", "y")
        await stage.until(lambda: "There are no SSH keys." in stage.screen_text())
        assert book.kept[0].removed
        await stage.pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, SshKeysScreen))


async def test_what_is_no_key_is_refused_with_the_reason_and_stays_to_be_mended() -> None:
    async with staged(ScriptedWorkbench(list(began()))) as stage:
        await opened(stage)
        await paste(stage, f"no-pty {line(1, 'phone')}")
        await stage.pilot.press("enter")
        await stage.until(lambda: "Options stand before the key" in stage.screen_text())
        assert "no-pty" in stage.screen_text()
        await stage.pilot.press("escape")
        await paste(stage, f"{line(1, 'a')}\n{line(2, 'b')}\n")
        await stage.until(lambda: "These are several lines." in stage.screen_text())
        await stage.pilot.press("enter")
        await stage.until(lambda: "the text is empty" in stage.screen_text())
        assert stage.bench.keybook.kept == []
        await stage.pilot.press("escape", "escape")
        await stage.until(lambda: not isinstance(stage.app.screen, SshKeysScreen))


async def test_a_change_that_fails_and_a_door_that_is_shut_are_said() -> None:
    bench = ScriptedWorkbench(list(began()))
    await bench.keybook.add(line(1, "phone"))
    bench.keybook.door = DoorState("", "The way in over SSH is off.", "")
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "The way in over SSH is off." in stage.screen_text())
        bench.keybook.error = LedgerError("There is no space left.")
        await stage.pilot.press("x")
        await stage.until(lambda: "There is no space left." in stage.screen_text())
