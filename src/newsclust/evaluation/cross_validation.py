"""Which models may judge which set: those that never saw it."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from newsclust.evaluation.datasets import LabelledSet
from newsclust.evaluation.measures import GroupingScore, grouping_score
from newsclust.model import Link, Window
from newsclust.stories.clustering import Clusterer
from newsclust.stories.pairs import Linker

log = logging.getLogger("newsclust")

FEWEST_OTHERS = 2  # sets to learn from when one is left out


class Labelled(NamedTuple):
    """A set, and its articles as a window."""

    labelled: LabelledSet
    window: Window


@runtime_checkable
class TrainableLinker(Protocol):
    """A linker that has learned from labelled sets, says from which, and can learn again."""

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the sets that it has seen."""
        ...

    def retrained(self, without: Collection[str], sets: Sequence[Labelled]) -> Linker:
        """Return a linker trained on these sets alone; none of them has a fingerprint of `without`."""
        ...


@runtime_checkable
class TrainableClusterer(Protocol):
    """A clusterer that has learned from labelled sets and their links, says from which, and can learn again."""

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the sets that it has seen."""
        ...

    def retrained(
        self,
        without: Collection[str],
        sets: Sequence[tuple[LabelledSet, Window, Sequence[Link]]],
        score: GroupingScore,
    ) -> Clusterer:
        """Return a clusterer trained on these sets alone, whose links come from a linker that had not seen them."""
        ...


class Standing(StrEnum):
    """What our models have to do with a set that they judge."""

    UNSEEN = "unseen"
    LEFT_OUT = "left out"  # seen by the models as they ship; judged by ones trained without it
    SEEN = "seen in training"  # the figures flatter


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The linker and the clusterer that may judge one set, and what they have to do with it."""

    linker: Linker
    clusterer: Clusterer
    standing: Standing


def judges(
    linker: Linker, clusterer: Clusterer, sets: Sequence[Labelled], *, train_anew: bool = False
) -> list[Judge]:
    """Return for each set a linker and a clusterer that have not seen it, where they can be had.

    When at least three of the sets were seen in training, each of these is judged by models trained on the others
    alone; a clusterer learns from links that come from a linker which has seen neither the judged set nor the one
    it links. With fewer sets, or when one of the two cannot learn again, a set is judged by models that have seen
    it, and its standing says so. With `train_anew`, every labelled set counts as seen, whatever the models say.
    """
    labelled = frozenset(one.labelled.fingerprint for one in sets if one.labelled.stories)
    seen = {
        stage: labelled if train_anew else getattr(stage, "trained_on", frozenset()) for stage in (linker, clusterer)
    }
    trained_on = seen[linker] | seen[clusterer]
    lessons = _distinct(one for one in sets if one.labelled.stories and one.labelled.fingerprint in trained_on)
    pupils = _Pupils(linker, lessons)
    found = []
    for one in sets:
        own = one.labelled.fingerprint
        alone = frozenset({own})
        others = lessons.keys() - alone
        teachable = (own not in seen[linker] or isinstance(linker, TrainableLinker)) and (
            own not in seen[clusterer] or isinstance(clusterer, TrainableClusterer)
        )
        if own not in trained_on:
            found.append(Judge(linker=linker, clusterer=clusterer, standing=Standing.UNSEEN))
        elif teachable and len(others) >= FEWEST_OTHERS:
            log.info("%s: training on the %d others alone", one.labelled.name, len(others))
            chosen = clusterer
            if own in seen[clusterer] and isinstance(clusterer, TrainableClusterer):
                chosen = clusterer.retrained(alone, pupils.lessons(alone), grouping_score)
            found.append(Judge(linker=pupils.linker(alone), clusterer=chosen, standing=Standing.LEFT_OUT))
        else:
            found.append(Judge(linker=linker, clusterer=clusterer, standing=Standing.SEEN))
    return found


def out_of_fold(linker: Linker, sets: Sequence[Labelled]) -> list[tuple[LabelledSet, Window, list[Link]]]:
    """Return the sets with links from linkers that have seen none but the others: what a clusterer learns from."""
    lessons = _distinct(sets)
    return _Pupils(linker, lessons).lessons(frozenset())


class _Pupils:
    """Linkers trained without chosen lessons, each trained and asked once: two left out are one pair in two folds."""

    def __init__(self, linker: Linker, lessons: Mapping[str, Labelled]) -> None:
        self._shipped = linker
        self._sets = lessons
        self._linkers: dict[frozenset[str], Linker] = {}
        self._links: dict[tuple[str, frozenset[str]], list[Link]] = {}

    def linker(self, without: frozenset[str]) -> Linker:
        """Return a linker that has seen no lesson of these fingerprints, or the given one if it cannot learn."""
        if not isinstance(self._shipped, TrainableLinker):
            return self._shipped
        if without not in self._linkers:
            sets = [one for name, one in self._sets.items() if name not in without]
            self._linkers[without] = self._shipped.retrained(without, sets)
        return self._linkers[without]

    def lessons(self, without: frozenset[str]) -> list[tuple[LabelledSet, Window, list[Link]]]:
        """Return the other lessons, each with links from a linker that has seen neither it nor these."""
        told = []
        for name, (labelled, window) in self._sets.items():
            if name not in without:
                unseen = without | {name}
                if (name, unseen) not in self._links:
                    self._links[name, unseen] = self.linker(unseen).link(window)
                told.append((labelled, window, self._links[name, unseen]))
        return told


def _distinct(sets: Iterable[Labelled]) -> dict[str, Labelled]:
    """Return the sets by their fingerprints: one that is given twice is one lesson."""
    found: dict[str, Labelled] = {}
    for one in sets:
        found.setdefault(one.labelled.fingerprint, one)
    return found
