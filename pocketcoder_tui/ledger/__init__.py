"""The one place that remembers: events, and the life of every action, in one SQLite file."""

from pocketcoder_tui.ledger.inspection import AppliedMigration, SchemaReport, schema_report
from pocketcoder_tui.ledger.ownership import owner_of
from pocketcoder_tui.ledger.recovering import Recovered, recover
from pocketcoder_tui.ledger.restoring import Restored, back_up, restore
from pocketcoder_tui.ledger.snapshot import Snapshot, open_to_look
from pocketcoder_tui.ledger.store import SqliteLedger

__all__ = [
    "AppliedMigration",
    "Recovered",
    "Restored",
    "SchemaReport",
    "Snapshot",
    "SqliteLedger",
    "back_up",
    "open_to_look",
    "owner_of",
    "recover",
    "restore",
    "schema_report",
]
