"""Repositories within the workspace: once the box starts anew, it cannot change what git runs."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pocketcoder_tui.sandbox import survey as surveying
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.survey import survey

ME = "git -c user.name=a -c user.email=a@b -c protocol.file.allow=always"
MAKE = f"""
git init -q; echo x > f; git add f; {ME} commit -qm x
git init -q nested; git init -q a/b/deeper; touch nested/.git/hooks/pre-commit
git clone -q nested cloned
git init -q ../library; (cd ../library; echo y > f; git add f; {ME} commit -qm y)
{ME} submodule --quiet add ../library libs/one
git worktree add -q ../workspace/tree
git config extensions.worktreeConfig true; git -C tree config --worktree a.b c
"""
GUARDED = [
    ".git/modules/libs/one/config", ".git/modules/libs/one/hooks",
    ".git/worktrees/tree/commondir", ".git/worktrees/tree/config.worktree",
    "a/b/deeper/.git/config", "a/b/deeper/.git/hooks",
    "cloned/.git/config", "cloned/.git/hooks",
    "libs/one/.git", "nested/.git/config", "nested/.git/hooks", "tree/.git",
]  # fmt: skip


def host(workspace: Path, command: str) -> None:
    subprocess.run(["bash", "-ec", command], cwd=workspace, check=True, capture_output=True)


@pytest.fixture
async def mine(sandbox_image: str, workspace: Path) -> AsyncIterator[DockerSandbox]:
    async with DockerSandbox(workspace, image=sandbox_image, tied=True) as made:
        yield made
        await made.remove()


async def status(box: DockerBox, command: str) -> int:
    return (await box.exec(["bash", "-c", command])).status


def test_every_kind_of_repository_is_found(workspace: Path) -> None:
    host(workspace, MAKE)
    assert list(survey(workspace, None).guards) == GUARDED


def test_a_hostile_repository_leads_nowhere(workspace: Path, tmp_path: Path) -> None:
    host(tmp_path, "git init -q outside; touch outside/.git/hooks/update")
    host(
        workspace,
        """
        mkdir a b c; ln -s ../../outside/.git a/.git
        git init -q b; rm -r b/.git/hooks; ln -s ../../../outside/.git/hooks b/.git/hooks
        rm b/.git/config; ln -s /etc/passwd b/.git/config
        git init -q c; rm c/.git/config; mkfifo c/.git/config; ln -s ../../../outside c/.git/modules
        ln -s ../outside d
        mkdir -p c/.git/worktrees/1/2/3/4/5/6/7/8/9; touch c/.git/worktrees/1/2/3/4/5/6/7/8/9/HEAD
        """,
    )
    assert survey(workspace, None).guards == ("c/.git/hooks",)


def test_the_ones_beyond_the_limit_are_counted(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "REPOSITORIES", 2)
    host(workspace, "for n in 1 2 3 4 5; do git init -q r$n; done")
    found = survey(workspace, None)
    assert (len(found.guards), found.unguarded) == (4, 3)


@pytest.mark.docker
async def test_what_the_box_made_is_guarded_at_its_next_start(
    mine: DockerSandbox, workspace: Path
) -> None:
    box = await mine.ensure()
    await asyncio.to_thread(host, workspace, MAKE)
    assert (await mine.ensure()).id == box.id
    assert mine.covered.open == tuple(GUARDED)
    rows = {name: ok for name, ok, _ in await mine.look() or []}
    assert rows["nested repositories guarded"] is False
    assert await status(box, "git init -q own; echo x >> nested/.git/config") == 0

    await mine.stop()
    again = await mine.ensure()
    assert again.id != box.id
    assert mine.covered.open == ()
    for path in (*GUARDED, "own/.git/config", "own/.git/hooks", ".git/config", ".git/hooks"):
        place = workspace / path
        if place.is_dir():
            assert await status(again, f"echo x > {path}/post-merge") != 0, path
        else:
            assert await status(again, f"echo x >> {path}") != 0, path
        assert await status(again, f"rm -rf {path}") != 0, path
        assert await status(again, f"mv {path} {path}.old") != 0, path
        assert place.exists()
    for name, ok, seen in await mine.look() or []:
        assert ok, (name, seen)
    # Git itself works there: only its settings are closed.
    # (A worktree names its repository by the host's absolute path, which the box has not.)
    for folder in ("nested", "cloned", "libs/one", "own"):
        work = f"cd {folder}; echo z > z; git add z; {ME} commit -qm z; git status"
        assert await status(again, work) == 0, folder


@pytest.mark.docker
async def test_git_on_the_host_that_replaces_its_settings_does_not_stop_the_work(
    mine: DockerSandbox, workspace: Path
) -> None:
    await asyncio.to_thread(host, workspace, "git init -q")
    box = await mine.ensure()
    assert await status(box, "echo x >> .git/config") != 0
    await asyncio.to_thread(host, workspace, "git config user.name Kim")
    assert (await mine.ensure()).id == box.id
    rows = {name: (ok, seen) for name, ok, seen in await mine.look() or []}
    assert rows["git hooks and settings guarded"] == (True, "replaced on the host: .git/config")
    await mine.stop()
    again = await mine.ensure()
    assert await status(again, "echo x >> .git/config") != 0
