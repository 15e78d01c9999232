"""`pocketcoder setup`: bring what is missing, once; what is there already is left alone."""

import asyncio
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.doctor import print_table
from pocketcoder_tui.cli.facts import gather
from pocketcoder_tui.cli.output import ask, follow, say
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.secrets import ensure_secrets
from pocketcoder_tui.config.settings import env_example, load_settings
from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import PocketCoderError, SandboxError

if TYPE_CHECKING:
    from pocketcoder_tui.engine.setup import Setup


class Declined(PocketCoderError):
    """The person said no."""

    hint = "Run pocketcoder setup again when you like."


def run(args: Arguments, paths: Paths) -> int:
    """Write the configuration, then mend engine and image. Returns doctor's status.

    Raises ConfigError, SandboxError, and NobodyToAsk where a question has no terminal.
    """
    paths.prepare_root()
    there = paths.env_file.exists()
    written = ensure_secrets(paths.env_file, env_example())
    match there, written:
        case False, _:
            say(f"Configuration: {paths.env_file} is made.")
        case _, []:
            say(f"Configuration: {paths.env_file} has all it needs.")
        case _:
            say(f"Configuration: {', '.join(written)} is new in {paths.env_file}.")
    from pocketcoder_tui.engine.setup import Setup

    settings = load_settings(paths)
    asyncio.run(_mend_all(Setup(settings, paths), yes=args.yes))
    say("")
    facts = gather(paths)
    print_table(facts, paths)
    return 0 if facts.ok else 1


async def _mend_all(setup: "Setup", *, yes: bool) -> None:
    """Bring the engine, then the image, each only if it is missing."""
    for name in ("engine", "image"):
        check = await _look(setup, name)
        if check.state is CheckState.OK:
            say(f"{check.label}: {check.sentence}")
            continue
        await _mend(setup, check, yes=yes)
        check = await _look(setup, name)
        if check.state is not CheckState.OK:
            raise SandboxError(check.sentence, hint=check.hint)


async def _mend(setup: "Setup", check: Check, *, yes: bool) -> None:
    say(f"{check.label}: {check.sentence}")
    if not check.mend:
        raise SandboxError(f"{check.label} cannot be mended from here.", hint=check.hint)
    if not yes and not ask(f"Shall pocketcoder {check.mend}? It may install system packages."):
        raise Declined("Nothing was changed.")
    await follow(setup.mend(check.id))


async def _look(setup: "Setup", name: str) -> Check:
    return next(check for check in await setup.checks() if check.id == name)
