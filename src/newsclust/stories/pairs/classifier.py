"""Logistic regression on pairs of articles: do they tell one story? Trained on six labelled windows of tech news."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Self

import numpy as np

from newsclust.arrays import Booleans, Floats, Integers
from newsclust.centering import is_shipped_for
from newsclust.errors import SettingsError
from newsclust.model import Article, Link, Window, id_of
from newsclust.stories.pairs.features import (
    COLUMN_INDEX,
    COLUMNS,
    FeatureInputs,
    PairPositions,
    candidate_pairs,
    feature_inputs,
    pair_features,
    scored_pairs,
    shared_names,
)
from newsclust.stories.pairs.word_rarity import merge_counts, shipped_counts
from newsclust.stories.training import TrainingSet

# Beside the features themselves: their squares and products with "two languages", and a few interactions that matter.
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
_SCREEN_RECALL = 0.965  # share of the pairs of one story that the screen lets through, on the training sets
_REGULARISATION = 0.01  # scikit-learn's C, of the standardised columns: strongly regularised


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWeights:
    """The result of training: the screen, the model on the columns of `design_matrix`, and which sets it saw."""

    screen: Floats  # cosine, that across title and text, shared words, offset
    coefficients: Floats
    offset: float
    feature_means: Floats  # of each column over the training pairs: the baseline of a link's evidence
    trained_on: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the weights as JSON; its keys stay as they are, because the linker's stored name is their hash."""
        return {
            "screen": self.screen.tolist(),
            "coefficients": self.coefficients.tolist(),
            "offset": self.offset,
            "usual": self.feature_means.tolist(),
            "trained_on": sorted(self.trained_on),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Return the weights that `to_json` wrote."""
        return cls(
            screen=np.array(stored["screen"]),
            coefficients=np.array(stored["coefficients"]),
            offset=stored["offset"],
            feature_means=np.array(stored["usual"]),
            trained_on=frozenset(stored["trained_on"]),
        )


class PairModel:
    """A linker by words, names, meaning, days and outlets; each pair is scored by itself, with fixed tables.

    The evidence of a link says how much each kind of feature raises or lowers the log-odds against the average
    candidate pair, and which rare names both articles have. Only vectors of the default embedding model are known:
    SettingsError for others, which `CentredCosine` can link.
    """

    def __init__(self, *, floor: float = 0.05, days_apart: float = 5, weights: PairWeights | None = None) -> None:
        self.floor = floor
        self.days_apart = days_apart
        self.weights = weights or shipped_weights()

    @property
    def trained_on(self) -> frozenset[str]:
        """Return the fingerprints of the labelled sets that the weights were trained on."""
        return self.weights.trained_on

    @property
    def name(self) -> str:
        """Return what identifies its links: its options and its weights."""
        weights = id_of(json.dumps(self.weights.to_json(), sort_keys=True))
        return f"PairModel({self.floor}, {self.days_apart}, {weights})"

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        """Return the candidate pairs whose probability reaches `floor`, ordered by their ids."""
        if not is_shipped_for(window.model):
            raise SettingsError(
                f"[links] use = PairModel: trained on vectors of the bundled model, not of {window.model!r}; "
                'use = "newsclust.stories.pairs:CentredCosine" links those of any model'
            )
        if len(window.articles) < 2:
            return []
        window = window.by_id()
        inputs = feature_inputs(window, merge_counts(shipped_counts(), window.words))
        is_fresh = None if fresh is None else np.array([article.id in fresh for article in window.articles])
        links = [
            link
            for pairs, features in scored_pairs(
                inputs, self.weights.screen, days_apart=self.days_apart, fresh=is_fresh
            )
            for link in self._links(window.articles, inputs, pairs, features)
        ]
        return sorted(links, key=lambda link: (link.article_a, link.article_b))

    def _links(
        self, articles: Sequence[Article], inputs: FeatureInputs, pairs: PairPositions, features: Floats
    ) -> Iterator[Link]:
        """Yield a link with its evidence for each of these pairs whose probability reaches the floor."""
        columns = design_matrix(features)
        logits = columns @ self.weights.coefficients + self.weights.offset
        probabilities = 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
        kept = np.flatnonzero(probabilities >= self.floor)
        contributions = (columns[kept] - self.weights.feature_means) * self.weights.coefficients
        by_kind = [contributions[:, indices].sum(axis=1) for indices in _columns_by_kind().values()]
        rows = np.stack(by_kind, axis=1).round(3).tolist()
        left, right = np.minimum(*pairs)[kept].tolist(), np.maximum(*pairs)[kept].tolist()
        for a, b, probability, row in zip(left, right, probabilities[kept].tolist(), rows, strict=True):
            names = {f"both say {name}": round(rarity, 3) for name, rarity in shared_names(inputs, a, b).items()}
            yield Link(
                article_a=articles[a].id,
                article_b=articles[b].id,
                probability=round(probability, 6),
                evidence=dict(zip(_columns_by_kind(), row, strict=True)) | names,
            )

    def retrained(self, without: Collection[str], sets: Sequence[tuple[TrainingSet, Window]]) -> "PairModel":
        """Return a model with the same options trained on these sets alone; ValueError when one is to be left out."""
        if any(labelled.fingerprint in without for labelled, _ in sets):
            raise ValueError("a set to leave out is among the sets to train on")
        return PairModel(floor=self.floor, days_apart=self.days_apart, weights=train(sets))


def train(sets: Sequence[tuple[TrainingSet, Window]]) -> PairWeights:
    """Return weights learned from labelled sets with the default model's vectors; the same sets give the same.

    The model is fitted on exactly the pairs that its own screen proposes: it never scores others.
    (Logistic regression, L2; scikit-learn's lbfgs.)
    """
    inputs = [feature_inputs(window, shipped_counts()) for _, window in sets]
    stories = [np.unique(list(labelled.stories), return_inverse=True)[1] for labelled, _ in sets]
    screen = _train_screen(inputs, stories)
    pairs = [candidate_pairs(articles, screen, days_apart=np.inf) for articles in inputs]
    features = [pair_features(articles, chosen) for articles, chosen in zip(inputs, pairs, strict=True)]
    columns = design_matrix(np.concatenate(features))
    same = np.concatenate([s[p[0]] == s[p[1]] for s, p in zip(stories, pairs, strict=True)])
    if same.all() or not same.any():
        raise SettingsError("these labelled sets cannot train: every candidate pair is of one kind")
    coefficients, offset = _fit_logistic(columns, same, _REGULARISATION)
    return PairWeights(
        screen=screen,
        coefficients=coefficients,
        offset=offset,
        feature_means=columns.mean(axis=0),
        trained_on=frozenset(labelled.fingerprint for labelled, _ in sets),
    )


def design_matrix(features: Floats) -> Floats:
    """Return the columns of the linear model: features, nonlinear terms and interactions; one row for each pair."""
    nonlinear = features[:, [COLUMN_INDEX[name] for name in _NONLINEAR]]
    two_languages = features[:, [COLUMN_INDEX["two_languages"]]]
    interactions = [features[:, COLUMN_INDEX[a]] * features[:, COLUMN_INDEX[b]] for a, b in _INTERACTIONS]
    return np.concatenate([features, nonlinear * two_languages, nonlinear**2, np.stack(interactions, axis=1)], axis=1)


@cache
def shipped_weights() -> PairWeights:
    """Return the weights that ship with the package; benchmarks/train_pairs.py trains them."""
    stored = resources.files("newsclust").joinpath("resources/pair_model.json").read_text(encoding="utf-8")
    return PairWeights.from_json(json.loads(stored))


@cache
def _columns_by_kind() -> dict[str, list[int]]:
    """Return the design matrix's columns for each kind of evidence; an interaction is of its first part's kind."""
    kind_of = [kind for _, kind in COLUMNS]
    kinds = [
        *kind_of,
        *[kind_of[COLUMN_INDEX[name]] for name in _NONLINEAR] * 2,
        *(kind_of[COLUMN_INDEX[first]] for first, _ in _INTERACTIONS),
    ]
    columns: dict[str, list[int]] = {}
    for index, kind in enumerate(kinds):
        columns.setdefault(kind, []).append(index)
    return columns


def _train_screen(inputs: Sequence[FeatureInputs], stories: Sequence[Integers]) -> Floats:
    """Return weights of the cosines and of shared words, and the offset that lets most pairs of one story through."""
    rows, labels = [], []
    for articles, story in zip(inputs, stories, strict=True):
        left, right = np.triu_indices(len(story), 1)
        shared = (articles.titles @ articles.leads.T).toarray()
        across = articles.title_vectors @ articles.vectors.T
        matrices = (
            articles.vectors @ articles.vectors.T,
            np.maximum(across, across.T),
            np.maximum(shared, shared.T),
        )
        rows.append(np.stack([matrix[left, right] for matrix in matrices], axis=1))
        labels.append(story[left] == story[right])
    columns, same = np.concatenate(rows), np.concatenate(labels)
    weights, _ = _fit_logistic(columns, same, 1.0)
    return np.append(weights, -np.quantile((columns @ weights)[same], 1 - _SCREEN_RECALL))


def _fit_logistic(columns: Floats, same: Booleans, c: float) -> tuple[Floats, float]:
    """Return (coefficients, offset) for the columns as they are; `c` is scikit-learn's inverse regularisation.

    The regression is fitted on standardised columns.
    """
    from sklearn.linear_model import LogisticRegression

    mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=c, max_iter=3000).fit((columns - mean) / spread, same)
    coefficients = fitted.coef_[0] / spread
    return coefficients, float(fitted.intercept_[0] - coefficients @ mean)
