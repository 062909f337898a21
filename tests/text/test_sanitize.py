"""Words of strangers, where a person reads them."""

import sys
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import FetchError, Reason
from newsclust.report import summary_page
from newsclust.store.database import migrations
from newsclust.text.sanitize import one_line, strip_controls
from tests.terminal import Terminal

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b1A\r\u202egnp.exe\u2069 [red]café | <img src=x> [a](b)"
LONG = st.text() | st.text("a \x1b\u202e\n\x85é").map(lambda text: text * 9)


@given(LONG, st.integers(2, 60))
def test_a_legible_text_is_one_short_line_and_stays_as_it_is(text, most):
    line = one_line(text, most)
    assert len(line) <= most
    assert one_line(line, most) == line
    assert line == strip_controls(line) == " ".join(line.split())


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40))
def test_words_without_commands_in_them_are_left_alone(text):
    assert one_line(text, 40) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\r\n two\tthree", "one two three"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\u202etxt.exe\u202c", "txt.exe"),
        ("\u2067right\u2069 \u200fmark\u200f", "right \u200fmark\u200f"),
        ("👩\u200d💻 émigré", "👩\u200d💻 émigré"),
        ("four words and more", "four words…"),
        ("\x00\x7f\x9f", ""),
    ],
)
def test_commands_go_and_words_stay(text, line):
    assert one_line(text, 12 if text.startswith("four") else 40) == line


def test_an_error_quotes_a_stranger_in_one_inert_line():
    error = FetchError(HOSTILE, Reason.BAD_URL, HOSTILE * 100)
    assert len(error.detail) <= 500
    assert str(error) == strip_controls(str(error))
    assert "\n" not in str(error)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published file whose every word is hostile."""
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE migrations AS SELECT $1 AS number", [migrations()[-1].number])
        connection.execute("CREATE SCHEMA internal")
        for name in ("internal.runs", "nightly_summary"):
            connection.execute(
                f"CREATE TABLE {name} (night_at TIMESTAMP, started_at TIMESTAMP, finished_at TIMESTAMP, outcome TEXT)"
            )
        connection.execute(
            "CREATE TABLE current_stories AS SELECT 's' AS story_id, 2 AS outlets, 3 AS articles, "
            "['en'] AS languages, "
            "$1 AS headline, $1 AS headline_en, $1 AS headline_fr, TIMESTAMP '2026-02-03' AS first_at, "
            "TIMESTAMP '2026-02-03' AS last_at, 't' AS topic_id, $1 AS topic",
            [HOSTILE],
        )
        connection.execute(
            "CREATE TABLE current_story_articles AS SELECT 's' AS story_id, TIMESTAMP '2026-02-03' AS joined_at"
        )
        connection.execute(
            "CREATE TABLE current_topics AS SELECT 2 AS stories, 3 AS articles, $1 AS label, $1 AS headline",
            [HOSTILE],
        )
    return path


@pytest.mark.parametrize("arguments", [["top"], ["query", "from current_topics"]])
def test_a_headline_moves_no_cursor_and_paints_nothing(terminal: Terminal, published: Path, arguments):
    ended = terminal(*arguments, "--database", str(published))
    assert ended.code == 0
    assert ended.out == strip_controls(ended.out)
    assert "[red]café | <img src=x> [a](b)" in ended.out


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_piped_is_as_stored_and_what_is_shown_is_inert(
    terminal: Terminal, published: Path, monkeypatch, form
):
    command = ("query", "from current_topics", "--format", form, "--database", str(published))
    piped = terminal(*command).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = terminal(*command).out
    assert piped != strip_controls(piped)
    assert shown == strip_controls(piped)


def test_an_error_message_moves_no_cursor(terminal: Terminal, published: Path):
    ended = terminal("query", f"from '{HOSTILE}'", "--database", str(published))
    assert ended.code == 2
    assert ended.err == strip_controls(ended.err)


def test_a_headline_makes_no_picture_link_or_column_in_the_summary(terminal: Terminal, published: Path, monkeypatch):
    from newsclust import report

    table = report._table(["headline"], [["a|b ![p](http://h.test/p.png) <script> `c` \\"], [HOSTILE]])
    _header, _rule, first, second = table.splitlines()
    assert first == r"| a\|b !\[p\](http://h.test/p.png) \<script> \`c\` \\ |"
    assert second == strip_controls(second)
    summary_page(published).write_text(table)
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(published))
    assert "![p](http://h.test/p.png) <script> `c`" in terminal("status").out
