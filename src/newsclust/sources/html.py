"""Downloaded HTML -> an lxml tree."""

import re
from typing import Any
from urllib.parse import urljoin

from newsclust.model import Page

_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


def html_root(page: Page) -> Any:
    """The page's tree, None when there is no element in it.

    Read as UTF-8 when it is valid, else in the header's charset, else in the one its <meta> names.
    """
    from lxml import etree, html

    charset = _HEADER_CHARSET.search(page.headers.get("content-type", ""))
    try:
        page.body.decode("utf-8")
        encoding: str | None = "utf-8"
    except UnicodeDecodeError:
        encoding = charset[1] if charset else None
    try:
        parser = html.HTMLParser(encoding=encoding, remove_comments=True, no_network=True, huge_tree=False)
    except LookupError:  # a charset that nobody knows
        parser = html.HTMLParser(remove_comments=True, no_network=True, huge_tree=False)
    try:
        return html.document_fromstring(page.body, parser=parser, ensure_head_body=True)
    except etree.ParserError:  # blank, or nothing but bytes that are none of the charset
        return None


def base_of(root: Any, url: str) -> str:
    """The address from which the page's relative links count: its <base>, else its own."""
    written = next((str(base.get("href")) for base in root.iter("base") if base.get("href")), "")
    try:
        return urljoin(url, written.strip())
    except ValueError:  # such as http://[
        return url


def words(element: Any) -> str:
    """The element's text on one line; without text, the label or picture description that stands for it."""
    text = " ".join(str(element.text_content()).split())
    labels = (element.get("aria-label"), element.get("title"), *(image.get("alt") for image in element.iter("img")))
    return text or next((" ".join(label.split()) for label in labels if label and label.strip()), "")
