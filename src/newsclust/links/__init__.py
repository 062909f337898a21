"""Candidate pairs -> evidence -> the probability that two articles tell one story.

`PairModel` weighs words, names, meaning, days and outlets (`words`, `evidence`, `pair_model`); `CentredCosine`
knows the vectors alone, and fits any embedding model.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.links.cosine import CentredCosine, centre
from newsclust.links.pair_model import PairModel
from newsclust.model import Article, Link

__all__ = ["CentredCosine", "Linker", "PairModel", "centre"]


class Linker(Protocol):
    """Weighs which articles may tell one story."""

    @property
    def name(self) -> str:
        """What identifies its judgements: links of another name are judged anew."""
        ...

    def link(
        self,
        articles: Sequence[Article],
        vectors: NDArray[np.float32],
        model: str,
        fresh: Collection[str] | None = None,
    ) -> list[Link]:
        """Return the pairs worth keeping; `vectors`, made by `model`, has a row of unit length for each article.

        With `fresh`, a set of article ids, only pairs that have one of them: the others were judged before.
        """
        ...
