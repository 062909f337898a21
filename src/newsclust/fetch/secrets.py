"""What a request knows and an answer must not repeat: pages are stored, and the database is published."""

import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote

from newsclust.model import Request
from newsclust.urls import HIDDEN

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
        shape = "(.*)".join(re.escape(part) for part in request.url.split(HIDDEN))
        match = re.fullmatch(shape, request.secret_url, re.DOTALL)
        if match is None:
            raise ValueError("its address with credentials is another one")
        for hidden in match.groups():
            known += [hidden, *hidden.split(":", 1), b64encode(unquote(hidden).encode()).decode()]
    if request.authorization is not None:
        known.append(re.split(r"[\s=]", request.authorization)[-1])
    spelled = {form for secret in known for form in (secret, unquote(secret), quote(unquote(secret), safe=""))}
    return Mask(tuple(sorted((form for form in spelled if len(form) >= _SHORTEST), key=len, reverse=True)))
