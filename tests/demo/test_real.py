"""One night of the real documents, which lie beside the repository and are no part of it.

What the texts must and must not hold is taken from the documents when the tests run.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import html as lxml_html

from flows.demo import SEEDS, main, real
from newsclust.demo.captured import PAGE_URLS
from newsclust.store import open_published
from newsclust.urls import canonical

needs_seeds = pytest.mark.skipif(
    not (SEEDS / "feeds").is_dir(), reason="needs ../shared/seeds, which is no part of the repository"
)
NOYB, SPUN, FORUM = "next-noyb-meta.html", "spun-meta-noyb.html", "developpez-linkedin.html"


@pytest.fixture(scope="module")
def real_folder(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    assert real(folder) == folder / "published" / "newsclust.duckdb"
    return folder


@pytest.fixture(scope="module")
def published(real_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(real_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def asked(published: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return published.execute(sql, list(parameters)).fetchall()


def text_of(published: duckdb.DuckDBPyConnection, page: str) -> str:
    ((text,),) = asked(published, "SELECT text FROM internal.articles WHERE url = $1", canonical(PAGE_URLS[page]))
    return one_line(text)


def one_line(text: str) -> str:
    return " ".join(text.split())


def phrases(page: str, path: str) -> set[str]:
    """The lines under an XPath of a page of the documents that are long enough to stand nowhere by chance."""
    document = lxml_html.fromstring((SEEDS / "pages" / page).read_text(encoding="utf-8"))
    lines = (line for node in document.xpath(path) for text in node.itertext() for line in text.splitlines())
    return {one_line(line) for line in lines if len(one_line(line)) >= 25}


def absent(wanted: set[str], text: str) -> list[str]:
    return sorted(phrase for phrase in wanted if phrase not in text)


def present(unwanted: set[str], text: str) -> list[str]:
    return sorted(phrase for phrase in unwanted if phrase in text)


def test_without_the_documents_the_demonstration_says_so_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real(tmp_path / "real", tmp_path / "nowhere") is None
    assert capsys.readouterr().out == (
        f"Skipped: the documents are not there ({tmp_path / 'nowhere'}); they are not part of the repository.\n"
    )
    assert not (tmp_path / "real").exists()


def test_make_real_ends_well_without_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flows.demo.real", lambda folder: real(folder, tmp_path / "nowhere"))
    assert main(["real", str(tmp_path / "real")]) == 0
    assert capsys.readouterr().out.startswith("Skipped: ")


@needs_seeds
def test_all_entries_are_stored_and_nothing_fails(published: duckdb.DuckDBPyConnection) -> None:
    assert asked(published, "SELECT new_entries, new_articles, failures, outcome FROM nightly_summary") == [
        (27, 25, 0, "finished")
    ]


@needs_seeds
@pytest.mark.parametrize("name", ["Cerballiance", "Scale AI licencie"])
def test_an_article_in_the_feed_and_in_the_free_feed_is_one_with_two_sightings(
    name: str, published: duckdb.DuckDBPyConnection
) -> None:
    sql = (
        "SELECT article_id, count(DISTINCT feed_id), count(*) "
        "FROM internal.entries WHERE title LIKE $1 || '%' GROUP BY ALL"
    )
    ((article_id, feeds, entries),) = asked(published, sql, name)
    assert (feeds, entries) == (2, 2)
    assert len(asked(published, "FROM article_sources WHERE article_id = $1", article_id)) == 2


@needs_seeds
def test_the_noyb_article_is_whole_and_holds_none_of_its_23_comments(published: duckdb.DuckDBPyConnection) -> None:
    page = lxml_html.fromstring((SEEDS / "pages" / NOYB).read_text(encoding="utf-8"))
    assert len(page.xpath("//section[@id='comments']/div[@class='comment']")) == 23
    text = text_of(published, NOYB)
    article, comments = phrases(NOYB, "//article/p"), phrases(NOYB, "//section[@id='comments']")
    assert len(article) >= 10
    assert absent(article, text) == []
    assert len(comments) >= 23
    assert present(comments - article, text) == []


@needs_seeds
def test_the_spun_copy_holds_none_of_the_recent_posts(published: duckdb.DuckDBPyConnection) -> None:
    text = text_of(published, SPUN)
    around = phrases(SPUN, "//aside")
    assert len(around) >= 3
    assert present(around, text) == []
    assert "Recent Posts" not in text
    assert len(text.split()) > 250


@needs_seeds
def test_the_text_of_the_forum_page_is_its_four_articles_without_the_replies(
    published: duckdb.DuckDBPyConnection,
) -> None:
    text = text_of(published, FORUM)
    posts = [phrases(FORUM, f"//div[@id='post{n}']") for n in range(1, 18)]
    articles = [posts[n - 1] for n in (1, 6, 7, 17)]
    for article in articles:
        told = {phrase for phrase in article if len(phrase) > 200 and not phrase.endswith("?")}  # to the readers
        assert len(told) >= 4
        assert absent(told, text) == []
    written = " ".join(set().union(*articles))
    replies = {phrase for phrase in set().union(*posts) if phrase not in written}  # they quote the articles too
    assert len(replies) > 50
    assert present(replies, text) == []


@needs_seeds
def test_exactly_the_two_february_articles_behind_a_paywall_are_marked_cut(
    published: duckdb.DuckDBPyConnection,
) -> None:
    rows = asked(
        published,
        "SELECT title, paywall_marker, text, published_at::DATE::TEXT FROM internal.articles "
        "WHERE paywall_marker IS NOT NULL",
    )
    assert sorted(title.split()[0] for title, _, _, _ in rows) == ["Le", "[Test]"]
    for _, cut, text, day in rows:
        assert day == "2026-02-05"
        assert re.fullmatch(r"Il reste \d+ ?% de l.article à découvrir\.?", cut)
        assert not re.search("à découvrir|abonné|Identifiez-vous|Connectez-vous", text)


@needs_seeds
@pytest.mark.parametrize("tail", ["Read more of this story", "Lire la suite", "Il reste"])
def test_no_tail_of_a_feed_item_is_in_any_text(
    tail: str, real_folder: Path, published: duckdb.DuckDBPyConnection
) -> None:
    with duckdb.connect(str(real_folder / "newsclust.duckdb"), read_only=True) as working:
        shown = asked(
            working, "SELECT count(*) FROM internal.entries WHERE contains(concat(summary, content), $1)", tail
        )
    assert shown[0][0] > 0
    assert asked(published, "SELECT title FROM internal.articles WHERE contains(text, $1)", tail) == []


@needs_seeds
def test_every_language_is_that_of_its_feed(published: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT articles.language, feeds.language, count(DISTINCT article_id) "
        "FROM internal.articles JOIN internal.entries USING (article_id) "
        "JOIN internal.feeds USING (feed_id) GROUP BY ALL"
    )
    assert sorted(asked(published, sql)) == [("en", "en", 9), ("fr", "fr", 16)]


@needs_seeds
def test_the_entries_without_a_date_say_so_and_no_other(published: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT feeds.title, date_quality, count(*) FROM internal.entries "
        "JOIN internal.feeds USING (feed_id) GROUP BY ALL"
    )
    doubtful = [row for row in asked(published, sql) if row[1] != "given"]
    assert doubtful == [("Le Comptoir du Hardware", "missing", 3)]
