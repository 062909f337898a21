"""What can be compared of two articles, for many pairs at once.

Only the two articles and fixed tables count, never the rest of the window: an unrelated article changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsclust.centering import Part, centre
from newsclust.model import Window, WordCounts
from newsclust.stories.pairs.word_rarity import LEAD_CHARACTERS, Word, is_name, rarity, split_words, stem

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
PairPositions = tuple[NDArray[np.int64], NDArray[np.int64]]  # positions

_CELLS_PER_BLOCK = 1_000_000  # articles x others compared at once: 8 MB a matrix

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
COLUMN_INDEX = {name: place for place, (name, _) in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureInputs:
    """Articles ready to be compared; each matrix has one row for each of them and one column for each stem."""

    vectors: Vectors  # of title and lead, centred, unit length
    title_vectors: Vectors  # the same of the title
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


def feature_inputs(window: Window, counts: WordCounts) -> FeatureInputs:
    """Return the articles of the window ready to be compared; `counts` tells how rare their words are."""
    articles = window.articles
    titles = [split_words(article.title) for article in articles]
    leads = [split_words(article.text[:LEAD_CHARACTERS]) for article in articles]
    words = list(dict.fromkeys(word for texts in (titles, leads) for text in texts for word in text))
    number = {word: place for place, word in enumerate(words)}
    stems = sorted({stem(word.folded) for word in words})
    place_of = {name: place for place, name in enumerate(stems)}
    column = np.array([place_of[stem(word.folded)] for word in words], np.int64)
    named = np.array([is_name(counts, word) for word in words], np.float64)
    weight = np.array([rarity(counts, name) for name in stems], np.float64)

    def counted(texts: Sequence[Sequence[Word]], *, names: bool = False) -> sparse.csr_array:
        """How often each text holds each stem, or each stem as a name."""
        ends = np.cumsum([0, *(len(text) for text in texts)])
        held = np.array([number[word] for text in texts for word in text], np.int64)
        times = named[held] if names else np.ones(len(held))
        matrix = sparse.csr_array((times, column[held], ends), shape=(len(texts), max(1, len(stems))))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    def rare(times: sparse.csr_array) -> sparse.csr_array:
        return _with_values(times, weight[times.indices])

    def tf_idf(times: sparse.csr_array) -> sparse.csr_array:
        return _l2_normalized(_with_values(times, (1 + np.log(times.data)) * weight[times.indices]))

    in_title, in_lead = counted(titles), counted(leads)
    title_names = counted(titles, names=True)
    outlets = {name: number for number, name in enumerate(sorted({article.outlet for article in articles}))}
    return FeatureInputs(
        vectors=centre(window.vectors, window.model),
        title_vectors=centre(window.title_vectors, window.model, Part.TITLE),
        titles=tf_idf(in_title),
        leads=tf_idf(in_title + in_lead),
        title_words=rare(in_title),
        lead_words=rare(in_title + in_lead),
        title_names=rare(title_names),
        lead_names=rare(title_names + counted(leads, names=True)),
        stems=tuple(stems),
        days=np.array([article.published_at.timestamp() / 86_400 for article in articles]),
        outlets=np.array([outlets[article.outlet] for article in articles]),
        french=np.array([article.language == "fr" for article in articles]),
        lead_length=np.array([len(article.text[:LEAD_CHARACTERS]) for article in articles], np.float64),
        title_length=np.array([len(words) for words in titles], np.float64),
    )


def candidate_pairs(
    given: FeatureInputs, screen: Floats, *, days_apart: float, fresh: NDArray[np.bool_] | None = None
) -> PairPositions:
    """Return the pairs at most `days_apart` whose cheap score reaches 0, in order.

    With `fresh`, a mark for each article, only pairs that have a fresh article, which stands first. `screen` weighs
    the cosine of the texts, the better of the two cosines between one's title and the other's text, the same of
    their words, and an offset. Each pair is judged by itself.
    """
    new = np.ones(len(given.days), np.bool_) if fresh is None else fresh
    others = _AllArticles(given)
    found = [
        _RowBlock(others, rows).candidates(screen, days_apart, new)
        for rows in _row_blocks(np.flatnonzero(new), len(new))
    ]
    nothing = np.zeros(0, np.int64)
    return np.concatenate([nothing, *(one for one, _ in found)]), np.concatenate([nothing, *(b for _, b in found)])


def pair_features(given: FeatureInputs, pairs: PairPositions) -> Floats:
    """Return one row of evidence for each pair; columns as in `COLUMNS`."""
    firsts, first = np.unique(pairs[0], return_inverse=True)
    order = np.argsort(first, kind="stable")
    ends = np.searchsorted(first[order], np.arange(len(firsts) + 1))
    others = _AllArticles(given)
    found = np.empty((len(order), len(COLUMNS)))
    for places in _row_blocks(np.arange(len(firsts)), len(given.days)):
        chosen = order[ends[places[0]] : ends[places[-1] + 1]]
        found[chosen] = _RowBlock(others, firsts[places]).evidence((pairs[0][chosen], pairs[1][chosen]))
    return found


def scored_pairs(
    given: FeatureInputs, screen: Floats, *, days_apart: float, fresh: NDArray[np.bool_] | None = None
) -> Iterator[tuple[PairPositions, Floats]]:
    """Yield the candidate pairs with their evidence, as many at a time as fit in memory."""
    new = np.ones(len(given.days), np.bool_) if fresh is None else fresh
    others = _AllArticles(given)
    for rows in _row_blocks(np.flatnonzero(new), len(new)):
        compared_with_all = _RowBlock(others, rows)
        pairs = compared_with_all.candidates(screen, days_apart, new)
        yield pairs, compared_with_all.evidence(pairs)


class _AllArticles:
    """What every article is compared with: the articles in columns, and the sums of their rows."""

    def __init__(self, given: FeatureInputs) -> None:
        self.given = given
        self.titles, self.leads = given.titles.T.tocsr(), given.leads.T.tocsr()
        self.in_title, self.in_lead = _binary(given.title_words).T.tocsr(), _binary(given.lead_words).T.tocsr()
        self.title_names, self.lead_names = _binary(given.title_names).T.tocsr(), _binary(given.lead_names).T.tocsr()
        self.word_weight = _row_sums(given.title_words)
        self.title_weight, self.lead_weight = _row_sums(given.title_names), _row_sums(given.lead_names)


class _RowBlock:
    """A few articles compared with all others at once; what both screen and evidence ask for is made once."""

    def __init__(self, others: _AllArticles, rows: NDArray[np.int64]) -> None:
        self.others = others
        self.rows = rows  # in order
        given = others.given
        self.cosine = given.vectors[rows] @ given.vectors.T
        self.across = given.title_vectors[rows] @ given.vectors.T, given.vectors[rows] @ given.title_vectors.T
        self.words_across = _product(given.titles[rows], others.leads), _product(given.leads[rows], others.titles)

    def candidates(self, screen: Floats, days_apart: float, new: NDArray[np.bool_]) -> PairPositions:
        """Return the pairs of these articles and others whose cheap score reaches 0; two new ones meet once."""
        weights = screen.astype(np.float32)
        days = self.others.given.days
        score = weights[0] * self.cosine + weights[1] * np.maximum(*self.across) + weights[3]
        near = np.abs(days[self.rows, None] - days[None]) <= days_apart
        row, other = np.nonzero((score + screen[2] * np.maximum(*self.words_across) >= 0) & near)
        one = self.rows[row]
        once = (one < other) | ~new[other]
        return one[once], other[once]

    def evidence(self, pairs: PairPositions) -> Floats:
        """Return one row of evidence for each pair, whose first articles are these.

        "Cover" is the share of the weight of the shorter list, "found" the share of one title's that the other
        article's title and lead hold, "names" count what `is_name` tells.
        """
        one, other = pairs
        row, rows, given, others = np.searchsorted(self.rows, one), self.rows, self.others.given, self.others

        def products(a: sparse.csr_array, b: sparse.csr_array) -> Floats:
            return _product(a[rows], b)[row, other]

        title_weight, lead_weight, word_weight = others.title_weight, others.lead_weight, others.word_weight
        across = [cosines[row, other] for cosines in self.across]
        words_across = [cosines[row, other] for cosines in self.words_across]
        title_names = products(given.title_names, others.title_names)
        lead_names = products(given.lead_names, others.lead_names)
        title_words = products(given.title_words, others.in_title)
        names_found = (
            products(given.title_names, others.lead_names) / np.maximum(4, title_weight[one]),
            products(given.lead_names, others.title_names) / np.maximum(4, title_weight[other]),
        )
        words_found = (
            products(given.title_words, others.in_lead) / np.maximum(4, word_weight[one]),
            products(given.lead_words, others.in_title) / np.maximum(4, word_weight[other]),
        )
        columns = {
            "title_cosine": (given.title_vectors[rows] @ given.title_vectors.T)[row, other],
            "cosine": self.cosine[row, other],
            "title_text_cosine": np.maximum(*across),
            "title_text_cosine_least": np.minimum(*across),
            "title_words": products(given.titles, others.titles),
            "lead_words": products(given.leads, others.leads),
            "title_in_lead": np.maximum(*words_across),
            "title_in_lead_least": np.minimum(*words_across),
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
            "rarest_name": _rarest_shared(given.lead_names, one, other, lead_names > 0),
            "days": np.abs(np.floor(given.days[one]) - np.floor(given.days[other])),
            "same_outlet": given.outlets[one] == given.outlets[other],
            "two_languages": given.french[one] != given.french[other],
            "both_french": given.french[one] & given.french[other],
            "shorter_lead": np.minimum(given.lead_length[one], given.lead_length[other]),
            "fewer_title_words": np.minimum(given.title_length[one], given.title_length[other]),
        }
        return np.stack([columns[name].astype(np.float64, copy=False) for name, _ in COLUMNS], axis=1)


def shared_names(given: FeatureInputs, one: int, other: int, *, most: int = 3) -> dict[str, float]:
    """Return the rarest names (stems) that both articles hold, with their rarity in nats."""
    names = given.lead_names

    def held(article: int) -> dict[int, float]:
        row = slice(names.indptr[article], names.indptr[article + 1])
        return dict(zip(names.indices[row].tolist(), names.data[row].tolist(), strict=True))

    weight, others = held(one), held(other)
    chosen = sorted(weight.keys() & others.keys(), key=lambda place: (-weight[place], given.stems[place]))[:most]
    return {given.stems[place]: weight[place] for place in chosen}


def _rarest_shared(
    names: sparse.csr_array, one: NDArray[np.int64], other: NDArray[np.int64], some: NDArray[np.bool_]
) -> Floats:
    """Return for each pair the weight of the rarest name that both hold; `some` marks the pairs that share one."""
    found = np.zeros(len(one))
    shared = sparse.csr_array(names[one[some]].multiply(_binary(names)[other[some]]))
    found[some] = shared.max(axis=1).toarray().ravel()
    return found


def _product(rows: sparse.csr_array, columns: sparse.csr_array) -> Floats:
    product: Floats = (rows @ columns).toarray()
    return product


def _row_blocks(rows: NDArray[np.int64], others: int) -> list[NDArray[np.int64]]:
    """Return the rows in turn, few enough to compare with so many others at once."""
    size = max(1, _CELLS_PER_BLOCK // max(1, others))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _row_sums(matrix: sparse.csr_array) -> Floats:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()


def _binary(matrix: sparse.csr_array) -> sparse.csr_array:
    return _with_values(matrix, np.ones(matrix.nnz))


def _with_values(matrix: sparse.csr_array, values: Floats) -> sparse.csr_array:
    return sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def _l2_normalized(matrix: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(_row_sums(matrix.multiply(matrix)))
    length[length == 0] = 1
    return sparse.csr_array(sparse.diags_array(1 / length) @ matrix)
