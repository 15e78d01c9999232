"""Docker brought to this machine: installed by the system's package manager, then started."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.checks import Progress
from pocketcoder_tui.core.errors import EngineForbidden, SandboxError
from pocketcoder_tui.sandbox.elsewhere.address import engine_address, socket_path
from pocketcoder_tui.sandbox.engine import EngineState
from pocketcoder_tui.sandbox.host import Host, ThisHost

__all__ = ["install_engine", "install_packages"]

START_SECONDS = 60.0
"""How long the engine may take until it answers."""

_MANAGERS = {
    "apt-get": (["apt-get", "install", "-y", "--no-install-recommends"],
                ["docker.io", "mmdebstrap", "iptables"]),
    "dnf": (["dnf", "install", "-y"], ["moby-engine"]),
    "pacman": (["pacman", "-S", "--noconfirm", "--needed"], ["docker"]),
}  # fmt: skip
"""For each package manager, how it installs, and the packages that bring the engine."""

_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a", "LC_ALL": "C.UTF-8"}

_NEW = re.compile(r"(\d+) newly installed")


async def install_engine(
    log: Path, *, host: Host | None = None, daemon: tuple[str, ...] = ("dockerd",)
) -> AsyncGenerator[Progress, None]:
    """Install Docker if it is missing, start it if it does not run, and wait until it answers.

    ``log`` takes the output of an engine that we start ourselves, on a system without an init;
    ``daemon`` is the command for that. Doing it again is harmless. Closing the iterator ends the
    package manager. Raises SandboxError with one sentence, and the last lines of what failed.
    """
    host = host or ThisHost()
    state = await asyncio.to_thread(host.engine)
    if state is EngineState.RUNNING:
        yield Progress("Docker is running.", 1.0)
        return
    if state is EngineState.FORBIDDEN:
        raise EngineForbidden("Docker runs, and you may not use it.")
    address = engine_address()
    if socket_path(address.host) is None:
        raise SandboxError(
            f"{address.told_by} leads to an engine elsewhere, which cannot be started from here.",
            hint=f"Start it there, or do without {address.told_by}.",
        )
    if state is EngineState.MISSING:
        async for step in install_packages(host, []):
            yield step
    async for step in _start(host, log, daemon):
        yield step
    yield Progress("Docker is running.", 1.0)


async def install_packages(host: Host, packages: list[str]) -> AsyncGenerator[Progress, None]:
    """Install packages; an empty list means those of Docker. Raises SandboxError."""
    manager = next((name for name in _MANAGERS if host.has(name)), None)
    if manager is None:
        raise SandboxError(
            "This system's package manager is not known here.",
            hint="Install Docker Engine by your system's own way, then run: pocketcoder setup.",
        )
    command, docker = _MANAGERS[manager]
    command = command + (packages or docker)
    by_hand = "sudo " + " ".join(command)
    root = await _as_root(host, by_hand)
    if manager == "apt-get":
        yield Progress("Reading the package lists.")
        # Sources of other projects may fail here; what counts is whether the packages come.
        async with host.run([*root, "apt-get", "update"], _QUIET) as update:
            async for _line in update.lines():
                pass
            await update.wait()
    wanted = " ".join(command[-len(packages or docker) :])
    yield Progress(f"Installing {wanted}.", 0.05)
    async with host.run([*root, *command], _QUIET) as process:
        done, total = 0, 0
        async for line in process.lines():
            total = int(found[1]) if (found := _NEW.search(line)) else total
            done += line.startswith(("Unpacking ", "Setting up "))
            if total:
                part = min(1.0, done / (2 * total))
                yield Progress(f"Installing {wanted}.", 0.05 + 0.85 * part)
        if await process.wait() != 0:
            sentence = f"{manager} could not install {wanted}:\n{process.tail}"
            raise SandboxError(sentence, hint=f"Try: {by_hand}.")


async def _start(host: Host, log: Path, daemon: tuple[str, ...]) -> AsyncGenerator[Progress, None]:
    """Start an installed engine by what the system has: systemd, service, or the engine alone."""
    yield Progress("Starting Docker.", 0.9)
    if host.exists("/run/systemd/system"):
        await _start_service(host, ["systemctl", "enable", "--now", "docker"])
        await _until_it_answers(host, None, "journalctl -u docker")
        return
    if host.has("service") and host.exists("/etc/init.d/docker"):
        try:
            await _start_service(host, ["service", "docker", "start"])
        except SandboxError:
            # The script wants more of the system than the engine does; it may still run alone.
            pass
        else:
            await _until_it_answers(host, None, "/var/log/docker.log")
            return
    root = await _as_root(host, "sudo " + " ".join(daemon))
    ended = host.spawn([*root, *daemon], log)
    try:
        await _until_it_answers(host, ended, str(log))
    except EngineForbidden:
        raise
    except SandboxError as error:
        raise SandboxError(f"{error.sentence}\n{_tail(log)}".rstrip(), hint=error.hint) from error


async def _start_service(host: Host, command: list[str]) -> None:
    by_hand = "sudo " + " ".join(command)
    root = await _as_root(host, by_hand)
    async with host.run([*root, *command], _QUIET) as process:
        async for _line in process.lines():
            pass
        if await process.wait() != 0:
            sentence = f"{command[0]} could not start Docker:\n{process.tail}"
            raise SandboxError(sentence, hint=f"Try: {by_hand}.")


async def _until_it_answers(host: Host, ended: "asyncio.Future[int] | None", log: str) -> None:
    """Wait until the engine answers, its program ends, or a minute has gone.

    The engine makes its socket at a moment that the system reports, and a question that is asked
    from then on waits in the socket until the engine is ready: nothing is asked over and over.
    """
    path = socket_path(engine_address().host)
    if path is None:
        return
    waiting = asyncio.create_task(_answer(host, path))
    tasks: list[asyncio.Future[Any]] = [waiting] if ended is None else [waiting, ended]
    try:
        await asyncio.wait(tasks, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        sentence = f"Docker did not answer within {START_SECONDS:.0f} s."
        if ended is not None and ended.done():
            sentence = f"Docker ended at its start with status {ended.result()}."
        raise SandboxError(sentence, hint=f"Its log is {log}.")
    finally:
        waiting.cancel()


async def _answer(host: Host, path: Path) -> None:
    async with aclosing(host.changes(path)) as changes:
        async for _change in changes:
            state = EngineState.SILENT
            while state is EngineState.SILENT:
                # The question itself waits, a few seconds, for an engine that is not ready.
                state = await asyncio.to_thread(host.engine)
            if state is EngineState.RUNNING:
                return
            if state is EngineState.FORBIDDEN and _is_open(path):
                raise EngineForbidden("Docker runs now, and you may not use it yet.")


def _is_open(path: Path) -> bool:
    """Whether the engine has given its socket to its group, which it does after making it."""
    try:
        return bool(path.stat().st_mode & 0o060)
    except OSError:
        return False


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
    except OSError:
        return ""


async def _as_root(host: Host, by_hand: str) -> list[str]:
    """What goes before a command that needs root. Raises SandboxError when nothing can."""
    if host.uid == 0:
        return []
    sentence = "This needs root, and sudo asks for a password that cannot be given here."
    if host.has("sudo"):
        async with host.run(["sudo", "-n", "true"], {}) as process:
            if await process.wait() == 0:
                return ["sudo", "-n"]
    else:
        sentence, by_hand = "This needs root, and there is no sudo.", by_hand.replace("sudo ", "")
    raise SandboxError(sentence, hint=f"Run in another terminal: {by_hand}")
