"""One downloaded page -> its main text and what it says of itself. This part runs in worker processes."""

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from newsclust.errors import Reason
from newsclust.extract.boilerplate import paywall_notice
from newsclust.extract.text import element_lines, normal_text, word_count
from newsclust.model import Page

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Under this many words a page that calls itself paid for shows an opening, not an article.
SHORT_FOR_A_PAGE = 250
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
    rb"\s*(?:<\?[^>]*>\s*|<!--.*?-->\s*)*<(?:rss|feed|rdf:RDF|svg|urlset|sitemapindex)\b", re.DOTALL
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# The encodings of the WHATWG standard, as Python calls them, that are neither UTF-8 nor stateful.
_LEGACY = re.compile(r"iso8859-\d+|cp125\d|cp866|koi8-[ru]|mac-(?:roman|cyrillic)|gb\w+|big5|euc_\w+|shift_jis")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false\b', re.IGNORECASE)

# Posts of a thread as vBulletin (developpez.com), phpBB, XenForo and Discourse mark them.
_POST_CLASSES = ("post", "postcontainer", "message--post", "topic-post")
_POSTS = " | ".join(
    f"//*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')][not(ancestor::blockquote)]"
    for name in _POST_CLASSES
)
# What a forum writes beside a post about who wrote it; a blog's div.post has none of it.
_PROFILE = re.compile(
    r"(?:inscrite? (?:en|le)|inscription|messages|membre \w+|profil pro|détails du profil|avatar de .*|"
    r".* est déconnecté|informations (?:personnelles|professionnelles|forums)|sexe|âge|localisation|activité|"
    r"secteur|join(?:ed| date)|posts|member since|location|reputation)\b ?(?::.*|\d.*)?|"
    r"(?:par défaut|default) .*",  # the alternative text of vBulletin's post icon, before the post's title
    re.IGNORECASE,
)
_LONGEST_PROFILE = 40  # lines
_MOST_NOTICE_CHILDREN = 3  # a heading, an offer, a button


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What one page holds: its main text in normal form, and its own words on title, author and address."""

    text: str
    title: str | None
    author: str | None
    site_name: str | None
    canonical: str | None  # rel=canonical, else og:url; absolute, not checked
    notice: str | None  # the page's words that its text is not free, when the text is short


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
    has_bom = any(body.startswith(bom) for bom, _ in _BOMS)
    if body.startswith(_BINARY_STARTS) or (not has_bom and b"\0" in body[:1024]):
        return Reason.NOT_HTML, f"starts with {body[:8]!r}"
    if not has_bom and (_OTHER_XML.match(body[:4096]) or not _HTML_TAG.search(body)):
        return Reason.NOT_HTML, "no tag of HTML in it"
    return None


def decoded(page: Page) -> str:
    """The page's characters, whichever of its header, its markup and its bytes tells the truth.

    Bytes that are UTF-8 are UTF-8 whatever is declared (text in another encoding that is also UTF-8 beyond
    ASCII does not happen). Else the document's own word goes before the server's, which is often a default;
    then windows-1252, which is what Latin-1 means on the web (WHATWG Encoding Standard).
    """
    body = page.body
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body.decode(encoding, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        lenient = body.decode("utf-8", errors="replace")
    broken = lenient.count("\ufffd")
    if broken < sum(not c.isascii() for c in lenient) - broken:
        return lenient  # UTF-8 with a damaged place
    header = _HEADER_CHARSET.search(page.headers.get("content-type", ""))
    inside = _META_CHARSET.search(body[:4096]) or _XML_CHARSET.search(body[:200])
    names = (inside[1].decode("ascii") if inside else None, header[1] if header else None)
    for name in names:
        known = _known_encoding(name)
        if known is not None:
            return body.decode(known, errors="replace")
    return body.decode("cp1252", errors="replace")


def _known_encoding(name: str | None) -> str | None:
    """Python's name of a declared encoding; None for UTF-8 (already tried) and for what no page is in."""
    try:
        known = codecs.lookup(name or "").name
    except LookupError:
        return None
    if known in {"iso8859-1", "ascii"}:
        return "cp1252"
    return known if _LEGACY.fullmatch(known) else None


def read_page(page: Page) -> PageText:
    """The page's main text, "" where it has none, without comments and headline lists.

    Extraction is trafilatura's in precision mode (Barbaresi 2021, ACL demos). A forum thread's text is its
    first post, whose bounds are known, without what the forum writes about its author.
    """
    from trafilatura import bare_extraction, load_html
    from trafilatura.settings import Document

    tree = load_html(decoded(page).replace("\0", ""))
    if tree is None:
        return PageText(text="", title=None, author=None, site_name=None, canonical=None, notice=None)
    link = _first(tree, "//link[@rel='canonical']/@href") or _first(tree, "//meta[@property='og:url']/@content")
    is_free = not any(_NOT_FREE.search(script.text or "") for script in tree.iter("script"))
    posts = _posts(tree)
    document = bare_extraction(
        tree, url=page.final_url, favor_precision=True, include_comments=False, with_metadata=True
    )
    if not isinstance(document, Document):  # trafilatura found no text
        document = Document()
    text = normal_text(_without_profile(element_lines(posts[0])) if posts else document.text or "")
    notice = None
    if word_count(text) < SHORT_FOR_A_PAGE:
        notice = paywall_notice(_blocks(tree)) or (None if is_free else "isAccessibleForFree: false")
    return PageText(
        text=text,
        title=document.title,
        author=document.author,
        site_name=_first(tree, "//meta[@property='og:site_name']/@content"),
        canonical=urljoin(page.final_url, link) if link else None,
        notice=notice,
    )


def _first(tree: "HtmlElement", xpath: str) -> str | None:
    return next((str(found).strip() for found in tree.xpath(xpath) if str(found).strip()), None)


def _blocks(tree: "HtmlElement") -> list[str]:
    """The words of each small element: a notice stands in one of its own, often outside the article."""
    small = (e for e in tree.iter("p", "div", "h2", "h3", "span") if len(e) <= _MOST_NOTICE_CHILDREN)
    return [" ".join(e.text_content().split()) for e in small]


def _posts(tree: "HtmlElement") -> list["HtmlElement"]:
    """The posts of a forum thread, in order; none when the page is no thread."""
    posts = tree.xpath(_POSTS)
    with_profile = [post for post in posts if any(map(_PROFILE.fullmatch, element_lines(post)[:_LONGEST_PROFILE]))]
    return posts if len(posts) > 1 and len(with_profile) * 2 >= len(posts) else []


def _without_profile(lines: list[str]) -> str:
    """The lines from behind the last one that describes the author of a forum post."""
    head = lines[:_LONGEST_PROFILE]
    last = max((at for at, line in enumerate(head) if _PROFILE.fullmatch(line)), default=-1)
    return "\n".join(lines[last + 1 :])
