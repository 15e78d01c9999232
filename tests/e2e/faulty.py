"""The app with a defect: the key for help raises. A program for the test of restored terminals."""

import asyncio
import inspect
import logging
from pathlib import Path

from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.ui.app import PocketCoderApp


class Faulty(PocketCoderApp):
    """Raises where nothing expects it."""

    CSS_PATH = Path(inspect.getfile(PocketCoderApp)).with_name("style.tcss")

    def action_help(self) -> None:
        """A defect."""
        raise RuntimeError("a secret value in a traceback")


async def make() -> Workbench:
    """Never ready; the defect comes first."""
    await asyncio.Event().wait()
    raise AssertionError


async def main() -> int:
    """Run until the defect."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    app = Faulty(make)
    try:
        await app.run_async()
    finally:
        await app.aclose()
    return app.return_code or 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
