"""The settings that the first frame needs, read without the settings' library (0.4 s of CPU).

The same sources in the same order as `settings.load_settings`, which reads them again later and is
the one that complains: whatever is wrong here is the default.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from pocketcoder_tui.config.paths import Paths

_THEME, _ASCII = "POCKETCODER_THEME", "POCKETCODER_ASCII"
_TRUE = ("1", "true", "t", "yes", "y", "on")
"""What pydantic reads as true in a text."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How the screen is drawn."""

    theme: str = "pocketcoder-dark"
    ascii: bool = False


def first_looks(paths: Paths, environ: Mapping[str, str] | None = None) -> Looks:
    """Return the theme's name and whether to draw with ASCII only. Raises nothing."""
    sources = [os.environ if environ is None else environ, _env_file(paths), _toml(paths)]
    theme, ascii_only = (
        next((value for source in sources if (value := source.get(name))), "")
        for name in (_THEME, _ASCII)
    )
    return Looks(theme or Looks().theme, ascii_only.lower() in _TRUE)


def _env_file(paths: Paths) -> dict[str, str]:
    if not paths.env_file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(paths.env_file)
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: value for name, value in values.items() if value}


def _toml(paths: Paths) -> dict[str, str]:
    try:
        values = tomllib.loads(paths.config_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    named = {_THEME: values.get("theme"), _ASCII: values.get("ascii")}
    return {name: str(value) for name, value in named.items() if value is not None}
