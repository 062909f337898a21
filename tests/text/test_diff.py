"""Diffs of edited articles: stored with the revision that was replaced, and never a duplicate of anything."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.model import Feed
from newsclust.store import Database, articles
from newsclust.store import database as database_module
from newsclust.text.diff import MAX_PAIRS, Revision, unified_diff
from tests.pipeline.test_pipeline import ONE, READ, TWO, Item, Nights, article_id, prose, rss

LINK = "https://one.example/a"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_TITLES = st.sampled_from(["Un.", "Deux.", "Trois."])
_TEXTS = st.lists(st.sampled_from(["Un.", "Deux.", "Trois.", "Quatre !", "« Cinq. »"]), max_size=9).map(" ".join)
_STATES = st.builds(lambda title, text: Revision(title=title, text=text), _TITLES, _TEXTS)


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def lines_of(state: Revision) -> list[str]:
    """The title, and each sentence of a text of `_TEXTS`."""
    return [state.title, *re.findall(r"«.*?»|\w+(?: !|\.)", state.text)]


def patched(lines: Sequence[str], diff: str) -> list[str]:
    """What `patch` makes of these lines."""
    made, place = [], 0
    for line in diff.splitlines():
        if found := _HUNK.fullmatch(line):
            start, length = int(found[1]), int(found[2] or 1)
            upto = start - 1 if length else start
            made += lines[place:upto]
            place = upto
            assert len(made) == int(found[3]) - (found[4] != "0")
        elif line.startswith("-"):
            assert lines[place] == line[1:]
            place += 1
        else:
            assert line.startswith("+")
            made.append(line[1:])
    return [*made, *lines[place:]]


def state(*sentences: str, title: str = "Title") -> Revision:
    return Revision(title=title, text=" ".join(sentences))


# --- the diff


@given(_STATES, _STATES)
def test_a_diff_makes_the_next_state_of_the_one_before_and_is_empty_when_they_are_alike(
    before: Revision, after: Revision
) -> None:
    diff = unified_diff(before, after)
    assert patched(lines_of(before), diff) == lines_of(after)
    assert (diff == "") == (lines_of(before) == lines_of(after))


def test_a_diff_tells_the_title_as_line_1_and_each_changed_sentence() -> None:
    before = Revision(title="Bridge closes", text="It closes today. Nobody knows why.\n\nA ferry runs.")
    after = Revision(title="Bridge closed", text="It closes today. Rust is why.\n\nA ferry runs. It is free.")
    assert unified_diff(before, after).splitlines() == [
        "@@ -1 +1 @@",
        "-Bridge closes",
        "+Bridge closed",
        "@@ -3 +3 @@",
        "-Nobody knows why.",
        "+Rust is why.",
        "@@ -4,0 +5 @@",
        "+It is free.",
    ]


def test_a_title_that_moves_into_the_text_is_still_a_changed_title() -> None:
    before, after = state("It rains.", title="One."), state("One.", "It rains.", title="Two.")
    assert unified_diff(before, after).splitlines() == ["@@ -1 +1 @@", "-One.", "+Two.", "@@ -1,0 +2 @@", "+One."]


def test_spaces_and_paragraphs_are_no_edit() -> None:
    before = Revision(title="A  title", text="One thing. Another one?\n\nA third.")
    assert unified_diff(before, Revision(title="A title", text="One thing.\nAnother  one? A third.\n")) == ""


@pytest.mark.parametrize(
    "sentences",
    [
        ("It said “yes.”", "Then it left."),
        ('It said "no."', "Then it stayed."),
        ("« Nous partons. »", "Il est parti !", "Vraiment ?"),
        ("(It was late.)", "It slept…", "It woke."),
    ],
)
def test_a_sentence_keeps_its_closing_quote_and_is_told_alone(sentences: tuple[str, ...]) -> None:
    assert unified_diff(state(*sentences), state(*sentences[1:])).splitlines() == [
        "@@ -2 +1,0 @@",
        f"-{sentences[0]}",
    ]


def test_of_ten_thousand_rewritten_words_the_sentences_that_stayed_are_not_told() -> None:
    before = [f"{prose(f'before {n}', 20)}." for n in range(500)]
    after = [before[n] if n % 10 == 0 else f"{prose(f'after {n}', 20)}." for n in range(500)]
    diff = unified_diff(state(*before), state(*after)).splitlines()
    assert len([line for line in diff if line.startswith("+")]) == 450
    assert not {f"-{sentence}" for sentence in before[::10]} & set(diff)


def test_texts_too_long_to_compare_are_one_hunk_between_what_they_share_at_both_ends() -> None:
    # Every second sentence is the same: compared one by one, 100 hunks and a minute.
    before = ["begin."] + [word for n in range(50_000) for word in (f"old {n}.", "x.")] + ["end."]
    after = ["begin."] + [word for n in range(100) for word in (f"new {n}.", "x.")] + ["end."]
    assert len(before) * len(after) > MAX_PAIRS
    diff = unified_diff(state(*before), state(*after))
    assert [line for line in diff.splitlines() if line.startswith("@@")] == ["@@ -3,99999 +3,199 @@"]
    assert patched(["Title", *before], diff) == ["Title", *after]


# --- the states that are kept


def test_the_state_that_is_replaced_keeps_how_it_differs_from_the_next(nights: Nights) -> None:
    revisions = [
        Item(link=LINK, title="Bridge closes", text="it shuts today. Nobody knows why."),
        Item(link=LINK, title="Bridge closed", text="it shuts today. Rust is why."),
        Item(link=LINK, title="Bridge closed", text="it shuts today. Rust is why. Ferries run."),
    ]
    for days, item in enumerate(revisions):
        nights.live({ONE.url: rss(item)}, [ONE], days=days, names=READ)
    changes = nights.rows(
        "SELECT version, outlet, title_before, title_after, words_added, words_removed, diff "
        "FROM article_changes ORDER BY version"
    )
    assert changes == [
        (1, "one.example", "Bridge closes", "Bridge closed", 3, 3,
         "@@ -1 +1 @@\n-Bridge closes\n+Bridge closed\n@@ -3 +3 @@\n-Nobody knows why.\n+Rust is why."),
        (2, "one.example", "Bridge closed", "Bridge closed", 2, 0, "@@ -3,0 +4 @@\n+Ferries run."),
    ]  # fmt: skip
    seen = nights.rows("SELECT seen_at::DATE, replaced_at::DATE FROM article_changes ORDER BY version")
    assert [(one.day, other.day) for one, other in seen] == [(2, 3), (3, 4)]


def test_a_sentence_that_moved_adds_and_removes_no_word(nights: Nights) -> None:
    for days, text in enumerate(("one. Two came. Three went.", "one. Three went. Two came.")):
        nights.live({ONE.url: rss(Item(link=LINK, title="A", text=text))}, [ONE], days=days, names=READ)
    ((added, removed, diff),) = nights.rows("SELECT words_added, words_removed, diff FROM article_changes")
    assert (added, removed) == (0, 0)
    assert diff


def test_an_edited_article_is_never_a_copy_of_itself_though_another_with_its_first_text_is(nights: Nights) -> None:
    old = prose("as it was", 120)
    web = {ONE.url: rss(Item(link=LINK, text=old)), TWO.url: rss()}
    edited = web | {ONE.url: rss(Item(link=LINK, text=old.replace(" ", " edited ", 1)))}
    reprinted = edited | {TWO.url: rss(Item(link="https://two.example/b", text=old))}
    for days, shown in enumerate((web, edited, edited, reprinted)):
        nights.live(shown, days=days, names=[*READ, "find_duplicates"])
        duplicates = nights.rows("SELECT url, original_url, method FROM duplicate_articles")
        assert duplicates == ([("https://two.example/b", LINK, "near_text")] if shown is reprinted else [])
    assert nights.rows("SELECT count(*) FROM article_versions") == [(1,)]


# --- whose copy is preferred


def test_an_articles_priority_is_the_highest_of_the_feeds_that_showed_it_as_they_are_listed_now(
    nights: Nights,
) -> None:
    def preferred(feed: Feed, priority: int) -> Feed:
        return Feed(id=feed.id, url=feed.url, title=feed.title, priority=priority)

    web = {
        ONE.url: rss(Item(link="https://shared.example/a"), Item(link="https://one.example/b")),
        TWO.url: rss(Item(link="https://shared.example/a"), Item(link="https://two.example/c")),
    }
    wanted = [
        article_id(link) for link in ("https://shared.example/a", "https://one.example/b", "https://two.example/c")
    ]
    for days, (one, two, told) in enumerate([(-3, 5, [5, -3, 5]), (-3, -7, [-3, -3, -7]), (0, 0, [0, 0, 0])]):
        with nights.begun(web, [preferred(ONE, one), preferred(TWO, two)], days=days) as (db, work):
            for name in READ:
                work[name]()
            found = {article.id: article.priority for article in articles.articles(db, [*wanted, "unknown"])}
        assert found == dict(zip(wanted, told, strict=True))


def test_a_file_of_an_older_release_has_priority_0_and_says_of_earlier_edits_that_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "work.duckdb"
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    older = [migration for migration in database_module.migrations() if migration.number < 6]
    with monkeypatch.context() as patch:
        patch.setattr(database_module, "migrations", lambda: older)
        patch.setattr(database_module, "sql_files", lambda folder: [])
        with Database(path, now=at) as db:
            for table, named in (("feeds", "f"), ("articles", "a"), ("article_versions", "a")):
                fill(db.connection, table, named)
    with Database(path, now=at) as db:
        assert db.rows("SELECT feed_id, priority FROM feeds") == [{"feed_id": "f", "priority": 0}]
        assert db.rows("SELECT title_before, title_after, words_added, words_removed, diff FROM article_changes") == [
            {"title_before": "a", "title_after": None, "words_added": None, "words_removed": None, "diff": None}
        ]


def fill(connection: duckdb.DuckDBPyConnection, table: str, named: str) -> None:
    """Insert a row whose texts all are `named`."""
    anything = {"TEXT[]": "[]", "TIMESTAMP": "TIMESTAMP '2026-03-02 12:00'", "BOOLEAN": "true", "INTEGER": "1"}
    types = connection.execute(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = $1 AND schema_name = 'main' ORDER BY column_index",
        [table],
    ).fetchall()
    values = ", ".join(anything.get(kind.replace("VARCHAR", "TEXT"), f"'{named}'") for (kind,) in types)
    connection.execute(f"INSERT INTO {table} VALUES ({values})")
