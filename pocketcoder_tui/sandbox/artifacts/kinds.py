"""As what a file is served: its type, and whether a browser may show it.

Only what cannot act is shown; all else is to be saved. The types are those that Python knows by
itself, whatever the machine's own tables say.
"""

import mimetypes
import os
from urllib.parse import quote

__all__ = ["UNKNOWN", "disposition", "type_of"]

_TYPES = mimetypes.MimeTypes(filenames=())
UNKNOWN = "application/octet-stream"
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_TEXT = frozenset((
    "c", "cc", "cfg", "cpp", "cs", "diff", "env", "go", "h", "hpp", "ini", "java", "jl", "kt",
    "lock", "log", "lua", "md", "mk", "patch", "php", "pl", "ps1", "py", "r", "rb", "rs", "scala",
    "sh", "sql", "swift", "tex", "toml", "ts", "tsx", "txt", "yaml", "yml", "zig",
))  # fmt: skip
"""Endings of plain text; it is served as that and nothing else."""
_SHOWN = ("image/", "audio/", "video/")
_SHOWN_WHOLE = frozenset(("text/plain", "text/csv", "application/json"))
_ACTIVE = frozenset(("image/svg+xml",))


def type_of(name: bytes) -> tuple[str, bool]:
    """The media type for a file's name, and whether a browser may show it."""
    text = os.fsdecode(name).lower()
    if text.rpartition(".")[2] in _TEXT or "." not in text.strip("."):
        return "text/plain; charset=utf-8", True
    kind, packed = _TYPES.guess_type(f"x.{text.rpartition('.')[2]}")
    if packed is not None:
        return _PACKED.get(packed, UNKNOWN), False
    if kind is None:
        return UNKNOWN, False
    shown = (kind.startswith(_SHOWN) and kind not in _ACTIVE) or kind in _SHOWN_WHOLE
    return (f"{kind}; charset=utf-8" if kind.startswith("text/") else kind), shown


def disposition(name: bytes, shown: bool) -> str:
    """The header of that name, RFC 6266: the file's own name, every byte of it harmless."""
    return f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"
