"""A logistic model of "do these two articles tell one story?", trained on six hand-labelled windows of tech news."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from newsclust.centering import is_shipped_for
from newsclust.errors import SettingsError
from newsclust.model import Article, Link, Window, id_of
from newsclust.stories.pairs.features import (
    COLUMN_INDEX,
    COLUMNS,
    FeatureInputs,
    Floats,
    PairPositions,
    candidate_pairs,
    feature_inputs,
    pair_features,
    scored_pairs,
    shared_names,
)
from newsclust.stories.pairs.word_rarity import merge_counts, shipped_counts

# Beside the evidence itself: its squares and its products with "two languages", and a few pairs that matter.
_NONLINEAR = (
    "title_cosine",
    "cosine",
    "title_text_cosine",
    "title_in_lead",
    "lead_words",
    "lead_names_jaccard",
    "words_found_least",
    "names_found_least",
    "title_names",
    "rarest_name",
)
_INTERACTIONS = (
    ("title_text_cosine", "title_in_lead"),
    ("title_text_cosine", "lead_names_jaccard"),
    ("days", "title_text_cosine"),
    ("same_outlet", "title_text_cosine"),
    ("same_outlet", "days"),
)
_SCREEN_RECALL = 0.965  # share of the pairs of one story that the cheap screen lets through, on the training sets
_REGULARISATION = 0.01  # scikit-learn's C, of the standardised columns: strongly regularised


class Lesson(Protocol):
    """A labelled set as training needs it."""

    @property
    def stories(self) -> Sequence[str]: ...
    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWeights:
    """What training leaves: the screen, the model on `design` columns, their means, and which sets it saw."""

    screen: Floats  # cosine, that across title and text, shared words, offset
    coefficients: Floats
    offset: float
    usual: Floats  # mean of each column over the training pairs: contributions are told against it
    trained_on: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the weights as JSON can hold them."""
        return {
            "screen": self.screen.tolist(),
            "coefficients": self.coefficients.tolist(),
            "offset": self.offset,
            "usual": self.usual.tolist(),
            "trained_on": sorted(self.trained_on),
        }

    @classmethod
    def of_json(cls, held: dict[str, Any]) -> Self:
        """Return the weights that `to_json` wrote."""
        return cls(
            screen=np.array(held["screen"]),
            coefficients=np.array(held["coefficients"]),
            offset=held["offset"],
            usual=np.array(held["usual"]),
            trained_on=frozenset(held["trained_on"]),
        )


class PairModel:
    """Links by words, names, meaning, days and outlets; each pair is judged by itself, against fixed tables.

    The evidence of a link says how much each kind raises or lowers the logit against the usual candidate pair, and
    which rare names both articles hold. It knows only the vectors of the default embedding model: SettingsError
    for others, which `CentredCosine` can link.
    """

    def __init__(self, *, floor: float = 0.05, days_apart: float = 5, weights: PairWeights | None = None) -> None:
        self.floor = floor
        self.days_apart = days_apart
        self.weights = weights or shipped_weights()

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the labelled sets that the weights have seen."""
        return self.weights.trained_on

    @property
    def name(self) -> str:
        """What identifies its judgements: its options and its weights."""
        learned = id_of(json.dumps(self.weights.to_json(), sort_keys=True))
        return f"PairModel({self.floor}, {self.days_apart}, {learned})"

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        """Return the candidate pairs whose probability reaches `floor`, ordered by their ids."""
        if not is_shipped_for(window.model):
            raise SettingsError(
                f"[pairs] use = PairModel: trained on vectors of the bundled model, not of {window.model!r}; "
                'use = "newsclust.stories.pairs:CentredCosine" links those of any model'
            )
        if len(window.articles) < 2:
            return []
        window = window.by_id()
        given = feature_inputs(window, merge_counts(shipped_counts(), window.words))
        new = None if fresh is None else np.array([article.id in fresh for article in window.articles])
        links = [
            link
            for pairs, evidence in scored_pairs(given, self.weights.screen, days_apart=self.days_apart, fresh=new)
            for link in self._judged(window.articles, given, pairs, evidence)
        ]
        return sorted(links, key=lambda link: (link.article_a, link.article_b))

    def _judged(
        self, articles: Sequence[Article], given: FeatureInputs, pairs: PairPositions, evidence: Floats
    ) -> Iterator[Link]:
        """Yield links for those of these pairs whose probability reaches the floor, with what it rests on."""
        columns = design_matrix(evidence)
        logits = columns @ self.weights.coefficients + self.weights.offset
        probabilities = 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
        kept = np.flatnonzero(probabilities >= self.floor)
        shares = (columns[kept] - self.weights.usual) * self.weights.coefficients
        told = (
            np.stack([shares[:, places].sum(axis=1) for places in _columns_by_kind().values()], axis=1)
            .round(3)
            .tolist()
        )
        one, other = np.minimum(*pairs)[kept].tolist(), np.maximum(*pairs)[kept].tolist()
        for a, b, probability, values in zip(one, other, probabilities[kept].tolist(), told, strict=True):
            named = {f"both say {name}": round(rarity, 3) for name, rarity in shared_names(given, a, b).items()}
            yield Link(
                article_a=articles[a].id,
                article_b=articles[b].id,
                probability=round(probability, 6),
                evidence=dict(zip(_columns_by_kind(), values, strict=True)) | named,
            )

    def retrained(self, without: Collection[str], sets: Sequence[tuple[Lesson, Window]]) -> "PairModel":
        """Return a model of the same kind trained on these sets alone, none of them one to do without."""
        if any(lesson.fingerprint in without for lesson, _ in sets):
            raise ValueError("a set to do without is among the sets to train on")
        return PairModel(floor=self.floor, days_apart=self.days_apart, weights=train(sets))


def train(sets: Sequence[tuple[Lesson, Window]]) -> PairWeights:
    """Return weights learned from labelled sets with the default model's vectors; the same sets give the same.

    The model is fitted on exactly the pairs that its own screen proposes, since others would teach it what it is
    never asked. (Logistic regression, L2; scikit-learn's lbfgs.)
    """
    given = [feature_inputs(window, shipped_counts()) for _, window in sets]
    stories = [np.unique(list(lesson.stories), return_inverse=True)[1] for lesson, _ in sets]
    screen = _train_screen(given, stories)
    pairs = [candidate_pairs(one, screen, days_apart=np.inf) for one in given]
    columns = design_matrix(np.concatenate([pair_features(one, p) for one, p in zip(given, pairs, strict=True)]))
    same = np.concatenate([s[p[0]] == s[p[1]] for s, p in zip(stories, pairs, strict=True)])
    if same.all() or not same.any():
        raise SettingsError("these labelled sets cannot train: every candidate pair is of one kind")
    coefficients, offset = _fit_logistic(columns, same, _REGULARISATION)
    return PairWeights(
        screen=screen,
        coefficients=coefficients,
        offset=offset,
        usual=columns.mean(axis=0),
        trained_on=frozenset(lesson.fingerprint for lesson, _ in sets),
    )


def design_matrix(evidence: Floats) -> Floats:
    """Return what the linear model is given: the evidence, and what bends it; one row for each pair."""
    bent = evidence[:, [COLUMN_INDEX[name] for name in _NONLINEAR]]
    two_languages = evidence[:, [COLUMN_INDEX["two_languages"]]]
    products = [evidence[:, COLUMN_INDEX[a]] * evidence[:, COLUMN_INDEX[b]] for a, b in _INTERACTIONS]
    return np.concatenate([evidence, bent * two_languages, bent**2, np.stack(products, axis=1)], axis=1)


@cache
def shipped_weights() -> PairWeights:
    """Return the weights that ship with the package; benchmarks/train_links.py made them."""
    held = resources.files("newsclust").joinpath("resources/pair_model.json").read_text(encoding="utf-8")
    return PairWeights.of_json(json.loads(held))


@cache
def _columns_by_kind() -> dict[str, list[int]]:
    """Return which design columns belong to each kind of evidence; a product belongs to its first part's."""
    of = [kind for _, kind in COLUMNS]
    kinds = of + [of[COLUMN_INDEX[name]] for name in _NONLINEAR] * 2 + [of[COLUMN_INDEX[a]] for a, _ in _INTERACTIONS]
    found: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        found.setdefault(kind, []).append(place)
    return found


def _train_screen(given: Sequence[FeatureInputs], stories: Sequence[NDArray[np.int64]]) -> Floats:
    """Return weights of the cosines and of shared words, and the offset that lets most pairs of one story through."""
    rows, labels = [], []
    for one, story in zip(given, stories, strict=True):
        a, b = np.triu_indices(len(story), 1)
        shared = (one.titles @ one.leads.T).toarray()
        across = one.title_vectors @ one.vectors.T
        told = (one.vectors @ one.vectors.T, np.maximum(across, across.T), np.maximum(shared, shared.T))
        rows.append(np.stack([matrix[a, b] for matrix in told], axis=1))
        labels.append(story[a] == story[b])
    columns, same = np.concatenate(rows), np.concatenate(labels)
    weights, _ = _fit_logistic(columns, same, 1.0)
    return np.append(weights, -np.quantile((columns @ weights)[same], 1 - _SCREEN_RECALL))


def _fit_logistic(columns: Floats, same: NDArray[np.bool_], strength: float) -> tuple[Floats, float]:
    """Return (coefficients, offset) on the columns as they are; fitted on standardised ones."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=strength, max_iter=3000).fit((columns - middle) / spread, same)
    coefficients = fitted.coef_[0] / spread
    return coefficients, float(fitted.intercept_[0] - coefficients @ middle)
