"""The price table: the package's own file, and the person's, which adds to it and wins."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.errors import ConfigError
from pocketcoder_tui.core.prices import BadPrice, Price, PriceTable, price_of

__all__ = ["FILE", "load_prices"]

FILE = "prices.toml"


def load_prices(config: Path) -> PriceTable:
    """Read both; ``config`` is the configuration folder. Raises ConfigError for the person's."""
    shipped = resources.files("pocketcoder_tui.config").joinpath(FILE)
    prices = _read(shipped.read_text(encoding="utf-8"))
    own = config / FILE
    try:
        prices += _read(own.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadPrice) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"{own} cannot be used: {why}.", hint=f"Its form is told in the package's {FILE}."
        ) from error
    return PriceTable(prices)


def _read(text: str) -> list[Price]:
    """Raises BadPrice or tomllib.TOMLDecodeError."""
    said: dict[str, Any] = tomllib.loads(text)
    entries = said.pop("price", [])
    if said or not isinstance(entries, list):
        raise BadPrice("it holds [[price]] entries and nothing else")
    return [price_of(entry) for entry in entries]
