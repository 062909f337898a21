"""Agglomerative clustering: two groups are merged when a trained model says that both tell one story."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, permutations

import numpy as np

from newsclust.arrays import Floats, Integers, Vectors
from newsclust.centering import both_parts, is_shipped_for
from newsclust.errors import SettingsError
from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.merge_model import (
    COLUMNS,
    MergeModel,
    cohesion,
    group_features,
    shipped_model,
)
from newsclust.stories.clustering.voices import with_one_voice
from newsclust.stories.training import TrainingSet

Score = Callable[[Sequence[int], Sequence[str]], float]  # how well found groups fit the labels: more is better

_FREE = Constraints()
# Links below are ignored: three in five of them, and .01 of pairwise F1 is lost with them.
_MIN_PROBABILITY = 0.1
_MIN_MEAN_PROBABILITY = 0.02  # mean probability up to which two groups are not scored
_MOST_WITHOUT_FUSION = 3  # articles: two stories and one that tells both, once
_PAIRS_AT_ONCE = 2000  # of groups, whose vectors are copied side by side: 25 MB
_REGULARISATION = 0.03  # scikit-learn's C, of the standardised columns
_TRAINING_CUTS = (0.7, 0.5, 0.35, 0.25, 0.15, 0.08)  # of average linkage: the groups that examples are made of
_THRESHOLDS = tuple(float(threshold) for threshold in np.round(np.arange(0.2, 0.71, 0.03), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeAssessment:
    """The probability that two groups tell one story, and what contributes to it."""

    probability: float
    threshold: float  # the probability from which two groups are merged
    baseline: float | None = None  # the probability of the average pair of groups
    contributions: Mapping[str, float] = field(
        default_factory=dict
    )  # to the log-odds, against the baseline, in words


class MergeClassifier:
    """A clusterer that merges two groups at a time, the most probable pair first, until none reaches `threshold`.

    It begins with single articles (agglomerative clustering). A logistic model scores two groups as wholes
    (`COLUMNS`): the probabilities of the links between them and within them, their mean vectors, sizes and languages.
    Groups without a link are never merged, a chain of single links merges only what the model has learned to be one
    story, and an outlet with several articles has one voice (`voices`). The model was trained together with
    `PairModel`'s links; `threshold` None is the learned one. Only vectors of the default embedding model are known:
    SettingsError for others, which `AverageLinkage` can group.
    """

    def __init__(self, *, threshold: float | None = None, model: MergeModel | None = None) -> None:
        self.model = model or shipped_model()
        self._chosen = threshold
        self.threshold = self.model.threshold if threshold is None else threshold
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}: a probability over 0 is needed")

    @property
    def trained_on(self) -> frozenset[str]:
        """Return the fingerprints of the labelled sets that the model was trained on."""
        return self.model.trained_on

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints, sorted by their smallest id."""
        _require_default_model(window)
        window = window.by_id()
        ids = window.ids
        groups = _Agglomeration(window, links, constraints, self.model, min_probability=self.threshold)
        merged = groups.merge_until(self.threshold)
        return sorted((frozenset(ids[position] for position in group) for group in merged), key=min)

    def assess(
        self, window: Window, links: Sequence[Link], left: Collection[str], right: Collection[str]
    ) -> MergeAssessment | None:
        """Return how probably two groups of the window's articles tell one story; None when they are hardly linked.

        Hardly linked groups are not scored: they are never merged. The order of the two changes nothing.
        """
        _require_default_model(window)
        window = window.by_id()
        probability, vectors, french = _article_matrices(window, links)
        a, b = (np.flatnonzero([article in group for article in window.ids]) for group in (left, right))
        if probability[np.ix_(a, b)].mean() <= _MIN_MEAN_PROBABILITY:
            return None
        features = _features_between(probability, vectors, french, a, [b])[0]
        merge_probability, baseline = self.model(np.stack([features, self.model.feature_means])).tolist()
        return MergeAssessment(
            probability=merge_probability,
            threshold=self.threshold,
            baseline=baseline,
            contributions=self.model.contributions(features),
        )

    def retrained(
        self, without: Collection[str], sets: Sequence[tuple[TrainingSet, Window, Sequence[Link]]], score: Score
    ) -> "MergeClassifier":
        """Return one with the same options trained on these sets alone; ValueError when one is to be left out."""
        if any(labelled.fingerprint in without for labelled, _, _ in sets):
            raise ValueError("a set to leave out is among the sets to train on")
        return MergeClassifier(threshold=self._chosen, model=train(sets, score))


def train(sets: Sequence[tuple[TrainingSet, Window, Sequence[Link]]], score: Score) -> MergeModel:
    """Return a model learned from labelled sets; the same sets give the same, in whatever order they come.

    The links of each set must come from a linker that has not seen it, or the model would learn to trust them too
    much. Its examples are pairs of groups that average linkage makes at several cuts; the target is the share of
    true pairs between them. The threshold is the one with the best mean score on left-out sets (leave-one-out).
    """
    from sklearn.linear_model import LogisticRegression

    if len(sets) < 2:
        raise SettingsError(
            "a merge model cannot train on fewer than two labelled sets: its threshold comes from left-out sets"
        )
    sets = sorted(sets, key=lambda labelled: labelled[0].fingerprint)
    examples = [_examples(window, links, labelled.stories) for labelled, window, links in sets]

    def fitted(chosen: Iterable[int]) -> tuple[Floats, float, Floats]:
        columns, target, weight = (
            np.concatenate(parts) for parts in zip(*(examples[i] for i in chosen), strict=True)
        )
        if (target == 0).all() or (target == 1).all():
            raise SettingsError("these labelled sets cannot train: every pair of groups is of one kind")
        mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
        twice = np.concatenate([columns, columns])
        is_true = np.repeat([True, False], len(target))  # a share of .3 is .3 of an example for and .7 against
        weights = np.concatenate([weight * target, weight * (1 - target)])
        regression = LogisticRegression(C=_REGULARISATION, max_iter=3000).fit(
            (twice - mean) / spread, is_true, weights
        )
        coefficients = regression.coef_[0] / spread
        return coefficients, float(regression.intercept_[0] - coefficients @ mean), mean

    def model_of(chosen: Sequence[int], threshold: float) -> MergeModel:
        coefficients, offset, feature_means = fitted(chosen)
        return MergeModel(
            coefficients=coefficients,
            offset=offset,
            feature_means=feature_means,
            threshold=threshold,
            trained_on=frozenset(sets[i][0].fingerprint for i in chosen),
        )

    every = range(len(sets))
    lowest = _THRESHOLDS[0]
    totals = np.zeros(len(_THRESHOLDS))
    for left_out, (labelled, window, links) in enumerate(sets):
        model = model_of([i for i in every if i != left_out], lowest)
        groups = _Agglomeration(window, links, _FREE, model, min_probability=lowest)
        for index in range(len(_THRESHOLDS) - 1, -1, -1):  # from strict to lenient: the groups only grow
            label = np.empty(len(window.articles), np.int64)
            for group in groups.merge_until(_THRESHOLDS[index]):
                label[group] = group[0]
            totals[index] += score(label.tolist(), labelled.stories)
    smooth = np.convolve(np.pad(totals, 2, mode="edge"), np.full(5, 0.2), "valid")
    return model_of(every, _THRESHOLDS[int(smooth.argmax())])


class _Agglomeration:
    """The groups of a window's articles, and the matrix of probabilities between each two that are linked."""

    def __init__(
        self,
        window: Window,
        links: Iterable[Link],
        constraints: Constraints,
        model: MergeModel,
        *,
        min_probability: float,
    ) -> None:
        position_of = {article: position for position, article in enumerate(window.ids)}
        tied = [sorted(position_of[a] for a in group & position_of.keys()) for group in constraints.together]
        in_a_tie = {position for group in tied for position in group}
        members = sorted([*filter(None, tied), *([p] for p in range(len(position_of)) if p not in in_a_tie)])
        self.model = model
        self.min_probability = min_probability  # the lowest threshold that `merge_until` is called with
        self.members: dict[int, list[int]] = dict(enumerate(members))
        self.next = len(members)
        group_of = {position: group for group, positions in self.members.items() for position in positions}
        vectors, french = both_parts(window), [a.language == "fr" for a in window.articles]
        self.vector: dict[int, Vectors | Floats] = {
            # Single articles share the window's float32 matrix; sums are float64.
            group: vectors[p[0]] if len(p) == 1 else vectors[p].sum(axis=0, dtype=np.float64)
            for group, p in self.members.items()
        }
        self.french = {group: sum(french[p] for p in positions) for group, positions in self.members.items()}
        # What a person tied is as sure as can be.
        self.inner = {group: len(p) * (len(p) - 1) / 2 for group, p in self.members.items()}
        self.voices = [article.voice for article in window.articles]
        self.unit_vectors, self.is_french = vectors, np.array(french, np.float64)
        self.links: dict[int, dict[int, float]] = {}  # between articles, by position
        for positions in tied:
            for a, b in permutations(positions, 2):
                self.links.setdefault(a, {})[b] = 1.0
        self.apart: dict[int, set[int]] = {}
        for pair in constraints.apart:
            if pair <= position_of.keys():
                left, right = (group_of[position_of[article]] for article in pair)
                self.apart.setdefault(left, set()).add(right)
                self.apart.setdefault(right, set()).add(left)
        self.between: dict[int, dict[int, Floats]] = {group: {} for group in self.members}
        self._fill(links, position_of, group_of)
        self.heap: list[tuple[float, int, int]] = []
        self._score([(a, b) for a, others in self.between.items() for b in others if a < b])

    def merge_until(self, threshold: float) -> Iterator[list[int]]:
        """Merge while a pair reaches `threshold`, then yield the positions of each group's articles."""
        while self.heap and -self.heap[0][0] >= threshold:
            _, a, b = heapq.heappop(self.heap)
            if a in self.members and b in self.members and not self._is_of_one_voice(a, b):
                self._merge(a, b)
        yield from map(sorted, self.members.values())

    def _is_of_one_voice(self, a: int, b: int) -> bool:
        """Return whether two groups would not be merged if one outlet in them had told its part once."""
        if len(self.members[a]) + len(self.members[b]) <= _MOST_WITHOUT_FUSION:
            return False
        for left, right in with_one_voice(self.members[a], self.members[b], self.voices, self._probability):
            both = [*left, *right]
            probability = np.array([[self._probability(i, j) for j in both] for i in both])
            groups = np.arange(len(left)), np.arange(len(left), len(both))
            features = _features_between(
                probability, self.unit_vectors[both].astype(np.float64), self.is_french[both], groups[0], [groups[1]]
            )
            if self.model(features)[0] < self.min_probability:
                return True
        return False

    def _probability(self, one: int, other: int) -> float:
        return self.links.get(one, {}).get(other, 0.0)

    def _fill(self, links: Iterable[Link], position_of: dict[str, int], group_of: dict[int, int]) -> None:
        """Set the matrices between the first groups; rows and columns as in their members."""
        for link in links:
            both = {link.article_a, link.article_b}
            if link.probability < _MIN_PROBABILITY or not both <= position_of.keys():
                continue
            a, b = position_of[link.article_a], position_of[link.article_b]
            self.links.setdefault(a, {})[b] = self.links.setdefault(b, {})[a] = link.probability
            left, right = group_of[a], group_of[b]
            if left == right or right in self.apart.get(left, ()):
                continue
            matrix = self.between[left].get(right)
            if matrix is None:
                matrix = self.between[left][right] = np.zeros((len(self.members[left]), len(self.members[right])))
                self.between[right][left] = matrix.T
            matrix[self.members[left].index(a), self.members[right].index(b)] = link.probability

    def _merge(self, a: int, b: int) -> None:
        """Replace two groups by one, and score it against the groups that it is linked with."""
        new, self.next = self.next, self.next + 1
        between_a, between_b = self.between.pop(a), self.between.pop(b)
        self.inner[new] = self.inner.pop(a) + self.inner.pop(b) + float(between_a[b].sum())
        size_a, size_b = len(self.members[a]), len(self.members[b])
        self.members[new] = self.members.pop(a) + self.members.pop(b)
        self.vector[new] = np.add(self.vector.pop(a), self.vector.pop(b), dtype=np.float64)
        self.french[new] = self.french.pop(a) + self.french.pop(b)
        kept_apart = self.apart.pop(a, set()) | self.apart.pop(b, set())
        if kept_apart:
            self.apart[new] = kept_apart
            for other in kept_apart:
                self.apart[other] = (self.apart[other] - {a, b}) | {new}
        others = sorted((between_a.keys() | between_b.keys()) - {a, b})
        widths = np.array([len(self.members[other]) for other in others], np.int64)
        ends = np.cumsum(widths)
        side_by_side = np.zeros((size_a + size_b, int(widths.sum())))
        columns_of = dict(zip(others, map(slice, (ends - widths).tolist(), ends.tolist()), strict=True))
        for other, columns in columns_of.items():
            if other in between_a:
                side_by_side[:size_a, columns] = between_a[other]
                del self.between[other][a]
            if other in between_b:
                side_by_side[size_a:, columns] = between_b[other]
                del self.between[other][b]
        mean = np.add.reduceat(side_by_side.mean(axis=0), ends - widths) / widths
        self.between[new] = {}
        for other, linked in zip(others, (mean > _MIN_MEAN_PROBABILITY).tolist(), strict=True):
            if linked and other not in kept_apart:
                self.between[new][other] = side_by_side[:, columns_of[other]]
                self.between[other][new] = self.between[new][other].T
        self._score([(new, other) for other in self.between[new]])

    def _score(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Push the pairs of groups that are probable enough onto the heap of `merge_until`."""
        by_size = sorted(pairs, key=lambda pair: len(self.members[pair[0]]))
        for _, alike in groupby(by_size, key=lambda pair: len(self.members[pair[0]])):
            of_one_size = list(alike)
            for start in range(0, len(of_one_size), _PAIRS_AT_ONCE):
                chosen = of_one_size[start : start + _PAIRS_AT_ONCE]
                for (a, b), probability in zip(chosen, self.model(self._features(chosen)).tolist(), strict=True):
                    if probability >= self.min_probability:
                        heapq.heappush(self.heap, (-round(probability, 9), min(a, b), max(a, b)))

    def _features(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        """Return the features of pairs of groups whose left groups are of one size."""
        lefts, rights = zip(*pairs, strict=True)
        x, y = (np.array([self.vector[group] for group in side], np.float64) for side in (lefts, rights))
        size_x, size_y = (np.array([len(self.members[group]) for group in side]) for side in (lefts, rights))
        french_x = np.array([self.french[group] for group in lefts]) / size_x
        french_y = np.array([self.french[group] for group in rights]) / size_y
        inner_x, inner_y = (np.array([self.inner[group] for group in side]) for side in (lefts, rights))
        length = np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))
        return group_features(
            np.concatenate([self.between[a][b] for a, b in pairs], axis=1),
            size_y,
            cosine=np.einsum("ij,ij->i", x, y) / np.maximum(length, 1e-9),
            cohesions=(cohesion(inner_x, size_x), cohesion(inner_y, size_y)),
            two_languages=french_x * (1 - french_y) + french_y * (1 - french_x),
        )


def _examples(window: Window, links: Sequence[Link], stories: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Return (columns, share of true pairs, weight) of pairs of groups that average linkage makes at several cuts."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    probability, vectors, french = _article_matrices(window, links)
    if len(probability) < 2:
        return np.zeros((0, len(COLUMNS))), np.zeros(0), np.zeros(0)
    distance = 1 - probability
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    gold = np.array(stories)
    rows: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[Floats, float, float]] = {}
    for cut in _TRAINING_CUTS:
        labels = fcluster(tree, 1 - cut, "distance")
        groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        inside = np.zeros((len(labels), len(groups)))
        for number, group in enumerate(groups):
            inside[group, number] = 1 / len(group)
        linked = np.triu(inside.T @ probability @ inside > _MIN_PROBABILITY, 1)
        for left, row in zip(groups, linked, strict=True):
            keys = {(tuple(left.tolist()), tuple(groups[b].tolist())): groups[b] for b in np.flatnonzero(row)}
            new = {key: right for key, right in keys.items() if key not in rows}
            if not new:
                continue
            features = _features_between(probability, vectors, french, left, list(new.values()))
            for (key, right), columns in zip(new.items(), features, strict=True):
                rows[key] = (
                    columns,
                    float((gold[left][:, None] == gold[right][None]).mean()),
                    float(np.sqrt(len(left) * len(right))),
                )
    columns, share, weight = zip(*rows.values(), strict=True) if rows else ((), (), ())
    return np.array(columns, np.float64).reshape(-1, len(COLUMNS)), np.array(share), np.array(weight)


def _article_matrices(window: Window, links: Iterable[Link]) -> tuple[Floats, Floats, Floats]:
    """Return (probability of each two articles, vector of each, 1 for each French one), in the window's order."""
    position_of = {article: position for position, article in enumerate(window.ids)}
    probability = np.zeros((len(position_of), len(position_of)))
    for link in links:
        if link.probability >= _MIN_PROBABILITY and link.article_a in position_of and link.article_b in position_of:
            a, b = position_of[link.article_a], position_of[link.article_b]
            probability[a, b] = probability[b, a] = link.probability
    french = np.array([article.language == "fr" for article in window.articles], np.float64)
    return probability, both_parts(window).astype(np.float64), french


def _features_between(
    probability: Floats,
    vectors: Floats,
    french: Floats,
    left: Integers,
    rights: Sequence[Integers],
) -> Floats:
    """Return the features of one group with each of the others; groups are positions in the `_article_matrices`."""
    widths = np.array([len(right) for right in rights])
    x, y = vectors[left].sum(axis=0), np.array([vectors[right].sum(axis=0) for right in rights])
    french_x, french_y = french[left].mean(), np.array([french[right].mean() for right in rights])
    inner_x, *inner_y = (probability[np.ix_(group, group)].sum() / 2 for group in (left, *rights))
    return group_features(
        probability[np.ix_(left, np.concatenate(rights))],
        widths,
        cosine=y @ x / np.maximum(np.sqrt((x @ x) * np.einsum("ij,ij->i", y, y)), 1e-9),
        cohesions=(cohesion(np.array([inner_x]), np.array([len(left)])), cohesion(np.array(inner_y), widths)),
        two_languages=french_x * (1 - french_y) + french_y * (1 - french_x),
    )


def _require_default_model(window: Window) -> None:
    """Raise SettingsError unless the window's vectors are the default model's."""
    if not is_shipped_for(window.model):
        raise SettingsError(
            f"[stories] use = MergeClassifier: trained on vectors of the bundled model, not of {window.model!r}; "
            'use = "newsclust.stories.clustering:AverageLinkage" groups those of any model'
        )
