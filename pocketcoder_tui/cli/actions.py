"""Commands that take a word for what is to be done, as `pocketcoder rules list` does."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pocketcoder_tui.cli.arguments import COMMANDS, Parser

Fill = Callable[[argparse.ArgumentParser, str], None]


def parse_action(
    command: str,
    actions: Mapping[str, str],
    fill: Fill,
    argv: Sequence[str],
    *,
    usual: str = "list",
) -> dict[str, Any]:
    """The fields of Arguments for the words behind a command; the action is ``usual`` unless named.

    ``actions`` has a sentence for each, and ``fill`` adds what one takes. Raises UsageError.
    """
    action = argv[0] if argv and argv[0] in actions else ""
    width = max(len(name) for name in actions) + 1
    what_to_do = "".join(f"  {name:<{width}} {what}\n" for name, what in actions.items())
    parser = Parser(
        prog=f"pocketcoder {command} {action}".rstrip(),
        description=actions.get(action, COMMANDS[command]),
        epilog=""
        if action
        else f"what to do:\n{what_to_do}\nA folder named like one of these is written ./NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fill(parser, action or usual)
    return {"action": action or usual, **vars(parser.parse_args(argv[1:] if action else argv))}
