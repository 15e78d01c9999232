"""The sandbox image: which files it is made of, whether it is there, and how it is built."""

import hashlib
import io
import re
import tarfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import docker

import pocketcoder_tui
from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.core.errors import PocketCoderError, SandboxError
from pocketcoder_tui.sandbox.bootstrap import bootstrap_base
from pocketcoder_tui.sandbox.engine import PROBE_SECONDS, connect
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.threads import Engine

__all__ = ["DEFAULT_BASE", "build_image", "image_check", "image_folder", "image_tag", "packages"]

DEFAULT_BASE = "debian:bookworm-slim"
"""Pulled where a registry answers."""

_NAME = "pocketcoder-sandbox"
_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)")


def image_folder() -> Path:
    """The folder of the image's sources: in a checkout ``sandbox/``, else inside the package."""
    package = Path(pocketcoder_tui.__file__).resolve().parent
    for folder in (package / "_image", package.parent / "sandbox"):
        if (folder / "Dockerfile").is_file():
            return folder
    raise SandboxError(
        "The image's source files are missing from this installation.",
        hint="Install pocketcoder again.",
    )


def image_tag() -> str:
    """The image's name; its last part changes whenever a source file of the image does."""
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return f"{_NAME}:{digest.hexdigest()[:12]}"


def packages() -> list[str]:
    """The Debian packages that the box holds (packages.txt)."""
    lines = (image_folder() / "packages.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def image_check() -> Check:
    """The checklist's row about the image. Blocking, a few seconds at most."""
    try:
        tag = image_tag()
        client = connect(timeout=PROBE_SECONDS)
        try:
            with translated("look for the sandbox image"):
                found = client.images(name=tag, quiet=True)
        finally:
            client.close()
    except PocketCoderError as error:
        state = CheckState.MISSING
        return Check(
            "image", "Sandbox image", state, f"Not known: {error.sentence}", "", error.hint
        )
    if not found:
        state, sentence = CheckState.MISSING, "The sandbox image was not built yet."
        return Check("image", "Sandbox image", state, sentence, "build the image")
    return Check("image", "Sandbox image", CheckState.OK, f"{tag} is there.")


async def build_image(base: str = DEFAULT_BASE) -> AsyncGenerator[Progress, None]:
    """Build the image, bringing its base first: pulled, or bootstrapped where nobody answers.

    Any image with bash and tmux can be the base. Closing the iterator cancels what is under way.
    Raises SandboxError.
    """
    async with Engine() as engine:
        chosen = base
        if not await _there(engine, base):
            async for step in _pull(engine, base):
                yield Progress(step.sentence, step.done and step.done * 0.4)
            if not await _there(engine, base):
                if base != DEFAULT_BASE:
                    raise SandboxError(
                        f"The base image {base} is neither here nor to be had from a registry.",
                        hint="Load it with: docker load, or name another one.",
                    )
                chosen = _bootstrapped_tag()
                if not await _there(engine, chosen):
                    async for step in bootstrap_base(engine, chosen, packages()):
                        yield Progress(step.sentence, step.done and step.done * 0.8)
        async for step in _build(engine, chosen):
            yield Progress(step.sentence, 0.8 + 0.2 * (step.done or 0.0))
    yield Progress("The sandbox image is ready.", 1.0)


def _sources() -> list[Path]:
    """The files that the image is made of, in a fixed order."""
    folder = image_folder()
    found = [folder / "Dockerfile", folder / "packages.txt"]
    return found + sorted([*folder.glob("*.conf"), *folder.glob("*.bash")])


def _bootstrapped_tag() -> str:
    digest = hashlib.sha256("\n".join(packages()).encode()).hexdigest()
    return f"pocketcoder-base:{digest[:12]}"


async def _there(engine: Engine, tag: str) -> bool:
    return bool(await engine.call("look for an image", "images", name=tag, quiet=True))


async def _pull(engine: Engine, base: str) -> AsyncGenerator[Progress, None]:
    """Ask the registry for the base; whether it came is seen by looking for it."""
    name, _, tag = base.partition(":")
    layers: dict[str, tuple[int, int]] = {}
    yield Progress(f"Asking for the base image {base}.")

    def start(api: docker.APIClient) -> Generator[Any, None, None]:
        yield from api.pull(name, tag=tag or "latest", stream=True, decode=True)

    try:
        async for line in engine.lines("pull the base image", start):
            if "error" in line:
                return
            detail = line.get("progressDetail") or {}
            if detail.get("total"):
                layers[line["id"]] = (detail.get("current", 0), detail["total"])
            done = sum(d for d, _ in layers.values()) / max(1, sum(t for _, t in layers.values()))
            yield Progress(f"Fetching the base image {base}.", min(1.0, done))
    except SandboxError:
        # No registry answers, or it does not know the image; the caller goes another way.
        return


async def _build(engine: Engine, base: str) -> AsyncGenerator[Progress, None]:
    tag, context = image_tag(), _context()
    network = "none" if base == _bootstrapped_tag() else None

    def start(api: docker.APIClient) -> Generator[Any, None, None]:
        yield from api.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=tag, rm=True, forcerm=True,
            decode=True, buildargs={"BASE": base}, network_mode=network,
        )  # fmt: skip

    last: list[str] = []
    async for line in engine.lines("build the sandbox image", start):
        if "error" in line:
            said = str(line["error"]).strip().rstrip(".")
            why = "a step of its Dockerfile failed" if "non-zero code" in said else said
            shown = "\n".join(last[-8:])
            raise SandboxError(f"Could not build the image: {why}.\n{shown}")
        text = str(line.get("stream", "")).strip()
        if text:
            last.append(text)
        if match := _STEP.match(text):
            done = (int(match[1]) - 1) / int(match[2])
            yield Progress("Building the sandbox image.", done)
    if not await _there(engine, tag):
        raise SandboxError("Docker built the sandbox image and does not know it.")


def _context() -> bytes:
    """The build's files as a tar, owned by root, no matter who owns the checkout."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in _sources():
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
