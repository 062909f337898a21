"""Check what a wheel and an sdist hold: the same from the tree and from the sdist, all that runs, nothing else.

python check_contents.py WHEEL WHEEL_OF_THE_SDIST SDIST
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

NEEDED = (
    "newsclust/cli/__init__.py",
    "newsclust/flows/nightly.py",
    "newsclust/flows/demo.py",
    "newsclust/py.typed",
    "newsclust/resources/pair_model.json",
    "newsclust/resources/new_settings.toml",
    "newsclust/shipped/feeds.toml",
    "newsclust/shipped/sample/sites.toml",
    "newsclust/shipped/sample/articles/hardware.toml",
    "newsclust/shipped/sample/layouts/agora.html",
    "newsclust/sql/migrations/CHECKSUMS",
    "newsclust/sql/views/",
    "newsclust/sql/checks/",
    "newsclust/sql/comments/",
)
ALLOWED = re.compile(r"newsclust/.+|newsclust-[\w.]+\.dist-info/.+")
# Tests, notebooks, databases, editions, environments: of who works on newsclust or of its users.
REFUSED = re.compile(r"(^|/)(tests?|notebooks|benchmarks|\.env)(/|$)|\.(ipynb|duckdb|wal|pem|key|env|pyc|log)$")
MOST_BYTES = 5_000_000


def main(wheel: Path, again: Path, sdist: Path) -> int:
    """Print what is wrong; return 1 when anything is."""
    first, second = _contents(wheel), _contents(again)
    with tarfile.open(sdist) as archive:
        packed = [name.partition("/")[2] for name in archive.getnames()]
    problems = [f"{needed}: missing" for needed in NEEDED if not any(name.startswith(needed) for name in first)]
    problems += [f"{name}: not for a wheel" for name in first if REFUSED.search(name) or not ALLOWED.fullmatch(name)]
    problems += [f"{name}: not for an sdist" for name in packed if REFUSED.search(name)]
    problems += [
        f"{name}: differs between the tree's wheel and the sdist's"
        for name in first.keys() | second.keys()
        if first.get(name) != second.get(name) and not name.endswith("/RECORD")
    ]
    problems += [f"{file.name}: over {MOST_BYTES:,} bytes" for file in (wheel, sdist) if _size(file) > MOST_BYTES]
    for problem in problems:
        print(problem)
    print(f"{wheel.name}: {len(first)} files, {_size(wheel):,} bytes; {sdist.name}: {_size(sdist):,} bytes")
    return 1 if problems else 0


def _contents(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {item.filename: item.CRC for item in archive.infolist()}


def _size(file: Path) -> int:
    return file.stat().st_size


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
