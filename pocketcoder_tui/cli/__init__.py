"""The `pocketcoder` command; each subcommand is imported when it is used."""


def main() -> int:
    """Run the command line. Returns the exit status."""
    return 0
