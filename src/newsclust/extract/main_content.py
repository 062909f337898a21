"""Extract the main text of an article's page.

Two extractors, and what both miss: trafilatura (Barbaresi 2021, ACL demos) keeps what looks like the article's
container, readability scores paragraphs. Before they run, teasers and hover cards are dropped, which neither
recognises, and a body that the layout splits is joined, since trafilatura reads its first part only.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING

from newsclust.extract.links import is_internal_link, linked_words, links_in, site_domain, text_words
from newsclust.extract.text_blocks import MIN_PARAGRAPH_WORDS, MIN_PARAGRAPHS, keep_text_blocks
from newsclust.text.html_to_text import html_to_text
from newsclust.text.normalize import alphanumeric_key, normalize_text, word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# A text of fewer words may be what stands beside an article that was not found.
MIN_WORDS = 100
MIN_GAIN = 2  # times; then the text that readability found is the article
MAX_ABOVE_TITLE = 4  # paragraphs down to the page's own heading: a kicker, a promotion
MIN_TEASER_WORDS = 4  # a link of fewer words is a name, not a headline
MAX_TEASER_LINKS = 2  # of a teaser: its picture's and its headline's
MIN_LIST_ITEMS = 3  # of these at most one in three is a sentence: a promotion, a headline that asks
MIN_LINKED_SHARE = 0.4  # words: headlines of a list may be linked in part
# A page with a larger share of its words in teasers is made of them: they are its text.
MAX_TEASER_SHARE = 0.5

_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*$")
_INLINE = frozenset(("a", "abbr", "b", "cite", "code", "em", "i", "q", "span", "strong", "sub", "sup", "u"))
_LEAVES = ("p", "li", "h2", "h3", "h4", "h5", "h6", "article", "aside", "dd", "figcaption")
# The elements of trafilatura's own document that begin and end a line.
_LINES = frozenset(("p", "head", "item", "quote", "list", "table", "row", "lb", "div"))


def main_text(tree: "HtmlElement", url: str) -> str:
    """Return the main text of a page in normal form, "" where there is none; the tree is changed."""
    from trafilatura import bare_extraction

    headings = {alphanumeric_key(heading.text_content()) for heading in tree.iter("h1")} - {""}
    title = alphanumeric_key("".join(element.text_content() for element in tree.iter("title")))
    prepare_tree(tree, site_domain(url))
    copy_for_readability = deepcopy(tree)
    document = bare_extraction(tree, url=url, favor_precision=True, include_comments=False, fast=True)
    body = getattr(document, "body", None)
    text = normalize_text("".join(_lines_of(body)) if body is not None else "")
    if word_count(text) < MIN_WORDS:
        alternative = _readability_text(copy_for_readability)
        if word_count(alternative) > MIN_GAIN * word_count(text):
            text = alternative
    return "\n\n".join(drop_above_title(text.split("\n\n"), headings, title))


def drop_above_title(paragraphs: list[str], headings: set[str], title: str) -> list[str]:
    """Return the paragraphs after the page's headings, without what stands above the heading that names the page."""
    above = [alphanumeric_key(paragraph) for paragraph in paragraphs[:MAX_ABOVE_TITLE]]
    names = [at for at, line in enumerate(above) if line in headings and line in title]
    return list(dropwhile(lambda line: alphanumeric_key(line) in headings, paragraphs[names[-1] if names else 0 :]))


def prepare_tree(tree: "HtmlElement", site: str) -> None:
    """Drop headlines of other articles from the tree, and join a split body."""
    keep_text_blocks(tree, site)
    _wrap_leading_text(tree)
    _drop_hover_cards(tree)
    _drop_teasers(tree, site)
    _join_split_body(tree)


def _readability_text(tree: "HtmlElement") -> str:
    """Return the text that trafilatura's copy of readability-lxml finds; "" where it finds nothing."""
    from trafilatura.readability_lxml import Document

    try:
        return html_to_text(Document(tree).summary())
    except AssertionError:  # it drops the root of what it found, when that looks like no article
        return ""


def _lines_of(body: "HtmlElement") -> Iterator[str]:
    """Yield the text under trafilatura's body: a line for each block and each table row, without bullets or pipes."""
    from lxml.etree import iterwalk

    cells = 0
    for event, element in iterwalk(body, events=("start", "end")):
        is_cell = element.tag == "cell"
        if event == "start":
            cells += is_cell
            yield _border(element, cells) + (element.text or "")
        else:
            yield _border(element, cells)
            cells -= is_cell
            if element is not body:
                yield element.tail or ""


def _border(element: "HtmlElement", cells: int) -> str:
    if element.tag in _LINES or (element.tag == "code" and "\n" in (element.text or "")):
        return " " if cells else "\n"
    return " " if element.tag == "cell" else ""


def _drop_hover_cards(tree: "HtmlElement") -> None:
    """Drop what pops up over a name in a running sentence: a picture with several links and no words besides."""
    for card in tree.xpath("//p//span[.//img][count(.//a) > 1]"):
        if card.getparent() is not None and linked_words(card) >= text_words(card):
            card.drop_tree()


def _wrap_leading_text(tree: "HtmlElement") -> None:
    """Make a paragraph of the running text that opens a block up to its first line break.

    trafilatura reads such words behind a break, and loses those before it when a link stands among them.
    """
    for div in tree.xpath("//div[br]"):
        opening = list(takewhile(lambda inner: inner.tag in _INLINE, div))
        words = word_count(
            " ".join([div.text or "", *(inner.xpath("string()") + (inner.tail or "") for inner in opening)])
        )
        if words < MIN_PARAGRAPH_WORDS or not (div.text or "").strip():
            continue
        paragraph = div.makeelement("p")
        paragraph.text, div.text = div.text, None
        div.insert(0, paragraph)
        paragraph.extend(opening)


def _drop_teasers(tree: "HtmlElement", site: str) -> None:
    """Drop blocks that are nothing but a headline linked to another page of the site, and lists of such links.

    A digest that links elsewhere keeps its lines, and so does a page that is made of such blocks.
    """
    blocks = list(tree.iter(*_LEAVES))
    teasers = _outermost(
        [
            *(block for block in blocks if _is_teaser(block, site)),
            *(block for block in tree.iter("ul", "ol") if _is_list_of_teasers(block, site)),
        ]
    )
    if teasers and sum(map(text_words, teasers)) <= MAX_TEASER_SHARE * sum(map(text_words, _outermost(blocks))):
        for teaser in teasers:
            teaser.drop_tree()


def _outermost(elements: list["HtmlElement"]) -> list["HtmlElement"]:
    """Return the elements that stand in no other of them."""
    all_elements = set(elements)
    return [element for element in elements if all_elements.isdisjoint(element.iterancestors())]


def _is_teaser(block: "HtmlElement", site: str) -> bool:
    links = links_in(block)
    return (
        0 < len(links) <= MAX_TEASER_LINKS
        and MIN_TEASER_WORDS <= text_words(block) <= linked_words(block)
        and all(is_internal_link(link, site) for link in links)
    )


def _is_list_of_teasers(block: "HtmlElement", site: str) -> bool:
    items = list(block.iterchildren("li"))
    return (
        len(items) >= MIN_LIST_ITEMS
        and linked_words(block) >= MIN_LINKED_SHARE * text_words(block)
        and sum(bool(_SENTENCE_END.search(item.text_content().strip())) for item in items) * MIN_LIST_ITEMS
        <= len(items)
        and all(any(is_internal_link(link, site) for link in links_in(item)) for item in items)
    )


def _join_split_body(tree: "HtmlElement") -> None:
    """Move the paragraphs of a body in several parts, between which the layout puts advertisements, into the first.

    Parts have one tag and class and stand at one depth of one article, each with paragraphs right in it and nothing
    that would make it a text of its own.
    """
    for article in list(tree.iter("article", "main")):
        parts: dict[tuple[str, str, int], list[HtmlElement]] = defaultdict(list)
        for part in article.iter("div", "section"):
            name = part.get("class")
            if name and _is_part(part):
                parts[part.tag, name, sum(1 for _ in part.iterancestors())].append(part)
        for first, *following in parts.values():
            for part in following:
                first.extend(list(part))


def _is_part(element: "HtmlElement") -> bool:
    paragraphs = [p for p in element.iterchildren("p") if text_words(p) >= MIN_PARAGRAPH_WORDS]
    return len(paragraphs) >= MIN_PARAGRAPHS and next(element.iter("h1", "article", "time"), None) is None
