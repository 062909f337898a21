"""What a page says of itself: title, author, address, kind, dates. Nothing of it is checked."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from newsclust.model import DateQuality

if TYPE_CHECKING:
    from lxml.html import HtmlElement

OLDEST = datetime(1991, 8, 6, tzinfo=UTC)  # the first web page; an earlier date is a default

# schema.org's Article and its kinds (NewsArticle, BlogPosting, TechArticle, LiveBlogPosting ...), Report and Review.
_ARTICLE_TYPE = re.compile(r"\w*(?:Article|Posting|Report|Review)")
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false\b', re.IGNORECASE)
_BY = re.compile(r"^(?:by|par) ", re.IGNORECASE)
LONGEST_NAME = 80  # characters
# What meta elements (by property, name or itemprop) and elements with an itemprop are called, best first.
_AUTHOR = ("author", "article:author")
_PUBLISHED = ("article:published_time", "datepublished", "date", "dc.date.issued", "dcterms.created", "pubdate")
_UPDATED = ("article:modified_time", "datemodified", "og:updated_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDate:
    """A date as a page writes it, in UTC; GIVEN with a time and a zone, else GUESSED."""

    at: datetime
    quality: DateQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The page's own words on itself."""

    title: str | None
    author: str | None
    site_name: str | None
    canonical: str | None  # rel=canonical, else og:url; absolute
    is_article: bool
    is_free: bool  # False when it calls itself not accessible for free
    published: PageDate | None
    updated: PageDate | None  # None when it is not later than the first


def said_by(tree: "HtmlElement", url: str, *, now: datetime) -> Said:
    """What the JSON-LD, the meta elements and the markup of a page say; dates later than `now` are not believed.

    A page that names no date is asked by htmldate (Barbaresi 2020, JOSS), which reads addresses and bylines too.
    """
    scripts = [script.text or "" for script in tree.iter("script")]
    articles = [node for script in tree.iter("script") for node in _linked_data(script) if _is_article(node)]
    named = _named(tree)
    published = _first_date([*_values(articles, "datePublished"), *_all(named, _PUBLISHED)], now)
    updated = _first_date([*_values(articles, "dateModified"), *_all(named, _UPDATED)], now)
    if published is None:
        published = _guessed(tree, url, now)
    canonical = [link.get("href", "") for link in tree.iter("link") if link.get("rel", "").lower() == "canonical"]
    headings = [heading.text_content() for heading in tree.iter("title", "h1")]
    return Said(
        title=_first([*_all(named, ("og:title",)), *headings]),
        author=", ".join(_authors(articles)) or _first(map(_plain_name, filter(_is_name, _all(named, _AUTHOR)))),
        site_name=_first(_all(named, ("og:site_name",))),
        canonical=_absolute(_first([*canonical, *_all(named, ("og:url",))]), url),
        is_article=bool(articles) or ("article" in named["og:type"] and bool(named["article:published_time"])),
        is_free=not any(map(_NOT_FREE.search, scripts)),
        published=published,
        updated=updated if updated and (not published or updated.at > published.at) else None,
    )


def _named(tree: "HtmlElement") -> defaultdict[str, list[str]]:
    """What meta elements and microdata say, by name in lower case, in order."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for meta in tree.iter("meta"):
        for attribute in ("property", "name", "itemprop"):
            if meta.get(attribute):
                named[meta.get(attribute).strip().lower()].append(meta.get("content", ""))
    for element in tree.xpath("//*[@itemprop][not(self::meta)]"):
        value = element.get("datetime") or element.get("content") or element.text_content()
        named[element.get("itemprop").strip().lower()].append(value)
    return named


def _all(named: Mapping[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return [value for name in names for value in named.get(name, [])]


def _first(values: Iterable[str]) -> str | None:
    return next((flat for value in values if (flat := " ".join(value.split()))), None)


def _absolute(link: str | None, url: str) -> str | None:
    try:
        return urljoin(url, link) if link else None
    except ValueError:
        return None


def _authors(articles: list[dict[str, Any]]) -> list[str]:
    """The names that the first article with authors gives them, each once."""
    for article in articles:
        given = article.get("author")
        names = [
            author.get("name") if isinstance(author, dict) else author
            for author in (given if isinstance(given, list) else [given])
        ]
        told = [_plain_name(name) for name in names if isinstance(name, str) and _is_name(name)]
        if told:
            return list(dict.fromkeys(told))
    return []


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= LONGEST_NAME and "://" not in text and "@" not in text


def _plain_name(text: str) -> str:
    return _BY.sub("", " ".join(text.split()))


def _guessed(tree: "HtmlElement", url: str, now: datetime) -> PageDate | None:
    from htmldate import find_date

    day = find_date(tree, url=url, original_date=True, extensive_search=False, max_date=now)
    return _first_date([day or ""], now)


def _linked_data(script: "HtmlElement") -> Iterator[dict[str, Any]]:
    """The things that a script of JSON-LD describes at its top or in its graph, not those that are parts of these."""
    if script.get("type", "").lower() != "application/ld+json":
        return
    try:
        read = json.loads(script.text or "", strict=False)
    except (ValueError, RecursionError):  # much of the web's JSON-LD is broken; the meta elements remain
        return
    for node in read if isinstance(read, list) else [read]:
        if isinstance(node, dict):
            yield node
            graph = node.get("@graph")
            yield from (inner for inner in graph if isinstance(inner, dict)) if isinstance(graph, list) else ()


def _is_article(node: dict[str, Any]) -> bool:
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(name, str) and _ARTICLE_TYPE.fullmatch(name) for name in kinds)


def _values(nodes: list[dict[str, Any]], key: str) -> list[str]:
    return [value for node in nodes if isinstance(value := node.get(key), str)]


def _first_date(candidates: list[str], now: datetime) -> PageDate | None:
    for text in candidates:
        date = _date(text.strip())
        if date and OLDEST <= date.at <= now:
            return date
    return None


def _date(text: str) -> PageDate | None:
    """The date of ISO 8601 or RFC 822; None when it is neither."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        try:
            read = parsedate_to_datetime(text)
        except ValueError:
            return None
    exact = read.tzinfo is not None and ":" in text
    try:
        at = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return PageDate(at=at, quality=DateQuality.GIVEN if exact else DateQuality.GUESSED)
