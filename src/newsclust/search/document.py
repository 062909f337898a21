"""Words of articles, counted in titles and in texts.

The SQL of the macros reads a query by the same rules (`sql/views/50_search_articles.sql`), so texts come folded by
DuckDB's own `lower(strip_accents(...))`: what is equal there is equal here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat

import numpy as np
from numpy.typing import NDArray

from newsclust.search.stems import STOP_WORDS

MAX_WORD_CHARACTERS = 40  # what is longer is a hash, an address or a line of code
_MAX_PARTS = 4  # of a compound; what has more is an address or a path
# Words, and what hyphens, dots and underscores make of them: wi-fi, gpt-5.2, cve-2026-1234.
_CHUNK = re.compile(r"[^\W_]+(?:[-._][^\W_]+)*")
_CONNECTOR = re.compile(r"[-._]")
_GLUED = re.compile(r"([^\W\d_]{2,})(\d{2,}[^\W_]*)")  # rtx5090 is rtx and 5090, too; n1x is one word
_SPACED_NUMBER = re.compile(r"(?<=[^\W_]) (\d[^\W_]*)")
_LAST_WORD = re.compile(r"[^\W\d_]+$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ANY_STOP_WORD = frozenset().union(*STOP_WORDS.values())

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedArticle:
    """An article's title and text in lower case and without accents; whose stems they get: en, fr, or none."""

    article_id: str
    language: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrences:
    """How often articles hold words: row by row the place of an article, that of a word, and two counts.

    An article's title and its text have rows of their own. `words` are (word, language) without stop words; a row may
    name a place that is none of them.
    """

    words: dict[tuple[str, str], int]
    article: Integers
    word: Integers
    in_title: Integers
    in_text: Integers
    title_words: Integers  # of each article, stop words included
    text_words: Integers


def count_words(articles: Sequence[FoldedArticle]) -> Occurrences:
    """Return how often each of these articles holds each word, and how many words they have."""
    numbers = count()
    places: dict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(numbers.__next__))
    lengths: tuple[list[int], list[int]] = [], []
    article: list[int] = []
    word: list[int] = []
    counts: tuple[list[int], list[int]] = [], []
    for place, one in enumerate(articles):
        known = places[one.language]
        for part, folded in enumerate((one.title, one.text)):
            found, length = _counted(folded)
            lengths[part].append(length)
            article.extend(repeat(place, len(found)))
            word.extend(map(known.__getitem__, found))
            counts[part].extend(found.values())
            counts[1 - part].extend(repeat(0, len(found)))
    return Occurrences(
        words={
            (written, language): place
            for language, known in places.items()
            for written, place in known.items()
            if len(written) <= MAX_WORD_CHARACTERS and written not in STOP_WORDS.get(language, ())
        },
        article=np.array(article, np.int32),
        word=np.array(word, np.int32),
        in_title=np.array(counts[0], np.int32),
        in_text=np.array(counts[1], np.int32),
        title_words=np.array(lengths[0], np.int32),
        text_words=np.array(lengths[1], np.int32),
    )


def _counted(folded: str) -> tuple[dict[str, int], int]:
    """Return how often a text holds each word, and how many words it has."""
    chunks = _CHUNK.findall(folded)
    counts: dict[str, int] = Counter(chunks)
    for chunk, times in [(chunk, times) for chunk, times in counts.items() if not chunk.isalpha()]:
        if chunk.isalnum():
            found: Sequence[str] = _parts(chunk)
        else:
            del counts[chunk]
            parts = _CONNECTOR.split(chunk)
            found = [*parts, *(glued for part in parts for glued in _parts(part))]
            if len(parts) <= _MAX_PARTS:
                found.append("".join(parts))
        for one in found:
            counts[one] = counts.get(one, 0) + times
    for one in _numbered(folded):
        counts[one] = counts.get(one, 0) + 1
    return counts, len(chunks)


def _parts(word: str) -> tuple[str, ...]:
    """Return a name and its number, of a word that is both."""
    match = _GLUED.fullmatch(word)
    return match.groups() if match else ()


def _numbered(folded: str) -> Iterator[str]:
    """Yield a name and the number after it as one word: rtx 5090, windows 11; no year."""
    for match in _SPACED_NUMBER.finditer(folded):
        start = match.start()
        name = _LAST_WORD.search(folded, max(0, start - MAX_WORD_CHARACTERS), start)
        if name and name[0] not in _ANY_STOP_WORD and not _YEAR.fullmatch(match[1]):
            yield name[0] + match[1]
