"""An account of another reader, by the Google Reader API that FreshRSS, Miniflux and others speak.

Addresses and answers only; `newsclust.sources` asks. The API was never specified: what is relied on is in
FreshRSS's p/api/greader.php and Miniflux's internal/googlereader.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Page
from newsclust.sources.feed import Document, Item, sanitised, text_of, title_of

_API = "/reader/api/0"
_CONTENTS = f"{_API}/stream/contents/"
_EVERYTHING = "user/-/state/com.google/reading-list"
ITEMS_AT_ONCE = 250  # of one answer: with whole texts some 3 MB
_LONG_ID = "tag:google.com,2005:reader/item/"
# FreshRSS writes the characters of markup so, for clients that would obey them (escapeToUnicodeAlternative).
_FULL_WIDTH = str.maketrans("＆＜＞", "&<>")
# The beginning of a stream without an account: FreshRSS's shared queries in their form f=greader, or f=json.
_SHARED = re.compile(rb'\s*\{\s*"id"\s*:\s*"user/')


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What an account feed's address names: the API's root, and which of the account's items."""

    root: str
    name: str

    def contents_url(self, *, since: datetime, continuation: str | None) -> str:
        """The address of one answer with whole items, newest first."""
        return f"{self.root}{_CONTENTS}{quote(self.name, safe='/')}?{_query(since, continuation)}"

    def ids_url(self, *, since: datetime, continuation: str | None) -> str:
        """The address of one answer with the items' ids alone: Miniflux gives whole items by id only.

        It knows no stream of a label; `of_label` takes its items from all.
        """
        name = self.name if self._label is None else _EVERYTHING
        return f"{self.root}{_API}/stream/items/ids?{_query(since, continuation, s=name)}"

    def of_label(self, answer: "Answer") -> "Answer":
        """The answer with the items of the stream's label; all of them when it names none."""
        if self._label is None:
            return answer
        held = (item for item in answer.items if isinstance(item, dict))
        return replace(answer, items=tuple(item for item in held if self._label in _labels(item)))

    @property
    def _label(self) -> str | None:
        return self.name.partition("/label/")[2] or None if self.name.startswith("user/") else None

    @property
    def by_ids_only(self) -> bool:
        """Whether it names a feed by its address, which FreshRSS cannot find in a path however it is escaped."""
        return self.name.startswith("feed/") and not self.name.removeprefix("feed/").isdecimal()

    @property
    def items_url(self) -> str:
        """The address that gives the items whose ids it is sent."""
        return f"{self.root}{_API}/stream/items/contents"


def stream_of(url: str) -> Stream:
    """The stream of an account feed: all its items, or what follows /stream/contents/ in the address."""
    root, _, name = url.partition("?")[0].partition(_CONTENTS)
    return Stream(root=root.rstrip("/").removesuffix(_API), name=unquote(name) or _EVERYTHING)


def items_form(ids: Iterable[str], token: str) -> str:
    """The form that asks for these items; Miniflux wants the token in it instead of the header.

    Ids are sent in their long form: Miniflux up to 2025 reads the short decimal ones, which it gives itself, as
    hexadecimal, and answers with other items.
    """
    return urlencode([("T", token), ("output", "json"), *(("i", _long(one)) for one in ids)])


def authorization(token: str) -> str:
    """The header's value for this token."""
    return f"GoogleLogin auth={token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the API: items or ids, and where to go on."""

    items: tuple[Any, ...]
    ids: tuple[str, ...]
    continuation: str | None


def read_answer(body: bytes) -> Answer | None:
    """The answer; None when it is the empty list that Miniflux gives where it knows no such question.

    ValueError for whatever the API does not say.
    """
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("JSON too deep") from error
    if document == []:
        return None
    if not isinstance(document, dict) or not ({"items", "itemRefs"} & document.keys()):
        raise ValueError("no answer of the Google Reader API")
    continuation = document.get("continuation")
    return Answer(
        items=tuple(_list(document.get("items"))),
        ids=tuple(str(one["id"]) for one in _list(document.get("itemRefs")) if isinstance(one, dict) and "id" in one),
        continuation=str(continuation) if continuation else None,
    )


def whole_stream(items: Sequence[Any], *, left_out: bool) -> bytes:
    """Many answers as the one document that is stored and read; `left_out` when there were still more items."""
    return json.dumps({"items": list(items), "left_out": left_out}).encode()


def read_stream(feed: Feed, page: Page) -> Document:
    """The account's items, each with its author, date and the feed it came from; ParseError(NOT_A_FEED) else."""
    try:
        answer = read_answer(page.body)
    except ValueError as error:
        raise ParseError(feed.url, Reason.NOT_A_FEED, str(error)[:80]) from error
    if answer is None:
        raise ParseError(feed.url, Reason.NOT_A_FEED, "an empty answer")
    items = [item for item in answer.items if isinstance(item, dict)]
    warnings = []
    if len(items) < len(answer.items):
        warnings.append(f"items that are no objects: {len(answer.items) - len(items)}")
    document = json.loads(page.body)
    if document.get("left_out"):
        warnings.append(f"only the newest {len(answer.items)} items")
    return Document(
        kind="account",
        title=_line(document, "title") or None,
        home=None,
        language=None,
        items=tuple(_item(item) for item in items),
        warnings=tuple(warnings),
    )


def is_shared_stream(body: bytes) -> bool:
    """Whether a document without an account around it is in the API's form."""
    return _SHARED.match(body) is not None


def _item(item: dict[str, Any]) -> Item:
    origin = item.get("origin") if isinstance(item.get("origin"), dict) else {}
    stream = _text(origin, "feedUrl") or _text(origin, "streamId").removeprefix("feed/")
    published = _moment(item.get("published"))
    texts = [sanitised(_text(item.get(key), "content")) for key in ("content", "summary")]
    summary = texts[1] or None
    content = texts[0] if texts[0] and texts[0] != summary else None
    return Item(
        guid=_text(item, "id") or None,
        link=next((href for key in ("canonical", "alternate") if (href := _first_href(item.get(key)))), None),
        title=_line(item, "title"),
        summary=summary,
        content=content,
        author=_line(item, "author") or None,
        language=None,
        published=published,
        # When the item changed for the reader, at Miniflux: to mark it as read counts.
        updated=_moment(item.get("updated")) if published is None else None,
        source_title=_line(origin, "title") or None,
        source_url=stream if stream.startswith("http") else _text(origin, "htmlUrl") or None,
    )


def _query(since: datetime, continuation: str | None, **others: str) -> str:
    given = {"output": "json", "n": str(ITEMS_AT_ONCE), "ot": str(int(since.timestamp())), **others}
    return urlencode(given | ({"c": continuation} if continuation else {}))


def _long(item_id: str) -> str:
    return f"{_LONG_ID}{int(item_id):016x}" if item_id.isdecimal() and item_id.isascii() else item_id


def _labels(item: dict[str, Any]) -> set[str]:
    named = (str(category) for category in _list(item.get("categories")))
    return {one.partition("/label/")[2] for one in named if one.startswith("user/")}


def _first_href(links: Any) -> str:
    return next((_text(link, "href") for link in _list(links) if _text(link, "href")), "")


def _moment(seconds: Any) -> str | None:
    """Seconds since 1970 as a date that says so; what is no number is handed on as it was written."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return str(seconds) if seconds else None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: Any, key: str) -> str:
    """Words on one line. FreshRSS and Miniflux mean what they write; others write HTML."""
    return title_of(_text(value, key)).translate(_FULL_WIDTH)


def _text(value: Any, key: str) -> str:
    return text_of(value, key) if isinstance(value, dict) else ""
