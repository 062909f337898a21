"""Groups that join when a learned rule says that both tell one story."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.centering import both_parts, is_shipped_for
from newsclust.errors import SettingsError
from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering.merge_model import (
    COLUMNS,
    Floats,
    MergeModel,
    cohesion,
    group_features,
    shipped_model,
)

Score = Callable[[Sequence[int], Sequence[str]], float]  # how well found groups fit the labels: more is better

_FREE = Constraints()
_MIN_PROBABILITY = (
    0.1  # links below tell the rule nothing: three in five of them, and .01 of pairwise F1 lost with them
)
_MIN_MEAN_PROBABILITY = 0.02  # mean probability below which two groups are no neighbours
_PAIRS_AT_ONCE = 2000  # of groups, whose vectors are copied side by side: 25 MB
_REGULARISATION = 0.03  # scikit-learn's C, of the standardised columns
_TRAINING_CUTS = (0.7, 0.5, 0.35, 0.25, 0.15, 0.08)  # of average linkage: the groups that examples are made of
_THRESHOLDS = tuple(float(stop) for stop in np.round(np.arange(0.2, 0.71, 0.03), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeAssessment:
    """What a rule says of two groups: the chance that both tell one story, and what makes it so."""

    chance: float
    needed: float  # the chance from which two groups join
    usual: float | None = None  # the chance of the usual pair of groups
    terms: Mapping[str, float] = field(default_factory=dict)  # what moves the log-odds away from the usual, in words


class Lesson(Protocol):
    """A labelled set as training needs it."""

    @property
    def stories(self) -> Sequence[str]: ...
    @property
    def fingerprint(self) -> str: ...


class MergeClassifier:
    """Groups joined two at a time, the pair first that most surely tells one story, until none reaches `cut`.

    Beginning with single articles, a logistic rule looks at two groups as wholes (`COLUMNS`): the probabilities of
    the links between them and within them, their mean vectors, sizes and languages. Groups without a link never
    join, and a chain of single links joins nothing that the rule has not seen to be one story. The rule was
    learned together with `PairModel`'s links; `cut` None is the one that was learned with it. It knows only the
    vectors of the default embedding model: SettingsError for others, which `AverageLinkage` can group.
    """

    def __init__(self, *, cut: float | None = None, rule: MergeModel | None = None) -> None:
        self.rule = rule or shipped_model()
        self._chosen = cut
        self.cut = self.rule.stop if cut is None else cut
        if not 0 < self.cut <= 1:
            raise ValueError(f"cut is {self.cut}: a probability over 0 is needed")

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the labelled sets that the rule has seen."""
        return self.rule.trained_on

    def cluster(
        self, window: Window, links: Sequence[Link], constraints: Constraints = _FREE
    ) -> list[frozenset[str]]:
        """Return disjoint groups that cover the window and honour the constraints, sorted by their smallest id."""
        _require_default_model(window)
        window = window.by_id()
        ids = window.ids
        groups = _Agglomeration(window, links, constraints, self.rule, least=self.cut)
        return sorted((frozenset(ids[place] for place in group) for group in groups.joined(self.cut)), key=min)

    def judgement(
        self, window: Window, links: Sequence[Link], one: Collection[str], other: Collection[str]
    ) -> MergeAssessment | None:
        """Return what the rule says of two groups of the window's articles; None when they are hardly linked.

        The rule is not asked about such groups: they never join. Which is named first changes nothing.
        """
        _require_default_model(window)
        window = window.by_id()
        probability, vectors, french = _article_matrices(window, links)
        a, b = (np.flatnonzero([article in group for article in window.ids]) for group in (one, other))
        if probability[np.ix_(a, b)].mean() <= _MIN_MEAN_PROBABILITY:
            return None
        columns = _features_between(probability, vectors, french, a, [b])[0]
        chance, usual = self.rule(np.stack([columns, self.rule.usual])).tolist()
        return MergeAssessment(chance=chance, needed=self.cut, usual=usual, terms=self.rule.terms(columns))

    def retrained(
        self, without: Collection[str], sets: Sequence[tuple[Lesson, Window, Sequence[Link]]], score: Score
    ) -> "MergeClassifier":
        """Return the same with a rule learned from these sets alone, none of them one to do without."""
        if any(lesson.fingerprint in without for lesson, _, _ in sets):
            raise ValueError("a set to do without is among the sets to train on")
        return MergeClassifier(cut=self._chosen, rule=train(sets, score))


def train(sets: Sequence[tuple[Lesson, Window, Sequence[Link]]], score: Score) -> MergeModel:
    """Return a rule learned from labelled sets; the same sets give the same, in whatever order they come.

    The links of each set must come from a linker that has not seen it, or the rule would learn to trust them too
    much. Its examples are pairs of groups that average linkage makes at several cuts; what is learned is the share
    of true pairs between them. The cut is the one with the best mean score on sets left out, in turn.
    """
    from sklearn.linear_model import LogisticRegression

    if len(sets) < 2:
        raise SettingsError("a rule cannot train on fewer than two labelled sets: its cut comes from sets left out")
    sets = sorted(sets, key=lambda one: one[0].fingerprint)
    examples = [_examples(window, links, lesson.stories) for lesson, window, links in sets]

    def fitted(chosen: Iterable[int]) -> tuple[Floats, float, Floats]:
        columns, target, weight = (
            np.concatenate(parts) for parts in zip(*(examples[i] for i in chosen), strict=True)
        )
        if (target == 0).all() or (target == 1).all():
            raise SettingsError("these labelled sets cannot train: every pair of groups is of one kind")
        middle, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
        twice = np.concatenate([columns, columns])
        says = np.repeat([True, False], len(target))  # a share of .3 is .3 of an example for and .7 against
        counts = np.concatenate([weight * target, weight * (1 - target)])
        model = LogisticRegression(C=_REGULARISATION, max_iter=3000).fit((twice - middle) / spread, says, counts)
        coefficients = model.coef_[0] / spread
        return coefficients, float(model.intercept_[0] - coefficients @ middle), middle

    def rule(chosen: Sequence[int], stop: float) -> MergeModel:
        coefficients, offset, usual = fitted(chosen)
        fingerprints = frozenset(sets[i][0].fingerprint for i in chosen)
        return MergeModel(coefficients=coefficients, offset=offset, usual=usual, stop=stop, trained_on=fingerprints)

    every = range(len(sets))
    totals = np.zeros(len(_THRESHOLDS))
    for out, (lesson, window, links) in enumerate(sets):
        groups = _Agglomeration(
            window, links, _FREE, rule([i for i in every if i != out], _THRESHOLDS[0]), least=_THRESHOLDS[0]
        )
        for place in range(len(_THRESHOLDS) - 1, -1, -1):  # from strict to lenient: the groups only grow
            label = np.empty(len(window.articles), np.int64)
            for group in groups.joined(_THRESHOLDS[place]):
                label[group] = group[0]
            totals[place] += score(label.tolist(), lesson.stories)
    smooth = np.convolve(np.pad(totals, 2, mode="edge"), np.full(5, 0.2), "valid")
    return rule(every, _THRESHOLDS[int(smooth.argmax())])


class _Agglomeration:
    """Groups of the articles of a window, and between each two that are linked the matrix of probabilities."""

    def __init__(
        self, window: Window, links: Iterable[Link], constraints: Constraints, rule: MergeModel, *, least: float
    ) -> None:
        place = {article: position for position, article in enumerate(window.ids)}
        tied = [sorted(place[a] for a in group & place.keys()) for group in constraints.together]
        in_a_tie = {position for group in tied for position in group}
        members = sorted([*filter(None, tied), *([p] for p in range(len(place)) if p not in in_a_tie)])
        self.rule = rule
        self.least = least  # the lowest stop that `joined` is asked for
        self.members: dict[int, list[int]] = dict(enumerate(members))
        self.next = len(members)
        group_of = {position: group for group, positions in self.members.items() for position in positions}
        vectors, french = both_parts(window), [a.language == "fr" for a in window.articles]
        self.vector: dict[int, NDArray[np.floating]] = {
            # Single articles share the window's float32 matrix; sums are float64.
            group: vectors[p[0]] if len(p) == 1 else vectors[p].sum(axis=0, dtype=np.float64)
            for group, p in self.members.items()
        }
        self.french = {group: sum(french[p] for p in positions) for group, positions in self.members.items()}
        # What a person tied is as sure as can be.
        self.inner = {group: len(p) * (len(p) - 1) / 2 for group, p in self.members.items()}
        self.apart: dict[int, set[int]] = {}
        for pair in constraints.apart:
            if pair <= place.keys():
                one, other = (group_of[place[article]] for article in pair)
                self.apart.setdefault(one, set()).add(other)
                self.apart.setdefault(other, set()).add(one)
        self.between: dict[int, dict[int, Floats]] = {group: {} for group in self.members}
        self._fill(links, place, group_of)
        self.heap: list[tuple[float, int, int]] = []
        self._judge([(a, b) for a, others in self.between.items() for b in others if a < b])

    def joined(self, stop: float) -> Iterator[list[int]]:
        """Join while a pair reaches `stop`, then yield the positions of each group's articles."""
        while self.heap and -self.heap[0][0] >= stop:
            _, a, b = heapq.heappop(self.heap)
            if a in self.members and b in self.members:
                self._join(a, b)
        yield from map(sorted, self.members.values())

    def _fill(self, links: Iterable[Link], place: dict[str, int], group_of: dict[int, int]) -> None:
        """Set the matrices between the first groups; rows and columns as in their members."""
        for link in links:
            if link.probability < _MIN_PROBABILITY or link.article_a not in place or link.article_b not in place:
                continue
            a, b = place[link.article_a], place[link.article_b]
            one, other = group_of[a], group_of[b]
            if one == other or other in self.apart.get(one, ()):
                continue
            matrix = self.between[one].get(other)
            if matrix is None:
                matrix = self.between[one][other] = np.zeros((len(self.members[one]), len(self.members[other])))
                self.between[other][one] = matrix.T
            matrix[self.members[one].index(a), self.members[other].index(b)] = link.probability

    def _join(self, a: int, b: int) -> None:
        new, self.next = self.next, self.next + 1
        between_a, between_b = self.between.pop(a), self.between.pop(b)
        self.inner[new] = self.inner.pop(a) + self.inner.pop(b) + float(between_a[b].sum())
        size_a, size_b = len(self.members[a]), len(self.members[b])
        self.members[new] = self.members.pop(a) + self.members.pop(b)
        self.vector[new] = np.add(self.vector.pop(a), self.vector.pop(b), dtype=np.float64)
        self.french[new] = self.french.pop(a) + self.french.pop(b)
        held_apart = self.apart.pop(a, set()) | self.apart.pop(b, set())
        if held_apart:
            self.apart[new] = held_apart
            for other in held_apart:
                self.apart[other] = (self.apart[other] - {a, b}) | {new}
        others = sorted((between_a.keys() | between_b.keys()) - {a, b})
        widths = np.array([len(self.members[other]) for other in others], np.int64)
        ends = np.cumsum(widths)
        side_by_side = np.zeros((size_a + size_b, int(widths.sum())))
        places = dict(zip(others, map(slice, (ends - widths).tolist(), ends.tolist()), strict=True))
        for other, columns in places.items():
            if other in between_a:
                side_by_side[:size_a, columns] = between_a[other]
                del self.between[other][a]
            if other in between_b:
                side_by_side[size_a:, columns] = between_b[other]
                del self.between[other][b]
        mean = np.add.reduceat(side_by_side.mean(axis=0), ends - widths) / widths
        self.between[new] = {}
        for other, linked in zip(others, (mean > _MIN_MEAN_PROBABILITY).tolist(), strict=True):
            if linked and other not in held_apart:
                self.between[new][other] = side_by_side[:, places[other]]
                self.between[other][new] = self.between[new][other].T
        self._judge([(new, other) for other in self.between[new]])

    def _judge(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Put pairs of groups where `joined` finds them."""
        by_size = sorted(pairs, key=lambda pair: len(self.members[pair[0]]))
        for _, alike in groupby(by_size, key=lambda pair: len(self.members[pair[0]])):
            of_one_size = list(alike)
            for start in range(0, len(of_one_size), _PAIRS_AT_ONCE):
                chosen = of_one_size[start : start + _PAIRS_AT_ONCE]
                for (a, b), chance in zip(chosen, self.rule(self._columns(chosen)).tolist(), strict=True):
                    if chance >= self.least:
                        heapq.heappush(self.heap, (-round(chance, 9), min(a, b), max(a, b)))

    def _columns(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        """Return what the rule is told of pairs of groups whose first ones are of one size."""
        ones, others = zip(*pairs, strict=True)
        x, y = (np.array([self.vector[group] for group in side], np.float64) for side in (ones, others))
        size_x, size_y = (np.array([len(self.members[group]) for group in side]) for side in (ones, others))
        french_x = np.array([self.french[group] for group in ones]) / size_x
        french_y = np.array([self.french[group] for group in others]) / size_y
        inner_x, inner_y = (np.array([self.inner[group] for group in side]) for side in (ones, others))
        length = np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))
        return group_features(
            np.concatenate([self.between[a][b] for a, b in pairs], axis=1),
            size_y,
            cosine=np.einsum("ij,ij->i", x, y) / np.maximum(length, 1e-9),
            tightness=(cohesion(inner_x, size_x), cohesion(inner_y, size_y)),
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
        for one, row in zip(groups, linked, strict=True):
            keys = {(tuple(one.tolist()), tuple(groups[b].tolist())): groups[b] for b in np.flatnonzero(row)}
            new = {key: other for key, other in keys.items() if key not in rows}
            if not new:
                continue
            told = _features_between(probability, vectors, french, one, list(new.values()))
            for (key, other), columns in zip(new.items(), told, strict=True):
                rows[key] = (
                    columns,
                    float((gold[one][:, None] == gold[other][None]).mean()),
                    float(np.sqrt(len(one) * len(other))),
                )
    columns, share, weight = zip(*rows.values(), strict=True) if rows else ((), (), ())
    return np.array(columns, np.float64).reshape(-1, len(COLUMNS)), np.array(share), np.array(weight)


def _article_matrices(window: Window, links: Iterable[Link]) -> tuple[Floats, Floats, Floats]:
    """Return (probability of each two articles, vector of each, 1 for each French one), in the window's order."""
    place = {article: position for position, article in enumerate(window.ids)}
    probability = np.zeros((len(place), len(place)))
    for link in links:
        if link.probability >= _MIN_PROBABILITY and link.article_a in place and link.article_b in place:
            a, b = place[link.article_a], place[link.article_b]
            probability[a, b] = probability[b, a] = link.probability
    french = np.array([article.language == "fr" for article in window.articles], np.float64)
    return probability, both_parts(window).astype(np.float64), french


def _features_between(
    probability: Floats,
    vectors: Floats,
    french: Floats,
    one: NDArray[np.int64],
    others: Sequence[NDArray[np.int64]],
) -> Floats:
    """Return what the rule is told of one group and each of the others: their positions in what `_matrices` gave."""
    widths = np.array([len(other) for other in others])
    x, y = vectors[one].sum(axis=0), np.array([vectors[other].sum(axis=0) for other in others])
    french_x, french_y = french[one].mean(), np.array([french[other].mean() for other in others])
    inner_x, *inner_y = (probability[np.ix_(group, group)].sum() / 2 for group in (one, *others))
    return group_features(
        probability[np.ix_(one, np.concatenate(others))],
        widths,
        cosine=y @ x / np.maximum(np.sqrt((x @ x) * np.einsum("ij,ij->i", y, y)), 1e-9),
        tightness=(cohesion(np.array([inner_x]), np.array([len(one)])), cohesion(np.array(inner_y), widths)),
        two_languages=french_x * (1 - french_y) + french_y * (1 - french_x),
    )


def _require_default_model(window: Window) -> None:
    if not is_shipped_for(window.model):
        raise SettingsError(
            f"[stories] use = MergeClassifier: trained on vectors of the bundled model, not of {window.model!r}; "
            'use = "newsclust.stories.clustering:AverageLinkage" groups those of any model'
        )
