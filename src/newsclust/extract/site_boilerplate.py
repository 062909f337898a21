"""Learn the boilerplate of a site: paragraphs that recur under different titles.

A paragraph is boilerplate once it has been seen under three different titles. So three versions of an article, or one
article from three feeds, teach nothing. In which order texts are seen, and how often, changes nothing.

A long one needs more titles: outlets repeat the background paragraph from one report to the next.
In 2,691 articles on one affair (the gilets jaunes, 2018) 49 paragraphs stand under three titles of a site, and one of
them is no boilerplate: it has 43 words.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from newsclust.model import EdgeBlock, Extraction, id_of
from newsclust.text.normalize import alphanumeric_key, word_count
from newsclust.urls import host

MIN_TITLES = 3  # different ones, from which a paragraph is boilerplate
MIN_TITLES_LONG = 10  # the same, of a paragraph with more words than:
MAX_SHORT_WORDS = 30
MIN_WORDS = 5  # fewer are a heading that many articles may have: "Price and availability"


def boilerplate_candidates(texts: Sequence[Extraction]) -> dict[int, list[EdgeBlock]]:
    """Return each paragraph of `MIN_WORDS` words or more with the hash of its title, by the titles that it needs."""
    candidates: dict[int, list[EdgeBlock]] = {MIN_TITLES: [], MIN_TITLES_LONG: []}
    for text in texts:
        title = _key("title", alphanumeric_key(text.title))
        for paragraph in text.text.split("\n\n"):
            if (key := _paragraph_key(text, paragraph)) is not None:
                needed = MIN_TITLES if word_count(paragraph) <= MAX_SHORT_WORDS else MIN_TITLES_LONG
                candidates[needed].append(EdgeBlock(key=key, context=title))
    return candidates


def drop_site_boilerplate(text: Extraction, known: Collection[int]) -> Extraction:
    """Drop the paragraphs whose keys are in `known`; change nothing when no text would be left."""
    paragraphs = text.text.split("\n\n")
    kept = [paragraph for paragraph in paragraphs if _paragraph_key(text, paragraph) not in known]
    return replace(text, text="\n\n".join(kept)) if any(map(alphanumeric_key, kept)) else text


def _paragraph_key(text: Extraction, paragraph: str) -> int | None:
    if word_count(paragraph) < MIN_WORDS:
        return None
    return _key("line", host(text.canonical_url), alphanumeric_key(paragraph))


def _key(*parts: str) -> int:
    """Hash to unsigned 64 bits; by another function than outlets' edge blocks, so that no keys collide."""
    return int(id_of(*parts), 16)
