"""The ten tasks with a real model: ``uv run python -m tests.tasks [--model NAME] [WORDS …]``.

Needs a model key as the workbench does, and Docker. Every action is allowed, in a throw-away
workspace and its box; ``WORDS`` choose tasks by parts of their names. Prints a table; the exit
status is 0 when every task ended as it should.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.image import image_tag
from tests.tasks.catalogue import TASKS
from tests.tasks.task import SECONDS, Task, run_task


async def one(task: Task, model: str) -> tuple[str, str]:
    """Run it in a home of its own; what is wrong, and what it took."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "shop"
        workspace.mkdir()
        task.lay_out(workspace)
        env = {**os.environ, "XDG_STATE_HOME": f"{name}/state", "LANG": "C.UTF-8"}
        words = ["--timeout", str(SECONDS), *(["--model", model] if model else [])]
        began = time.monotonic()
        try:
            run = await run_task(task, workspace, env, *words)
        finally:
            async with DockerSandbox(workspace, image=image_tag()) as sandbox:
                await sandbox.remove()
        took = f"{time.monotonic() - began:.0f} s, {len(run.of('action_ended'))} actions"
        wrong = task.proof(workspace) or ("" if run.status == 0 else f"status {run.status}")
        if run.status == 1:
            wrong += f": {run.beside.strip().splitlines()[-1]}"
        return wrong, took


async def main(model: str, words: list[str]) -> int:
    """Run those that are asked for, one after the other."""
    chosen = [t for t in TASKS if not words or any(word in t.name for word in words)]
    failed = 0
    for task in chosen:
        wrong, took = await one(task, model)
        failed += bool(wrong)
        print(f"{'failed' if wrong else 'done  '}  {task.name}  ({took})  {wrong}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} done")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.tasks", description=__doc__)
    parser.add_argument("--model", default="", help="instead of the set one")
    parser.add_argument("words", nargs="*", help="parts of the names of tasks")
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.model, asked.words)))
