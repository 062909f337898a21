"""How many article pages a second are read on both cores: ours beside plain trafilatura in the same kind of pool.

Run: python -m benchmarks.extraction [FOLDER] [--pages 10000]
The folder holds ground-truth.json and html/*.html.gz (scrapinghub's article-extraction-benchmark, MIT), which is read
as often as needed. It is no part of the repository: without it there is nothing to measure, and the program says so.
How well the pages are read is told by `newsclust evaluate extraction`.
"""

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from newsclust.errors import SettingsError
from newsclust.evaluate.extraction import read_pages, trafilatura_precision
from newsclust.evaluate.pairs import DATA
from newsclust.extract import TrafilaturaExtractor
from newsclust.model import Page, Source

WORKERS = 2
AT_ONCE = 300  # pages, as the pipeline hands them over
ROUNDS = 5  # in turn, since no machine is ever idle


def ours(pages: Sequence[Page]) -> int:
    """Read pages as the pipeline does; return how many gave a text."""
    extractor = TrafilaturaExtractor(workers=WORKERS)
    return sum(
        outcome.extraction is not None
        for start in range(0, len(pages), AT_ONCE)
        for outcome in extractor.extract([_source(page) for page in pages[start : start + AT_ONCE]])
    )


def trafilatura_alone(pages: Sequence[Page]) -> int:
    """Read pages with nothing but trafilatura in precision mode; return how many gave a text."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["trafilatura"])
    with context.Pool(WORKERS, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        return sum(map(bool, pool.imap(trafilatura_precision, pages)))


METHODS: dict[str, Callable[[Sequence[Page]], int]] = {"trafilatura": trafilatura_alone, "newsclust": ours}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print pages a second of each method in each round, and the median of the rounds' ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA / "pages")
    parser.add_argument("--pages", type=int, default=10_000, help="in all, over the rounds of one method")
    given = parser.parse_args(arguments)
    try:
        known = [gold.page for gold in read_pages(given.folder)]
    except SettingsError as error:
        print(f"Skipped: {error}")
        return
    share = max(1, given.pages // ROUNDS)
    speeds: dict[str, list[float]] = {name: [] for name in METHODS}
    for pages in islice(_shares(known, share), ROUNDS):
        for name, read in METHODS.items():
            started = time.perf_counter()
            texts = read(pages)
            speeds[name].append(len(pages) / (time.perf_counter() - started))
            print(f"{name:12} {len(pages):6} pages {texts:6} texts {speeds[name][-1]:8.1f} pages/s")
    ratios = [one / other for one, other in zip(speeds["newsclust"], speeds["trafilatura"], strict=True)]
    print(f"newsclust beside trafilatura alone: {median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%})")


def _shares(known: Sequence[Page], share: int) -> Iterator[list[Page]]:
    pages = cycle(known)
    while True:
        yield list(islice(pages, share))


def _source(page: Page) -> Source:
    return Source(
        article_id="-", url=page.url, title="", summary=None, content=None, language=None, feed_title="", page=page
    )


if __name__ == "__main__":
    main()
