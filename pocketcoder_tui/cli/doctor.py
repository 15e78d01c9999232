"""`pocketcoder doctor`: the facts as a table for a person, or as JSON for a program.

The JSON's keys stay as they are within one number of ``schema``; new ones may be added:

    schema   1
    version  of pocketcoder
    ok       true when everything that is required is in place; the exit status says the same
    checks   [{id, label, state: ok | missing | broken | busy, required, sentence, hint}]
    paths    {workspace, state, ledger, log, config, env}
    sandbox  with --sandbox, and nothing else beside it but schema, version and ok:
             [{name, ok, seen}], what the running box says of itself
    ledger   {exists, version, newest, bytes, owner, tables, records, head,
              migrations: [{number, name, applied_at}]}   owner is a pid, 0 unknown, null nobody
"""

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from pocketcoder_tui import __version__
from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.facts import Fact, Facts, gather
from pocketcoder_tui.cli.output import GREEN, GREY, RED, YELLOW, encodable, paint, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import load_settings
from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.gatekeeper.faithful import plain

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.inspection import Finding

SCHEMA = 1
DRIFTED = "The box is not as it was made; nothing is sent to it. pocketcoder reset makes it anew."


def run(args: Arguments, paths: Paths) -> int:
    """Print the facts. Returns 0 when all that is required is in place, else 1.

    Raises SandboxError with ``--sandbox`` when no box runs, or it cannot be looked at.
    """
    if args.sandbox:
        return _look_at_box(args, paths)
    facts = gather(paths)
    if args.json:
        print(json.dumps(as_json(facts, paths), indent=2))
    else:
        print_table(facts, paths)
    return 0 if facts.ok else 1


def _look_at_box(args: Arguments, paths: Paths) -> int:
    findings = asyncio.run(_findings(paths))
    ok = all(good for _, good, _ in findings)
    if args.json:
        rows = [{"name": name, "ok": good, "seen": seen} for name, good, seen in findings]
        print(json.dumps({"schema": SCHEMA, "version": __version__, "ok": ok, "sandbox": rows}))
        return 0 if ok else 1
    width = max(len(name) for name, _, _ in findings)
    for name, good, seen in findings:
        sign = _sign("ok" if good else "drifted", good, RED)
        say(f"{sign}  {name:<{width}}  {encodable(plain(seen, keep_newlines=False))}")
    print()
    print(paint("The box is as promised.", GREEN) if ok else paint(DRIFTED, RED))
    return 0 if ok else 1


async def _findings(paths: Paths) -> "list[Finding]":
    from pocketcoder_tui.engine.assembly import make_sandbox
    from pocketcoder_tui.engine.options import Options

    async with make_sandbox(Options(paths, load_settings(paths))) as sandbox:
        findings = await sandbox.look()
    if findings is None:
        raise SandboxError(
            f"No box of {paths.workspace} is running.", hint="Start one with pocketcoder first."
        )
    return findings


def as_json(facts: Facts, paths: Paths) -> dict[str, Any]:
    """Return the facts in the form that the module describes; ASCII-safe, never a key's value."""
    ledger = facts.ledger
    return {
        "schema": SCHEMA,
        "version": __version__,
        "ok": facts.ok,
        "checks": [
            {
                "id": row.check.id,
                "label": row.check.label,
                "state": row.check.state.value,
                "required": row.required,
                "sentence": row.check.sentence,
                "hint": row.check.hint,
            }
            for row in facts.rows
        ],
        "paths": {name: str(place) for name, place in _places(paths)},
        "ledger": {
            "exists": ledger.exists,
            "version": ledger.version,
            "newest": ledger.newest,
            "bytes": ledger.size_bytes,
            "owner": ledger.owner,
            "tables": list(ledger.tables),
            "records": ledger.records,
            "head": ledger.head,
            "migrations": [
                {"number": m.number, "name": m.name, "applied_at": m.applied_at}
                for m in ledger.migrations
            ],
        },
    }


def print_table(facts: Facts, paths: Paths) -> None:
    """Print a row for each fact, then where things live and what the ledger went through."""
    width = max(len(row.check.label) for row in facts.rows)
    for row in facts.rows:
        sentence = encodable(plain(row.check.sentence, keep_newlines=False))
        print(f"{_mark(row)}  {row.check.label:<{width}}  {sentence}")
        if row.check.hint:
            hint = encodable(plain(row.check.hint, keep_newlines=False))
            print(paint(f"{'':<{width + 13}}{hint}", GREY))
    print()
    for name, place in _places(paths):
        say(f"{name:<10} {place}")
    _print_schema(facts)
    print()
    print(paint("All is in place.", GREEN) if facts.ok else paint("Something is missing.", RED))


def _print_schema(facts: Facts) -> None:
    if facts.ledger.migrations:
        print("\nmigrations of the ledger")
    for migration in facts.ledger.migrations:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(migration.applied_at))
        say(f"{migration.number:>10} {day}  {migration.name}")
    if facts.ledger.tables:
        say(f"{'tables':<10} {', '.join(facts.ledger.tables)}")


def _mark(row: Fact) -> str:
    """A sign, a word and a colour, each enough on its own."""
    state = row.check.state
    colour = GREEN if state is CheckState.OK else RED if row.required else YELLOW
    return _sign(state.value, state is CheckState.OK, colour, unsure=not row.required)


def _sign(word: str, good: bool, colour: str, *, unsure: bool = False) -> str:
    drawable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    well, ill = ("✓", "✗") if drawable else ("+", "x")
    sign = well if good else "?" if unsure else ill
    return paint(f"{sign} {word:<7}", GREEN if good else colour)


def _places(paths: Paths) -> list[tuple[str, object]]:
    return [
        ("workspace", paths.workspace),
        ("state", paths.state),
        ("ledger", paths.ledger),
        ("log", paths.log),
        ("config", paths.config),
        ("env", paths.env_file),
    ]
