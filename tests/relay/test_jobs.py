"""The list of what runs in the box: what is ours is left out, what is the agent's is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core.terminal import Job
from pocketcoder_tui.relay.jobs import jobs_of, read_processes
from tests.relay.conftest import Hand

LISTED = "\0".join(
    [
        "1 0 1 0 -1 90 /sbin/docker-init -- sleep infinity ",
        "7 1 7 0 -1 90 sleep infinity ",
        "20 0 20 0 -1 80 tmux -u -f /opt/pocketcoder/tmux.conf -S /run/pocketcoder/tmux.sock -C ",
        "21 1 21 0 -1 80 tmux -u -f /opt/pocketcoder/tmux.conf -S /run/pocketcoder/tmux.sock ",
        "22 21 22 34816 40 80 /bin/bash --noprofile --norc /opt/pocketcoder/shell.bash --pane ",
        "23 22 23 34816 40 80 /bin/bash --noprofile --rcfile /opt/pocketcoder/shell.bash -i ",
        "24 21 24 0 -1 80 perl -e my ($name ",
        "40 23 40 34816 40 12 make test ",
        "41 40 40 34816 40 11 sh -c pytest  -q ",
        "50 23 50 34816 40 60 python3 -m http.server ",
        "60 1 60 0 -1 50 node server.js ",
        "61 60 60 0 -1 50 node worker.js ",
        "70 22 23 34817 70 9 sleep 1000 ",
        "80 0 80 0 -1 0 bash /opt/pocketcoder/helper.bash jobs ",
        "81 80 80 0 -1 0 cat ",
        "90 x broken",
        "",
    ]
)


def test_what_belongs_to_the_box_is_left_out() -> None:
    jobs = jobs_of(read_processes(LISTED.encode()), {22: "agent"})
    assert jobs == [
        Job(40, "agent", True, 12.0, "make test"),
        Job(41, "agent", True, 11.0, "sh -c pytest  -q"),
        Job(50, "agent", False, 60.0, "python3 -m http.server"),
        Job(60, "", False, 50.0, "node server.js"),
        Job(61, "", False, 50.0, "node worker.js"),
        Job(70, "", False, 9.0, "sleep 1000"),
    ]


@given(st.binary(max_size=400))
def test_no_listing_raises(text: bytes) -> None:
    jobs_of(read_processes(text), {22: "agent"})


@pytest.mark.docker
async def test_a_server_in_the_background_is_listed_and_stopped(hand: Hand) -> None:
    await hand.run("sleep 1001 & setsid sleep 1002 >/dev/null 2>&1 & true")
    jobs = {job.command: job for job in await hand.terminal.jobs()}
    assert jobs["sleep 1001"].window == "agent"
    assert not jobs["sleep 1001"].foreground
    assert jobs["sleep 1002"].window == ""
    for name in ("sleep 1001", "sleep 1002"):
        assert await hand.terminal.stop_job(jobs[name].pid)
    assert await hand.terminal.jobs() == []
    assert not await hand.terminal.stop_job(jobs["sleep 1001"].pid)
    assert (await hand.run("echo next")).output == "next\n"


@pytest.mark.docker
async def test_a_shell_of_a_window_cannot_be_stopped(hand: Hand) -> None:
    assert not await hand.terminal.stop_job(hand.window.pane.pid)
    shell = int((await hand.run("echo $$")).output)
    assert not await hand.terminal.stop_job(shell)
    assert (await hand.run("echo still")).output == "still\n"


@pytest.mark.docker
async def test_a_program_in_the_foreground_is_listed_as_that(hand: Hand) -> None:
    async with hand.running("exec 2>&1; echo ready; sleep 1003") as run:
        await run.until(lambda run: "ready" in run.text)
        [job] = await hand.terminal.jobs()
        assert (job.command, job.window, job.foreground) == ("sleep 1003", "agent", True)
        assert await hand.terminal.stop_job(job.pid)
        ended = await run.ended()
    assert ended.status == 143
