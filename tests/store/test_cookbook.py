"""The cookbook: a client without newsclust asks every query of the demonstration, and hears what is written."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from docs.make_cookbook import DOCUMENT, answer, recipes, written

RECIPES = recipes(DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published(demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(demo_folder / "published" / "newsclust.duckdb", read_only=True) as connection:
        yield connection


@pytest.mark.parametrize(("question", "sql", "told"), RECIPES, ids=[question for question, _, _ in RECIPES])
def test_a_question_is_answered_as_the_cookbook_says(
    published: duckdb.DuckDBPyConnection, question: str, sql: str, told: str
) -> None:
    assert answer(published, sql) == told
    assert len(told.splitlines()) > 2, "a question without an answer teaches nothing"


def test_there_are_thirty_questions_at_least_and_none_twice() -> None:
    assert len({question for question, _, _ in RECIPES}) == len(RECIPES) >= 30


def test_writing_the_answers_again_changes_nothing(published: duckdb.DuckDBPyConnection) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert written(text, published) == text
