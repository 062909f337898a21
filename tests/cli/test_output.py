"""The formats of every verb that reads, where they go, and what is refused."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from newsclust.cli.output import OutputFormat
from newsclust.cli.shared import table
from tests.terminal import Terminal

READING = {  # a verb, and a column of its rows
    ("top",): "story_id",
    ("status",): "standing",
    ("query", "from current_stories limit 3"): "story_id",
    ("views",): "view",
    ("views", "current_stories"): "comment",
    ("why", "STORY"): "probability",
    ("story", "list"): "correction_id",
    ("duplicate", "list"): "original_id",
    ("feeds", "list"): "feed_id",
}
MACHINE = [form for form in OutputFormat if form is not OutputFormat.TABLE]


@pytest.mark.parametrize("form", MACHINE)
@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_every_verb_that_reads_writes_every_format(
    verb: tuple[str, ...], form: OutputFormat, newsclust: Terminal
) -> None:
    file, column = Path("rows"), READING[verb]
    if "STORY" in verb:
        sql = "select story_id from current_stories order by articles desc limit 1"
        verb = ("why", newsclust("query", sql, "--format", "csv").out.split()[-1])
    ended = newsclust(*verb, "--format", form, "--output", str(file))
    assert (ended.code, ended.out) == (0, "")
    if form is OutputFormat.PARQUET:
        assert column in pq.read_table(file).column_names
        return
    text = file.read_text(encoding="utf-8")
    assert text == newsclust(*verb, "--format", form).out
    rows = {
        OutputFormat.CSV: lambda: list(csv.DictReader(io.StringIO(text))),
        OutputFormat.JSON: lambda: json.loads(text),
        OutputFormat.JSONL: lambda: [json.loads(line) for line in text.splitlines()],
        OutputFormat.MARKDOWN: lambda: [dict.fromkeys(text.splitlines()[0].strip("| ").split(" | "))],
    }[form]()
    assert all(column in row for row in rows)
    assert rows or verb == ("story", "list")


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.jsonl", "rows.ndjson", "rows.parquet", "rows.md"])
def test_the_ending_of_the_file_says_the_format(name: str, newsclust: Terminal) -> None:
    assert newsclust("query", "select 1 as one", "--output", name).code == 0
    first = Path(name).read_bytes()[:4]
    wanted = {"csv": b"one\n", "json": b'[\n{"', "md": b"| on", "parquet": b"PAR1"}
    assert first == wanted.get(name.partition(".")[2], b'{"on')


def test_a_table_is_for_the_terminal_and_parquet_is_not(
    newsclust: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = newsclust("query", "select 1", "--output", "rows")
    assert (ended.code, "name the --format" in ended.err) == (2, True)
    ended = newsclust("query", "select 1", "--format", "csv", "--output", str(tmp_path))
    assert (ended.code, "it is a folder" in ended.err) == (2, True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ended = newsclust("query", "select 1", "--format", "parquet")
    assert (ended.code, "--output" in ended.err) == (2, True)
    ended = newsclust("query", "select 1", "--output", "missing/rows.csv")
    assert (ended.code, "cannot write missing/rows.csv" in ended.err) == (3, True)


def test_a_file_is_written_as_a_whole_or_not_at_all(newsclust: Terminal) -> None:
    Path("rows.json").write_text("before", encoding="utf-8")
    sql = "select case when range = 4000 then error('broken') else range end as n from range(5000)"
    assert newsclust("query", sql, "--output", "rows.json").code == 2
    assert Path("rows.json").read_text(encoding="utf-8") == "before"
    assert [path.name for path in Path().iterdir() if path.is_file()] == ["rows.json"]


def test_a_pipe_gets_parquet(demo_folder: Path) -> None:
    database = str(demo_folder / "published" / "newsclust.duckdb")
    command = [sys.executable, "-m", "newsclust", "query", "from current_stories", "--database", database]
    done = subprocess.run([*command, "--format", "parquet"], capture_output=True, check=True, timeout=60)
    assert pq.read_table(io.BytesIO(done.stdout)).num_rows > 3


@pytest.mark.parametrize("columns", ["40", "80", "120", "300"])
def test_ids_are_whole_however_narrow_the_terminal_is(
    columns: str, newsclust: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = (
        "select story_id as story, headline, list(article_id) as article_ids, article_id, outlet, title "
        "from current_story_articles group by all order by all limit 5"
    )
    ids = re.findall(r"\b[0-9a-f]{16}\b", newsclust("query", sql, "--format", "csv").out)
    monkeypatch.setenv("COLUMNS", columns)
    shown = newsclust("query", sql).out
    assert len(ids) >= 15
    assert [found for found in ids if found not in shown] == []


@pytest.mark.parametrize("width", range(34, 140))
def test_a_table_of_any_width_keeps_its_ids_whole(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    row = [
        7,
        12,
        "en fr",
        "A headline of some length that has to be folded",
        "76723921cb18728d",
        ["5b89c622b22d8f2c"] * 2,
    ]
    names = ["outlets", "articles", "lang", "headline", "story", "article_ids"]
    Console(width=width).print(table("Stories", names, [row], width=width))
    shown = capsys.readouterr().out
    assert (shown.count("76723921cb18728d"), shown.count("5b89c622b22d8f2c")) == (1, 2)


@pytest.mark.parametrize("verb", [["query"], ["feeds"], ["feeds", "list"], ["story", "list"], [], ["views"]])
def test_every_verb_explains_itself_by_h(verb: list[str], terminal: Terminal) -> None:
    short, long = terminal(*verb, "-h"), terminal(*verb, "--help")
    assert short.code == 0
    assert "Usage:" in short.out
    assert short.out == long.out


def test_no_color_is_respected(demo_folder: Path) -> None:
    database = str(demo_folder / "published" / "newsclust.duckdb")
    command = [sys.executable, "-m", "newsclust", "query", "from current_stories limit 1", "--database", database]
    forced = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color"}

    def colours(environment: dict[str, str]) -> list[str]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return [code for code in re.findall(r"\x1b\[([\d;]*)m", done.stdout) if re.search(r"\b(3|4|9|10)\d\b", code)]

    assert colours(forced | {"NO_COLOR": "1"}) == []
