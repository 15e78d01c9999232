"""Checks PocketCoder's audit chain; needs nothing but Python: python3 verify_audit.py FILE [HASH]

FILE is what `pocketcoder audit export` wrote, or a ledger that is not open (its events are checked
too). HASH is a record's that was noted before: only with one is a chain that was cut off found.
"""

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ZERO = "0" * 64
"""Stands where the hash of the record before the first one would."""
ERASED = '{"erased":"'
"""How an event begins whose content was deleted; the content's sha256 follows."""
Event = tuple[int, str, float, str, str]  # seq, session_id, at, kind, body


class Broken(Exception):
    """The chain does not hold; the text says where."""


def sha256(text: str) -> str:
    """Hash text as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def leaf(event: Event) -> str:
    """Return the line by which an event enters the chain; the same before and after a deletion."""
    seq, session, at, kind, body = event
    content = body[11:75] if body.startswith(ERASED) else sha256(body)
    return f"{seq}\x1f{session}\x1f{at!r}\x1f{kind}\x1f{content}\n"


def links(bodies: Iterable[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each record with its hash, checked against the one before. Raises Broken."""
    end = ZERO
    for seq, body in enumerate(bodies, 1):
        try:
            record = json.loads(body)
            follows = record["seq"] == seq and record["prev"] == end
        except (ValueError, KeyError, TypeError) as error:
            raise Broken(f"record {seq} cannot be read") from error
        if not follows:
            raise Broken(f"record {seq} does not follow the one before it")
        end = sha256(body)
        yield record, end


def main(file: str, noted: str = "") -> str:
    """Check a file; returns what was found as a sentence. Raises Broken."""
    path, db = Path(file), None
    if path.read_bytes()[:15] == b"SQLite format 3":
        still = "" if Path(f"{file}-wal").exists() else "&immutable=1"
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{still}", uri=True)
        bodies = (body for (body,) in db.execute("SELECT body FROM audit ORDER BY seq"))
        events = db.execute("SELECT seq, session_id, at, kind, body FROM event ORDER BY seq")
    else:
        bodies = (line for line in path.read_text("utf-8").split("\n") if line)
    count, seen = 0, not noted
    for record, end in links(bodies):
        count, seen = record["seq"], seen or end == noted
        if db is not None and record["log"]:
            first, last, digest = record["log"]
            if sha256("".join(map(leaf, events.fetchmany(last - first + 1)))) != digest:
                raise Broken(f"events {first} to {last} are not those of record {count}")
    if not (count and seen):
        raise Broken("the noted record is not in it" if count else "there is no record")
    return f"{count} records, each follows the one before. The last one's hash is {end}."


if __name__ == "__main__":
    try:
        print(main(*sys.argv[1:]))
    except (Broken, LookupError, OSError, TypeError, ValueError, sqlite3.Error) as broken:
        sys.exit(f"NOT VERIFIED: {broken}" if sys.argv[1:] else __doc__)
