"""setup: each thing only if it is missing, only with a yes, and doing it again changes nothing."""

import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from pocketcoder_tui.cli import output, setup
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.core.errors import PocketCoderError, SandboxError
from pocketcoder_tui.engine.setup import Setup
from tests.cli.conftest import Run, Typed


class Machine(Setup):
    """A machine in memory: what is missing, whether a mend helps, and what was done."""

    def __init__(self, *missing: str, mendable: bool = True, helps: bool = True) -> None:
        self.missing = set(missing)
        self.mendable = mendable
        self.helps = helps
        self.done: list[str] = []

    async def checks(self) -> list[Check]:
        return [self._check("engine"), self._check("image")]

    def _check(self, name: str) -> Check:
        if name not in self.missing:
            return Check(name, name, CheckState.OK, "It is there.")
        mend = f"bring the {name}" if self.mendable else ""
        return Check(name, name, CheckState.MISSING, f"No {name}.", mend, "By hand.")

    async def mend(self, check_id: str) -> AsyncGenerator[Progress]:
        yield Progress(f"Bringing {check_id}.", 0.5)
        self.done.append(check_id)
        if self.helps:
            self.missing.discard(check_id)


async def test_what_is_there_is_left_alone() -> None:
    machine = Machine()
    await setup._mend_all(machine, yes=True)
    assert machine.done == []


async def test_the_engine_comes_before_the_image(capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine("image", "engine")
    await setup._mend_all(machine, yes=True)
    assert machine.done == ["engine", "image"]
    assert "  Bringing engine.\n" in capsys.readouterr().out


@pytest.mark.parametrize("agreed", [True, False])
async def test_it_asks_before_each(monkeypatch: pytest.MonkeyPatch, agreed: bool) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return agreed

    monkeypatch.setattr(setup, "ask", ask)
    machine = Machine("engine", "image")
    if agreed:
        await setup._mend_all(machine, yes=False)
        assert machine.done == ["engine", "image"]
        assert len(asked) == 2
    else:
        with pytest.raises(setup.Declined):
            await setup._mend_all(machine, yes=False)
        assert machine.done == []
        assert asked == ["Shall pocketcoder bring the engine? It may install system packages."]


async def test_without_a_terminal_and_without_yes_nothing_is_done() -> None:
    machine = Machine("engine")
    with pytest.raises(output.NobodyToAsk):
        await setup._mend_all(machine, yes=False)
    assert machine.done == []


async def test_what_only_the_person_can_mend_is_said() -> None:
    with pytest.raises(SandboxError) as caught:
        await setup._mend_all(Machine("engine", mendable=False), yes=True)
    assert caught.value.hint == "By hand."


async def test_a_mend_that_did_not_help_is_a_failure() -> None:
    machine = Machine("engine", "image", helps=False)
    with pytest.raises(PocketCoderError, match="No engine"):
        await setup._mend_all(machine, yes=True)
    assert machine.done == ["engine"]


def test_the_configuration_is_written_even_where_the_engine_is_not_to_be_had(
    run: Run, paths: Paths, tmp_path: Path
) -> None:
    done = run("setup", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert stat.S_IMODE(paths.env_file.stat().st_mode) == 0o600
    assert "POCKETCODER_LOCAL_SECRET=" in paths.env_file.read_text()
    assert not paths.state.exists(), "setup is for the machine, not for the current folder"


@pytest.mark.docker
@pytest.mark.usefixtures("sandbox_image")
def test_twice_is_once(run: Run, paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.env_file.write_text("# mine\nGEMINI_API_KEY=abc\n")
    first = run("setup", "--yes")
    assert (first.returncode, first.stderr) == (0, "")
    text = paths.env_file.read_text()
    assert text.startswith("# mine\nGEMINI_API_KEY=abc\n")
    again = run("setup", "--yes")
    assert again.returncode == 0
    assert paths.env_file.read_text() == text
    assert "has all it needs" in again.stdout
    assert "All is in place." in again.stdout
    assert "abc" not in first.stdout + again.stdout


@pytest.mark.docker
def test_on_a_terminal_a_no_is_heard(typed: Typed, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/no.sock"
    status, seen = typed("setup", question="[y/N] ", answer="n\n", DOCKER_HOST=nowhere)
    assert "Shall pocketcoder start Docker?" in seen
    assert seen.endswith("Nothing was changed.\nRun pocketcoder setup again when you like.\n")
    assert status == 1
