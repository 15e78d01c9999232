"""What must be there before a box can run, and how it is brought: the engine and the image."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.engine.recipes import recipe_of


class Setup:
    """Looks and mends; the screen's checklist and `pocketcoder setup` share it."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._settings = settings
        self._paths = paths

    async def checks(self) -> list[Check]:
        """How engine and image stand now; the sandbox room is imported at the first look."""
        return await asyncio.to_thread(self._look)

    async def mend(self, check_id: str) -> AsyncGenerator[Progress]:
        """Bring what a check misses. Closing the iterator cancels it. Raises SandboxError."""
        from pocketcoder_tui.sandbox.image import build_image
        from pocketcoder_tui.sandbox.install import install_engine

        match check_id:
            case "engine":
                work = install_engine(self._paths.engine_log)
            case "image":
                work = build_image(recipe_of(self._settings, self._paths))
            case _:
                raise SandboxError(f"Nothing here can mend {check_id!a}.")
        async with contextlib.aclosing(work) as steps:
            async for progress in steps:
                yield progress

    def _look(self) -> list[Check]:
        from pocketcoder_tui.sandbox.engine import engine_check
        from pocketcoder_tui.sandbox.image import image_check

        return [
            engine_check(self._settings.runtime),
            image_check(recipe_of(self._settings, self._paths)),
        ]
