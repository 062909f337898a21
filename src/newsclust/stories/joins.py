"""Groups that join when a learned rule says that both tell one story."""

import heapq
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from newsclust.centring import both_parts, is_shipped_for
from newsclust.errors import SettingsError
from newsclust.model import Constraints, Link, Window

Floats = NDArray[np.float64]
Score = Callable[[Sequence[int], Sequence[str]], float]  # how well found groups fit the labels: more is better

# What the rule is told of two groups, in the order of its columns.
COLUMNS = (
    "mean",  # of the probabilities between an article of one and an article of the other
    "mean_logit",
    "largest",
    "mean_best",  # of each article's best partner on the other side
    "smaller_mean_best",  # the same of the smaller group's articles alone
    "smaller_least_best",
    "upper_quarter",  # mean of the largest quarter of the probabilities
    "cosine",  # of the groups' mean vectors, title and text side by side
    "looser",  # mean probability within the looser group, 1 for a single article
    "tighter",
    "mean_over_looser",
    "smaller_size",  # logarithms
    "larger_size",
    "larger_size_x_mean",
    "larger_size_x_mean_best",
    "larger_size_x_cosine",
    "smaller_size_x_mean",
    "logit_of_mean",
    "logit_of_largest",
    "two_languages",  # chance that an article of one is French when an article of the other is not, or the reverse
)

_FREE = Constraints()
_WEAKEST = 0.1  # links below tell the rule nothing: three in five of them, and .01 of pairwise F1 lost with them
_HARDLY_LINKED = 0.02  # mean probability below which two groups are no neighbours
_LOOSEST = 1e-3
_STRENGTH = 0.03  # scikit-learn's C, of the standardised columns
_TRAINING_CUTS = (0.7, 0.5, 0.35, 0.25, 0.15, 0.08)  # of average linkage: the groups that examples are made of
_STOPS = tuple(float(stop) for stop in np.round(np.arange(0.2, 0.71, 0.03), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A logistic rule over `COLUMNS`, the probability from which two groups join, and the sets it knows."""

    coefficients: Floats
    offset: float
    stop: float
    trained_on: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the rule as JSON can hold it."""
        return {
            "coefficients": dict(zip(COLUMNS, self.coefficients.tolist(), strict=True)),
            "offset": self.offset,
            "stop": self.stop,
            "trained_on": sorted(self.trained_on),
        }

    @classmethod
    def of_json(cls, held: dict[str, Any]) -> Self:
        """Return the rule that `to_json` wrote."""
        return cls(
            coefficients=np.array([held["coefficients"][name] for name in COLUMNS]),
            offset=held["offset"],
            stop=held["stop"],
            trained_on=frozenset(held["trained_on"]),
        )

    def __call__(self, columns: Floats) -> Floats:
        """Return the probability that the two groups of each row tell one story."""
        chance: Floats = 1 / (1 + np.exp(-np.clip(columns @ self.coefficients + self.offset, -40, 40)))
        return chance


class Lesson(Protocol):
    """A labelled set as training needs it."""

    @property
    def stories(self) -> Sequence[str]: ...
    @property
    def fingerprint(self) -> str: ...


class LearnedJoins:
    """Groups joined two at a time, the pair first that most surely tells one story, until none reaches `cut`.

    Beginning with single articles, a logistic rule looks at two groups as wholes (`COLUMNS`): the probabilities of
    the links between them and within them, their mean vectors, sizes and languages. Groups without a link never
    join, and a chain of single links joins nothing that the rule has not seen to be one story. The rule was
    learned together with `PairModel`'s links; `cut` None is the one that was learned with it. It knows only the
    vectors of the default embedding model: SettingsError for others, which `AverageLinkage` can group.
    """

    def __init__(self, *, cut: float | None = None, rule: Rule | None = None) -> None:
        self.rule = rule or shipped_rule()
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
        if not is_shipped_for(window.model):
            raise SettingsError(
                f"[stories] use = LearnedJoins: trained on vectors of the bundled model, not of {window.model!r}; "
                'use = "newsclust.stories:AverageLinkage" groups those of any model'
            )
        window = window.by_id()
        groups = _Groups(window, links, constraints, self.rule)
        return sorted((frozenset(window.ids[place] for place in group) for group in groups.joined(self.cut)), key=min)

    def retrained(
        self, without: Collection[str], sets: Sequence[tuple[Lesson, Window, Sequence[Link]]], score: Score
    ) -> "LearnedJoins":
        """Return the same with a rule learned from these sets alone, none of them one to do without."""
        if any(lesson.fingerprint in without for lesson, _, _ in sets):
            raise ValueError("a set to do without is among the sets to train on")
        return LearnedJoins(rule=train(sets, score))


@cache
def shipped_rule() -> Rule:
    """Return the rule that ships with the package; benchmarks/train_links.py made it."""
    held = resources.files("newsclust").joinpath("resources/story_joins.json").read_text(encoding="utf-8")
    return Rule.of_json(json.loads(held))


def train(sets: Sequence[tuple[Lesson, Window, Sequence[Link]]], score: Score) -> Rule:
    """Return a rule learned from labelled sets; the same sets give the same, in whatever order they come.

    The links of each set must come from a linker that has not seen it, or the rule would learn to trust them too
    much. Its examples are pairs of groups that average linkage makes at several cuts; what is learned is the share
    of true pairs between them. The cut is the one with the best mean score on sets left out, in turn.
    """
    from sklearn.linear_model import LogisticRegression

    sets = sorted(sets, key=lambda one: one[0].fingerprint)
    examples = [_examples(window, links, lesson.stories) for lesson, window, links in sets]

    def fitted(chosen: Iterable[int]) -> tuple[Floats, float]:
        columns, target, weight = (
            np.concatenate(parts) for parts in zip(*(examples[i] for i in chosen), strict=True)
        )
        middle, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
        twice = np.concatenate([columns, columns])
        says = np.repeat([True, False], len(target))  # a share of .3 is .3 of an example for and .7 against
        counts = np.concatenate([weight * target, weight * (1 - target)])
        model = LogisticRegression(C=_STRENGTH, max_iter=3000).fit((twice - middle) / spread, says, counts)
        coefficients = model.coef_[0] / spread
        return coefficients, float(model.intercept_[0] - coefficients @ middle)

    def rule(chosen: Sequence[int], stop: float) -> Rule:
        coefficients, offset = fitted(chosen)
        fingerprints = frozenset(sets[i][0].fingerprint for i in chosen)
        return Rule(coefficients=coefficients, offset=offset, stop=stop, trained_on=fingerprints)

    every = range(len(sets))
    totals = np.zeros(len(_STOPS))
    for out, (lesson, window, links) in enumerate(sets):
        groups = _Groups(window, links, _FREE, rule([i for i in every if i != out], _STOPS[0]))
        for place in range(len(_STOPS) - 1, -1, -1):  # from strict to lenient: the groups only grow
            label = np.empty(len(window.articles), np.int64)
            for group in groups.joined(_STOPS[place]):
                label[group] = group[0]
            totals[place] += score(label.tolist(), lesson.stories)
    smooth = np.convolve(np.pad(totals, 2, mode="edge"), np.full(5, 0.2), "valid")
    return rule(every, _STOPS[int(smooth.argmax())])


class _Groups:
    """Groups of the articles of a window, and between each two that are linked the matrix of probabilities."""

    def __init__(self, window: Window, links: Iterable[Link], constraints: Constraints, rule: Rule) -> None:
        place = {article: position for position, article in enumerate(window.ids)}
        tied = [sorted(place[a] for a in group & place.keys()) for group in constraints.together]
        in_a_tie = {position for group in tied for position in group}
        members = sorted([*filter(None, tied), *([p] for p in range(len(place)) if p not in in_a_tie)])
        self.rule = rule
        self.members: dict[int, list[int]] = dict(enumerate(members))
        self.next = len(members)
        group_of = {position: group for group, positions in self.members.items() for position in positions}
        vectors, french = both_parts(window).astype(np.float64), [a.language == "fr" for a in window.articles]
        self.vector = {group: vectors[positions].sum(axis=0) for group, positions in self.members.items()}
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
            if link.probability < _WEAKEST or link.article_a not in place or link.article_b not in place:
                continue
            a, b = sorted((place[link.article_a], place[link.article_b]), key=lambda p: group_of[p])
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
        self.vector[new] = self.vector.pop(a) + self.vector.pop(b)
        self.french[new] = self.french.pop(a) + self.french.pop(b)
        held_apart = self.apart.pop(a, set()) | self.apart.pop(b, set())
        if held_apart:
            self.apart[new] = held_apart
            for other in held_apart:
                self.apart[other] = (self.apart[other] - {a, b}) | {new}
        self.between[new] = {}
        for other in sorted((between_a.keys() | between_b.keys()) - {a, b}):
            size = len(self.members[other])
            upper, lower = between_a.get(other), between_b.get(other)
            self.between[other].pop(a, None)
            self.between[other].pop(b, None)
            matrix = np.concatenate(
                [
                    np.zeros((size_a, size)) if upper is None else upper,
                    np.zeros((size_b, size)) if lower is None else lower,
                ]
            )
            if other not in held_apart and matrix.mean() > _HARDLY_LINKED:
                self.between[new][other] = matrix
                self.between[other][new] = matrix.T
        self._judge([(other, new) for other in self.between[new]])

    def _judge(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Put pairs of groups where `joined` finds them."""
        if not pairs:
            return
        columns = np.array([self.columns_of(a, b) for a, b in pairs])
        for (a, b), chance in zip(pairs, self.rule(columns).tolist(), strict=True):
            heapq.heappush(self.heap, (-round(chance, 9), a, b))

    def columns_of(self, a: int, b: int) -> list[float]:
        """Return what the rule is told of two groups."""
        size_a, size_b = len(self.members[a]), len(self.members[b])
        x, y = self.vector[a], self.vector[b]
        length = float(np.sqrt((x @ x) * (y @ y)))
        french_a, french_b = self.french[a] / size_a, self.french[b] / size_b
        return columns_of(
            self.between[a][b],
            cosine=float(x @ y) / max(length, 1e-9),
            tightness=(_tightness(self.inner[a], size_a), _tightness(self.inner[b], size_b)),
            two_languages=french_a * (1 - french_b) + french_b * (1 - french_a),
        )


def columns_of(matrix: Floats, *, cosine: float, tightness: tuple[float, float], two_languages: float) -> list[float]:
    """Return what the rule is told of two groups with this matrix of probabilities between them."""
    if matrix.size == 1:
        p = float(matrix[0, 0])
        one, sure = _logit(p, 0.005), _logit(p, 1e-4)
        low, high = sorted(tightness)
        row = [p, one, p, p, p, p, p, cosine, low, high, p / low, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, sure, sure]
        return [*row, two_languages]
    mean, largest = float(matrix.mean()), float(matrix.max())
    clipped = np.clip(matrix, 0.005, 0.995)
    best_a, best_b = matrix.max(axis=1), matrix.max(axis=0)
    mean_a, mean_b = float(best_a.mean()), float(best_b.mean())
    # Of two groups of one size, the one that finds less in the other: which is named first must not matter.
    a_is_smaller = (len(best_a), mean_a, float(best_a.min())) <= (len(best_b), mean_b, float(best_b.min()))
    smaller_mean, smaller = (mean_a, best_a) if a_is_smaller else (mean_b, best_b)
    mean_best = (mean_a + mean_b) / 2
    quarter = max(1, matrix.size // 4)
    upper = float(np.partition(matrix, matrix.size - quarter, axis=None)[matrix.size - quarter :].mean())
    low, high = sorted(tightness)
    fewer, more = sorted((float(np.log(len(best_a))), float(np.log(len(best_b)))))
    return [
        mean,
        float(np.log(clipped / (1 - clipped)).mean()),
        largest,
        mean_best,
        smaller_mean,
        float(smaller.min()),
        upper,
        cosine,
        low,
        high,
        mean / low,
        fewer,
        more,
        more * mean,
        more * mean_best,
        more * cosine,
        fewer * mean,
        _logit(mean, 1e-4),
        _logit(largest, 1e-4),
        two_languages,
    ]


def _examples(window: Window, links: Sequence[Link], stories: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Return (columns, share of true pairs, weight) of pairs of groups that average linkage makes at several cuts."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    place = {article: position for position, article in enumerate(window.ids)}
    probability = np.zeros((len(place), len(place)))
    for link in links:
        if link.probability >= _WEAKEST:
            a, b = place[link.article_a], place[link.article_b]
            probability[a, b] = probability[b, a] = link.probability
    distance = 1 - probability
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    vectors = both_parts(window).astype(np.float64)
    french = np.array([article.language == "fr" for article in window.articles], np.float64)
    gold = np.array(stories)
    rows: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[list[float], float, float]] = {}
    for cut in _TRAINING_CUTS:
        labels = fcluster(tree, 1 - cut, "distance")
        groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        inside = np.zeros((len(labels), len(groups)))
        for number, group in enumerate(groups):
            inside[group, number] = 1 / len(group)
        for a, b in zip(*np.nonzero(np.triu(inside.T @ probability @ inside > _WEAKEST, 1)), strict=True):
            one, other = groups[a], groups[b]
            key = (tuple(one.tolist()), tuple(other.tolist()))
            if key in rows:
                continue
            x, y = vectors[one].sum(axis=0), vectors[other].sum(axis=0)
            french_a, french_b = float(french[one].mean()), float(french[other].mean())
            rows[key] = (
                columns_of(
                    probability[np.ix_(one, other)],
                    cosine=float(x @ y) / max(float(np.sqrt((x @ x) * (y @ y))), 1e-9),
                    tightness=(
                        _tightness(float(probability[np.ix_(one, one)].sum()) / 2, len(one)),
                        _tightness(float(probability[np.ix_(other, other)].sum()) / 2, len(other)),
                    ),
                    two_languages=french_a * (1 - french_b) + french_b * (1 - french_a),
                ),
                float((gold[one][:, None] == gold[other][None]).mean()),
                float(np.sqrt(len(one) * len(other))),
            )
    columns, share, weight = zip(*rows.values(), strict=True) if rows else ((), (), ())
    return np.array(columns, np.float64).reshape(-1, len(COLUMNS)), np.array(share), np.array(weight)


def _tightness(inner: float, size: int) -> float:
    """Return the mean probability within a group whose pairs sum to `inner`; 1 for a single article."""
    return 1.0 if size == 1 else max(_LOOSEST, 2 * inner / (size * (size - 1)))


def _logit(probability: float, margin: float) -> float:
    kept = min(max(probability, margin), 1 - margin)
    return float(np.log(kept / (1 - kept)))
