"""Who sits here: what the audit chain says of a login, and whose name stands in a decision."""

import getpass
import os
import platform
import sys

from pocketcoder_tui import __version__
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact


def login() -> AuditNote:
    """Who opens the ledger now, from where, and with which version."""
    facts: dict[str, Fact] = {
        "who": login_name(),
        "uid": os.getuid(),
        "tty": _tty(),
        "host": platform.node(),
        "pid": os.getpid(),
        "version": __version__,
    }
    return AuditNote(AuditKind.LOGIN, facts)


def login_name() -> str:
    """The person's login name; a machine without one still has a person."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "person"


def _tty() -> str:
    """The terminal's name; empty where there is none."""
    try:
        return os.ttyname(sys.__stdin__.fileno()) if sys.__stdin__ is not None else ""
    except (OSError, ValueError):
        return ""
