"""Whether a page is a list of articles (a home page, a section, an archive) and no article itself."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from newsclust.extract.links import leads_to, site_of, words_of
from newsclust.text.html_to_text import element_lines
from newsclust.text.normalize import word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

HEADLINES = 6  # fewer stand under many an article
HEADLINE_WORDS = 4
MOST_HEADLINE_WORDS = 30
WORDS_BEFORE = 2  # a link: a number, a day
# Words of prose outside of the listed articles, from which a page is an article of its own with headlines around it;
# where the headlines are mere links, as beside any article, a short article has as many.
ARTICLE_WORDS = 80
SHORT_ARTICLE_WORDS = 30
PROSE_WORDS = 10  # of a line with the end of a sentence; shorter ones are labels and credits

_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*(?:\s|$)")
_INLINE = frozenset(("a", "b", "em", "i", "span", "strong"))


def headlines_of(tree: "HtmlElement", url: str) -> int:
    """How many articles a page lists; 0 when it has prose of its own.

    An article is listed by a heading that is linked to another page of the site, or by such a link that opens its
    block. What stands around it up to the next one, its card, belongs to it, unless that is most of what the page
    says or, around a mere link, an article itself.
    """
    site = site_of(url)
    headings = [heading for heading in tree.iter("h1", "h2", "h3", "h4") if _is_headline(heading, site, url)]
    if len(headings) >= HEADLINES:
        return len(headings) if _own_prose(tree, headings) < ARTICLE_WORDS else 0
    links = [link for link in tree.iter("a") if _opens_its_block(link, site, url)]
    return len(links) if len(links) >= HEADLINES and _own_prose(tree, links) < SHORT_ARTICLE_WORDS else 0


def _is_headline(heading: "HtmlElement", site: str, url: str) -> bool:
    around = list(heading.iterancestors("a"))
    return words_of(heading) >= HEADLINE_WORDS and any(
        _leads_elsewhere(link, site, url) for link in [*around, *heading.iter("a")]
    )


def _opens_its_block(link: "HtmlElement", site: str, url: str) -> bool:
    if not HEADLINE_WORDS <= words_of(link) <= MOST_HEADLINE_WORDS or not _leads_elsewhere(link, site, url):
        return False
    block = next(above for above in link.iterancestors() if above.tag not in _INLINE)
    return word_count(block.text_content().partition(link.text_content())[0]) <= WORDS_BEFORE


def _leads_elsewhere(link: "HtmlElement", site: str, url: str) -> bool:
    return leads_to(link, site) and link.get("href", "").strip().partition("#")[0] != url


def _own_prose(tree: "HtmlElement", headlines: list["HtmlElement"]) -> int:
    """How many words of prose stand in no card; one that holds most of the page's is no card."""
    under = Counter(above for headline in headlines for above in headline.iterancestors())
    everything = _prose(next(tree.iter("body"), tree))
    cards = [_prose(_card(headline, under)) for headline in headlines]
    most = everything // 2 if headlines[0].tag != "a" else min(ARTICLE_WORDS, everything // 2)
    return everything - sum(words for words in cards if words <= most)


def _card(headline: "HtmlElement", under: Counter["HtmlElement"]) -> "HtmlElement":
    """The largest element around a headline that holds no other."""
    card = headline
    for above in headline.iterancestors():
        if under[above] > 1:
            break
        card = above
    return card


def _prose(element: "HtmlElement") -> int:
    """How many words stand in lines with sentences."""
    lines = (" ".join(line.split()) for line in element_lines(element))
    return sum(words for line in lines if (words := word_count(line)) >= PROSE_WORDS and _SENTENCE_END.search(line))
