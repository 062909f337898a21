"""Learn the boilerplate of a site: paragraphs that recur under different titles.

A paragraph is boilerplate once it has been seen under three different titles. So three versions of an article, or one
article from three feeds, teach nothing. In which order texts are seen, and how often, changes nothing.

A long one needs more titles: outlets repeat the background paragraph from one report to the next.
In 2,691 articles on one affair (the gilets jaunes, 2018) 49 paragraphs stand under three titles of a site, and one of
them is no boilerplate: it has 43 words.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from newsclust.model import EdgeBlock, Extraction, TextSource, id_of
from newsclust.text.normalize import alphanumeric_key, word_count
from newsclust.urls import host, publisher_of

MIN_TITLES = 3  # different ones, from which a paragraph is boilerplate
MIN_TITLES_LONG = 10  # the same, of a paragraph with more words than:
MAX_SHORT_WORDS = 30
MIN_WORDS = 5  # fewer are a heading that many articles may have: "Price and availability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Whose word an article is: the outlet's, and whether its feed speaks for the site."""

    outlet: str
    is_own: bool


_BY_ADDRESS: Mapping[str, Provenance] = {}


def boilerplate_candidates(
    texts: Sequence[Extraction], provenance: Mapping[str, Provenance] = _BY_ADDRESS
) -> dict[int, list[EdgeBlock]]:
    """Return each paragraph of `MIN_WORDS` words or more with the hash of its title, by the titles that it needs.

    `provenance` says of articles, by id, whose word they are; of the others it is the site's of their address.
    """
    candidates: dict[int, list[EdgeBlock]] = {MIN_TITLES: [], MIN_TITLES_LONG: []}
    for text in texts:
        one = provenance.get(text.article_id)
        # A feed that does not speak for the site may give one page any number of titles.
        by_feed = one is None or one.is_own or text.text_source is not TextSource.PAGE
        title = _key("title", alphanumeric_key(text.title if by_feed else text.page_title or ""))
        for paragraph in text.text.split("\n\n"):
            if (key := _paragraph_key(text, paragraph, one)) is not None:
                needed = MIN_TITLES if word_count(paragraph) <= MAX_SHORT_WORDS else MIN_TITLES_LONG
                candidates[needed].append(EdgeBlock(key=key, context=title))
    return candidates


def drop_site_boilerplate(
    text: Extraction, known: Collection[int], provenance: Provenance | None = None
) -> Extraction:
    """Drop the paragraphs whose keys are in `known`; change nothing when no text would be left."""
    paragraphs = text.text.split("\n\n")
    kept = [paragraph for paragraph in paragraphs if _paragraph_key(text, paragraph, provenance) not in known]
    return replace(text, text="\n\n".join(kept)) if any(map(alphanumeric_key, kept)) else text


def _paragraph_key(text: Extraction, paragraph: str, provenance: Provenance | None) -> int | None:
    if word_count(paragraph) < MIN_WORDS:
        return None
    return _key("line", _site(text, provenance), alphanumeric_key(paragraph))


def _site(text: Extraction, provenance: Provenance | None) -> str:
    """Return the host of the address where that is the outlet's, else the outlet, which teaches of itself alone."""
    if provenance is None or publisher_of(text.canonical_url) == publisher_of(f"https://{provenance.outlet}"):
        return host(text.canonical_url)
    return provenance.outlet


def _key(*parts: str) -> int:
    """Hash to unsigned 64 bits; by another function than outlets' edge blocks, so that no keys collide."""
    return int(id_of(*parts), 16)
