"""Something planted in the workspace for the host to run is named after the action that did it."""

import subprocess
from pathlib import Path

import pytest

from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits

NAMES = (
    ".envrc", ".git/hooks/pre-commit", ".gitattributes", ".gitmodules", ".gitconfig",
    ".husky/pre-commit", ".githooks/post-merge", ".vscode/tasks.json", ".vscode/settings.json",
    ".idea/workspace.xml", ".zed/tasks.json", ".fleet/run.json", ".nvim/init.lua", ".exrc",
    ".nvimrc", ".vimrc", ".dir-locals.el", ".devcontainer/devcontainer.json", ".direnv/bin/x",
    ".github/workflows/ci.yml", ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile",
    ".cargo/config.toml", ".mvn/jvm.config", ".claude/settings.json", ".gemini/settings.json",
    ".codex/config.toml", ".cursor/mcp.json", ".mcp.json", ".pre-commit-config.yaml",
    "lefthook.yml", "package.json", ".npmrc", ".yarnrc.yml", ".pnpmfile.cjs", "Makefile",
    "GNUmakefile", "rules.mk", "justfile", "Taskfile.yml", "Rakefile", "Gemfile", "SConstruct",
    "setup.py", "noxfile.py", "tox.ini", "tasks.py", "conftest.py", "sitecustomize.py",
    "evil.pth", "pyvenv.cfg", "venv/bin/activate", "venv/bin/activate.fish", "build.gradle",
    "gradlew", "mvnw", "build.rs", "CMakeLists.txt", "configure", "Dockerfile", "compose.yaml",
    "flake.nix", "mise.toml", ".tool-versions", ".bashrc", ".profile", "node_modules/.bin/tsc",
    "x.code-workspace", "vite.config.ts", "gulpfile.js", ".pnp.cjs", ".yarn/releases/yarn.cjs",
    "pyproject.toml", "setup.cfg", "pytest.ini", "rust-toolchain.toml", "Cargo.toml", "pom.xml",
    "gradle/wrapper/gradle-wrapper.properties", "x.gradle.kts", "x.cmake", "BUILD.bazel",
    ".venv/bin/python", "venv/Scripts/pip", "bin/activate", "activate.fish", "x.egg-link",
    ".pdbrc", ".gdbinit", ".eslintrc.json", "karma.conf.js", "my-tool.config.mjs",
    ".devcontainer.json", ".helix/languages.toml", ".run/x.xml", "x.sublime-project",
    "docker-compose.override.yml", "Dockerfile.dev", ".drone.yml", ".lefthook-local.toml",
    ".mise.local.toml", ".config/mise/config.toml", ".terraform/x", "debian/rules", "composer.json",
    ".woodpecker/x.yml", "opencode.json", ".windsurf/rules.md",
)  # fmt: skip
WAYS = {
    "written": ("mkdir -p a/d; echo evil > a/.envrc", "a/.envrc"),
    "with other letters": ("echo evil > .EnVrC", ".EnVrC"),
    "renamed into place": ("echo evil > x; mv x .envrc", ".envrc"),
    "a folder renamed": ("mkdir x; echo evil > x/tasks.json; mv x .vscode", ".vscode/tasks.json"),
    "a link to a file": ("echo evil > x; ln -s x .envrc", ".envrc"),
    "a link to a folder": ("mkdir x; echo evil > x/tasks.json; ln -s x .vscode", ".vscode"),
    "a hard link": ("echo evil > x; ln x .envrc", ".envrc"),
    "through a link": ("ln -s Makefile x; echo evil >> x", "Makefile"),
    "through a hard link": ("ln Makefile x; echo evil >> x", "Makefile"),
    "appended": ("echo evil >> Makefile", "Makefile"),
    "with its old times": (
        "touch -r Makefile t; echo evil > Makefile; touch -r t Makefile", "Makefile"
    ),
    "made executable": ("chmod +x Makefile", "Makefile"),
    "removed": ("rm Makefile", "Makefile"),
    "a pipe": ("mkfifo .envrc", ".envrc"),
    "too large to keep": ("head -c 200000 /dev/zero > .envrc", ".envrc"),
    "made and made again": ("echo a > .envrc; rm .envrc; echo b > .envrc", ".envrc"),
    "among many": ("for n in $(seq 400); do echo x > f$n; done; echo evil > zz.mk", "zz.mk"),
    "a new repository's hook": (
        "git init -q sub; echo evil > sub/.git/hooks/post-checkout", "sub/.git/hooks/post-checkout"
    ),
    "a new repository's setting": (
        "git init -q sub; git -C sub config core.pager evil", "sub/.git/config"
    ),
    "a repository in a repository": ("git init -q a/b/c", "a/b/c/.git/config"),
    "a hook of one that was there": ("echo evil > .git/hooks/pre-push", ".git/hooks/pre-push"),
    "a setting of one that was there": ("git config core.fsmonitor evil", ".git/config"),
    "hooks as a link": ("rm -r .git/hooks; ln -s ../x .git/hooks", ".git/hooks"),
    "a file that leads to a repository": ("mkdir s; echo 'gitdir: ../x' > s/.git", "s/.git"),
    "a submodule's hook": (
        "mkdir -p .git/modules/m/hooks; echo evil > .git/modules/m/hooks/update",
        ".git/modules/m/hooks/update",
    ),
    "a worktree's setting": (
        "mkdir -p .git/worktrees/w; echo evil > .git/worktrees/w/config.worktree",
        ".git/worktrees/w/config.worktree",
    ),
    "attributes within git": (
        "echo '* filter=evil' > .git/info/attributes", ".git/info/attributes"
    ),
}  # fmt: skip


def plant(workspace: Path, command: str) -> None:
    subprocess.run(["bash", "-ec", command], cwd=workspace, check=True, capture_output=True)


@pytest.fixture
def keeper(workspace: Path, tmp_path: Path) -> CheckpointKeeper:
    plant(workspace, "git init -q; echo all: > Makefile; mkdir -p a; echo x > a/y")
    limits = Limits(file=100_000)
    return CheckpointKeeper(workspace, tmp_path / "store", limits, guarded=guarded)


def test_every_name_is_told_with_a_reason(keeper: CheckpointKeeper, workspace: Path) -> None:
    with keeper:
        for name in NAMES:
            tree = keeper.take("an action").tree
            path = workspace / "deep" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("evil\n")
            told = keeper.since(tree)[1].guarded
            [line] = [line for line in told if line.startswith(f"deep/{name}: ")]
            assert len(line) > len(name) + 20
    assert len(NAMES) >= 60


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_told(keeper: CheckpointKeeper, workspace: Path, way: str) -> None:
    command, path = WAYS[way]
    with keeper:
        tree = keeper.take("an action").tree
        assert keeper.since(tree)[1].guarded == ()
        plant(workspace, command)
        told = keeper.since(tree)[1].guarded
        assert any(line.startswith(f"{path}: ") for line in told), told


def test_what_the_host_does_not_run_is_not_told(keeper: CheckpointKeeper, workspace: Path) -> None:
    with keeper:
        tree = keeper.take("an action").tree
        plant(workspace, "echo x > a/z; echo x > README.md; mkdir b; ln -s a/z l; mkfifo p")
        plant(workspace, "git add -A; git -c user.name=a -c user.email=a@b commit -qm x")
        difference = keeper.since(tree)[1]
    assert difference.guarded == ()
    assert difference.total == 4


def test_many_are_counted(keeper: CheckpointKeeper, workspace: Path) -> None:
    with keeper:
        tree = keeper.take("an action").tree
        plant(workspace, "for n in $(seq 500); do echo x > f$n.mk; done")
        told = keeper.since(tree)[1].guarded
    assert len(told) == 21
    assert told[-1] == "and 480 more of the kind."


def test_what_is_not_accepted_is_a_stray(keeper: CheckpointKeeper, workspace: Path) -> None:
    with keeper:
        tree = keeper.take("one").tree
        assert keeper.strays() == ()
        keeper.since(tree)
        keeper.accept()
        plant(workspace, "echo x > plain; echo evil > .envrc; echo evil > .git/hooks/pre-commit")
        tree = keeper.take("two").tree
        assert [line.partition(":")[0] for line in keeper.strays()] == [
            ".git/hooks/pre-commit",
            ".envrc",
        ]
        keeper.accept()
        assert keeper.strays() == ()
