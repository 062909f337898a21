"""The sample corpus as it is written: outlets, their articles over a few nights, and the gold labels.

A folder holds `sites.toml` (outlets and broken feeds), `layouts/<outlet>.html`, `articles/*.toml` and
`gold*.tsv`.
"""

import csv
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from newsclust.errors import SettingsError
from newsclust.urls import canonical


class CorpusTable(BaseModel):
    """A table of the corpus's files: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FeedFormat(StrEnum):
    """In which format a feed is served."""

    RSS2 = "rss2"
    RDF = "rdf"
    ATOM = "atom"
    JSON = "jsonfeed"


class FeedBody(StrEnum):
    """How much of an article the feeds of an outlet carry."""

    FULL = "full"  # the summary and the text
    SUMMARY = "summary"
    TEASER = "teaser"  # the summary, broken off


class OutletFeed(CorpusTable):
    """One feed of an invented news site."""

    path: str
    format: FeedFormat
    title: str
    tags: tuple[str, ...] = ("tech",)


class SampleOutlet(CorpusTable):
    """One invented news site."""

    key: str
    name: str
    origin: str  # scheme and host
    language: Literal["en", "fr"]
    carries: FeedBody
    feeds: tuple[OutletFeed, ...]
    encoding: str = "utf-8"  # of its feeds and pages
    tail: str = ""  # HTML at the end of each feed item, with {url} and {title}
    paywall: tuple[str, ...] = ()  # the lines at the end of a text for subscribers, with {percent}


class BrokenFeed(CorpusTable):
    """One feed that answers with an error or with something that is no feed."""

    url: str
    title: str
    language: str
    status: int = 200
    body: str = ""
    drop: bool = False


class SampleEdit(CorpusTable):
    """A later state of an article, from one night on."""

    night: int
    title: str | None = None
    paragraphs: tuple[str, ...] = ()


class SampleArticle(CorpusTable):
    """One article, with the first night on which its outlet shows it."""

    id: str
    site: str
    feeds: tuple[str, ...]
    slug: str
    night: int
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    published: AwareDatetime | None = None
    author: str | None = None
    paywall: int | None = None
    comments: tuple[str, ...] = ()
    headlines: tuple[str, ...] = ()
    edit: SampleEdit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The whole sample corpus."""

    outlets: dict[str, SampleOutlet]  # by key
    broken: tuple[BrokenFeed, ...]
    articles: tuple[SampleArticle, ...]

    def url_of(self, article: SampleArticle) -> str:
        """Return the URL of the article's page, as the outlet writes it."""
        return self.outlets[article.site].origin + article.slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldLabel:
    """What a person labelled one article with; URLs are canonical, as in the store."""

    id: str
    url: str
    story: str
    topic: str
    duplicate_of: str | None  # the article with the same text at another address
    derived_from: str | None  # the article that this one rewrites or translates


def read_corpus(folder: Path) -> Corpus:
    """Return the corpus in a folder; SettingsError names the file, the table and the key that is wrong."""
    sites = folder / "sites.toml"
    corpus = Corpus(
        outlets={outlet.key: outlet for outlet in _tables(sites, "site", SampleOutlet)},
        broken=tuple(_tables(sites, "broken", BrokenFeed)),
        articles=tuple(
            article
            for file in sorted((folder / "articles").glob("*.toml"))
            for article in _tables(file, "article", SampleArticle)
        ),
    )
    seen: set[str] = set()
    for article in corpus.articles:
        _check(article, corpus.outlets.get(article.site))
        for key in (article.id, corpus.url_of(article)):
            if key in seen:
                raise SettingsError(f"{folder}: two articles are called {key}")
            seen.add(key)
    return corpus


def read_gold(folder: Path, corpus: Corpus) -> list[GoldLabel]:
    """Return one gold label an article, from all `gold*.tsv`; SettingsError when an article has none or two."""
    urls = {article.id: canonical(corpus.url_of(article)) for article in corpus.articles}
    gold: dict[str, GoldLabel] = {}
    for file in sorted(folder.glob("gold*.tsv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True):
                try:
                    label = GoldLabel(
                        id=row["id"],
                        url=urls[row["id"]],
                        story=row["story"],
                        topic=row["topic"],
                        duplicate_of=urls[row["duplicate_of"]] if row["duplicate_of"] else None,
                        derived_from=urls[row["derived_from"]] if row["derived_from"] else None,
                    )
                except KeyError as error:
                    raise SettingsError(f"{file}: no column or no article is called {error}") from error
                if label.id in gold:
                    raise SettingsError(f"{file}: {label.id} has a gold row already")
                gold[label.id] = label
    if missing := sorted(urls.keys() - gold.keys()):
        raise SettingsError(f"{folder}: no gold for {', '.join(missing)}")
    return list(gold.values())


Table = TypeVar("Table", bound=CorpusTable)


def _tables(file: Path, key: str, kind: type[Table]) -> list[Table]:
    try:
        tables: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8")).get(key, [])
        return [kind.model_validate(table) for table in tables]
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError(f"{file}: {error}") from error


def _check(article: SampleArticle, outlet: SampleOutlet | None) -> None:
    """Raise SettingsError when the article contradicts itself or its outlet."""
    if outlet is None:
        raise SettingsError(f"{article.id}: no site is called {article.site}")
    unknown = set(article.feeds) - {feed.path for feed in outlet.feeds}
    if unknown or not article.feeds:
        raise SettingsError(f"{article.id}: {outlet.key} has no such feed: {', '.join(unknown) or 'none given'}")
    if not article.slug.startswith("/"):
        raise SettingsError(f"{article.id}: the slug {article.slug} does not begin with /")
    if article.edit is not None and article.edit.night <= article.night:
        raise SettingsError(f"{article.id}: edited on night {article.edit.night}, before it was there")
    if article.paywall is not None and not outlet.paywall:
        raise SettingsError(f"{article.id}: {outlet.key} has no words for a paywall")
