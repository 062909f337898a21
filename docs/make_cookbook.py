"""Write the answers into docs/cookbook.md: each query asked of the demonstration's published file.

    make demo && python docs/make_cookbook.py [FILE]

`tests/store/test_cookbook.py` fails when an answer is not what the demonstration gives.
"""

import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

DOCUMENT = Path(__file__).with_name("cookbook.md")
DEMONSTRATION = Path("data/demo/published/newsclust.duckdb")
_RECIPE = re.compile(
    r"^## (?P<question>.+?)\n(?P<before>.*?```sql\n(?P<sql>.*?)```\n)(?P<answer>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
_MOST_CHARACTERS = 60  # of a cell


def recipes(text: str) -> list[tuple[str, str, str]]:
    """Return (question, SQL, answer) of each recipe, in order."""
    return [(found["question"], found["sql"], found["answer"].strip()) for found in _RECIPE.finditer(text)]


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the rows of a query as a table in Markdown."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    rows = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in result.fetchall())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written(text: str, connection: duckdb.DuckDBPyConnection) -> str:
    """Return the document with the answers of this file."""

    def replaced(found: re.Match[str]) -> str:
        return f"## {found['question']}\n{found['before']}\n{answer(connection, found['sql'])}\n\n"

    return _RECIPE.sub(replaced, text).rstrip("\n") + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    text = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1].rstrip() + "…"
    return text.replace("|", "\\|")


def main() -> None:
    """Write the document anew."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else DEMONSTRATION
    with duckdb.connect(file, read_only=True) as connection:
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), connection), encoding="utf-8")


if __name__ == "__main__":
    main()
