"""Recognise index pages: home pages, sections and archives, which list articles and are none themselves."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from newsclust.extract.links import is_internal_link, site_domain, text_words
from newsclust.text.html_to_text import element_lines
from newsclust.text.normalize import word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MIN_HEADLINES = 6  # fewer stand under many an article
MIN_HEADLINE_WORDS = 4
MAX_HEADLINE_WORDS = 30
MAX_WORDS_BEFORE = 2  # a link: a number, a day
# Words of prose outside of the listed articles, from which a page is an article of its own with headlines around it;
# where the headlines are mere links, as beside any article, a short article has as many.
MIN_ARTICLE_WORDS = 80
MIN_SHORT_ARTICLE_WORDS = 30
MIN_PROSE_WORDS = 10  # of a line with the end of a sentence; shorter ones are labels and credits

_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*(?:\s|$)")
_INLINE = frozenset(("a", "b", "em", "i", "span", "strong"))


def count_headlines(tree: "HtmlElement", url: str) -> int:
    """Count the articles that a page lists; 0 when it has prose of its own.

    An article is listed by a heading that is linked to another page of the site, or by such a link that opens its
    block. What stands around it up to the next one, its card, belongs to it, unless that is most of what the page
    says or, around a mere link, an article itself.
    """
    site = site_domain(url)
    headings = [heading for heading in tree.iter("h1", "h2", "h3", "h4") if _is_headline(heading, site, url)]
    if len(headings) >= MIN_HEADLINES:
        return len(headings) if _own_prose(tree, headings) < MIN_ARTICLE_WORDS else 0
    links = [link for link in tree.iter("a") if _is_listing_link(link, site, url)]
    return len(links) if len(links) >= MIN_HEADLINES and _own_prose(tree, links) < MIN_SHORT_ARTICLE_WORDS else 0


def _is_headline(heading: "HtmlElement", site: str, url: str) -> bool:
    around = list(heading.iterancestors("a"))
    return text_words(heading) >= MIN_HEADLINE_WORDS and any(
        _leads_to_other_page(link, site, url) for link in [*around, *heading.iter("a")]
    )


def _is_listing_link(link: "HtmlElement", site: str, url: str) -> bool:
    if not MIN_HEADLINE_WORDS <= text_words(link) <= MAX_HEADLINE_WORDS or not _leads_to_other_page(link, site, url):
        return False
    block = next(above for above in link.iterancestors() if above.tag not in _INLINE)
    return word_count(block.text_content().partition(link.text_content())[0]) <= MAX_WORDS_BEFORE


def _leads_to_other_page(link: "HtmlElement", site: str, url: str) -> bool:
    return is_internal_link(link, site) and link.get("href", "").strip().partition("#")[0] != url


def _own_prose(tree: "HtmlElement", headlines: list["HtmlElement"]) -> int:
    """Count the words of prose outside of cards; one that holds most of the page's prose is no card."""
    under = Counter(above for headline in headlines for above in headline.iterancestors())
    page_words = _prose(next(tree.iter("body"), tree))
    cards = [_prose(_card(headline, under)) for headline in headlines]
    max_card_words = page_words // 2 if headlines[0].tag != "a" else min(MIN_ARTICLE_WORDS, page_words // 2)
    return page_words - sum(words for words in cards if words <= max_card_words)


def _card(headline: "HtmlElement", under: Counter["HtmlElement"]) -> "HtmlElement":
    """Return the largest element around a headline that holds no other headline."""
    card = headline
    for above in headline.iterancestors():
        if under[above] > 1:
            break
        card = above
    return card


def _prose(element: "HtmlElement") -> int:
    """Count the words in lines with sentences."""
    lines = (" ".join(line.split()) for line in element_lines(element))
    return sum(
        words for line in lines if (words := word_count(line)) >= MIN_PROSE_WORDS and _SENTENCE_END.search(line)
    )
