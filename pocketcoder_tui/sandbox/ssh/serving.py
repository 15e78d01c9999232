"""How sshd is started in the box, and what its own words tell of a visit (pure).

Everything it obeys is on its command line or in the folder that the host hands in, so nothing in
the box can change it. Sources: sshd(8), sshd_config(5), "AUTHORIZED_KEYS FILE FORMAT".
"""

import re
from collections.abc import Iterable

from pocketcoder_tui.core.keys import KeptKey
from pocketcoder_tui.sandbox.flags import HATCH

__all__ = ["GRACE", "HOST_KEY", "KEYS", "USER", "VisitLog", "authorized_keys", "sshd_argv"]

USER = "agent"
"""Who comes in: the box has this one user."""
KEYS = "ssh_keys"
"""The list of keys, in the folder that the host hands in."""
HOST_KEY = "ssh_host_key"
"""The host key, there too."""
GRACE = 20
"""Seconds that a visitor may take to prove who they are."""

_SCRIPT = "/opt/pocketcoder/ssh.bash"
_OPTIONS = {
    "LogLevel": "VERBOSE",
    "AuthorizedKeysFile": f"{HATCH}/{KEYS}",
    # The folder's owner can be anybody here; that it is mounted read-only is what keeps it.
    "StrictModes": "no",
    "AuthenticationMethods": "publickey",
    "PubkeyAuthentication": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "HostbasedAuthentication": "no",
    "GSSAPIAuthentication": "no",
    "KerberosAuthentication": "no",
    "UsePAM": "no",
    "PermitRootLogin": "prohibit-password",
    "AllowUsers": USER,
    "LoginGraceTime": str(GRACE),
    "MaxAuthTries": "6",
    "MaxSessions": "10",
    "ClientAliveInterval": "30",
    "ClientAliveCountMax": "3",
    "UseDNS": "no",
    "PrintMotd": "no",
    "PrintLastLog": "no",
    "PidFile": "none",
    "DisableForwarding": "yes",
    "AllowTcpForwarding": "no",
    "AllowStreamLocalForwarding": "no",
    "AllowAgentForwarding": "no",
    "X11Forwarding": "no",
    "PermitTunnel": "no",
    "PermitOpen": "none",
    "PermitListen": "none",
    "GatewayPorts": "no",
    "PermitUserRC": "no",
    "PermitUserEnvironment": "no",
    "Subsystem": "sftp /usr/lib/openssh/sftp-server -d /workspace",
    "ForceCommand": f"/bin/bash {_SCRIPT} session",
    # bash that sshd starts reads ~/.bashrc, which the agent can write, unless a shell is around it.
    "SetEnv": "LANG=C.UTF-8 SHLVL=1",
}  # fmt: skip

_ACCEPTED = re.compile(
    rb"Accepted publickey for " + USER.encode() + rb" from \S+ port \d+ ssh2: "
    rb"[A-Z0-9-]{2,20} (SHA256:[A-Za-z0-9+/]{43})\r?"
)
"""What OpenSSH's auth_log writes with LogLevel VERBOSE; names in it are escaped by vis(3)."""
_LONGEST = 4_096
"""Bytes of a line that are looked at."""


def sshd_argv() -> list[str]:
    """The program that serves one visit on its input and output, and tells of it on stderr."""
    options = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
    serve = ["/bin/bash", _SCRIPT, "serve", f"{HATCH}/{HOST_KEY}"]
    return [*serve, "-i", "-e", "-f", "/dev/null", *options]


def authorized_keys(keys: Iterable[KeptKey]) -> bytes:
    """The list of keys as sshd reads it: each may have a terminal and nothing else."""
    return b"".join(
        f"restrict,pty {key.kind} {key.blob} key-{key.number}\n".encode() for key in keys
    )


class VisitLog:
    """Reads what one sshd says. A process of the box's user can say it too: it proves nothing."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._skips = False
        self.last = ""
        """The last whole line, for the log."""

    def feed(self, data: bytes) -> list[str]:
        """The fingerprints that it says came in, in order; "" for a line too long to be its own."""
        found: list[str] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            found += self._take(piece)
            line, skipped = bytes(self._line), self._skips
            self._line.clear()
            self._skips = False
            self.last = line.decode("utf-8", "replace")
            match = None if skipped else _ACCEPTED.fullmatch(line)
            if match is not None:
                found.append(match[1].decode())
        return found + self._take(rest)

    def _take(self, piece: bytes) -> list[str]:
        """Keep a part of a line, as far as lines are looked at."""
        room = _LONGEST - len(self._line)
        self._line += piece[:room]
        if len(piece) > room and not self._skips:
            self._skips = True
            return [""]
        return []
