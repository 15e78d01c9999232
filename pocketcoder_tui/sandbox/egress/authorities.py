"""The certificates that this machine trusts, for programs in the box: a company's own among them.

Only certificates are taken from the file: whatever else lies in it stays on the host.
"""

import os
import re
import ssl
from pathlib import Path

__all__ = ["authorities"]

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_LARGEST = 8 << 20
_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Fedora, openSUSE and macOS keep theirs."""


def authorities() -> bytes:
    """The trusted certificates in PEM; b"" when none are found, and then the image's own hold.

    Blocking. ``SSL_CERT_FILE`` is looked at first, as OpenSSL does (openssl-env(7)).
    """
    named = os.environ.get("SSL_CERT_FILE", "")
    for place in (named, ssl.get_default_verify_paths().openssl_cafile, *_PLACES):
        try:
            with Path(place).open("rb") as file:
                found = _BLOCK.findall(file.read(_LARGEST))
        except OSError:
            continue
        if found:
            return b"\n".join(found) + b"\n"
    return b""
