"""What the trained models of this room learn from."""

from collections.abc import Sequence
from typing import Protocol


class TrainingSet(Protocol):
    """A labelled window: the story of each article, in the window's order, and what identifies the set."""

    @property
    def stories(self) -> Sequence[str]:
        """Return the label of each article's story."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return what identifies the set: equal for equal contents."""
        ...
