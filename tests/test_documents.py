"""The documents name what is there: links, files, tables, make targets, and walks of a bounded length."""

import re
from pathlib import Path

import pytest

from newsclust.store import Database

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "newsclust"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tests" / "README.md"])
WALKS = {"An entry, from its bytes to its row": 35, "An article's text, from its page to its row": 34}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_to_a_file_and_a_heading(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{document.name} links to {target}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in {_anchor(heading) for heading in headings}, f"{document.name} links to {target}"


def test_every_name_of_the_glossary_exists(tmp_path: Path) -> None:
    rows = re.findall(r"^\| .* \| .* \| (.*) \|$", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    with Database(tmp_path / "newsclust.duckdb") as db:
        relations = {row["name"] for row in db.rows("SELECT table_name AS name FROM information_schema.tables")}
    model = (PACKAGE / "model.py").read_text(encoding="utf-8")
    missing = {
        name
        for name in names
        if not (PACKAGE / name).exists() and name not in relations and f"class {name}" not in model
    }
    assert len(names) > 40
    assert missing == set()


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_names_files_that_exist_and_is_short(walk: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition(f"### {walk}")[2].partition("\n#")[0]
    files = re.findall(r"`((?:flows|src|[a-z_]+)/?[\w/]*\.(?:py|sql))`", section)
    assert files
    assert [file for file in files if not any((base / file).exists() for base in (ROOT, PACKAGE))] == []
    assert len(set(files)) <= WALKS[walk]


def test_every_make_target_that_a_document_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:^|`)make ([a-z]+)", document.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"demo", "test", "quick", "lint"} <= shown
    assert shown <= targets


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
