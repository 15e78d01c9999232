"""The life of a workspace's container: made once, found again, started, stopped, removed."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import docker

from pocketcoder_tui.core.errors import ContainerGone, SandboxError
from pocketcoder_tui.core.hiding import Hiding
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.sandbox import flags as fl
from pocketcoder_tui.sandbox import settle
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.cover import Cover, Covered, findings_of, mounted_in
from pocketcoder_tui.sandbox.elsewhere.place import VolumePlace
from pocketcoder_tui.sandbox.hatch import Hatch
from pocketcoder_tui.sandbox.image import image_folder
from pocketcoder_tui.sandbox.inspection import (
    LOOK,
    Finding,
    Promise,
    findings_in,
    folder_in,
    require_promised,
)
from pocketcoder_tui.sandbox.labels import (
    COVER,
    GIT,
    container_name,
    labels_of,
)
from pocketcoder_tui.sandbox.locks import held
from pocketcoder_tui.sandbox.threads import Engine

__all__ = ["DockerSandbox"]

_TRIES = 6
"""Steps from any state to running, and some more for another user's changes meanwhile."""

_STOP_SECONDS = 2

_CANNOT_RUN = 126
"""The status of an exec whose program the engine could not start, as in a folder that is gone."""

_PREPARE = r"""
command -v bash >/dev/null && command -v tmux >/dev/null || { echo 'bash or tmux'; exit 3; }
exec bash -c "$3$4" "$0" "$1" "$2"
"""
_TMUX = "command -v tmux >/dev/null || exit 3"
_NAMES = r"""
umask 022
put() {
    mapfile -t there 2>/dev/null <"/run/$1"
    if [ "${names[*]}" != "${there[*]}" ]; then
        printf '%s\n' "${names[@]}" >"/run/$1.$$" && mv "/run/$1.$$" "/run/$1"
    fi
}
mapfile -t names </opt/pocketcoder/passwd
if [ "$1" = 0 ]; then  # see ssh.bash
    names=('sshd:x:0:0::/run/sshd:/usr/sbin/nologin' "${names[@]}")
fi
names=("agent:x:$1:$2::/home/agent:/bin/bash" "${names[@]}")
put passwd
mapfile -t names </opt/pocketcoder/group
names=("agent:x:$2:" "${names[@]}")
put group
"""
"""Run in the box at each start: is it an image to work with, and who is its user called; then the
look at it."""


class DockerSandbox:
    """The container of one workspace. Owns a connection to the engine, not the container."""

    def __init__(
        self,
        workspace: Path,
        *,
        image: str,
        limits: fl.Limits | None = None,
        runtime: str = "",
        tied: bool = False,
        seal: str = "",
        hatch: Path | None = None,
        egress: bool = False,
        authorities: bytes = b"",
        masks: Path | None = None,
        hiding: Hiding | None = None,
        carried: Path | None = None,
    ) -> None:
        """``workspace`` is a checked folder, ``image`` a name or id, ``runtime`` the engine's own
        name of one ("" for its default). ``tied``: the container is an orphan once this process
        has ended (for tests). ``seal`` is a label that only this person can make; a container
        without it is not taken for ours ("" to take any). ``hatch`` is a folder of the host's, of
        this workspace alone, that is bound into the box read-only; None for none. With ``egress``
        programs are told of the proxy, and ``authorities`` (PEM) are handed in. ``hiding`` says
        which files are hidden, by masks in the folder ``masks``; None for none. ``carried`` is a
        folder of the host's for an engine that cannot mount the workspace: it is carried there and
        back; None for an engine that can.
        """
        self._workspace = Path(os.path.realpath(workspace))
        self._image = image
        self._limits = limits or fl.Limits()
        self._runtime = runtime
        self._tied = tied
        self._seal = seal
        self._hatch = Hatch(hatch) if hatch is not None else None
        self._egress = egress
        self._authorities = authorities
        self._cover = Cover(self._workspace, masks, hiding)
        self.covered = Covered()
        """What the box is kept from in the workspace, as of the last ``ensure``."""
        self._engine = Engine()
        self._last: DockerBox | None = None
        self.name = container_name(self._workspace, elsewhere=carried is not None)
        """The container's name, whether it exists or not."""
        self._place: VolumePlace | None = None
        if carried is not None:
            hidden = self._cover.hidden
            self._place = VolumePlace(self._workspace, carried, hidden, f"{self.name}-workspace")

    async def __aenter__(self) -> "DockerSandbox":
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def ensure(self) -> DockerBox:
        """Bring the container up and return it: found, started again, or made.

        One that was made from another image or with other flags is replaced, and so is one that is
        bound to a folder that was here before this one; what ran in it ends.
        Several processes may call this at once; they get the same container. It is looked at from
        inside, and one that is not as promised is not returned. Raises ImageMissing,
        EngineMissing, EngineStopped, EngineForbidden, SandboxError.
        """
        config = await self._config()
        api = await self._engine.api()
        if self._place is None:
            await asyncio.to_thread(self._cover.prepare)
        else:
            await self._place.ready(
                self._engine, config["Image"], config["User"], config["Labels"], self.name
            )
        if self._hatch is not None:
            self._hatch.prepare()
            if self._egress:
                self._hatch.put(fl.AUTHORITIES, self._authorities)
        try:
            return await self._ready(api, config)
        except _Elsewhere as stale:
            await self._engine.run(settle.remove, api, stale.container)
            return await self._ready(api, config)

    async def _ready(self, api: docker.APIClient, config: dict[str, Any]) -> DockerBox:
        """The container, prepared and looked at. Raises _Elsewhere."""
        facts, fresh = await self._engine.run(self._settle, api, config)
        box, promise = self._box(facts, config["User"]), self._promise(facts, config)
        self._last = box
        require_promised(await self._prepare(box, config["User"], promise, fresh))
        return box

    async def carry(self, box: Box) -> Sequence[str]:
        """Make the workspace here and in the box the same, where it cannot be mounted.

        Returns sentences for the person. Raises SandboxError, ContainerGone.
        """
        return (await self._place.carry(box)).notes if self._place is not None else ()

    async def look(self) -> list[Finding] | None:
        """What a running container says of itself; None when none runs. Nothing is changed.

        Raises what ``ensure`` raises, but for a drift.
        """
        config = await self._config()
        try:
            facts = await self._engine.call("look for the box", "inspect_container", self.name)
        except ContainerGone:
            return None
        settle.require_ours(facts, self.name, self._seal)
        if facts["State"]["Status"] != "running":
            return None
        done = await self._box(facts, config["User"]).exec(["bash", "-c", LOOK])
        text = done.stdout.decode("utf-8", "replace")
        self.covered = self._covered(text)
        return [*findings_in(text, self._promise(facts, config)), *findings_of(self.covered)]

    def _box(self, facts: dict[str, Any], user: str) -> DockerBox:
        return DockerBox(
            self._engine,
            id=facts["Id"],
            name=self.name,
            user=user,
            started=_seconds(facts["State"]["StartedAt"]),
            hatch=self._hatch,
        )

    def _promise(self, facts: dict[str, Any], config: dict[str, Any]) -> Promise:
        guarded = facts["Config"]["Labels"].get(GIT) == config["Labels"][GIT]
        mounts = facts["HostConfig"].get("Mounts") or []
        covers = sum(m["Target"].startswith(f"{fl.WORKSPACE}/") for m in mounts)
        return Promise(self._limits, self._runtime, guarded, covers, self._place is not None)

    def _covered(self, text: str) -> Covered:
        """What the box is kept from: what lies over it, or what is not sent there."""
        if self._place is not None:
            return Covered(tuple(sorted(self._cover.hidden())))
        return self._cover.compared(mounted_in(text))

    def replaced(self) -> tuple[str, ...]:
        """Hidden files that the host replaced since, which uncovers them; each told once."""
        return self._cover.replaced()

    async def stop(self) -> None:
        """Stop the container; its programs and everything outside /workspace are gone."""
        with contextlib.suppress(SandboxError):  # its copy of the workspace stays with the engine
            await self._carry_back()
        await self._quietly("stop the box", "stop", timeout=_STOP_SECONDS)

    async def remove(self) -> None:
        """Stop and remove the container.

        Raises SandboxError, also when the box's own copy of the workspace could not be carried
        back: then that copy stays with the engine.
        """
        carried = False
        try:
            carried = await self._carry_back(start=True)
        finally:
            await self._quietly("remove the box", "remove_container", force=True, v=True)
        if carried and self._place is not None:
            await self._place.remove(self._engine)

    async def _carry_back(self, *, start: bool = False) -> bool:
        """Bring what the box wrote to the host; True when all of it is here.

        A box that is stopped is started for it, or left alone.
        """
        if self._place is None:
            return False
        api = await self._engine.api()
        facts = await self._engine.run(settle.inspect, api, self.name)
        if facts is None:
            return False
        settle.require_ours(facts, self.name, self._seal)
        if facts["State"]["Status"] != "running":
            if not start:
                return False
            await self._engine.run(settle.unless_gone, api.start, facts["Id"])
        user = str(facts["Config"]["User"])
        await asyncio.to_thread(self._cover.mounts)
        await self._place.ready(self._engine, facts["Image"], user, {}, self.name)
        await self._place.carry(self._box(facts, user), back=True)
        return True

    async def aclose(self) -> None:
        """Let go of the engine; the container stays."""
        if self._last is not None:
            await self._last.aclose()
        if self._hatch is not None:
            self._hatch.close()
        if self._place is not None:
            self._place.close()
        await self._engine.aclose()

    async def _quietly(self, doing: str, method: str, **kwargs: Any) -> None:
        """Call a method on our container; one that is gone already is no failure."""
        try:
            facts = await self._engine.call(doing, "inspect_container", self.name)
            settle.require_ours(facts, self.name, self._seal)
            await self._engine.call(doing, method, facts["Id"], **kwargs)
        except ContainerGone:
            return

    async def _image_id(self) -> str:
        facts = await self._engine.call("look for the image", "inspect_image", self._image)
        return str(facts["Id"])

    async def _config(self) -> dict[str, Any]:
        """What the container is to be made with, labels included."""
        image, info = await asyncio.gather(
            self._image_id(), self._engine.call("ask Docker about itself", "info")
        )
        options = info.get("SecurityOptions") or []
        rootless = any("name=rootless" in option for option in options)
        if self._runtime and self._runtime not in (info.get("Runtimes") or {}):
            raise SandboxError(f"Docker has no runtime named {self._runtime}.")
        config = fl.container_flags(
            self._workspace,
            image=image,
            user=fl.BoxUser.of(self._workspace, rootless=rootless),
            limits=self._limits,
            seccomp=(image_folder() / "seccomp.json").read_text(encoding="utf-8"),
            runtime=self._runtime,
            hatch=self._hatch.folder if self._hatch is not None else None,
            egress=self._egress,
            trusted=self._hatch is not None and bool(self._authorities),
            volume=self._place.name if self._place is not None else "",
        )
        mounted = self._place is None
        mounts = fl.git_mounts(self._workspace) if mounted else []
        config["Labels"] = labels_of(
            self._workspace, config, mounts, tied=self._tied, seal=self._seal
        )
        covers = await asyncio.to_thread(self._cover.mounts)
        covers = covers if mounted else []
        config["Labels"][COVER] = fl.signature({"mounts": covers})
        config["HostConfig"]["Mounts"] += mounts + covers
        return config

    def _settle(self, api: docker.APIClient, config: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Bring the container to running, whatever state it is in. Blocking.

        Returns its facts, and whether it was started here.
        """
        with held(self.name):
            return self._settle_alone(api, config)

    def _settle_alone(
        self, api: docker.APIClient, config: dict[str, Any]
    ) -> tuple[dict[str, Any], bool]:
        fresh = False
        for _ in range(_TRIES):
            facts = settle.inspect(api, self.name)
            if facts is None:
                settle.create(api, config, self.name)
                continue
            settle.require_ours(facts, self.name, self._seal)
            if settle.is_outdated(facts, config):
                settle.remove(api, facts["Id"])
                continue
            match facts["State"]["Status"]:
                case "running":
                    return facts, fresh
                case "paused":
                    settle.unless_gone(api.unpause, facts["Id"])
                case "created" | "exited":
                    settle.unless_gone(api.start, facts["Id"])
                    fresh = True
                case _:
                    settle.remove(api, facts["Id"])
        raise SandboxError("The box does not stay up, or another program keeps changing it.")

    async def _prepare(
        self, box: DockerBox, user: str, promise: Promise, fresh: bool
    ) -> list[Finding]:
        """Make the box ready and look at it, in one program: each costs some 60 ms to start."""
        ids = user.split(":")
        text = await box.look(f"{_TMUX}{_NAMES}{LOOK}", "prepare", *ids) if fresh else None
        if text is None:
            text = await self._prepare_by_engine(box, ids)
        inside, here = folder_in(text), os.stat(self._workspace).st_ino
        if inside and not (promise.own_kernel or promise.carried) and inside != here:
            raise _Elsewhere(box.id, "The box is bound to another folder than the workspace.")
        self.covered = self._covered(text)
        return findings_in(text, promise)

    async def _prepare_by_engine(self, box: DockerBox, ids: Sequence[str]) -> str:
        """The same as a program that the engine starts; says what the image has not got."""
        done = await box.exec(["sh", "-c", _PREPARE, "prepare", *ids, _NAMES, LOOK])
        text = done.stdout.decode("utf-8", "replace")
        if done.status == 3:
            raise SandboxError(f"The image {self._image} has no {text.strip()}.")
        if done.status == _CANNOT_RUN:
            why = "No program can be started in the box"
            raise _Elsewhere(box.id, f"{why}; its folder may have been replaced.")
        return text


class _Elsewhere(SandboxError):
    """The container's workspace is not the folder that is here now: replaced, or renamed away."""

    def __init__(self, container: str, sentence: str) -> None:
        super().__init__(sentence)
        self.container = container


def _seconds(text: str) -> float:
    """Unix seconds of Docker's RFC 3339 time, which has up to nine digits after the point."""
    head, _, rest = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{head}+00:00").timestamp() + float(f"0.{rest or 0}")
