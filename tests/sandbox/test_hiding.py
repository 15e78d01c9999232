"""Secret files of the workspace are not in the box: under no name, and whatever it does there."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Action, ToolCall
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.hiding import MARK, Hiding, Holds, globs
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.engine.copies import WorkspaceCopies
from pocketcoder_tui.engine.tools.edit import look_at
from pocketcoder_tui.engine.tools.look import ReadFile
from pocketcoder_tui.sandbox import survey as surveying
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.survey import survey

SECRET = "PASSWORD=correct-horse-battery\n"
PRIVATE = "-----BEGIN RSA PRIVATE KEY-----\ncorrect-horse-battery\n-----END RSA PRIVATE KEY-----\n"
PUBLIC = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def put(workspace: Path, *names: str, text: str = SECRET) -> None:
    for name in names:
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def hidden(workspace: Path, hiding: Hiding | None = None) -> list[str]:
    return [found.path for found in survey(workspace, hiding or Hiding()).hidden]


def host(workspace: Path, command: str) -> None:
    subprocess.run(["bash", "-ec", command], cwd=workspace, check=True, capture_output=True)


# --- the list


@pytest.mark.parametrize(
    "name", [".env", ".ENV", ".env.local", "prod.env", "a/b/.env", "id_rsa", ".netrc", "x.p12"]
)
def test_what_is_nearly_always_a_secret_is_one(name: str) -> None:
    assert Hiding().of_file(name) is Holds.SECRET


@pytest.mark.parametrize(
    "name",
    [".env.example", "example.env", "id_rsa.pub", "secrets.py", "environment", ".npmrc", "key.go"],
)
def test_what_is_written_to_be_shared_is_none(name: str) -> None:
    assert Hiding().of_file(name) is Holds.NOTHING


def test_a_person_adds_and_shows_names() -> None:
    mine = Hiding(globs(" *.sql, conf/prod.yml ,dumps/,"), globs(".env.test"))
    assert mine.more == ("*.sql", "conf/prod.yml", "dumps")
    assert mine.of_file("a/x.SQL") is Holds.SECRET
    assert mine.of_file("conf/prod.yml") is Holds.SECRET
    assert mine.of_file("b/conf/prod.yml") is Holds.NOTHING
    assert mine.of_file("a/.env.test") is Holds.NOTHING
    assert mine.of_folder("x/dumps")
    assert not Hiding(shown=(".ssh",)).of_folder(".ssh")


# --- the walk


def test_the_walk_finds_every_name_of_a_secret(workspace: Path, tmp_path: Path) -> None:
    put(workspace, ".env", "a/b/.env", "conf/production", "plain")
    put(workspace, "k/private.pem", text=PRIVATE)
    put(workspace, "k/cert.pem", "k/big.pem", text=PUBLIC)
    with (workspace / "k/big.pem").open("a") as file:
        file.write("x" * (1 << 20))
    put(workspace, ".aws/credentials")
    put(tmp_path, "outside")
    os.link(workspace / ".env", workspace / "a/harmless")
    (workspace / "a/.env.local").symlink_to("../conf/production")
    (workspace / "b.env").symlink_to("/workspace/plain")
    (workspace / "c.env").symlink_to(tmp_path / "outside")
    (workspace / "d.env").symlink_to(".")
    (workspace / "e.env").symlink_to("d.env/../../outside")
    assert hidden(workspace) == [
        ".aws", ".env", "a/b/.env", "a/harmless", "conf/production", "k/big.pem",
        "k/private.pem", "plain",
    ]  # fmt: skip
    assert survey(workspace, None).hidden == ()


def test_a_link_to_a_folder_is_not_walked(workspace: Path, tmp_path: Path) -> None:
    put(tmp_path, "other/.env")
    (workspace / "in").symlink_to(tmp_path / "other")
    assert hidden(workspace) == []


def test_what_cannot_be_looked_into_is_hidden_whole(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, "a/b/c/d/.env")
    monkeypatch.setattr(surveying, "DEPTH", 2)
    assert hidden(workspace) == ["a/b/c"]
    monkeypatch.undo()

    def closed(name: str, parent: int) -> int:
        raise PermissionError

    monkeypatch.setattr(surveying, "enter", closed)
    assert hidden(workspace) == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming an ordinary user needs root")
@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444])
def test_a_closed_folder_is_hidden_whole(workspace: Path, tmp_path: Path, mode: int) -> None:
    """Else a folder that the agent closed would be opened again in the next box."""
    put(workspace, "a/b/.env")
    for folder in (workspace, *list(tmp_path.parents)[:3], tmp_path):
        folder.chmod(folder.stat().st_mode | 0o055)
    for path in (workspace, workspace / "a", workspace / "a/b"):
        os.chown(path, 65534, 65534)
    (workspace / "a/b").chmod(mode)
    program = (
        "import os, sys, pathlib\n"
        "from pocketcoder_tui.core.hiding import Hiding\n"
        "from pocketcoder_tui.sandbox.survey import survey\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(survey(pathlib.Path(sys.argv[1]), Hiding()).hidden)\n"
    )
    argv = [sys.executable, "-c", program, str(workspace)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "(Hidden(path='a/b', folder=True),)\n"


def test_nothing_is_pushed_beyond_a_limit(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(workspace, *(f"{n}.env" for n in range(6)))
    monkeypatch.setattr(surveying, "MOST", 5)
    with pytest.raises(SandboxError, match="More than 5"):
        survey(workspace, Hiding())
    monkeypatch.setattr(surveying, "ENTRIES", 5)
    with pytest.raises(SandboxError, match="not every secret"):
        survey(workspace, Hiding())


def test_a_name_that_docker_cannot_take_makes_no_box(workspace: Path) -> None:
    (workspace / os.fsdecode(b"\xff")).mkdir()
    (workspace / os.fsdecode(b"\xff/.env")).write_text(SECRET)
    with pytest.raises(SandboxError, match=r"\\xff/\.env"):
        survey(workspace, Hiding())


# --- the box

MakeSandbox = Callable[..., DockerSandbox]


@pytest.fixture
async def make(
    sandbox_image: str, workspace: Path, tmp_path: Path
) -> AsyncIterator[Callable[[], DockerSandbox]]:
    """Sandboxes of the workspace that hide; the container is removed afterwards."""
    made: list[DockerSandbox] = []

    def make(hiding: Hiding | None = None) -> DockerSandbox:
        sandbox = DockerSandbox(
            workspace, image=sandbox_image, tied=True, masks=tmp_path / "masks",
            hiding=hiding or Hiding(),
        )  # fmt: skip
        made.append(sandbox)
        return sandbox

    yield make
    await made[0].remove()
    for sandbox in made:
        await sandbox.aclose()


async def said(box: DockerBox, command: str) -> str:
    done = await box.exec(["bash", "-c", command])
    return (done.stdout + done.stderr).decode()


@pytest.mark.docker
async def test_the_box_sees_one_line_and_an_empty_folder(
    make: MakeSandbox, workspace: Path
) -> None:
    put(workspace, ".env", "a b/ü.env", "conf/real", ".ssh/id_rsa", ".env.example")
    os.link(workspace / ".env", workspace / "harmless")
    (workspace / "conf/.env").symlink_to("real")
    sandbox = make()
    box = await sandbox.ensure()
    assert sandbox.covered.hidden == (
        ".env", ".ssh", "a b/ü.env", "conf/real", "harmless",
    )  # fmt: skip
    assert sandbox.covered.exposed == ()
    seen = await said(box, "grep -r . .; cat conf/.env; ls -A .ssh")
    assert seen.count("correct-horse") == 1  # of .env.example, which is written to be shared
    assert seen.count(MARK) == 5
    assert (workspace / ".env").read_text() == SECRET
    rows = {name: (ok, seen) for name, ok, seen in await sandbox.look() or []}
    assert rows["secret files hidden"] == (True, ".env, .ssh, a b/ü.env, conf/real, harmless")
    assert all(ok for ok, _ in rows.values())


ATTACKS = {
    "renamed": "mv .env x; cat x .env",
    "removed": "rm -f .env; cat .env",
    "written": "echo y > .env; cat .env",
    "replaced": "echo y > y; mv -f y .env; cat .env",
    "linked": "ln .env y; cat y",
    "made readable": "chmod 777 .env; cat .env",
    "its folder renamed": "mv deep/er moved; cat moved/.env",
    "its folder removed": "rm -rf deep; cat deep/er/.env",
    "unmounted": "umount .env; unshare -rm umount .env; cat .env",
    "mounted anew": "unshare -rm sh -c 'mount --bind /workspace /mnt; cat /mnt/.env'",
    "by another way": "cat /proc/1/root/workspace/.env /proc/self/cwd/.env /workspace/./.env",
    "archived": "tar c . | strings",
    "by git": "git init -q; git add -A -f; git grep --cached correct; git show :.env",
}


@pytest.mark.docker
async def test_nothing_in_the_box_uncovers_it(make: MakeSandbox, workspace: Path) -> None:
    put(workspace, ".env", "deep/er/.env")
    for name, attack in ATTACKS.items():
        sandbox = make()
        box = await sandbox.ensure()
        assert "correct-horse" not in await said(box, attack), name
    (moved,) = [path for path in hidden(workspace) if "moved" in path]
    assert (workspace / moved).read_text() == SECRET
    assert (workspace / ".env").read_text() == SECRET
    again = make()
    await again.ensure()
    assert again.covered.hidden == (".env", moved)
    await again.stop()
    box = await again.ensure()
    assert "correct-horse" not in await said(box, "grep -r . /workspace")


@pytest.mark.docker
async def test_the_file_tools_say_so_to_the_model(make: MakeSandbox, workspace: Path) -> None:
    put(workspace, ".env")
    box = await make().ensure()
    call = ToolCall("c", "read_file", {"path": ".env"})
    action = Action(new_id(), "s", "t", "r", call, "/workspace", box.id)
    read = await ReadFile().perform(action, box)
    assert "hidden from you" in read.error
    assert "hidden from you" in (await look_at(box, ".env")).problem


@pytest.mark.docker
async def test_what_comes_later_is_named_and_hidden_at_the_next_start(
    make: MakeSandbox, workspace: Path
) -> None:
    put(workspace, ".env")
    box = await make().ensure()
    assert "own" in await said(box, "echo own > own.env; cat own.env")
    put(workspace, "later.env")
    sandbox = make()
    assert (await sandbox.ensure()).id == box.id
    assert sandbox.covered.exposed == ("later.env", "own.env")
    rows = {name: ok for name, ok, _ in await sandbox.look() or []}
    assert rows["secret files hidden"] is False
    assert "own" in await said(box, "cat own.env")
    await sandbox.stop()
    again = await sandbox.ensure()
    assert again.id != box.id
    assert sandbox.covered.hidden == (".env", "later.env", "own.env")
    assert "correct-horse" not in await said(again, "cat *.env .env")


@pytest.mark.docker
async def test_a_file_that_the_person_saves_anew_is_named(
    make: MakeSandbox, workspace: Path
) -> None:
    put(workspace, ".env", "b.env")
    sandbox = make()
    box = await sandbox.ensure()
    assert sandbox.replaced() == ()
    await asyncio.to_thread(host, workspace, "echo x >> b.env; cp .env new; mv new .env")
    assert "correct-horse" in await said(box, "cat .env")  # the kernel takes the mask away
    assert sandbox.replaced() == (".env",)
    assert sandbox.replaced() == ()
    assert (await sandbox.ensure()).id == box.id
    assert sandbox.covered.exposed == (".env",)
    assert sandbox.covered.hidden == ("b.env",)


@pytest.mark.docker
async def test_what_the_person_shows_is_there(make: MakeSandbox, workspace: Path) -> None:
    put(workspace, ".env", "test.env")
    sandbox = make(Hiding(shown=("test.env",)))
    box = await sandbox.ensure()
    assert sandbox.covered.hidden == (".env",)
    assert (await said(box, "cat test.env")) == SECRET
    assert stat.S_IMODE((workspace / ".env").stat().st_mode) == 0o644


@pytest.mark.docker
async def test_an_undo_brings_back_what_is_real(
    make: MakeSandbox, workspace: Path, tmp_path: Path
) -> None:
    """Checkpoints are the host's: they hold the file, and never its mask."""
    put(workspace, ".env", "keep/x.env")
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        sandbox = make()
        box = await sandbox.ensure()
        tree = (await asyncio.to_thread(keeper.take, "an action")).tree
        await said(box, "echo x > made; chmod 600 .env; touch .env; rm -rf keep")
        _, difference = await asyncio.to_thread(keeper.since, tree)
        assert [change.path for change in difference.changes] == ["made"]
        (workspace / ".env").write_text("PASSWORD=another\n")
        plan = await asyncio.to_thread(keeper.plan, 1)
        await asyncio.to_thread(keeper.restore, plan)
        keeper.settled()
    assert (workspace / ".env").read_text() == SECRET
    assert not (workspace / "made").exists()
    # The file was replaced, as by an editor: that is named, and the next start hides it again.
    assert sandbox.replaced() == (".env",)
    await sandbox.stop()
    assert "correct-horse" not in await said(await sandbox.ensure(), "grep -r . .")


@pytest.mark.docker
async def test_a_try_in_a_copy_does_not_see_it(
    sandbox_image: str, workspace: Path, tmp_path: Path
) -> None:
    put(workspace, ".env", "plain")
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        keeper.take("an action")

    def make_copy(place: Path) -> DockerSandbox:
        return DockerSandbox(
            place, image=sandbox_image, tied=True, masks=tmp_path / "masks", hiding=Hiding()
        )

    copies = WorkspaceCopies(
        tmp_path / "trials", workspace, tmp_path / "store", limits=Limits(),
        make_sandbox=make_copy, seconds=20, space=1 << 24,
    )  # fmt: skip
    async with copies.opened(lambda step: None) as copy:
        ran = await copy.run(
            "cat plain .env; echo x > .env; rm -f .env; echo y > new", "/workspace"
        )
        difference, _ = await copy.difference()
    assert ran.output.decode().count("correct-horse") == 1
    assert MARK in ran.output.decode()
    assert [change.path for change in difference.changes] == ["new"]
    assert (workspace / ".env").read_text() == SECRET
