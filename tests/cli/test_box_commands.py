"""down, reset and attach on a real container; what is deleted is said, and only that goes."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pocketcoder_tui.cli import reset
from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import load_settings
from pocketcoder_tui.core.errors import EngineMissing
from pocketcoder_tui.engine.assembly import make_sandbox
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.labels import container_name, list_boxes
from tests.cli.conftest import Run


async def status(paths: Paths) -> str:
    name = container_name(paths.workspace)
    return next((box.status for box in await list_boxes() if box.name == name), "")


@pytest.fixture
async def own_box(sandbox_image: str, paths: Paths) -> AsyncIterator[DockerSandbox]:
    """A running box of the workspace, removed afterwards."""
    async with DockerSandbox(paths.workspace, image=sandbox_image, tied=True) as made:
        try:
            await made.ensure()
            yield made
        finally:
            await made.remove()


@pytest.mark.docker
@pytest.mark.usefixtures("own_box")
async def test_down_stops_the_box_and_keeps_everything(run: Run, paths: Paths) -> None:
    (paths.workspace / "mine").write_text("kept")
    paths.prepare()
    done = run("down")
    assert (done.returncode, done.stderr) == (0, "")
    assert container_name(paths.workspace) in done.stdout
    assert await status(paths) == "exited"
    assert (paths.workspace / "mine").read_text() == "kept"
    assert paths.state.is_dir()
    assert run("down").stdout.startswith("No box of ")


@pytest.mark.docker
@pytest.mark.usefixtures("own_box")
async def test_reset_deletes_box_and_history_and_says_so(run: Run, paths: Paths) -> None:
    (paths.workspace / "mine").write_text("kept")
    paths.prepare()
    paths.config.mkdir(parents=True)
    paths.env_file.write_text("GEMINI_API_KEY=x\n")
    done = run("reset", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{container_name(paths.workspace)} (running; what runs in it ends)" in done.stdout
    assert str(paths.state) in done.stdout
    assert await status(paths) == ""
    assert not paths.state.exists()
    assert (paths.workspace / "mine").read_text() == "kept"
    assert paths.env_file.read_text() == "GEMINI_API_KEY=x\n"
    again = run("reset", "--yes")
    assert (again.returncode, again.stdout) == (
        0,
        f"There is nothing to delete for {paths.workspace}.\n",
    )


@pytest.mark.docker
@pytest.mark.usefixtures("own_box")
async def test_reset_without_an_answer_deletes_nothing(run: Run, paths: Paths) -> None:
    paths.prepare()
    done = run("reset")
    assert done.returncode == 1
    assert "This will be deleted" in done.stdout
    assert done.stderr.startswith("There is no terminal to ask on: Delete this?")
    assert await status(paths) == "running"
    assert paths.state.is_dir()


async def test_reset_refuses_while_a_pocketcoder_works_there(run: Run, paths: Paths) -> None:
    paths.prepare()
    async with await SqliteLedger.open(paths.ledger):
        done = run("reset", "--yes")
    assert done.returncode == 1
    assert f"A pocketcoder (process {os.getpid()}) works in" in done.stderr
    assert paths.ledger.exists()


@pytest.mark.docker
def test_reset_keeps_all_when_the_engine_cannot_be_asked(
    run: Run, paths: Paths, tmp_path: Path
) -> None:
    paths.prepare()
    done = run("reset", "--yes", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert done.returncode == 1
    assert "does not run" in done.stderr
    assert paths.state.is_dir()


def test_reset_needs_no_engine_where_none_is_installed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def missing(_paths: Paths) -> None:
        raise EngineMissing("Docker is not installed.")

    monkeypatch.setattr(reset, "find_box", missing)
    paths.prepare()
    assert reset.run(Arguments("reset", yes=True), paths) == 0
    assert "the box" not in capsys.readouterr().out
    assert not paths.state.exists()


def test_reset_does_not_follow_a_link_out_of_the_state_folder(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_paths: Paths) -> None:
        return None

    monkeypatch.setattr(reset, "find_box", none)
    paths.prepare()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("kept")
    (paths.state / "link").symlink_to(tmp_path / "precious")
    assert reset.run(Arguments("reset", yes=True), paths) == 0
    assert not paths.state.exists()
    assert (tmp_path / "precious/file").read_text() == "kept"


def test_attach_without_a_terminal_says_so(run: Run) -> None:
    done = run("attach")
    assert done.returncode == 1
    assert done.stderr.startswith("Attaching needs a terminal")


@pytest.mark.docker
@pytest.mark.usefixtures("sandbox_image")
async def test_doctor_looks_at_the_box_from_inside(run: Run, paths: Paths) -> None:
    paths.prepare()
    async with make_sandbox(Options(paths, load_settings(paths))) as sandbox:
        await sandbox.ensure()
        await _look_from_outside(run)
        await sandbox.remove()


async def _look_from_outside(run: Run) -> None:
    done = await asyncio.to_thread(run, "doctor", "--sandbox")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "no capability" in done.stdout
    assert "The box is as promised." in done.stdout
    told = json.loads(run("doctor", "--sandbox", "--json").stdout)
    assert told["ok"] is True
    assert len(told["sandbox"]) >= 20
    assert all(set(row) == {"name", "ok", "seen"} for row in told["sandbox"])
    assert run("down").returncode == 0
    done = run("doctor", "--sandbox")
    assert done.returncode == 1
    assert "No box of" in done.stderr
