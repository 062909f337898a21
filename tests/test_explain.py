"""What `newsclust why` is told: how surely groups belong together, by the clusterer that made them."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsclust import explain as told
from newsclust.errors import SettingsError, StoreError
from newsclust.model import Link, Window
from newsclust.settings import Settings, StorySettings
from newsclust.store import Database
from newsclust.stories.clustering import AverageLinkage, HdbscanClusterer, MergeClassifier
from newsclust.stories.clustering.merge_classifier import MergeAssessment
from newsclust.stories.clustering.merge_model import COLUMNS, MergeModel
from tests.factories import BUNDLED, NOON, bare_article, links_of, window_of

NIGHT = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
# Of the links that leave the trio the one with "f" is the strongest, but more of them lead to the pair.
STORIES = {"trio": "abc", "pair": "de", "lone": "f", "far": "g"}
LINKS = {
    ("a", "b"): 0.9,
    ("a", "c"): 0.6,
    ("b", "c"): 0.5,
    ("a", "d"): 0.3,
    ("a", "e"): 0.2,
    ("b", "d"): 0.25,
    ("d", "e"): 0.8,
    ("a", "f"): 0.35,
}


def one_or_two_languages(names: Sequence[str]) -> Window:
    return window_of([bare_article(name, language="fr" if name in "bdf" else "en") for name in names])


def log_odds(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


# What the rule says of two groups.


@given(st.floats(0, 1), st.floats(0.05, 1))
def test_two_articles_are_joined_just_when_the_judgement_reaches_what_is_needed(
    probability: float, cut: float
) -> None:
    joins, window = MergeClassifier(threshold=cut), one_or_two_languages("ab")
    links = links_of({("a", "b"): probability})
    said = joins.assess(window, links, "a", "b")
    assume(said is None or abs(said.probability - said.threshold) > 1e-6)
    joined = joins.cluster(window, links) == [{"a", "b"}]
    assert joined == (said is not None and said.probability >= said.threshold)


PAIRS = [(a, b) for a in "abcdef" for b in "abcdef" if a < b]


@given(
    st.dictionaries(st.sampled_from(PAIRS), st.floats(0, 1), min_size=1),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_neither_which_group_is_named_first_nor_the_order_of_window_and_links_changes_a_judgement(
    probabilities: dict[tuple[str, str], float], size: int, rng: random.Random
) -> None:
    names, links, joins = list("abcdef"), links_of(probabilities), MergeClassifier()
    one, other = names[:size], names[size:]
    before = joins.assess(one_or_two_languages(names), links, one, other)
    for sequence in (names, links, one, other):
        rng.shuffle(sequence)
    after = joins.assess(one_or_two_languages(names), links, other, one)
    assert (before is None) == (after is None)
    if before and after:
        assert after.probability == pytest.approx(before.probability, abs=1e-9)
        assert dict(after.contributions) == pytest.approx(before.contributions, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1), st.floats(0.1, 1))
def test_the_terms_are_all_that_parts_a_judgement_from_the_usual_one(seed: int, first: float, second: float) -> None:
    coefficients, usual = np.random.default_rng(seed).normal(scale=0.05, size=(2, len(COLUMNS)))
    rule = MergeModel(
        coefficients=coefficients, offset=0.2, feature_means=usual, threshold=0.4, trained_on=frozenset()
    )
    links = links_of({("a", "b"): 0.7, ("a", "c"): first, ("b", "d"): second, ("c", "d"): 0.6})
    said = MergeClassifier(model=rule).assess(one_or_two_languages("abcd"), links, "ab", "cd")
    assert said is not None
    assert said.baseline is not None
    assert sum(said.contributions.values()) == pytest.approx(
        log_odds(said.probability) - log_odds(said.baseline), abs=1e-6
    )
    assert said.threshold == 0.4


def test_of_groups_that_are_hardly_linked_nothing_is_said() -> None:
    joins, window = MergeClassifier(), one_or_two_languages("abcdefgh")
    assert joins.assess(window, [], "a", "b") is None
    one_of_many = links_of({("a", "b"): 0.11, ("a", "elsewhere"): 0.9})
    assert joins.assess(window, one_of_many, "a", "bcdefgh") is None
    assert joins.assess(window, one_of_many, "a", "b") is not None


def test_of_vectors_of_another_model_the_rule_says_nothing() -> None:
    window = window_of(["a", "b"], model="another/model")
    with pytest.raises(SettingsError, match="AverageLinkage"):
        MergeClassifier().assess(window, links_of({("a", "b"): 0.9}), "a", "b")


def test_a_rule_keeps_what_is_usual_when_it_is_written_and_read() -> None:
    rule = MergeClassifier().model
    read = MergeModel.from_json(json.loads(json.dumps(rule.to_json())))
    assert read.feature_means.tolist() == rule.feature_means.tolist()
    assert rule.contributions(rule.feature_means) == pytest.approx(
        dict.fromkeys(rule.contributions(rule.feature_means), 0), abs=1e-12
    )


# What a person is told of a published file.


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Database]:
    """A database after one night that found `STORIES`."""
    with Database(tmp_path / "newsclust.duckdb", now=NIGHT) as db:
        save_night(db, "first", NIGHT, Settings.model_construct())
        window = one_or_two_languages("abcdefg")
        for article, vector in zip(window.articles, window.vectors.tolist(), strict=True):
            save_article(db, article.id, article.language, vector)
        for link in links_of(LINKS):
            save_link(db, link)
        for story, members in STORIES.items():
            save_story(db, story, members)
        yield db


def save_night(db: Database, run: str, at: datetime, settings: Settings) -> None:
    db.save(
        "runs",
        [
            {
                "run_id": run,
                "flow": "nightly",
                "night_at": at,
                "started_at": at,
                "outcome": "running",
                "settings": json.dumps(settings.model_dump(mode="json")),
                "version": "test",
            }
        ],
    )
    db.execute("INSERT INTO steps VALUES ($1, 'group_stories', 1, $2, 1, 7, 0, 0, NULL)", [run, at])


def save_article(db: Database, name: str, language: str, vector: Sequence[float]) -> None:
    row: Mapping[str, Any] = {
        "article_id": name,
        "url": f"https://site.example/{name}",
        "canonical_url": f"https://site.example/{name}",
        "title": f"Title of {name}",
        "text": name,
        "language": language,
        "language_source": "text",
        "outlet": "site.example",
        "published_at": NOON,
        "date_quality": "given",
        "text_source": "page",
        "word_count": 1,
        "first_seen_at": NOON,
        "changed_at": NOON,
        "extracted_at": NOON,
        "run_id": "first",
    }
    db.save("articles", [row])
    db.execute(
        "INSERT INTO embeddings (article_id, model, vector, title_vector, embedded_at, run_id) "
        "VALUES ($1, $2, $3, $3, $4, 'first')",
        [name, BUNDLED, vector, NOON],
    )
    linked = {"article_id": name, "model": BUNDLED, "linker": "given", "embedded_at": NOON, "run_id": "first"}
    db.save("link_progress", [linked])


def save_link(db: Database, link: Link) -> None:
    row = {"article_a": link.article_a, "article_b": link.article_b, "probability": link.probability}
    db.save("links", [row | {"evidence": {"meaning": 1.0}, "linked_at": NIGHT, "run_id": "first"}])


def save_story(db: Database, story: str, members: str) -> None:
    times = dict.fromkeys(("born_at", "first_at", "last_at"), NOON)
    db.save("stories", [{"story_id": story, "headline": story, "state": "living", "run_id": "first"} | times])
    joined = {"story_id": story, "joined_at": NIGHT, "run_id": "first"}
    db.save("story_articles", [joined | {"article_id": member} for member in members])


def save_correction(db: Database, name: str, articles: str, others: str, *, standing: bool) -> None:
    row = {
        "correction_id": name,
        "line_number": 1,
        "kind": "different",
        "made_at": NIGHT,
        "headline": "",
        "undoes": "",
    }
    row |= {"article_ids": list(articles), "other_article_ids": list(others), "story_ids": [], "is_active": standing}
    db.save("corrections", [row | {"run_id": "first"}])


def of(db: Database, article: str, clusterer: Any = None) -> told.Explanation:
    return told.explain(db.connection, told.find_article(db.connection, article), clusterer or MergeClassifier())


def judged(one: str, other: str) -> MergeAssessment | None:
    return MergeClassifier().assess(one_or_two_languages("abcdefg"), links_of(LINKS), one, other)


def test_an_article_is_judged_against_the_rest_of_its_story_as_the_grouping_judges(night: Database) -> None:
    found = of(night, "c")
    assert (found.others, found.measure) == (2, "chance that both tell one story")
    assert found.assessment == judged("c", "ab")
    assert [tie.other.id for tie in found.links] == ["a", "b"]


def test_the_nearest_story_is_the_one_that_would_join_first_not_the_one_of_the_strongest_link(
    night: Database,
) -> None:
    near = of(night, "a").nearby
    assert near is not None
    assert (near.story_id, near.articles, near.strongest.probability) == ("pair", 2, 0.3)  # with "f" it is 0.35
    assert near.assessment == judged("abc", "de")
    night.execute("DELETE FROM links WHERE (article_a, article_b) IN (('a', 'e'), ('b', 'd'))")
    further = of(night, "a").nearby
    assert further is not None
    assert further.story_id == "lone"


def test_an_article_alone_is_judged_by_its_neighbour_only(night: Database) -> None:
    found = of(night, "f")
    assert (found.others, found.assessment, found.links) == (0, None, ())
    assert found.nearby is not None
    assert found.nearby.story_id == "trio"
    assert found.nearby.strongest.other.id == "a"
    assert found.nearby.assessment == judged("f", "abc")


def test_an_article_without_links_has_neither_rest_nor_neighbour(night: Database) -> None:
    found = of(night, "g")
    assert (found.others, found.assessment, found.links, found.nearby) == (0, None, (), None)


def test_average_linkage_is_told_by_its_average_in_which_a_pair_without_a_link_counts_as_nothing(
    night: Database,
) -> None:
    found = of(night, "a", AverageLinkage(cut=0.3))
    assert found.measure == "average probability of their links"
    assert found.assessment == MergeAssessment(probability=pytest.approx((0.9 + 0.6) / 2), threshold=0.3)
    assert found.nearby is not None
    assert found.nearby.story_id == "pair"
    assert found.nearby.assessment == MergeAssessment(
        probability=pytest.approx((0.3 + 0.2 + 0.25) / 6), threshold=0.3
    )


def test_of_a_grouping_without_a_measure_the_links_are_told(night: Database) -> None:
    found = of(night, "a", HdbscanClusterer())
    assert (found.measure, found.assessment) == (None, None)
    assert [tie.other.id for tie in found.links] == ["b", "c"]
    assert found.nearby is not None
    assert (found.nearby.story_id, found.nearby.assessment) == ("lone", None)


def test_what_people_said_that_keeps_two_stories_apart_is_told_while_it_stands(night: Database) -> None:
    def said_of_f() -> tuple[str, ...]:
        neighbour = of(night, "f").nearby
        assert neighbour is not None
        return neighbour.corrections

    save_correction(night, "about-others", "f", "g", standing=True)
    save_correction(night, "taken-back", "f", "b", standing=False)
    assert said_of_f() == ()
    save_correction(night, "other-way", "b", "f", standing=True)
    assert said_of_f() == ("2026-03-03: different (other-way)",)


def test_two_articles_of_different_stories_are_told_by_their_stories_as_wholes(night: Database) -> None:
    c, e, a = (told.find_article(night.connection, name) for name in "cea")
    apart = told.explain_pair(night.connection, c, e, MergeClassifier())
    assert (apart.one_story, apart.link, apart.assessment) == (False, None, judged("abc", "de"))
    together = told.explain_pair(night.connection, c, a, MergeClassifier())
    assert (together.one_story, together.assessment) == (True, None)
    assert together.link is not None
    assert together.link.probability == 0.6


def test_articles_whose_vectors_are_missing_are_not_judged_without_them(night: Database) -> None:
    night.execute("UPDATE embeddings SET title_vector = NULL WHERE article_id = 'b'")
    with pytest.raises(StoreError, match="1 of 3 articles have no vectors"):
        of(night, "a")
    assert of(night, "a", AverageLinkage()).assessment is not None


def test_the_clusterer_is_the_one_of_the_last_night_that_grouped_not_of_todays_settings(
    night: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSCLUST_STORIES__USE", "newsclust.stories.clustering:HdbscanClusterer")
    first = told.clusterer_of(night.connection)
    assert isinstance(first, MergeClassifier)
    chosen = StorySettings(use="newsclust.stories.clustering:AverageLinkage", options={"cut": 0.41})
    save_night(night, "second", NIGHT + timedelta(days=1), Settings.model_construct(stories=chosen))
    second = told.clusterer_of(night.connection)
    assert isinstance(second, AverageLinkage)
    assert second.cut == 0.41
    save_night(night, "third", NIGHT + timedelta(days=2), Settings.model_construct())
    night.execute("UPDATE steps SET error = 'killed' WHERE run_id = 'third'")
    assert isinstance(told.clusterer_of(night.connection), AverageLinkage)


def test_before_the_first_grouping_there_is_no_clusterer(tmp_path: Path) -> None:
    with Database(tmp_path / "new.duckdb", now=NIGHT) as db, pytest.raises(StoreError, match="no night has grouped"):
        told.clusterer_of(db.connection)
