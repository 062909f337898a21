"""FreshRSS's shared queries and views: the address that gives them as RSS, read on to their end."""

import json
import re
from collections.abc import Generator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from newsclust.model import Fetch, Page, Request

# Of one answer: what FreshRSS allows by default (max_posts_per_rss). Unasked it gives its reading page, 20.
ITEMS_AT_ONCE = 400
LEFT_OUT_HEADER = "newsclust-left-out"  # of a joined RSS document: what is not in it, and why
_FEWEST_CUT = 20  # FreshRSS's own page: a shorter answer is whole, whatever its user allows
_MOST_ANSWERS = 6
_FURTHER_HOURS = 168  # of the answers after the first, or a new query would bring the archive of its user
_VIEWS = {"normal", "reader", "global"}
_CHOICES = {"a", "get", "state", "search", "order", "rid", "token", "hours"}
_ITEM = re.compile(rb"<item\b[^<>]*>")


def rss_url(url: str) -> str:
    """Return the address that gives as RSS what FreshRSS shows at `url`; any other address as it is.

    A shared query (`/api/query.php?...&f=html`) has its format in `f`, a view of the reader itself
    (`/i/?a=normal&get=...`) in `a`. What it chooses (user, token, search, ...) stays.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    if _is_query(parts.path, parameters):
        name = "f" if parameters.get("f", "html") == "html" else None
    elif parts.path.endswith(("/i/", "/i/index.php")) and parameters.get("a", "normal") in _VIEWS:
        name = "a" if parameters.keys() & _CHOICES else None
    else:
        name = None
    if name is None:
        return url
    # In place: what else stands in the query may be hidden (***), and is not ours to write otherwise.
    others = [pair for pair in parts.query.split("&") if pair.partition("=")[0] != name]
    return urlunsplit(parts._replace(query="&".join([*others, f"{name}=rss"]), fragment=""))


def is_cut_unasked(url: str) -> bool:
    """Tell whether an address gives a shared query or a view, of which FreshRSS shows a page unless asked for more.

    False where its writer says how many (`nb`) or from which on (`offset`).
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_view = parts.path.endswith(("/i/", "/i/index.php")) and parameters.get("a") == "rss"
    is_list = _is_query(parts.path, parameters) and parameters.get("f") != "opml"
    return (is_view or is_list) and not parameters.keys() & {"nb", "offset"}


def all_answers(request: Request) -> Generator[Request, Fetch, Fetch]:
    """Request a query's newest items, and further answers until one is short; return them as one document.

    What the first answer brings is kept when a further one fails, and the document says what is left out.
    """
    first = yield _part(request, offset=0)
    page = first.page
    if page is None:
        return first
    bodies = [page.body]
    found = total = _item_count(page.body)
    left_out = ""
    while found >= _FEWEST_CUT:
        if len(bodies) == _MOST_ANSWERS:
            left_out = f"all but the newest {total} items"
            break
        fetch = yield _part(replace(request, etag=None, last_modified=None), offset=total)
        if fetch.page is None:
            left_out = f"what comes after {total} items: {fetch.error}"
            break
        found = _item_count(fetch.page.body)
        if found:
            bodies.append(fetch.page.body)
        total += found
        first = replace(
            first,
            seconds=first.seconds + fetch.seconds,
            received_bytes=first.received_bytes + fetch.received_bytes,
        )
    headers = dict(page.headers) | ({LEFT_OUT_HEADER: left_out} if left_out else {})
    return replace(first, page=replace(page, body=_joined(bodies), headers=headers))


def left_out_warning(page: Page) -> str | None:
    """Return the warning of what a joined document does not hold; None when it is whole."""
    left_out = page.headers.get(LEFT_OUT_HEADER)
    return f"left out: {left_out[:200]}" if left_out else None


def _is_query(path: str, parameters: dict[str, str]) -> bool:
    return path.endswith("/api/query.php") and {"user", "t"} <= parameters.keys()


def _part(request: Request, *, offset: int) -> Request:
    """Return the request for one answer, the newest items first whatever the query's own order."""
    more = {"nb": ITEMS_AT_ONCE, "order": "DESC"} | ({"offset": offset, "hours": _FURTHER_HOURS} if offset else {})

    def asked(url: str) -> str:
        written = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        return "&".join(
            [url.partition("#")[0], *(f"{name}={value}" for name, value in more.items() if name not in written)]
        )

    secret_url = None if request.secret_url is None else asked(request.secret_url)
    return replace(request, url=asked(request.url), secret_url=secret_url)


def _item_count(body: bytes) -> int:
    if not body.lstrip().startswith(b"{"):
        return sum(1 for _ in _ITEM.finditer(body))
    return len(_json_items(body))


def _json_items(body: bytes) -> list[object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    items = document.get("items") if isinstance(document, dict) else None
    return items if isinstance(items, list) else []


def _joined(bodies: list[bytes]) -> bytes:
    """Return the first document with the items of all."""
    first = bodies[0]
    if len(bodies) == 1:
        return first
    if first.lstrip().startswith(b"{"):
        return json.dumps(
            json.loads(first) | {"items": [item for body in bodies for item in _json_items(body)]}
        ).encode()
    further = []
    for body in bodies[1:]:
        begin, end = body.find(b"<item"), body.rfind(b"</item>") + len(b"</item>")
        further.append(body[begin:end] if 0 <= begin < end else b"")
    end = first.rfind(b"</channel>")
    return b"".join([first[:end], *further, first[end:]])
