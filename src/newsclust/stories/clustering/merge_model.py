"""The features of two groups of articles, and the logistic model that scores them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Self

import numpy as np

from newsclust.arrays import Floats, Integers

# The features of two groups, in the order of the columns.
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

# The same in words, for people who ask why two groups were joined or kept apart.
_EVIDENCE_NAMES = {
    "the links between them, on average": (
        "mean",
        "mean_logit",
        "upper_quarter",
        "larger_size_x_mean",
        "smaller_size_x_mean",
        "logit_of_mean",
    ),
    "the best links between them": (
        "largest",
        "mean_best",
        "smaller_mean_best",
        "smaller_least_best",
        "larger_size_x_mean_best",
        "logit_of_largest",
    ),
    "compared with the links within each": ("looser", "tighter", "mean_over_looser"),
    "meaning, beyond what the links say": ("cosine", "larger_size_x_cosine"),
    "sizes": ("smaller_size", "larger_size"),
    "languages": ("two_languages",),
}

_MIN_COHESION = 1e-3
_TOLERANCE = 1e-9  # two means that differ by less are equal: rounding must not decide


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeModel:
    """A logistic model over `COLUMNS`, the probability from which two groups are merged, and its training sets."""

    coefficients: Floats
    offset: float
    feature_means: Floats  # of each column over the training pairs: the baseline of contributions
    threshold: float
    trained_on: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the model as JSON."""
        return {
            "coefficients": dict(zip(COLUMNS, self.coefficients.tolist(), strict=True)),
            "offset": self.offset,
            "feature_means": dict(zip(COLUMNS, self.feature_means.tolist(), strict=True)),
            "threshold": self.threshold,
            "trained_on": sorted(self.trained_on),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Return the model that `to_json` wrote."""
        return cls(
            coefficients=np.array([stored["coefficients"][name] for name in COLUMNS]),
            offset=stored["offset"],
            feature_means=np.array([stored["feature_means"][name] for name in COLUMNS]),
            threshold=stored["threshold"],
            trained_on=frozenset(stored["trained_on"]),
        )

    def __call__(self, columns: Floats) -> Floats:
        """Return the probability that the two groups of each row tell one story."""
        probability: Floats = 1 / (1 + np.exp(-np.clip(columns @ self.coefficients + self.offset, -40, 40)))
        return probability

    def contributions(self, columns: Floats) -> dict[str, float]:
        """Return what each kind of evidence adds to the log-odds of a pair of groups; 0 for the average pair."""
        shares = (columns - self.feature_means) * self.coefficients
        return {
            words: float(sum(shares[COLUMNS.index(name)] for name in names))
            for words, names in _EVIDENCE_NAMES.items()
        }


@cache
def shipped_model() -> MergeModel:
    """Return the model that ships with the package; benchmarks/train_pairs.py trains it."""
    stored = resources.files("newsclust").joinpath("resources/merge_model.json").read_text(encoding="utf-8")
    return MergeModel.from_json(json.loads(stored))


def group_features(
    matrices: Floats,
    widths: Integers,
    *,
    cosine: Floats,
    cohesions: tuple[Floats, Floats],
    two_languages: Floats,
) -> Floats:
    """Return the features of pairs of groups, one row for each.

    `matrices` holds the probabilities between the groups of each pair, side by side: the first groups are of one
    size, the others have as many columns as `widths` says. The rest has one value for each pair.
    """
    height, cells = len(matrices), len(matrices) * widths
    starts = np.cumsum(widths) - widths
    clipped = np.clip(matrices, 0.005, 0.995)
    mean = np.add.reduceat(matrices.sum(axis=0), starts) / cells
    mean_logit = np.add.reduceat(np.log(clipped / (1 - clipped)).sum(axis=0), starts) / cells
    best_x, best_y = np.maximum.reduceat(matrices, starts, axis=1), matrices.max(axis=0)
    largest = best_x.max(axis=0)
    mean_x, mean_y = best_x.mean(axis=0), np.add.reduceat(best_y, starts) / widths
    least_x, least_y = best_x.min(axis=0), np.minimum.reduceat(best_y, starts)
    # Of two groups of one size, the one that is less like the other: the order of the two must not matter.
    x_is_less_like = np.where(np.abs(mean_x - mean_y) < _TOLERANCE, least_x <= least_y, mean_x < mean_y)
    x_is_smaller = (height < widths) | ((height == widths) & x_is_less_like)
    mean_best = (mean_x + mean_y) / 2
    low, high = np.minimum(*cohesions), np.maximum(*cohesions)
    fewer, more = np.log(np.minimum(height, widths)), np.log(np.maximum(height, widths))
    return np.stack(
        [
            mean,
            mean_logit,
            largest,
            mean_best,
            np.where(x_is_smaller, mean_x, mean_y),
            np.where(x_is_smaller, least_x, least_y),
            _upper_quarter(matrices, cells),
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
        ],
        axis=1,
    )


def cohesion(inner: Floats, size: Integers) -> Floats:
    """Return the mean probability within groups whose pairs sum to `inner`; 1 for a single article."""
    pairs = size * (size - 1) / 2
    return np.where(size == 1, 1.0, np.maximum(_MIN_COHESION, inner / np.maximum(pairs, 1)))


def _upper_quarter(matrices: Floats, cells: Integers) -> Floats:
    """Return the mean of the largest quarter of each of the matrices that stand side by side, of so many cells."""
    number = np.repeat(np.arange(len(cells)), cells)
    values = matrices.T.ravel()  # one matrix after the other
    values = values[np.lexsort((-values, number))]
    quarter, starts = np.maximum(1, cells // 4), np.cumsum(cells) - cells
    counted = np.arange(len(values)) < (starts + quarter)[number]
    return np.add.reduceat(np.where(counted, values, 0), starts) / quarter


def _logit(probability: Floats, margin: float) -> Floats:
    kept = np.clip(probability, margin, 1 - margin)
    odds: Floats = np.log(kept / (1 - kept))
    return odds
