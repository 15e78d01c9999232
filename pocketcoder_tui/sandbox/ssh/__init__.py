"""The way to the box's terminal over SSH: a listener on the host, an sshd inside for each visit."""

from pocketcoder_tui.sandbox.ssh.door import SshDoor

__all__ = ["SshDoor"]
