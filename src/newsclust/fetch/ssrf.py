"""SSRF protection: only addresses of the public internet, and those that a person allowed, are connected to."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from newsclust.errors import SettingsError

Network = IPv4Network | IPv6Network

# IANA IPv4 Special-Purpose Address Registry (RFC 6890), the blocks that no public site can have. Kept here
# because `ipaddress` calls other blocks private in each version of Python. The more specific block stands first.
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
_PUBLIC_V6 = IPv6Network("2000::/3")  # the only block that IANA assigns as global unicast
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
        ("2002::/16", "reserved"),  # 6to4: an embedded IPv4 address, no longer in use (RFC 7526)
        ("3fff::/20", "documentation"),  # RFC 9637
        ("fc00::/7", "private"),  # unique local
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),  # site-local, deprecated by RFC 3879
        ("ff00::/8", "multicast"),
    )
)
# The IPv4 address in the last 32 bits is the one that is reached, so it decides.
_EMBEDS_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))  # mapped; NAT64 (RFC 6052)


class RefusedAddressError(OSError):
    """An address that the SSRF guard refuses to connect to.

    `str` is the same for all: when all addresses of a name are refused, aiohappyeyeballs then raises the first error
    and not a list of them.
    """

    def __init__(self, address: str, kind: str) -> None:
        super().__init__("not a public address")
        self.detail = f"{address} is {kind}"


def block_reason(address: IPv4Address | IPv6Address) -> str | None:
    """Return why an address is blocked: its kind ("loopback", "private", "metadata", ...); None when it is public."""
    if isinstance(address, IPv4Address):
        return next((kind for block, kind in _NOT_PUBLIC_V4 if address in block), None)
    if any(address in block for block in _EMBEDS_V4):
        return block_reason(IPv4Address(int(address) & 0xFFFFFFFF))
    found = next((kind for block, kind in _NOT_PUBLIC_V6 if address in block), None)
    return found or (None if address in _PUBLIC_V6 else "reserved")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Exceptions from the SSRF guard that a person allowed: hosts by name, in lower case, and networks."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]


def read_allow_list(values: Iterable[str]) -> AllowList:
    """Parse a setting such as ["nas.home", "192.168.1.0/24", "::1"]; raises SettingsError."""
    hosts, networks = set(), []
    for text in values:
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            name = text.lower().rstrip(".")
            if not name or any(character in name for character in "/:@ *") or name.replace(".", "").isdigit():
                raise SettingsError(f"allow_private wants host names and networks, not {text!r}: {error}") from error
            hosts.add(name)
    return AllowList(hosts=frozenset(hosts), networks=tuple(networks))


def guarded_socket_factory(networks: tuple[Network, ...]) -> Callable[[Any], socket.socket]:
    """Return a socket factory for aiohttp's connector that refuses addresses neither public nor in `networks`.

    It checks the very address that connect() gets, whoever resolved it and however it was written: neither DNS
    rebinding nor an odd spelling of an address gets past it. The factory raises RefusedAddressError.
    """

    def factory(address_info: Any) -> socket.socket:
        family, kind_of_socket, protocol, _, target = address_info
        address = ip_address(target[0])
        is_allowed = any(address in network for network in networks)
        if reason := None if is_allowed else block_reason(address):
            raise RefusedAddressError(target[0], reason)
        return socket.socket(family, kind_of_socket, protocol)

    return factory
