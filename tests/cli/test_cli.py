"""The command line: every verb on a published night, errors as exit codes, and what README and guides show."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from newsclust.sources.feeds_toml import read_feeds
from newsclust.sources.opml import read_opml
from newsclust.store import Database, open_published, publish
from tests.terminal import Terminal

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FEEDS = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
RECIPES = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
VIEWS = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")
# What needs a folder, a night or a server of its own is played from an installed wheel (deploy/trial.py).
PLAYED_BY_THE_TRIAL = ("--install-completion", "check", "demo", "init", "night", "serve")
OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline type="rss" text="The Pier" xmlUrl="https://pier.example/feed"/>
<outline type="rss" text="Le Quai" xmlUrl="https://quai.example/flux"/>
<outline type="rss" text="Nowhere" xmlUrl="mailto:nobody"/>
</body></opml>
"""


# ---------------------------------------------------------------- reading the published night


def test_top_shows_the_most_told_stories_and_the_topics(newsclust: Terminal, demo_folder: Path) -> None:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        first = connection.execute("SELECT headline FROM current_stories LIMIT 1").fetchall()[0][0]
    ended = newsclust("top", "--number", "3")
    assert ended.code == 0
    assert first in ended.out
    assert "not in a topic" not in ended.out.partition("Topics")[2]  # the last row of more than three
    stories = ended.out.partition("Topics")[0]
    assert len(re.findall(r"^ +\d+ +\d+ +(?:en|fr)", stories, re.MULTILINE)) == 3


def test_status_says_how_the_last_night_went(newsclust: Terminal) -> None:
    ended = newsclust("status")
    assert ended.code == 0
    assert "The night of 2026-02-05 22:00 UTC: finished" in ended.out
    assert "connection_failed" in ended.out


def test_a_query_is_answered_as_a_table(newsclust: Terminal) -> None:
    ended = newsclust(
        "query", "SELECT count(*) AS articles, NULL AS nothing, '[red]' AS markup FROM internal.articles"
    )
    assert ended.code == 0
    assert re.search(r"articles +nothing +markup", ended.out)
    assert re.search(r"130 +\[red\]", ended.out)


def test_a_query_is_answered_as_csv(newsclust: Terminal) -> None:
    ended = newsclust("query", "--format", "csv", "SELECT title, url FROM internal.articles ORDER BY url")
    assert "\r" not in ended.out  # what a shell pipes on
    rows = list(csv.reader(io.StringIO(ended.out)))
    assert ended.code == 0
    assert rows[0] == ["title", "url"]
    assert len(rows) == 131
    assert {len(row) for row in rows} == {2}


def test_a_query_is_answered_as_one_json_object_a_line(newsclust: Terminal) -> None:
    sql = "SELECT headline, languages, last_at FROM current_stories LIMIT 2"
    ended = newsclust("query", "--format", "jsonl", sql)
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert [line.keys() for line in lines] == [{"headline", "languages", "last_at"}] * 2
    assert lines[0]["languages"] == ["en", "fr"]
    assert re.fullmatch(r"2026-02-0\dT\d\d:\d\d:\d\dZ", lines[0]["last_at"])
    assert json.loads(newsclust("query", "--format", "json", sql).out) == lines


def test_the_database_can_be_named_instead_of_configured(terminal: Terminal, demo_folder: Path) -> None:
    published = demo_folder / "published" / "newsclust.duckdb"
    ended = terminal("query", "--format", "csv", "--database", str(published), "SELECT 1 AS one")
    assert (ended.code, ended.out.split()) == (0, ["one", "1"])


def test_views_lists_every_view_with_its_comment(newsclust: Terminal, demo_folder: Path) -> None:
    ended = newsclust("views")
    assert ended.code == 0
    for view, comment in views(demo_folder).items():
        assert re.search(rf"{view} +{re.escape(comment)}", ended.out), view


def test_views_with_a_name_shows_the_columns_and_their_comments(newsclust: Terminal) -> None:
    ended = newsclust("views", "current_stories")
    assert ended.code == 0
    assert re.search(r"story_id +VARCHAR +Lasting id of the story", ended.out)


def test_every_view_and_every_column_of_a_view_has_a_comment(demo_folder: Path) -> None:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        bare = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_views() ON view_name = table_name "
            "WHERE NOT duckdb_views.internal AND (duckdb_columns.comment IS NULL OR duckdb_views.comment IS NULL)"
        ).fetchall()
    assert bare == []


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("verb", [["top"], ["query", "SELECT 1"], ["views"]])
def test_without_a_published_file_the_exit_code_is_3_and_a_night_is_proposed(
    verb: list[str], terminal: Terminal
) -> None:
    ended = terminal(*verb)
    assert ended.code == 3
    assert ended.err.startswith("newsclust: ")
    assert "does not exist" in ended.err
    assert "`newsclust night`" in ended.err
    assert ended.out == ""


def test_a_file_that_is_no_database_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "letter.duckdb").write_text("Dear database, " * 1000, encoding="utf-8")
    ended = terminal("top", "--database", "letter.duckdb")
    assert ended.code == 3
    assert "newsclust: letter.duckdb is no DuckDB file" in ended.err


@pytest.mark.parametrize("sql", ["SELEC 1", "from no_such_view", "select 1 +", "", "/* nothing */"])
def test_wrong_sql_ends_with_exit_code_2(sql: str, newsclust: Terminal) -> None:
    ended = newsclust("query", sql)
    assert ended.code == 2
    assert ended.err.startswith("newsclust: the query cannot be answered: ")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM read_text('{outside}')",
        "FROM '{outside}'",
        "ATTACH '{folder}/other.duckdb'",
        "COPY (SELECT 1) TO '{folder}/written.csv'",
        "EXPORT DATABASE '{folder}/written'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "DELETE FROM internal.articles",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW current_stories",
    ],
)
def test_sql_that_reads_another_file_or_writes_is_refused(sql: str, newsclust: Terminal, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n", encoding="utf-8")
    ended = newsclust("query", sql.format(outside=outside, folder=tmp_path))
    assert ended.code == 2
    assert ended.err.startswith("newsclust: the query cannot be answered: ")
    assert "secret" not in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["outside.csv"]


def test_a_query_that_takes_too_long_is_stopped_with_exit_code_3(newsclust: Terminal) -> None:
    endless = "SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE a.range * b.range % 7 = 3"
    ended = newsclust("query", "--seconds", "0.5", endless)
    assert ended.code == 3
    assert ended.err == "newsclust: the query was stopped after 0.5 seconds (--seconds)\n"


def test_a_view_that_is_not_there_ends_with_exit_code_2(newsclust: Terminal) -> None:
    ended = newsclust("views", "curent_stories")
    assert (ended.code, ended.out) == (2, "")
    assert "there is no view 'curent_stories'" in ended.err


def test_a_word_that_is_no_verb_is_refused_with_exit_code_2(terminal: Terminal) -> None:
    assert terminal("stories").code == 2


# ---------------------------------------------------------------- the list of feeds


def test_feeds_list_shows_every_feed(newsclust: Terminal, demo_folder: Path) -> None:
    ended = newsclust("feeds", "list")
    assert ended.code == 0
    assert ended.out.startswith("15 feeds")
    assert all(feed.url in ended.out for feed in read_feeds(demo_folder / "feeds.toml"))


def test_feeds_export_prints_opml_that_gives_the_same_feeds_back(newsclust: Terminal, demo_folder: Path) -> None:
    ended = newsclust("feeds", "export")
    brought = read_opml(ended.out.strip().encode())
    assert ended.code == 0
    assert brought.problems == ()
    assert [feed.url for feed in brought.feeds] == [feed.url for feed in read_feeds(demo_folder / "feeds.toml")]


def test_feeds_import_adds_what_is_new_keeps_what_is_written_and_tells_what_it_cannot_take(
    terminal: Terminal, tmp_path: Path
) -> None:
    listed = tmp_path / "data" / "feeds.toml"
    listed.parent.mkdir()
    written = '# mine\n[[feed]]\nurl = "https://quai.example/flux"\ntitle = "The quay"\n'
    listed.write_text(written, encoding="utf-8")
    (tmp_path / "mine.opml").write_text(OPML, encoding="utf-8")

    first = terminal("feeds", "import", "mine.opml")
    assert first.code == 0
    assert first.out == "1 feed added to data/feeds.toml, 1 listed already\n"
    assert "mailto:nobody" in first.err
    assert listed.read_text(encoding="utf-8").startswith(written)
    assert [feed.title for feed in read_feeds(listed)] == ["The quay", "The Pier"]

    after_one = listed.read_bytes()
    assert terminal("feeds", "import", "mine.opml").out == "0 feeds added to data/feeds.toml, 2 listed already\n"
    assert listed.read_bytes() == after_one


def test_feeds_import_begins_a_list_where_there_is_none(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "mine.opml").write_text(OPML, encoding="utf-8")
    assert terminal("feeds", "import", "mine.opml").code == 0
    assert len(read_feeds(tmp_path / "data" / "feeds.toml")) == 2


def test_feeds_import_of_something_else_is_refused_and_writes_nothing(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "letter.opml").write_text("Dear reader", encoding="utf-8")
    ended = terminal("feeds", "import", "letter.opml")
    assert ended.code == 2
    assert ended.err.startswith("newsclust: ")
    assert not (tmp_path / "data").exists()


def test_feeds_list_without_a_list_ends_with_exit_code_2(terminal: Terminal) -> None:
    ended = terminal("feeds", "list")
    assert (ended.code, ended.out) == (2, "")
    assert "data/feeds.toml" in ended.err


# ---------------------------------------------------------------- speed


def test_the_help_is_fast_because_it_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from newsclust.cli import main\n"
        "sys.argv = ['newsclust', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "feeds" in done.stdout
    heavy = {"torch", "hdbscan", "trafilatura", "duckdb", "pydantic", "prefect", "numpy", "aiohttp", "pyarrow"}
    assert re.search("'newsclust'", done.stderr)
    assert [name for name in sorted(heavy) if f"'{name}'" in done.stderr] == []


# ---------------------------------------------------------------- README and guides


def views(folder: Path) -> dict[str, str]:
    with open_published(folder / "published" / "newsclust.duckdb") as connection:
        return dict(connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall())


def shown_commands(guide: str) -> list[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", guide, flags=re.MULTILINE | re.DOTALL))
    # A name in capitals stands for what the reader puts there.
    found = [line for line in lines + spans if line.startswith("newsclust ") and not re.search(r"\b[A-Z]{3,}$", line)]
    return [line for line in dict.fromkeys(found) if line.split()[1] not in PLAYED_BY_THE_TRIAL]


def shown_views(guide: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| `(\w+)` \|[^|]*\| `([^`]+)` \|$", guide, re.MULTILINE)


def test_the_readme_and_the_guide_to_feeds_show_commands() -> None:
    assert len(shown_commands(README)) >= 5
    assert len(shown_commands(FEEDS)) >= 4
    assert len(shown_commands(RECIPES)) >= 6


def test_what_is_not_run_here_is_played_by_the_trial_of_the_wheel() -> None:
    trial = (ROOT / "deploy" / "trial.py").read_text(encoding="utf-8")
    assert [
        verb for verb in PLAYED_BY_THE_TRIAL if not re.search(rf'newsclust\("{verb}"|"{verb}"\]|" {verb} ', trial)
    ] == []


@pytest.mark.parametrize(
    "command", dict.fromkeys([*shown_commands(README), *shown_commands(FEEDS), *shown_commands(RECIPES)])
)
def test_a_command_that_is_shown_works(command: str, demo_folder: Path, tmp_path: Path) -> None:
    for name in re.findall(r"\S+\.opml", command):
        (tmp_path / name).write_text(OPML, encoding="utf-8")
    (tmp_path / "feeds.toml").write_bytes((demo_folder / "feeds.toml").read_bytes())
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "NEWSCLUST_PATHS__PUBLISHED": str(demo_folder / "published" / "newsclust.duckdb"),
            "NEWSCLUST_PATHS__FEEDS": "feeds.toml",
        },
        capture_output=True,
        text=True,
        timeout=240,  # embedding the sample takes a busy machine over a minute
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or "--output" in command


def test_the_python_of_the_recipes_runs(demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "published").symlink_to(demo_folder / "published")
    blocks = re.findall(r"^```python\n(.*?)^```", RECIPES, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:  # pandas is none of ours
        code = block.replace(".df()", ".to_arrow_table()")
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_what_stays_open_sees_the_night_that_it_opened_and_then_the_next(demo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_folder / "published", tmp_path / "published")
    path, count = tmp_path / "published" / "newsclust.duckdb", "SELECT count(*) FROM nightly_summary"
    before = duckdb.connect(str(path), read_only=True)
    with Database(tmp_path / "empty.duckdb") as db:
        publish(db, path)
    beside = duckdb.connect(str(path), read_only=True)
    assert before.execute(count).fetchall() == beside.execute(count).fetchall() == [(3,)]
    before.close()
    beside.close()
    with duckdb.connect(str(path), read_only=True) as after:
        assert after.execute(count).fetchall() == [(0,)]


def test_every_view_has_its_row_and_every_row_is_of_a_view(demo_folder: Path) -> None:
    assert sorted(view for view, _ in shown_views(VIEWS)) == sorted(views(demo_folder))


def test_the_rows_of_the_readme_are_those_of_the_guide_to_views() -> None:
    assert shown_views(README)
    assert set(shown_views(README)) <= set(shown_views(VIEWS))


@pytest.mark.parametrize(("view", "example"), shown_views(VIEWS))
def test_the_example_for_a_view_is_answered_from_it(view: str, example: str, demo_folder: Path) -> None:
    assert view in example
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        rows = connection.execute(example).fetchall()
    # A finished night leaves nothing to do, nobody has corrected the demonstration, and three nights neither move a
    # feed nor teach enough of its habits to hold anything back; nothing beside its failures is to be said of them.
    # Its stories of three voices are told in both languages.
    empty = {"blind_spots", "story_corrections", "moved_feeds", "quarantined_entries", "night_notices"}
    assert rows or view.startswith("todo_") or view in empty
