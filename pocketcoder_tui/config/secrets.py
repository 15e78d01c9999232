"""The `.env` of the configuration folder: private, written whole or not at all, no line lost.

What is generated and what is typed by the person both go in here, and nowhere else on disk.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from pocketcoder_tui.core.errors import ConfigError

GENERATED = ("POCKETCODER_LOCAL_SECRET",)
"""The names that `ensure_secrets` fills in."""
KEY_NAMES = {
    "gemini": ("POCKETCODER_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai": ("POCKETCODER_OPENAI_API_KEY", "OPENAI_API_KEY"),
    "anthropic": ("POCKETCODER_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
}
"""By provider the names under which a model key is looked for, the first one wins."""

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SECRET_BYTES = 32
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+=-]+")


def proxy_addresses() -> list[str]:
    """The proxies that the environment names, which may hold a password each."""
    return [value for name, value in os.environ.items() if name.lower() in _PROXIES]


def box_seal(secret: str, workspace: Path) -> str:
    """Return the label value that marks a container as this person's for this workspace.

    HMAC-SHA256 (hex) of the absolute path: a container that somebody else labelled like ours does
    not carry it, and the path cannot be read from it.
    """
    return hmac.new(secret.encode(), os.fsencode(workspace), hashlib.sha256).hexdigest()


def ensure_secrets(path: Path, template: str = "") -> list[str]:
    """Generate what is missing in the `.env` at ``path``; returns the names that were written.

    ``template`` is the text of a file that does not exist yet. Raises ConfigError.
    """
    fresh = {name: secrets.token_hex(_SECRET_BYTES) for name in GENERATED}
    return write_env(path, fresh, template=template)


def keep_key(path: Path, key: str, provider: str = "gemini") -> str:
    """Put a provider's key where the one that counts stands; returns its name.

    Raises ConfigError.
    """
    present = _bindings(_read(path))
    names = KEY_NAMES[provider]
    name = next((n for n in names if present.get(n)), names[1])
    write_env(path, {name: key}, replace=True)
    return name


def write_env(
    path: Path, values: Mapping[str, str], *, replace: bool = False, template: str = ""
) -> list[str]:
    """Put values into a `.env` (0600) and keep its comments, its order and what it holds already.

    A name that is there with a value is left alone unless ``replace``. ``template`` is the text to
    start from when there is no file. Returns the names that were written. Raises ConfigError: the
    folder cannot be written, or a value cannot stand in such a file.
    """
    lines = {name: f"{name}={_quoted(name, value)}\n" for name, value in values.items()}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = Path(os.path.realpath(path))
        with _locked(target.parent):
            fresh = not target.exists()
            before = template if fresh else _read(target)
            present = _bindings(before)
            wanted = {n: line for n, line in lines.items() if replace or not present.get(n)}
            after = _merged(before, wanted)
            if after != before or fresh:
                _replace_file(target, after)
            elif target.stat().st_mode & 0o077:
                target.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Free some space, or make the folder writable for yourself.",
        ) from error
    return list(wanted)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def _bindings(text: str) -> dict[str, str]:
    """Values by name, the last one of a name counts, as the settings read them."""
    from dotenv import dotenv_values

    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in found.items()}


def _merged(text: str, lines: Mapping[str, str]) -> str:
    """Put each line where its name stands last, or at the end."""
    from dotenv.parser import parse_stream

    parsed = list(parse_stream(StringIO(text)))
    pieces = [binding.original.string for binding in parsed]
    last = {binding.key: at for at, binding in enumerate(parsed) if binding.key in lines}
    for name, at in last.items():
        if name is not None:
            blank = pieces[at][: len(pieces[at]) - len(pieces[at].lstrip())]
            pieces[at] = blank + lines[name]
    result = "".join(pieces)
    for name, line in lines.items():
        if name not in last:
            result += ("\n" if result and not result.endswith("\n") else "") + line
    return result


def _quoted(name: str, value: str) -> str:
    """Write a value so that it is read back as it is. Raises ConfigError, without the value."""
    if not value.isprintable() or "${" in value or value != value.strip():
        raise ConfigError(
            f"The value for {name} holds characters that cannot be kept.",
            hint="Enter it again, without spaces around it and on one line.",
        )
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _replace_file(path: Path, text: str) -> None:
    """Write beside it, make it durable, then rename; a crash leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time; the lock is on the folder itself and ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
