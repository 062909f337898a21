"""Which addresses may be dialled: those of the public internet, and what a person allowed."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from newsclust.errors import SettingsError

Network = IPv4Network | IPv6Network

# IANA IPv4 Special-Purpose Address Registry (RFC 6890), all that no public site can have; kept here because
# `ipaddress` calls other blocks private in each version of Python. What is more special stands first.
_NOT_PUBLIC_V4 = tuple(
    (IPv4Network(block), kind)
    for block, kind in (
        ("169.254.169.254/32", "metadata"),  # of nearly every cloud
        ("168.63.129.16/32", "metadata"),  # of Azure, which took a public address for it
        ("100.100.100.200/32", "metadata"),  # of Alibaba Cloud
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),  # RFC 6598, behind a provider's NAT
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),  # IETF protocol assignments; Oracle Cloud's metadata, too
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),  # 6to4 relays, RFC 7526
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),  # and broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # the only block that IANA gives out as global unicast
_NOT_PUBLIC_V6 = tuple(
    (IPv6Network(block), kind)
    for block, kind in (
        ("fd00:ec2::254/128", "metadata"),  # of AWS
        ("fd20:ce::254/128", "metadata"),  # of Google Cloud
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("::/96", "reserved"),  # IPv4-compatible, deprecated by RFC 4291
        ("::ffff:0:0:0/96", "reserved"),  # IPv4-translated, RFC 2765
        ("64:ff9b:1::/48", "private"),  # a site's own NAT64, RFC 8215
        ("2001::/23", "reserved"),  # IETF protocol assignments: Teredo, ORCHID, benchmarking
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "reserved"),  # 6to4: an IPv4 address in disguise, and no longer in use (RFC 7526)
        ("3fff::/20", "documentation"),  # RFC 9637
        ("fc00::/7", "private"),  # unique local
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),  # site-local, deprecated by RFC 3879
        ("ff00::/8", "multicast"),
    )
)
# The IPv4 address in the last 32 bits is the one that is reached: it decides.
_CARRIES_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))  # mapped; NAT64 (RFC 6052)


class RefusedAddressError(OSError):
    """An address that is not dialled.

    `str` is the same for all, so that of several addresses of one name, all refused, the first is reported as it is
    and not as a list of errors (aiohappyeyeballs).
    """

    def __init__(self, address: str, kind: str) -> None:
        super().__init__("not a public address")
        self.detail = f"{address} is {kind}"


def not_public(address: IPv4Address | IPv6Address) -> str | None:
    """What kind of address that is, if one that no public site can have ("loopback", ...); None when it is public."""
    if isinstance(address, IPv4Address):
        return next((kind for block, kind in _NOT_PUBLIC_V4 if address in block), None)
    if any(address in block for block in _CARRIES_V4):
        return not_public(IPv4Address(int(address) & 0xFFFFFFFF))
    found = next((kind for block, kind in _NOT_PUBLIC_V6 if address in block), None)
    return found or (None if address in _PUBLIC_V6 else "reserved")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a person allowed besides the public internet: hosts by name, in lower case, and networks."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]


def read_allowed(written: Iterable[str]) -> Allowed:
    """The hosts and networks of a setting such as ["nas.home", "192.168.1.0/24", "::1"]; raises SettingsError."""
    hosts, networks = set(), []
    for text in written:
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            name = text.lower().rstrip(".")
            if not name or any(character in name for character in "/:@ *") or name.replace(".", "").isdigit():
                raise SettingsError(f"allow_private wants host names and networks, not {text!r}: {error}") from error
            hosts.add(name)
    return Allowed(hosts=frozenset(hosts), networks=tuple(networks))


def guarded_socket(networks: tuple[Network, ...]) -> Callable[[Any], socket.socket]:
    """A socket factory for aiohttp's connector that refuses, at the last moment, what is neither public nor allowed.

    It is given the very address that connect() gets, whoever resolved it and however it was written: no second
    answer of a name server and no odd spelling comes between. It raises RefusedAddressError.
    """

    def factory(address_info: Any) -> socket.socket:
        family, kind_of_socket, protocol, _, target = address_info
        address = ip_address(target[0])
        if refused := None if any(address in network for network in networks) else not_public(address):
            raise RefusedAddressError(target[0], refused)
        return socket.socket(family, kind_of_socket, protocol)

    return factory
