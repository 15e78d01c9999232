"""Changes of a guarded file that cannot make the host run anything else. Pure.

Of ``package.json`` package managers run the scripts, and what its dependencies bring along; tools
of all kinds look for settings under keys of their own. So the keys that only tell of the package
are listed, and a change of any other one counts, as does a text that is no plain JSON object: what
one reader takes for the second of two equal keys, another takes for the first.
"""

import json
from typing import Any

from pocketcoder_tui.gatekeeper.paths import guarded

__all__ = ["harmless"]

TELLING = frozenset(
    {"author", "bugs", "contributors", "description", "funding", "homepage", "keywords", "license",
     "maintainers", "private", "repository", "version"}
)  # fmt: skip
"""Keys of package.json that are for people."""
MOST = 1 << 20
"""Bytes of a text that is read."""


def harmless(path: str, old: bytes, new: bytes) -> bool:
    """Whether a change of this file differs in nothing that a program on the host acts on."""
    folder, _, name = path.rpartition("/")
    if name != "package.json" or guarded(folder) or max(len(old), len(new)) > MOST:
        return False
    before, after = _read(old), _read(new)
    return before is not None and after is not None and before == after


def _read(text: bytes) -> str | None:
    """What counts of it, written in one way; None when it cannot be told."""
    try:
        whole = json.loads(text.decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict):
        return None
    counts = {key: value for key, value in whole.items() if key not in TELLING}
    return json.dumps(list(counts.items()))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("two keys are equal")
    return found
