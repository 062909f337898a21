"""Parse feed documents in worker processes, which a hostile document may take down."""

from collections.abc import Iterable, Iterator
from typing import Self

from newsclust.errors import ParseError
from newsclust.isolation import IsolatedPool
from newsclust.model import Feed, Page, ParsedFeed

FeedPage = tuple[Feed, Page]
ParseOutcome = ParsedFeed | ParseError

_CALLS_PER_WORKER = 50  # documents: another worker parses about as many while one starts


class FeedParserPool:
    """Calls `parse_feed` where a hostile document does no harm: for at most `timeout_s` seconds, in `memory_bytes`.

    feedparser is quadratic on some documents: 200 kB of comments that are never closed take it 12 s. An honest one
    of 10 MB takes 4 s and 130 MB. A document that outlasts or breaks its worker costs only itself, and half a second
    for the next worker; one night's first document costs as much. Up to `workers` parse at once, where there are
    documents enough. `parse` ("module:name") is what they call. Inside a `with`, the workers end with it.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout_s: float = 20,
        memory_bytes: int = 1_000_000_000,
        parse: str = "newsclust.sources.entries:parse_feed",
    ) -> None:
        self._pool: IsolatedPool[ParsedFeed, ParseError] = IsolatedPool(
            parse,
            error=ParseError,
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            calls_per_worker=_CALLS_PER_WORKER,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def __call__(self, feed: Feed, page: Page) -> ParsedFeed:
        """Return the parsed document; ParseError(feed.url) as `parse` raises it, or with TIMEOUT or CRASHED.

        StepError when no worker can start.
        """
        outcome = self._pool.result(self._pool.submit(feed.url, feed, page))
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome

    def parse(self, documents: Iterable[FeedPage]) -> Iterator[tuple[FeedPage, ParseOutcome]]:
        """Yield each document once, with what a call of it returns or raises, in order of completion.

        `documents` is read only a little ahead. StepError as for a call.
        """
        return self._pool.as_completed(((feed, page), feed.url, (feed, page)) for feed, page in documents)
