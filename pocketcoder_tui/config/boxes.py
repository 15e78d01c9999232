"""What a person chose for the box of one workspace: an image of their own, and more packages.

Kept in the configuration folder, a file a workspace, because the agent can write to the workspace.
"""

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pocketcoder_tui.core.errors import ConfigError

__all__ = ["MOST_PACKAGES", "BoxChoices", "check_image", "check_package", "keep", "read"]

MOST_PACKAGES = 200
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}\Z")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}\Z")
"""Debian Policy Manual, 5.6.1: small letters, digits, plus, minus, period; two characters least."""
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class BoxChoices:
    """Of one workspace."""

    image: str = ""
    """The image that its box is made from; empty for the setting's."""
    packages: tuple[str, ...] = ()
    """Debian packages beside those of the image, in order of name."""


def check_image(name: str) -> str:
    """The reference of an image, as it is. Raises ConfigError for what can be none."""
    if not _REFERENCE.match(name):
        raise ConfigError(
            f"{name!a} is not the name of an image.", hint="For example debian:trixie."
        )
    return name


def check_package(name: str) -> str:
    """The name of a Debian package, as it is. Raises ConfigError for what can be none."""
    if not _PACKAGE.match(name):
        raise ConfigError(
            f"{name!a} is not the name of a Debian package.",
            hint="Small letters, digits, and + . - within; for example nodejs.",
        )
    return name


def read(file: Path) -> BoxChoices:
    """The choices; none where nothing was chosen. Raises ConfigError."""
    try:
        with file.open("rb") as source:
            found = json.loads(source.read(_LONGEST))
    except FileNotFoundError:
        return BoxChoices()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read: {error}.", hint="Delete it to begin anew."
        ) from error
    match found:
        case {"image": str(image), "packages": list(packages)} if len(packages) <= MOST_PACKAGES:
            if image:
                check_image(image)
            names = tuple(check_package(name) for name in packages if isinstance(name, str))
            return BoxChoices(image, names)
    raise ConfigError(
        f"{file} does not say what a box is made of.", hint="Delete it to begin anew."
    )


def keep(file: Path, choices: BoxChoices) -> None:
    """Write the choices, whole or not at all; without any the file goes. Raises ConfigError."""
    try:
        if choices == BoxChoices():
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.ExitStack() as undo:
            undo.callback(new.unlink, missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as target:
                json.dump(asdict(choices), target, indent=1)
            new.replace(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
