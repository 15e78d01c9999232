"""What a task is, and how one is run without a screen, every action allowed as it comes."""

import asyncio
import json
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.gemini_server import Chunk

SECONDS = 900
"""For a task with a real model."""
GIT = {
    "GIT_AUTHOR_NAME": "dana", "GIT_AUTHOR_EMAIL": "dana@example.org",
    "GIT_COMMITTER_NAME": "dana", "GIT_COMMITTER_EMAIL": "dana@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """One of the ten."""

    name: str
    told: str
    """What the person says."""
    files: Mapping[str, str]
    script: Sequence[Sequence[Chunk]]
    """What a scripted model answers, a reply for each request."""
    proof: Callable[[Path], str]
    """Why the workspace is not as it should be; empty when it is."""
    setup: Callable[[Path], None] = lambda workspace: None
    """Done after the files are there."""

    def lay_out(self, workspace: Path) -> None:
        """Make the workspace."""
        for name, content in self.files.items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.setup(workspace)


@dataclass(slots=True)
class Run:
    """What came of it."""

    status: int = -1
    events: list[dict[str, Any]] = field(default_factory=list)
    beside: str = ""
    allowed: int = 0

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.events if event["kind"] == kind]


def git(workspace: Path, *words: str) -> str:
    """Run git on this machine and return what it says."""
    done = subprocess.run(
        ["git", *words], cwd=workspace, env=GIT, capture_output=True, text=True, check=True
    )
    return done.stdout


async def run_task(task: Task, workspace: Path, env: Mapping[str, str], *words: str) -> Run:
    """Say it, and allow whatever waits. ``words`` are further options of ``pocketcoder run``."""
    run = Run()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pocketcoder_tui", "run", "--json", *words, task.told,
        stdout=PIPE, stderr=PIPE, env=env, cwd=workspace, limit=1 << 24,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    beside = asyncio.create_task(process.stderr.read())
    while line := await process.stdout.readline():
        event = json.loads(line).get("event")
        if event is None:
            continue
        run.events.append(event)
        if event["kind"] == "action_waiting":
            run.allowed += 1
            await allow(event["action_id"], workspace, env)
    run.status = await process.wait()
    run.beside = (await beside).decode()
    return run


async def allow(action_id: str, workspace: Path, env: Mapping[str, str]) -> None:
    """As a person in another terminal does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pocketcoder_tui", "approvals", "allow", action_id,
        "--comment", "Do as you think best.", stdout=PIPE, stderr=PIPE, env=env, cwd=workspace,
    )  # fmt: skip
    _, beside = await process.communicate()
    assert process.returncode == 0, beside.decode()
