"""Where a page without words of its own sends its readers on: a Refresh header, or <meta http-equiv="refresh">.

Only the beginning of the page is looked at, and only once: nothing here grows faster than its input.
"""

import re
from html import unescape
from urllib.parse import urljoin

from newsclust.model import Page
from newsclust.urls import canonical

READ_BYTES = 65_536  # a page that only sends on is short; what is longer has words of its own
MAX_WORDS = 60  # of such a page: "You are being redirected", and the way for those who are not
MAX_DELAY_S = 30  # a longer one reloads a page that is read meanwhile

_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_META = re.compile(r"<meta\b[^<>]{1,4000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![a-z-])([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_CONTENT = re.compile(r"""\s*(\d{1,4})(?:\.\d*)?\s*(?:[;,]\s*(?:url\s*=\s*)?["']?([^"']+))?""", re.IGNORECASE)


def refresh_target(page: Page) -> str | None:
    """Return the address that an almost empty page sends on to at once, None when it does not or has words.

    The address is absolute; it is another page's than this one, which reloads itself.
    """
    written = _content(page.headers.get("refresh", ""))
    if written is None and len(page.body) <= READ_BYTES:
        markup = _UNSEEN.sub(" ", page.body.decode("utf-8", errors="replace"))
        if len(_TAG.sub(" ", markup).split()) <= MAX_WORDS:
            written = next(filter(None, map(_of_meta, _META.findall(markup))), None)
    if written is None:
        return None
    try:
        target = urljoin(page.final_url, unescape(written))
        return None if canonical(target) == canonical(page.final_url) else target
    except ValueError:  # no address of a page
        return None


def _of_meta(tag: str) -> str | None:
    attributes = {found[1].lower(): found[2] or found[3] or found[4] or "" for found in _ATTRIBUTE.finditer(tag)}
    return _content(attributes.get("content", "")) if attributes.get("http-equiv", "").lower() == "refresh" else None


def _content(written: str) -> str | None:
    """Return the address of what stands in a Refresh header; None without one, or when it comes late."""
    found = _CONTENT.match(written)
    return found[2].strip() if found and found[2] and int(found[1]) <= MAX_DELAY_S else None
