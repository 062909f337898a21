"""Paragraphs that recur in the texts of one site: learned from what stands under different titles, not from a list.

A paragraph is the site's own once it has been seen under three different titles. So three versions of an article, or
one article from three feeds, teach nothing. In which order texts are seen, and how often, changes nothing.

A long one needs more titles: outlets carry the paragraph that says what happened before from one report to the next.
In 2,691 articles on one affair (the gilets jaunes, 2018) 49 paragraphs stand under three titles of a site, and one of
them is no boilerplate: it has 43 words.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from newsclust.model import EdgeBlock, Extraction, id_of
from newsclust.text.normalize import alphanumeric_key, word_count
from newsclust.urls import host

TITLES = 3  # different ones, from which a paragraph is the site's
LONG_TITLES = 10  # the same, of a paragraph with more words than:
SHORT_WORDS = 30
FEWEST_WORDS = 5  # fewer are a heading that many articles may have: "Price and availability"


def lines_of(texts: Sequence[Extraction]) -> dict[int, list[EdgeBlock]]:
    """What the texts teach, by the titles it takes: each paragraph of some length, with the title above it."""
    lines: dict[int, list[EdgeBlock]] = {TITLES: [], LONG_TITLES: []}
    for text in texts:
        title = _key("title", alphanumeric_key(text.title))
        for paragraph in text.text.split("\n\n"):
            if (key := _line_key(text, paragraph)) is not None:
                needed = TITLES if word_count(paragraph) <= SHORT_WORDS else LONG_TITLES
                lines[needed].append(EdgeBlock(key=key, context=title))
    return lines


def without_lines(text: Extraction, known: Collection[int]) -> Extraction:
    """The same text without paragraphs whose keys are in `known`; unchanged when nothing would be left of it."""
    paragraphs = text.text.split("\n\n")
    kept = [paragraph for paragraph in paragraphs if _line_key(text, paragraph) not in known]
    return replace(text, text="\n\n".join(kept)) if any(map(alphanumeric_key, kept)) else text


def _line_key(text: Extraction, paragraph: str) -> int | None:
    if word_count(paragraph) < FEWEST_WORDS:
        return None
    return _key("line", host(text.canonical_url), alphanumeric_key(paragraph))


def _key(*parts: str) -> int:
    """Unsigned, 64 bits; of no kind that the ends of texts have."""
    return int(id_of(*parts), 16)
