"""The pair model: what it looks at, that each pair is judged by itself, and that it learns from what it is given."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.centering import shipped_mean
from newsclust.errors import SettingsError
from newsclust.evaluation.datasets import LabelledSet
from newsclust.model import Article, Link, Window
from newsclust.stories.pairs import PairModel
from newsclust.stories.pairs.classifier import PairWeights, design_matrix, shipped_weights, train
from newsclust.stories.pairs.features import (
    COLUMN_INDEX,
    COLUMNS,
    candidate_pairs,
    feature_inputs,
    pair_features,
    shared_names,
)
from newsclust.stories.pairs.word_rarity import (
    Word,
    count_words,
    is_name,
    merge_counts,
    rarity,
    shipped_counts,
    split_words,
    stem,
)
from tests.factories import bare_article, window_of

TOLD = [
    ("Veloria cuts 300 jobs at its Brest plant", "The battery maker Veloria told staff in Brest on Monday.", "en"),
    ("Veloria supprime 300 postes à Brest", "Le fabricant de batteries Veloria l'a dit à ses salariés lundi.", "fr"),
    ("Brest plant of Veloria loses 300 workers", "Unions say that Veloria gave them an hour's notice.", "en"),
    ("Quantum lab cools a chip to a new record", "Physicists in Delft reached two millikelvin.", "en"),
    ("Un laboratoire refroidit une puce", "Des physiciens de Delft ont atteint deux millikelvins.", "fr"),
    ("Ferry strike enters its second week", "Crews at Marram Lines want a new contract.", "en"),
]


def article(place: int, title: str, text: str, language: str, *, hours: float = 0, outlet: str = "") -> Article:
    outlet = outlet or f"outlet-{place}.example"
    return bare_article(f"a{place}", title, text, language=language, outlet=outlet, hours=hours)


ARTICLES = [article(place, *told) for place, told in enumerate(TOLD)]


def directions(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors as the default model makes them: much in common, and the first three, and the next two, more."""
    rng = np.random.default_rng(seed)
    near = np.array([0, 0, 0, 1, 1, 2, 0, 0, 0])[:count]
    own = rng.normal(size=(count, 384)) * 0.5 + rng.normal(size=(3, 384))[near]
    vectors = shipped_mean() + 0.35 * own / np.linalg.norm(own, axis=1, keepdims=True)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def probabilities(links: list[Link]) -> dict[tuple[str, str], float]:
    return {(link.article_a, link.article_b): link.probability for link in links}


# ---------------------------------------------------------------- words


def test_inflections_of_both_languages_meet_and_numbers_stay_whole() -> None:
    assert stem("licencie") == stem("licenciement") == stem("licenciements")
    assert stem("layoffs") == stem("layoff")
    assert stem("2.0") == "2.0"
    assert stem("rtx4060s") == "rtx4060s"


def test_words_lose_accents_and_remember_their_capital() -> None:
    assert split_words("L’État cède 14,5 % à OpenAI") == [
        Word(folded="etat", marked=True),
        Word(folded="cede", marked=False),
        Word(folded="14,5", marked=True),
        Word(folded="openai", marked=True),
    ]


def test_frequencies_count_texts_once_and_names_by_how_they_are_written() -> None:
    table = count_words(
        [("Veloria", "Veloria and Veloria"), ("a plant", "a plant grew"), ("Plant", "this plant")], min_count=1
    )
    assert (table.documents, table.stems["veloria"], table.stems["plant"]) == (3, 1, 2)
    assert is_name(table, Word(folded="veloria", marked=True))
    assert not is_name(table, Word(folded="plant", marked=True))
    assert is_name(table, Word(folded="14", marked=True))
    assert rarity(table, "never-seen") > rarity(table, "veloria") > rarity(table, "plant")


TEXTS = st.lists(st.tuples(st.sampled_from(["Veloria", "a plant", "Brest plant"]), st.text("aAbB 1", max_size=12)))


@given(TEXTS, TEXTS)
def test_counts_of_two_collections_together_are_those_of_counting_both_at_once(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    at_once = count_words([*one, *other])
    for summed in (
        merge_counts(count_words(one), count_words(other)),
        merge_counts(count_words(other), count_words(one)),
    ):
        assert summed.documents == at_once.documents == len(one) + len(other)
        assert summed.stems == at_once.stems
        assert summed.case_counts == at_once.case_counts


def test_words_seen_less_often_than_asked_are_left_out() -> None:
    told = [("Veloria", "Veloria grew"), ("Veloria", "the plant"), ("strike", "a plant")]
    assert count_words(told, min_count=2).stems == {"plant": 2, "veloria": 2}
    assert count_words(told, min_count=2).case_counts == {"plant": (0, 2)}
    assert count_words(told, min_count=2).documents == 3


def test_adding_counts_leaves_the_given_ones_as_they_were() -> None:
    shipped, known = count_words([("Veloria", "Veloria")]), count_words([("Veloria", "Veloria")])
    merge_counts(shipped, count_words([("Veloria", "veloria")]))
    assert shipped == known


def test_the_shipped_table_knows_tech_news() -> None:
    table = shipped_counts()
    assert table.documents > 10_000
    assert is_name(table, Word(folded="nvidia", marked=True))
    assert rarity(table, "the") < 1 < rarity(table, stem("semiconductor"))


# ---------------------------------------------------------------- evidence


def test_evidence_has_one_column_a_name_and_is_the_same_from_both_sides() -> None:
    seen = feature_inputs(window_of(ARTICLES, directions(6)), shipped_counts())
    one, other = np.triu_indices(6, 1)
    there, back = pair_features(seen, (one, other)), pair_features(seen, (other, one))
    assert there.shape == (15, len(COLUMNS))
    assert np.allclose(there, back)
    assert np.isfinite(there).all()


def test_names_are_found_across_languages_and_told_by_their_rarity() -> None:
    seen = feature_inputs(window_of(ARTICLES, directions(6)), shipped_counts())
    assert "veloria" in shared_names(seen, 0, 1)
    rows = pair_features(seen, (np.array([0, 0]), np.array([1, 5])))
    assert rows[0, COLUMN_INDEX["lead_names"]] > rows[1, COLUMN_INDEX["lead_names"]] == 0
    assert rows[:, COLUMN_INDEX["two_languages"]].tolist() == [1, 0]


def test_no_pairs_have_no_evidence_and_no_candidates_are_too_far_apart() -> None:
    seen = feature_inputs(window_of(ARTICLES, directions(6)), shipped_counts())
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert pair_features(seen, nothing).shape == (0, len(COLUMNS))
    everything = np.array([0.0, 0.0, 0.0, 1.0])
    assert len(candidate_pairs(seen, everything, days_apart=1)[0]) == 15
    late = [*ARTICLES[:5], article(5, *TOLD[5], hours=72)]
    one, other = candidate_pairs(
        feature_inputs(window_of(late, directions(6)), shipped_counts()), everything, days_apart=2
    )
    assert 5 not in {*one.tolist(), *other.tolist()}


# ---------------------------------------------------------------- the model


def test_articles_of_one_event_are_linked_and_strangers_are_not() -> None:
    found = probabilities(PairModel().link(window_of(ARTICLES, directions(6))))
    assert found["a0", "a2"] > 0.5
    assert ("a0", "a5") not in found
    assert ("a2", "a3") not in found


@settings(max_examples=20)
@given(st.permutations(range(6)))
def test_the_order_of_the_articles_changes_nothing(order: list[int]) -> None:
    vectors = directions(6)
    there = PairModel(floor=0).link(window_of(ARTICLES, vectors))
    shuffled = PairModel(floor=0).link(window_of([ARTICLES[i] for i in order], vectors[order]))
    assert probabilities(there) == pytest.approx(probabilities(shuffled), abs=2e-6)


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 1000))
def test_an_unrelated_article_changes_no_link(more: int, seed: int) -> None:
    before = probabilities(PairModel(floor=0).link(window_of(ARTICLES, directions(6))))
    others = [article(10 + n, f"Recipe number {n} for lentil soup", "Onions first.", "en") for n in range(more)]
    vectors = np.concatenate([directions(6), directions(more, seed + 1)])
    after = probabilities(PairModel(floor=0).link(window_of([*ARTICLES, *others], vectors)))
    assert {pair: after[pair] for pair in before} == pytest.approx(before, abs=2e-6)


@given(st.sets(st.integers(0, 5)))
def test_articles_compared_night_by_night_get_the_links_they_get_at_once(tonight: set[int]) -> None:
    vectors, model = directions(6), PairModel(floor=0)
    before = [place for place in range(6) if place not in tonight]
    links = model.link(window_of([ARTICLES[i] for i in before], vectors[before]))
    links += model.link(window_of(ARTICLES, vectors), {ARTICLES[i].id for i in tonight})
    at_once = probabilities(model.link(window_of(ARTICLES, vectors)))
    assert len(links) == len(at_once)
    assert probabilities(links) == pytest.approx(at_once, abs=2e-6)


def test_a_name_that_earlier_nights_were_full_of_counts_for_less() -> None:
    window = window_of(ARTICLES, directions(6))
    full = replace(window, words=count_words([("Veloria", "Veloria")] * 9000))

    def told(links: list[Link]) -> float:
        return next(link.evidence["both say veloria"] for link in links if link.article_b == "a2")

    assert told(PairModel().link(full)) < told(PairModel().link(window))


def test_every_link_says_what_it_rests_on_in_words() -> None:
    links = PairModel().link(window_of(ARTICLES, directions(6)))
    (link,) = [link for link in links if (link.article_a, link.article_b) == ("a0", "a2")]
    assert {"meaning", "names in common", "words in common", "days apart"} <= link.evidence.keys()
    assert "both say veloria" in link.evidence


def test_the_contributions_of_a_link_add_up_to_its_logit() -> None:
    weights = shipped_weights()
    links = PairModel(floor=0).link(window_of(ARTICLES, directions(6)))
    usual = float(weights.feature_means @ weights.coefficients + weights.offset)
    for link in links:
        told = sum(value for kind, value in link.evidence.items() if not kind.startswith("both say"))
        assert 1 / (1 + np.exp(-(usual + told))) == pytest.approx(link.probability, abs=2e-3)


def test_vectors_of_another_model_are_refused_with_what_to_choose_instead() -> None:
    with pytest.raises(SettingsError, match="CentredCosine"):
        PairModel().link(window_of(ARTICLES, directions(6), model="some/other-model"))


@pytest.mark.parametrize("few", [0, 1])
def test_fewer_than_two_articles_have_no_links(few: int) -> None:
    assert PairModel().link(window_of(ARTICLES[:few], directions(6)[:few])) == []


# ---------------------------------------------------------------- training


# Much like the first story, and another one: what a screen lets through without being a pair.
ALIKE = [
    ("Veloria opens a second plant in Lyon", "The battery maker Veloria hires in Lyon.", "en"),
    ("Veloria ouvre une usine à Lyon", "Le fabricant de batteries Veloria embauche à Lyon.", "fr"),
    ("Brest council votes a tram line", "The plant workers of Brest will have a stop.", "en"),
]
TRUE = ("cuts", "cuts", "cuts", "cold", "cold", "strike", "opens", "opens", "tram")
FALSE = ("x", "y", "z", "x", "y", "z", "x", "y", "z")  # articles that have little in common


def lesson(name: str, stories: tuple[str, ...], seed: int) -> tuple[LabelledSet, Window]:
    articles = tuple(article(n, f"{told[0]} {name}", *told[1:]) for n, told in enumerate([*TOLD, *ALIKE]))
    labelled = LabelledSet(name=name, articles=articles, stories=stories)
    return labelled, window_of(articles, directions(9, seed))


def test_training_twice_on_the_same_sets_gives_the_same_weights() -> None:
    lessons = [lesson("one", TRUE, 1), lesson("two", TRUE, 2)]
    one, two = train(lessons), train(lessons)
    assert np.array_equal(one.coefficients, two.coefficients)
    assert one.trained_on == {labelled.fingerprint for labelled, _ in lessons}
    again = PairWeights.from_json(one.to_json())
    assert np.array_equal(again.coefficients, one.coefficients)
    assert again.trained_on == one.trained_on


def test_a_model_retrained_without_a_set_has_not_seen_it_and_refuses_to() -> None:
    kept, left_out = [lesson("one", TRUE, 1), lesson("two", TRUE, 2)], lesson("three", TRUE, 3)
    model = PairModel().retrained({left_out[0].fingerprint}, kept)
    assert left_out[0].fingerprint not in model.trained_on
    with pytest.raises(ValueError, match="to leave out"):
        PairModel().retrained({left_out[0].fingerprint}, [*kept, left_out])


def test_labels_are_what_is_learned() -> None:
    """The same texts with labels that contradict them teach the opposite: nothing else could have been learned."""
    right = train([lesson("one", TRUE, 1), lesson("two", TRUE, 2)])
    wrong = train([lesson("one", FALSE, 1), lesson("two", FALSE, 2)])
    seen = feature_inputs(window_of(ARTICLES, directions(6)), shipped_counts())
    columns = design_matrix(pair_features(seen, (np.array([0]), np.array([2]))))
    assert columns @ right.coefficients + right.offset > columns @ wrong.coefficients + wrong.offset
