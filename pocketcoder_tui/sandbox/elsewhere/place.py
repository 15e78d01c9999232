"""The box's copy of a workspace: an engine's volume, its owner, and what keeps it the same."""

import os
from collections.abc import Callable
from pathlib import Path

import docker

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.sandbox import settle
from pocketcoder_tui.sandbox.elsewhere.courier import Carried, Courier
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.flags import WORKSPACE, volume_mount
from pocketcoder_tui.sandbox.labels import OWNER, owner_mark
from pocketcoder_tui.sandbox.threads import Engine

__all__ = ["VolumePlace"]

_COPY = "org.pocketcoder.copy"
"""Tells one volume from a later one of the same name."""
_OWN_SECONDS = 60


class VolumePlace:
    """Owns the courier; the volume belongs to the engine."""

    def __init__(
        self, workspace: Path, folder: Path, hidden: Callable[[], frozenset[str]], name: str
    ) -> None:
        """``folder``: of the host's, for what is known of both; ``name``: the volume's."""

        def paths() -> frozenset[bytes]:
            return frozenset(os.fsencode(path) for path in hidden())

        self.name = name
        self._courier = Courier(workspace, folder, paths)
        self._copy = ""

    async def ready(
        self, engine: Engine, image: str, user: str, labels: dict[str, str], box: str
    ) -> None:
        """See that the volume is there, and the box's user's while there is no ``box`` yet.

        A root of the image with one capability gives it away, in a container that does nothing
        else: the box's own user has none and could not. Raises SandboxError.
        """
        api = await engine.api()
        self._copy = await engine.run(_volume, api, self.name, labels)
        if await engine.run(settle.inspect, api, box) is None:
            labels = labels | {OWNER: owner_mark(os.getpid())}
            await engine.run(_give, api, self.name, image, user, labels)

    async def carry(self, box: Box, *, back: bool = False) -> Carried:
        """Make both the same, or the host's alone. Raises SandboxError, ContainerGone."""
        return await self._courier.carry(box, self._copy, back=back)

    async def remove(self, engine: Engine) -> None:
        """Remove the volume; nothing of it may be missing on the host. Raises SandboxError."""
        api = await engine.api()

        def work() -> None:
            with translated("remove the box's copy of the workspace"):
                try:
                    api.remove_volume(self.name)
                except docker.errors.NotFound:
                    return

        await engine.run(work)

    def close(self) -> None:
        """Let go of the host's folder."""
        self._courier.close()


def _volume(api: docker.APIClient, name: str, labels: dict[str, str]) -> str:
    """Which copy the volume is; it is made when there is none. Blocking."""
    with translated("make the box's copy of the workspace"):
        try:
            facts = api.inspect_volume(name)
        except docker.errors.NotFound:
            facts = api.create_volume(name, labels=labels | {_COPY: new_id()})
    copy = (facts.get("Labels") or {}).get(_COPY, "")
    if not copy:
        raise SandboxError(
            f"A volume named {name} exists and is not PocketCoder's.",
            hint=f"If nothing of it is needed: docker volume rm {name}.",
        )
    return str(copy)


def _give(api: docker.APIClient, name: str, image: str, user: str, labels: dict[str, str]) -> None:
    """Make the box's user the owner of a volume. Blocking. Raises SandboxError."""
    with translated("prepare the box's copy of the workspace"):
        host = api.create_host_config(
            network_mode="none", read_only=True, cap_drop=["ALL"], cap_add=["CHOWN"],
            security_opt=["no-new-privileges:true"],
        )  # fmt: skip
        host["Mounts"] = [volume_mount(name)]
        made = api.create_container(
            image, ["chown", user, WORKSPACE], entrypoint=[], user="0:0", host_config=host,
            network_disabled=True, labels=labels, use_config_proxy=False,
        )  # fmt: skip
        try:
            api.start(made)
            status = api.wait(made, timeout=_OWN_SECONDS)["StatusCode"]
        finally:
            api.remove_container(made, force=True)
    if status != 0:
        raise SandboxError(f"The box's copy of the workspace has no owner (status {status}).")
