"""`newsclust top`: by breadth, recency and growth, of a time, a language, a topic; checked against the base rows."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from newsclust.cli.top import moment_since
from newsclust.errors import SettingsError
from newsclust.store import open_published
from tests.terminal import Terminal

NIGHT = datetime(2026, 2, 5, 22)  # noqa: DTZ001 (as the file has it: UTC)


@pytest.fixture
def published(newsclust: Terminal, demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def stories(newsclust: Terminal, *arguments: str) -> list[dict[str, Any]]:
    ended = newsclust("top", "--format", "jsonl", "-n", "1000", *arguments)
    assert ended.code == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def test_by_breadth_the_story_of_the_most_outlets_is_first(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    found = stories(newsclust)
    assert [story["outlets"] for story in found] == sorted((story["outlets"] for story in found), reverse=True)
    assert len(found) == published.execute("SELECT count(*) FROM current_stories").fetchall()[0][0]


def test_by_recency_the_latest_article_decides(newsclust: Terminal) -> None:
    found = stories(newsclust, "--by", "recency")
    assert [story["last_at"] for story in found] == sorted((story["last_at"] for story in found), reverse=True)


def test_by_growth_those_are_first_that_got_the_most_articles_since(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    found = stories(newsclust, "--by", "growth")
    joined = dict(
        published.execute(
            "SELECT story_id, count(*) FILTER (joined_at > TIMESTAMP '2026-02-04 22:00') "
            "FROM current_story_articles GROUP BY story_id"
        ).fetchall()
    )
    assert {story["story_id"]: story["new_articles"] for story in found} == joined
    assert [story["new_articles"] for story in found] == sorted(joined.values(), reverse=True)
    assert found[0]["new_articles"] > 1
    assert " new " in newsclust("top", "--by", "growth").out


def test_since_leaves_the_stories_with_an_article_since_then(newsclust: Terminal) -> None:
    every, late = stories(newsclust), stories(newsclust, "--since", "2026-02-05")
    assert late == [story for story in every if story["last_at"] >= "2026-02-05T00:00:00Z"]
    assert 0 < len(late) < len(every)
    assert [story["story_id"] for story in stories(newsclust, "--since", "22h")] == [s["story_id"] for s in late]


def test_a_language_leaves_its_stories_and_calls_them_so(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    found = stories(newsclust, "--language", "FR")
    headlines = dict(published.execute("SELECT story_id, headline_fr FROM current_stories").fetchall())
    assert found
    assert all("fr" in story["languages"] for story in found)
    assert [story["headline"] for story in found] == [headlines[story["story_id"]] for story in found]
    assert stories(newsclust, "--language", "de") == []


def test_a_topic_is_named_by_its_id_or_by_words_of_its_label(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    topic_id, label = published.execute("SELECT topic_id, label FROM current_topics LIMIT 1").fetchall()[0]
    found = stories(newsclust, "--topic", topic_id)
    assert {story["topic_id"] for story in found} == {topic_id}
    assert stories(newsclust, "--topic", topic_id[:6]) == found
    assert all(story in stories(newsclust, "--topic", label.replace(",", "").upper()) for story in found)
    for nothing in ("no such topic", "", " "):
        ended = newsclust("top", "--topic", nothing)
        assert (ended.code, "current_topics" in ended.err) == (2, True)


def test_the_table_shows_ids_and_topics_only_when_nothing_is_chosen(newsclust: Terminal) -> None:
    whole = newsclust("top", "-n", "2").out
    assert len(re.findall(r"\b[0-9a-f]{16}\b", whole)) == 2
    assert "Topics" in whole
    assert "Topics" not in newsclust("top", "--language", "fr").out


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NIGHT - timedelta(hours=24)),
        ("1.5 d", NIGHT - timedelta(hours=36)),
        ("2w", NIGHT - timedelta(days=14)),
        ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC).replace(tzinfo=None)),
        ("2026-02-03T22:00+01:00", datetime(2026, 2, 3, 21, tzinfo=UTC).replace(tzinfo=None)),
        ("2026-02-03T22:00Z", datetime(2026, 2, 3, 22, tzinfo=UTC).replace(tzinfo=None)),
    ],
)
def test_a_moment_is_a_date_a_time_or_a_span_before_the_last_night(text: str, moment: datetime) -> None:
    assert moment_since(text, NIGHT) == moment


def test_what_is_no_moment_is_refused() -> None:
    for text in ("yesterday", "", "24", "-3h"):
        with pytest.raises(SettingsError, match="--since"):
            moment_since(text, NIGHT)
    with pytest.raises(SettingsError, match="no night"):
        moment_since("24h", None)
