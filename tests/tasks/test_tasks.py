"""The ten tasks with a scripted model: the real box, the real SDK, every action asked about."""

import pytest

from tests.e2e.conftest import home, server
from tests.e2e.program import Home, pocketcoder
from tests.support.gemini_server import GeminiServer
from tests.tasks.catalogue import TASKS
from tests.tasks.task import Task, run_task

__all__ = ["home", "server"]

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
async def test_a_task_ends_as_it_should(task: Task, home: Home, server: GeminiServer) -> None:
    task.lay_out(home.workspace)
    assert task.proof(home.workspace), "it is done before it is begun"
    server.script = list(task.script)
    run = await run_task(task, home.workspace, home.env)
    assert run.status == 0, run.beside
    assert task.proof(home.workspace) == ""
    assert len(server.requests) == len(task.script)
    # The ledger tells the story: what was asked for, by whom it was decided, how it ended.
    asked = [c["functionCall"]["name"] for reply in task.script for chunk in reply
             for c in chunk.get("candidates", [{}])[0].get("content", {}).get("parts", [])
             if "functionCall" in c]  # fmt: skip
    proposed = [event["action"] for event in run.of("action_proposed")]
    assert [action["call"]["tool"] for action in proposed] == asked
    assert len(run.of("action_ended")) == len(asked)
    people = [event["decision"]["by"] for event in run.of("action_decided")]
    assert people.count("person") == run.allowed == len(proposed) - asked.count("plan")
    assert {action["cwd"] for action in proposed} == {"/workspace"}
    told = pocketcoder(home, "log")
    assert told.returncode == 0
    assert f"> {task.told}" in told.stderr
    verified = pocketcoder(home, "audit", "verify")
    assert verified.returncode == 0, verified.stderr
