"""`newsclust why` of a story, of two stories, of an article and a story: what is shown, and in which words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from newsclust.explain import _in_words
from newsclust.store import open_published
from newsclust.stories.pairs.word_rarity import stem, written_forms
from tests.terminal import Terminal


@pytest.fixture
def published(newsclust: Terminal, demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def largest(published: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
    (story_id,) = published.execute("SELECT story_id FROM current_stories ORDER BY articles DESC LIMIT 1").fetchall()[
        0
    ]
    rows = published.execute("SELECT article_id FROM current_story_articles WHERE story_id = $1", [story_id])
    return story_id, [article for (article,) in rows.fetchall()]


def test_a_story_is_told_by_its_articles_each_with_the_rest_and_by_the_nearest_other(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    story_id, articles = largest(published)
    ended = newsclust("why", story_id)
    assert ended.code == 0
    assert f"({story_id}): {len(articles)} articles" in ended.out
    for article in articles:
        assert re.search(rf"^  [01]\.\d\d  “.*, {article}\)$", ended.out, re.MULTILINE), article
    assert newsclust("why", story_id[:10]).out == ended.out
    rows = json.loads(newsclust("why", story_id, "--format", "json").out)
    assert {row["left_id"] for row in rows if row["what"] == "rest of the story"} == set(articles)


def test_an_article_and_its_story_are_compared_without_the_article(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    story_id, articles = largest(published)
    ended = newsclust("why", articles[0], story_id)
    assert (ended.code, "The article is in that story." in ended.out) == (0, True)
    of_rest = json.loads(newsclust("why", story_id, "--format", "json").out)
    (wanted,) = [row["probability"] for row in of_rest if row["left_id"] == articles[0] and row["threshold"]]
    (found,) = [
        row["probability"]
        for row in json.loads(newsclust("why", story_id, articles[0], "--format", "json").out)
        if row["what"] == "as wholes"
    ]
    assert found == pytest.approx(wanted)


def test_two_stories_are_compared_as_wholes(newsclust: Terminal, published: duckdb.DuckDBPyConnection) -> None:
    one, other = published.execute(
        "SELECT a.story_id, b.story_id FROM internal.links "
        "JOIN current_story_articles AS a ON a.article_id = article_a "
        "JOIN current_story_articles AS b ON b.article_id = article_b "
        "WHERE a.story_id <> b.story_id ORDER BY probability DESC, a.story_id, b.story_id LIMIT 1"
    ).fetchall()[0]
    ended = newsclust("why", one, other)
    assert ended.code == 0
    assert "Not one story." in ended.out
    assert "As wholes:" in ended.out
    assert re.search(r"\d+ links? between them, the strongest:", ended.out)
    row = json.loads(newsclust("why", one, other, "--format", "jsonl").out.splitlines()[-1])
    assert row["what"] == "strongest link"
    assert row["story_id"] == other


def test_nothing_and_what_may_mean_several_are_refused_by_name(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    for verb in (["why", ""], ["why", " "], ["story", "rename", "", "x"], ["story", "split", " ", "x"]):
        ended = newsclust(*verb)
        assert (ended.code, ended.out, "nothing is named" in ended.err) == (2, "", True), verb
    story_id, articles = largest(published)
    assert "no article has this id" in newsclust("why", "nothing here").err
    several = newsclust("why", articles[0][:1])
    assert (several.code, "the beginning of several ids" in several.err) == (2, True)
    assert "is named twice" in newsclust("why", story_id, story_id).err
    assert "no story has this id; an article has" in newsclust("story", "rename", articles[0], "x").err
    assert "; a story has" in newsclust("story", "split", story_id, story_id).err


def test_no_link_says_one_outlet_of_two_nor_shows_a_stem(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    pairs = published.execute(
        "SELECT article_a, article_b, a.outlet = b.outlet, lower(strip_accents(a.title || ' ' || a.text)) "
        "FROM internal.links JOIN internal.articles AS a ON a.article_id = article_a "
        "JOIN internal.articles AS b ON b.article_id = article_b ORDER BY ALL LIMIT 12"
    ).fetchall()
    named = 0
    for one, other, same, text in pairs:
        shown = newsclust("why", one, other).out
        assert ("one outlet" in shown, "two outlets" in shown) == (same, not same)
        for names in re.findall(r"both say (.*)", shown):
            for name in names.split(", "):
                named += 1
                assert re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", text), name
    assert named > 5


def test_stored_evidence_of_older_files_is_read_alike() -> None:
    stored = {"same outlet": 0.21, "meaning": 3.0, "both say licenci": 5.0, "both say gone": 4.0}
    texts = ("Les licenciements annoncés", "Layoffs, licencié")
    assert _in_words(stored, one_outlet=False, texts=texts) == (
        {"two outlets": 0.21, "meaning": 3.0},
        {"licenciements": 5.0},
    )
    assert "one outlet" in _in_words({"outlets": 0.1}, one_outlet=True, texts=texts)[0]


def test_each_stem_of_a_text_has_the_word_as_it_was_written() -> None:
    forms = written_forms("Meta licencie : les licenciements de Meta, 5090 fois")
    assert forms[stem("licenciements")] == "licencie"
    assert (forms["meta"], forms["5090"]) == ("Meta", "5090")
