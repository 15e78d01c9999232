"""The `pocketcoder` command; each subcommand is imported when it is used."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, by default this process's own. Returns the exit status."""
    from pocketcoder_tui.cli.boundary import run

    return run(argv)
