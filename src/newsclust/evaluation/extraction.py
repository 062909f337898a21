"""Evaluation of main-content extraction: ours beside plain trafilatura and readability-lxml, in one run.

The pages are scrapinghub's article-extraction-benchmark (MIT). Nothing is trained on them, but the extraction was
improved while they could be seen. So scores are also given for each of five folds of sites, of which no site is in
two, and the worst of these is the one to believe.
"""

import gzip
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from newsclust.errors import SettingsError
from newsclust.evaluation.baselines import UnavailableError
from newsclust.extract.page import page_markup, read_page
from newsclust.extract.select_text import select_text
from newsclust.model import ArticleInput, Page, id_of
from newsclust.text.html_to_text import html_to_text
from newsclust.urls import registered_domain

OURS = "newsclust"
FOLDS = 5
LOST = 0.5  # a page of lower F1 counts as lost
SHINGLE = 4  # words of a run, as in the collection's own evaluation
_FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)  # later than every page of the collection

Method = Callable[[Page], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPage:
    """One page, its text as labelled by a person, and its fold of sites."""

    page: Page
    text: str
    fold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Precision and recall of a text's words, 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 when both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScores:
    """One page as one method extracts it: bags of words, parted by spaces, and of four-word shingles."""

    method: str
    url: str
    fold: int
    words: Overlap
    shingles: Overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionScores:
    """The means of one method over the pages of one fold (None: all).

    `f1` is the mean of the pages' F1; `shingles_f1` is that of the mean precision and recall of four-word shingles,
    which is the collection's own score. A method that is not installed has no scores, and a note.
    """

    method: str
    fold: int | None
    pages: int
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    shingles_f1: float = 0.0
    lost: int = 0
    note: str = ""


class _Truth(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    articleBody: str  # noqa: N815 - the collection's name for it
    url: str


def read_pages(folder: Path) -> list[GoldPage]:
    """Return the pages of `ground-truth.json` and `html/*.html.gz` by name, sites in folds of nearly equal size."""
    try:
        truth = TypeAdapter(dict[str, _Truth]).validate_python(
            json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
        )
        bodies = {name: gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()) for name in sorted(truth)}
    except OSError as error:
        raise SettingsError(f"{folder}: no pages with their texts there ({error})") from error
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"{folder}/ground-truth.json cannot be read: {error}") from error
    folds = _folds([truth[name].url for name in bodies])
    return [
        GoldPage(
            page=Page(url=url, final_url=url, fetched_at=_FETCHED_AT, headers={}, body=body),
            text=truth[name].articleBody,
            fold=folds[registered_domain(url)],
        )
        for name, body in bodies.items()
        for url in [truth[name].url]
    ]


def evaluate(
    pages: Sequence[GoldPage], methods: Mapping[str, Method]
) -> tuple[list[ExtractionScores], list[PageScores]]:
    """Return the means of each method over all pages and each fold, and the scores of every page."""
    rows: list[ExtractionScores] = []
    found: list[PageScores] = []
    folds = sorted({gold.fold for gold in pages})
    for name, method in methods.items():
        try:
            with _silent_trafilatura():
                scored = [_page_row(name, gold, method(gold.page)) for gold in pages]
        except UnavailableError as error:
            rows.append(ExtractionScores(method=name, fold=None, pages=0, note=str(error)))
            continue
        found += scored
        rows.append(_means(scored, None))
        rows += [_means([row for row in scored if row.fold == fold], fold) for fold in folds]
    return rows, found


def word_overlap(gold: str, found: str) -> Overlap:
    """Compare the words of both texts, parted by spaces, as bags."""
    expected, extracted = Counter(gold.split()), Counter(found.split())
    common = (expected & extracted).total()
    return Overlap(
        precision=common / extracted.total() if common else 0.0, recall=common / expected.total() if common else 0.0
    )


def shingle_overlap(gold: str, found: str) -> Overlap:
    """Compare the four-word shingles of both texts as bags; a text of fewer words is one shingle."""
    expected, extracted = _shingles(gold), _shingles(found)
    common = (expected & extracted).total()
    return Overlap(
        precision=common / extracted.total() if common else 0.0, recall=common / expected.total() if common else 0.0
    )


def newsclust(page: Page) -> str:
    """Return the text as the pipeline stores it, for an entry of which nothing but the URL is known."""
    source = ArticleInput(
        article_id="-", url=page.url, title="", summary=None, content=None, language=None, feed_title="", page=page
    )
    extraction = select_text(source, read_page(page), None).extraction
    return extraction.text if extraction else ""


def trafilatura_default(page: Page) -> str:
    """Return the text by trafilatura's defaults."""
    from trafilatura import extract

    return extract(page.body, url=page.url) or ""


def trafilatura_precision(page: Page) -> str:
    """Return the text by trafilatura with precision favoured and comments left out."""
    from trafilatura import extract

    return extract(page.body, url=page.url, favor_precision=True, include_comments=False) or ""


def readability(page: Page) -> str:
    """Return readability-lxml's article, turned into text by our own rules: it has none."""
    try:
        from readability import Document
        from readability.readability import Unparseable
    except ImportError as error:
        raise UnavailableError("not installed: newsclust[benchmarks]") from error
    try:
        return html_to_text(Document(page_markup(page)).summary())
    except Unparseable:
        return ""


METHODS: Mapping[str, Method] = {
    OURS: newsclust,
    "trafilatura, default": trafilatura_default,
    "trafilatura, precision": trafilatura_precision,
    "readability-lxml": readability,
}


def _folds(urls: Sequence[str]) -> dict[str, int]:
    """Return the fold of each site, 1 to `FOLDS`: the sites with most pages first, each to the smallest fold."""
    pages = Counter(map(registered_domain, urls))
    sizes = dict.fromkeys(range(1, FOLDS + 1), 0)
    folds: dict[str, int] = {}
    for site in sorted(pages, key=lambda site: (-pages[site], id_of(site))):
        folds[site] = min(sizes, key=lambda fold: (sizes[fold], fold))
        sizes[folds[site]] += pages[site]
    return folds


def _page_row(method: str, gold: GoldPage, found: str) -> PageScores:
    return PageScores(
        method=method,
        url=gold.page.url,
        fold=gold.fold,
        words=word_overlap(gold.text, found),
        shingles=shingle_overlap(gold.text, found),
    )


def _means(rows: Sequence[PageScores], fold: int | None) -> ExtractionScores:
    shingles = Overlap(
        precision=_mean([row.shingles.precision for row in rows]), recall=_mean([row.shingles.recall for row in rows])
    )
    return ExtractionScores(
        method=rows[0].method,
        fold=fold,
        pages=len(rows),
        precision=_mean([row.words.precision for row in rows]),
        recall=_mean([row.words.recall for row in rows]),
        f1=_mean([row.words.f1 for row in rows]),
        shingles_f1=shingles.f1,
        lost=sum(row.words.f1 < LOST for row in rows),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1)) if words)


@contextmanager
def _silent_trafilatura() -> Iterator[None]:
    """Silence trafilatura's warning of each odd page, for the time of the context."""
    log = logging.getLogger("trafilatura")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
