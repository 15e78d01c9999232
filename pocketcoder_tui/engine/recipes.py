"""What the box of a workspace is made of: the person's choices for it, over their settings."""

from typing import TYPE_CHECKING

from pocketcoder_tui.config import boxes
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.image import Recipe


def recipe_of(settings: Settings, paths: Paths) -> "Recipe":
    """The recipe of a workspace's image. Raises ConfigError."""
    from pocketcoder_tui.sandbox.image import Recipe

    chosen = boxes.read(paths.box_choices)
    return Recipe(chosen.image or settings.image, chosen.packages)
