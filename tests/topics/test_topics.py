"""Themes among stories, found whatever the order, and called by words that tell them from the others."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.centering import SHIPPED_FOR
from newsclust.topics import Story, Topic, find_topics, min_cosine, project, projection
from newsclust.topics.labels import label_groups
from newsclust.topics.projection import DIMENSIONS, LabelledTopics, train_projection

MIN = 4
WINDOW = Path(__file__).parents[3] / "shared/data/stories/tech_2026-05_A.jsonl"


def story(name: str, *texts: str, language: str = "en") -> Story:
    return Story(id=name, texts=tuple((language, text) for text in texts or (f"Nothing much about {name}.",)))


def around(axis: int, count: int, *, seed: int, spread: float = 0.05) -> NDArray[np.float32]:
    """Unit vectors close to one axis of eight."""
    drawn = np.eye(8)[axis] + spread * np.random.default_rng(seed).normal(size=(count, 8))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def two_clusters(alone: int = 0) -> tuple[list[Story], NDArray[np.float32]]:
    """Six stories of chips, six of courts, and some that have nothing to do with either or each other."""
    chips = [story(f"chip{i}", f"The foundry makes wafers and lasers, batch {i}.") for i in range(6)]
    courts = [story(f"court{i}", f"The judge hears an appeal on patents, case {i}.") for i in range(6)]
    others = [story(f"other{i}") for i in range(alone)]
    axes = -np.eye(8, dtype=np.float32)[2 : 2 + alone]
    return [*chips, *courts, *others], np.concatenate([around(0, 6, seed=1), around(1, 6, seed=2), axes])


def members(topics: Iterable[Topic]) -> set[frozenset[str]]:
    return {topic.stories for topic in topics}


def test_two_clusters_are_two_topics_and_stories_in_neither_are_left_out() -> None:
    stories, vectors = two_clusters(alone=4)
    topics = find_topics(stories, vectors, min_stories=MIN)
    assert members(topics) == {
        frozenset(f"chip{i}" for i in range(6)),
        frozenset(f"court{i}" for i in range(6)),
    }


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_stories_changes_nothing(rng: random.Random) -> None:
    # coarse coordinates: many equal distances, which HDBSCAN decides by the order of its rows
    vectors = np.random.default_rng(7).choice([-0.5, 0.5], size=(40, 4)).astype(np.float32)
    stories = [story(f"s{i:02}") for i in range(40)]
    order = list(range(len(stories)))
    rng.shuffle(order)
    found = find_topics(stories, vectors, min_stories=MIN)
    assert found
    assert find_topics([stories[i] for i in order], vectors[order], min_stories=MIN) == found


def test_too_few_stories_have_no_topics() -> None:
    stories, vectors = two_clusters()
    assert find_topics(stories[:7], vectors[:7], min_stories=MIN) == []
    assert find_topics([], np.zeros((0, 0), np.float32), min_stories=MIN) == []


def test_a_topic_names_its_strengths_and_one_of_its_stories_as_the_central_one() -> None:
    stories, vectors = two_clusters(alone=4)
    for topic in find_topics(stories, vectors, min_stories=MIN):
        assert topic.centroid_similarities.keys() == topic.stories
        assert all(0 < strength <= 1 for strength in topic.centroid_similarities.values())
        assert topic.central_story in topic.stories


def words_of_first(texts: list[tuple[str, ...]], *, outlets: Iterable[str] = (), language: str = "en") -> Topic:
    """The topic of six stories with these texts, beside six of courts."""
    stories, vectors = two_clusters()
    told = [story(f"chip{i}", *texts[i % len(texts)], language=language) for i in range(6)]
    return find_topics([*told, *stories[6:]], vectors, min_stories=MIN, outlets=list(outlets))[0]


def test_a_label_holds_the_words_of_its_stories_and_neither_stop_words_nor_numbers() -> None:
    texts = [
        "The foundry says: 40 wafers, and lasers.",
        "By 2031 the lasers aren’t wafers; a foundry.",
        "Wafers! Lasers!",
    ]
    words = words_of_first([(text,) for text in texts])
    assert words.words_en == ("lasers", "wafers", "foundry")
    assert words.label == "lasers, wafers, foundry"
    assert words.words_fr == ()


def test_a_label_holds_no_outlets_name() -> None:
    texts = [
        ("At Gazette Nova, the foundry; wafers.", "wafers, by gazette-nova"),
        ("wafers, says The Lamp", "The foundry, says Lamp"),
    ]
    assert {"Gazette Nova", "gazette-nova", "Lamp"} <= set(words_of_first(texts).words_en)
    named = words_of_first(texts, outlets=["www.gazette-nova.example", "The Lamp - All articles"]).words_en
    assert named == ("wafers", "foundry")


def test_a_word_of_an_outlets_name_is_a_term_where_the_name_is_not_meant() -> None:
    texts = [("The Android Almanac: wafers.", "It is Android, again, and wafers.")]
    assert set(words_of_first(texts, outlets=["Android Almanac"]).words_en) == {"Android", "wafers"}


def test_french_topics_are_called_in_french_without_elisions_or_stop_words() -> None:
    texts = [
        ("Hier, l’usine; des plaquettes pour l'Europe.",),
        ("Selon nous, plaquettes d’usine en Europe",),
    ]
    topic = words_of_first(texts, language="fr")
    assert topic.words_fr == ("Europe", "plaquettes", "usine")
    assert topic.label == "Europe, plaquettes, usine"


def test_a_label_speaks_the_language_of_most_articles_and_both_are_kept() -> None:
    stories, vectors = two_clusters()
    texts = (("fr", "Les plaquettes."), ("fr", "Des plaquettes"), ("en", "Some wafers."))
    told = [Story(id=f"chip{i}", texts=texts) for i in range(6)]
    chips = find_topics([*told, *stories[6:]], vectors, min_stories=MIN)[0]
    assert (chips.label, chips.words_en, chips.words_fr) == ("plaquettes", ("wafers",), ("plaquettes",))


def test_names_keep_their_capitals_and_stand_together_where_they_mostly_do() -> None:
    texts = [
        ("It is Ada Byron and the OpenFab, a foundry.",),
        ("It was, at OpenFab, Ada Byron who said so.",),
        ("A foundry: OpenFab; not here.",),
    ]
    assert words_of_first(texts).words_en == ("OpenFab", "Ada Byron", "foundry")


def test_a_headline_in_capitals_does_not_make_names_of_words() -> None:
    texts = [
        ("Foundry Doubles Wafers Against Odds. Inside, the foundry has wafers.",),
        ("Foundry Sells Wafers To Rivals.",),
    ]
    assert set(words_of_first(texts).words_en) >= {"foundry", "wafers"}


@pytest.mark.parametrize(
    ("one", "many", "language"),
    [
        ("wafer", "wafers", "en"),
        ("EV", "EVs", "en"),
        ("data lake", "data lakes", "en"),
        ("puce", "puces", "fr"),
        ("tableau", "tableaux", "fr"),
    ],
)
def test_singular_and_plural_are_one_term(one: str, many: str, language: str) -> None:
    texts = [(f"{one}, {many}: {one}.",), (f"{one}: 1.",), (f"{many}; {one}.",)]
    topic = words_of_first(texts, language=language)
    assert topic.words_en + topic.words_fr == (one,)


def test_words_of_one_stem_that_mean_different_things_stay_apart() -> None:
    assert set(words_of_first([("SpaceX: space.",)]).words_en) == {"SpaceX", "space"}


def test_a_name_may_hold_a_stop_word_but_not_an_article() -> None:
    texts = [
        ("He went to the Great Foundry, not to The Lathe.",),
        ("They say that the Great Foundry is not The Lathe.",),
    ]
    assert words_of_first(texts).words_en == ("Great Foundry", "Lathe")


def test_a_name_that_hardly_stands_without_another_is_not_told_beside_it() -> None:
    texts = [("It is not Ada Byron; it is Byron.",), ("It is Byron.",), ("Once, Byron.",)]
    assert words_of_first(texts).words_en == ("Byron",)


def test_a_sum_of_money_is_no_term_and_a_generation_of_phones_is_one() -> None:
    assert words_of_first([("The wafers: $2B, 3B and 5G.",)]).words_en == ("5G", "wafers")


def test_a_story_counts_once_however_often_it_is_told() -> None:
    texts = [("The wafers, and a foundry.",) for _ in range(6)]
    texts[0] = ("wafers, foundry", *["zirconium, " * 50] * 20)
    assert words_of_first(texts).words_en == ("foundry", "wafers")


def test_the_labels_of_real_topics_are_terms_and_no_outlets() -> None:
    if not WINDOW.is_file():
        pytest.skip("needs ../shared/data/stories, which is not here")
    rows = [json.loads(line) for line in WINDOW.read_text(encoding="utf-8").splitlines()]
    topics = [topic for topic, count in sorted(Counter(row["topic"] for row in rows).items()) if count >= 8]
    groups = [np.array([i for i, row in enumerate(rows) if row["topic"] == topic]) for topic in topics]
    texts = [((row["lang"], f"{row['title']}. {row['text']}"[:600]),) for row in rows]
    outlets = {row["source"] for row in rows}
    named = label_groups(texts, groups, outlets)
    terms = [term for words in named for term in words.label.split(", ")]
    assert [words.label for words in named if words.label.count(", ") < 2] == []
    assert not {term.lower() for term in terms} & {outlet.lower() for outlet in outlets}
    assert not any(term.isdigit() or term.lower() in {"the", "your", "les", "vous", "selon"} for term in terms)


# ---------------------------------------------------------------- from night to night


def test_a_story_stays_in_its_topic_although_another_is_a_little_nearer() -> None:
    stories, vectors = two_clusters()
    between = np.array([[0.66, 0.75, 0, 0, 0, 0, 0, 0]], np.float32)
    between /= np.linalg.norm(between)
    stories, vectors = [*stories, story("x")], np.concatenate([vectors, between])
    chips, courts = (frozenset(f"{kind}{i}" for i in range(6)) for kind in ("chip", "court"))

    assert courts | {"x"} in members(find_topics(stories, vectors, min_stories=MIN))
    for earlier in ([chips | {"x"}, courts], [courts | {"x"}, chips]):
        assert members(find_topics(stories, vectors, min_stories=MIN, earlier=earlier)) == set(earlier)


def test_a_story_leaves_its_topic_when_it_has_nothing_to_do_with_it() -> None:
    stories, vectors = two_clusters(alone=1)
    chips, courts = (frozenset(f"{kind}{i}" for i in range(6)) for kind in ("chip", "court"))
    found = find_topics(stories, vectors, min_stories=MIN, earlier=[chips | {"other0"}, courts])
    assert members(found) == {chips, courts}


def test_a_topic_with_too_few_stories_left_is_no_topic_any_more() -> None:
    stories, vectors = two_clusters()
    kept = [i for i in range(len(stories)) if stories[i].id not in {"court0", "court1", "court2"}]
    before = members(find_topics(stories, vectors, min_stories=MIN))
    after = find_topics([stories[i] for i in kept], vectors[kept], min_stories=MIN, earlier=before)
    assert members(after) == {frozenset(f"chip{i}" for i in range(6))}


def test_new_stories_found_a_topic_beside_the_earlier_ones() -> None:
    stories, vectors = two_clusters()
    before = members(find_topics(stories, vectors, min_stories=MIN))
    ships = [story(f"ship{i}") for i in range(6)]
    now = find_topics(
        [*stories, *ships], np.concatenate([vectors, around(5, 6, seed=3)]), min_stories=MIN, earlier=before
    )
    assert members(now) == before | {frozenset(ship.id for ship in ships)}


def test_a_group_that_lies_a_little_apart_leaves_its_topic_whole() -> None:
    stories, _ = two_clusters()
    lean = np.eye(8)[[0] * 6 + [1] * 6] + 1.5 * np.eye(8)[2]
    vectors = (lean + 0.01 * np.random.default_rng(4).normal(size=lean.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    everything = frozenset(story.id for story in stories)
    assert len(find_topics(stories, vectors, min_stories=MIN)) == 2
    assert members(find_topics(stories, vectors, min_stories=MIN, earlier=[everything])) == {everything}


def test_a_new_theme_beside_an_old_one_takes_no_story_that_is_at_home_in_that() -> None:
    stories, vectors = two_clusters()
    chips, courts = (frozenset(f"{kind}{i}" for i in range(6)) for kind in ("chip", "court"))
    lean = np.eye(8)[[0] * 8] + 0.9 * np.eye(8)[[5] * 8]  # eight new ones, 42 degrees from the chips
    lean = (lean + 0.01 * np.random.default_rng(4).normal(size=lean.shape)).astype(np.float32)
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    vectors[0] = lean[0]  # an old one that is told like the new ones by now
    lasers = [story(f"laser{i}") for i in range(8)]
    found = find_topics(
        [*stories, *lasers], np.concatenate([vectors, lean]), min_stories=MIN, earlier=[chips, courts]
    )
    assert courts in members(found)
    assert all(topic.stories & chips in (frozenset(), chips) for topic in found)


def test_a_topic_that_was_two_clusters_is_split() -> None:
    stories, vectors = two_clusters()
    everything = frozenset(story.id for story in stories)
    found = find_topics(stories, vectors, min_stories=MIN, earlier=[everything])
    assert members(found) == members(find_topics(stories, vectors, min_stories=MIN))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(30, 90), st.floats(0.05, 0.5), st.floats(0.05, 0.6))
def test_topics_found_again_from_themselves_are_the_same(seed: int, count: int, spread: float, enough: float) -> None:
    drawn = np.random.default_rng(seed)
    vectors = np.eye(8)[drawn.integers(8, size=count)] + spread * drawn.normal(size=(count, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    stories = [story(f"s{i:03}") for i in range(count)]
    started = [frozenset(story.id for story in stories[start::7]) for start in range(3)]
    found = find_topics(stories, vectors, min_stories=3, min_cosine=enough, earlier=started)
    assert find_topics(stories, vectors, min_stories=3, min_cosine=enough, earlier=members(found)) == found


def test_a_topic_that_was_given_up_does_not_come_back_although_little_is_asked_of_a_story() -> None:
    stories, vectors = two_clusters(alone=3)
    small = frozenset(f"other{i}" for i in range(3))
    found = find_topics(stories, vectors, min_stories=MIN, min_cosine=0.1, earlier=[small])
    assert len(members(found)) == 2
    assert not any(topic.stories & small for topic in found)


# ---------------------------------------------------------------- the learned directions


def test_the_shipped_projection_says_where_it_comes_from() -> None:
    folder = resources.files("newsclust").joinpath("resources")
    told = json.loads(folder.joinpath(f"{projection.RESOURCE}.json").read_text(encoding="utf-8"))
    with folder.joinpath(f"{projection.RESOURCE}.npy").open("rb") as file:
        shipped = np.load(file, allow_pickle=False)
    assert shipped.shape == (384, told["dimensions"])
    assert shipped.dtype == np.float32
    assert told["model"].startswith(SHIPPED_FOR)
    assert told["left_out_b_cubed_f1"]["worst"] > 0.5
    assert told["left_out_outside"] <= 0.2


def test_vectors_of_the_default_model_are_projected_and_others_are_left_as_they_are() -> None:
    drawn = np.random.default_rng(0).normal(size=(5, 384)).astype(np.float32)
    centred = np.concatenate([drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.zeros((1, 384), np.float32)])
    projected = project(centred, "multilingual-e5-small/any")
    assert projected.shape == (6, 30)
    assert np.allclose(np.linalg.norm(projected, axis=1), [1, 1, 1, 1, 1, 0], atol=1e-5)
    assert project(centred, "another") is centred
    assert min_cosine("multilingual-e5-small/any") > min_cosine("another")


def test_given_directions_stand_in_for_those_that_ship() -> None:
    centred = np.eye(384, dtype=np.float32)[:3]
    swapped = np.eye(384, 2, dtype=np.float32)[:, ::-1]
    assert np.array_equal(project(centred, "multilingual-e5-small/any", swapped), [[0, 1], [1, 0], [0, 0]])
    assert project(centred, "another", swapped) is centred


def drawn_sets(count: int = 3) -> list[LabelledTopics]:
    """Lessons of 40 topics, which differ in the first 32 of 64 dimensions and in nothing else."""
    drawn, sets = np.random.default_rng(5), []
    for _ in range(count):
        labels = np.repeat(np.arange(40), 6)
        vectors = 0.3 * drawn.normal(size=(240, 64))
        vectors[:, :32] += drawn.normal(size=(40, 32))[labels]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        sets.append(LabelledTopics(vectors=vectors.astype(np.float32), topics=[f"t{label}" for label in labels]))
    return sets


def test_the_training_finds_the_directions_in_which_topics_differ() -> None:
    *sets, unseen = drawn_sets()
    learned = train_projection(sets)
    assert learned.shape == (64, DIMENSIONS)
    assert np.linalg.norm(learned[:32]) > 5 * np.linalg.norm(learned[32:])
    assert np.array_equal(learned, train_projection(sets))
    projected = project(unseen.vectors, SHIPPED_FOR, learned)
    same = np.equal.outer(unseen.topics, unseen.topics)
    assert (projected @ projected.T)[same].mean() > (unseen.vectors @ unseen.vectors.T)[same].mean() + 0.05


def test_the_names_of_topics_and_the_order_of_stories_teach_nothing() -> None:
    sets = drawn_sets()
    order = np.random.default_rng(1).permutation(240)
    told_otherwise = [
        LabelledTopics(vectors=one.vectors[order], topics=[one.topics[i][::-1] for i in order]) for one in sets
    ]
    assert np.allclose(train_projection(sets), train_projection(told_otherwise), atol=1e-4)
