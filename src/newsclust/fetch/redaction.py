"""Redaction: secrets of a request hidden in its response, since pages are stored and the database is published."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from newsclust.model import Request
from newsclust.urls import HIDDEN, redacted

_MIN_SECRET_LENGTH = 6  # characters; a shorter secret is a word of many texts, and hiding it would spoil them


@dataclass(frozen=True, slots=True)
class Redactor:
    """Hides the secrets of one request, as they were sent or in another encoding."""

    secrets: tuple[str, ...] = ()

    def redact(self, text: str) -> str:
        """Return the text with every secret hidden."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def redact_body(self, body: bytes) -> bytes:
        """Return the body with every secret hidden, in ASCII or UTF-8: feeds repeat their own URL."""
        for secret in self.secrets:
            body = body.replace(secret.encode(), HIDDEN.encode())
        return body


def redactor_for(request: Request) -> Redactor:
    """Collect a request's secrets (redacted URL parts, bearer token) into a Redactor.

    Raises ValueError when `url` and `secret_url` are not the same URL.
    """
    secrets: list[str] = []
    if request.secret_url is not None:
        secrets += _secrets_in(request.url, request.secret_url)
    if request.authorization is not None:
        secrets.append(re.split(r"[\s=]", request.authorization)[-1])
    return Redactor(_encodings(secrets))


def with_redirect_secrets(redactor: Redactor, url: str) -> Redactor:
    """Return a Redactor that also hides the keys in a redirect's URL: values with a digit, since words have none."""
    secrets = [secret for secret in _secrets_in(redacted(url), url) if any(letter.isdigit() for letter in secret)]
    return Redactor(tuple(sorted({*redactor.secrets, *_encodings(secrets)}, key=len, reverse=True)))


def _secrets_in(redacted_url: str, full_url: str) -> list[str]:
    """Return what stands in the full URL where the redacted one has asterisks; user and password apart, too."""
    secrets: list[str] = []
    for hidden in _text_between(redacted_url.split(HIDDEN), full_url):
        secrets += [hidden, *hidden.split(":", 1), b64encode(unquote(hidden).encode()).decode()]
    return secrets


def _text_between(parts: Sequence[str], whole: str) -> list[str]:
    """Return what stands between the parts in the whole, in linear time.

    A regular expression with one group for each gap would backtrack over every way to place them.
    """
    first, *rest = parts
    mismatch = ValueError("its address with credentials is another one")
    if not whole.startswith(first) or (not rest and whole != first):
        raise mismatch
    gaps, position = [], len(first)
    for number, part in enumerate(rest, start=1):
        start = whole.find(part, position) if number < len(rest) else len(whole) - len(part)
        if start < position or not whole.startswith(part, start):
            raise mismatch
        gaps.append(whole[position:start])
        position = start + len(part)
    return gaps


def _encodings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return each secret as written, percent-decoded and percent-encoded, the longest first, without short ones."""
    forms = {form for secret in secrets for form in (secret, unquote(secret), quote(unquote(secret), safe=""))}
    return tuple(sorted((form for form in forms if len(form) >= _MIN_SECRET_LENGTH), key=len, reverse=True))
