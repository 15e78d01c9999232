"""`pocketcoder backup`, `restore` and `recover`: the ledger as a file, kept, put back, saved."""

from pathlib import Path

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import ask, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import LedgerError


def run(args: Arguments, paths: Paths) -> int:
    """Do what was asked. Returns 1 when the person says no. Raises LedgerError, NobodyToAsk."""
    match args.command:
        case "backup":
            return backup(args, paths)
        case "restore":
            return restore(args, paths)
        case _:
            return recover(args, paths)


def backup(args: Arguments, paths: Paths) -> int:
    """Copy the ledger after a whole check."""
    from pocketcoder_tui.ledger import back_up

    _require(paths)
    _refuse_in_use(paths)
    to = back_up(paths.ledger, _place(args.to))
    say(
        f"The ledger of {paths.workspace} is in {to}", "Put it back with: pocketcoder restore FILE."
    )
    return 0


def restore(args: Arguments, paths: Paths) -> int:
    """Put a backup in the ledger's place, after asking."""
    from pocketcoder_tui.engine.login import login_name
    from pocketcoder_tui.ledger import restore as put_back
    from pocketcoder_tui.ledger.inspection import inspect

    source = Path(args.file).absolute()
    _refuse_in_use(paths)
    inspect(source)
    question = f"Put {source} in the place of the ledger of {paths.workspace}?"
    if not args.yes and not ask(question):
        say("Nothing was changed.")
        return 1
    paths.prepare()
    done = put_back(paths.ledger, source, login_name())
    say(f"Restored: {done.end.seq:,} records. The last record's hash is {done.end.hash}")
    if done.kept is not None:
        say(f"What was there before is in {done.kept}")
    return 0


def recover(args: Arguments, paths: Paths) -> int:
    """Save what can be read; the damaged ledger stays as it is."""
    from pocketcoder_tui.ledger import recover as save
    from pocketcoder_tui.ledger.copying import place_for

    _require(paths)
    done = save(paths.ledger, _place(args.to) or place_for(paths.ledger, "recovered"))
    sessions = f"{done.sessions:,} session{'' if done.sessions == 1 else 's'}"
    lost = f" {done.lost:,} events are lost." if done.lost else " No event is known to be lost."
    say(
        f"Saved {done.events:,} events of {sessions} in {done.to}.{lost}",
        f"The ledger {paths.ledger} is as it was.",
        "Your rules are not taken along: what allows something is made by you, not by what was "
        "found in a damaged file.",
        f"To go on with what was saved: pocketcoder restore {done.to}",
    )
    return 0


def _require(paths: Paths) -> None:
    if not paths.ledger.exists():
        raise LedgerError(
            f"There is no ledger of {paths.workspace} yet.", hint="Start pocketcoder."
        )


def _refuse_in_use(paths: Paths) -> None:
    from pocketcoder_tui.ledger import owner_of
    from pocketcoder_tui.ledger.inspection import QUIT_HINT
    from pocketcoder_tui.ledger.ownership import owned_by

    owner = owner_of(paths.ledger)
    if owner is not None:
        raise LedgerError(owned_by(owner), hint=QUIT_HINT)


def _place(to: str | None) -> Path | None:
    return None if to is None else Path(to).absolute()
