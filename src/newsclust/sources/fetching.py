"""The fetcher of all kinds of sources, over another fetcher."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime

from newsclust.fetch import Fetcher
from newsclust.model import Feed, Fetch, Request
from newsclust.sources.registry import source_of


class SourceFetcher:
    """Makes, for each feed, the requests that its kind takes.

    `feeds` are those that requests may name, by id; `now` is the run's moment; tokens come from `environment`.
    """

    def __init__(
        self, fetcher: Fetcher, feeds: Mapping[str, Feed], *, now: datetime, environment: Mapping[str, str]
    ) -> None:
        self._fetcher = fetcher
        self._feeds = feeds
        self._now = now
        self._environment = environment

    def fetch(self, requests: Sequence[Request]) -> Iterator[Fetch]:
        """Yield one Fetch for each request, in order of completion; kinds that take several requests come last."""
        exchanges: dict[str, Generator[Request, Fetch, Fetch]] = {}
        first: list[Request] = []
        for request in requests:
            feed = self._feeds[request.item_id]
            exchange = source_of(feed.kind).fetch(request, feed, now=self._now, environment=self._environment)
            step = _next_step(exchange, None)
            if isinstance(step, Fetch):
                yield step
            else:
                exchanges[request.item_id] = exchange
                first.append(step)
        unfinished: list[tuple[Generator[Request, Fetch, Fetch], Request]] = []
        for fetch in self._fetcher.fetch(first) if first else ():
            exchange = exchanges[fetch.request.item_id]
            step = _next_step(exchange, fetch)
            if isinstance(step, Fetch):
                yield step
            else:
                unfinished.append((exchange, step))
        for exchange, request in unfinished:
            step = request
            while isinstance(step, Request):
                (fetch,) = self._fetcher.fetch([step])
                step = _next_step(exchange, fetch)
            yield step


def _next_step(exchange: Generator[Request, Fetch, Fetch], answer: Fetch | None) -> Request | Fetch:
    """Return the exchange's next request, or the Fetch in which it ends."""
    try:
        return next(exchange) if answer is None else exchange.send(answer)
    except StopIteration as end:
        result: Fetch = end.value
        return result
