"""Steps in the life of a container; another process may have taken each before. Blocking."""

from typing import Any

import docker

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.faults import translate, translated
from pocketcoder_tui.sandbox.labels import COVER, FLAGS, GIT, SEAL, WORKSPACE

__all__ = ["create", "inspect", "is_outdated", "remove", "require_ours", "unless_gone"]


def inspect(api: docker.APIClient, name: str) -> dict[str, Any] | None:
    """What the engine says of a container; None when there is none."""
    with translated("look for the box"):
        try:
            facts: dict[str, Any] = api.inspect_container(name)
        except docker.errors.NotFound:
            return None
    return facts


def create(api: docker.APIClient, config: dict[str, Any], name: str) -> None:
    """Make the container. Another process that was faster is no failure."""
    try:
        api.create_container_from_config(config, name)
    except docker.errors.APIError as error:
        if error.status_code != 409:
            raise translate(error, "make the box") from error


def remove(api: docker.APIClient, container: str) -> None:
    """Remove one exact container and wait until its name is free."""
    try:
        api.remove_container(container, force=True, v=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if error.status_code != 409:
            raise translate(error, "remove the old box") from error
        # Another process removes it; its name is free when that is done.
        try:
            api.wait(container, condition="removed")
        except docker.errors.NotFound:
            return


def unless_gone(step: Any, container: str) -> None:
    """Take a step that another process may have taken, or made pointless, before."""
    try:
        step(container)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if error.status_code not in (304, 409):
            raise translate(error, "start the box") from error


def require_ours(facts: dict[str, Any], name: str, seal: str) -> None:
    """Raise SandboxError for a container that this person did not make for the workspace."""
    labels = facts["Config"].get("Labels") or {}
    if WORKSPACE not in labels:
        raise SandboxError(
            f"A container named {name} exists and is not PocketCoder's.",
            hint=f"Remove or rename it: docker rename {name} other-name.",
        )
    if seal and labels.get(SEAL) != seal:
        raise SandboxError(
            f"The container {name} was not made with your configuration's secret.",
            hint=f"If it is yours, remove it: docker rm -f {name}.",
        )


def is_outdated(facts: dict[str, Any], config: dict[str, Any]) -> bool:
    """True when the container must be made again.

    Its mounts within the workspace count only while it is stopped: a repository or a secret that
    came into being meanwhile is no reason to end what runs.
    """
    has, wants = facts["Config"]["Labels"], config["Labels"]
    if has.get(FLAGS) != wants[FLAGS]:
        return True
    running = facts["State"]["Status"] in ("running", "paused")
    return not running and any(has.get(label) != wants[label] for label in (GIT, COVER))
