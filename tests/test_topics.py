"""Themes among stories, found whatever the order, and called by words that tell them from the others."""

import random
from collections.abc import Iterable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.topics import Story, Topic, group_topics

MIN = 4


def story(name: str, *texts: str, language: str = "en") -> Story:
    return Story(id=name, texts=tuple((language, text) for text in texts or (f"Nothing much about {name}.",)))


def around(axis: int, count: int, *, seed: int, spread: float = 0.05) -> NDArray[np.float32]:
    """Unit vectors close to one axis of eight."""
    drawn = np.eye(8)[axis] + spread * np.random.default_rng(seed).normal(size=(count, 8))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def two_themes(alone: int = 0) -> tuple[list[Story], NDArray[np.float32]]:
    """Six stories of chips, six of courts, and some that have nothing to do with either or each other."""
    chips = [story(f"chip{i}", f"The foundry makes wafers and lasers, batch {i}.") for i in range(6)]
    courts = [story(f"court{i}", f"The judge hears an appeal on patents, case {i}.") for i in range(6)]
    others = [story(f"other{i}") for i in range(alone)]
    axes = -np.eye(8, dtype=np.float32)[2 : 2 + alone]
    return [*chips, *courts, *others], np.concatenate([around(0, 6, seed=1), around(1, 6, seed=2), axes])


def members(topics: Iterable[Topic]) -> set[frozenset[str]]:
    return {topic.stories for topic in topics}


def test_two_themes_are_two_topics_and_stories_in_neither_are_left_out() -> None:
    stories, vectors = two_themes(alone=4)
    topics = group_topics(stories, vectors, min_stories=MIN)
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
    found = group_topics(stories, vectors, min_stories=MIN)
    assert found
    assert group_topics([stories[i] for i in order], vectors[order], min_stories=MIN) == found


def test_too_few_stories_have_no_topics() -> None:
    stories, vectors = two_themes()
    assert group_topics(stories[:7], vectors[:7], min_stories=MIN) == []
    assert group_topics([], np.zeros((0, 0), np.float32), min_stories=MIN) == []


def test_a_topic_names_its_strengths_and_one_of_its_stories_as_the_central_one() -> None:
    stories, vectors = two_themes(alone=4)
    for topic in group_topics(stories, vectors, min_stories=MIN):
        assert topic.strengths.keys() == topic.stories
        assert all(0 < strength <= 1 for strength in topic.strengths.values())
        assert topic.central_story in topic.stories


def words_of_first(texts: list[tuple[str, ...]], *, outlets: Iterable[str] = (), language: str = "en") -> Topic:
    """The topic of six stories with these texts, beside six of courts."""
    stories, vectors = two_themes()
    told = [story(f"chip{i}", *texts[i % len(texts)], language=language) for i in range(6)]
    return group_topics([*told, *stories[6:]], vectors, min_stories=MIN, outlets=list(outlets))[0]


def test_a_label_holds_the_words_of_its_stories_and_no_stop_words() -> None:
    stories, vectors = two_themes()
    chips, courts = group_topics(stories, vectors, min_stories=MIN)
    assert chips.words_en == ("batch", "foundry", "lasers", "makes", "wafers")
    assert chips.label == "batch, foundry, lasers, makes"
    assert courts.words_en == ("appeal", "case", "hears", "judge", "patents")
    assert not {"the", "and", "on", "an"} & {*chips.words_en, *courts.words_en}
    assert chips.words_fr == ()


def test_a_label_holds_no_outlets_name() -> None:
    texts = [("Gazette-Nova says the foundry makes wafers.",)]
    assert "nova" in words_of_first(texts).label
    label = words_of_first(texts, outlets=["www.gazette-nova.example"]).label
    assert "wafers" in label
    assert not {"gazette", "nova", "gazette-nova"} & set(label.split(", "))


def test_french_topics_are_called_in_french_without_elisions_or_stop_words() -> None:
    topic = words_of_first([("L’usine grave des plaquettes pour l'Europe, selon nos confrères.",)], language="fr")
    assert {"usine", "plaquettes", "europe"} <= set(topic.words_fr)
    assert topic.label == ", ".join(topic.words_fr[:4])
    assert not {"des", "pour", "selon", "l'europe"} & set(topic.words_fr)


def test_a_word_counts_once_an_article_however_often_it_is_written() -> None:
    texts = [(f"wafers wafers number{i}", "foundry") for i in range(6)]
    texts[0] = ("wafers " + "zirconium " * 50, "foundry")
    words = words_of_first(texts).words_en
    assert {"wafers", "foundry"} == set(words)
