"""What is typed into a pane: the relay's own keys, which no keyboard has, and a person's."""

import re

from pocketcoder_tui.core.errors import RelayError

PROBE = "\x1b[5;133~"
"""The shell says how long its half-typed line is."""
LAUNCH = "\x1b[5;134~"
"""The shell runs what was laid out for it, when its line is empty. See sandbox/shell.bash."""
CLEAR = "\x1b[5;137~"
"""The shell throws its half-typed line away."""
INTERRUPT = "\x03"

_NAMED = re.compile(
    r"(?:(?:C-|M-|S-){0,3}(?:[!-~]|Up|Down|Left|Right|Home|End|PageUp|PageDown|PPage|NPage|Tab|BTab"
    r"|Enter|Escape|Space|BSpace|IC|DC|Insert|Delete|F(?:[1-9]|1[0-2])))\Z"
)
"""Names of keys as tmux takes them (tmux(1), KEY BINDINGS)."""
_OTHER_NAMES = {
    "ctrl": "C-", "alt": "M-", "shift": "S-", "enter": "Enter", "return": "Enter", "esc": "Escape",
    "escape": "Escape", "tab": "Tab", "space": "Space", "backspace": "BSpace", "delete": "Delete",
    "up": "Up", "down": "Down", "left": "Left", "right": "Right", "home": "Home", "end": "End",
    "pageup": "PageUp", "pagedown": "PageDown",
}  # fmt: skip
HINT = "Keys are named as in C-c, Enter, Up, Escape, Tab, F1 or M-x."


def key_name(asked: str) -> str:
    """The name that tmux has for a key; ``ctrl+c`` and ``C-c`` are the same one.

    Raises RelayError for what is no key: several characters are text.
    """
    *modifiers, key = asked.split("+") if len(asked) > 1 and "+" in asked[:-1] else [asked]
    parts = [_OTHER_NAMES.get(word.lower(), word) for word in modifiers]
    name = "".join(parts) + (_OTHER_NAMES.get(key.lower(), key) if len(key) > 1 else key)
    if not _NAMED.match(name):
        raise RelayError(f"There is no key named {asked!a}.", hint=HINT)
    return name
