"""Nothing that the host runs later is left there by a program unless a decision named the file.

A real box runs the commands. Each works in a folder of its own and is allowed by the person, but
its text does not name what it plants in a form that counts.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core.checkpoints import WorkspaceChanged
from pocketcoder_tui.core.holding import HELD
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import Terminal
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine import checkpoints
from pocketcoder_tui.gatekeeper.manifests import harmless
from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.relay.terminal import TmuxTerminal
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from pocketcoder_tui.sandbox.container import DockerSandbox
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

N = "f=.en; f=${f}vrc; "
"""Commands that use this name no guarded file in their text."""
M = "m=Make; m=${m}file; "
V = "v=.vs; v=${v}code; "
C = "c=con; c=${c}ftest.py; "
WAYS = {
    "redirected": N + "echo evil > $f",
    "in a folder": N + "mkdir d; echo evil > d/$f",
    "appended": M + "echo evil >> $m",
    "truncated": M + ": > $m",
    "by python": 'python3 -c "open(chr(46) + \'en\' + \'vrc\', \'w\').write(\'evil\')"',
    "by a script": "printf 'echo evil > .en%s' vrc > s; sh s",
    "by eval": "eval \"$(printf 'echo evil > .en%s' vrc)\"",
    "by printf's letters": "printf evil > $(printf '\\056envrc')",
    "by tee": N + "echo evil | tee $f >x",
    "by dd": N + "echo evil | dd of=$f status=none",
    "by sed in place": M + "sed -i 's/all/evil/' $m",
    "by install": N + "echo evil > x; install -m 755 x $f",
    "by mv": N + "echo evil > x; mv x $f",
    "by cp": N + "echo evil > x; cp x $f",
    "by cp over": M + "echo evil > x; cp x $m",
    "by mv over": M + "echo evil > x; mv -f x $m",
    "a link to a file": N + "echo evil > x; ln -s x $f",
    "a hard link": N + "echo evil > x; ln x $f",
    "through a link": M + "ln -s $m x; echo evil >> x",
    "through a hard link": M + "ln $m x; echo evil >> x",
    "a link in its place": M + "echo evil > x; rm $m; ln -s x $m",
    "removed": M + "rm $m",
    "renamed away": M + "mv $m x",
    "made executable": M + "chmod +x $m",
    "with its old times": M + "touch -r $m t; echo evil > $m; touch -r t $m",
    "of the same length": M + "touch -r $m t; echo evi: > $m; touch -r t $m",
    "made and made again": N + "echo a > $f; rm $f; echo b > $f",
    "other letters": "f=.EN; f=${f}VRC; echo evil > $f",
    "other letters of a folder": "v=.VS; v=${v}Code; mkdir $v; echo x > $v/tasks.json",
    "with a dot behind": N + "echo evil > $f.",
    "with a space behind": N + "echo evil > \"$f \"",
    "with an unseen letter": N + "echo evil > \"$(printf '.en\\342\\200\\213vrc')\"",
    "in full width": "echo evil > \"$(printf '.\\357\\275\\205nvrc')\"",
    "a folder made": V + "mkdir $v; echo evil > $v/tasks.json",
    "a folder renamed into place": V + "mkdir x; echo evil > x/tasks.json; mv x $v",
    "a folder linked": V + "mkdir x; echo evil > x/tasks.json; ln -s x $v",
    "a folder copied": V + "mkdir x; echo evil > x/tasks.json; cp -r x $v",
    "a parent renamed": N + "mkdir x; echo evil > x/$f; mv x y",
    "a parent swapped": M + "mkdir p; mv keep p/keep; mv p q; echo evil > q/keep/$m",
    "deep": N + "mkdir -p 1/2/3/4/5/6; echo evil > 1/2/3/4/5/6/$f",
    "in a closed folder": N + "mkdir x; echo evil > x/$f; chmod 500 x",
    "in an unreadable way": N + "echo evil > $f; chmod 200 $f",
    "from tar": N + "echo evil > x; tar cf a.tar --transform \"s/x/$f/\" x; tar xf a.tar",
    "from tar with a folder": V + "mkdir x; echo e > x/tasks.json; tar cf a.tar x --transform "
    "\"s/^x/$v/\"; tar xf a.tar",
    "by python's rename": "python3 -c \"import os; open('x', 'w').write('evil'); "
    "os.replace('x', '.en' + 'vrc')\"",
    "by git checkout": N + "git init -q r; cd r; echo evil > $f; git add -A; git -c user.name=a -c "
    "user.email=a@b commit -qm x; rm $f; git checkout -q .; cd ..",
    "by git stash": N + "git init -q r; cd r; git -c user.name=a -c user.email=a@b commit -qm x "
    "--allow-empty; echo evil > $f; git add -A; git -c user.name=a -c user.email=a@b stash -q; "
    "git stash pop -q; cd ..",
    "by a worktree": N + "git init -q r; cd r; echo evil > $f; git add -A; git -c user.name=a -c "
    "user.email=a@b commit -qm x; git worktree add -q ../w; cd ..",
    "by git apply": N + "printf -- '--- /dev/null\\n+++ b/%s\\n@@ -0,0 +1 @@\\n+evil\\n' $f > p; "
    "git apply --unsafe-paths p || patch -p1 < p",
    "by find": N + "echo evil > x; find . -name x -exec cp {} $f \\;",
    "by xargs": N + "echo $f | xargs -I@ sh -c 'echo evil > @'",
    "by a function": N + "w() { echo evil > \"$1\"; }; w $f",
    "by a glob": "mkdir x; echo evil > x/.xx; cd x; for g in .x*; do mv $g .en${g#.xx}vrc; done; "
    "cd ..",
    "by a subshell": N + "(echo evil > $f)",
    "by perl": "perl -e 'open F, \">\", \".en\".\"vrc\"; print F \"evil\"'",
    "by awk": "awk 'BEGIN { print \"evil\" > (\".en\" \"vrc\") }'",
    "by truncate": M + "truncate -s 3 $m",
    "by rsync's way": M + "echo evil > .x.tmp; mv .x.tmp $m",
    "by exchange": M + "echo evil > x; mv $m y; mv x $m; mv y x",
    "python's own": C + "echo evil > $c",
    "python's start": "s=site; s=${s}customize.py; echo evil > $s",
    "a .pth": "p=.p; p=${p}th; echo 'import evil' > x$p",
    "an activator": "mkdir -p venv/bin; a=acti; a=${a}vate; echo evil > venv/bin/$a",
    "node's programs": "b=.b; b=${b}in; mkdir -p node_modules/$b; echo evil > node_modules/$b/tsc",
    "a script in package.json": "p=package.js; p=${p}on; echo '{\"bin\": \"x\"}' > $p",
    "husky": "h=.hus; h=${h}ky; mkdir $h; echo evil > $h/pre-commit",
    "idea": "h=.id; h=${h}ea; mkdir $h; echo evil > $h/workspace.xml",
    "pre-commit's list": "h=.pre-commit; h=$h-config.yaml; echo evil > $h",
    "a work flow": "h=.git; h=${h}hub; mkdir -p $h/workflows; echo evil > $h/workflows/ci.yml",
    "among many": N + "for n in $(seq 300); do echo x > f$n; done; echo evil > $f",
    "an empty folder": V + "mkdir $v",
    "behind a link out of a folder": N + "mkdir x; ln -s . l; echo evil > l/x/$f",
}  # fmt: skip


class Real:
    """A real box as the session wants it."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self._sandbox = sandbox

    async def ensure(self) -> Box:
        return await self._sandbox.ensure()

    def recheck(self) -> None:
        return None

    async def carry(self, box: Box) -> None:
        return None

    async def aclose(self) -> None:
        return None


async def open_terminal(box: Box) -> Terminal:
    return await TmuxTerminal.open(box)


@asynccontextmanager
async def at_work(path: Path, sandbox: DockerSandbox, *commands: str) -> AsyncIterator[Rig]:
    """A session over a real box, whose model asks for one command after the other."""
    rig = Rig(ScriptedModel(*(shell(command) for command in commands), says("done")))
    rig.real, rig.open_terminal = Real(sandbox), open_terminal
    rig.keeper = CheckpointKeeper(
        path / "workspace", path / "checkpoints", guarded=guarded, harmless=harmless
    )
    async with running(path, rig.model, rig=rig) as made:
        yield made


def on_host(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything that the host runs, with its mode and content; files of git are not looked at."""
    found: dict[str, tuple[int, bytes]] = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in [*folders, *files]:
            path = Path(here, name)
            relative = str(path.relative_to(folder))
            if not guarded(relative) or name == ".git":
                continue
            mode = path.lstat().st_mode
            link = os.readlink(path).encode() if path.is_symlink() else b""
            content = path.read_bytes() if path.is_file() and not link else link
            found[relative] = (mode, content)
    return found


def row_of(rig: Rig, deed: Deed) -> Deed | None:
    """The row that waits for what an action changed."""
    waiting = rig.session.transcript.waiting
    calls = ((row, row.action.call) for row in waiting)
    return next(
        (row for row, call in calls if call.tool == HELD and call.arguments["during"] == deed.id),
        None,
    )


def asked_about(rig: Rig) -> list[Deed]:
    """The rows of held files that wait."""
    waiting = rig.session.transcript.waiting
    return [deed for deed in waiting if deed.action.call.tool == HELD]


async def next_command(rig: Rig) -> Deed:
    """Wait for the next command's row, allow it, and wait until its changes are looked at."""

    def asked() -> list[Deed]:
        return [d for d in rig.session.transcript.waiting if d.action.call.tool == "shell"]

    await rig.until(lambda: bool(asked()))
    [deed] = asked()
    await rig.allow(deed)
    await rig.until(lambda: deed.changed is not None)
    return deed


async def test_no_way_leaves_it_on_the_host(
    tmp_path: Path, workspace: Path, sandbox: DockerSandbox
) -> None:
    commands = []
    for number, command in enumerate(WAYS.values()):
        folder = workspace / f"t{number}"
        (folder / "keep").mkdir(parents=True)
        (folder / "Makefile").write_text("all:\n")
        (folder / "keep" / "Makefile").write_text("keep:\n")
        commands.append(f"cd /workspace/t{number} && {{ {command}; echo 1 > plain; }}")
    failed: dict[str, object] = {}
    before = on_host(workspace)
    async with at_work(tmp_path, sandbox, *commands) as rig:
        await rig.session.send("please")
        for number, way in enumerate(WAYS):
            deed = await next_command(rig)
            now = await asyncio.to_thread(on_host, workspace)
            row = row_of(rig, deed)
            if now != before or row is None or not (workspace / f"t{number}" / "plain").exists():
                failed[way] = set(now.items()) ^ set(before.items()), row, deed.execution
                before = now
        rows = [d for d in rig.session.transcript.waiting if d.action.call.tool == HELD]
        for row in rows:
            await rig.deny(row, "no")
        await rig.rest()
    assert not list(failed), failed
    assert len(rows) == len(WAYS) >= 60
    assert await asyncio.to_thread(on_host, workspace) == before


async def test_what_is_written_after_the_action_is_put_back_too(
    tmp_path: Path, workspace: Path, sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WATCH_EVERY", 0.2)
    late = N + "touch now; (until test -e go; do sleep 0.1; done; echo evil > $f; touch end) &"
    async with at_work(tmp_path, sandbox, late) as rig:
        await rig.session.send("please")
        deed = await next_command(rig)
        await rig.rest()
        (workspace / "go").touch()
        await rig.until(lambda: row_of(rig, deed) is not None)
        row = row_of(rig, deed)
        assert row is not None
        assert "left running" in row.preview.notes[0]
        assert not (workspace / ".envrc").exists()


async def test_what_is_written_again_and_again_does_not_stay(
    tmp_path: Path, workspace: Path, sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WATCH_EVERY", 0.2)
    busy = N + "touch now; (until test -e end; do echo $RANDOM > $f; done) &"
    async with at_work(tmp_path, sandbox, busy) as rig:
        await rig.session.send("please")
        deed = await next_command(rig)
        await rig.until(lambda: row_of(rig, deed) is not None)
        (workspace / "end").touch()
        await rig.session.checkpoints._watch.over.wait()
        assert not (workspace / ".envrc").exists()
        await rig.until(lambda: len(asked_about(rig)) == 1)


async def test_what_a_decision_named_stands(
    tmp_path: Path, workspace: Path, sandbox: DockerSandbox
) -> None:
    async with at_work(tmp_path, sandbox, "echo mine > .envrc; echo x > Makefile") as rig:
        await rig.session.send("please")
        deed = await next_command(rig)
        await rig.rest()
        assert row_of(rig, deed) is None
        assert isinstance(deed.changed, WorkspaceChanged)
    assert (workspace / ".envrc").read_text() == "mine\n"
    assert (workspace / "Makefile").read_text() == "x\n"
