"""What a session's screens leave behind in the app when they are gone, so that it does not grow."""

import gc

from textual._styles_cache import StylesCache
from textual.app import App


def drop_leftovers(app: "App[None]") -> None:
    """Let go of widgets that were removed.

    Textual 8.2.8 keeps a widget that follows the app's theme (each TextArea, with all that it ever
    drew) until the theme changes; reactive.py drops it then in the same way. What widgets drew is
    kept too by a cache of a method, which holds the last 1,024 of them.
    """
    for watchers in getattr(app, "__watchers", {}).values():
        watchers[:] = [watcher for watcher in watchers if not watcher[0]._closing]
    StylesCache.get_inner_outer.cache_clear()
    # The old screens are one large cycle; what was frozen after the first frame is not looked at.
    gc.collect()
