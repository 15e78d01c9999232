"""Which addresses a model's service can have; pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["is_address", "is_loopback"]


def is_address(url: str) -> bool:
    """Whether a request can go to it."""
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError:
        return False
    written = url.isascii() and url.isprintable() and " " not in url
    return split.scheme in {"http", "https"} and bool(split.hostname) and written


def is_loopback(url: str) -> bool:
    """Whether it names this machine by an address that leads nowhere else."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
