"""Whether a page is a list of articles (a home page, a section, an archive) and no article itself."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from newsclust.extract.links import leads_to, site_of, words_of
from newsclust.extract.text import element_lines, word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

HEADLINES = 6  # fewer stand under many an article
HEADLINE_WORDS = 4
# Words of prose outside of the listed articles, from which a page is an article of its own with headlines around it.
ARTICLE_WORDS = 80
PROSE_WORDS = 10  # of a line that ends as a sentence does; shorter ones are labels and credits

_SENTENCE_END = re.compile(r"[.!?…][»”\"')\]]*$")


def headlines_of(tree: "HtmlElement", url: str) -> int:
    """How many articles a page lists; 0 when it has prose of its own.

    An article is listed by a heading that is linked to another page of the site; what stands around it up to the
    next one, its card, belongs to it.
    """
    site = site_of(url)
    headings = [heading for heading in tree.iter("h1", "h2", "h3", "h4") if _is_headline(heading, site)]
    if len(headings) < HEADLINES:
        return 0
    under = Counter(above for heading in headings for above in heading.iterancestors())
    listed = sum(_prose(_card(heading, under)) for heading in headings)
    return len(headings) if _prose(next(tree.iter("body"), tree)) - listed < ARTICLE_WORDS else 0


def _is_headline(heading: "HtmlElement", site: str) -> bool:
    around = list(heading.iterancestors("a"))
    return words_of(heading) >= HEADLINE_WORDS and any(leads_to(link, site) for link in [*around, *heading.iter("a")])


def _card(heading: "HtmlElement", under: Counter["HtmlElement"]) -> "HtmlElement":
    """The largest element around a headline that holds no other."""
    card = heading
    for above in heading.iterancestors():
        if under[above] > 1:
            break
        card = above
    return card


def _prose(element: "HtmlElement") -> int:
    """How many words stand in sentences."""
    lines = (" ".join(line.split()) for line in element_lines(element))
    return sum(words for line in lines if (words := word_count(line)) >= PROSE_WORDS and _SENTENCE_END.search(line))
