"""What methods call the same, counted against what people say: rows of figures, and the pairs that are wrong."""

import csv
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsclust.errors import SettingsError
from newsclust.evaluation.pairs import CHOSEN_ON, Label, LabelledPair, Pair, PairSet

CHOSEN, UNSEEN, ALL = "half 0 (thresholds)", "half 1", "all"

Kind = Callable[[LabelledPair], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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
        """None when nothing is called the same."""
        return self.called / (self.called + self.wrong) if self.called + self.wrong else None

    @property
    def recall(self) -> float:
        return self.called / self.pairs

    @property
    def f1(self) -> float:
        return 2 * self.called / (self.pairs + self.called + self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a method says of one pair; without a method of sameness the evidence is why it is not called the same."""

    method: str = ""
    similarity: float | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A pair that a method calls wrongly: the same that is not, or not the same that is."""

    pair: LabelledPair
    way: str
    said: Said


def rows_of(given: PairSet, called: Mapping[str, Collection[Pair]], kinds: Sequence[Kind]) -> list[Row]:
    """Return what each method calls the same: of pairs that are, by kinds, halves and all; then of the others."""
    of = {label: [pair for pair in given.pairs if pair.label is label] for label in Label}
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
        Row(
            set=given.name,
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


def mistakes_of(given: PairSet, way: str, called: Collection[Pair], said: Mapping[Pair, Said]) -> list[Mistake]:
    """Return the pairs that one way calls wrongly, with what it says of them; what stands apart is never wrong."""
    return [
        Mistake(pair=pair, way=way, said=said.get(pair.ids, Said()))
        for pair in given.pairs
        if pair.label is not Label.APART and (pair.ids in called) != (pair.label is Label.SAME)
    ]


def write_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Leave the pairs that are called wrongly as TSV: ids, labels, and what was said of them."""
    names = ("article_a", "article_b", "kind", "label", "half", "way", "method", "similarity", "evidence")
    try:
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
            writer.writerow(names)
            for one in mistakes:
                pair, said = one.pair, one.said
                similarity = "" if said.similarity is None else f"{said.similarity:.3f}"
                told = (pair.kind, pair.label.value, pair.half, one.way, said.method, similarity, said.evidence)
                writer.writerow((*pair.ids, *told))
    except OSError as error:
        raise SettingsError(f"{path}: the wrong pairs cannot be written there ({error})") from error


def _by(pairs: Sequence[LabelledPair], kind: Kind) -> list[tuple[str, list[LabelledPair]]]:
    groups: dict[str, list[LabelledPair]] = defaultdict(list)
    for pair in pairs:
        groups[kind(pair)].append(pair)
    return sorted(groups.items())


def _half(pairs: Sequence[LabelledPair], half: int) -> list[LabelledPair]:
    return [pair for pair in pairs if pair.half == half]
