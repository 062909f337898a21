"""Links by the vectors of title and beginning alone."""

from collections.abc import Collection

import numpy as np

from newsclust.centering import centre
from newsclust.model import Link, Window

_BLOCK = 1024  # rows compared at once: 1024 x 10,000 float32 similarities are 40 MB


class CentredCosine:
    """A linker by the cosine of two embeddings from which the mean of tech news is subtracted (centering).

    The mean of the default model is a constant that ships with the package (of 2,330 items of tech news, EN and
    FR, March to May 2026), so that an unrelated article changes no link; that of any other model is the mean of
    the window. `slope` and `offset` turn the cosine into a probability: a logistic regression on the pairs with a
    cosine over .3 of the same items (docs/experiments.md). Pairs below `floor` are not kept.
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
        """Return the fingerprints of the labelled sets that slope, offset and mean were fitted on."""
        from newsclust.stories.pairs.classifier import shipped_weights

        return shipped_weights().trained_on

    @property
    def name(self) -> str:
        """Return what identifies its links: the class and its options."""
        return f"CentredCosine({self.slope}, {self.offset}, {self.floor}, {self.days_apart})"

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        """Return the pairs at most `days_apart` whose probability reaches `floor`, ordered by their ids."""
        if len(window.articles) < 2:
            return []
        window = window.by_id()
        ids = window.ids
        days = np.array([article.published_at.timestamp() / 86_400 for article in window.articles])
        centred = centre(window.vectors, window.model)
        is_fresh = np.array([fresh is None or article_id in fresh for article_id in ids])
        links: list[Link] = []
        for start in range(0, len(ids), _BLOCK):
            stop = min(start + _BLOCK, len(ids))
            cosines = centred[start:stop] @ centred[start:].T
            probabilities = 1 / (1 + np.exp(-(self.slope * cosines + self.offset)))
            apart = np.abs(days[start:stop, None] - days[None, start:])
            to_score = is_fresh[start:stop, None] | is_fresh[None, start:]
            kept = np.triu((probabilities >= self.floor) & (apart <= self.days_apart) & to_score, 1)
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
