"""Labelled sets: JSON Lines with id, title, text, lang, published, source, url and, if labelled, story and topic."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from newsclust.errors import SettingsError
from newsclust.model import Article, DateQuality
from newsclust.text.html_to_text import html_to_text

SAMPLE = "sample"  # names the corpus of `newsclust demo` on the command line

_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)


class _ArticleRow(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    title: str
    text: str = ""
    lang: str = "und"
    published: str | None = None
    source: str = ""
    url: str = ""
    story: str | None = Field(default=None, min_length=1)
    topic: str | None = Field(default=None, min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """One file's articles, in its order, with their labels.

    `stories` and `topics` have one label for each article; an unlabelled set has none.
    """

    name: str
    articles: tuple[Article, ...]
    stories: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    @property
    def ids(self) -> list[str]:
        """The id of each article."""
        return [article.id for article in self.articles]

    @property
    def languages(self) -> list[str]:
        """The language of each article."""
        return [article.language for article in self.articles]

    @property
    def fingerprint(self) -> str:
        """A hash of the titles: the same set, whatever the file is called and whoever labelled it."""
        titles = "\n".join(sorted(article.title for article in self.articles))
        return hashlib.sha256(titles.encode()).hexdigest()[:16]


def read_set(path: Path) -> LabelledSet:
    """Return the set of one file; SettingsError naming file, line and what is wrong.

    `published` is ISO 8601; a moment without a zone is UTC. An article without a date counts as seen with the
    last one of the set. Labels stand in every line or in none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    rows: dict[str, tuple[_ArticleRow, datetime | None]] = {}
    # Not splitlines: JSON may hold U+2028 and its like inside a string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _article_row(line, where)
        if row.id in rows:
            raise SettingsError(f"{where}: the id {row.id!r} stands twice")
        rows[row.id] = row, _moment(row.published, where)
    if not rows:
        raise SettingsError(f"{path}: holds no article")
    last = max((moment for _, moment in rows.values() if moment), default=_NO_DATE)
    return LabelledSet(
        name=path.stem,
        articles=tuple(_article(row, moment, last) for row, moment in rows.values()),
        stories=_labels(path, "story", [(row.id, row.story) for row, _ in rows.values()]),
        topics=_labels(path, "topic", [(row.id, row.topic) for row, _ in rows.values()]),
    )


def sample_set(folder: Path) -> LabelledSet:
    """Return the sample corpus, as its articles were first published, with its gold stories and topics."""
    from newsclust.demo.corpus import read_corpus, read_gold
    from newsclust.demo.sample import night_time

    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder; the sample comes with the repository, not with the package")
    corpus = read_corpus(folder)
    gold = {label.id: label for label in read_gold(folder, corpus)}
    articles = []
    for article in corpus.articles:
        outlet = corpus.outlets[article.site]
        published_at = (article.published or night_time(article.night)).astimezone(UTC)
        articles.append(
            Article(
                id=article.id,
                url=gold[article.id].url,
                canonical_url=gold[article.id].url,
                title=html_to_text(article.title),
                text="\n\n".join(html_to_text(paragraph) for paragraph in article.paragraphs),
                language=outlet.language,
                outlet=outlet.name,
                published_at=published_at,
                date_quality=DateQuality.GIVEN if article.published else DateQuality.MISSING,
                first_seen_at=night_time(article.night),
            )
        )
    return LabelledSet(
        name="sample",
        articles=tuple(articles),
        stories=tuple(gold[article.id].story for article in articles),
        topics=tuple(gold[article.id].topic for article in articles),
    )


def check_ids_differ(sets: Iterable[LabelledSet]) -> None:
    """Raise SettingsError when two sets hold an article of the same id."""
    owner: dict[str, str] = {}
    for labelled in sets:
        for article_id in labelled.ids:
            if article_id in owner:
                raise SettingsError(f"{owner[article_id]} and {labelled.name} both hold the id {article_id!r}")
        owner.update(dict.fromkeys(labelled.ids, labelled.name))


def _article_row(line: str, where: str) -> _ArticleRow:
    try:
        return _ArticleRow.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise SettingsError(f"{where}: no JSON ({error})") from error
    except ValidationError as error:
        problems = "; ".join(": ".join((*map(str, wrong["loc"]), wrong["msg"])) for wrong in error.errors())
        raise SettingsError(f"{where}: {problems}") from error


def _article(row: _ArticleRow, moment: datetime | None, last: datetime) -> Article:
    if moment is None:
        quality = DateQuality.MISSING
    elif row.published and len(row.published) > len("2026-02-03") and datetime.fromisoformat(row.published).tzinfo:
        quality = DateQuality.GIVEN
    else:
        quality = DateQuality.GUESSED
    return Article(
        id=row.id,
        url=row.url,
        canonical_url=row.url,
        title=html_to_text(row.title),
        text=html_to_text(row.text),
        language=row.lang,
        outlet=row.source,
        published_at=moment or last,
        date_quality=quality,
        first_seen_at=moment or last,
    )


def _moment(written: str | None, where: str) -> datetime | None:
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise SettingsError(f"{where}: published = {written!r} is no ISO 8601 date") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _labels(path: Path, kind: str, labels: Sequence[tuple[str, str | None]]) -> tuple[str, ...]:
    present = tuple(label for _, label in labels if label is not None)
    if present and len(present) < len(labels):
        bare = next(article_id for article_id, label in labels if label is None)
        raise SettingsError(f"{path}: {bare!r} has no {kind}, others have: label every article or none")
    return present
