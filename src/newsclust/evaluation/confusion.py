"""Confusion counts of methods that call pairs of articles the same, and the pairs that they call wrongly."""

import csv
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsclust.errors import SettingsError
from newsclust.evaluation.pairs import CHOSEN_ON, Label, LabelledPair, Pair, PairSet

CHOSEN, UNSEEN, ALL = "half 0 (thresholds)", "half 1", "all"

KindOf = Callable[[LabelledPair], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionRow:
    """The labelled pairs of one kind, how many of them one method calls the same, and its false calls.

    Where the label is SAME, false calls are counted on all pairs of the set, or of its half, that are not.
    """

    set: str
    kind: str
    label: Label
    method: str
    pairs: int
    called: int
    wrong: int

    @property
    def precision(self) -> float | None:
        """Share of the called pairs that are the same; None when nothing is called the same."""
        return self.called / (self.called + self.wrong) if self.called + self.wrong else None

    @property
    def recall(self) -> float:
        """Share of the same pairs that are called the same."""
        return self.called / self.pairs

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.called / (self.pairs + self.called + self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCall:
    """How a method calls one pair; without a duplicate method the evidence is why it is not called the same."""

    method: str = ""
    similarity: float | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A pair that a method calls wrongly: a false positive or a false negative."""

    pair: LabelledPair
    way: str
    call: PairCall


def confusion_rows(
    pair_set: PairSet, called: Mapping[str, Collection[Pair]], kinds: Sequence[KindOf]
) -> list[ConfusionRow]:
    """Return the counts of each method: on pairs that are the same, by kinds, halves and all; then on the others."""
    of = {label: [pair for pair in pair_set.pairs if pair.label is label] for label in Label}
    same, other, apart = of[Label.SAME], of[Label.OTHER], of[Label.APART]
    groups = [
        *((name, Label.SAME, members, other) for kind in kinds for name, members in _by(same, kind)),
        (CHOSEN, Label.SAME, _half(same, CHOSEN_ON), _half(other, CHOSEN_ON)),
        (UNSEEN, Label.SAME, _half(same, 1 - CHOSEN_ON), _half(other, 1 - CHOSEN_ON)),
        (ALL, Label.SAME, same, other),
        *((name, Label.OTHER, members, members) for name, members in _by(other, lambda pair: pair.kind)),
        (ALL, Label.OTHER, other, other),
        (ALL, Label.APART, apart, []),
    ]
    return [
        ConfusionRow(
            set=pair_set.name,
            kind=name,
            label=label,
            method=method,
            pairs=len(members),
            called=sum(pair.ids in pairs for pair in members),
            wrong=sum(pair.ids in pairs for pair in against),
        )
        for name, label, members, against in groups
        if members
        for method, pairs in called.items()
    ]


def find_mistakes(
    pair_set: PairSet, way: str, called: Collection[Pair], calls: Mapping[Pair, PairCall]
) -> list[Mistake]:
    """Return the pairs that one way calls wrongly, with its call; pairs labelled APART are never wrong."""
    return [
        Mistake(pair=pair, way=way, call=calls.get(pair.ids, PairCall()))
        for pair in pair_set.pairs
        if pair.label is not Label.APART and (pair.ids in called) != (pair.label is Label.SAME)
    ]


def write_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Write the pairs that are called wrongly as TSV: ids, labels, and how they were called."""
    names = ("article_a", "article_b", "kind", "label", "half", "way", "method", "similarity", "evidence")
    try:
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
            writer.writerow(names)
            for mistake in mistakes:
                pair, call = mistake.pair, mistake.call
                similarity = "" if call.similarity is None else f"{call.similarity:.3f}"
                fields = (pair.kind, pair.label.value, pair.half, mistake.way, call.method, similarity, call.evidence)
                writer.writerow((*pair.ids, *fields))
    except OSError as error:
        raise SettingsError(f"{path}: the wrong pairs cannot be written there ({error})") from error


def _by(pairs: Sequence[LabelledPair], kind: KindOf) -> list[tuple[str, list[LabelledPair]]]:
    groups: dict[str, list[LabelledPair]] = defaultdict(list)
    for pair in pairs:
        groups[kind(pair)].append(pair)
    return sorted(groups.items())


def _half(pairs: Sequence[LabelledPair], half: int) -> list[LabelledPair]:
    return [pair for pair in pairs if pair.half == half]
