"""The sandbox image: which files it is made of, whether it is there, and how it is built."""

import hashlib
import io
import re
import tarfile
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

import pocketcoder_tui
from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.core.errors import PocketCoderError, SandboxError
from pocketcoder_tui.sandbox.bootstrap import SLIM, bootstrap_base
from pocketcoder_tui.sandbox.engine import PROBE_SECONDS, connect
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.threads import Engine

__all__ = [
    "DEFAULT_BASE",
    "OURS",
    "Recipe",
    "build_image",
    "image_check",
    "image_folder",
    "image_size",
    "image_tag",
    "packages",
]

DEFAULT_BASE = "debian:bookworm-slim"
"""Pulled where a registry answers."""

_NAME = "pocketcoder-sandbox"
_LIST = "packages.txt"
_SAID = "pocketcoder: "
"""How the Dockerfile begins a line that says what an image lacks."""
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


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a box's image is made of."""

    base: str = DEFAULT_BASE
    """The image that it is built on."""
    packages: tuple[str, ...] = ()
    """Debian packages beside those that every box has."""

    @property
    def plain(self) -> "Recipe":
        """The same without more packages: the layer below them."""
        return Recipe(self.base)


OURS = Recipe()
"""What a box is made of when nothing was chosen."""


def image_tag(recipe: Recipe = OURS) -> str:
    """The image's name; its last part changes with a source file, the base and the packages."""
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    if recipe != OURS:
        digest.update("\0".join((recipe.base, *recipe.packages)).encode())
    return f"{_NAME}:{digest.hexdigest()[:12]}"


def packages() -> list[str]:
    """The Debian packages that the box holds (packages.txt)."""
    lines = (image_folder() / _LIST).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def image_check(recipe: Recipe = OURS) -> Check:
    """The checklist's row about the image. Blocking, a few seconds at most."""
    try:
        tag = image_tag(recipe)
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


async def build_image(
    recipe: Recipe = OURS, *, fresh: bool = False
) -> AsyncGenerator[Progress, None]:
    """Build the image, bringing its base first: pulled, or bootstrapped where nobody answers.

    Any image with bash and tmux can be the base. More packages are a layer of their own, over the
    image without them. ``fresh``: nothing that is there is taken for it, but a base of the
    person's own. Closing the iterator cancels what is under way. Raises SandboxError.
    """
    async with Engine() as engine:
        plain, share = image_tag(recipe.plain), 0.5 if recipe.packages else 1.0
        if fresh or not (recipe.packages and await _there(engine, plain)):
            async for step in _build_plain(engine, recipe.base, fresh=fresh):
                yield Progress(step.sentence, step.done and step.done * share)
        if recipe.packages:
            async for step in _build(
                engine, image_tag(recipe), plain, recipe.packages, fresh=fresh
            ):
                yield Progress(step.sentence, share + share * (step.done or 0.0))
    yield Progress("The sandbox image is ready.", 1.0)


async def image_size(recipe: Recipe) -> int:
    """Bytes of the image, its base included; 0 when it is not there. Raises SandboxError."""
    async with Engine() as engine:
        found = await engine.call("look for an image", "images", name=image_tag(recipe))
    return sum(int(image["Size"]) for image in found[:1])


async def _build_plain(engine: Engine, base: str, *, fresh: bool) -> AsyncGenerator[Progress, None]:
    chosen = base
    if (fresh and base == DEFAULT_BASE) or not await _there(engine, base):
        async for step in _pull(engine, base):
            yield Progress(step.sentence, step.done and step.done * 0.4)
        if not await _there(engine, base):
            if base != DEFAULT_BASE:
                raise SandboxError(
                    f"The base image {base} is neither here nor to be had from a registry.",
                    hint="Load it with: docker load, or name another one.",
                )
            chosen = _bootstrapped_tag()
            if fresh or not await _there(engine, chosen):
                async for step in bootstrap_base(engine, chosen, packages()):
                    yield Progress(step.sentence, step.done and step.done * 0.8)
    async for step in _build(engine, image_tag(Recipe(base)), chosen, fresh=fresh):
        yield Progress(step.sentence, 0.8 + 0.2 * (step.done or 0.0))


def _sources() -> list[Path]:
    """The files that the image is made of, in a fixed order."""
    folder = image_folder()
    found = [folder / "Dockerfile", folder / _LIST]
    return found + sorted([*folder.glob("*.conf"), *folder.glob("*.bash")])


def _bootstrapped_tag() -> str:
    digest = hashlib.sha256("\n".join((*SLIM, *packages())).encode()).hexdigest()
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


async def _build(
    engine: Engine, tag: str, base: str, more: Sequence[str] = (), *, fresh: bool
) -> AsyncGenerator[Progress, None]:
    context = _context(more)
    network = "none" if base == _bootstrapped_tag() else None

    def start(api: docker.APIClient) -> Generator[Any, None, None]:
        yield from api.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=tag, rm=True, forcerm=True,
            decode=True, buildargs={"BASE": base}, network_mode=network, nocache=fresh,
        )  # fmt: skip

    last: list[str] = []
    async for line in engine.lines("build the sandbox image", start):
        if "error" in line:
            raise _failure(base, str(line["error"]), last, adding=bool(more))
        text = str(line.get("stream", "")).strip()
        last += text.splitlines()
        if match := _STEP.match(text):
            done = (int(match[1]) - 1) / int(match[2])
            yield Progress("Building the sandbox image.", done)
    if not await _there(engine, tag):
        raise SandboxError("Docker built the sandbox image and does not know it.")


def _failure(base: str, error: str, last: Sequence[str], *, adding: bool) -> SandboxError:
    """Why a build failed, in a sentence, from what its programs said last."""
    lacks = [line.removeprefix(_SAID) for line in last if line.startswith(_SAID)]
    refused = [line.removeprefix("E: ").rstrip(".") for line in last if line.startswith("E: ")]
    if adding:
        why = refused[0] if refused else "see pocketcoder sandbox build"
        return SandboxError(f"The packages cannot be added: {why}.", hint="Nothing was changed.")
    if lacks:
        return SandboxError(f"The image {base} cannot be a box: it {lacks[-1]}.", hint="")
    said = error.strip().rstrip(".")
    why = "a step of its Dockerfile failed" if "non-zero code" in said else said
    shown = "\n".join(last[-8:])
    return SandboxError(f"Could not build the image: {why}.\n{shown}")


def _context(more: Sequence[str]) -> bytes:
    """The build's files as a tar, owned by root, no matter who owns the checkout.

    Packages beside the box's own are more lines of its list.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in _sources():
            content = path.read_bytes()
            if path.name == _LIST:
                content += "".join(f"{name}\n" for name in more).encode()
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
