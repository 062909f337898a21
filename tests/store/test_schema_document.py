"""docs/schema.md is what its program writes today."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_schema", DOCS / "make_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_document_is_what_the_catalog_says(program: ModuleType) -> None:
    written = (DOCS / "schema.md").read_text(encoding="utf-8")
    assert written == program.document(), "run `python docs/make_schema.py`"


def test_every_reference_in_the_diagram_names_a_table(program: ModuleType) -> None:
    tables = program.read_tables()
    names = {table.name for table in tables}
    found = program.relations(tables)
    assert ("articles", "embeddings", "article_id") in found
    assert ("stories", "topic_stories", "story_id") in found
    assert {parent for parent, _, _ in found} <= names


def test_every_alias_of_the_diagram_is_a_column(program: ModuleType) -> None:
    columns = {column.name for table in program.read_tables() for column in table.columns}
    assert set(program._ALIASES) <= columns
