"""Candidate pairs -> evidence -> the probability that two articles tell one story.

`PairModel` weighs words, names, meaning, days and outlets (`words`, `evidence`, `pair_model`); `CentredCosine`
knows the vectors alone, and fits any embedding model.
"""

from collections.abc import Collection
from typing import Protocol

from newsclust.model import Link, Window
from newsclust.stories.pairs.classifier import PairModel
from newsclust.stories.pairs.cosine import CentredCosine

__all__ = ["CentredCosine", "Linker", "PairModel"]


class Linker(Protocol):
    """Weighs which articles may tell one story."""

    @property
    def name(self) -> str:
        """What identifies its judgements: links of another name are judged anew."""
        ...

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        """Return the pairs worth keeping, ordered by their ids; the order of the window changes nothing.

        With `fresh`, a set of article ids, only pairs that have one of them: the others were judged before.
        """
        ...
