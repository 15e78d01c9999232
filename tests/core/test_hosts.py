"""Which names and addresses may be asked for, and which are refused however they are written."""

import pytest

from pocketcoder_tui.core.hosts import host_name, inner_address, port_refusal

NAMES = {
    "Example.ORG": "example.org",
    "example.org.": "example.org",
    " example.org ": "example.org",
    "files.pkgs.example.org": "files.pkgs.example.org",
    "under_score.example.org": "under_score.example.org",
    "bücher.example": "xn--bcher-kva.example",
    "1password.example": "1password.example",
    "a.b1": "a.b1",
}
REFUSED = [
    "", ".", "..", "a..b", "-a.example", "a-.example", "a b.example", "a\nb.example", "a/b.example",
    "user@example.org", "example.org:443", "*.example.org", "%65xample.org", "exam\0ple.org",
    "é" * 70 + ".example", "a" * 64 + ".example", ".".join(["a" * 60] * 5), "example", "localhost",
    "a.localhost", "LOCALHOST.", "printer.local", "db.internal", "metadata.google.internal",
    "x.lan", "nas.home.arpa", "host.docker.internal", "x.test", "x.onion",
    "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0x7f000001", "10.0.0.1", "8.8.8.8",
    "1.1.1.1.", "[::1]", "::1", "[2606:4700::1]", "fe80::1%eth0", "::ffff:127.0.0.1", "a.0x10",
    "169.254.169.254", "①②⑦.⓪.⓪.①",
]  # fmt: skip
INNER = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1",
    "203.0.113.9",
]  # fmt: skip
OUTER = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
         "64:ff9b::808:808", "2002:808:808::1"]  # fmt: skip


@pytest.mark.parametrize("text", NAMES)
def test_a_name_has_one_spelling(text: str) -> None:
    assert host_name(text) == NAMES[text]
    assert host_name(host_name(text)) == NAMES[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_public_name_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        host_name(text)


@pytest.mark.parametrize("address", INNER)
def test_an_address_within_is_never_dialled(address: str) -> None:
    assert address in inner_address(address, own=["203.0.113.9"])


@pytest.mark.parametrize("address", OUTER)
def test_an_address_outside_is_dialled(address: str) -> None:
    assert inner_address(address) == ""


def test_two_ports_can_be_asked_for() -> None:
    assert [port for port in range(1, 65_536) if not port_refusal(port)] == [80, 443]
    assert "22" in port_refusal(22)


def test_text_that_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="address"):
        inner_address("example.org")
