"""What may be dialled: every block by name, and never less than Python's own list refuses."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import SettingsError
from newsclust.fetch.ssrf import RefusedAddressError, block_reason, guarded_socket_factory, read_allow_list


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "shared"),
        ("100.127.255.255", "shared"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "metadata"),
        ("100.100.100.200", "metadata"),
        ("169.254.169.254", "metadata"),
        ("169.254.1.1", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.0.2.7", "documentation"),
        ("192.168.0.1", "private"),
        ("198.19.0.1", "benchmarking"),
        ("203.0.113.9", "documentation"),
        ("224.0.0.251", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "reserved"),  # v4-compatible
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "metadata"),
        ("::ffff:0:127.0.0.1", "reserved"),  # v4-translated
        ("64:ff9b::10.0.0.1", "private"),  # NAT64
        ("64:ff9b:1::1", "private"),
        ("2001:0:7f00:1::1", "reserved"),  # Teredo
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "reserved"),  # 6to4 of 127.0.0.1
        ("3fff::1", "documentation"),
        ("fd00:ec2::254", "metadata"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("5f00::1", "reserved"),  # never given out
    ],
)
def test_an_address_that_no_public_site_has_is_told_by_its_kind(address, kind):
    assert block_reason(ip_address(address)) == kind


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"],
)
def test_a_public_address_may_be_dialled_however_it_is_wrapped(address):
    public = ip_address(address)
    assert block_reason(public) is None
    if isinstance(public, IPv4Address):
        assert block_reason(ip_address(f"::ffff:{address}")) is None
        assert block_reason(ip_address(f"64:ff9b::{address}")) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_nothing_is_dialled_that_python_calls_private(address):
    assert address.is_global or block_reason(address) is not None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_a_mapped_address_is_what_it_carries(address):
    assert block_reason(IPv6Address(f"::ffff:{address}")) == block_reason(address)


def test_the_socket_of_a_refused_address_is_never_made():
    with pytest.raises(RefusedAddressError) as raised:
        guarded_socket_factory(())((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80)))
    assert raised.value.detail == "10.0.0.1 is private"


def test_a_network_that_a_person_allowed_is_dialled_and_its_neighbour_is_not():
    factory = guarded_socket_factory(read_allow_list(["10.0.0.0/30"]).networks)
    factory((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.3", 80))).close()
    with pytest.raises(RefusedAddressError):
        factory((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.4", 80)))


def test_names_and_networks_are_told_apart():
    allowed = read_allow_list(["Nas.Home.", "::1", "192.168.1.0/24"])
    assert allowed.hosts == {"nas.home"}
    assert allowed.networks == (ip_network("::1"), ip_network("192.168.1.0/24"))


@pytest.mark.parametrize("text", ["", "*", "http://nas", "10.0.0.1/8", "127.1", "a:80", "two words"])
def test_what_is_neither_name_nor_network_is_refused(text):
    with pytest.raises(SettingsError, match="allow_private"):
        read_allow_list([text])
