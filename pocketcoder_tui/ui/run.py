"""From the command line to the screen and back; the terminal is restored before closing."""

import asyncio
from collections.abc import Callable

from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.driver import driver_class
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Kit, terminal_is_ascii
from pocketcoder_tui.ui.link import MakeWorkbench


def run(
    make_workbench: MakeWorkbench,
    *,
    make_other: Callable[[str], MakeWorkbench] | None = None,
    mirror: Mirror | None = None,
    workspace: str = "",
    theme: str = "",
    ascii_only: bool = False,
) -> int:
    """Show the workbench until the person leaves; returns the process's exit status.

    ``make_other`` gives what opens another session of the workspace, by its id, or a new one for
    an empty id; ``mirror`` leads to the session of another process that works in it.
    """
    kit = Kit(ascii=ascii_only or terminal_is_ascii())
    app = PocketCoderApp(
        make_workbench,
        make_other=make_other,
        mirror=mirror,
        workspace=workspace,
        kit=kit,
        driver_class=driver_class(),
    )
    return asyncio.run(_run(app, theme))


async def _run(app: PocketCoderApp, theme: str) -> int:
    if theme in app.available_themes:
        app.theme = theme
    try:
        await app.run_async()
    finally:
        await app.aclose()
    return app.return_code or 0
