"""The workbench on a terminal: Textual and nothing else; it asks the engine for everything."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketcoder_tui.ui.elsewhere import Mirror
    from pocketcoder_tui.ui.link import MakeWorkbench

__all__ = ["run_app"]


def run_app(
    make_workbench: "MakeWorkbench",
    *,
    make_other: "Callable[[str], MakeWorkbench] | None" = None,
    mirror: "Mirror | None" = None,
    workspace: str = "",
    theme: str = "",
    ascii_only: bool = False,
) -> int:
    """Show the workbench until the person leaves; returns the process's exit status.

    ``make_workbench`` is awaited after the first frame, so it is the place for slow imports.
    ``make_other`` gives what opens another session of the folder by its id, or a new one for an
    empty id. ``mirror`` leads to the session of another process that owns the folder.
    ``workspace`` is the folder to name in the header until the session says it. An
    unknown ``theme`` leaves ours; ``ascii_only`` draws with letters of the keyboard whatever the
    locale.
    """
    import gc

    gc.disable()  # until the first frame: collecting while modules load costs a tenth of it
    from pocketcoder_tui.ui.run import run

    return run(
        make_workbench,
        make_other=make_other,
        mirror=mirror,
        workspace=workspace,
        theme=theme,
        ascii_only=ascii_only,
    )
