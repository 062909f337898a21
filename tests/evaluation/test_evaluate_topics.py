"""Topics are judged by directions that have seen no label of the judged set."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import train_topics
from newsclust.centering import SHIPPED_FOR
from newsclust.evaluation.cross_validation import LabelledWindow, Leakage
from newsclust.evaluation.datasets import LabelledSet
from newsclust.evaluation.runner import OURS, evaluate
from newsclust.evaluation.topics import topic_folds, topic_scores, topics_learned_from, training_set
from newsclust.evaluation.vectors import window_of
from newsclust.model import Article, DateQuality
from newsclust.settings import EmbedSettings, PairSettings, Settings, StorySettings
from newsclust.topics import projection
from newsclust.topics.projection import train_projection

NAMES = "abc"
DAY = datetime(2026, 2, 3, tzinfo=UTC)


class TalliedWords:
    """An Embedder for texts of numbers: each counts once, in its own dimension of those of the default model."""

    name = f"{SHIPPED_FOR}/tallied"
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector[[int(word) for word in text.split()]] = 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def settings() -> Settings:
    return Settings(
        embed=EmbedSettings(use="tests.evaluation.test_evaluate_topics:TalliedWords"),
        pairs=PairSettings(use="newsclust.stories.pairs:CentredCosine"),
        stories=StorySettings(use="newsclust.stories.clustering:AverageLinkage"),
    )


def planted(name: str) -> LabelledSet:
    """64 stories of three words, each one of four; by which of the three topics go is a set's own secret."""
    kind = NAMES.index(name)
    articles, topics = [], []
    for number in range(64):
        words = [number % 4, 4 + number // 4 % 4, 8 + number // 16]
        articles.append(
            Article(
                id=f"{name}{number}",
                url=f"https://paper.example/{name}/{number}",
                canonical_url=f"https://paper.example/{name}/{number}",
                title=" ".join(map(str, [*words, 20 + 64 * kind + number])),  # the last one is its own
                text="",
                language="en",
                outlet="Paper",
                published_at=DAY,
                date_quality=DateQuality.GIVEN,
                first_seen_at=DAY,
            )
        )
        topics.append(f"topic {words[kind]}")
    return LabelledSet(
        name=name, articles=tuple(articles), stories=tuple(f"s{n}" for n in range(64)), topics=tuple(topics)
    )


def relabelled(labelled: LabelledSet, name: str) -> LabelledSet:
    """The same articles, by somebody who sees other topics in them."""
    return replace(labelled, name=name, topics=tuple(f"topic {number // 8}" for number in range(64)))


def with_vectors(*sets: LabelledSet) -> list[LabelledWindow]:
    return [LabelledWindow(one, window_of(one, TalliedWords(), characters=300)) for one in sets]


def score(one: LabelledWindow, directions: NDArray[np.float32] | None) -> float:
    return topic_scores(
        one.labelled, one.labelled.stories, one.window.vectors, one.window.model, min_stories=3, directions=directions
    ).b3


def test_no_label_of_a_set_reaches_the_directions_that_judge_it() -> None:
    sets = [planted(name) for name in NAMES]
    told = topic_folds(with_vectors(*sets), [True] * 3)
    told_otherwise = topic_folds(with_vectors(relabelled(sets[0], "a"), *sets[1:]), [True] * 3)
    assert [judge.leakage for judge in told] == [Leakage.LEFT_OUT] * 3
    same = [np.array_equal(a.directions, b.directions) for a, b in zip(told, told_otherwise, strict=True)]
    assert same == [True, False, False]


def test_what_only_the_labels_of_a_set_tell_is_found_by_who_has_seen_them_and_by_no_other() -> None:
    sets = with_vectors(*(planted(name) for name in NAMES))
    for one, judge in zip(sets, topic_folds(sets, [True] * 3), strict=True):
        assert score(one, train_projection([training_set(one)])) > 0.9
        assert score(one, judge.directions) < 0.5


def test_each_set_is_judged_by_what_the_others_teach() -> None:
    first, second, third = with_vectors(*(planted(name) for name in NAMES))
    judges = topic_folds([first, second, third], [True] * 3)
    assert np.array_equal(judges[1].directions, train_projection([training_set(first), training_set(third)]))


def test_a_set_that_is_labelled_twice_is_left_out_twice() -> None:
    one, two, three = (planted(name) for name in NAMES)
    sets = with_vectors(one, two, three, relabelled(one, "second opinion"))
    first, _, _, again = topic_folds(sets, [True] * 4)
    others = train_projection([training_set(other) for other in sets[1:3]])
    assert np.array_equal(first.directions, others)
    assert np.array_equal(again.directions, others)


def test_a_set_that_was_not_seen_is_judged_by_what_ships_and_teaches_nobody() -> None:
    sets = with_vectors(*(planted(name) for name in NAMES))
    judges = topic_folds(sets, [True, True, False])
    assert [(judge.leakage, judge.directions) for judge in judges] == [
        (Leakage.SEEN, None),
        (Leakage.SEEN, None),
        (Leakage.UNSEEN, None),
    ]


@pytest.mark.parametrize("labels", ["stories", "topics"])
def test_a_set_without_labels_teaches_nobody(labels: str) -> None:
    bare = replace(planted("c"), **{labels: ()})
    judges = topic_folds(with_vectors(planted("a"), planted("b"), bare), [True] * 3)
    assert [judge.leakage for judge in judges][:2] == [Leakage.SEEN] * 2


def test_sets_that_the_projection_has_seen_are_left_out_in_turn_and_have_an_average(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("newsclust.evaluation.runner.topics_learned_from", lambda labelled, model: True)
    sets = [planted(name) for name in NAMES]
    found = evaluate(sets, settings(), baselines={}, with_topics=True)
    assert [[(row.sets, row.stories_from, row.leakage) for row in rows] for rows in found.topics] == [
        *[[((name,), stories, Leakage.LEFT_OUT) for stories in ("labels", OURS)] for name in NAMES],
        [(tuple(NAMES), stories, None) for stories in ("labels", OURS)],
    ]
    given = with_vectors(*sets)
    expected = [
        score(one, train_projection([training_set(other) for other in given if other is not one])) for one in given
    ]
    assert [rows[0].scores.b3 for rows in found.topics] == [*expected, pytest.approx(np.mean(expected))]


def test_with_two_sets_that_the_projection_has_seen_there_is_no_average(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsclust.evaluation.runner.topics_learned_from", lambda labelled, model: True)
    found = evaluate([planted("a"), planted("b")], settings(), baselines={}, with_topics=True)
    assert [row.leakage for rows in found.topics for row in rows] == [Leakage.SEEN] * 4


def test_topics_of_stories_that_were_found_by_who_had_seen_the_set_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsclust.stories.pairs.CentredCosine.trained_on", frozenset({planted("a").fingerprint}))
    found = evaluate([planted(name) for name in NAMES], settings(), baselines={}, with_topics=True)
    assert [(row.sets, row.stories_from, row.leakage) for row in found.topics[0]] == [
        (("a",), "labels", Leakage.UNSEEN),
        (("a",), OURS, Leakage.SEEN),
    ]
    assert found.topics[-1][0].sets == ("b", "c")


def test_a_seen_set_is_known_by_its_days_and_articles_whoever_labelled_it() -> None:
    told = json.loads(
        resources.files("newsclust").joinpath(f"resources/{projection.RESOURCE}.json").read_text(encoding="utf-8")
    )
    window = told["windows"][0]
    days = [datetime.fromisoformat(window[end]).replace(tzinfo=UTC) for end in ("from", "to")]
    article = planted("a").articles[0]
    articles = tuple(
        replace(article, id=str(number), published_at=days[number % 2]) for number in range(window["articles"])
    )
    for stories in (1, window["stories"]):
        labelled = LabelledSet(
            name="twin", articles=articles, stories=tuple(f"s{n % stories}" for n in range(len(articles)))
        )
        assert topics_learned_from(labelled, f"{SHIPPED_FOR}/128")


def test_the_program_that_trains_the_projection_leaves_each_window_out_and_ships_what_all_teach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        labelled = planted(name)
        rows = [
            {"id": a.id, "title": a.title, "published": "2026-02-03", "story": story, "topic": topic}
            for a, story, topic in zip(labelled.articles, labelled.stories, labelled.topics, strict=True)
        ]
        (tmp_path / f"tech_{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(train_topics, "Settings", settings)
    monkeypatch.setattr(train_topics, "RESOURCES", tmp_path)
    train_topics.main([str(tmp_path), "--save", "--cache", str(tmp_path / "vectors")])
    assert "left out in turn: B-cubed F1 mean 0." in capsys.readouterr().out
    lessons = [training_set(one) for one in with_vectors(*(planted(name) for name in NAMES))]
    assert np.array_equal(np.load(tmp_path / f"{projection.RESOURCE}.npy"), train_projection(lessons))
    told = json.loads((tmp_path / f"{projection.RESOURCE}.json").read_text(encoding="utf-8"))
    assert told["windows"] == [{"from": "2026-02-03", "to": "2026-02-03", "articles": 64, "stories": 64}] * 3
    assert told["left_out_b_cubed_f1"]["worst"] < 0.5


def test_two_windows_are_too_few_to_leave_one_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        (tmp_path / f"tech_{name}.jsonl").write_text("")
    with pytest.raises(SystemExit):
        train_topics.main([str(tmp_path)])
    assert "2 files tech_*.jsonl, 3 are needed" in capsys.readouterr().err
