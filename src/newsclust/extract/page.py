"""One downloaded page -> its main text and metadata. This part runs in worker processes."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsclust.errors import Reason
from newsclust.extract.boilerplate import paywall_notice
from newsclust.extract.forums import forum_posts, thread_text
from newsclust.extract.index_pages import count_headlines
from newsclust.extract.main_content import MIN_GAIN, main_text
from newsclust.extract.metadata import PageDate, read_metadata
from newsclust.extract.site_rules import SiteRule, apply_site_rule
from newsclust.extract.walls import NO_SIGNS, WallSigns, wall_signs
from newsclust.model import Page
from newsclust.text.charset import decode, has_byte_order_mark
from newsclust.text.html_to_text import element_lines, html_to_text
from newsclust.text.normalize import normalize_text, word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Under this many words a page that calls itself paid for shows an opening, not an article.
MIN_FREE_WORDS = 250
MIN_FORM_PARAGRAPHS = 3
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
_MAX_NOTICE_CHILDREN = 3  # a heading, an offer, a button


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """Main text of one page, in normal form, and the metadata that it states."""

    text: str
    title: str | None = None
    author: str | None = None
    site_name: str | None = None
    canonical: str | None = None  # rel=canonical, else og:url; absolute, not checked
    published: PageDate | None = None
    updated: PageDate | None = None
    notice: str | None = None  # the paywall notice, when the text is short
    headlines: int = 0  # how many articles it lists; 0 when it is an article itself
    rule_mismatch: str = ""  # what the site's rule selects and the page has not
    wall: WallSigns = NO_SIGNS  # what of it is a wall's


def rejection(page: Page, max_bytes: int) -> tuple[Reason, str] | None:
    """Return why a page is not read, by its size, its declared type and its bytes; None when it is."""
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
    """Return the page's metadata and main text ("" where it has none), without comments, teasers and headline lists.

    A forum thread's text is that of its articles, an index page has none. Where the site has a rule, the rule selects
    what is read.
    """
    from trafilatura import load_html

    tree = load_html(page_markup(page))
    if tree is None:
        return PageText(text="")
    url = page.final_url
    _unwrap_forms(tree)
    metadata = read_metadata(tree, url, now=page.fetched_at)
    page_headings = [metadata.title or "", *(heading.text_content() for heading in tree.iter("title", "h1"))]
    selected, rule_mismatch = apply_site_rule(tree, rule) if rule else ([], "")
    posts = [] if selected else forum_posts(tree)
    headlines = 0 if selected or posts or metadata.is_article else count_headlines(tree, url)
    if selected:
        text = "\n".join(line for element in selected for line in element_lines(element))
    elif posts:
        text = thread_text(posts)
    else:
        text = "" if headlines else _longer_by_far(main_text(tree, url), html_to_text(metadata.article_body))
    text = normalize_text(text)
    notice = None
    if word_count(text) < MIN_FREE_WORDS and not headlines:
        notice = paywall_notice(_small_blocks(tree)) or (None if metadata.is_free else "isAccessibleForFree: false")
    return PageText(
        text=text,
        title=metadata.title,
        author=metadata.author,
        site_name=metadata.site_name,
        canonical=metadata.canonical,
        published=metadata.published,
        updated=metadata.updated,
        notice=notice,
        headlines=headlines,
        rule_mismatch=rule_mismatch,
        wall=NO_SIGNS if selected or posts or metadata.is_article else wall_signs(page_headings, text, url),
    )


def _longer_by_far(text: str, stated: str) -> str:
    """Return the text that a page's JSON-LD states where the page shows less than half of it: a script draws it."""
    return stated if word_count(stated) > MIN_GAIN * word_count(text) else text


def _unwrap_forms(tree: "HtmlElement") -> None:
    """Unwrap forms that hold paragraphs: ASP.NET wraps whole pages in one."""
    for form in list(tree.iter("form")):
        if len(form.findall(".//p")) >= MIN_FORM_PARAGRAPHS:
            form.drop_tag()


def _small_blocks(tree: "HtmlElement") -> list[str]:
    """Return the text of each small element: a notice stands in one of its own, often outside the article."""
    small_elements = (e for e in tree.iter("p", "div", "h2", "h3", "span") if len(e) <= _MAX_NOTICE_CHILDREN)
    return [" ".join(e.text_content().split()) for e in small_elements]
