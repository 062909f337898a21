"""`newsclust search` on the published night of the demonstration."""

import json
from pathlib import Path

import pytest

from newsclust.search.snippets import asked_stems, marked, snippet
from newsclust.store import open_published
from tests.terminal import Terminal


def rows(newsclust: Terminal, *arguments: str) -> list[dict[str, object]]:
    ended = newsclust("search", *arguments, "--no-model", "--format", "json")
    assert ended.code == 0
    found: list[dict[str, object]] = json.loads(ended.out)
    return found


def some_title(demo_folder: Path) -> tuple[str, str, str]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        return connection.execute(
            "SELECT article_id, title, language FROM current_story_articles WHERE language = 'fr' ORDER BY article_id"
        ).fetchall()[0]


def test_an_article_is_found_by_its_title_with_its_words_marked_and_its_ids_whole(
    newsclust: Terminal, demo_folder: Path
) -> None:
    article_id, title, _ = some_title(demo_folder)
    ended = newsclust("search", *title.split(), "--no-model", "--number", "3")
    assert ended.code == 0
    assert f"article {article_id}" in ended.out
    assert "**" in ended.out.splitlines()[0]


def test_filters_leave_only_what_they_name(newsclust: Terminal, demo_folder: Path) -> None:
    _, title, _ = some_title(demo_folder)
    every = rows(newsclust, title)
    assert {row["language"] for row in rows(newsclust, title, "--language", "en")} <= {"en"}
    assert rows(newsclust, title, "--until", "2001-01-01") == []
    assert rows(newsclust, title, "--since", "2001-01-01") == every
    outlet = str(every[0]["outlet"])
    assert {row["outlet"] for row in rows(newsclust, title, "--outlet", outlet.upper())} == {outlet}
    assert rows(newsclust, title, "--topic", "no such topic") == []
    assert len(rows(newsclust, title, "--number", "2")) == 2


def test_stories_are_found_once_each(newsclust: Terminal, demo_folder: Path) -> None:
    found = rows(newsclust, some_title(demo_folder)[1], "--stories")
    assert found
    assert len({row["story_id"] for row in found}) == len(found)
    assert all(row["headline"] for row in found)


def test_nothing_found_is_said_and_is_no_error(newsclust: Terminal) -> None:
    ended = newsclust("search", "zzzqqq", "--no-model")
    assert (ended.code, ended.out) == (0, "")
    assert "Nothing is found." in ended.err


@pytest.mark.model
def test_the_model_reads_the_words(newsclust: Terminal, demo_folder: Path) -> None:
    article_id, title, _ = some_title(demo_folder)
    ended = newsclust("search", title, "--format", "json")
    assert ended.code == 0
    (first, *_) = json.loads(ended.out)
    assert (first["article_id"], first["why"], first["meaning_rank"]) == (article_id, "both", 1)


def test_words_are_marked_by_their_stems_in_the_articles_language() -> None:
    fragments = marked("Les puces dévoilées, l'ÉTÉ", asked_stems("puce devoile", "fr"), "fr")
    assert [one.text for one in fragments if one.is_found] == ["puces", "dévoilées"]
    assert "".join(one.text for one in fragments) == "Les puces dévoilées, l'ÉTÉ"


def test_a_snippet_is_the_passage_that_holds_most_of_the_words() -> None:
    text = "Nothing here. " * 40 + "The fine for GDPR was large. " + "Nothing here. " * 40
    passage = "".join(one.text for one in snippet(text, asked_stems("GDPR fine", "en"), "en"))
    assert "The fine for GDPR was large." in passage
    assert len(passage) <= 250
    assert passage.startswith("… ")


def test_a_text_without_the_words_shows_its_beginning() -> None:
    assert [one.text for one in snippet("A short text.", asked_stems("chip", "en"), "en")] == ["A short text."]
    assert snippet("", asked_stems("chip", "en"), "en") == []
