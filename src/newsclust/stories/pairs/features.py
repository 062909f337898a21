"""Features of pairs of articles, computed for many pairs at once.

The features of a pair depend on its two articles and on fixed tables only, never on the rest of the window: an
unrelated article changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsclust.arrays import Booleans, Floats, Integers, Vectors
from newsclust.centering import Part, centre
from newsclust.model import Window, WordCounts
from newsclust.stories.pairs.word_rarity import LEAD_CHARACTERS, Word, is_name, rarity, split_words, stem

PairPositions = tuple[Integers, Integers]  # the positions of the left and of the right articles

_CELLS_PER_BLOCK = 1_000_000  # articles x others compared at once: 8 MB a matrix

# The features of one pair, in the order of the columns of `pair_features`, and the kind of evidence that people see.
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
    ("same_outlet", "outlets"),
    ("two_languages", "languages"),
    ("both_french", "languages"),
    ("shorter_lead", "length"),
    ("fewer_title_words", "length"),
)
COLUMN_INDEX = {name: index for index, (name, _) in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureInputs:
    """Articles ready to be compared; each sparse matrix has a row for each article and a column for each stem."""

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
    outlets: Integers
    french: Booleans
    lead_length: Floats  # characters
    title_length: Floats  # words


def feature_inputs(window: Window, counts: WordCounts) -> FeatureInputs:
    """Return the articles of the window ready to be compared; `counts` gives the rarity (IDF) of their words."""
    articles = window.articles
    titles = [split_words(article.title) for article in articles]
    leads = [split_words(article.text[:LEAD_CHARACTERS]) for article in articles]
    words = list(dict.fromkeys(word for texts in (titles, leads) for text in texts for word in text))
    word_index = {word: index for index, word in enumerate(words)}
    stems = sorted({stem(word.folded) for word in words})
    stem_index = {word_stem: index for index, word_stem in enumerate(stems)}
    column = np.array([stem_index[stem(word.folded)] for word in words], np.int64)
    named = np.array([is_name(counts, word) for word in words], np.float64)
    idf = np.array([rarity(counts, word_stem) for word_stem in stems], np.float64)

    def term_counts(texts: Sequence[Sequence[Word]], *, names: bool = False) -> sparse.csr_array:
        """Return how often each text has each stem, or each stem as a name."""
        ends = np.cumsum([0, *(len(text) for text in texts)])
        indices = np.array([word_index[word] for text in texts for word in text], np.int64)
        times = named[indices] if names else np.ones(len(indices))
        matrix = sparse.csr_array((times, column[indices], ends), shape=(len(texts), max(1, len(stems))))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    def presence_idf(term_matrix: sparse.csr_array) -> sparse.csr_array:
        return _with_values(term_matrix, idf[term_matrix.indices])

    def tf_idf(term_matrix: sparse.csr_array) -> sparse.csr_array:
        return _l2_normalized(_with_values(term_matrix, (1 + np.log(term_matrix.data)) * idf[term_matrix.indices]))

    in_title, in_lead = term_counts(titles), term_counts(leads)
    title_names = term_counts(titles, names=True)
    outlets = {name: number for number, name in enumerate(sorted({article.outlet for article in articles}))}
    return FeatureInputs(
        vectors=centre(window.vectors, window.model),
        title_vectors=centre(window.title_vectors, window.model, Part.TITLE),
        titles=tf_idf(in_title),
        leads=tf_idf(in_title + in_lead),
        title_words=presence_idf(in_title),
        lead_words=presence_idf(in_title + in_lead),
        title_names=presence_idf(title_names),
        lead_names=presence_idf(title_names + term_counts(leads, names=True)),
        stems=tuple(stems),
        days=np.array([article.published_at.timestamp() / 86_400 for article in articles]),
        outlets=np.array([outlets[article.outlet] for article in articles]),
        french=np.array([article.language == "fr" for article in articles]),
        lead_length=np.array([len(article.text[:LEAD_CHARACTERS]) for article in articles], np.float64),
        title_length=np.array([len(words) for words in titles], np.float64),
    )


def candidate_pairs(
    inputs: FeatureInputs, screen: Floats, *, days_apart: float, fresh: Booleans | None = None
) -> PairPositions:
    """Return the pairs at most `days_apart` whose screening score reaches 0, in order.

    With `fresh`, a mark for each article, only pairs that have a fresh article, which stands first. `screen` has the
    weights of the cosine of the texts, of the larger of the two cosines between one's title and the other's text, of
    the same of their words, and an offset. Each pair is screened by itself.
    """
    is_fresh = np.ones(len(inputs.days), np.bool_) if fresh is None else fresh
    everything = _AllArticles(inputs)
    found = [
        _RowBlock(everything, rows).candidates(screen, days_apart, is_fresh)
        for rows in _row_blocks(np.flatnonzero(is_fresh), len(is_fresh))
    ]
    none = np.zeros(0, np.int64)
    left = np.concatenate([none, *(left for left, _ in found)])
    right = np.concatenate([none, *(right for _, right in found)])
    return left, right


def pair_features(inputs: FeatureInputs, pairs: PairPositions) -> Floats:
    """Return one row of features for each pair; columns as in `COLUMNS`."""
    firsts, first = np.unique(pairs[0], return_inverse=True)
    order = np.argsort(first, kind="stable")
    ends = np.searchsorted(first[order], np.arange(len(firsts) + 1))
    everything = _AllArticles(inputs)
    features = np.empty((len(order), len(COLUMNS)))
    for block in _row_blocks(np.arange(len(firsts)), len(inputs.days)):
        chosen = order[ends[block[0]] : ends[block[-1] + 1]]
        features[chosen] = _RowBlock(everything, firsts[block]).features((pairs[0][chosen], pairs[1][chosen]))
    return features


def scored_pairs(
    inputs: FeatureInputs, screen: Floats, *, days_apart: float, fresh: Booleans | None = None
) -> Iterator[tuple[PairPositions, Floats]]:
    """Yield the candidate pairs with their features, as many at a time as fit in memory."""
    is_fresh = np.ones(len(inputs.days), np.bool_) if fresh is None else fresh
    everything = _AllArticles(inputs)
    for rows in _row_blocks(np.flatnonzero(is_fresh), len(is_fresh)):
        block = _RowBlock(everything, rows)
        pairs = block.candidates(screen, days_apart, is_fresh)
        yield pairs, block.features(pairs)


class _AllArticles:
    """All articles, with which each is compared: their matrices transposed, and the sums of their rows."""

    def __init__(self, inputs: FeatureInputs) -> None:
        self.inputs = inputs
        self.titles, self.leads = inputs.titles.T.tocsr(), inputs.leads.T.tocsr()
        self.in_title, self.in_lead = _binary(inputs.title_words).T.tocsr(), _binary(inputs.lead_words).T.tocsr()
        self.title_names, self.lead_names = (
            _binary(names).T.tocsr() for names in (inputs.title_names, inputs.lead_names)
        )
        self.word_weight = _row_sums(inputs.title_words)
        self.title_weight, self.lead_weight = _row_sums(inputs.title_names), _row_sums(inputs.lead_names)


class _RowBlock:
    """A few articles compared with all articles; what both screen and features need is computed once."""

    def __init__(self, everything: _AllArticles, rows: Integers) -> None:
        self.everything = everything
        self.rows = rows  # in order
        inputs = everything.inputs
        self.cosine = inputs.vectors[rows] @ inputs.vectors.T
        self.across = inputs.title_vectors[rows] @ inputs.vectors.T, inputs.vectors[rows] @ inputs.title_vectors.T
        self.words_across = (
            _product(inputs.titles[rows], everything.leads),
            _product(inputs.leads[rows], everything.titles),
        )

    def candidates(self, screen: Floats, days_apart: float, is_fresh: Booleans) -> PairPositions:
        """Return the pairs of these articles with all whose score reaches 0; a pair of two fresh ones comes once."""
        weights = screen.astype(np.float32)
        days = self.everything.inputs.days
        score = weights[0] * self.cosine + weights[1] * np.maximum(*self.across) + weights[3]
        near = np.abs(days[self.rows, None] - days[None]) <= days_apart
        row, right = np.nonzero((score + screen[2] * np.maximum(*self.words_across) >= 0) & near)
        left = self.rows[row]
        once = (left < right) | ~is_fresh[right]
        return left[once], right[once]

    def features(self, pairs: PairPositions) -> Floats:
        """Return one row of features for each pair, whose left articles are these.

        "Cover" is the share of the weight of the shorter list, "found" the share of one title's that the other
        article's title and lead have, "names" count the words that `is_name` calls names.
        """
        left, right = pairs
        rows, everything, inputs = self.rows, self.everything, self.everything.inputs
        row = np.searchsorted(rows, left)

        def products(a: sparse.csr_array, b: sparse.csr_array) -> Floats:
            return _product(a[rows], b)[row, right]

        title_weight, lead_weight = everything.title_weight, everything.lead_weight
        word_weight = everything.word_weight
        across = [cosines[row, right] for cosines in self.across]
        words_across = [cosines[row, right] for cosines in self.words_across]
        title_names = products(inputs.title_names, everything.title_names)
        lead_names = products(inputs.lead_names, everything.lead_names)
        title_words = products(inputs.title_words, everything.in_title)
        names_found = (
            products(inputs.title_names, everything.lead_names) / np.maximum(4, title_weight[left]),
            products(inputs.lead_names, everything.title_names) / np.maximum(4, title_weight[right]),
        )
        words_found = (
            products(inputs.title_words, everything.in_lead) / np.maximum(4, word_weight[left]),
            products(inputs.lead_words, everything.in_title) / np.maximum(4, word_weight[right]),
        )
        columns = {
            "title_cosine": (inputs.title_vectors[rows] @ inputs.title_vectors.T)[row, right],
            "cosine": self.cosine[row, right],
            "title_text_cosine": np.maximum(*across),
            "title_text_cosine_least": np.minimum(*across),
            "title_words": products(inputs.titles, everything.titles),
            "lead_words": products(inputs.leads, everything.leads),
            "title_in_lead": np.maximum(*words_across),
            "title_in_lead_least": np.minimum(*words_across),
            "title_names": title_names,
            "title_names_cover": title_names / np.maximum(1, np.minimum(title_weight[left], title_weight[right])),
            "lead_names": lead_names,
            "lead_names_cover": lead_names / np.maximum(1, np.minimum(lead_weight[left], lead_weight[right])),
            "lead_names_jaccard": lead_names / np.maximum(1, lead_weight[left] + lead_weight[right] - lead_names),
            "names_found_most": np.maximum(*names_found),
            "names_found_least": np.minimum(*names_found),
            "title_words_jaccard": title_words / np.maximum(1, word_weight[left] + word_weight[right] - title_words),
            "words_found_most": np.maximum(*words_found),
            "words_found_least": np.minimum(*words_found),
            "rarest_name": _rarest_shared(inputs.lead_names, left, right, lead_names > 0),
            "days": np.abs(np.floor(inputs.days[left]) - np.floor(inputs.days[right])),
            "same_outlet": inputs.outlets[left] == inputs.outlets[right],
            "two_languages": inputs.french[left] != inputs.french[right],
            "both_french": inputs.french[left] & inputs.french[right],
            "shorter_lead": np.minimum(inputs.lead_length[left], inputs.lead_length[right]),
            "fewer_title_words": np.minimum(inputs.title_length[left], inputs.title_length[right]),
        }
        return np.stack([columns[name].astype(np.float64, copy=False) for name, _ in COLUMNS], axis=1)


def shared_names(inputs: FeatureInputs, left: int, right: int, *, most: int = 3) -> dict[str, float]:
    """Return the rarest names (stems) that both articles have, with their rarity in nats."""
    names = inputs.lead_names

    def names_of(article: int) -> dict[int, float]:
        row = slice(names.indptr[article], names.indptr[article + 1])
        return dict(zip(names.indices[row].tolist(), names.data[row].tolist(), strict=True))

    weight, others = names_of(left), names_of(right)
    chosen = sorted(weight.keys() & others.keys(), key=lambda index: (-weight[index], inputs.stems[index]))[:most]
    return {inputs.stems[index]: weight[index] for index in chosen}


def _rarest_shared(names: sparse.csr_array, left: Integers, right: Integers, share_one: Booleans) -> Floats:
    """Return for each pair the weight of the rarest name that both have; `share_one` marks the pairs with one."""
    rarest = np.zeros(len(left))
    shared = sparse.csr_array(names[left[share_one]].multiply(_binary(names)[right[share_one]]))
    rarest[share_one] = shared.max(axis=1).toarray().ravel()
    return rarest


def _product(rows: sparse.csr_array, columns: sparse.csr_array) -> Floats:
    product: Floats = (rows @ columns).toarray()
    return product


def _row_blocks(rows: Integers, columns: int) -> list[Integers]:
    """Return the rows in blocks of few enough for a matrix with so many columns."""
    size = max(1, _CELLS_PER_BLOCK // max(1, columns))
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
