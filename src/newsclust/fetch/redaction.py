"""Redaction: secrets of a request hidden in its response, since pages are stored and the database is published."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, quote_plus, unquote

from newsclust.model import Request
from newsclust.urls import HIDDEN, redacted

_MIN_SECRET_LENGTH = 6  # characters; a shorter secret is a word of many texts, and hiding it would spoil them

_LOWER_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_HTML_IN_JSON = re.compile(r"[&<>'=+]")  # what JSON for web pages escapes


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
    """Return each secret as written and in what documents make of it, the longest first, without short ones.

    Percent-decoded and percent-encoded, each of these as HTML and as JSON escape it: a key may hold `&`, `"` or `/`.
    """
    forms = set[str]()
    for secret in secrets:
        plain = unquote(secret)
        encoded = {secret, plain, quote(plain, safe=""), quote(plain), quote_plus(plain)}
        encoded |= {_LOWER_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in encoded}
        forms |= encoded | {escaped for form in encoded for escaped in _escaped(form)}
    return tuple(sorted((form for form in forms if len(form) >= _MIN_SECRET_LENGTH), key=len, reverse=True))


def _escaped(text: str) -> Iterator[str]:
    """Yield the text as HTML and JSON escape it."""
    yield escape(text, quote=False)
    as_html = escape(text)
    yield as_html
    for apostrophe in ("&#39;", "&#039;", "&apos;"):
        yield as_html.replace("&#x27;", apostrophe)
    yield as_html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")  # Go's html/template
    yield text.replace("&", "&#38;")
    yield text.replace("&", "&#038;")  # WordPress
    for ascii_only in (True, False):
        as_json = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for form in (as_json, as_json.replace("/", "\\/")):
            yield form
            yield _HTML_IN_JSON.sub(lambda character: f"\\u{ord(character[0]):04x}", form)
            yield _HTML_IN_JSON.sub(lambda character: f"\\u{ord(character[0]):04X}", form)
