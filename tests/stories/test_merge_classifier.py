"""Learned joins: the same as joining the surest pair by hand, honest in training, and no chain holds a group."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.errors import SettingsError
from newsclust.evaluation.datasets import LabelledSet
from newsclust.evaluation.measures import grouping_score
from newsclust.model import Constraints, Link, Window
from newsclust.stories.clustering import AverageLinkage, MergeClassifier
from newsclust.stories.clustering.merge_classifier import train
from newsclust.stories.clustering.merge_model import COLUMNS, MergeModel, group_features, shipped_model
from tests.factories import bare_article, links_of, window_of

SEEDS = st.integers(0, 10**6)
Lesson = tuple[LabelledSet, Window, list[Link]]


def situation(seed: int, count: int, *, least: float = 0.1, share: float = 0.6) -> tuple[Window, list[Link]]:
    """Articles of both languages in three directions, and links of so many shares of all pairs, no two equal."""
    rng = np.random.default_rng(seed)
    vectors = [
        (rng.normal(size=(count, 384)) + rng.normal(size=(3, 384))[rng.integers(3, size=count)]) for _ in range(2)
    ]
    unit = [(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32) for rows in vectors]
    articles = [bare_article(f"a{n}", language=rng.choice(["en", "fr"])) for n in range(count)]
    pairs = [pair for pair in combinations([a.id for a in articles], 2) if rng.random() < share]
    return window_of(articles, *unit), links_of({pair: rng.uniform(least, 1) for pair in pairs})


def rule_of(*, offset: float, stop: float = 0.5, **coefficients: float) -> MergeModel:
    return MergeModel(
        coefficients=np.array([coefficients.get(name, 0.0) for name in COLUMNS]),
        offset=offset,
        feature_means=np.zeros(len(COLUMNS)),
        threshold=stop,
        trained_on=frozenset(),
    )


# ---------------------------------------------------------------- the groups


def joined_by_hand(clusterer: MergeClassifier, window: Window, links: Sequence[Link]) -> set[frozenset[str]]:
    """Ask for every two groups anew what the rule says of them, and join the surest, until none is sure enough."""
    groups = {frozenset({article}) for article in window.ids}
    while True:
        asked = [(clusterer.assess(window, links, a, b), a, b) for a, b in combinations(groups, 2)]
        chances = {(a, b): judged.probability for judged, a, b in asked if judged}
        one, other = max(chances, key=lambda pair: chances[pair], default=(frozenset(), frozenset()))
        if not one or chances[one, other] < clusterer.threshold:
            return groups
        groups = (groups - {one, other}) | {one | other}


@settings(max_examples=25)
@given(SEEDS, st.sampled_from([0.05, 0.2, 0.35, 0.5]))
def test_the_groups_are_those_of_joining_the_surest_pair_again_and_again(seed: int, cut: float) -> None:
    window, links = situation(seed, 6, least=0.2)
    clusterer = MergeClassifier(threshold=cut)
    assert set(clusterer.cluster(window, links)) == joined_by_hand(clusterer, window, links)


@settings(max_examples=50)
@given(SEEDS)
def test_a_rule_that_asks_for_the_mean_alone_is_average_linkage(seed: int) -> None:
    window, links = situation(seed, 10)
    by_mean = MergeClassifier(model=rule_of(mean=4, offset=-2))  # a chance of one half where the mean is one half
    assert by_mean.cluster(window, links) == AverageLinkage(cut=0.5).cluster(window, links)


@settings(max_examples=50)
@given(SEEDS, st.lists(st.floats(0.01, 1), min_size=2, max_size=5))
def test_every_group_of_a_stricter_cut_lies_within_one_of_a_more_lenient_cut(seed: int, cuts: list[float]) -> None:
    window, links = situation(seed, 10)
    by_cut = [MergeClassifier(threshold=cut).cluster(window, links) for cut in sorted(cuts, reverse=True)]
    for strict, lenient in pairwise(by_cut):
        assert all(any(group <= larger for larger in lenient) for group in strict)


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=9))
def test_a_chain_of_weak_links_holds_nothing(probabilities: list[float]) -> None:
    names = [f"a{number}" for number in range(len(probabilities) + 1)]
    links = links_of(dict(zip(pairwise(names), probabilities, strict=True)))
    assert MergeClassifier().cluster(window_of(names), links) == [{name} for name in names]


@pytest.mark.parametrize("probability", [0.6, 0.8, 0.9])
def test_a_chain_of_strong_links_does_not_run_through_its_articles(probability: float) -> None:
    names = [f"a{number}" for number in range(9)]
    links = links_of(dict.fromkeys(pairwise(names), probability))
    assert max(map(len, MergeClassifier().cluster(window_of(names), links))) <= 3


@settings(max_examples=50)
@given(SEEDS)
def test_links_under_a_tenth_tell_nothing(seed: int) -> None:
    window, links = situation(seed, 8, least=0)
    told = [link for link in links if link.probability >= 0.1]
    clusterer = MergeClassifier(threshold=0.05)
    assert clusterer.cluster(window, links) == clusterer.cluster(window, told)


def test_the_meaning_of_whole_groups_decides_where_their_links_do_not() -> None:
    links = links_of({("a", "b"): 0.6, ("c", "d"): 0.6})
    vectors = window_of("abcd").vectors
    alike = window_of("abcd", vectors[[0, 0, 2, 3]])  # a and b point the same way
    by_meaning = MergeClassifier(model=rule_of(cosine=10, offset=-8))
    assert by_meaning.cluster(alike, links) == [{"a", "b"}, {"c"}, {"d"}]


@settings(max_examples=50)
@given(SEEDS, st.data())
def test_articles_held_apart_are_apart_however_much_joins_around_them(seed: int, data: st.DataObject) -> None:
    window, links = situation(seed, 9, share=0.9)
    pairs = st.sampled_from(list(combinations(window.ids, 2))).map(frozenset)
    apart = frozenset(data.draw(st.sets(pairs, min_size=1, max_size=12)))
    groups = MergeClassifier(threshold=0.01).cluster(window, links, Constraints(apart=apart))
    assert not any(pair <= group for pair in apart for group in groups)


def test_vectors_of_another_model_are_refused_with_what_to_choose_instead() -> None:
    with pytest.raises(SettingsError, match="AverageLinkage"):
        MergeClassifier().cluster(window_of("ab", model="some/other-model"), [])


@pytest.mark.parametrize("cut", [0, -0.1, 1.01])
def test_a_cut_that_is_no_probability_is_refused(cut: float) -> None:
    with pytest.raises(ValueError, match="threshold is"):
        MergeClassifier(threshold=cut)


def test_the_cut_is_the_rules_own_unless_it_is_given() -> None:
    assert MergeClassifier().threshold == shipped_model().threshold
    assert MergeClassifier(threshold=0.9).threshold == 0.9


# ---------------------------------------------------------------- what the rule is told


def told_by_hand(
    matrix: NDArray[np.float64], *, cosine: float, cohesions: tuple[float, float], two_languages: float
) -> dict[str, float]:
    """Each column from its definition, number by number."""
    rows = [[float(p) for p in row] for row in matrix]
    columns = [list(column) for column in zip(*rows, strict=True)]
    every = sorted((p for row in rows for p in row), reverse=True)

    def mean(numbers: Sequence[float]) -> float:
        return sum(numbers) / len(numbers)

    def logit(p: float, margin: float) -> float:
        kept = min(max(p, margin), 1 - margin)
        return math.log(kept / (1 - kept))

    best = [[max(partners) for partners in side] for side in (rows, columns)]
    smaller = min(best, key=lambda side: (len(side), mean(side), min(side)))
    fewer, more = sorted(math.log(len(side)) for side in best)
    mean_best = mean([mean(side) for side in best])
    return {
        "mean": mean(every),
        "mean_logit": mean([logit(p, 0.005) for p in every]),
        "largest": every[0],
        "mean_best": mean_best,
        "smaller_mean_best": mean(smaller),
        "smaller_least_best": min(smaller),
        "upper_quarter": mean(every[: max(1, len(every) // 4)]),
        "cosine": cosine,
        "looser": min(cohesions),
        "tighter": max(cohesions),
        "mean_over_looser": mean(every) / min(cohesions),
        "smaller_size": fewer,
        "larger_size": more,
        "larger_size_x_mean": more * mean(every),
        "larger_size_x_mean_best": more * mean_best,
        "larger_size_x_cosine": more * cosine,
        "smaller_size_x_mean": fewer * mean(every),
        "logit_of_mean": logit(mean(every), 1e-4),
        "logit_of_largest": logit(every[0], 1e-4),
        "two_languages": two_languages,
    }


@given(SEEDS, st.integers(1, 5), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_the_rule_is_told_what_the_columns_say_whichever_group_is_named_first(
    seed: int, height: int, widths: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    # With zeros and equal values, as links leave them.
    matrices = [rng.choice([0.0, 0.004, 0.3, 0.7, 1.0, rng.random()], size=(height, width)) for width in widths]
    cosine, tight, tighter, two_languages = rng.uniform(0.01, 1, size=(4, len(widths)))
    there = group_features(
        np.concatenate(matrices, axis=1),
        np.array(widths),
        cosine=cosine,
        cohesions=(tight, tighter),
        two_languages=two_languages,
    )
    for n, matrix in enumerate(matrices):
        by_hand = told_by_hand(
            matrix,
            cosine=cosine[n],
            cohesions=(tight[n], tighter[n]),
            two_languages=two_languages[n],
        )
        assert tuple(by_hand) == COLUMNS
        assert dict(zip(COLUMNS, there[n].tolist(), strict=True)) == pytest.approx(by_hand, abs=1e-9)
        (back,) = group_features(
            matrix.T,
            np.array([height]),
            cosine=cosine[[n]],
            cohesions=(tighter[[n]], tight[[n]]),
            two_languages=two_languages[[n]],
        )
        assert back.tolist() == pytest.approx(there[n].tolist(), abs=1e-9)


# ---------------------------------------------------------------- the rule


@given(st.lists(st.floats(-9, 9), min_size=2 * len(COLUMNS), max_size=2 * len(COLUMNS)), st.floats(0.01, 1))
def test_a_rule_comes_back_from_json_as_it_was(numbers: list[float], stop: float) -> None:
    rule = MergeModel(
        coefficients=np.array(numbers[: len(COLUMNS)]),
        offset=numbers[0],
        feature_means=np.array(numbers[len(COLUMNS) :]),
        threshold=stop,
        trained_on=frozenset({"one", "two"}),
    )
    again = MergeModel.from_json(json.loads(json.dumps(rule.to_json())))
    assert again.coefficients.tolist() == rule.coefficients.tolist()
    assert again.feature_means.tolist() == rule.feature_means.tolist()
    assert (again.offset, again.threshold, again.trained_on) == (rule.offset, rule.threshold, rule.trained_on)


def test_the_columns_of_a_stored_rule_are_read_by_name_and_none_may_be_missing() -> None:
    held = shipped_model().to_json()
    turned = held | {"coefficients": dict(reversed(held["coefficients"].items()))}
    assert MergeModel.from_json(turned).coefficients.tolist() == shipped_model().coefficients.tolist()
    del turned["coefficients"]["cosine"]
    with pytest.raises(KeyError, match="cosine"):
        MergeModel.from_json(turned)


# ---------------------------------------------------------------- training

TRUE = ("a", "a", "a", "b", "b", "c", "c", "d", "e")
FALSE = ("a", "b", "c", "a", "b", "c", "d", "e", "d")  # nothing stays together that TRUE has together


def lesson(name: str, *, stories: Sequence[str] = TRUE, truth: Sequence[str] = TRUE, seed: int = 0) -> Lesson:
    """Articles of this set's own titles, labelled `stories`; their links mostly know the `truth`."""
    rng = np.random.default_rng([seed, *name.encode()])
    articles = tuple(bare_article(f"{name}{n}", f"{name} title {n}") for n in range(len(truth)))
    links = links_of(
        {
            (articles[a].id, articles[b].id): rng.uniform(0.35, 0.95) if truth[a] == truth[b] else rng.uniform(0, 0.6)
            for a, b in combinations(range(len(truth)), 2)
        }
    )
    return LabelledSet(name=name, articles=articles, stories=tuple(stories)), window_of(articles), links


def in_several_sizes() -> list[Lesson]:
    """Three sets that can be told by the number of their articles."""
    return [lesson(name, stories=TRUE + more, truth=TRUE + more) for name, more in zip("xyz", EXTRA, strict=True)]


EXTRA: list[tuple[str, ...]] = [(), ("f",), ("f", "f")]


def chance_of_a_pair(rule: MergeModel, probability: float) -> float:
    judged = MergeClassifier(model=rule).assess(window_of("ab"), links_of({("a", "b"): probability}), "a", "b")
    assert judged
    return judged.probability


def test_training_on_the_same_sets_in_any_order_gives_the_same_rule() -> None:
    sets = in_several_sizes()
    there, back = (train(order, grouping_score) for order in (sets, sets[::-1]))
    assert back.to_json() == there.to_json()
    assert there.trained_on == {labelled.fingerprint for labelled, _, _ in sets}


def test_labels_are_what_is_learned() -> None:
    """The same links with labels that contradict them teach the opposite: nothing else could have been learned."""
    right = train([lesson("one"), lesson("two")], grouping_score)
    wrong = train([lesson("one", stories=FALSE), lesson("two", stories=FALSE)], grouping_score)
    assert chance_of_a_pair(right, 0.9) > chance_of_a_pair(right, 0.2)
    assert chance_of_a_pair(right, 0.9) > 0.5 > chance_of_a_pair(wrong, 0.9)


Heard = dict[int, list[tuple[int, ...]]]


def groups_scored(sets: Sequence[Lesson]) -> Heard:
    """What is found in each set when training scores it, by the number of the set's articles."""
    heard: Heard = {}

    def score(found: Sequence[int], stories: Sequence[str]) -> float:
        heard.setdefault(len(stories), []).append(tuple(found))
        return 0.0

    train(sets, score)
    return heard


def test_the_cut_is_scored_on_groups_made_without_the_sets_own_labels() -> None:
    sets = in_several_sizes()
    before = groups_scored(sets)
    for place, (labelled, window, links) in enumerate(sets):
        size = len(labelled.articles)
        relabelled = replace(labelled, stories=(FALSE + EXTRA[place])[:size])
        after = groups_scored([*sets[:place], (relabelled, window, links), *sets[place + 1 :]])
        assert after[size] == before[size]
        assert after != before  # the others did learn from it


def test_the_cut_is_the_one_that_scores_best() -> None:
    sets = in_several_sizes()
    many = train(sets, lambda found, stories: len(set(found)))
    few = train(sets, lambda found, stories: -len(set(found)))
    assert many.threshold > few.threshold


def test_a_clusterer_retrained_without_a_set_has_not_seen_it_and_refuses_to() -> None:
    kept, left_out = [lesson("one"), lesson("two")], lesson("three")
    without = {left_out[0].fingerprint}
    again = MergeClassifier().retrained(without, kept, grouping_score)
    assert again.trained_on == {labelled.fingerprint for labelled, _, _ in kept}
    with pytest.raises(ValueError, match="to leave out"):
        MergeClassifier().retrained(without, [*kept, left_out], grouping_score)


def test_a_cut_that_a_person_chose_stays_when_the_rule_is_learned_again() -> None:
    kept = [lesson("one"), lesson("two")]
    assert MergeClassifier(threshold=0.87).retrained((), kept, grouping_score).threshold == 0.87
    learned = MergeClassifier().retrained((), kept, grouping_score)
    assert learned.threshold == learned.model.threshold


ALONE, TOGETHER = tuple("abcdefghi"), ("a",) * 9


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (list, "two labelled sets"),
        (lambda: [lesson("one")], "two labelled sets"),
        (lambda: [lesson(name, stories=ALONE) for name in ("one", "two")], "of one kind"),
        (lambda: [lesson(name, stories=TOGETHER) for name in ("one", "two")], "of one kind"),
        (lambda: [(*lesson(name)[:2], []) for name in ("one", "two")], "of one kind"),
        (lambda: [lesson(name, stories="a", truth="a") for name in ("one", "two")], "of one kind"),
    ],
    ids=["no set", "one set", "no stories", "one story", "no links", "one article"],
)
def test_sets_that_teach_nothing_are_refused(sets: Callable[[], list[Lesson]], said: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot train.*{said}"):
        train(sets(), grouping_score)
