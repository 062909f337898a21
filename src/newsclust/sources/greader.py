"""An account of a feed reader (FreshRSS, Miniflux and others), by the Google Reader API."""

import html
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from newsclust.errors import FetchError, ParseError, Reason
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.sources import greader_api
from newsclust.sources.document import SourceDocument, SourceItem
from newsclust.sources.greader_api import AccountAnswer, list_of
from newsclust.sources.html import sanitize_html, title_text
from newsclust.sources.jsonfeed import json_text
from newsclust.sources.validators import check_variable

_ITEM_AGE = timedelta(days=7)  # of the items that are requested; the same item again is no new entry
_TOKEN = re.compile("[!-~]+")  # what a header can carry
_UNAUTHORIZED = 401
_MOST_ANSWERS = 20  # of one account in one night: 5,000 items
# FreshRSS writes the characters of markup so, for clients that would obey them (escapeToUnicodeAlternative).
_FULL_WIDTH = str.maketrans("＆＜＞", "&<>")
_FULL_WIDTH_NAMES = str.maketrans("＆＜＞＇＂＾？＼／，；", "&<>'\"^?\\/,;")
# The beginning of a stream without an account: FreshRSS's shared queries in their form f=greader, or f=json.
_SHARED = re.compile(rb'\s*\{\s*"id"\s*:\s*"user/')


class GReaderSource:
    """An account of a feed reader; the option `token_env` names the environment variable that holds its token."""

    description = "an account, by the Google Reader API"
    options: Mapping[str, Callable[[str], str]] = {"token_env": check_variable}

    def poll_url(self, url: str) -> str:
        """Return the address itself."""
        return url

    def matches(self, url: str, page: Page | None = None) -> bool:
        """Return whether the address is one of the API."""
        return url.rstrip("/").endswith("/api/greader.php") or "/reader/api/0" in url

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        """Collect all of the account's items in one document; return the first failed answer instead, if any.

        NO_TOKEN when the environment has none, FORBIDDEN when the account refuses it.
        """
        token = environment.get(feed.token_env or "", "").strip()
        if _TOKEN.fullmatch(token) is None:
            problem = "is no token" if token else "is not set in the environment"
            error = FetchError(request.url, Reason.NO_TOKEN, f"{feed.token_env} {problem}")
            return Fetch.not_made(request, error, now)
        stream = greader_api.stream_of(feed.url)
        download = _AccountDownload(request, greader_api.authorization(token), since=now - _ITEM_AGE)
        answers = None if stream.by_ids_only else (yield from download.all_answers(stream.contents_url))
        if answers is None:  # Miniflux, too: the ids first, then the items that have them
            refs = yield from download.known_answers(stream.ids_url)
            ids = greader_api.newest_first(item_id for answer in refs for item_id in answer.ids)
            answers = yield from download.items(stream, ids, token)
        answers = [stream.of_label(answer) for answer in answers]
        items = [item for answer in answers for item in answer.items]
        if stream.label is not None and not items and download.stopped_by is None:
            yield from download.check_label(stream.label, stream.labels_url)
        stopped = download.stopped_by
        if stopped is not None and not items:
            stopped = replace(stopped, request=request, moved_to=None)
            if stopped.status != _UNAUTHORIZED:
                return stopped
            detail = f"HTTP {stopped.status}: the account refuses the token that {feed.token_env} holds"
            return replace(stopped, error=FetchError(request.url, Reason.FORBIDDEN, detail))
        return download.merged(greader_api.whole_stream(items, left_out=download.left_out))

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        """Return the account's items, each with its author, date and feed; ParseError(NOT_A_FEED) for other JSON."""
        return read_stream(feed, page)


class _AccountDownload:
    """The requests that one account takes; `stopped_by` is the Fetch that ended them early.

    `left_out` says what the answers do not hold: what came before a failed one is kept.
    """

    def __init__(self, request: Request, authorization: str, *, since: datetime) -> None:
        self._request = replace(request, etag=None, last_modified=None, authorization=authorization)
        self._since = since
        self._fetches: list[Fetch] = []
        self.stopped_by: Fetch | None = None
        self.left_out = ""

    def all_answers(self, url_of: Callable[..., str]) -> Generator[Request, Fetch, list[AccountAnswer] | None]:
        """Return all answers, first to last; None when the account does not know the stream."""
        answers: list[AccountAnswer] = []
        continuation: str | None = None
        for _ in range(_MOST_ANSWERS):
            url = url_of(since=self._since, continuation=continuation)
            answer = yield from self._answer(replace(self._request, url=url))
            if answer is None:
                return answers if answers or self.stopped_by else None
            answers.append(answer)
            continuation = answer.continuation
            if continuation is None or not (answer.items or answer.ids):
                return answers
        self.left_out = f"all but the first {_MOST_ANSWERS} answers"
        return answers

    def known_answers(self, url_of: Callable[..., str]) -> Generator[Request, Fetch, list[AccountAnswer]]:
        """Return all answers; stop with NOT_A_FEED when the account does not know the stream."""
        answers = yield from self.all_answers(url_of)
        if answers is None:
            error = FetchError(self._request.url, Reason.NOT_A_FEED, "the account knows no such stream")
            self.stopped_by = replace(self._fetches[-1], page=None, error=error)
        return answers or []

    def items(
        self, stream: greader_api.AccountStream, ids: Sequence[str], token: str
    ) -> Generator[Request, Fetch, list[AccountAnswer]]:
        """Return the answers with the items of these ids, newest first, up to one that holds none of the week."""
        is_wanted = greader_api.changed_since if stream.is_starred else greader_api.arrived_since
        answers: list[AccountAnswer] = []
        for start in range(0, len(ids), greader_api.ITEMS_AT_ONCE):
            if len(answers) == _MOST_ANSWERS:
                self.left_out = f"all but the newest {start} items"
                return answers
            form = greader_api.items_form(ids[start : start + greader_api.ITEMS_AT_ONCE], token)
            answer = yield from self._answer(replace(self._request, url=stream.items_url, form=form))
            if answer is None:
                return answers
            wanted = tuple(item for item in answer.items if is_wanted(item, self._since))
            answers.append(replace(answer, items=wanted))
            if not wanted and not stream.is_starred:  # a star may be on any
                return answers
        return answers

    def check_label(self, label: str, url: str) -> Generator[Request, Fetch, None]:
        """Stop with NOT_A_FEED when the account has no such label; leave it where it does not list its labels."""
        fetch = yield replace(self._request, url=url)
        try:
            labels = greader_api.read_labels(fetch.page.body) if fetch.page else [label]
        except (ValueError, RecursionError):
            return
        if label not in labels:
            known = ", ".join(labels[:10]) or "none"
            error = FetchError(
                self._request.url, Reason.NOT_A_FEED, f"no label {label!r} in the account, but {known}"
            )
            self.stopped_by = replace(fetch, page=None, error=error)

    def merged(self, body: bytes) -> Fetch:
        """Return what all requests brought, as the one Fetch of the request they were made for."""
        last, received = next((fetch, fetch.page) for fetch in reversed(self._fetches) if fetch.page is not None)
        page = Page(
            url=self._request.url,
            final_url=self._request.url,
            fetched_at=received.fetched_at,
            headers={"content-type": "application/json"},
            body=body,
        )
        return replace(
            last,
            request=replace(self._request, authorization=None),
            requested_at=self._fetches[0].requested_at,
            seconds=sum(fetch.seconds for fetch in self._fetches),
            received_bytes=sum(fetch.received_bytes for fetch in self._fetches),
            etag=None,
            last_modified=None,
            final_url=self._request.url,
            moved_to=None,  # one answer's address is not the account's
            page=page,
        )

    def _answer(self, request: Request) -> Generator[Request, Fetch, AccountAnswer | None]:
        fetch = yield request
        self._fetches.append(fetch)
        if fetch.page is None:
            self._stop(fetch)
            return None
        try:
            return greader_api.read_answer(fetch.page.body)
        except ValueError as error:
            problem = FetchError(request.url, Reason.NOT_A_FEED, str(error)[:80])
            self._stop(replace(fetch, page=None, error=problem))
            return None

    def _stop(self, fetch: Fetch) -> None:
        self.stopped_by = fetch
        self.left_out = f"what a failed answer would hold: {fetch.error}"


def read_stream(feed: Feed, page: Page) -> SourceDocument:
    """Return the stream's items, each with its author, date and original feed; ParseError(NOT_A_FEED) else."""
    try:
        answer = greader_api.read_answer(page.body)
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
        warnings.append(f"left out: {_text(document, 'left_out')[:200]}")
    return SourceDocument(
        title=_line(document, "title", is_escaped=is_shared_stream(page.body)) or None,
        items=tuple(_item(item, is_escaped=is_shared_stream(page.body)) for item in items),
        warnings=tuple(warnings),
    )


def is_shared_stream(body: bytes) -> bool:
    """Return whether a document without an account around it is in the API's form."""
    return _SHARED.match(body) is not None


def _item(item: dict[str, Any], *, is_escaped: bool) -> SourceItem:
    """Return one item; a shared query's words are escaped as HTML once more than an account's."""
    origin = item.get("origin") if isinstance(item.get("origin"), dict) else {}
    stream = _text(origin, "feedUrl") or _text(origin, "streamId").removeprefix("feed/")
    published = _date(item.get("published"))
    texts = [sanitize_html(_text(item.get(key), "content")) for key in ("content", "summary")]
    summary = texts[1] or None
    content = texts[0] if texts[0] and texts[0] != summary else None
    return SourceItem(
        guid=_text(item, "id") or None,
        link=next((href for key in ("canonical", "alternate") if (href := _first_href(item.get(key)))), None),
        title=_line(item, "title", is_escaped=is_escaped),
        summary=summary,
        content=content,
        author=_name(item, "author", is_escaped=is_escaped) or None,
        published=published,
        # When the item changed for the reader, at Miniflux: to mark it as read counts.
        updated=_date(item.get("updated")) if published is None else None,
        source_title=_name(origin, "title", is_escaped=is_escaped) or None,
        source_url=stream if stream.startswith("http") else _text(origin, "htmlUrl") or None,
    )


def _first_href(links: Any) -> str:
    return next((_text(link, "href") for link in list_of(links) if _text(link, "href")), "")


def _date(seconds: Any) -> str | None:
    """Return seconds since 1970 as an ISO date; what is no number as it was written."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return str(seconds) if seconds else None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _line(value: Any, key: str, *, is_escaped: bool) -> str:
    """Return a value as words on one line; feeds put HTML into titles, which readers hand on."""
    text = _text(value, key).translate(_FULL_WIDTH)
    return title_text(html.unescape(text) if is_escaped else text)


def _name(value: Any, key: str, *, is_escaped: bool) -> str:
    """Return the name of a person or an outlet on one line: FreshRSS writes more characters of it in full width."""
    text = _text(value, key).translate(_FULL_WIDTH_NAMES)
    return title_text(html.unescape(text) if is_escaped else text)


def _text(value: Any, key: str) -> str:
    return json_text(value, key) if isinstance(value, dict) else ""
