"""`pocketcoder audit`: the chain of records, verified, shown, exported; and the verifier itself.

The JSON of ``verify`` keeps its keys within one number of ``schema``; new ones may be added:

    schema   1
    ok       true when everything holds; the exit status says the same
    records  in the chain            head     the sha256 of the last one
    events   in the ledger           covered  of them by a record
    seconds  that it took
    sentence, hint                   what is wrong, and what to do; empty when nothing is

``show --json`` prints the records as they are, one a line, like ``export``; ledger/chain.py says
what is in one.
"""

import json
import os
import time
from collections import deque
from importlib import resources
from pathlib import Path
from typing import Any

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import GREEN, GREY, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.audit import AuditKind
from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.gatekeeper.faithful import plain

SCHEMA = 1


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Raises LedgerError, and LedgerDamaged when the chain does not hold."""
    if args.action == "verifier":
        print(
            resources.files("pocketcoder_tui.ledger").joinpath("verify_audit.py").read_text(),
            end="",
        )
        return 0
    if not paths.ledger.exists():
        raise LedgerError(
            f"There is no ledger of {paths.workspace} yet.", hint="Start pocketcoder."
        )
    match args.action:
        case "verify":
            return verify(args, paths)
        case "show":
            return show(args, paths)
        case _:
            return export(args, paths)


def verify(args: Arguments, paths: Paths) -> int:
    """Check everything in the ledger, the events and tables too."""
    from pocketcoder_tui.ledger.inspection import examine

    began = time.perf_counter()
    try:
        found = examine(paths.ledger)
    except LedgerDamaged as error:
        if not args.json:
            raise
        print(json.dumps({"schema": SCHEMA, "ok": False, "records": 0, "head": "", "events": 0,
                          "covered": 0, "seconds": round(time.perf_counter() - began, 3),
                          "sentence": error.sentence, "hint": error.hint}))  # fmt: skip
        return 1
    seconds, end = time.perf_counter() - began, found.chain.end
    if args.json:
        print(json.dumps({"schema": SCHEMA, "ok": True, "records": end.seq, "head": end.hash,
                          "events": found.events, "covered": found.covered,
                          "seconds": round(seconds, 3), "sentence": "", "hint": ""}))  # fmt: skip
        return 0
    print(paint("All of it holds.", GREEN))
    say(
        f"{end.seq:,} records and {found.events:,} events in {seconds:.2f} seconds.",
        f"The last record's hash is {end.hash}",
        "Keep it elsewhere: whoever has it can see later that nothing before it was changed.",
    )
    return 0


def show(args: Arguments, paths: Paths) -> int:
    """Print the records from the end."""
    from pocketcoder_tui.ledger.inspection import records

    last = deque(records(paths.ledger), maxlen=args.last or None)
    for record, text, _ in last:
        print(text if args.json else line(record))
    return 0


def export(args: Arguments, paths: Paths) -> int:
    """Write every record as it is, one a line."""
    from pocketcoder_tui.ledger.inspection import records

    found = records(paths.ledger)
    if args.to is None:
        for _, text, _ in found:
            print(text)
        return 0
    kept = list(found)
    _write(Path(args.to), "".join(f"{text}\n" for _, text, _ in kept))
    head = kept[-1][2]
    say(f"{len(kept):,} records are in {args.to}.", f"The last record's hash is {head}")
    return 0


def line(record: dict[str, Any]) -> str:
    """One record for a person's eye."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record["at"]))
    facts = "  ".join(f"{name}={_short(name, value)}" for name, value in record["facts"].items())
    if record["kind"] == AuditKind.LOG and record["log"]:
        first, last, _ = record["log"]
        facts = f"events {first} to {last}"
    session = (record["session"] or "")[-8:]
    rest = encodable(plain(f"{session:<8}  {facts}", keep_newlines=False))
    return f"{record['seq']:>7}  {when}  {record['kind']:<9}  " + paint(rest.rstrip(), GREY)


def _short(name: str, value: object) -> str:
    """A fact; of a hash its beginning, of an id its end, where it differs from its neighbours."""
    text = str(value)
    if name in ("digest", "replaced_hash"):
        return text[:12]
    return text[-8:] if name in ("action", "from") else text


def _write(place: Path, text: str) -> None:
    """Write a new file for its owner alone. Raises LedgerError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(place, flags, 0o600), "w", encoding="ascii") as file:
            file.write(text)
    except FileExistsError as error:
        raise LedgerError(f"There is a file {place} already.", hint="Name another one.") from error
    except OSError as error:
        raise LedgerError(f"{place} cannot be written: {error.strerror}.") from error
