"""A workspace that the engine cannot mount: the real box on a volume, carried there and back."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.hiding import Hiding
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.elsewhere import courier
from pocketcoder_tui.sandbox.engine import connect

pytestmark = pytest.mark.docker


class Pair:
    """The workspace and its copy in a box."""

    def __init__(self, sandbox: DockerSandbox, box: DockerBox, folder: Path) -> None:
        self.sandbox = sandbox
        self.box = box
        self.folder = folder

    async def run(self, script: str) -> str:
        """Run something in the box, after and before the two are made the same."""
        await self.carry()
        done = await self.box.exec(["bash", "-c", script])
        assert done.status == 0, done.stderr.decode()
        await self.carry()
        return done.stdout.decode()

    async def carry(self) -> list[str]:
        return list(await self.sandbox.carry(self.box))

    async def inside(self, script: str) -> str:
        """Run something in the box, and nothing else."""
        done = await self.box.exec(["bash", "-c", script])
        assert done.status == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture
async def pair(sandbox_image: str, workspace: Path, tmp_path: Path) -> AsyncIterator[Pair]:
    (workspace / "kept.txt").write_text("kept\n")
    (workspace / ".env").write_text("TOKEN=canary\n")
    async with DockerSandbox(
        workspace, image=sandbox_image, tied=True, carried=tmp_path / "carried",
        masks=tmp_path / "masks", hiding=Hiding(),
    ) as sandbox:  # fmt: skip
        try:
            yield Pair(sandbox, await sandbox.ensure(), workspace)
        finally:
            await sandbox.remove()
            api = connect()
            try:
                with pytest.raises(docker.errors.NotFound):
                    api.inspect_volume(f"{sandbox.name}-workspace")
            finally:
                api.close()


async def test_what_either_side_does_is_on_the_other(pair: Pair) -> None:
    script = pair.folder / "run.sh"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o750)
    (pair.folder / "deep" / "er").mkdir(parents=True)
    (pair.folder / "deep" / "er" / "é ü\n.txt").write_bytes(b"\0\xff")
    (pair.folder / "link").symlink_to("kept.txt")
    out = await pair.run("./run.sh; readlink link; stat -c %a run.sh; cat .env 2>&1 || true")
    assert out.splitlines()[:3] == ["ran", "kept.txt", "750"]
    assert "canary" not in out
    await pair.run(
        "rm kept.txt; mkdir new; echo made >new/file; chmod 600 new/file; ln -s ../x new/l;"
        "printf 'a\\0b' >deep/er/bin; mv run.sh moved.sh"
    )
    assert not (pair.folder / "kept.txt").exists()
    assert (pair.folder / "new" / "file").read_text() == "made\n"
    assert stat.S_IMODE((pair.folder / "new" / "file").stat().st_mode) == 0o600
    assert os.readlink(pair.folder / "new" / "l") == "../x"
    assert (pair.folder / "deep" / "er" / "bin").read_bytes() == b"a\0b"
    assert stat.S_IMODE((pair.folder / "moved.sh").stat().st_mode) == 0o750
    assert (pair.folder / "deep" / "er" / "é ü\n.txt").read_bytes() == b"\0\xff"
    assert (pair.folder / ".env").read_text() == "TOKEN=canary\n"
    (pair.folder / "new" / "file").unlink()
    assert await pair.run("ls -A new; ls") == "l\ndeep\nlink\nmoved.sh\nnew\n"


async def test_the_box_is_as_promised_and_its_copy_is_its_user_s(pair: Pair) -> None:
    findings = await pair.sandbox.look()
    assert findings is not None
    assert [(name, seen) for name, good, seen in findings if not good] == []
    assert ("secret files hidden", True, ".env") in findings
    facts = pair.folder.stat()
    assert pair.box.user == f"{facts.st_uid}:{facts.st_gid}"
    assert "canary" not in await pair.inside("cat .env 2>/dev/null || true; ls -A")


async def test_both_changed_one_file_and_nothing_is_lost(pair: Pair) -> None:
    await pair.carry()
    (pair.folder / "kept.txt").write_text("the person's\n")
    await pair.inside("echo 'the agent'\"'\"'s' >kept.txt")
    notes = await pair.carry()
    assert any("kept.txt changed here and in the box" in note for note in notes)
    assert (pair.folder / "kept.txt").read_text() == "the person's\n"
    assert (pair.folder / "kept.txt.from-the-box").read_text() == "the agent's\n"
    assert await pair.inside("cat kept.txt kept.txt.from-the-box") == "the person's\nthe agent's\n"
    assert await pair.carry() == []


async def test_a_change_outlives_the_other_side_s_deletion(pair: Pair) -> None:
    (pair.folder / "other.txt").write_text("old")
    await pair.carry()
    (pair.folder / "kept.txt").unlink()
    await pair.inside("echo more >>kept.txt; rm other.txt")
    (pair.folder / "other.txt").write_text("new")
    await pair.carry()
    assert (pair.folder / "kept.txt").read_text() == "kept\nmore\n"
    assert await pair.inside("cat other.txt") == "new"


async def test_a_folder_that_one_removes_and_the_other_fills_stays(pair: Pair) -> None:
    for name in ("a", "b"):
        (pair.folder / name).mkdir()
        (pair.folder / name / "old").write_text(name)
    await pair.carry()
    (pair.folder / "a" / "old").unlink()
    (pair.folder / "a").rmdir()
    await pair.inside("echo new >a/new; rm -r b")
    (pair.folder / "b" / "new").write_text("new")
    await pair.carry()
    await pair.carry()
    for name in ("a", "b"):
        assert sorted(os.listdir(pair.folder / name)) == ["new"]
    assert await pair.inside("ls a b") == "a:\nnew\n\nb:\nnew\n"


async def test_git_s_hooks_and_settings_are_not_taken_from_the_box(pair: Pair) -> None:
    await pair.run("git init -q . && git add kept.txt")
    settings = (pair.folder / ".git" / "config").read_text()
    assert (pair.folder / ".git" / "index").exists()
    await pair.inside(
        "git config core.fsmonitor 'touch /tmp/owned'; echo evil >.git/hooks/post-checkout;"
        "chmod +x .git/hooks/post-checkout; git -c user.name=a -c user.email=a@b commit -qm one"
    )
    notes = await pair.carry()
    assert any("not taken from the box" in note for note in notes)
    assert (pair.folder / ".git" / "config").read_text() == settings
    assert not (pair.folder / ".git" / "hooks" / "post-checkout").exists()
    assert (pair.folder / ".git" / "logs" / "HEAD").read_text().endswith("one\n")
    assert "owned" not in await pair.inside("cat .git/config; ls .git/hooks")


async def test_nothing_is_written_through_a_link(pair: Pair, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (pair.folder / "way").mkdir()
    (pair.folder / "way" / "file").write_text("old")
    await pair.carry()
    await pair.inside(f"echo evil >way/file; mkfifo pipe; ln -s {outside} out; ln -s /etc etc")
    (pair.folder / "way" / "file").unlink()
    (pair.folder / "way").rmdir()
    (pair.folder / "way").symlink_to(outside)
    await pair.carry()
    assert list(outside.iterdir()) == []
    assert os.readlink(pair.folder / "way") == str(outside)
    assert (pair.folder / "way.from-the-box" / "file").read_text() == "evil\n"
    assert await pair.inside("readlink way; cat way.from-the-box/file") == f"{outside}\nevil\n"
    assert os.readlink(pair.folder / "out") == str(outside)
    assert not (pair.folder / "pipe").exists()


async def test_rights_that_a_file_lends_do_not_come_to_the_host(pair: Pair) -> None:
    await pair.run("cp /bin/true lends; chmod 6755 lends; mkdir d; chmod 1777 d")
    await pair.carry()
    assert stat.S_IMODE((pair.folder / "lends").stat().st_mode) == 0o755
    assert await pair.inside("stat -c %a lends") == "755\n"


async def test_a_process_that_follows_goes_on_where_one_stopped(
    pair: Pair, sandbox_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.run("echo made >made.txt")
    await pair.inside("rm kept.txt; echo late >late.txt")
    await pair.sandbox.aclose()
    (pair.folder / "made.txt").unlink()
    fetched: list[str] = []
    real = courier.listing.contents_in

    def watched(archive: bytes) -> object:
        for path, content, changed in real(archive):
            fetched.append(path.decode())
            yield path, content, changed

    monkeypatch.setattr(courier.listing, "contents_in", watched)
    async with DockerSandbox(
        pair.folder, image=sandbox_image, tied=True, carried=tmp_path / "carried",
        masks=tmp_path / "masks", hiding=Hiding(),
    ) as again:  # fmt: skip
        box = await again.ensure()
        assert box.id == pair.box.id
        await again.carry(box)
        assert sorted(os.listdir(pair.folder)) == [".env", "late.txt"]
        assert (await box.exec(["ls"])).stdout == b"late.txt\n"
        assert set(fetched) <= {"late.txt", "made.txt"}


async def test_a_copy_that_is_gone_takes_nothing_with_it(pair: Pair) -> None:
    await pair.run("echo made >made.txt")
    await pair.sandbox.remove()
    pair.box = await pair.sandbox.ensure()
    await pair.carry()
    assert sorted(os.listdir(pair.folder)) == [".env", "kept.txt", "made.txt"]
    assert await pair.inside("cat made.txt kept.txt") == "made\nkept\n"


async def test_what_cannot_be_listed_is_said_and_nothing_is_done(pair: Pair) -> None:
    await pair.run("mkdir shut; echo in >shut/file")
    await pair.inside("chmod 000 shut")
    with pytest.raises(SandboxError, match="look at the box's files"):
        await pair.carry()
    assert (pair.folder / "shut" / "file").read_text() == "in\n"
    await pair.inside("chmod 700 shut")


async def test_a_large_file_stays_and_is_named_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pocketcoder_tui.sandbox.checkpoints.walking import Limits

    monkeypatch.setattr(courier, "LIMITS", Limits(file=1000))
    await pair.carry()
    await pair.inside("head -c 2000 /dev/zero >big; echo x >small")
    notes = await pair.carry()
    assert [note for note in notes if "big stays in the box" in note]
    assert (pair.folder / "small").exists()
    assert not (pair.folder / "big").exists()
    assert not [note for note in await pair.carry() if "big" in note]


async def test_ten_thousand_files_and_then_one(pair: Pair) -> None:
    await pair.inside("mkdir m; cd m; for i in {1..10000}; do echo $i >$i; done")
    await pair.carry()
    assert len(os.listdir(pair.folder / "m")) == 10_000
    (pair.folder / "m" / "77").write_text("changed\n")
    await pair.carry()
    assert await pair.inside("cat m/77; ls m | wc -l") == "changed\n10000\n"
