"""How well the text of real article pages is found: token F1 of ours and of plain trafilatura, in one run.

Run: python -m benchmarks.extraction [FOLDER]
The folder holds ground-truth.json and html/*.html.gz (scrapinghub's article-extraction-benchmark, MIT). It is no
part of the repository: without it there is nothing to measure, and the program says so.
"""

import argparse
import gzip
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from newsclust.extract.article import article_of
from newsclust.extract.page import read_page
from newsclust.model import Page, Source

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Means over pages; a page with no common word counts 0."""

    precision: float
    recall: float
    f1: float
    lost: int  # pages with F1 under 0.5


def token_f1(gold: str, found: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words found, as bags."""
    expected, given = Counter(gold.split()), Counter(found.split())
    common = (expected & given).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / given.total(), common / expected.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def mean_scores(pairs: Sequence[tuple[str, str]]) -> Scores:
    """The means over (gold text, found text)."""
    columns = list(zip(*(token_f1(gold, found) for gold, found in pairs), strict=True))
    precision, recall, f1 = (sum(column) / len(pairs) for column in columns)
    return Scores(precision=precision, recall=recall, f1=f1, lost=sum(value < 0.5 for value in columns[2]))


def trafilatura_default(body: bytes, url: str) -> str:
    from trafilatura import bare_extraction

    document = bare_extraction(body, url=url)
    return getattr(document, "text", None) or ""


def trafilatura_precision(body: bytes, url: str) -> str:
    from trafilatura import bare_extraction

    document = bare_extraction(body, url=url, favor_precision=True, include_comments=False)
    return getattr(document, "text", None) or ""


def newsclust(body: bytes, url: str) -> str:
    page = Page(url=url, final_url=url, fetched_at=datetime(2026, 1, 1, tzinfo=UTC), headers={}, body=body)
    source = Source(
        article_id="-", url=url, title="", summary=None, content=None, language=None, feed_title="", page=page
    )
    extraction = article_of(source, read_page(page), None).extraction
    return extraction.text if extraction else ""


METHODS: dict[str, Callable[[bytes, str], str]] = {
    "trafilatura, default": trafilatura_default,
    "trafilatura, favor_precision": trafilatura_precision,
    "newsclust": newsclust,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row for each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=PAGES)
    folder = parser.parse_args(arguments).folder
    if not (folder / "ground-truth.json").is_file():
        print(f"Skipped: there are no pages with their texts in {folder}.")
        return
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    truth = json.loads((folder / "ground-truth.json").read_text())
    pages = {name: gzip.decompress((folder / f"html/{name}.html.gz").read_bytes()) for name in sorted(truth)}
    print(f"{len(pages)} pages")
    print(f"{'method':30} {'precision':>9} {'recall':>7} {'F1':>7} {'lost':>5} {'ms/page':>8}")
    for method, extract in METHODS.items():
        for name in list(pages)[:3]:  # imports and models are loaded before the clock starts
            extract(pages[name], truth[name]["url"])
        started = time.perf_counter()
        found = [(truth[name]["articleBody"], extract(body, truth[name]["url"])) for name, body in pages.items()]
        spent = (time.perf_counter() - started) / len(pages) * 1000
        s = mean_scores(found)
        print(f"{method:30} {s.precision:9.3f} {s.recall:7.3f} {s.f1:7.3f} {s.lost:5d} {spent:8.1f}")


if __name__ == "__main__":
    main()
