"""A machine to log in to: a real sshd on the loopback, with its own keys and settings."""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "/usr/sbin/sshd"

SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowStreamLocalForwarding yes
PermitRootLogin yes
"""


class Sshd:
    """Owns one sshd, from entering to leaving."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                check=True,
            )
        (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = SETTINGS.format(port=self.port, folder=folder)
        (folder / "sshd_config").write_text(settings)
        key = " ".join((folder / "host.pub").read_text().split()[:2])
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {key}\n")

    @property
    def url(self) -> str:
        """Its address, as Docker writes it."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def program_folder(self) -> Path:
        """A folder for PATH with an ``ssh`` that uses this machine's keys and knows its host.

        OpenSSH takes the home folder from the system's list of users, so it cannot be given one.
        """
        folder = self.folder / "bin"
        folder.mkdir()
        script = folder / "ssh"
        script.write_text(
            f"#!/bin/sh\nexec {shutil.which('ssh')} -F none -i {self.folder}/user "
            f'-o IdentitiesOnly=yes -o UserKnownHostsFile={self.folder}/known "$@"\n'
        )
        script.chmod(0o755)
        return folder

    def forget_keys(self) -> None:
        """Let nobody in any more."""
        (self.folder / "authorized").write_text("")

    def forget_host(self) -> None:
        """Nobody knows this machine."""
        (self.folder / "known").write_text("")

    def __enter__(self) -> "Sshd":
        Path("/run/sshd").mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        while b"Server listening" not in (line := self._process.stderr.readline()):
            assert line, "sshd did not start"
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stderr is not None
        self._process.stderr.close()
