"""Which addresses may be called."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.outbound import OutboundRefused
from taawun.foundation.outbound.addresses import AllowList, is_public, unmapped


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - named to be refused
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1"]
)
def test_an_address_of_the_open_internet_is_public(address):
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_written_as_ipv6_is_judged_as_itself(address):
    written = ipaddress.ip_address(f"::ffff:{address}")
    assert unmapped(written) == address
    assert is_public(written) == is_public(address)
    assert is_public(address) <= address.is_global


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_beyond_the_global_ones_is_public(address):
    assert is_public(address) <= unmapped(address).is_global


@pytest.mark.parametrize(
    ("entry", "address", "port", "allowed"),
    [
        ("127.0.0.0/8", "127.0.0.1", 80, True),
        ("127.0.0.0/8", "127.9.9.9", 9999, True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 80, True),
        ("127.0.0.0/8", "128.0.0.1", 80, False),
        ("127.0.0.0/8", "::1", 80, False),
        ("10.1.2.3", "10.1.2.3", 1, True),
        ("10.1.2.3", "10.1.2.4", 1, False),
        ("127.0.0.1:8001", "127.0.0.1", 8001, True),
        ("127.0.0.1:8001", "127.0.0.1", 8002, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:8001", "::1", 8001, True),
        ("[::1]:8001", "::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        (" 10.0.0.0/8 ", "10.0.0.1", 80, True),
    ],
)
def test_a_network_or_address_is_allowed_with_its_port(entry, address, port, allowed):
    assert AllowList([entry]).has_address(ipaddress.ip_address(address), port) is allowed


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("node.intra.example", "node.intra.example", 443, True),
        ("Node.Intra.Example.", "node.intra.example", 443, True),
        ("node.intra.example", "NODE.intra.example.", 80, True),
        ("node.intra.example", "other.intra.example", 443, False),
        ("node.intra.example", "node.intra.example.evil.example", 443, False),
        ("node.intra.example:8443", "node.intra.example", 8443, True),
        ("node.intra.example:8443", "node.intra.example", 443, False),
        ("localhost:8001", "localhost", 8001, True),
        ("xn--mgbaaa.example", "xn--mgbaaa.example", 443, True),
    ],
)
def test_a_host_is_allowed_by_its_whole_name_with_its_port(entry, host, port, allowed):
    assert AllowList([entry]).has_host(host, port) is allowed


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.example",
        "https://node.example",
        "node.example/path",
        "node.example:0",
        "node.example:65536",
        "node.example:http",
        "node.example:",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/8:80",
        "10.0.0",
        "127.1",
        "::1::",
        "a b.example",
        "-a.example",
        "وزارة.example",
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_loudly(entry):
    with pytest.raises(OutboundRefused) as refused:
        AllowList([entry])
    assert refused.value.code == "bad-setting"
    assert "TAAWUN_OUTBOUND_ALLOW" in str(refused.value)
