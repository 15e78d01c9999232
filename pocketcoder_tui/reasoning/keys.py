"""What a key and a model's name may look like: refused here before a library repeats it; pure."""

from pocketcoder_tui.core.errors import KeyMissing, KeyRefused, ModelUnknown
from pocketcoder_tui.reasoning import faults

__all__ = ["check_key", "check_model"]


def check_key(key: str, service: str, *, needed: bool = True) -> None:
    """Raises KeyMissing or KeyRefused; the key is in no sentence."""
    if not key and needed:
        raise KeyMissing(f"No key for {service} is set.")
    if not (key.isascii() and (key.isprintable() or not key)) or " " in key:
        raise KeyRefused("The key has characters that no key has.")


def check_model(name: str) -> None:
    """Raises ModelUnknown for an empty name, and for one that is no single line."""
    if not name or not name.isprintable() or any("\ud800" <= c <= "\udfff" for c in name):
        raise ModelUnknown(f"This is not a model's name: {faults.one_line(ascii(name))}")
