"""The person's own editor, on a file of its own that only they can read."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from pocketcoder_tui.ui.link import LOG
from pocketcoder_tui.ui.safe import one_line

EDITORS = ("VISUAL", "EDITOR")
"""Environment variables that name it, as in most programs of a terminal; else vi."""


def edited_outside(text: str) -> tuple[str | None, str]:
    """Blocking: let the person change a text; returns it, or None and what went wrong.

    The newline that most editors put at the end is taken off when the text had none. A text that
    was left as it is comes back as None. Run it while the screen is suspended.
    """
    words = shlex.split(next((v for name in EDITORS if (v := os.environ.get(name))), "vi"))
    try:
        with tempfile.TemporaryDirectory(prefix="pocketcoder-") as folder:
            path = Path(folder) / "action.txt"
            path.write_bytes(text.encode())
            path.chmod(0o600)
            status = subprocess.run([*words, str(path)], check=False).returncode
            if status != 0:
                return None, f"The editor ended with status {status}, so nothing was changed."
            changed = path.read_bytes().decode()
    except (OSError, UnicodeError, ValueError) as error:
        LOG.exception("the person's editor")
        return None, one_line(f"The editor could not be used: {error}")
    if changed.endswith("\n") and not text.endswith("\n"):
        changed = changed[:-1]
    return (changed, "") if changed != text else (None, "")
