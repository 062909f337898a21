"""Measures of a grouping against a gold grouping.

All take two label sequences of the same length and compare which items stand together; names of labels do not
matter. All scores are between 0 and 1; where nothing is to be found (no gold pair, say) and nothing was, a score
is 1.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Labels = Sequence[Hashable]
GroupingScore = Callable[[Labels, Labels], float]  # of a found grouping and the gold one: more is better


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRecall:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 when both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def b_cubed(found: Labels, gold: Labels, *, only: Sequence[bool] | None = None) -> PrecisionRecall:
    """Return B-cubed precision and recall (Bagga and Baldwin 1998), averaged over the items that `only` marks."""
    together = Counter(zip(found, gold, strict=True))
    found_size, gold_size = Counter(found), Counter(gold)
    marked = [
        (f, g) for position, (f, g) in enumerate(zip(found, gold, strict=True)) if only is None or only[position]
    ]
    if not marked:
        return PrecisionRecall(precision=1.0, recall=1.0)
    return PrecisionRecall(
        precision=sum(together[f, g] / found_size[f] for f, g in marked) / len(marked),
        recall=sum(together[f, g] / gold_size[g] for f, g in marked) / len(marked),
    )


def grouping_score(found: Labels, gold: Labels) -> float:
    """Return the training objective of stories: pairwise F1, steadied by twice the B-cubed F1."""
    return pairwise(found, gold).f1 + 2 * b_cubed(found, gold).f1


def in_a_pair(gold: Labels) -> list[bool]:
    """Mark the items whose gold group has more than one item."""
    size = Counter(gold)
    return [size[label] > 1 for label in gold]


def pairwise(found: Labels, gold: Labels, *, sides: Labels | None = None) -> PrecisionRecall:
    """Return precision and recall over unordered pairs of items; with `sides`, over pairs of different sides only.

    With the language of each item as its side this measures how well stories span languages.
    """
    hits = pairs(list(zip(found, gold, strict=True)), sides)
    found_pairs, gold_pairs = pairs(found, sides), pairs(gold, sides)
    return PrecisionRecall(
        precision=hits / found_pairs if found_pairs else 1.0 if not gold_pairs else 0.0,
        recall=hits / gold_pairs if gold_pairs else 1.0,
    )


def pairs(labels: Labels, sides: Labels | None = None) -> int:
    """Count the unordered pairs of equal labels; with sides, those whose sides differ."""
    together = sum(n * (n - 1) // 2 for n in Counter(labels).values())
    return together if sides is None else together - pairs(list(zip(labels, sides, strict=True)))


def exact(found: Labels, gold: Labels) -> float:
    """Return the share of gold groups of two or more items that were found with exactly their items."""
    found_groups = {frozenset(items) for items in _groups(found)}
    gold_groups = [frozenset(items) for items in _groups(gold) if len(items) > 1]
    return sum(group in found_groups for group in gold_groups) / len(gold_groups) if gold_groups else 1.0


def homogeneity_and_completeness(found: Labels, gold: Labels) -> tuple[float, float]:
    """Return the two halves of the V-measure (Rosenberg and Hirschberg 2007)."""
    from sklearn.metrics import homogeneity_completeness_v_measure

    names = {label: number for number, label in enumerate(dict.fromkeys(gold))}
    others = {label: number for number, label in enumerate(dict.fromkeys(found))}
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(
        [names[label] for label in gold], [others[label] for label in found]
    )
    return float(homogeneity), float(completeness)


def _groups(labels: Labels) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        groups[label].append(position)
    return list(groups.values())
