"""Articles in languages other than English and French: what becomes of them, and that the summary says so."""

from pathlib import Path

import pytest

from newsclust.embed import bundled_model
from newsclust.report import summary_markdown
from newsclust.store import Database
from tests.pipeline.test_pipeline import ONE, TWO, Item, Nights, Web, rss

pytestmark = pytest.mark.slow

RUSSIAN = "Компания представила новый процессор для ноутбуков, который быстрее прежнего и стоит меньше, чем раньше. "
GERMAN = "Das Unternehmen stellt einen neuen Prozessor für Notebooks vor, der schneller ist und weniger kostet. "
ENGLISH = "The company presents a new processor for laptops, which is faster than the one before and costs less. "


def told(nights: Nights, *texts: str) -> str:
    """A night in which each of two outlets shows these texts, all of one event; return its summary."""
    web: Web = {
        feed.url: rss(
            *(
                Item(link=f"{feed.url}/{n}", tag=1, title=text[:50], text=f"{text}{feed.title} {n} {text}")
                for n, text in enumerate(texts)
            )
        )
        for feed in (ONE, TWO)
    }
    nights.live(web)
    with Database(nights.path) as db:
        return summary_markdown(db.connection, db.value("SELECT arg_max(run_id, night_at) FROM runs"))


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setattr(bundled_model, "NAME", "tags")  # the fake embedder's name
    return Nights(tmp_path)


def test_articles_in_a_script_that_the_model_does_not_read_are_stored_and_in_no_story(nights: Nights) -> None:
    summary = told(nights, RUSSIAN, ENGLISH)
    languages = nights.rows("SELECT DISTINCT language FROM articles ORDER BY ALL")
    assert languages == [("en",), ("ru",)]
    grouped = nights.rows("SELECT DISTINCT language FROM story_articles JOIN articles USING (article_id)")
    assert grouped == [("en",)]
    assert "Notices" not in summary  # of two articles nobody is told


def test_the_summary_says_once_which_languages_are_grouped_less_well_and_which_not_at_all(nights: Nights) -> None:
    summary = told(nights, RUSSIAN, GERMAN, GERMAN + "Mehr dazu später. ", ENGLISH)
    assert summary.count("in other languages than English and French") == 1
    assert "4 in German: grouped into stories like those in English and French" in summary
    assert "2 in Russian: in no story, because the model does not read the script" in summary


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        (ENGLISH, True),
        (GERMAN, True),
        (RUSSIAN, False),
        ("Η εταιρεία παρουσίασε", True),
        ("新款笔记本", False),
        ("Linux 6.18: вышло новое ядро", False),
        ("2026: 100 %!", True),
        ("", True),
    ],
)
def test_a_text_is_read_where_most_of_its_letters_are_latin_or_greek(text: str, is_read: bool) -> None:
    assert bundled_model.is_readable(f"{bundled_model.NAME}/128", text) is is_read
    assert bundled_model.is_readable("intfloat/multilingual-e5-small/128", text)
