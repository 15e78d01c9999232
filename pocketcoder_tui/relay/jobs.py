"""The programs that run in the box: listed from inside, told apart from what belongs to the box."""

from collections.abc import Iterable
from dataclasses import dataclass

from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import Job

_HELPER = ("bash", "/opt/pocketcoder/helper.bash")


@dataclass(frozen=True, slots=True)
class Process:
    """A line of the list; numbers as in proc(5)."""

    pid: int
    parent: int
    group: int
    tty: int
    foreground: int
    """The group that has the terminal's keyboard."""
    seconds: int
    command: str


def read_processes(text: bytes) -> list[Process]:
    """Understand the list; records that are malformed are passed over."""
    found = []
    for record in text.decode("utf-8", "replace").split("\0"):
        words = record.split(" ", 6)
        if len(words) == 7 and all(word.lstrip("-").isdigit() for word in words[:6]):
            pid, parent, group, tty, foreground, seconds = map(int, words[:6])
            command = words[6].strip()
            found.append(Process(pid, parent, group, tty, foreground, seconds, command))
    return found


def jobs_of(processes: Iterable[Process], windows: dict[int, str]) -> list[Job]:
    """The programs that are neither a shell of ours nor part of the box.

    ``windows`` names the windows by the process that each pane was started with.
    """
    known = {process.pid: process for process in processes}
    terminals = {known[pid].tty: name for pid, name in windows.items() if pid in known}
    return [
        Job(
            process.pid,
            terminals.get(process.tty, ""),
            process.tty in terminals and process.group == process.foreground,
            float(max(process.seconds, 0)),
            process.command,
        )
        for process in known.values()
        if process.command and not _is_ours(process, known, windows)
    ]


def _is_ours(process: Process, known: dict[int, Process], windows: dict[int, str]) -> bool:
    """The box's first processes, tmux and its own children, the panes' shells, programs of ours."""
    if process.pid == 1 or process.parent == 0 or process.pid in windows:
        return True
    parent = known.get(process.parent)
    if parent is None or (parent.pid == 1 and process.command in ("sleep infinity", "")):
        return True
    if process.parent in windows:
        # A command that took the shell's place (exec) is none of ours any more.
        return process.command.startswith("/bin/bash --noprofile --rcfile")
    if process.command.startswith(("tmux ", "tmux:")) and "pocketcoder" in process.command:
        return True
    # Children of the tmux server that are no pane are its loggers and helpers; what the engine
    # started comes from outside the box (parent 0), and so do its children.
    return parent.command.startswith("tmux") or _from_outside(parent, known)


def _from_outside(process: Process, known: dict[int, Process]) -> bool:
    seen = set()
    while process.parent and process.pid not in seen:
        seen.add(process.pid)
        if process.parent == 1 or process.parent not in known:
            return False
        process = known[process.parent]
    return process.pid != 1 and process.parent == 0


async def list_jobs(box: Box, windows: dict[int, str]) -> list[Job]:
    """Look. Raises ContainerGone or SandboxError."""
    listed = await box.exec([*_HELPER, "jobs"])
    return jobs_of(read_processes(listed.stdout), windows)


async def stop_job(box: Box, pid: int) -> bool:
    """End a program and its group. Raises ContainerGone or SandboxError."""
    return (await box.exec([*_HELPER, "stop", str(pid)])).status == 0
