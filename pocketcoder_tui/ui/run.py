"""From the command line to the screen and back; the terminal is restored before closing."""

import asyncio

from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.kit import Kit, terminal_is_ascii
from pocketcoder_tui.ui.link import MakeWorkbench


def run(make_workbench: MakeWorkbench, *, workspace: str = "") -> int:
    """Show the workbench until the person leaves; returns the process's exit status."""
    return asyncio.run(_run(make_workbench, workspace))


async def _run(make_workbench: MakeWorkbench, workspace: str) -> int:
    app = PocketCoderApp(make_workbench, workspace=workspace, kit=Kit(ascii=terminal_is_ascii()))
    try:
        await app.run_async()
    finally:
        await app.aclose()
    return app.return_code or 0
