"""Two feed readers on loopback that answer the Google Reader API as FreshRSS and as Miniflux do.

Written from their sources: FreshRSS's p/api/greader.php and app/Models/Entry.php (toGReader), Miniflux's
internal/googlereader/handler.go, middleware.go and item.go. What the two do otherwise than each other, and otherwise
than one would expect, is here; the texts are ours.
"""

import html
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from newsclust.demo.server import ReceivedRequest, Reply
from tests.loopback import reply

_API = "/reader/api/0/stream/"
_LONG = "tag:google.com,2005:reader/item/"
_EVERYTHING = "user/-/state/com.google/reading-list"
_STARRED = "user/-/state/com.google/starred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One item of the reader: a title and an author in plain text, moments in seconds since 1970."""

    number: int
    title: str
    published: int
    seen: int  # when the reader first saw it
    touched: int = 0  # when it was last marked as read, say
    text: str = "<p>The whole text.</p>"
    author: str = "Ana Duval"
    feed: int = 12
    feed_url: str = "http://paper.example/feed.xml"
    label: str = "Boats & quays"
    outlet: str = "Paper & Ink"
    is_starred: bool = False

    @property
    def link(self) -> str:
        return f"http://paper.example/news?n={self.number}"


@dataclass(slots=True, kw_only=True)
class FreshReader:
    """FreshRSS. `root` is the address of its greader.php."""

    token: str
    items: list[Held]
    root: str = "/api/greader.php"

    def __call__(self, asked: ReceivedRequest) -> Reply:
        parts = urlsplit(asked.url)
        path = parts.path.removeprefix(self.root)
        if not path:
            return reply(body="OK", content_type="text/html")
        if asked.headers.get("authorization") != f"GoogleLogin auth={self.token}":
            refused = {"Google-Bad-Token": "true"}
            return reply(status=401, body="Unauthorized!", content_type="text/plain", headers=refused)
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if path.startswith(f"{_API}contents/"):
            return self._contents(path.removeprefix(f"{_API}contents/"), given)
        if path == "/reader/api/0/tag/list":
            return _json(_labels(self.items))
        if path == f"{_API}items/ids" and "s" in given:
            found, going_on = self._chosen(given["s"], given)
            return _json({"itemRefs": [{"id": str(one.number)} for one in found], **going_on})
        if path == f"{_API}items/contents" and asked.method == "POST":
            wanted = {_number(one, base=10) for one in parse_qs(asked.body.decode()).get("i", [])}
            return self._answer([one for one in self.items if one.number in wanted], {})
        return reply(status=400, body="Bad Request!", content_type="text/plain")

    def _contents(self, escaped: str, given: dict[str, str]) -> Reply:
        name = unquote(escaped)
        if name.startswith("feed/") and not name[5:].isdecimal():
            # It takes the address from the request's first line, up to the first character that ought to be escaped.
            match = re.match(r"feed/([A-Za-z0-9'!*()%$_.~+-]+)", escaped)
            name = f"feed/{unquote(match[1])}" if match else "feed/"
        return self._answer(*self._chosen(name, given))

    def _chosen(self, name: str, given: dict[str, str]) -> tuple[list[Held], dict[str, str]]:
        kind, _, label = name.partition("/label/")
        label = label.partition("/")[0]  # whatever is escaped
        known = label in {one.label for one in self.items}  # of no other label it gives everything
        held = [
            one
            for one in self.items
            if (name in (f"feed/{one.feed}", f"feed/{one.feed_url}"))
            or (kind == "user/-" and (label == one.label or not known))
            or name == _EVERYTHING
        ]
        held = [one for one in held if one.seen >= int(given.get("ot", 0))]
        held.sort(key=lambda one: one.number, reverse=given.get("r") != "o")
        count, after = int(given.get("n", 20)), given.get("c", "")
        if after.isdecimal():
            held = held[[one.number for one in held].index(int(after)) + 1 :]
        shown = held[:count]
        return shown, {"continuation": str(shown[-1].number)} if shown and len(shown) >= count else {}

    def _answer(self, items: list[Held], going_on: dict[str, str]) -> Reply:
        document = {"id": _EVERYTHING, "updated": 1772445600, "items": [self._item(one) for one in items], **going_on}
        return _json(document)

    def _item(self, one: Held) -> dict[str, Any]:
        return {
            "id": f"{_LONG}{one.number:016x}",
            "crawlTimeMsec": f"{one.seen}000",
            "timestampUsec": f"{one.seen}000000",
            "published": one.published,
            "title": _full_width(one.title),
            "canonical": [{"href": one.link}],
            "alternate": [{"href": one.link}],
            "categories": [_EVERYTHING, f"user/-/label/{one.label}", "ferries"],
            "origin": {
                "streamId": f"feed/{one.feed}",
                "htmlUrl": "http://paper.example/",
                "title": _full_width_name(one.outlet),
            },
            "summary": {"content": one.text},
            "author": _full_width_name(one.author),
        }


def shared_query(name: str, token: str, items: list[Held]) -> Reply:
    """What FreshRSS answers for a shared query in its form f=greader; texts are HTML there."""
    return reply(
        body=json.dumps(
            {
                "id": f"user/-/state/org.freshrss/query/{token}",
                "title": name,
                "author": "ana",
                "items": [
                    {
                        "id": f"http://paper.example/?p={one.number}",
                        "timestampUsec": f"{one.seen}000000",
                        "title": html.escape(one.title),
                        "author": html.escape(one.author),
                        "published": one.published,
                        "updated": one.published,
                        "alternate": [{"href": one.link, "type": "text/html"}],
                        "content": {"content": one.text},
                        "origin": {
                            "streamId": one.feed,
                            "title": html.escape(one.outlet),
                            "htmlUrl": "http://paper.example/",
                            "feedUrl": one.feed_url,
                        },
                    }
                    for one in items
                ],
            },
            indent=4,
        ),
        content_type="application/json; charset=utf-8",
    )


@dataclass(slots=True, kw_only=True)
class SharedQuery:
    """A shared query as it answers from page to page: 20 items unless asked for more, at most `allowed`.

    Its own order is `newest_first`, unless the request says another.
    """

    items: list[Held]
    allowed: int = 400
    newest_first: bool = True
    failing_from: int | None = None  # offset

    def __call__(self, asked: ReceivedRequest) -> Reply:
        given = {name: values[-1] for name, values in parse_qs(urlsplit(asked.url).query).items()}
        offset, count = int(given.get("offset", 0)), min(int(given.get("nb", 20)), self.allowed)
        if self.failing_from is not None and offset >= self.failing_from:
            return reply(status=503)
        newest = given["order"] == "DESC" if "order" in given else self.newest_first
        held = sorted(self.items, key=lambda one: one.seen, reverse=newest)
        if "hours" in given:
            now = max(one.seen for one in self.items)
            held = [one for one in held if one.seen >= now - 3600 * int(given["hours"])]
        shown = held[offset : offset + count]
        if given["f"] == "greader":
            return shared_query("Boats", "0123456789abcdef", shown)
        return shared_rss("Boats", asked.url, shown)


def shared_page(name: str, url: str) -> Reply:
    """The page of a shared query, f=html: its layout names the RSS form, which holds the token."""
    rss = html.escape(url.replace("f=html", "f=rss"))
    return reply(
        body=f"<!DOCTYPE html><html><head><title>{name}</title>"
        f'<link rel="alternate" type="application/rss+xml" title="{name}" href="{rss}" /></head>'
        f'<body><main id="stream" class="reader api"><h2>{name} · <a class="view-rss" href="{rss}">RSS</a></h2>'
        '<div class="flux"><article><h1 class="title"><a href="http://paper.example/1">One</a></h1>'
        '<div class="author">Par : <em>Ana Duval</em></div></article></div></main></body></html>'
    )


def shared_rss(name: str, url: str, items: list[Held]) -> Reply:
    """A shared query as RSS: authors are <author>, in older versions <dc:creator>; sources are not told."""
    shown = html.escape(url.replace("f=rss", "f=html"))
    parts = []
    for one in items:
        by = html.escape(one.author)
        parts.append(
            f"<item><title>{html.escape(one.title)}</title><link>{html.escape(one.link)}</link>"
            + (f"<dc:creator>{by}</dc:creator>" if one.number % 2 else f"<author>{by}</author>")
            + f"<category>ferries</category><description><![CDATA[{one.text}]]></description>"
            + f"<pubDate>{format_datetime(datetime.fromtimestamp(one.published, UTC))}</pubDate>"
            + f'<guid isPermaLink="false">{one.seen}000000</guid></item>'
        )
    return reply(
        body='<?xml version="1.0" encoding="UTF-8" ?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">'
        f"<channel><title>{name}</title><link>{shown}</link>"
        f'<atom:link href="{html.escape(url)}" rel="self" type="application/rss+xml" />'
        f"{''.join(parts)}</channel></rss>",
        content_type="application/rss+xml; charset=utf-8",
    )


@dataclass(slots=True, kw_only=True)
class Miniflux:
    """Miniflux; its older versions take short ids for hexadecimal."""

    token: str
    items: list[Held]
    older: bool = False

    def __call__(self, asked: ReceivedRequest) -> Reply:
        parts = urlsplit(asked.url)
        form = parse_qs(asked.body.decode())
        token = f"GoogleLogin auth={form.get('T', [''])[0]}" if asked.method == "POST" else None
        if (token or asked.headers.get("authorization")) != f"GoogleLogin auth={self.token}":
            refused = {"X-Reader-Google-Bad-Token": "true"}
            return reply(status=401, body="Unauthorized", content_type="text/plain", headers=refused)
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/reader/api/0/tag/list":
            return _json(_labels(self.items))
        if parts.path == f"{_API}items/ids" and asked.method == "GET":
            return self._ids(given)
        if parts.path == f"{_API}items/contents" and asked.method == "POST":
            return self._contents(form)
        return _json([])

    def _ids(self, given: dict[str, str]) -> Reply:
        if given.get("output") != "json":
            return _json({"error_message": "googlereader: only json output is supported"}, status=400)
        name = given.get("s", "")
        if name not in (_EVERYTHING, _STARRED) and not re.fullmatch(r"feed/\d+", name):
            return _json({"error_message": f"googlereader: unknown stream type {name}"}, status=500)
        held = [one for one in self.items if name in (_EVERYTHING, f"feed/{one.feed}") or one.is_starred]
        held = [one for one in held if one.published > int(given.get("ot", 0))]
        held.sort(key=lambda one: one.published, reverse=given.get("r") != "o")
        offset, count = int(given.get("c", 0)), int(given.get("n", 0)) or len(held)
        shown = held[offset : offset + count]
        going_on = {"continuation": str(offset + len(shown))} if offset + len(shown) < len(held) else {}
        return _json({"itemRefs": [{"id": str(one.number)} for one in shown], **going_on})

    def _contents(self, form: dict[str, list[str]]) -> Reply:
        if form.get("output") != ["json"]:
            return _json({"error_message": "googlereader: only json output is supported"}, status=400)
        wanted = {_number(one, base=16 if self.older else 10) for one in form.get("i", [])}
        found = [one for one in self.items if one.number in wanted]
        if self.older and not found:
            return _json({"error_message": "googlereader: no items returned from the database"}, status=400)
        return _json({"direction": "ltr", "id": _EVERYTHING, "title": "Reading List", "items": [*map(_flux, found)]})


def _flux(one: Held) -> dict[str, Any]:
    return {
        "id": f"{_LONG}{one.number:016x}",
        "categories": ["user/1/state/com.google/reading-list", f"user/1/label/{one.label}"],
        "title": one.title,
        "crawlTimeMsec": f"{one.seen}000",
        "timestampUsec": f"{one.published}000000",
        "published": one.published,
        "updated": one.touched,
        "author": one.author,
        "alternate": [{"href": one.link, "type": "text/html"}],
        "summary": {"direction": "ltr", "content": one.text},
        "content": {"direction": "ltr", "content": one.text},
        "origin": {"streamId": f"feed/{one.feed}", "title": "Paper & Ink", "htmlUrl": "http://paper.example/"},
        "enclosure": [],
        "canonical": [{"href": one.link}],
    }


def _number(item_id: str, *, base: int) -> int:
    return int(item_id.removeprefix(_LONG), 16) if item_id.startswith(_LONG) else int(item_id, base)


def _labels(items: list[Held]) -> dict[str, Any]:
    names = sorted({one.label for one in items})
    tags = [{"id": "user/-/state/com.google/starred"}, *({"id": f"user/-/label/{name}"} for name in names)]
    return {"tags": tags}


def _full_width(text: str) -> str:
    return text.translate(str.maketrans("&<>", "＆＜＞"))


def _full_width_name(text: str) -> str:
    """What it writes of authors and feeds (escapeToUnicodeAlternative, extended)."""
    return text.translate(str.maketrans("&<>'\"^?\\/,;", "＆＜＞＇＂＾？＼／，；"))


def _json(value: object, *, status: int = 200) -> Reply:
    return reply(status=status, body=json.dumps(value), content_type="application/json")
