"""What a request knows and an answer must not repeat: pages are stored, and the database is published."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from newsclust.model import Request
from newsclust.urls import HIDDEN, redacted

_SHORTEST = 6  # characters; a shorter secret is a word of many texts, and hiding it would spoil them


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides the secrets of one request, as they were sent or in another spelling."""

    secrets: tuple[str, ...] = ()

    def text(self, said: str) -> str:
        """The text with every secret hidden."""
        for secret in self.secrets:
            said = said.replace(secret, HIDDEN)
        return said

    def body(self, body: bytes) -> bytes:
        """The body with every secret hidden, whether it is ASCII or UTF-8; feeds tell their own address."""
        for secret in self.secrets:
            body = body.replace(secret.encode(), HIDDEN.encode())
        return body


def mask_of(request: Request) -> Mask:
    """The mask of what stands in `secret_url` where `url` shows asterisks, and of the authorization's last word.

    Raises ValueError when the two addresses are not one.
    """
    known: list[str] = []
    if request.secret_url is not None:
        known += _hidden_in(request.url, request.secret_url)
    if request.authorization is not None:
        known.append(re.split(r"[\s=]", request.authorization)[-1])
    return Mask(_spelled(known))


def with_secrets_of(mask: Mask, url: str) -> Mask:
    """The mask that hides, too, what a redirect handed over as a key: values with a digit, since words are none."""
    found = [secret for secret in _hidden_in(redacted(url), url) if any(letter.isdigit() for letter in secret)]
    return Mask(tuple(sorted({*mask.secrets, *_spelled(found)}, key=len, reverse=True)))


def _hidden_in(shown: str, whole: str) -> list[str]:
    """What stands in the whole address where the shown one has asterisks; of a user and password each part, too."""
    known: list[str] = []
    for hidden in _between(shown.split(HIDDEN), whole):
        known += [hidden, *hidden.split(":", 1), b64encode(unquote(hidden).encode()).decode()]
    return known


def _between(parts: Sequence[str], whole: str) -> list[str]:
    """What stands between the parts of the whole; a pattern with as many groups would try every way to place them."""
    first, *others = parts
    other = ValueError("its address with credentials is another one")
    if not whole.startswith(first) or (not others and whole != first):
        raise other
    found, at = [], len(first)
    for number, part in enumerate(others, start=1):
        start = whole.find(part, at) if number < len(others) else len(whole) - len(part)
        if start < at or not whole.startswith(part, start):
            raise other
        found.append(whole[at:start])
        at = start + len(part)
    return found


def _spelled(known: Iterable[str]) -> tuple[str, ...]:
    """Each secret in every spelling, the longest first; without those that would hide words of many texts."""
    spelled = {form for secret in known for form in (secret, unquote(secret), quote(unquote(secret), safe=""))}
    return tuple(sorted((form for form in spelled if len(form) >= _SHORTEST), key=len, reverse=True))
