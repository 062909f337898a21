"""Candidate pairs -> features -> the probability that two articles tell one story.

`PairModel` scores words, names, meaning, days and outlets (`word_rarity`, `features`, `classifier`); `CentredCosine`
uses the vectors alone, and works with any embedding model.
"""

from collections.abc import Collection
from typing import Protocol

from newsclust.model import Link, Window
from newsclust.stories.pairs.classifier import PairModel
from newsclust.stories.pairs.cosine import CentredCosine

__all__ = ["CentredCosine", "Linker", "PairModel"]


class Linker(Protocol):
    """Scores which pairs of articles may tell one story."""

    @property
    def name(self) -> str:
        """Return what identifies its links: pairs are scored anew when the name changes."""
        ...

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        """Return the pairs worth keeping, ordered by their ids; the order of the window changes nothing.

        With `fresh`, a set of article ids, only pairs that have one of them: the others were scored before.
        """
        ...
