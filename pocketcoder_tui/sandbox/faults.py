"""Docker's errors in the person's words: every failure becomes one of core's SandboxErrors."""

from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests

from pocketcoder_tui.core.errors import (
    ContainerGone,
    EngineForbidden,
    EngineStopped,
    ImageMissing,
    SandboxError,
)

__all__ = ["translate", "translated"]

_GONE = ("no such container", "is not running", "is paused", "no such exec", "cannot exec in a")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what Docker's SDK raises inside into SandboxErrors; ``doing`` completes "Could not"."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise translate(error, doing) from error


def translate(error: Exception, doing: str) -> SandboxError:
    """Return the error that says in one sentence what Docker's own means.

    The engine's texts are matched in lower case because the API gives no finer code than the
    HTTP status (Docker Engine API, responses of /containers and /exec).
    """
    match error:
        case docker.errors.ImageNotFound():
            return ImageMissing("The sandbox image was not built.")
        case docker.errors.APIError():
            return _refused(error, doing)
        case requests.Timeout():
            return SandboxError(f"Could not {doing}: Docker did not answer in time.")
        case docker.errors.DockerException() | requests.RequestException() | OSError():
            return _unreachable(error, doing)
    return SandboxError(f"Could not {doing}: {error}.")


def _refused(error: docker.errors.APIError, doing: str) -> SandboxError:
    said = str(error.explanation or error).strip().rstrip(".")
    low = said.lower()
    if any(words in low for words in _GONE):
        return ContainerGone("The box went away while it was in use.")
    if "no such image" in low:
        return ImageMissing("The sandbox image was not built.")
    if "no space left" in low:
        return SandboxError(f"Could not {doing}: the disk is full.", hint="Free some space.")
    return SandboxError(f"Could not {doing}: {said}.")


def _unreachable(error: BaseException, doing: str) -> SandboxError:
    text = repr(error)
    if "PermissionError" in text:
        return EngineForbidden("Docker runs, and you may not use it.")
    if "ConnectionRefusedError" in text or "FileNotFoundError" in text:
        return EngineStopped("Docker does not run any more.")
    if any(word in text for word in ("ConnectionReset", "RemoteDisconnected", "BrokenPipe")):
        return EngineStopped("Docker stopped while it was in use.")
    return SandboxError(f"Could not {doing}: {str(error).rstrip('.') or type(error).__name__}.")
