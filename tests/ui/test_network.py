"""The network on the screen: hosts that are allowed, ports that are brought here, and their end."""

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    DecidedBy,
    Ended,
    Execution,
)
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.network import BoxPort, ConnectionClosed, ConnectionOpened
from pocketcoder_tui.ui.network import NetworkScreen
from tests.ui.bench import ScriptedWorkbench, began
from tests.ui.stage import Stage, staged
from tests.ui.wayout import allowed, asked


async def opened(stage: Stage) -> None:
    await stage.pilot.press("f10")
    await stage.until(lambda: isinstance(stage.app.screen, NetworkScreen))


async def test_hosts_that_are_allowed_are_listed_with_what_went_there_and_ended() -> None:
    bench = ScriptedWorkbench(list(began()))
    bench.emit(*allowed("a1", "files.example.org"))
    bench.emit(ConnectionOpened("n1", "a1", "files.example.org", 443, "192.0.2.7", 12.0))
    bench.emit(ConnectionOpened("n2", "a1", "files.example.org", 443, "192.0.2.7", 12.0))
    bench.emit(ConnectionClosed("n1", "a1", "files.example.org", 443, 1200, 5_000_000, 1, "", 13))
    async with staged(bench) as stage:
        await stage.until(lambda: "network: 1 host allowed" in stage.screen_text())
        await opened(stage)
        await stage.until(lambda: "files.example.org  by you" in stage.screen_text())
        row = next(x for x in stage.screen_text().split("\n") if "by you" in x)
        assert "2 connections, 1 open  1.2 kB out, 5.0 MB in" in row
        await stage.pilot.press("d")
        await stage.until(lambda: bench.requests("end host") == [("end host", "a1")])
        bench.emit(ev.ActionEnded(Execution("a1", Ended.FINISHED, output="2 connections")))
        await stage.until(lambda: "No host is allowed." in stage.screen_text())
        assert "files.example.org" in stage.screen_text()
        await stage.pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, NetworkScreen))
        await stage.until(lambda: "net asks" in stage.screen_text())


async def test_a_port_of_the_box_is_brought_here_and_sent_back() -> None:
    bench = ScriptedWorkbench(list(began()))
    bench.network.found = [BoxPort(8000, "python3"), BoxPort(5173, "no\x1b[31mde")]
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "8000  python3" in stage.screen_text())
        assert "\x1b" not in stage.screen_text()
        await stage.pilot.press("j", "k", "f")
        await stage.until(lambda: "from 127.0.0.1:8000" in stage.screen_text())
        await stage.pilot.press("f")
        await stage.until(lambda: "from 127.0.0.1:8000" not in stage.screen_text())
        assert bench.requests("forward") == [("forward", 8000)]
        assert bench.requests("unforward") == [("unforward", 8000)]
        await stage.pilot.press("d")
        await stage.until(lambda: "No row is marked that this key is for." in stage.screen_text())


async def test_what_fails_is_said_and_a_network_that_is_off_is_told() -> None:
    bench = ScriptedWorkbench(list(began()))
    bench.network.error = SandboxError("The box does not run yet.", hint="Start it first.")
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "The box does not run yet." in stage.screen_text())
        await stage.pilot.press("f")
        await stage.until(lambda: "No row is marked" in stage.screen_text())
    bench = ScriptedWorkbench(list(began()))
    bench.network.on = False
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "The network is off." in stage.screen_text())
        assert bench.requests("ports") == []


async def test_a_host_that_waits_is_shown_whole_and_decided_by_the_same_keys() -> None:
    bench = ScriptedWorkbench(list(began()))
    async with staged(bench) as stage:
        stage.bench.emit(*asked("a1", "files.example.org"))
        await stage.until(lambda: "files.example.org" in stage.screen_text())
        await stage.pilot.press("ctrl+y")
        await stage.until(lambda: "pip install flask" in stage.screen_text())
        await stage.pilot.press("y")
        await stage.until(lambda: bool(bench.requests("decide")))
        assert bench.requests("decide")[0][1] == "a1"


async def test_a_rule_that_answered_is_named() -> None:
    bench = ScriptedWorkbench(list(began()))
    bench.emit(*allowed("a1", "a.example.org", DecidedBy.RULE))
    async with staged(bench) as stage:
        await opened(stage)
        await stage.until(lambda: "a.example.org  by a rule" in stage.screen_text())
