"""Read a page's metadata (JSON-LD, meta elements, microdata): title, author, address, kind, dates. Unchecked."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from newsclust.model import DateQuality

if TYPE_CHECKING:
    from lxml.html import HtmlElement

OLDEST_DATE = datetime(1991, 8, 6, tzinfo=UTC)  # the first web page; an earlier date is a default

# schema.org's Article and its kinds (NewsArticle, BlogPosting, TechArticle, LiveBlogPosting ...), Report and Review.
_ARTICLE_TYPE = re.compile(r"\w*(?:Article|Posting|Report|Review)")
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false\b', re.IGNORECASE)
_BY = re.compile(r"^(?:by|par) ", re.IGNORECASE)
MAX_NAME_LENGTH = 80  # characters
# Names of meta elements (by property, name or itemprop) and of elements with an itemprop, best first.
_AUTHOR = ("author", "article:author")
_PUBLISHED = ("article:published_time", "datepublished", "date", "dc.date.issued", "dcterms.created", "pubdate")
_UPDATED = ("article:modified_time", "datemodified", "og:updated_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDate:
    """A date stated by a page, in UTC; GIVEN with a time and a zone, else GUESSED."""

    at: datetime
    quality: DateQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMetadata:
    """What a page states about itself."""

    title: str | None
    author: str | None
    site_name: str | None
    canonical: str | None  # rel=canonical, else og:url; absolute
    is_article: bool
    is_free: bool  # False when it states isAccessibleForFree: false
    published: PageDate | None
    updated: PageDate | None  # None when it is not later than the first
    article_body: str = ""  # of its JSON-LD, the longest; it may hold HTML


def read_metadata(tree: "HtmlElement", url: str, *, now: datetime) -> PageMetadata:
    """Return what the JSON-LD, the meta elements and the markup of a page state; dates after `now` are ignored.

    Where no date is stated, htmldate (Barbaresi 2020, JOSS) looks for one in the address and the byline.
    """
    scripts = [script.text or "" for script in tree.iter("script")]
    nodes = [node for script in tree.iter("script") for node in _json_ld_nodes(script)]
    articles = [node for node in nodes if _is_article(node)]
    properties = _properties(tree)
    published = _first_date([*_values(articles, "datePublished"), *_values_of(properties, _PUBLISHED)], now)
    updated = _first_date([*_values(articles, "dateModified"), *_values_of(properties, _UPDATED)], now)
    if published is None:
        published = _date_by_htmldate(tree, url, now)
    canonical = [link.get("href", "") for link in tree.iter("link") if link.get("rel", "").lower() == "canonical"]
    headings = [heading.text_content() for heading in tree.iter("title", "h1")]
    return PageMetadata(
        title=_first([*_values_of(properties, ("og:title",)), *headings]),
        author=", ".join(_authors(articles))
        or _first(map(_plain_name, filter(_is_name, _values_of(properties, _AUTHOR)))),
        site_name=_first(_values_of(properties, ("og:site_name",))),
        canonical=_absolute(_first([*canonical, *_values_of(properties, ("og:url",))]), url),
        is_article=bool(articles)
        or ("article" in properties["og:type"] and bool(properties["article:published_time"])),
        is_free=not any(map(_NOT_FREE.search, scripts)),
        published=published,
        updated=updated if updated and (not published or updated.at > published.at) else None,
        article_body=_article_body(nodes),
    )


def _properties(tree: "HtmlElement") -> defaultdict[str, list[str]]:
    """Return the values of meta elements and microdata by lower-case property name, in document order."""
    properties: defaultdict[str, list[str]] = defaultdict(list)
    for meta in tree.iter("meta"):
        for attribute in ("property", "name", "itemprop"):
            if meta.get(attribute):
                properties[meta.get(attribute).strip().lower()].append(meta.get("content", ""))
    for element in tree.xpath("//*[@itemprop][not(self::meta)]"):
        value = element.get("datetime") or element.get("content") or element.text_content()
        properties[element.get("itemprop").strip().lower()].append(value)
    return properties


def _values_of(properties: Mapping[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return [value for name in names for value in properties.get(name, [])]


def _first(values: Iterable[str]) -> str | None:
    return next((flat for value in values if (flat := " ".join(value.split()))), None)


def _absolute(link: str | None, url: str) -> str | None:
    try:
        return urljoin(url, link) if link else None
    except ValueError:
        return None


def _authors(articles: list[dict[str, Any]]) -> list[str]:
    """Return the distinct author names of the first article that states any."""
    for article in articles:
        stated = article.get("author")
        names = [
            author.get("name") if isinstance(author, dict) else author
            for author in (stated if isinstance(stated, list) else [stated])
        ]
        plausible = [_plain_name(name) for name in names if isinstance(name, str) and _is_name(name)]
        if plausible:
            return list(dict.fromkeys(plausible))
    return []


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= MAX_NAME_LENGTH and "://" not in text and "@" not in text


def _plain_name(text: str) -> str:
    return _BY.sub("", " ".join(text.split()))


def _date_by_htmldate(tree: "HtmlElement", url: str, now: datetime) -> PageDate | None:
    from htmldate import find_date

    day = find_date(tree, url=url, original_date=True, extensive_search=False, max_date=now)
    return _first_date([day or ""], now)


def _json_ld_nodes(script: "HtmlElement") -> Iterator[dict[str, Any]]:
    """Yield the top-level nodes of a JSON-LD script and those of its @graph, not nodes nested in these."""
    if script.get("type", "").lower() != "application/ld+json":
        return
    try:
        document = json.loads(script.text or "", strict=False)
    except (ValueError, RecursionError):  # much of the web's JSON-LD is broken; the meta elements remain
        return
    for node in document if isinstance(document, list) else [document]:
        if isinstance(node, dict):
            yield node
            graph = node.get("@graph")
            yield from (inner for inner in graph if isinstance(inner, dict)) if isinstance(graph, list) else ()


def _article_body(nodes: list[dict[str, Any]]) -> str:
    """Return the longest text of an article among the nodes and what is one level under them, HTML or not."""
    inner = [
        each
        for node in nodes
        for key in ("mainEntity", "mainEntityOfPage")
        if isinstance(each := node.get(key), dict)
    ]
    updates = [node.get("liveBlogUpdate") for node in nodes]
    posts = [
        "\n\n".join(_values([post for post in found if isinstance(post, dict)], "articleBody"))
        for found in updates
        if isinstance(found, list)
    ]
    stated = [*_values(list(filter(_is_article, [*nodes, *inner])), "articleBody"), *posts]
    body = max(stated, key=len, default="")
    return unescape(body) if "&lt;" in body and "<" not in body else body


def _is_article(node: dict[str, Any]) -> bool:
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(name, str) and _ARTICLE_TYPE.fullmatch(name) for name in kinds)


def _values(nodes: list[dict[str, Any]], key: str) -> list[str]:
    return [value for node in nodes if isinstance(value := node.get(key), str)]


def _first_date(candidates: list[str], now: datetime) -> PageDate | None:
    for text in candidates:
        date = _date(text.strip())
        if date and OLDEST_DATE <= date.at <= now:
            return date
    return None


def _date(text: str) -> PageDate | None:
    """Parse a date of ISO 8601 or RFC 822; None when it is neither."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        try:
            parsed = parsedate_to_datetime(text)
        except ValueError:
            return None
    exact = parsed.tzinfo is not None and ":" in text
    try:
        at = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return PageDate(at=at, quality=DateQuality.GIVEN if exact else DateQuality.GUESSED)
