"""Fetchers over a fetcher: one knows kinds of feeds, the other living lists."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from newsclust.errors import FetchError, Reason, SettingsError
from newsclust.fetch import Fetcher
from newsclust.model import Feed, FeedKind, FeedList, Fetch, Page, Request
from newsclust.sources import greader
from newsclust.sources.feed_links import rss_form
from newsclust.sources.opml import read_opml, write_opml

log = logging.getLogger("newsclust")

_SINCE = timedelta(days=7)  # of an account's items; the same item again is no new entry
_TOKEN = re.compile("[!-~]+")  # what a header can carry
_UNAUTHORIZED = 401
_ANSWERS = 20  # of one account in one night: 5,000 items


class SourceFetcher:
    """Asks each feed as its kind wants it: FreshRSS's pages for their RSS, an account in several requests.

    `feeds` are those that requests may name, by id; `now` is the night's moment; tokens come from `environment`.
    """

    def __init__(
        self, fetcher: Fetcher, feeds: Mapping[str, Feed], *, now: datetime, environment: Mapping[str, str]
    ) -> None:
        self._fetcher = fetcher
        self._feeds = feeds
        self._now = now
        self._environment = environment

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """One Fetch for each request: accounts last and one after another, the others in order of completion."""
        accounts = [request for request in requests if self._feeds[request.item_id].kind is FeedKind.ACCOUNT]
        asked = {request.item_id for request in accounts}
        others = [
            _as_rss(request) if self._feeds[request.item_id].kind is FeedKind.FEED else request
            for request in requests
            if request.item_id not in asked
        ]
        if others:
            yield from self._fetcher.fetch(others)
        for request in accounts:
            yield self._account(request, self._feeds[request.item_id])

    def _account(self, request: Request, feed: Feed) -> Fetch:
        """All of the account's items in one document; the first answer that is an error, or no answer, instead."""
        token = self._environment.get(feed.token_env or "", "").strip()
        if _TOKEN.fullmatch(token) is None:
            wrong = "is no token" if token else "is not set in the environment"
            said = f"{feed.token_env} {wrong}"
            return Fetch.not_made(request, FetchError(request.url, Reason.NO_TOKEN, said), self._now)
        stream = greader.stream_of(feed.url)
        asking = _Asking(self._fetcher, request, greader.authorization(token), since=self._now - _SINCE)
        found = None if stream.by_ids_only else asking.every(stream.contents_url)
        if found is None:  # Miniflux, too: the ids first, then the items that have them
            ids = [one for answer in asking.known(stream.ids_url) for one in answer.ids]
            found = [stream.of_label(answer) for answer in asking.items(stream.items_url, ids, token)]
        if asking.stopped is not None:
            stopped = replace(asking.stopped, request=request, moved_to=None)
            if stopped.status != _UNAUTHORIZED:
                return stopped
            said = f"HTTP {stopped.status}: the account refuses the token that {feed.token_env} holds"
            return replace(stopped, error=FetchError(request.url, Reason.FORBIDDEN, said))
        items = [item for answer in found for item in answer.items]
        return asking.together(greader.whole_stream(items, left_out=asking.left_out))


def _as_rss(request: Request) -> Request:
    secret = None if request.secret_url is None else rss_form(request.secret_url)
    return replace(request, url=rss_form(request.url), secret_url=secret)


class _Asking:
    """The requests that one account takes; `stopped` is the Fetch that ended them early."""

    def __init__(self, fetcher: Fetcher, request: Request, authorization: str, *, since: datetime) -> None:
        self._fetcher = fetcher
        self._request = replace(request, etag=None, last_modified=None, authorization=authorization)
        self._since = since
        self._fetches: list[Fetch] = []
        self.stopped: Fetch | None = None
        self.left_out = False

    def every(self, url_of: Callable[..., str]) -> list[greader.Answer] | None:
        """All answers from the first to the last; None when the first is that the question is not known."""
        answers: list[greader.Answer] = []
        continuation: str | None = None
        for _ in range(_ANSWERS):
            answer = self._ask(replace(self._request, url=url_of(since=self._since, continuation=continuation)))
            if answer is None:
                return answers if answers or self.stopped else None
            answers.append(answer)
            continuation = answer.continuation
            if continuation is None or not (answer.items or answer.ids):
                return answers
        self.left_out = True
        return answers

    def known(self, url_of: Callable[..., str]) -> list[greader.Answer]:
        """All answers; NOT_A_FEED is what ended it when the question is not known."""
        answers = self.every(url_of)
        if answers is None:
            said = FetchError(self._request.url, Reason.NOT_A_FEED, "the account knows no such stream")
            self.stopped = replace(self._fetches[-1], page=None, error=said)
        return answers or []

    def items(self, url: str, ids: Sequence[str], token: str) -> list[greader.Answer]:
        """The items of these ids."""
        answers: list[greader.Answer] = []
        for start in range(0, len(ids), greader.ITEMS_AT_ONCE):
            form = greader.items_form(ids[start : start + greader.ITEMS_AT_ONCE], token)
            answer = self._ask(replace(self._request, url=url, form=form))
            if answer is None:
                return answers
            answers.append(answer)
        return answers

    def together(self, body: bytes) -> Fetch:
        """What all requests brought, as the one Fetch of the request they were made for."""
        last = self._fetches[-1]
        page = Page(
            url=self._request.url,
            final_url=self._request.url,
            fetched_at=last.page.fetched_at if last.page else last.requested_at,
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

    def _ask(self, request: Request) -> greader.Answer | None:
        (fetch,) = self._fetcher.fetch([request])
        self._fetches.append(fetch)
        if fetch.page is None:
            self.stopped = fetch
            return None
        try:
            return greader.read_answer(fetch.page.body)
        except ValueError as error:
            self.stopped = replace(
                fetch, page=None, error=FetchError(request.url, Reason.NOT_A_FEED, str(error)[:80])
            )
            return None


class ListFetcher:
    """Reads living lists, from addresses and from files; a list without feeds in it is an error, not a list."""

    def __init__(self, fetcher: Fetcher, lists: Sequence[FeedList], clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._files = {one.id: one.file for one in lists if one.file is not None}
        self._clock = clock

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """One Fetch for each request; its page is OPML with feeds in it."""
        for request in requests:
            if request.item_id in self._files:
                yield _readable(self._read(request))
        others = [request for request in requests if request.item_id not in self._files]
        if others:
            yield from map(_readable, self._fetcher.fetch(others))

    def _read(self, request: Request) -> Fetch:
        now = self._clock()
        try:
            body = self._files[request.item_id].read_bytes()
        except OSError as error:
            lost = FetchError(request.url, Reason.NOT_FOUND, error.strerror or str(error))
            return Fetch.not_made(request, lost, now)
        page = Page(url=request.url, final_url=request.url, fetched_at=now, headers={}, body=body)
        return replace(Fetch.not_made(request, None, now), page=page, received_bytes=len(body))


def _readable(fetch: Fetch) -> Fetch:
    """The Fetch with what counts of its list, as OPML of ours; an error in place of a page that names no feeds.

    So the list that was read before stays. Credentials in a list of others are not stored, and so not kept:
    such a feed is for feeds.toml itself.
    """
    if fetch.page is None:
        return fetch
    url = fetch.request.url
    try:
        brought = read_opml(fetch.page.body)
    except SettingsError as error:
        return replace(fetch, page=None, error=FetchError(url, Reason.NOT_A_LIST, str(error)))
    kept = [feed for feed in brought.feeds if feed.written_url is None]
    secret = [f"{feed.title}: left out, its address holds credentials" for feed in brought.feeds if feed.written_url]
    for problem in (*brought.problems, *secret):
        log.warning("%s: %s", url, problem)
    if not kept:
        return replace(fetch, page=None, error=FetchError(url, Reason.NOT_A_LIST, "there is no feed in it"))
    return replace(fetch, page=replace(fetch.page, body=write_opml(kept).encode()))
