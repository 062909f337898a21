"""URL policy: which URLs may be requested, and which of them may carry credentials."""

import re
from ipaddress import ip_address

from yarl import URL

from newsclust.model import Request, RequestKind
from newsclust.urls import HIDDEN, LONGEST

# A DNS name (RFC 1035, 2.3.4), with the underscore that some have.
_HOST_NAME = re.compile(r"(?=.{1,254}\Z)(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?", re.ASCII)


def request_url(request: Request) -> URL:
    """Return the URL to request, with its credentials; raises ValueError when they are redacted and not given."""
    if request.secret_url is not None:
        return read_url(request.secret_url)
    # The path of a page may contain asterisks of its own, where editors censored a swear word.
    if (f"={HIDDEN}" if request.kind is RequestKind.PAGE else HIDDEN) in request.url:
        raise ValueError("its credentials are hidden, and were not given with it")
    return read_url(request.url)


def read_url(text: str) -> URL:
    """Parse an http or https URL and drop its fragment; raises ValueError, with the reason, for anything else."""
    if len(text) > LONGEST:
        raise ValueError(f"an address of {len(text)} characters, at most {LONGEST} are requested")
    text.encode()  # yarl drops lone surrogates silently
    url = parsed_url(text)
    if url.scheme not in ("http", "https"):
        raise ValueError(f"scheme {url.scheme!r} is not http or https")
    host = url.raw_host or ""
    if ":" in host or host.replace(".", "").isdigit():
        ip_address(host)  # raises ValueError, for 127.1 and 2130706433 too: no odd spelling of a refused address
    elif not _HOST_NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name")
    if ":" in (url.user or ""):  # RFC 7617, 2
        raise ValueError("a colon in the user's name")
    f"{url.user}{url.password}".encode("latin-1")  # raises ValueError: aiohttp can send no other credentials
    return url.with_fragment(None)


def parsed_url(text: str) -> URL:
    """Parse an absolute or relative URL; raises ValueError for what is none."""
    try:
        return URL(text)
    except IndexError as error:  # yarl 1.22 of `//[]@?@host`
        raise ValueError(f"{text!r} is no URL") from error


def with_credentials(target: URL, first: URL) -> URL:
    """Return a redirect's target with the first URL's user and password, if same origin or an upgrade to https.

    User and password in the redirect itself are dropped: nobody knows whose they are.
    """
    bare = target.with_user(None)
    if first.user is None or not same_origin_or_upgrade(target, first):
        return bare
    return bare.with_user(first.user).with_password(first.password)


def same_origin_or_upgrade(target: URL, first: URL) -> bool:
    """Return whether the target may get the first URL's credentials: same origin, or the same host on https.

    http to https on the default ports is the one change of origin that keeps them, as in Python's requests: they
    travel better protected than before. Never the other way.
    """
    is_upgrade = (first.scheme, first.port, target.scheme, target.port) == ("http", 80, "https", 443)
    return target.origin() == first.origin() or (is_upgrade and target.raw_host == first.raw_host)


def host_of(url: URL) -> str:
    """Return the host to connect to; empty when there is none."""
    return (url.raw_host or "").rstrip(".")
