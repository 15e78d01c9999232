"""What is hidden, and what is not any more, reaches the person in one sentence, once."""

from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core.events import Noticed
from pocketcoder_tui.engine.assembly import LazySandbox, make_sandbox
from pocketcoder_tui.engine.covering import CoverTeller, hiding_of
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.sandbox.cover import Covered


def test_the_settings_say_what_is_hidden() -> None:
    hiding = hiding_of(Settings(hide_files="*.sql, conf", show_files=".env.test"))
    assert hiding is not None
    assert (hiding.more, hiding.shown) == (("*.sql", "conf"), (".env.test",))
    assert hiding_of(Settings()) is not None
    assert hiding_of(Settings(hide_secrets=False)) is None


def test_it_is_told_once_and_a_failure_is_a_warning() -> None:
    told: list[Noticed] = []
    teller = CoverTeller(told.append)
    teller.started(Covered())
    assert told == []
    for _ in range(2):
        teller.started(Covered((".env",), ("a.env",)))
    teller.replaced(())
    teller.replaced([f"{n}.env" for n in range(9)])
    assert [notice.level for notice in told] == ["info", "warning", "warning"]
    assert told[0].sentence == "Hidden from the agent: .env."
    assert told[1].sentence == "The agent can read a.env: newer than its box."
    assert "5.env and 3 more" in told[2].sentence
    assert all(notice.hint for notice in told)


@pytest.mark.docker
async def test_a_session_s_box_hides_and_says_so(
    sandbox_image: str, workspace: Path, tmp_path: Path
) -> None:
    told: list[Noticed] = []
    (workspace / ".env").write_text("PASSWORD=correct-horse\n")
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    options = Options(Paths.for_workspace(workspace, environ), Settings())
    options.paths.prepare()
    lazy = LazySandbox(options, told.append)
    try:
        box = await lazy.ensure()
        shown = await box.exec(["cat", ".env"])
        lazy.recheck()
        (workspace / "new").write_text("PASSWORD=another\n")
        (workspace / "new").replace(workspace / ".env")
        lazy.recheck()
    finally:
        await lazy.aclose()
        async with make_sandbox(options) as sandbox:
            await sandbox.remove()
    assert b"correct-horse" not in shown.stdout
    assert b"Hidden from the agent" in shown.stdout
    assert [notice.sentence for notice in told] == [
        "Hidden from the agent: .env.",
        "The agent can read .env: replaced since its box was started.",
    ]
