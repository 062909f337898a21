"""sources.yml for dbt: YAML that names each view and column with its comment."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from newsclust.export.catalog import PublishedView, ViewColumn, published_views
from newsclust.export.dbt import sources_yml
from newsclust.store import open_published
from tests.terminal import Terminal


@pytest.fixture
def published(demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def test_each_view_is_a_table_of_the_source_with_its_comments(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    assert newsclust("export", "--dbt", "--to", "models").code == 0
    written = yaml.safe_load(Path("models/sources.yml").read_text(encoding="utf-8"))
    assert written["version"] == 2
    (source,) = written["sources"]
    assert (source["name"], source["database"], source["schema"]) == ("newsclust", "newsclust", "main")
    wanted = {
        view.name: (view.comment, [(column.name, column.comment) for column in view.columns])
        for view in published_views(published)
    }
    found = {
        table["name"]: (
            table["description"],
            [(column["name"], column["description"]) for column in table["columns"]],
        )
        for table in source["tables"]
    }
    assert found == wanted


def test_a_description_is_the_comment_whatever_is_in_it() -> None:
    comment = "\"quoted\": yes, # no comment\n- 'list' \\ {{ jinja }} é\u2028"
    column = ViewColumn(name="a", type="VARCHAR[]", comment=comment)
    view = PublishedView(name="v", comment=comment, columns=(column,))
    (table,) = yaml.safe_load(sources_yml([view]))["sources"][0]["tables"]
    assert (table["description"], table["columns"][0]["description"]) == (comment, comment)


def test_it_is_written_again_and_somebody_elses_is_left_alone(newsclust: Terminal) -> None:
    assert newsclust("export", "--dbt").code == 0
    assert newsclust("export", "--dbt", "--view", "current_topics").code == 0
    written = Path("sources.yml").read_text(encoding="utf-8")
    assert "current_topics" in written
    assert "current_stories" not in written
    Path("sources.yml").write_text("version: 2\n", encoding="utf-8")
    ended = newsclust("export", "--dbt")
    assert (ended.code, "was not written by" in ended.err) == (2, True)
    assert Path("sources.yml").read_text(encoding="utf-8") == "version: 2\n"
