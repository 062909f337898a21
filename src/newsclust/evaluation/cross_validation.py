"""Leave-one-out cross-validation: each set is scored by models that were not trained on it."""

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

MIN_TRAINING_SETS = 2  # to train on when one is left out


class LabelledWindow(NamedTuple):
    """A labelled set, and its articles as a window."""

    labelled: LabelledSet
    window: Window


@runtime_checkable
class TrainableLinker(Protocol):
    """A linker trained on labelled sets that names them and can be trained again."""

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the sets that it was trained on."""
        ...

    def retrained(self, without: Collection[str], sets: Sequence[LabelledWindow]) -> Linker:
        """Return a linker trained on these sets alone; none of them has a fingerprint of `without`."""
        ...


@runtime_checkable
class TrainableClusterer(Protocol):
    """A clusterer trained on labelled sets and their links that names them and can be trained again."""

    @property
    def trained_on(self) -> frozenset[str]:
        """The fingerprints of the sets that it was trained on."""
        ...

    def retrained(
        self,
        without: Collection[str],
        sets: Sequence[tuple[LabelledSet, Window, Sequence[Link]]],
        score: GroupingScore,
    ) -> Clusterer:
        """Return a clusterer trained on these sets alone, whose links come from a linker not trained on them."""
        ...


class Leakage(StrEnum):
    """Whether the models that score a set were trained on it."""

    UNSEEN = "unseen"
    LEFT_OUT = "left out"  # the shipped models were trained on it; it is scored by ones trained without it
    SEEN = "seen in training"  # the scores flatter


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldModels:
    """The linker and the clusterer that score one set, and whether they were trained on it."""

    linker: Linker
    clusterer: Clusterer
    leakage: Leakage


def fold_models(
    linker: Linker, clusterer: Clusterer, sets: Sequence[LabelledWindow], *, train_anew: bool = False
) -> list[FoldModels]:
    """Return for each set a linker and a clusterer that were not trained on it, where they can be had.

    When at least three of the sets were seen in training, each of these is scored by models trained on the others
    alone. A clusterer is trained on links of a linker that was trained on neither the scored set nor the one it
    links. With fewer sets, or when one of the two cannot be trained again, a set is scored by models that have seen
    it, and its leakage says so. With `train_anew`, every labelled set counts as seen, whatever the models say.
    """
    labelled = frozenset(each.labelled.fingerprint for each in sets if each.labelled.stories)
    seen = {
        stage: labelled if train_anew else getattr(stage, "trained_on", frozenset()) for stage in (linker, clusterer)
    }
    trained_on = seen[linker] | seen[clusterer]
    training_sets = _distinct(e for e in sets if e.labelled.stories and e.labelled.fingerprint in trained_on)
    fold_linkers = _FoldLinkers(linker, training_sets)
    found = []
    for each in sets:
        own = each.labelled.fingerprint
        alone = frozenset({own})
        others = training_sets.keys() - alone
        trainable = (own not in seen[linker] or isinstance(linker, TrainableLinker)) and (
            own not in seen[clusterer] or isinstance(clusterer, TrainableClusterer)
        )
        if own not in trained_on:
            found.append(FoldModels(linker=linker, clusterer=clusterer, leakage=Leakage.UNSEEN))
        elif trainable and len(others) >= MIN_TRAINING_SETS:
            log.info("%s: training on the %d others alone", each.labelled.name, len(others))
            chosen = clusterer
            if own in seen[clusterer] and isinstance(clusterer, TrainableClusterer):
                chosen = clusterer.retrained(alone, fold_linkers.linked_sets(alone), grouping_score)
            found.append(FoldModels(linker=fold_linkers.linker(alone), clusterer=chosen, leakage=Leakage.LEFT_OUT))
        else:
            found.append(FoldModels(linker=linker, clusterer=clusterer, leakage=Leakage.SEEN))
    return found


def out_of_fold(linker: Linker, sets: Sequence[LabelledWindow]) -> list[tuple[LabelledSet, Window, list[Link]]]:
    """Return the sets with links from linkers trained on the others alone: the training data of a clusterer."""
    return _FoldLinkers(linker, _distinct(sets)).linked_sets(frozenset())


class _FoldLinkers:
    """Linkers trained without some sets, each trained and used once: a pair of left-out sets occurs in two folds."""

    def __init__(self, linker: Linker, training_sets: Mapping[str, LabelledWindow]) -> None:
        self._shipped = linker
        self._sets = training_sets
        self._linkers: dict[frozenset[str], Linker] = {}
        self._links: dict[tuple[str, frozenset[str]], list[Link]] = {}

    def linker(self, without: frozenset[str]) -> Linker:
        """Return a linker trained without the sets of these fingerprints; the shipped one if it cannot be trained."""
        if not isinstance(self._shipped, TrainableLinker):
            return self._shipped
        if without not in self._linkers:
            sets = [each for name, each in self._sets.items() if name not in without]
            self._linkers[without] = self._shipped.retrained(without, sets)
        return self._linkers[without]

    def linked_sets(self, without: frozenset[str]) -> list[tuple[LabelledSet, Window, list[Link]]]:
        """Return the other sets, each with links from a linker trained on neither it nor these."""
        linked = []
        for name, (labelled, window) in self._sets.items():
            if name not in without:
                unseen = without | {name}
                if (name, unseen) not in self._links:
                    self._links[name, unseen] = self.linker(unseen).link(window)
                linked.append((labelled, window, self._links[name, unseen]))
        return linked


def _distinct(sets: Iterable[LabelledWindow]) -> dict[str, LabelledWindow]:
    """Return the sets by their fingerprints: one that is given twice counts once."""
    found: dict[str, LabelledWindow] = {}
    for each in sets:
        found.setdefault(each.labelled.fingerprint, each)
    return found
