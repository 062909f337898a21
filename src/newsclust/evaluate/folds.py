"""Which model may judge which set: one that never saw it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from newsclust.evaluate.sets import LabelledSet
from newsclust.links import Linker

Vectors = NDArray[np.float32]

log = logging.getLogger("newsclust")

FEWEST_OTHERS = 2  # sets to learn from when one is left out


class Labelled(NamedTuple):
    """A set and one row of unit length for each of its articles."""

    labelled: LabelledSet
    vectors: Vectors


@runtime_checkable
class Trainable(Protocol):
    """A linker that has learned from labelled sets, says from which, and can learn again."""

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the sets that it has seen."""
        ...

    def retrained(self, without: str, sets: Sequence[Labelled]) -> Linker:
        """Return a linker trained on these sets alone; the set of the fingerprint `without` is not among them."""
        ...


class Standing(StrEnum):
    """What a linker's model has to do with a set that it judges."""

    UNSEEN = "unseen"
    LEFT_OUT = "left out"  # seen by the model as it ships; judged by one trained without it
    SEEN = "seen in training"  # the figures flatter


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The linker that may judge one set, and what it has to do with it."""

    linker: Linker
    standing: Standing


def judges(linker: Linker, sets: Sequence[Labelled]) -> list[Judge]:
    """Return for each set a linker that has not seen it, where one can be had.

    When at least three of the sets were seen in training, each of these is judged by a model trained on the
    others alone. With fewer, or when the linker cannot learn again, a set is judged by a linker that has seen it,
    and its standing says so.
    """
    trained_on: frozenset[str] = getattr(linker, "trained_on", frozenset())
    lessons = [one for one in sets if one.labelled.stories and one.labelled.fingerprint in trained_on]
    found = []
    for one in sets:
        own = one.labelled.fingerprint
        others = [lesson for lesson in lessons if lesson.labelled.fingerprint != own]
        if own not in trained_on:
            found.append(Judge(linker=linker, standing=Standing.UNSEEN))
        elif isinstance(linker, Trainable) and len({o.labelled.fingerprint for o in others}) >= FEWEST_OTHERS:
            log.info("%s: training on the %d others alone", one.labelled.name, len(others))
            found.append(Judge(linker=linker.retrained(own, others), standing=Standing.LEFT_OUT))
        else:
            found.append(Judge(linker=linker, standing=Standing.SEEN))
    return found
