"""The index of search: appended by night, the same however often and in which order it is made."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from newsclust import pipeline
from newsclust.model import Count, Run
from newsclust.search import stems_of
from newsclust.store import Database, articles, publish
from tests.factories import BUNDLED, NOON, drawn_direction

TOLD = {  # id -> (language, title, text)
    "chip": (
        "en",
        "Nvidia unveils the N1X chip",
        "A laptop chip named N1X, said the company, with the power of an RTX 5070.",
    ),
    "puce": ("fr", "Nvidia dévoile sa puce N1X", "La puce pour ordinateurs portables arrive."),
    "card": ("en", "The RTX 5090 sells out", "The graphics card was gone in an hour."),
    "fine": ("en", "GDPR fine for a large platform", "The regulator fined the platform."),
    "amende": ("fr", "Amende RGPD pour une plateforme", "La CNIL inflige une amende de 20 millions."),
    "hole": ("en", "Patch now", 'CVE-2026-1234 is exploited; see "the advisory".'),
    "repost": ("en", "GDPR fine: a repost", "The regulator fined the platform."),
    "boat": ("en", "A ferry changes its hours", "From Monday it leaves earlier."),
}
MEANING = {"puce": "chip", "amende": "fine"}  # articles whose vectors are near another's


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb") as db:
        put(db, TOLD)
        yield db


def put(db: Database, told: dict[str, tuple[str, str, str]], at: datetime = NOON) -> None:
    rows = [
        {
            "article_id": name,
            "url": f"https://site.example/{name}",
            "canonical_url": f"https://site.example/{name}",
            "title": title,
            "text": text,
            "language": language,
            "language_source": "text",
            "outlet": "site.example",
            "published_at": at,
            "date_quality": "given",
            "text_source": "page",
            "word_count": 9,
            "first_seen_at": at,
            "changed_at": at,
            "extracted_at": at,
            "run_id": "r",
        }
        for name, (language, title, text) in told.items()
    ]
    db.upsert("articles", rows, key=["article_id"])


def night(days: float = 0) -> Run:
    at = NOON + timedelta(days=days)
    return Run(id=f"run{days}", flow="test", night_at=at, started_at=at)


def holds(db: Database) -> set[tuple[str, str, int, int]]:
    """(article, stem, in title, in text) of the whole index."""
    return set(
        db.tuples(
            "SELECT DISTINCT article_id, stem, in_title, in_text FROM search_postings "
            "JOIN search_documents USING (doc) JOIN search_words USING (term) "
            "WHERE search_words.language = search_documents.language"
        )
    )


def publish_archive(db: Database, path: Path) -> None:
    names = sorted(set(TOLD) - {"repost"})
    near = [drawn_direction(MEANING.get(name, name)) + 0.3 * drawn_direction(f"{name} itself") for name in names]
    vectors = np.stack([one / np.linalg.norm(one) for one in near]).astype(np.float32)
    articles.save_embeddings(db, night(), BUNDLED.replace("multilingual-e5-small", "other"), names, vectors, vectors)
    db.save(
        "duplicates",
        [
            {
                "article_id": "repost",
                "original_id": "fine",
                "method": "same_text",
                "similarity": 1.0,
                "evidence": "the text",
                "found_at": NOON,
                "run_id": "r",
                "better_original_reason": "",
            }
        ],
    )
    for story, members in {"s-chip": ["chip", "puce"], "s-fine": ["fine", "amende"], "s-boat": ["boat"]}.items():
        db.save(
            "story_articles",
            [{"story_id": story, "article_id": a, "joined_at": NOON, "run_id": "r"} for a in members],
        )
        stamps = dict.fromkeys(("born_at", "first_at", "last_at"), NOON)
        row = {"story_id": story, "headline": TOLD[members[0]][1], "state": "living", "run_id": "r"}
        db.save("stories", [{**row, **stamps}])
    pipeline.index_articles(db, night())
    publish(db, path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    with Database(folder / "work.duckdb") as db:
        put(db, TOLD)
        publish_archive(db, folder / "published.duckdb")
    return folder / "published.duckdb"


def found(published: Path, call: str, columns: str = "article_id, why") -> list[tuple[str, ...]]:
    with duckdb.connect(published, read_only=True) as reader:
        return reader.execute(f"SELECT {columns} FROM {call} ORDER BY place").fetchall()


def test_a_second_time_nothing_is_left_to_do(db: Database) -> None:
    assert pipeline.index_articles(db, night()) == Count(done=len(TOLD))
    before = holds(db), db.tuples("FROM search_words ORDER BY ALL"), db.tuples("FROM search_documents ORDER BY ALL")
    assert pipeline.index_articles(db, night(1)) == Count()
    assert (
        holds(db),
        db.tuples("FROM search_words ORDER BY ALL"),
        db.tuples("FROM search_documents ORDER BY ALL"),
    ) == before
    assert not [broken for broken in db.check() if broken.name.startswith("search")]


def test_night_by_night_the_index_holds_what_it_holds_when_made_at_once(db: Database, tmp_path: Path) -> None:
    pipeline.index_articles(db, night())
    with Database(tmp_path / "other.duckdb") as other:
        for days, name in enumerate(reversed(TOLD)):
            put(other, {name: TOLD[name]})
            assert pipeline.index_articles(other, night(days)) == Count(done=1)
        assert holds(other) == holds(db)
        assert not [broken for broken in other.check() if broken.name.startswith("search")]


def test_an_edited_article_loses_its_old_words_and_keeps_its_number(db: Database) -> None:
    pipeline.index_articles(db, night())
    number = db.value("SELECT doc FROM search_documents WHERE article_id = 'boat'")
    put(db, {"boat": ("fr", "Le bateau change", "")}, at=NOON + timedelta(days=1))
    assert pipeline.index_articles(db, night(1)) == Count(done=1)
    assert {row[1:] for row in holds(db) if row[0] == "boat"} == {("bateau", 1, 0), ("chang", 1, 0)}
    assert db.value("SELECT doc FROM search_documents WHERE article_id = 'boat'") == number


def test_a_text_that_retention_dropped_is_not_found_any_more_but_its_title_is(db: Database) -> None:
    pipeline.index_articles(db, night())
    db.execute(
        "UPDATE articles SET text = '', text_dropped_at = $1 WHERE article_id = 'boat'", [NOON + timedelta(days=9)]
    )
    assert pipeline.index_articles(db, night(9)) == Count(done=1)
    assert {stem for name, stem, *_ in holds(db) if name == "boat"} == {"ferri", "chang", "hour"}
    assert pipeline.index_articles(db, night(10)) == Count()


def test_an_article_that_is_gone_leaves_the_index(db: Database) -> None:
    pipeline.index_articles(db, night())
    db.execute("DELETE FROM articles WHERE article_id = 'boat'")
    pipeline.index_articles(db, night(1))
    assert not [row for row in holds(db) if row[0] == "boat"]
    assert db.value("SELECT count(*) FROM search_postings ANTI JOIN search_documents USING (doc)") == 0


def test_a_step_out_of_time_leaves_the_rest_for_the_next_night(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsclust.pipeline.search._AT_ONCE", 3)
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("newsclust.pipeline.search.time.monotonic", lambda: next(clock))
    assert pipeline.index_articles(db, night(), budget_s=25) == Count(done=6, skipped=len(TOLD) - 6)
    assert pipeline.index_articles(db, night(1), budget_s=1000) == Count(done=len(TOLD) - 6)


def test_a_step_that_is_killed_goes_on_where_it_stopped(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.index_articles(db, night())
    whole = holds(db)
    for table in ("search_postings", "search_documents", "search_words"):
        db.execute(f"DELETE FROM {table}")
    monkeypatch.setattr("newsclust.pipeline.search._AT_ONCE", 3)
    calls = 0

    def dying(words: Sequence[str], language: str) -> list[str]:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return stems_of(words, language)

    with monkeypatch.context() as patched:
        patched.setattr("newsclust.pipeline.search.stems_of", dying)
        with pytest.raises(KeyboardInterrupt):
            pipeline.index_articles(db, night())
    stored = db.value("SELECT count(*) FROM search_documents")
    assert 0 < stored < len(TOLD)
    assert pipeline.index_articles(db, night(1)) == Count(done=len(TOLD) - stored)
    assert holds(db) == whole


def test_words_find_by_stem_in_either_language_and_the_title_counts_more(published: Path) -> None:
    assert found(published, "search_articles('chips')")[0] == ("chip", "both")
    assert found(published, "search_articles('PUCES')")[0] == ("puce", "both")
    assert found(published, "search_articles('dévoilé')")[0][0] == "puce"
    assert found(published, "search_articles('fined')")[0][0] == "fine"


def test_meaning_finds_what_another_language_tells(published: Path) -> None:
    assert dict(found(published, "search_articles('GDPR fine')")) == {"fine": "both", "amende": "meaning"}


@pytest.mark.parametrize("written", ["rtx 5090", "RTX5090", "rtx-5090", "5090"])
def test_a_product_is_found_however_it_is_written(published: Path, written: str) -> None:
    assert found(published, f"search_articles('{written}')")[0][0] == "card"


def test_an_id_is_found_whole(published: Path) -> None:
    assert found(published, "search_articles('CVE-2026-1234')")[0][0] == "hole"
    assert found(published, "search_articles('n1x')")[0][0] in {"chip", "puce"}


def test_a_duplicate_is_found_as_its_original(published: Path) -> None:
    assert "repost" not in dict(found(published, "search_articles('repost')"))
    assert found(published, "search_articles('repost')")[0][0] == "fine"
    assert found(published, "similar_articles('repost')") == found(published, "similar_articles('fine')")


@pytest.mark.parametrize("call", ["search_articles", "search_stories", "similar_articles", "similar_stories"])
@pytest.mark.parametrize("asked", ["", "zzzqqq", "\"';--", "%", "' OR 1=1", "🦀", "the"])
def test_what_is_not_there_gives_no_row_and_no_error(published: Path, call: str, asked: str) -> None:
    assert found(published, f"{call}('{asked.replace(chr(39), chr(39) * 2)}')", "*") == []
    assert found(published, f"{call}(NULL)", "*") == []


def test_stories_are_found_by_their_nearest_article(published: Path) -> None:
    assert found(published, "search_stories('amende')", "story_id, article_id, why")[0] == (
        "s-fine",
        "amende",
        "both",
    )
    assert found(published, "similar_articles('chip')", "article_id")[0] == ("puce",)
    assert "s-fine" not in {one for (one,) in found(published, "similar_stories('s-fine')", "story_id")}


def test_no_more_than_asked_for_and_the_ranks_say_why(published: Path) -> None:
    assert len(found(published, "search_articles('nvidia', number := 1)")) == 1
    for why, words, meaning in found(published, "search_articles('nvidia chip')", "why, words_rank, meaning_rank"):
        assert (
            why
            == {(True, True): "both", (True, False): "words", (False, True): "meaning"}[
                words is not None, meaning is not None
            ]
        )


def test_the_macros_answer_in_a_file_attached_under_another_name(published: Path) -> None:
    for call in (
        "search_articles('nvidia'",
        "search_stories('nvidia'",
        "similar_articles('chip'",
        "similar_stories('s-chip'",
    ):
        whole = found(published, f"{call})", "*")
        with duckdb.connect() as reader:
            reader.execute(f"ATTACH '{published}' AS news (READ_ONLY)")
            assert reader.execute(f"FROM news.{call}, attached := 'news')").fetchall() == whole
            reader.execute("USE news")
            assert reader.execute(f"FROM {call})").fetchall() == whole
