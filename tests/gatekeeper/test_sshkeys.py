"""Which lines are public keys that may be kept: what ssh-keygen makes is, and the rest says why."""

import base64
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core.keys import fingerprint_of
from pocketcoder_tui.gatekeeper.sshkeys import (
    LONGEST_LINE,
    PublicKey,
    SshKeyRefused,
    checked_name,
    read_public_key,
)


def packed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def line(kind: str, *parts: bytes, tail: bytes = b"", comment: str = "") -> str:
    blob = base64.b64encode(packed(kind.encode(), *parts) + tail).decode()
    return f"{kind} {blob} {comment}".rstrip()


ED = line("ssh-ed25519", bytes(range(32)), comment="ada@laptop")
BLOB = ED.split()[1]
RSA = (b"\x01\x00\x01", b"\x00" + b"\xff" * 256)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
@pytest.mark.parametrize(
    ("kind", "bits"),
    [("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)],
)
def test_what_ssh_keygen_makes_is_read_as_it_reads_it(tmp_path: Path, kind: str, bits: int) -> None:
    made = tmp_path / "key"
    size = [] if kind == "ed25519" else ["-b", str(bits)]
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "my phone", "-f", made], check=True
    )
    public = made.with_suffix(".pub")
    key = read_public_key(public.read_text())
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", public], check=True, capture_output=True, text=True
    ).stdout.split()
    assert [str(key.bits), key.fingerprint] == told[:2]
    assert (f"{key.kind} {key.blob} my phone\n", key.comment) == (public.read_text(), "my phone")
    with pytest.raises(SshKeyRefused, match="private key"):
        read_public_key(made.read_text())


def test_keys_of_security_keys_are_read() -> None:
    point = b"\x04" + b"p" * 64
    for text in (
        line("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"),
        line("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", point, b"ssh:mine"),
    ):
        assert read_public_key(text).bits == 256


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (ED + "\n" + ED, "several lines"),
        (ED + "\r\n\n", "several lines"),
        ("\n" + ED, "several lines"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "private key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "private key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "another form"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n", "another form"),
        (f"restrict {ED}", "Options stand before"),
        (f'command="id",no-pty {ED}', "Options stand before"),
        (f'from="10.0.0.1"\t{ED}', "Options stand before"),
        (f"ssh-ed25519-cert-v01@openssh.com {BLOB}", "certificate"),
        (f"ssh-dss {BLOB}", "DSA"),
        ("2048 65537 1234567890", "first version"),
        ("ssh-ed25519", "no key"),
        (BLOB, "no public key"),
        (f"SSH-ED25519 {BLOB}", "no public key"),
        (f"ssh-rsa {BLOB}", "another type inside"),
        (f"ssh-ed25519 {BLOB[:-4]}", "cut off"),
        (f"ssh-ed25519 {BLOB}=", "base64"),
        (f"ssh-ed25519 {BLOB[:-1]}", "base64"),
        (f"ssh-ed25519 {BLOB[:20]}!{BLOB[21:]}", "base64"),
        (f"ssh-ed25519 ä{BLOB}", "base64"),
        (line("ssh-ed25519", b"k" * 32, tail=b"\0"), "follows the key"),
        (line("ssh-ed25519", b"k" * 31), "32 bytes"),
        (line("ssh-ed25519", b"k" * 33), "32 bytes"),
        (line("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 255), "2,048 bits"),
        (line("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 2049), "at most"),
        (line("ssh-rsa", b"\x00\x01\x00\x01", RSA[1]), "not written as"),
        (line("ssh-rsa", RSA[0], b"\xff" * 256), "not written as"),
        (line("ssh-rsa", RSA[0], b"\x00" + RSA[1]), "not written as"),
        (line("ssh-rsa", b"", RSA[1]), "not written as"),
        (line("ssh-rsa", b"\x01", RSA[1]), "cannot be a key"),
        (line("ssh-rsa", b"\x04", RSA[1]), "cannot be a key"),
        (line("ssh-rsa", RSA[0], RSA[1][:-1] + b"\xfe"), "cannot be a key"),
        (line("ecdsa-sha2-nistp256", b"nistp384", b"\x04" + b"p" * 96), "another curve"),
        (line("ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"p" * 63), "point"),
        (line("ecdsa-sha2-nistp256", b"nistp256", b"\x02" + b"p" * 64), "point"),
        (line("ecdsa-sha2-nistp521", b"nistp521", b"\x04" + b"p" * 130), "point"),
        (line("sk-ssh-ed25519@openssh.com", b"k" * 32, b"https://x"), "not for SSH"),
        (line("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:\n"), "odd characters"),
        (line("sk-ssh-ed25519@openssh.com", b"k" * 32), "cut off"),
        (f"{ED}\x1b[2J", "control characters"),
        (f"{ED}\u202eevil", "control characters"),
        (f"{ED}\u00a0x", "control characters"),
        (f"{ED}\x00", "control characters"),
        (f"{ED}\u2028x", "control characters"),
        (ED + "x" * LONGEST_LINE, "too long"),
    ],
)
def test_what_is_no_such_key_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(SshKeyRefused, match=why) as refused:
        read_public_key(text)
    assert "\x1b" not in refused.value.sentence
    assert BLOB[10:] not in refused.value.sentence


def test_blanks_around_and_a_comment_with_words_are_fine() -> None:
    key = read_public_key(f"  ssh-ed25519\t{BLOB}   my  phone \r\n")
    assert (key.kind, key.blob, key.comment) == ("ssh-ed25519", BLOB, "my phone")
    assert read_public_key(line("ssh-rsa", *RSA)).bits == 2048


@pytest.mark.parametrize("name", ["", "  ", "12", "SHA256:abcd", "a\x1b", "a\u202eb", "x" * 65])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(SshKeyRefused):
        checked_name(name)


@given(st.text(max_size=200))
def test_any_text_is_refused_or_read_and_nothing_else(text: str) -> None:
    with pytest.raises(SshKeyRefused):
        read_public_key(text)


@given(st.binary(max_size=120), st.sampled_from(["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"]))
def test_any_bytes_behind_a_type_are_refused_or_are_that_key(data: bytes, kind: str) -> None:
    text = f"{kind} {base64.b64encode(packed(kind.encode()) + data).decode()}"
    try:
        key = read_public_key(text)
    except SshKeyRefused:
        return
    assert key == PublicKey(kind, text.split()[1], "", key.bits)


@given(st.integers(0, len(ED) - 1), st.characters(codec="utf-8"))
def test_one_character_changed_never_makes_the_same_key(at: int, other: str) -> None:
    try:
        key = read_public_key(ED[:at] + other + ED[at + 1 :])
    except SshKeyRefused:
        return
    assert key.blob != BLOB or at >= ED.index(BLOB) + len(BLOB) or ED[at] == other
    assert key.fingerprint == fingerprint_of(key.blob)
