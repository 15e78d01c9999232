"""Changing, commenting and taking back in a real terminal, with a real box."""

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_command_is_changed_and_then_allowed_with_a_comment(
    home: Home, server: GeminiServer, size: tuple[int, int]
) -> None:
    server.script = [
        [call("shell", {"command": "echo hi > wrong"}), finish()],
        [text("As you wish."), finish()],
    ]
    async with home.started(size=size) as shown:
        await ask(shown, "write a file")
        await press_decision(shown, "e", "Enter asks again")
        shown.press(*["BSpace"] * len("wrong"))
        await shown.until(lambda text: "  echo hi >" in text and "│  echo hi > w" not in text)
        shown.type("right")
        await shown.until("echo hi > right")
        shown.press("Enter")
        await shown.until("Changed by")
        assert not list(home.workspace.iterdir())
        await press_decision(shown, "c", "Enter keeps the comment", go=False)
        shown.type("only this name")
        shown.press("Enter")
        await press_decision(shown, "y", "As you wish.", go=False)
        assert [path.name for path in home.workspace.iterdir()] == ["right"]
        [answer] = results_of(server.requests[-1])
        assert "echo hi > right" in answer["response"]["changed_by_the_person"]
        assert answer["response"]["comment_of_the_person"] == "only this name"


async def test_the_persons_own_editor(home: Home, server: GeminiServer) -> None:
    server.script = [
        [call("shell", {"command": "echo hi > wrong"}), finish()],
        [text("As you wish."), finish()],
    ]
    home.env["EDITOR"] = "sed -i s/wrong/edited/"
    async with home.started() as shown:
        await ask(shown, "write a file")
        await press_decision(shown, "E", "Changed by")
        await press_decision(shown, "y", "As you wish.", go=False)
        assert [path.name for path in home.workspace.iterdir()] == ["edited"]


async def test_a_decision_is_taken_back_while_it_has_not_left(
    home: Home, server: GeminiServer
) -> None:
    slow = "until [ -e go ]; do read -t 0.1 < /dev/zero; done; echo over"
    server.script = [
        [call("shell", {"command": slow}), call("shell", {"command": "touch made"}), finish()],
        [text("As you wish."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "do two things")
        await press_decision(shown, "y", "This has just come up")
        await press_decision(shown, "y", "Nothing waits", go=False)
        shown.press("M-u")
        await shown.until("is taken back")
        await press_decision(shown, "n", "Nothing waits")
        (home.workspace / "go").touch()
        await shown.until("As you wish.")
        assert not (home.workspace / "made").exists()
        first, second = results_of(server.requests[-1])
        assert first["response"]["exit_status"] == 0
        assert "denied" in second["response"]["error"]
        shown.press("M-u")
        await shown.until("told of the denial")


async def test_a_part_of_a_change_is_written(home: Home, server: GeminiServer) -> None:
    old = "".join(f"line {n}\n" for n in range(40))
    new = old.replace("line 2\n", "LINE 2\n").replace("line 30\n", "LINE 30\n")
    (home.workspace / "a.txt").write_text(old)
    arguments = {"path": "a.txt", "content": new}
    server.script = [[call("write_file", arguments), finish()], [text("Part."), finish()]]
    async with home.started(size=(120, 60)) as shown:
        await ask(shown, "change it")
        await press_decision(shown, "h", "1/2 LEFT OUT")
        await shown.until("ask again with 1 of 2")
        shown.press("y")
        await shown.until(lambda seen: "-line 30" in seen and "LINE 2" not in seen)
        await press_decision(shown, "y", "Part.", go=False)
        assert (home.workspace / "a.txt").read_text() == old.replace("line 30\n", "LINE 30\n")
