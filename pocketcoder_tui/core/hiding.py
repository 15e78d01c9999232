"""Which files of a workspace hold secrets and are hidden from the agent. Data, and how it is read.

The list is short on purpose: what is hidden is missing in the box, so it names what is a secret
nearly always, and a certificate or a source file named ``secrets.py`` is none. A person adds names
and shows names by two settings; what is shown wins.
"""

import functools
import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import translate

__all__ = ["HIDDEN_FILES", "HIDDEN_FOLDERS", "KEY_FILES", "MARK", "NOT_HIDDEN", "Hiding", "Holds"]

MARK = "# Hidden from the agent by PocketCoder: the person keeps this file to themselves."
"""The one line that the box sees in place of a hidden file; a comment in most formats."""

HIDDEN_FILES = (
    ".env", ".env.*", "*.env", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".git-credentials",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "*.ppk",
    "*.kdbx", "*.keystore", "*.jks", "*.p12", "*.pfx", ".vault_pass", ".vault-token",
    "service-account*.json", "*-credentials.json", "client_secret*.json", "*.tfvars.secret",
    "secrets.env", "secrets.json", "secrets.yml", "secrets.yaml", "secrets.toml", "master.key",
)  # fmt: skip
"""Names of files, wherever they are, as globs that ignore capitals."""

NOT_HIDDEN = (
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "example.env",
    "sample.env", "template.env", "*.example.env", "*.sample.env", "*.pub",
)  # fmt: skip
"""Names that the list above would match and that are written to be shared."""

KEY_FILES = ("*.pem", "*.key", "*.p8")
"""Names of keys and of certificates: hidden unless the content is plainly a public part."""

HIDDEN_FOLDERS = (".ssh", ".aws", ".gnupg", ".kube", ".azure", ".password-store")
"""Names of folders that are hidden with all that is in them."""


class Holds(Enum):
    """What a name says of a file."""

    NOTHING = "nothing"
    """It is not hidden."""
    SECRET = "secret"
    MAYBE = "maybe"
    """Its content decides: a public part of a key is not hidden."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """What one person hides. Made bare it is the list of this module."""

    more: tuple[str, ...] = ()
    """Globs of further files and folders; one with a slash is matched with the whole path."""
    shown: tuple[str, ...] = ()
    """Globs of the same kind, of what is not hidden."""

    def of_file(self, path: str) -> Holds:
        """Judge a file by its path below the workspace."""
        if _any(path, self.shown):
            return Holds.NOTHING
        if _any(path, self.more):
            return Holds.SECRET
        if _any(path, NOT_HIDDEN):
            return Holds.NOTHING
        if _any(path, HIDDEN_FILES):
            return Holds.SECRET
        return Holds.MAYBE if _any(path, KEY_FILES) else Holds.NOTHING

    def of_folder(self, path: str) -> bool:
        """Whether a folder is hidden as a whole."""
        return not _any(path, self.shown) and _any(path, (*self.more, *HIDDEN_FOLDERS))


def is_public(content: bytes) -> bool:
    """Whether the content of a key file is plainly a public part (RFC 7468)."""
    return b"-----BEGIN " in content and b"PRIVATE KEY" not in content.upper()


def globs(text: str) -> tuple[str, ...]:
    """A setting's globs: separated by commas, without what is around them."""
    return tuple(part for word in text.split(",") if (part := word.strip().strip("/")))


def _any(path: str, patterns: tuple[str, ...]) -> bool:
    whole = path.casefold()
    by_name, by_path = _compiled(patterns)
    return bool(
        by_name.match(whole.rpartition("/")[2]) or (by_path is not None and by_path.match(whole))
    )


@functools.cache
def _compiled(patterns: tuple[str, ...]) -> "tuple[re.Pattern[str], re.Pattern[str] | None]":
    """What is matched with a name, and what with the whole path."""
    names = [translate(p.casefold()) for p in patterns if "/" not in p]
    paths = [translate(p.casefold()) for p in patterns if "/" in p]
    nothing = r"(?!)"
    return re.compile("|".join(names) or nothing), re.compile("|".join(paths)) if paths else None
