"""The Google Reader API as FreshRSS, Miniflux and others speak it: addresses, forms and answers.

It was never specified: what is relied on is in FreshRSS's p/api/greader.php and Miniflux's internal/googlereader.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

_API = "/reader/api/0"
_CONTENTS = f"{_API}/stream/contents/"
_EVERYTHING = "user/-/state/com.google/reading-list"
ITEMS_AT_ONCE = 250  # of one answer: with whole texts some 3 MB
IDS_AT_ONCE = 10_000
_LONG_ID = "tag:google.com,2005:reader/item/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStream:
    """What an account's address names: the API's root, and which of the account's items."""

    root: str
    name: str

    def contents_url(self, *, since: datetime, continuation: str | None) -> str:
        """Return the address of one answer with whole items, newest first.

        FreshRSS reads a label up to its first slash, and answers with all items where it knows no such label.
        """
        name = _EVERYTHING if self.label is not None and "/" in self.label else self.name
        return f"{self.root}{_CONTENTS}{quote(name, safe='/')}?{_query(ITEMS_AT_ONCE, continuation, since=since)}"

    def ids_url(self, *, since: datetime, continuation: str | None) -> str:
        """Return the address of one answer with the items' ids alone: Miniflux gives whole items by id only.

        It knows no stream of a label; `of_label` takes its items from all. `since` is not sent: Miniflux compares it
        with the dates that feeds give, and what comes late would never come.
        """
        name = self.name if self.label is None else _EVERYTHING
        return f"{self.root}{_API}/stream/items/ids?{_query(IDS_AT_ONCE, continuation, s=name)}"

    @property
    def labels_url(self) -> str:
        """Return the address that lists the account's labels."""
        return f"{self.root}{_API}/tag/list?output=json"

    def of_label(self, answer: "AccountAnswer") -> "AccountAnswer":
        """Return the answer with the items of the stream's label; all of them when it names none."""
        if self.label is None:
            return answer
        objects = (item for item in answer.items if isinstance(item, dict))
        return replace(answer, items=tuple(item for item in objects if self.label in _labels(item)))

    @property
    def label(self) -> str | None:
        """Return the label, folder or category that the stream names."""
        return self.name.partition("/label/")[2] or None if self.name.startswith("user/") else None

    @property
    def is_starred(self) -> bool:
        """Return whether it is what a person has starred, at whatever age."""
        return self.name.endswith("/state/com.google/starred")

    @property
    def by_ids_only(self) -> bool:
        """Return whether it names a feed by its address, which FreshRSS finds in no path, however escaped."""
        return self.name.startswith("feed/") and not self.name.removeprefix("feed/").isdecimal()

    @property
    def items_url(self) -> str:
        """Return the address that gives the items whose ids it is sent."""
        return f"{self.root}{_API}/stream/items/contents"


def stream_of(url: str) -> AccountStream:
    """Return the stream that an account's address names after /stream/contents/; all items when it names none."""
    root, _, name = url.partition("?")[0].partition(_CONTENTS)
    return AccountStream(root=root.rstrip("/").removesuffix(_API), name=unquote(name) or _EVERYTHING)


def items_form(ids: Iterable[str], token: str) -> str:
    """Return the form that requests these items; Miniflux wants the token in it instead of the header.

    Ids are sent in their long form: Miniflux up to 2025 reads the short decimal ones, which it gives itself, as
    hexadecimal, and answers with other items.
    """
    return urlencode([("T", token), ("output", "json"), *(("i", _long_id(item_id)) for item_id in ids)])


def authorization(token: str) -> str:
    """Return the Authorization header for this token."""
    return f"GoogleLogin auth={token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAnswer:
    """One answer of the API: items or ids, and the continuation of the next answer."""

    items: tuple[Any, ...]
    ids: tuple[str, ...]
    continuation: str | None


def read_answer(body: bytes) -> AccountAnswer | None:
    """Return the answer; None when it is the empty list by which Miniflux says that it knows no such stream.

    ValueError for whatever is no answer of the API.
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
    refs = list_of(document.get("itemRefs"))
    return AccountAnswer(
        items=tuple(list_of(document.get("items"))),
        ids=tuple(str(ref["id"]) for ref in refs if isinstance(ref, dict) and "id" in ref),
        continuation=str(continuation) if continuation else None,
    )


def read_labels(body: bytes) -> list[str]:
    """Return the names of an account's labels; ValueError for whatever is no list of them."""
    document = json.loads(body)
    if not isinstance(document, dict) or "tags" not in document:
        raise ValueError("no list of labels")
    tags = list_of(document["tags"])
    names = (str(tag.get("id", "")).partition("/label/")[2] for tag in tags if isinstance(tag, dict))
    return [name for name in names if name]


def newest_first(ids: Iterable[str]) -> list[str]:
    """Return ids by arrival, the newest first: readers number what arrives."""
    return sorted(dict.fromkeys(ids), key=lambda item_id: int(item_id) if _is_number(item_id) else 0, reverse=True)


def arrived_since(item: Any, since: datetime) -> bool:
    """Tell whether the reader got an item since then, or does not say when."""
    arrived = item.get("crawlTimeMsec") if isinstance(item, dict) else None
    return not _is_number(str(arrived)) or int(str(arrived)) >= since.timestamp() * 1000


def changed_since(item: Any, since: datetime) -> bool:
    """Tell whether an item changed for the reader since then (as by being starred), or it does not say when."""
    changed = item.get("updated") if isinstance(item, dict) else None
    return not _is_number(str(changed)) or int(str(changed)) >= since.timestamp()


def whole_stream(items: Sequence[Any], *, left_out: str) -> bytes:
    """Return the items of many answers as the one document that is stored and parsed; `left_out` says what is not."""
    return json.dumps({"items": list(items), "left_out": left_out}).encode()


def _query(count: int, continuation: str | None, *, since: datetime | None = None, **others: str) -> str:
    parameters = {"output": "json", "n": str(count), **others}
    if since is not None:
        parameters["ot"] = str(int(since.timestamp()))
    return urlencode(parameters | ({"c": continuation} if continuation else {}))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _long_id(item_id: str) -> str:
    return f"{_LONG_ID}{int(item_id):016x}" if _is_number(item_id) else item_id


def _labels(item: dict[str, Any]) -> set[str]:
    categories = (str(category) for category in list_of(item.get("categories")))
    return {name.partition("/label/")[2] for name in categories if name.startswith("user/")}


def list_of(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
