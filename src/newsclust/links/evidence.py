"""What can be compared of two articles, for many pairs at once.

Only the two articles and fixed tables count, never the rest of the window: an unrelated article changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsclust.centring import Part, centre
from newsclust.links.words import LEAD, Word, is_name, rarity, stem, words_of
from newsclust.model import Window, WordCounts

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]  # positions, the first smaller than the second

_BLOCK = 512  # articles compared with all others at once
_PAIRS_AT_ONCE = 50_000

# The evidence of one pair, in the order of the columns of `evidence_of`, and what a person calls it.
COLUMNS = (
    ("title_cosine", "meaning"),
    ("cosine", "meaning"),
    ("title_text_cosine", "meaning"),
    ("title_text_cosine_least", "meaning"),
    ("title_words", "words in common"),
    ("lead_words", "words in common"),
    ("title_in_lead", "words in common"),
    ("title_in_lead_least", "words in common"),
    ("title_names", "names in common"),
    ("title_names_cover", "names in common"),
    ("lead_names", "names in common"),
    ("lead_names_cover", "names in common"),
    ("lead_names_jaccard", "names in common"),
    ("names_found_most", "names in common"),
    ("names_found_least", "names in common"),
    ("title_words_jaccard", "words in common"),
    ("words_found_most", "words in common"),
    ("words_found_least", "words in common"),
    ("rarest_name", "names in common"),
    ("days", "days apart"),
    ("same_outlet", "same outlet"),
    ("two_languages", "languages"),
    ("both_french", "languages"),
    ("shorter_lead", "length"),
    ("fewer_title_words", "length"),
)
PLACE = {name: place for place, (name, _) in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Articles ready to be compared; each matrix has one row for each of them and one column for each stem."""

    vectors: NDArray[np.float32]  # of title and lead, centred, unit length
    title_vectors: NDArray[np.float32]  # the same of the title
    titles: sparse.csr_array  # TF-IDF, unit length
    leads: sparse.csr_array  # TF-IDF of title and lead, unit length
    title_words: sparse.csr_array  # rarity of the stems of the title
    lead_words: sparse.csr_array  # the same of title and lead
    title_names: sparse.csr_array  # rarity of the names of the title
    lead_names: sparse.csr_array  # the same of title and lead
    stems: tuple[str, ...]
    days: Floats  # of publication, since 1970
    outlets: NDArray[np.int64]
    french: NDArray[np.bool_]
    lead_length: Floats  # characters
    title_length: Floats  # words


def compared(window: Window, counts: WordCounts) -> Compared:
    """Return the articles of the window ready to be compared; `counts` tells how rare their words are."""
    articles = window.articles
    titles = [words_of(article.title) for article in articles]
    leads = [words_of(article.text[:LEAD]) for article in articles]
    both = [[*title, *lead] for title, lead in zip(titles, leads, strict=True)]
    stems = sorted({stem(word.folded) for words in both for word in words})
    column = {name: place for place, name in enumerate(stems)}
    weight = {name: rarity(counts, name) for name in stems}

    def matrix(rows: Sequence[Mapping[str, float]]) -> sparse.csr_array:
        ends = np.cumsum([0, *(len(row) for row in rows)])
        values = np.array([value for row in rows for value in row.values()], np.float64)
        places = np.array([column[name] for row in rows for name in row], np.int64)
        return sparse.csr_array((values, places, ends), shape=(len(rows), max(1, len(stems))))

    def weighed(words: Sequence[Word]) -> dict[str, float]:
        counts = Counter(stem(word.folded) for word in words)
        return {name: (1 + np.log(n)) * weight[name] for name, n in counts.items()}

    def rare(words: Sequence[Word]) -> dict[str, float]:
        return {name: weight[name] for name in dict.fromkeys(stem(word.folded) for word in words)}

    def names(words: Sequence[Word]) -> dict[str, float]:
        return rare([word for word in words if is_name(counts, word)])

    outlets = {name: number for number, name in enumerate(sorted({article.outlet for article in articles}))}
    return Compared(
        vectors=centre(window.vectors, window.model),
        title_vectors=centre(window.title_vectors, window.model, Part.TITLE),
        titles=_unit(matrix([weighed(words) for words in titles])),
        leads=_unit(matrix([weighed(words) for words in both])),
        title_words=matrix([rare(words) for words in titles]),
        lead_words=matrix([rare(words) for words in both]),
        title_names=matrix([names(words) for words in titles]),
        lead_names=matrix([names(words) for words in both]),
        stems=tuple(stems),
        days=np.array([article.published_at.timestamp() / 86_400 for article in articles]),
        outlets=np.array([outlets[article.outlet] for article in articles]),
        french=np.array([article.language == "fr" for article in articles]),
        lead_length=np.array([len(article.text[:LEAD]) for article in articles], np.float64),
        title_length=np.array([len(words) for words in titles], np.float64),
    )


def candidates(
    given: Compared, screen: Floats, *, days_apart: float, fresh: NDArray[np.bool_] | None = None
) -> Pairs:
    """Return the pairs at most `days_apart` whose cheap score reaches 0, in order.

    With `fresh`, a mark for each article, only pairs that have a fresh article. `screen` weighs the cosine of the
    texts, the better of the two cosines between one's title and the other's text, the same of their words, and an
    offset. Each pair is judged by itself.
    """
    titles, leads = given.titles.T.tocsc(), given.leads.T.tocsc()
    found: list[NDArray[np.int64]] = []
    new = np.ones(len(given.days), np.bool_) if fresh is None else fresh
    asked = np.flatnonzero(new)
    for start in range(0, len(asked), _BLOCK):
        rows = asked[start : start + _BLOCK]
        shared = np.maximum((given.titles[rows] @ leads).toarray(), (given.leads[rows] @ titles).toarray())
        across = np.maximum(given.title_vectors[rows] @ given.vectors.T, given.vectors[rows] @ given.title_vectors.T)
        score = screen[0] * (given.vectors[rows] @ given.vectors.T) + screen[1] * across + screen[2] * shared
        score += screen[3]
        near = np.abs(given.days[rows, None] - given.days[None]) <= days_apart
        row, other = np.nonzero((score >= 0) & near)
        one = rows[row]
        once = (one < other) | ((one > other) & ~new[other])  # two fresh articles meet once
        found.append(np.sort(np.stack([one, other])[:, once], axis=0))
    pairs = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
    pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    return pairs[0], pairs[1]


def evidence_of(given: Compared, pairs: Pairs) -> Floats:
    """Return one row of evidence for each pair; columns as in `COLUMNS`.

    "Cover" is the share of the weight of the shorter list, "found" the share of one title's that the other
    article's title and lead hold, "names" count what `is_name` tells.
    """
    one, other = pairs
    present = {
        name: _ones(getattr(given, name)) for name in ("title_words", "lead_words", "title_names", "lead_names")
    }

    def both(a: sparse.csr_array, b: sparse.csr_array) -> tuple[Floats, Floats]:
        return _row_products(a, b, one, other), _row_products(b, a, one, other)

    title_weight, lead_weight = _sums(given.title_names), _sums(given.lead_names)
    word_weight = _sums(given.title_words)
    across = (
        _dots(given.title_vectors, given.vectors, one, other),
        _dots(given.vectors, given.title_vectors, one, other),
    )
    in_lead = both(given.titles, given.leads)
    title_names = _row_products(given.title_names, present["title_names"], one, other)
    lead_names = _row_products(given.lead_names, present["lead_names"], one, other)
    title_words = _row_products(given.title_words, present["title_words"], one, other)
    names_found = (
        _row_products(given.title_names, present["lead_names"], one, other) / np.maximum(4, title_weight[one]),
        _row_products(present["lead_names"], given.title_names, one, other) / np.maximum(4, title_weight[other]),
    )
    words_found = (
        _row_products(given.title_words, present["lead_words"], one, other) / np.maximum(4, word_weight[one]),
        _row_products(present["lead_words"], given.title_words, one, other) / np.maximum(4, word_weight[other]),
    )
    columns = {
        "title_cosine": _dots(given.title_vectors, given.title_vectors, one, other),
        "cosine": _dots(given.vectors, given.vectors, one, other),
        "title_text_cosine": np.maximum(*across),
        "title_text_cosine_least": np.minimum(*across),
        "title_words": _row_products(given.titles, given.titles, one, other),
        "lead_words": _row_products(given.leads, given.leads, one, other),
        "title_in_lead": np.maximum(*in_lead),
        "title_in_lead_least": np.minimum(*in_lead),
        "title_names": title_names,
        "title_names_cover": title_names / np.maximum(1, np.minimum(title_weight[one], title_weight[other])),
        "lead_names": lead_names,
        "lead_names_cover": lead_names / np.maximum(1, np.minimum(lead_weight[one], lead_weight[other])),
        "lead_names_jaccard": lead_names / np.maximum(1, lead_weight[one] + lead_weight[other] - lead_names),
        "names_found_most": np.maximum(*names_found),
        "names_found_least": np.minimum(*names_found),
        "title_words_jaccard": title_words / np.maximum(1, word_weight[one] + word_weight[other] - title_words),
        "words_found_most": np.maximum(*words_found),
        "words_found_least": np.minimum(*words_found),
        "rarest_name": _row_products(given.lead_names, present["lead_names"], one, other, most=True),
        "days": np.abs(np.floor(given.days[one]) - np.floor(given.days[other])),
        "same_outlet": (given.outlets[one] == given.outlets[other]).astype(np.float64),
        "two_languages": (given.french[one] != given.french[other]).astype(np.float64),
        "both_french": (given.french[one] & given.french[other]).astype(np.float64),
        "shorter_lead": np.minimum(given.lead_length[one], given.lead_length[other]),
        "fewer_title_words": np.minimum(given.title_length[one], given.title_length[other]),
    }
    return np.stack([columns[name] for name, _ in COLUMNS], axis=1)


def shared_names(given: Compared, one: int, other: int, *, most: int = 3) -> dict[str, float]:
    """Return the rarest names (stems) that both articles hold, with their rarity in nats."""
    names = given.lead_names

    def held(article: int) -> dict[int, float]:
        row = slice(names.indptr[article], names.indptr[article + 1])
        return dict(zip(names.indices[row].tolist(), names.data[row].tolist(), strict=True))

    weight, others = held(one), held(other)
    chosen = sorted(weight.keys() & others.keys(), key=lambda place: (-weight[place], given.stems[place]))[:most]
    return {given.stems[place]: weight[place] for place in chosen}


def _row_products(
    a: sparse.csr_array,
    b: sparse.csr_array,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    *,
    most: bool = False,
) -> Floats:
    """Return for each pair the dot product of row `one` of a and row `other` of b, or its largest term."""
    reduce: Callable[[sparse.csr_array], Floats] = _largest if most else _sums
    parts = [reduce(sparse.csr_array(a[one[c]].multiply(b[other[c]]))) for c in _chunks(len(one))]
    return np.concatenate(parts) if parts else np.zeros(0)


def _dots(a: NDArray[np.float32], b: NDArray[np.float32], one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """Return for each pair the dot product of row `one` of a and row `other` of b."""
    parts = [np.einsum("ij,ij->i", a[one[chunk]], b[other[chunk]]) for chunk in _chunks(len(one))]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def _chunks(length: int) -> list[slice]:
    return [slice(start, start + _PAIRS_AT_ONCE) for start in range(0, length, _PAIRS_AT_ONCE)]


def _sums(matrix: sparse.csr_array) -> Floats:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()


def _largest(matrix: sparse.csr_array) -> Floats:
    return np.asarray(matrix.max(axis=1).toarray(), np.float64).ravel()


def _ones(matrix: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def _unit(matrix: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(_sums(matrix.multiply(matrix)))
    length[length == 0] = 1
    return sparse.csr_array(sparse.diags_array(1 / length) @ matrix)
