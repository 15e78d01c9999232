"""Try it first: what a command would do is shown, nothing of it stays, and nothing is decided."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.audit import AuditKind
from pocketcoder_tui.core.checkpoints import Difference, How
from pocketcoder_tui.core.errors import CheckpointError, TrialRefused
from pocketcoder_tui.core.trials import Ran
from pocketcoder_tui.engine.copies import WorkspaceCopies
from pocketcoder_tui.engine.trials import Step
from pocketcoder_tui.ledger.inspection import records
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.labels import container_name, reap_orphans
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running


class FakeCopy:
    """Runs nothing; its command ends once the gate is open."""

    notes = ("a note",)

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()
        self.gone = False

    async def run(self, command: str, cwd: str) -> Ran:
        self.started.set()
        await self.gate.wait()
        return Ran(3, b"\x1b[31mred\x1b[0m\r\n the key is hush\n", False, "", 0.5)

    async def difference(self) -> tuple[Difference, str]:
        return Difference((), 2, 5, 1), "+hush"

    @asynccontextmanager
    async def opened(self, on_step: Step) -> AsyncIterator["FakeCopy"]:
        on_step("copying")
        try:
            yield self
        finally:
            self.gone = True

    async def sweep(self) -> None:
        return None


def rig_with(model: ScriptedModel) -> tuple[Rig, FakeCopy]:
    rig, copy = Rig(model), FakeCopy()
    rig.copies = copy
    return rig, copy


async def test_a_try_is_shown_and_recorded_and_decides_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig, copy = rig_with(model)
    rig.masker.learn("hush-hush")
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        steps: list[str] = []
        trial = await rig.session.trials.run(deed.id, steps.append)
        assert (trial.status, trial.difference.total, trial.output) == (
            3, 2, "red\n the key is hush\n"
        )  # fmt: skip
        assert "a note" in trial.notes
        assert steps[0] == "copying"
        assert copy.gone
        assert deed.state is ActionState.WAITING
        assert deed.decision is None
        assert deed.tried is not None
        assert rig.terminal.ran == []
        await rig.deny(deed)
        await rig.rest()
    kinds = [record["kind"] for record, _, _ in records(tmp_path / "ledger.db")]
    assert kinds.count(AuditKind.TRY) == 1


async def test_a_try_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig, copy = rig_with(model)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        copy.gate.clear()
        trying = asyncio.ensure_future(rig.session.trials.run(deed.id, lambda step: None))
        await copy.started.wait()
        with pytest.raises(TrialRefused, match="Another command"):
            await rig.session.trials.run(deed.id, lambda step: None)
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        assert copy.gone
        assert deed.tried is None
        assert deed.state is ActionState.WAITING
        copy.gate.set()
        await rig.session.trials.run(deed.id, lambda step: None)


async def test_quitting_during_a_try_leaves_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig, copy = rig_with(model)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        copy.gate.clear()
        trying = asyncio.ensure_future(rig.session.trials.run(deed.id, lambda step: None))
        await copy.started.wait()
    assert copy.gone
    with pytest.raises(asyncio.CancelledError):
        await trying


async def test_only_a_waiting_command_can_be_tried(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("list_files", {"path": "."})), shell("ls"), says("done"))
    rig, _ = rig_with(model)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(TrialRefused, match="Only a command"):
            await rig.session.trials.run(deed.id, lambda step: None)
        await rig.allow(deed)
        await rig.until(lambda: len(rig.session.transcript.waiting) == 1 and deed.decision)
        with pytest.raises(TrialRefused, match="not wait"):
            await rig.session.trials.run(deed.id, lambda step: None)
        rig.session.trials._copies = None
        [waiting] = rig.session.transcript.waiting
        with pytest.raises(TrialRefused, match="switched off"):
            await rig.session.trials.run(waiting.id, lambda step: None)


# --- with a real container


@pytest.fixture
def copies(workspace: Path, tmp_path: Path, sandbox_image: str) -> WorkspaceCopies:
    return real(workspace, tmp_path, sandbox_image)


def real(
    workspace: Path, tmp_path: Path, image: str, *, seconds: float = 20, space: int = 64 << 20
) -> WorkspaceCopies:
    return WorkspaceCopies(
        tmp_path / "trials",
        workspace,
        tmp_path / "checkpoints",
        limits=Limits(),
        make_sandbox=lambda place: DockerSandbox(place, image=image, tied=True),
        seconds=seconds,
        space=space,
    )


Outcome = tuple[Ran, Difference, str, tuple[str, ...]]


def make_repository(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)


def crash(*words: str | Path) -> int:
    """Be killed in the middle of a try."""
    return subprocess.run([sys.executable, "-c", CRASH, *words], check=False).returncode


async def attempt(copies: WorkspaceCopies, command: str, cwd: str = "/workspace") -> Outcome:
    async with copies.opened(lambda step: None) as copy:
        ran = await copy.run(command, cwd)
        difference, text = await copy.difference()
        return ran, difference, text, copy.notes


def nothing_is_left(tmp_path: Path) -> bool:
    name = container_name(tmp_path / "trials" / "workspace")
    api = connect()
    try:
        there = api.containers(all=True, filters={"name": name})
    finally:
        api.close()
    return not there and not (tmp_path / "trials").exists()


@pytest.mark.docker
async def test_it_runs_in_a_copy_and_the_workspace_stays(
    copies: WorkspaceCopies, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "sub").mkdir()
    (workspace / "sub" / "f").write_text("one\n")
    (workspace / "run.sh").write_text("echo from the workspace\n")
    (workspace / "run.sh").chmod(0o755)
    make_repository(workspace)
    command = (
        "bash ../run.sh; echo two >> f; rm ../run.sh; git -C .. status --short | wc -l; "
        "echo err >&2; sleep 100 & exit 7"
    )
    ran, difference, text, notes = await attempt(copies, command, "/workspace/sub")
    assert (ran.status, ran.ended) == (7, "")
    assert ran.output == b"from the workspace\n1\nerr\n"
    assert {(c.path, c.how) for c in difference.changes} == {
        ("run.sh", How.REMOVED), ("sub/f", How.CHANGED)
    }  # fmt: skip
    assert "+two" in text
    assert notes == ()
    assert (workspace / "sub" / "f").read_text() == "one\n"
    assert (workspace / "run.sh").exists()
    assert nothing_is_left(tmp_path)


@pytest.mark.docker
async def test_the_copy_is_as_closed_as_the_box(copies: WorkspaceCopies, workspace: Path) -> None:
    make_repository(workspace)
    command = (
        "ls /sys/class/net; touch /x; touch .git/hooks/x; touch .git/config; "
        "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; ls /run/pocketcoder; env | wc -l; "
        "id -u"
    )
    ran, _, _, _ = await attempt(copies, command)
    text = ran.output.decode()
    assert text.startswith("lo\n")
    assert text.count("Read-only file system") == 3
    assert "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2" in text
    assert text.splitlines()[-1] == str(os.getuid())


@pytest.mark.docker
async def test_limits_of_time_output_and_disk(
    workspace: Path, tmp_path: Path, sandbox_image: str
) -> None:
    copies = real(workspace, tmp_path, sandbox_image, seconds=1.5, space=32 << 20)
    ran, _, _, _ = await attempt(copies, "echo begun; trap '' TERM; while :; do :; done")
    assert (ran.status, ran.output, ran.ended) == (
        None,
        b"begun\n",
        "It was ended after 1.5 seconds.",
    )
    ran, _, _, _ = await attempt(copies, "head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(ran.output) == 200_000
    assert ran.truncated
    slow = real(workspace, tmp_path, sandbox_image, seconds=60, space=32 << 20)
    ran, _, _, _ = await attempt(slow, "while :; do head -c 20M /dev/urandom >> big; done")
    assert "wrote more than 32 MiB" in ran.ended
    assert nothing_is_left(tmp_path)


@pytest.mark.docker
async def test_a_workspace_that_is_too_large_is_refused(
    workspace: Path, tmp_path: Path, sandbox_image: str
) -> None:
    for n in range(3):
        (workspace / f"f{n}").write_bytes(os.urandom(600_000))
    copies = real(workspace, tmp_path, sandbox_image, space=1 << 20)
    with pytest.raises(CheckpointError, match="too large"):
        await attempt(copies, "ls")
    assert nothing_is_left(tmp_path)


@pytest.mark.docker
async def test_what_it_leaves_behind_is_removed_to_any_depth(
    copies: WorkspaceCopies, workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("precious")
    command = (
        f"ln -s {tmp_path}/outside link; mkdir closed; touch closed/f; chmod 0 closed; mkfifo p; "
        "deep=$(printf 'd/%.0s' $(seq 200)); for i in 1 2 3 4 5 6 7; do mkdir -p $deep; cd $deep; "
        "done; touch end"
    )
    ran, _, _, _ = await attempt(copies, command)
    assert ran.status == 0
    assert nothing_is_left(tmp_path)
    assert (tmp_path / "outside" / "f").read_text() == "precious"


@pytest.mark.docker
async def test_given_up_at_any_moment_nothing_is_left(
    copies: WorkspaceCopies, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "f").write_text("1")
    seen: asyncio.Queue[str] = asyncio.Queue()
    for stop_at in range(2):
        trying = asyncio.ensure_future(_with_steps(copies, seen))
        for _ in range(stop_at + 1):
            await seen.get()
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        assert nothing_is_left(tmp_path)
        while not seen.empty():
            seen.get_nowait()


async def _with_steps(copies: WorkspaceCopies, seen: "asyncio.Queue[str]") -> None:
    async with copies.opened(seen.put_nowait) as copy:
        await copy.run("sleep 60", "/workspace")


CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.engine.test_trials import real

async def main() -> None:
    workspace, tmp, image = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    async with real(workspace, tmp, image).opened(lambda step: None) as copy:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.docker
async def test_what_a_crash_leaves_is_removed_at_the_next_start(
    copies: WorkspaceCopies, workspace: Path, tmp_path: Path, sandbox_image: str
) -> None:
    assert crash(workspace, tmp_path, sandbox_image) == -9
    assert not nothing_is_left(tmp_path)
    await copies.sweep()
    assert nothing_is_left(tmp_path)
    assert crash(workspace, tmp_path, sandbox_image) == -9
    reaped = await reap_orphans()
    assert container_name(tmp_path / "trials" / "workspace") in {box.name for box in reaped}


@pytest.mark.docker
async def test_a_try_beside_the_checkpoints_of_a_session(
    copies: WorkspaceCopies, workspace: Path, tmp_path: Path
) -> None:
    """The store is only read, also while the session has its lock; what is kept is not doubled."""
    (workspace / "f").write_bytes(os.urandom(100_000))
    with CheckpointKeeper(workspace, tmp_path / "checkpoints") as keeper:
        keeper.take("one")
        before = keeper.store.size
        ran, difference, _, _ = await attempt(copies, "sha256sum f > sum")
        assert ran.status == 0
        assert [c.path for c in difference.changes] == ["sum"]
        assert keeper.store.size == before
