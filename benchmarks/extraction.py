"""Measure how many pages a second are extracted on both cores: ours beside plain trafilatura in as many processes.

Run: python -m benchmarks.extraction [FOLDER] [--pages 10000] [--rounds 10] [--seed 5]
The folder holds ground-truth.json and html/*.html.gz (scrapinghub's article-extraction-benchmark, MIT), which is read
as often as needed, each time with another word behind each paragraph, so that nothing remembered helps. It is no
part of the repository: without it there is nothing to measure, and the program says so. The rounds take turns in who
goes first; CPU seconds (this process, its workers and their server; Linux) are what a busy machine leaves comparable.
How well they are extracted is measured by `newsclust evaluate extraction`.
"""

import argparse
import logging
import os
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from newsclust.errors import SettingsError
from newsclust.evaluation.extraction import read_pages, trafilatura_precision
from newsclust.evaluation.pairs import DATA
from newsclust.extract import TrafilaturaExtractor
from newsclust.model import ArticleInput, Page

WORKERS = 2
AT_ONCE = 300  # pages, as the pipeline hands them over

_PARAGRAPH_END = re.compile(rb"</p>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one method took for one round's pages."""

    wall_s: float
    cpu_s: float
    texts: int


def ours(pages: Sequence[Page]) -> int:
    """Read pages as the pipeline does; return how many gave a text."""
    with TrafilaturaExtractor(workers=WORKERS) as extractor:
        return sum(
            outcome.extraction is not None
            for start in range(0, len(pages), AT_ONCE)
            for outcome in extractor.extract([_source(page) for page in pages[start : start + AT_ONCE]])
        )


def trafilatura_alone(pages: Sequence[Page]) -> int:
    """Read pages with nothing but trafilatura in precision mode; return how many gave a text."""
    context = get_context("forkserver")
    with context.Pool(WORKERS, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        texts = sum(map(bool, pool.imap(trafilatura_precision, pages)))
        pool.close()
        pool.join()
    return texts


METHODS: dict[str, Callable[[Sequence[Page]], int]] = {"trafilatura": trafilatura_alone, "newsclust": ours}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what each method took in each round, and the median of the rounds' ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA / "pages")
    parser.add_argument("--pages", type=int, default=10_000, help="in all, over the rounds of one method")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args(arguments)
    try:
        known = [gold.page for gold in read_pages(given.folder)]
    except SettingsError as error:
        print(f"Skipped: {error}")
        return
    rng = random.Random(given.seed)
    # The server that trafilatura's pool forks from is to have loaded what its workers need.
    get_context("forkserver").set_forkserver_preload(["newsclust.extract.page", "trafilatura"])
    for read in METHODS.values():  # the server starts, models load: once, in a night
        read(known[:WORKERS])
    share = max(1, given.pages // given.rounds)
    spent: dict[str, list[Spent]] = {name: [] for name in METHODS}
    for number in range(given.rounds):
        pages = [varied(page, rng) for page in rng.choices(known, k=share)]
        for name in sorted(METHODS, reverse=number % 2 == 0):
            one = measured(METHODS[name], pages)
            spent[name].append(one)
            print(
                f"{name:12} {share:6} pages {one.texts:6} texts {one.wall_s:8.1f} s {one.cpu_s:8.1f} s of CPU",
                flush=True,
            )
    for unit in ("cpu_s", "wall_s"):
        ratios = [
            getattr(other, unit) / getattr(one, unit)
            for one, other in zip(spent["newsclust"], spent["trafilatura"], strict=True)
        ]
        told = f"{median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%})"
        print(f"speed of newsclust beside trafilatura alone, by {unit}: {told}")


def measured(read: Callable[[Sequence[Page]], int], pages: Sequence[Page]) -> Spent:
    wall, cpu = time.perf_counter(), _cpu_s()
    texts = read(pages)
    return Spent(wall_s=time.perf_counter() - wall, cpu_s=_cpu_s() - cpu, texts=texts)


def varied(page: Page, rng: random.Random) -> Page:
    """Return the page with another made-up sentence of one word at the end of each paragraph."""
    body = _PARAGRAPH_END.sub(lambda _: b" %x.</p>" % rng.getrandbits(32), page.body)
    return replace(page, body=body)


def _cpu_s() -> float:
    """CPU seconds of this process and its children so far, and of all that these have waited for."""
    own = os.times()
    ticks = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime (proc(5))
    return own.user + own.system + own.children_user + own.children_system + ticks / os.sysconf("SC_CLK_TCK")


def _source(page: Page) -> ArticleInput:
    return ArticleInput(
        article_id="-", url=page.url, title="", summary=None, content=None, language=None, feed_title="", page=page
    )


if __name__ == "__main__":
    main()
