"""Labelled pairs of articles, with the articles among which they are searched."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations, count
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from newsclust.errors import SettingsError
from newsclust.evaluation.datasets import read_set, sample_set
from newsclust.extract import TrafilaturaExtractor
from newsclust.model import Article, ArticleInput, DateQuality
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.sources.dates import parse_date
from newsclust.urls import canonical

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"  # the collections; not part of the repository
GOLD = ROOT / "data" / "gold"
STREAM, WIRES = "stream/tech_2026-01_to_05.jsonl.gz", "duplicates/gilets_jaunes.jsonl.gz"
EVENTS = "stories/giveme5w1h.jsonl"
CHOSEN_ON = 0  # the half of the pairs on which thresholds were chosen

# An article without a date counts as seen on a day of its own, before all others and far from its neighbours: no
# date then speaks for a duplicate.
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_APART = timedelta(days=7)

Pair = tuple[str, str]


class Label(StrEnum):
    """How a person labelled two articles."""

    SAME = "same"
    OTHER = "other"
    APART = "apart"  # versions of one article, or texts that share passages: neither is wrong


_LABELS = {
    "copy": Label.SAME,
    "not": Label.OTHER,
    "version": Label.APART,
    "derived": Label.SAME,
    "independent": Label.OTHER,
    "partial": Label.APART,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two articles, `ids` in order, and their label; without a `half` they were not used to choose a threshold."""

    ids: Pair
    kind: str
    label: Label
    half: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSet:
    """Articles by id, and labelled pairs of them.

    Articles have made-up URLs where the URL was the label; `addresses` are the true ones, canonical.
    """

    name: str
    articles: Mapping[str, Article]
    addresses: Mapping[str, str]
    pairs: tuple[LabelledPair, ...]


class _CollectionRow(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _WireRow(_CollectionRow):
    id: str = Field(min_length=1)
    title: str
    text: str
    lang: str
    published: str | None = None
    source: str
    url: str | None = None


class _WrittenRow(_CollectionRow):
    id: str = Field(min_length=1)
    title: str
    text: str
    language: str


class _PairRow(_CollectionRow):
    article_a: str
    article_b: str
    kind: str = Field(min_length=1)
    label: str
    half: int | None = Field(default=None, ge=0, le=1)


def duplicate_pairs(folder: Path) -> PairSet:
    """Return the labelled pairs of the collections in a folder, among all their articles.

    SettingsError names a file that cannot be read, or an id that no article has. Texts come out of the extraction as
    those of feed entries do. An article of which it takes no text stays, with none: nothing is a duplicate of it.
    """
    rows = [row for name in (STREAM, WIRES) for row in _rows(folder / name, _WireRow)]
    return _pair_set(
        "collections",
        _articles(rows),
        {row.id: canonical(row.url) for row in rows if row.url},
        GOLD / "duplicate_pairs.tsv",
    )


def sample_pairs(folder: Path) -> PairSet:
    """Return all pairs of the sample corpus; those that its gold calls duplicates are the same, no others are."""
    from newsclust.demo.sample import sample_gold

    sample = sample_set(folder)
    gold = sample_gold(folder)
    id_of_url = {label.url: label.id for label in gold}
    duplicates = {frozenset((label.id, id_of_url[label.duplicate_of])) for label in gold if label.duplicate_of}
    return PairSet(
        name="sample",
        articles={article.id: article for article in sample.articles},
        addresses={article.id: article.url for article in sample.articles},
        pairs=tuple(
            LabelledPair(ids=pair, kind="sample", label=Label.SAME if frozenset(pair) in duplicates else Label.OTHER)
            for pair in combinations(sorted(sample.ids), 2)
        ),
    )


def rewrite_pairs(folder: Path) -> PairSet:
    """Return the pairs of one event that are labelled rewritten, partial or independent, with their articles.

    They stand in the collections of a folder, in the sample corpus, and beside the labels (rewritten by hand).
    SettingsError as with `duplicate_pairs`.
    """
    labels = GOLD / "derived_pairs.tsv"
    named = {article_id for pair in _pairs(labels) for article_id in pair.ids}
    articles = [
        *_articles([row for row in _rows(folder / WIRES, _WireRow) if row.id in named]),
        *(_renamed(article) for article in read_set(folder / EVENTS).articles),
        *sample_set(SAMPLE_FOLDER).articles,
        *map(_rewritten, _rows(GOLD / "derived_articles.jsonl", _WrittenRow)),
    ]
    return _pair_set("derived", [article for article in articles if article.id in named], {}, labels)


def _pair_set(name: str, articles: Sequence[Article], addresses: Mapping[str, str], labels: Path) -> PairSet:
    if repeated := [name for name, times in Counter(article.id for article in articles).items() if times > 1]:
        raise SettingsError(f"{name}: the id {repeated[0]!r} stands twice")
    by_id = {article.id: article for article in articles}
    pairs = tuple(_pairs(labels))
    if unknown := sorted({article_id for pair in pairs for article_id in pair.ids} - by_id.keys()):
        raise SettingsError(f"{labels}: no article is called {unknown[0]!r}")
    return PairSet(name=name, articles=by_id, addresses=addresses, pairs=pairs)


RowType = TypeVar("RowType", bound=_CollectionRow)


def _rows(path: Path, kind: type[RowType]) -> list[RowType]:
    lines = _text(path).split("\n")  # not splitlines: JSON may hold U+2028 and its like inside a string
    try:
        return [kind.model_validate(json.loads(line)) for line in lines if line]
    except (json.JSONDecodeError, ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error


def _pairs(path: Path) -> Iterator[LabelledPair]:
    lines = [line for line in _text(path).splitlines() if not line.startswith("#")]
    for fields in csv.DictReader(lines, delimiter="\t"):
        try:
            row = _PairRow.model_validate(fields)
            label = _LABELS[row.label]
        except (ValidationError, KeyError) as error:
            raise SettingsError(f"{path}: {error}") from error
        left, right = sorted((row.article_a, row.article_b))
        yield LabelledPair(ids=(left, right), kind=row.kind, label=label, half=row.half)


def _articles(rows: Sequence[_WireRow]) -> list[Article]:
    sources = [
        ArticleInput(
            article_id=row.id,
            url=_hidden(row.id),
            title=row.title,
            summary=row.text,
            content=None,
            language=row.lang,
            feed_title=row.source,
        )
        for row in rows
    ]
    undated = (_UNDATED + number * _APART for number in count())
    articles = []
    for row, outcome in zip(rows, TrafilaturaExtractor().extract(sources), strict=True):
        extraction = outcome.extraction
        published_at, quality = _moment(row.published, undated)
        articles.append(
            Article(
                id=row.id,
                url=_hidden(row.id),
                canonical_url=_hidden(row.id),
                title=extraction.title if extraction else row.title,
                text=extraction.text if extraction else "",
                language=extraction.language if extraction else row.lang,
                outlet=row.source,
                published_at=published_at,
                date_quality=quality,
                first_seen_at=published_at,
            )
        )
    return articles


def _moment(written: str | None, undated: Iterator[datetime]) -> tuple[datetime, DateQuality]:
    try:
        moment = parse_date(written or "")
    except ValueError:  # none, or "about 9 hours ago", which a scrape took for a date
        return next(undated), DateQuality.MISSING
    return moment.at, DateQuality.GIVEN if moment.exact else DateQuality.GUESSED


def _renamed(article: Article) -> Article:
    return replace(article, id=f"gm-{article.id[:10]}")


def _rewritten(row: _WrittenRow) -> Article:
    return Article(
        id=row.id,
        url=_hidden(row.id),
        canonical_url=_hidden(row.id),
        title=row.title,
        text=row.text,
        language=row.language,
        outlet="",
        published_at=_UNDATED,
        date_quality=DateQuality.MISSING,
        first_seen_at=_UNDATED,
    )


def _hidden(article_id: str) -> str:
    return f"https://hidden.example/{article_id}"
