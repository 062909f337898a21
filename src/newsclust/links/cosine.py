"""Links by the vectors alone, and what all news shares taken out of them."""

from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Article, Link

_SHIPPED_FOR = "multilingual-e5-small"
_BLOCK = 1024  # rows compared at once: 1024 x 10,000 float32 similarities are 40 MB


class CentredCosine:
    """Links by the cosine of two embeddings after the mean of tech news has been taken away.

    The mean holds what all such texts share (the language of news, the model's own bias); without it one
    threshold does not transfer from one set to another. For the default model it is a constant that ships with
    the package (the mean of 2,330 items of tech news, EN and FR, March to May 2026), so that an unrelated article
    changes no link; for any other model it is the mean of the window. `slope` and `offset` turn the cosine into
    a probability: a logistic regression on the pairs with a cosine over .3 of the same items
    (docs/experiments.md). Pairs below `floor` are not kept.
    """

    def __init__(
        self, *, slope: float = 11.2, offset: float = -5.9, floor: float = 0.05, days_apart: float = 5
    ) -> None:
        self.slope = slope
        self.offset = offset
        self.floor = floor
        self.days_apart = days_apart

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the labelled sets that slope, offset and mean were fitted on: the pair model's."""
        from newsclust.links.pair_model import shipped_weights  # it imports this file

        return shipped_weights().trained_on

    @property
    def name(self) -> str:
        """What identifies its judgements."""
        return f"CentredCosine({self.slope}, {self.offset}, {self.floor}, {self.days_apart})"

    def link(
        self,
        articles: Sequence[Article],
        vectors: NDArray[np.float32],
        model: str,
        fresh: Collection[str] | None = None,
    ) -> list[Link]:
        """Return the pairs at most `days_apart` whose probability reaches `floor`, ordered by their ids."""
        if len(articles) < 2:
            return []
        order = sorted(range(len(articles)), key=lambda i: articles[i].id)
        ids = [articles[i].id for i in order]
        days = np.array([articles[i].published_at.timestamp() / 86_400 for i in order])
        centred = centre(vectors[order], model)
        new = np.array([fresh is None or article_id in fresh for article_id in ids])
        links: list[Link] = []
        for start in range(0, len(ids), _BLOCK):
            stop = min(start + _BLOCK, len(ids))
            cosines = centred[start:stop] @ centred[start:].T
            probabilities = 1 / (1 + np.exp(-(self.slope * cosines + self.offset)))
            apart = np.abs(days[start:stop, None] - days[None, start:])
            asked = new[start:stop, None] | new[None, start:]
            kept = np.triu((probabilities >= self.floor) & (apart <= self.days_apart) & asked, 1)
            rows, columns = np.nonzero(kept)
            links.extend(
                Link(
                    article_a=ids[start + row],
                    article_b=ids[start + column],
                    probability=probability,
                    evidence={"cosine": cosine, "days_apart": days_between},
                )
                for row, column, probability, cosine, days_between in zip(
                    rows.tolist(),
                    columns.tolist(),
                    probabilities[kept].tolist(),
                    cosines[kept].astype(np.float64).round(4).tolist(),
                    apart[kept].round(3).tolist(),
                    strict=True,
                )
            )
        return links


def centre(vectors: NDArray[np.float32], model: str) -> NDArray[np.float32]:
    """Return the vectors without what all news shares, of unit length again; one equal to the mean becomes zero."""
    mean = shipped_mean() if is_shipped_for(model) else vectors.mean(axis=0, dtype=np.float64)
    moved = vectors - mean.astype(np.float32)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    centred: NDArray[np.float32] = np.divide(moved, length, out=np.zeros_like(moved), where=length > 1e-6)
    return centred


def is_shipped_for(model: str) -> bool:
    """Tell whether what ships with the package (means, weights) was made with vectors of this model."""
    return model.startswith(_SHIPPED_FOR)


@cache
def shipped_mean() -> NDArray[np.float32]:
    """Return the mean vector of tech news, as the default model sees it; shape (384,)."""
    with resources.files("newsclust").joinpath("resources/mean_multilingual_e5_small.npy").open("rb") as file:
        mean: NDArray[np.float32] = np.load(file, allow_pickle=False)
        return mean
