"""What is accounted for: the kinds of record in the audit chain, and what may stand in one.

A record holds identifiers, names, numbers and hashes, never what was said or printed: a session's
content can be deleted, a record cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Fact = str | int | float | bool | None
"""A value in a record."""


class AuditKind(StrEnum):
    """What a record is about."""

    GENESIS = "genesis"
    """The first record; covers every event that an older version wrote before there was a chain."""
    LOGIN = "login"
    """A person opened the workbench."""
    CLOSED = "closed"
    """The program ended in order; nothing may follow but a record."""
    LOG = "log"
    """Nothing but the events since the record before."""
    SESSION = "session"
    """A session was started, forked, imported, archived or deleted."""
    DECISION = "decision"
    DISPATCH = "dispatch"
    RESULT = "result"
    RULE = "rule"
    """A rule was made, changed or removed."""
    MODE = "mode"
    """Another mode holds."""
    KEY = "key"
    """A model key was entered or used; never the key itself."""
    SSH_KEY = "ssh_key"
    """An SSH key was added, switched off or on, removed, or said to have come in."""
    UNDO = "undo"
    """The workspace was brought back to a checkpoint."""
    TRY = "try"
    """A waiting command was tried in a throw-away copy; no decision."""
    PRUNED = "pruned"
    """Old output was removed."""
    RESTORED = "restored"
    """The ledger was put back from a backup."""
    RECOVERED = "recovered"
    """The ledger was made from what a damaged one still held."""


@dataclass(frozen=True, slots=True)
class AuditNote:
    """Something to be accounted for that is no event of a session."""

    kind: AuditKind
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """What is to be known about it; short, and nothing that a person may want deleted."""
