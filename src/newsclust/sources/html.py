"""Downloaded HTML -> an lxml tree."""

from typing import Any
from urllib.parse import urljoin

from newsclust.model import Page
from newsclust.text.charset import decode


def html_root(page: Page) -> Any:
    """Return the page's tree; None when there is no element in it."""
    from lxml import etree, html

    markup = decode(page.body, page.headers.get("content-type", ""), document="html").text
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, no_network=True, huge_tree=False)
    try:  # as bytes: lxml refuses a str that begins with an XML declaration
        return html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser, ensure_head_body=True)
    except etree.ParserError:  # blank
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
