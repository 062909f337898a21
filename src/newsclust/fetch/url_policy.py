"""Addresses that requests may go to, and whose credentials they may carry."""

import re
from ipaddress import ip_address

from yarl import URL

from newsclust.model import Request, RequestKind
from newsclust.urls import HIDDEN

# A DNS name (RFC 1035, 2.3.4), with the underscore that some have.
_NAME = re.compile(r"(?=.{1,254}\Z)(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?", re.ASCII)


def asked_url(request: Request) -> URL:
    """The address to ask, with its credentials; raises ValueError when they are hidden from us, too."""
    if request.secret_url is not None:
        return read_url(request.secret_url)
    # The path of a page may have asterisks of its own: what editors do to a swear word.
    if (f"={HIDDEN}" if request.kind is RequestKind.PAGE else HIDDEN) in request.url:
        raise ValueError("its credentials are hidden, and were not given with it")
    return read_url(request.url)


def read_url(text: str) -> URL:
    """An http or https URL without fragment; raises ValueError, saying why, for anything else."""
    text.encode()  # yarl drops lone surrogates silently
    url = URL(text)
    if url.scheme not in ("http", "https"):
        raise ValueError(f"scheme {url.scheme!r} is not http or https")
    host = url.raw_host or ""
    if ":" in host or host.replace(".", "").isdigit():
        ip_address(host)  # raises ValueError, for 127.1 and 2130706433 too: no way round a refused address
    elif not _NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name")
    if ":" in (url.user or ""):  # RFC 7617, 2
        raise ValueError("a colon in the user's name")
    f"{url.user}{url.password}".encode("latin-1")  # raises ValueError: aiohttp can send no other credentials
    return url.with_fragment(None)


def with_credentials(target: URL, first: URL) -> URL:
    """The target of a redirect with the first address's user and password when it is of the same origin.

    What the redirect itself names is nobody's that we know. http to https on the default ports is the one change of
    origin that keeps them, as in Python's requests: they travel better protected than before; never the other way.
    """
    bare = target.with_user(None)
    if first.user is None or not is_home(target, first):
        return bare
    return bare.with_user(first.user).with_password(first.password)


def is_home(target: URL, first: URL) -> bool:
    """Whether the first address's credentials may be told there: its origin, or the same on https."""
    better = (first.scheme, first.port, target.scheme, target.port) == ("http", 80, "https", 443)
    return target.origin() == first.origin() or (better and target.raw_host == first.raw_host)


def host_of(url: URL) -> str:
    """The host as it is dialled; empty when there is none."""
    return (url.raw_host or "").rstrip(".")
