"""Labelled sets: JSON Lines with id, title, text, lang, published, source, url and, if labelled, story and topic."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from newsclust.errors import SettingsError
from newsclust.extract import html_text
from newsclust.model import Article, DateQuality


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    title: str
    text: str = ""
    lang: str = "und"
    published: str | None = None
    source: str = ""
    url: str = ""
    story: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """One file's articles, in its order, with what a person says of them; labels are None where nobody did."""

    name: str
    articles: tuple[Article, ...]
    stories: tuple[str | None, ...]
    topics: tuple[str | None, ...]

    @property
    def labelled(self) -> bool:
        return all(story is not None for story in self.stories)

    @property
    def fingerprint(self) -> str:
        """Names the set by what is in it, whatever the file is called."""
        said = "\n".join(sorted(f"{a.title}\t{s}" for a, s in zip(self.articles, self.stories, strict=True)))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def read_set(path: Path) -> LabelledSet:
    """Return the set of one file; SettingsError naming file, line and what is wrong."""
    articles, stories, topics = [], [], []
    seen: set[str] = set()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate(json.loads(line))
        except (json.JSONDecodeError, ValidationError) as error:
            raise SettingsError(f"{path}, line {number}: {error}") from error
        if row.id in seen:
            raise SettingsError(f"{path}, line {number}: the id {row.id!r} stands twice")
        seen.add(row.id)
        published_at, quality = _moment(row.published, f"{path}, line {number}")
        articles.append(
            Article(
                id=row.id,
                url=row.url,
                canonical_url=row.url,
                title=html_text(row.title),
                text=html_text(row.text),
                language=row.lang,
                outlet=row.source,
                published_at=published_at,
                date_quality=quality,
                first_seen_at=published_at,
            )
        )
        stories.append(row.story)
        topics.append(row.topic)
    if not articles:
        raise SettingsError(f"{path}: holds no article")
    return LabelledSet(name=path.stem, articles=tuple(articles), stories=tuple(stories), topics=tuple(topics))


def _moment(written: str | None, where: str) -> tuple[datetime, DateQuality]:
    """Return the moment of publication, UTC; a set without dates counts as one moment."""
    if not written:
        return datetime(1970, 1, 1, tzinfo=UTC), DateQuality.MISSING
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise SettingsError(f"{where}: published = {written!r} is no date") from error
    quality = DateQuality.GIVEN if len(written) > 10 and moment.tzinfo else DateQuality.GUESSED
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), quality
