"""An exported folder: what is in it, what describes it, and that it is there as a whole or not at all."""

import csv
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from newsclust.errors import StoreError
from newsclust.export import folder as export_module
from newsclust.export.catalog import published_views
from newsclust.export.folder import export_folder
from newsclust.export.packages import ExportFormat
from newsclust.store import open_published
from tests.terminal import Terminal

READ: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "parquet": lambda path: pq.read_table(path).to_pylist(),
    "csv": lambda path: list(csv.DictReader(path.open(encoding="utf-8", newline=""))),
    "jsonl": lambda path: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()],
}


@pytest.fixture
def published(demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def package(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("form", READ)
def test_every_view_is_a_file_with_its_rows_and_described_by_its_comments(
    form: str, newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    ended = newsclust("export", "--to", "out", "--format", form)
    assert ended.code == 0, ended.err
    views = {view.name: view for view in published_views(published)}
    described = {resource["name"]: resource for resource in package(Path("out"))["resources"]}
    assert described.keys() == views.keys()
    assert {path.name for path in Path("out").iterdir()} == {
        *(f"{view}.{form}" for view in views),
        *("datapackage.json", "croissant.json"),
    }
    for name, resource in described.items():
        assert resource["description"] == views[name].comment
        fields = [(field["name"], field["description"]) for field in resource["schema"]["fields"]]
        assert fields == [(column.name, column.comment) for column in views[name].columns]
        assert all(description for _, description in fields)
        content = (Path("out") / resource["path"]).read_bytes()
        if form != "parquet":
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert resource["bytes"] == len(content)
        ((count,),) = published.execute(f'SELECT count(*) FROM "{name}"').fetchall()
        assert len(READ[form](Path("out") / resource["path"])) == resource["rows"] == count
        assert f"{resource['path']}: {count} rows" in ended.out


def test_values_are_written_as_query_writes_them(newsclust: Terminal) -> None:
    newsclust("export", "--to", "out", "--format", "jsonl", "--view", "current_stories")
    asked = newsclust("query", "from current_stories", "--format", "jsonl").out
    assert Path("out/current_stories.jsonl").read_text(encoding="utf-8") == asked
    newsclust("export", "--to", "out", "--format", "csv", "--view", "current_stories")
    asked = newsclust("query", "from current_stories", "--format", "csv").out
    assert Path("out/current_stories.csv").read_text(encoding="utf-8") == asked
    newsclust("export", "--to", "out", "--view", "current_stories")
    row = pq.read_table("out/current_stories.parquet").to_pylist()[0]
    assert isinstance(row["languages"], list)
    assert str(row["last_at"]).startswith("2026-02-0")


def test_since_leaves_out_what_was_before_by_the_views_own_time(newsclust: Terminal) -> None:
    ended = newsclust("export", "--to", "out", "--format", "jsonl", "--since", "2026-02-05")
    described = {resource["name"]: resource for resource in package(Path("out"))["resources"]}
    assert described["current_stories"]["since"] == {"column": "last_at", "moment": "2026-02-05T00:00:00Z"}
    rows = READ["jsonl"](Path("out/current_stories.jsonl"))
    assert rows
    assert all(row["last_at"] >= "2026-02-05" for row in rows)
    assert "since" not in described["feed_addresses"]
    assert "feed_addresses.jsonl: 15 rows, all: it has no time" in ended.out
    assert "story_history.jsonl" in ended.out
    assert "happened_at since 2026-02-05 00:00" in ended.out
    refused = newsclust("export", "--to", "other", "--since", "tomorrow")
    assert (refused.code, Path("other").exists()) == (2, False)


def test_every_view_with_a_moment_has_a_time_or_is_a_state(published: duckdb.DuckDBPyConnection) -> None:
    timeless = {view.name for view in published_views(published) if view.time_column is None}
    assert {"feed_addresses", "feed_health"} <= timeless
    assert "article_texts" not in timeless


def test_croissant_names_each_file_and_each_column(newsclust: Terminal, published: duckdb.DuckDBPyConnection) -> None:
    for form in READ:
        newsclust("export", "--to", "out", "--format", form)
        described = json.loads(Path("out/croissant.json").read_text(encoding="utf-8"))
        files = {file["@id"]: file for file in described["distribution"]}
        for name, file in files.items():
            content = Path("out", file["contentUrl"]).read_bytes()
            assert file["sha256"] == hashlib.sha256(content).hexdigest(), name
        for view in published_views(published):
            (record,) = [record for record in described["recordSet"] if record["name"] == view.name]
            maps = {column.name for column in view.columns if column.type.startswith("MAP")}
            names = {field["name"] for field in record["field"]}
            assert names == {column.name for column in view.columns} - (maps if form != "csv" else set())
            assert {field["source"]["fileObject"]["@id"] for field in record["field"]} <= files.keys()


def test_the_same_night_gives_the_same_bytes(newsclust: Terminal) -> None:
    for name in ("one", "two"):
        newsclust("export", "--to", name, "--format", "csv")
    assert contents(Path("one")) == contents(Path("two"))


def test_an_export_replaces_an_earlier_one_as_a_whole(newsclust: Terminal) -> None:
    newsclust("export", "--to", "out", "--format", "csv")
    assert newsclust("export", "--to", "out", "--view", "current_topics").code == 0
    assert sorted(contents(Path("out"))) == ["croissant.json", "current_topics.parquet", "datapackage.json"]
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (["out/letter.txt"], "no earlier export"),
        (["out/datapackage.json"], "no earlier export"),
        (["out"], "it is a file"),
    ],
)
def test_what_is_no_earlier_export_is_refused_and_stays(made: list[str], reason: str, newsclust: Terminal) -> None:
    for name in made:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text('{"resources": [{"path": "mine.csv"}]}', encoding="utf-8")
    ended = newsclust("export", "--to", "out")
    assert (ended.code, reason in ended.err) == (2, True)
    assert all(Path(name).exists() for name in made)


def test_a_file_of_somebody_in_an_export_keeps_it_from_being_replaced(newsclust: Terminal) -> None:
    newsclust("export", "--to", "out", "--view", "current_topics")
    Path("out/notes.md").write_text("mine", encoding="utf-8")
    ended = newsclust("export", "--to", "out")
    assert (ended.code, "notes.md" in ended.err) == (2, True)
    assert Path("out/notes.md").read_text(encoding="utf-8") == "mine"


def test_a_view_or_a_format_that_is_not_there_is_refused(newsclust: Terminal) -> None:
    ended = newsclust("export", "--to", "out", "--view", "curent_stories")
    assert (ended.code, "did you mean current_stories?" in ended.err) == (2, True)
    assert newsclust("export", "--to", "out", "--view", "articles").code == 2  # a table
    assert newsclust("export", "--to", "out", "--format", "xml").code == 2
    assert newsclust("export").code == 2
    assert not Path("out").exists()


def test_an_export_that_fails_leaves_what_was_there(
    tmp_path: Path, published: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    views = published_views(published, ["current_topics", "topic_days"])
    export_folder(published, target, views, ExportFormat.CSV)
    before = contents(target)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, "_write_json", full)
    with pytest.raises(StoreError, match="No space left"):
        export_folder(published, target, views, ExportFormat.JSONL)
    assert contents(target) == before
    with pytest.raises(StoreError):
        export_folder(published, tmp_path / "new", views, ExportFormat.JSONL)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_that_is_killed_leaves_no_folder_and_the_next_one_cleans_up(
    tmp_path: Path, demo_folder: Path, published: duckdb.DuckDBPyConnection
) -> None:
    target = tmp_path / "out"
    child = multiprocessing.get_context("spawn").Process(target=_die_half_way, args=(demo_folder, target))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    export_folder(published, target, published_views(published, ["current_topics"]), ExportFormat.CSV)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _die_half_way(demo_folder: Path, target: Path) -> None:
    export_module._write_json = lambda *_: os._exit(9)  # type: ignore[assignment]
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        export_folder(connection, target, published_views(connection), ExportFormat.CSV)
