"""One downloaded page -> its main text and what it says of itself. This part runs in worker processes."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsclust.errors import Reason
from newsclust.extract.boilerplate import paywall_notice
from newsclust.extract.forums import posts_of, thread_text
from newsclust.extract.index_pages import headlines_of
from newsclust.extract.main_content import main_text
from newsclust.extract.metadata import PageDate, said_by
from newsclust.extract.site_rules import SiteRule, ruled_tree
from newsclust.model import Page
from newsclust.text.charset import decode, has_byte_order_mark
from newsclust.text.html_to_text import element_lines
from newsclust.text.normalize import normalize_text, word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Under this many words a page that calls itself paid for shows an opening, not an article.
SHORT_FOR_A_PAGE = 250
FORM_PARAGRAPHS = 3
# Declared types that can be a web page; servers without a better idea say the last three.
_HTML_TYPES = frozenset(
    (
        "",
        "text/html",
        "application/xhtml+xml",
        "application/xml",
        "text/xml",
        "text/plain",
        "application/octet-stream",
    )
)
# How files start that are no text: PDF, PNG, JPEG, GIF, ZIP and office files, gzip, RIFF (WebP), Ogg, MP3.
_BINARY_STARTS = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"OggS", b"ID3",
)  # fmt: skip
_HTML_TAG = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|main|article|section|div|p|h1)\b", re.IGNORECASE
)
_OTHER_XML = re.compile(
    rb"(?:\s++|<\?[^>]*+>|<!--.*?-->)*+<(?:rss|feed|rdf:RDF|svg|urlset|sitemapindex)\b", re.DOTALL
)
_MOST_NOTICE_CHILDREN = 3  # a heading, an offer, a button


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What one page holds: its main text in normal form, and what it says of itself."""

    text: str
    title: str | None = None
    author: str | None = None
    site_name: str | None = None
    canonical: str | None = None  # rel=canonical, else og:url; absolute, not checked
    published: PageDate | None = None
    updated: PageDate | None = None
    notice: str | None = None  # the page's words that its text is not free, when the text is short
    headlines: int = 0  # how many articles it lists; 0 when it is an article itself
    missed: str = ""  # what the site's rule looks for and the page has not


def refusal(page: Page, max_bytes: int) -> tuple[Reason, str] | None:
    """Why a page is not worth reading, by its size, its declared type and its bytes; None: it is."""
    body = page.body
    declared = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body.strip():
        return Reason.EMPTY, "the page has no bytes"
    if len(body) > max_bytes:
        return Reason.TOO_LARGE, f"{len(body)} bytes, at most {max_bytes} are read"
    if declared not in _HTML_TYPES:
        return Reason.NOT_HTML, f"declared as {declared}"
    has_bom = has_byte_order_mark(body)
    if body.startswith(_BINARY_STARTS) or (not has_bom and b"\0" in body[:1024]):
        return Reason.NOT_HTML, f"starts with {body[:8]!r}"
    if not has_bom and (_OTHER_XML.match(body[:4096]) or not _HTML_TAG.search(body)):
        return Reason.NOT_HTML, "no tag of HTML in it"
    return None


def page_markup(page: Page) -> str:
    """Return the page's decoded HTML, without the NULs at which libxml2 would stop."""
    return decode(page.body, page.headers.get("content-type", ""), document="html").text.replace("\0", "")


def read_page(page: Page, rule: SiteRule | None = None) -> PageText:
    """The page's main text, "" where it has none, without comments, teasers and headline lists.

    A forum thread's text is that of its articles, a list of articles has none. Where the site has a rule, the rule
    says what is read.
    """
    from trafilatura import load_html

    tree = load_html(page_markup(page))
    if tree is None:
        return PageText(text="")
    url = page.final_url
    _unwrap_forms(tree)
    said = said_by(tree, url, now=page.fetched_at)
    ruled, missed = ruled_tree(tree, rule) if rule else ([], "")
    posts = [] if ruled else posts_of(tree)
    headlines = 0 if ruled or posts or said.is_article else headlines_of(tree, url)
    if ruled:
        text = "\n".join(line for element in ruled for line in element_lines(element))
    elif posts:
        text = thread_text(posts)
    else:
        text = "" if headlines else main_text(tree, url)
    text = normalize_text(text)
    notice = None
    if word_count(text) < SHORT_FOR_A_PAGE and not headlines:
        notice = paywall_notice(_blocks(tree)) or (None if said.is_free else "isAccessibleForFree: false")
    return PageText(
        text=text,
        title=said.title,
        author=said.author,
        site_name=said.site_name,
        canonical=said.canonical,
        published=said.published,
        updated=said.updated,
        notice=notice,
        headlines=headlines,
        missed=missed,
    )


def _unwrap_forms(tree: "HtmlElement") -> None:
    """Forms with paragraphs are no forms to fill in: ASP.NET wraps whole pages in one."""
    for form in list(tree.iter("form")):
        if len(form.findall(".//p")) >= FORM_PARAGRAPHS:
            form.drop_tag()


def _blocks(tree: "HtmlElement") -> list[str]:
    """The words of each small element: a notice stands in one of its own, often outside the article."""
    small = (e for e in tree.iter("p", "div", "h2", "h3", "span") if len(e) <= _MOST_NOTICE_CHILDREN)
    return [" ".join(e.text_content().split()) for e in small]
