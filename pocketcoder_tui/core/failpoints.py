"""Named points around everything that must survive a crash, at which a crash test ends the process.

Nothing happens at them unless a hook is set: by a test, or by the variable that names one point,
which bench/crash.py sets in the processes it starts.
"""

import os
import signal
from collections.abc import Callable

VARIABLE = "POCKETCODER_FAILPOINT"
"""Names the point at which the process kills itself; empty or unset for none."""

Hook = Callable[[str], None]


class _Hooked:
    """Holds the one hook of the process."""

    call: Hook | None = None


def reach(moment: str, of: str) -> None:
    """Come to a point, for example ``before commit`` of ``action_decided``."""
    if _Hooked.call is not None:
        _Hooked.call(f"{moment}: {of}")


def hook(call: Hook | None) -> None:
    """Call this at every point from now on; None for nothing again."""
    _Hooked.call = call


def killer(point: str, times: int = 1) -> Hook:
    """Make a hook that ends the process like a power cut when ``point`` is reached so often."""
    left = times

    def call(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


if _point := os.environ.get(VARIABLE, ""):
    hook(killer(_point))
