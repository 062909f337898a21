"""`newsclust duplicate ...`: duplicates are shown with their evidence, and overridden."""

from datetime import timedelta
from pathlib import Path

import pytest

from newsclust.overrides import CorrectionKind, duplicate_overrides, read_corrections
from tests.pipeline.test_pipeline import NIGHT, ONE, READ, TWO, Item, Nights, article_id, prose, rss
from tests.terminal import Terminal

FILE = Path("data/corrections.jsonl")  # where the settings' defaults put it, in the test's own folder
ORIGINAL, COPY, ALONE = "https://one.example/original", "https://two.example/copy", "https://two.example/alone"


class Newsroom:
    """Nights of two outlets, of which one reprints the other: each is read, compared and published."""

    def __init__(self, folder: Path, *, reprints: int = 1) -> None:
        self.nights = Nights(folder)
        copies = [COPY, *(f"{COPY}{number}" for number in range(1, reprints))]
        self.web = {
            ONE.url: rss(
                Item(link=ORIGINAL, title="Ferry returns", text=prose("ferry"), at=NIGHT - timedelta(hours=9))
            ),
            TWO.url: rss(
                *(Item(link=link, title="Ferry is back", text=prose("ferry")) for link in copies),
                Item(link=ALONE, title="Harbour dredged", text=prose("harbour")),
            ),
        }

    def live(self, *, days: float = 0) -> dict[str, str]:
        """Live a night with the corrections of the file; return duplicate -> original, by address, as published."""
        self.nights.said = read_corrections(FILE)
        self.nights.live(self.web, days=days, names=[*READ, "find_duplicates", "publish"])
        return dict(self.nights.rows("SELECT url, original_url FROM duplicate_articles"))


@pytest.fixture
def newsroom(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    newsroom = Newsroom(tmp_path)
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(newsroom.nights.published))
    return newsroom


def test_a_duplicate_is_listed_with_its_original_the_method_and_the_evidence(
    terminal: Terminal, newsroom: Newsroom
) -> None:
    newsroom.live()
    ended = terminal("duplicate", "list")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "Duplicates: 1",
        "",
        f"{article_id(COPY)}  “Ferry is back” (two.example)",
        f"  a duplicate of {article_id(ORIGINAL)}  “Ferry returns” (one.example)",
        "  same text, 1.00: the same 61 words",
    ]


def test_the_list_is_cut_to_the_limit_and_says_so(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom = Newsroom(tmp_path, reprints=3)
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(newsroom.nights.published))
    newsroom.live()
    listed = terminal("duplicate", "list", "--limit", "2").out
    assert listed.startswith("Duplicates: 3, the latest 2 shown\n")
    assert listed.count("a duplicate of") == 2
    assert terminal("duplicate", "list").out.count("a duplicate of") == 3
    assert terminal("duplicate", "list", "--limit", "0").code == 2


def test_an_undo_shows_what_the_article_was_a_duplicate_of_and_what_happens_next(
    terminal: Terminal, newsroom: Newsroom
) -> None:
    newsroom.live()
    ended = terminal("duplicate", "undo", article_id(COPY)[:7])
    assert ended.code == 0
    (correction,) = read_corrections(FILE)
    assert (correction.kind, correction.article_ids) == (CorrectionKind.NOT_DUPLICATE, (article_id(COPY),))
    for text in (
        "“Ferry is back”",
        "a duplicate of",
        "“Ferry returns”",
        "the same 61 words",
        correction.id,
        "The next night",
    ):
        assert text in ended.out
    listed = terminal("duplicate", "list").out
    assert listed.startswith("Duplicates: 0\n")
    assert "“Ferry is back” (two.example), since 20" in listed
    assert "the next night frees it" in listed


def test_an_undone_duplicate_is_free_on_every_later_night_until_it_is_restored(
    terminal: Terminal, newsroom: Newsroom
) -> None:
    found = {COPY: ORIGINAL}
    assert newsroom.live() == found
    terminal("duplicate", "undo", COPY)
    assert newsroom.live(days=1) == {}
    newsroom.web[TWO.url] = rss(Item(link=COPY, title="Ferry is back, at last", text=prose("ferry")))
    assert newsroom.live(days=2) == {}  # the edited article is compared again, and stays free
    assert "the next night frees it" not in terminal("duplicate", "list").out
    ended = terminal("duplicate", "restore", article_id(COPY))
    assert (ended.code, duplicate_overrides(read_corrections(FILE))) == (0, frozenset())
    assert "The next night compares it anew." in ended.out
    assert newsroom.live(days=3) == found


def test_an_undo_after_a_restore_counts_again(terminal: Terminal, newsroom: Newsroom) -> None:
    newsroom.live()
    for verb in ("undo", "restore", "undo"):
        assert terminal("duplicate", verb, COPY).code == 0
    assert duplicate_overrides(read_corrections(FILE)) == {article_id(COPY)}
    assert newsroom.live(days=1) == {}


def test_an_override_that_changes_nothing_is_refused_and_not_written(terminal: Terminal, newsroom: Newsroom) -> None:
    newsroom.live()
    for arguments, text in (
        (("undo", ORIGINAL), "it is a duplicate of none"),
        (("undo", "https://nowhere.example/"), "no article has this id or address"),
        (("restore", COPY), "nobody declared it a duplicate of none"),
    ):
        ended = terminal("duplicate", *arguments)
        assert ended.code == 2
        assert text in ended.err
        assert not FILE.exists()
    terminal("duplicate", "undo", COPY)
    written = FILE.read_bytes()
    again = terminal("duplicate", "undo", COPY)
    assert (again.code, FILE.read_bytes()) == (2, written)
    assert "it is declared a duplicate of none" in again.err


def test_an_override_of_an_article_of_another_database_is_listed_by_its_id(
    terminal: Terminal, newsroom: Newsroom
) -> None:
    newsroom.live()
    FILE.parent.mkdir()
    FILE.write_text(
        '{"id": "x", "kind": "no_copy", "made_at": "2026-03-01T12:00:00Z", "articles": ["0123456789abcdef"]}\n'
    )
    assert "0123456789abcdef  not in this database, since 2026-03-01\n" in terminal("duplicate", "list").out


def test_story_list_shows_a_duplicate_override_export_leaves_it_out_and_story_undo_revokes_it(
    terminal: Terminal, newsroom: Newsroom
) -> None:
    newsroom.live()
    terminal("duplicate", "undo", COPY)
    (correction,) = read_corrections(FILE)
    (line,) = [line for line in terminal("story", "list").out.splitlines() if correction.id in line]
    assert line.split()[3:] == ["not_duplicate", "yes", "article", article_id(COPY)]
    exported = terminal("story", "export")
    assert (exported.code, exported.out) == (0, "")
    assert terminal("story", "undo", correction.id).code == 0
    assert duplicate_overrides(read_corrections(FILE)) == frozenset()
