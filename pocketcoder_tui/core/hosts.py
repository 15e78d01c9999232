"""Names and addresses on the network: which may be asked for at all. Pure.

A name is allowed by a person; an address is what a name turns out to be when it is dialled, and is
looked at then. Sources: RFC 1123 section 2.1 (names), the special-purpose address registries of
RFC 6890 (ranges).
"""

import ipaddress
import re
from collections.abc import Iterable

__all__ = ["PORTS", "host_name", "inner_address", "port_refusal"]

PORTS = (80, 443)
"""The ports that can be asked for: HTTP's and HTTPS's."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_LONGEST = 253
_HERE = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa",
         "localdomain", "onion", "invalid", "test", "alt")  # fmt: skip
"""Last parts of names that lead nowhere outside (RFC 6761, RFC 6762, RFC 8244, RFC 9476)."""

_INNER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4",
        "240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "168.63.129.16/32",
    )
)  # fmt: skip
"""Ranges that lead to this machine, its networks or nowhere; the last is a cloud's own service."""
_CARRIERS = (
    (ipaddress.ip_network("::ffff:0:0/96"), 0),
    (ipaddress.ip_network("::/96"), 0),
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
)
"""IPv6 ranges in which an IPv4 address is written, and how many bits stand behind it."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def host_name(text: str) -> str:
    """The name as it is asked about: lower case, ASCII, without a final dot.

    Raises ValueError with a sentence for everything that is no public host name: an address in any
    of its spellings, a name of one part, names that mean this machine or its network.
    """
    raw = text.strip().removesuffix(".")
    if not raw.isascii():
        try:
            raw = raw.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("This is no host name.") from None
    name = raw.lower()
    if is_address(name):
        raise ValueError("Addresses are refused: ask for a host by its name.")
    labels = name.split(".")
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("This is no host name.")
    if len(labels) < 2 or labels[-1] in _HERE:
        raise ValueError("Names of this machine and its networks are refused.")
    return name


def is_address(text: str) -> bool:
    """Whether a text is an IP address, also as inet_aton(3) reads it: 0x7f.1, 2130706433."""
    bare = text.strip("[]").partition("%")[0]
    if ":" in bare:
        return True
    parts = bare.split(".")
    return bool(_NUMBER.fullmatch(parts[-1]))


def port_refusal(port: int) -> str:
    """Why a port cannot be asked for, one sentence; empty when it can."""
    if port in PORTS:
        return ""
    return f"Port {port} is refused: only {' and '.join(map(str, PORTS))} can be asked for."


def inner_address(text: str, own: Iterable[str] = ()) -> str:
    """Why an address is not dialled, one sentence; empty when it leads outside.

    ``own`` are addresses of this machine. Raises ValueError when the text is no address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    for inner in _with_carried(address):
        if str(inner) in own or any(inner in net for net in _INNER if net.version == inner.version):
            return f"It leads to {text}, which is on this machine or its networks."
    return ""


def _with_carried(address: _Address) -> tuple[_Address, ...]:
    """An address, and the IPv4 address that is written in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    for net, behind in _CARRIERS:
        if address in net and int(address) >> 32:
            carried = (int(address) >> behind) & 0xFFFFFFFF
            return (address, ipaddress.IPv4Address(carried))
        if address in net and int(address) > 1:
            return (address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return (address,)
