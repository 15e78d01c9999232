"""A Debian base without a registry: mmdebstrap from the host's own package mirror, imported."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from pocketcoder_tui.core.checks import Progress
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.host import ThisHost
from pocketcoder_tui.sandbox.install import install_packages
from pocketcoder_tui.sandbox.process import HostProcess
from pocketcoder_tui.sandbox.sources import Source, distribution_sources, read_sources
from pocketcoder_tui.sandbox.threads import Engine

__all__ = ["SLIM", "bootstrap_base", "bootstrap_command", "host_sources", "progress_of"]

_STAGES = (
    ("running apt-get update", 0.0, 0.08, "Reading the package lists."),
    ("downloading packages", 0.08, 0.25, "Fetching the base system."),
    ("extracting archives", 0.25, 0.3, "Unpacking the base system."),
    ("installing essential packages", 0.3, 0.6, "Setting up the base system."),
    ("installing remaining packages", 0.6, 0.92, "Setting up the tools."),
    ("cleaning package lists", 0.92, 0.94, "Cleaning up."),
    ("creating tarball", 0.94, 1.0, "Bringing the base to Docker."),
)
"""mmdebstrap's own words, where the stage begins and ends (measured), and ours."""

_NO_HOST_KEYS = '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*'
"""The SSH server's package makes keys; a box has its workspace's own (sandbox/ssh)."""

SLIM = tuple(
    f"--dpkgopt=path-{what}=/usr/share/{which}"
    for what, which in (
        ("exclude", "doc/*"), ("include", "doc/*/copyright"), ("exclude", "man/*"),
        ("exclude", "info/*"), ("exclude", "locale/*"), ("include", "locale/locale.alias"),
    )
)  # fmt: skip
"""What Debian's own slim images leave out; dpkg keeps to it in later layers too (dpkg.cfg)."""

_NEW = re.compile(r"(\d+) newly installed")


def host_sources(
    apt: Path = Path("/etc/apt"), release: Path = Path("/etc/os-release")
) -> list[str]:
    """The lines of the host's own distribution archives.

    Raises SandboxError when the host is not a Debian or Ubuntu, or has no such source.
    """
    codename = _codename(release)
    sources: list[Source] = distribution_sources(read_sources(apt), codename) if codename else []
    if not sources:
        raise SandboxError(
            "No image registry answers, and this system has no Debian mirror to build from.",
            hint="Load a base image with bash and tmux, and name it in POCKETCODER_IMAGE.",
        )
    return [source.line for source in sources]


def bootstrap_command(packages: Sequence[str], *, uid: int, sudo: bool) -> list[str]:
    """The mmdebstrap call, without suite, target and sources, that makes a tar of the base."""
    how = [] if uid == 0 else (["sudo", "-n"] if sudo else [])
    mode = [] if uid == 0 or sudo else ["--mode=unshare"]
    return [*how, "mmdebstrap", *mode, "--verbose", "--variant=minbase", "--format=tar",
            "--aptopt=Acquire::Languages none", *SLIM, _NO_HOST_KEYS,
            f"--include={','.join(packages)}"]  # fmt: skip


def progress_of(line: str, stage: int, counts: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """Follow mmdebstrap's words: its stage, and the packages done and to do in that stage."""
    for number, (words, *_rest) in enumerate(_STAGES):
        if line.startswith("I: ") and words in line:
            return number, (0, counts[1])
    if match := _NEW.search(line):
        return stage, (counts[0], int(match[1]))
    if line.startswith(("Setting up ", "Get:")):
        return stage, (counts[0] + 1, counts[1])
    return stage, counts


async def bootstrap_base(
    engine: Engine, tag: str, packages: Sequence[str]
) -> AsyncGenerator[Progress, None]:
    """Make a base image with these packages and name it ``tag``.

    Nothing is written to the host's disk: the tar streams into Docker. Closing the iterator ends
    mmdebstrap and leaves no image. Raises SandboxError.
    """
    lines = host_sources()
    if shutil.which("mmdebstrap") is None:
        async for step in install_packages(ThisHost(), ["mmdebstrap"]):
            yield Progress(step.sentence)
    suite = lines[0].split("] ")[-1].removeprefix("deb ").split()[1]
    uid = os.geteuid()
    argv = bootstrap_command(packages, uid=uid, sudo=uid != 0 and await _sudo_works())
    reading, writing = os.pipe()
    tar = os.fdopen(reading, "rb")
    importing: asyncio.Task[str] | None = None
    try:
        try:
            process = HostProcess([*argv, suite, "-", *lines], stdout=writing)
            await process.__aenter__()
        finally:
            os.close(writing)
        try:
            importing = asyncio.create_task(_import(engine, tar))
            async for step in _follow(process):
                yield step
            if await process.wait() != 0:
                raise SandboxError(f"mmdebstrap failed:\n{process.tail}")
        finally:
            await process.end()
        image = await importing
        importing = None
        await engine.call("name the base image", "tag", image, *tag.split(":"))
    finally:
        if importing is not None:
            await _discard(engine, importing)
        tar.close()


async def _follow(process: HostProcess) -> AsyncGenerator[Progress, None]:
    stage, counts = 0, (0, 0)
    async for line in process.lines():
        stage, counts = progress_of(line, stage, counts)
        _words, begin, end, sentence = _STAGES[stage]
        part = min(1.0, counts[0] / counts[1]) if counts[1] else 0.0
        yield Progress(sentence, begin + (end - begin) * part)


async def _import(engine: Engine, tar: object) -> str:
    answer = await engine.call("import the base image", "import_image_from_stream", tar)
    found = re.search(r"sha256:[0-9a-f]{64}", str(answer))
    if found is None:
        raise SandboxError(f"Could not import the base image: {str(answer).strip()}.")
    return found[0]


async def _discard(engine: Engine, importing: "asyncio.Task[str]") -> None:
    """Let an import that must not be used come to its end, and remove what it made."""
    try:
        image = await importing
    except SandboxError:
        return
    await engine.call("remove the unfinished base", "remove_image", image, force=True)


async def _sudo_works() -> bool:
    if shutil.which("sudo") is None:
        return False
    async with HostProcess(["sudo", "-n", "true"]) as process:
        return await process.wait() == 0


def _codename(release: Path) -> str:
    try:
        lines = release.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    return facts.get("VERSION_CODENAME", "").strip('"')
