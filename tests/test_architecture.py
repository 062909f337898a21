"""The shape of the package: one name for one type, no tiny modules, the field's words, extras that stay extras."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "newsclust"
FEWEST_LINES = 60

# Modules under FEWEST_LINES with one importer that stay modules of their own, and why.
SMALL_ON_PURPOSE = {
    "newsclust.fetch.refresh": "what a page answers is read in the room that requests: pure, beside robots.txt",
    "newsclust.sources.entry_updates": "decides for the store: pure, so it cannot stand there",
    "newsclust.store.corrections": "the store has one file for each group of tables",
    "newsclust.store.rewrites": "the store has one file for each group of tables",
    "newsclust.store.robots": "the store has one file for each group of tables",
    "newsclust.stories.clustering.voices": "decides what counts, apart from the matrices of merging",
    "newsclust.topics.training": "trains what the stage uses; a night never imports it",
}

# Words of the project's first dialect, as whole words or parts of identifiers, in any case.
OLD_WORDS = (
    *(
        "wishes",
        "manners",
        "furniture",
        "sayings",
        "legible",
        "inert",
        "rehearsals?",
        "rehearsed?",
        "habits",
        "breach",
    ),
    *("ledger", "derivations?", "soonest", "no_copies", "moved_in_vain", "host_?turns", "learned_?joins"),
    *("feed_nights", "feed_wishes", "held_entries", "judge_feeds", "find_copies", "find_derived", "latest_hours"),
)
# Names that hide what a variable holds.
VAGUE_NAMES = frozenset(("said", "told", "held"))
# Where an old word still stands, file by file; a file that is not named here is clean.
OLD_WORDS_LEFT: dict[str, frozenset[str]] = {
    "src/newsclust/settings.py": frozenset(
        ("soonest", "latest_hours", "learnedjoins")
    ),  # the names of before, answered with the new
}


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: set[str]) -> set[str]:
    """Return the modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found & known


def test_a_class_name_stands_for_one_class() -> None:
    defined = defaultdict(set)
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                defined[node.name].add(name)
    assert {name: sorted(places) for name, places in defined.items() if len(places) > 1} == {}


def test_a_small_module_with_one_importer_is_part_of_its_importer() -> None:
    known = modules()
    importers = defaultdict(set)
    for name, path in known.items():
        for imported in imports_of(path, set(known)):
            importers[imported].add(name)
    small = {
        name
        for name, path in known.items()
        if path.name not in ("__init__.py", "__main__.py")
        and len(path.read_text(encoding="utf-8").splitlines()) < FEWEST_LINES
        and len(importers[name]) == 1
        and importers[name] != {name.rpartition(".")[0]}  # the room's own __init__, which exports it
    }
    assert small <= SMALL_ON_PURPOSE.keys()


def test_the_old_dialect_is_gone() -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(OLD_WORDS)})(?![A-Za-z])", re.IGNORECASE)
    texts = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sql"), *(ROOT / "flows").glob("*.py")]
    texts += [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = []
    for path in texts:
        place = path.relative_to(ROOT).as_posix()
        if "/migrations/" in place:  # what ran once is never edited
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = {word.lower() for word in pattern.findall(line)} - OLD_WORDS_LEFT.get(place, frozenset())
            if words:
                found.append(f"{place}:{number}: {', '.join(sorted(words))}")
    assert found == []


def test_no_variable_is_called_by_a_vague_name() -> None:
    unclear = set()
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "flows").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "id", None) or getattr(node, "arg", None) or getattr(node, "attr", None)
            if name in VAGUE_NAMES:
                unclear.add(path.relative_to(ROOT).as_posix())
    assert unclear == set()


def test_a_night_imports_neither_the_evaluation_nor_the_demonstration() -> None:
    program = (
        "import sys, flows.nightly\n"
        "print([name for name in sys.modules if name.startswith(('newsclust.evaluation', 'newsclust.demo'))])"
    )
    path = f"{ROOT / 'src'}:{ROOT}"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": path},
    )
    assert ended.stdout.strip() == "[]"
