"""Many sources -> many articles: pages are read in worker processes that can be killed."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from newsclust.errors import ExtractError, Reason, StepError
from newsclust.extract.page import PageText, read_page, refusal
from newsclust.extract.select_text import Extracted, article_of
from newsclust.extract.site_rules import SiteRule, TextFrom, read_rules, rule_for
from newsclust.model import Page, Source

if TYPE_CHECKING:
    from pebble import ProcessFuture, ProcessPool

# Pages handed to the workers ahead of the one awaited, for each worker: enough to keep them busy behind a
# slow page, few enough that copies of pages do not pile up in the pipe.
AHEAD = 8


class Extractor(Protocol):
    """Takes the text of articles out of pages and feeds."""

    def extract(self, sources: Sequence[Source]) -> Iterator[Extracted]:
        """One outcome for each source, in order of input."""
        ...


class TrafilaturaExtractor:
    """Reads pages with trafilatura, each for at most `timeout_s` seconds in one of `workers` processes.

    A page that crashes or outlasts its worker costs only itself. What feeds hold is cleaned in this process:
    it takes a millisecond, and nothing in it was ever seen to hang. `site_rules` is a file of rules for single
    sites; without that file there are none. `read` is replaceable for tests, and must be a function of a module,
    since the workers find it by name.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout_s: float = 10,
        max_page_bytes: int = 2_000_000,
        site_rules: Path = Path("data/site_rules.toml"),
        read: Callable[[Page, SiteRule | None], PageText] = read_page,
    ) -> None:
        if workers < 1 or timeout_s <= 0 or max_page_bytes < 1:
            raise ValueError("workers, timeout_s and max_page_bytes must be positive")
        self.workers = workers
        self.timeout_s = timeout_s
        self.max_page_bytes = max_page_bytes
        self.rules = read_rules(site_rules)
        self.read = read

    def extract(self, sources: Sequence[Source]) -> Iterator[Extracted]:
        """One outcome for each source, in order of input; StepError when the workers cannot be kept alive."""
        pool = self._pool()
        ahead: deque[tuple[Source, ProcessFuture[PageText] | ExtractError | SiteRule | None]] = deque()
        try:
            for source in sources:
                ahead.append((source, self._begun(pool, source)))
                if len(ahead) >= AHEAD * self.workers:
                    yield self._finished(*ahead.popleft())
            while ahead:
                yield self._finished(*ahead.popleft())
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _pool(self) -> "ProcessPool":
        """A pool that starts its processes with the first page, from a server without our threads.

        Start to first result, two workers: spawn 0.33 s, forkserver 0.21 s and later pools 0.02 s, since the
        server has trafilatura loaded. A worker that replaces a killed one comes as cheap. Workers log nothing:
        what trafilatura warns of comes back as the page's reason.
        """
        from multiprocessing import get_context

        from pebble import ProcessPool

        context = get_context("forkserver")
        context.set_forkserver_preload(["newsclust.extract.page", "trafilatura"])
        return ProcessPool(
            max_workers=self.workers, context=context, initializer=logging.disable, initargs=(logging.CRITICAL,)
        )

    def _begun(
        self, pool: "ProcessPool", source: Source
    ) -> "ProcessFuture[PageText] | ExtractError | SiteRule | None":
        """The reading of the source's page, or why it is not read."""
        if source.page is None:
            return None
        rule = rule_for(source.page.final_url, self.rules)
        if rule is not None and rule.use is TextFrom.FEED:
            return rule
        refused = refusal(source.page, self.max_page_bytes)
        if refused is not None:
            reason, detail = refused
            return ExtractError(source.url, reason, f"{source.page.final_url}: {detail}")
        return pool.schedule(self.read, args=(source.page, rule), timeout=self.timeout_s)

    def _finished(
        self, source: Source, begun: "ProcessFuture[PageText] | ExtractError | SiteRule | None"
    ) -> Extracted:
        if begun is None or isinstance(begun, ExtractError):
            return article_of(source, None, begun)
        if isinstance(begun, SiteRule):
            return article_of(source, None, None, unread=f"the site's rule leaves the page: {begun.why}")
        failure = begun.exception()
        if failure is None:
            return article_of(source, begun.result(), None)
        return article_of(source, None, self._error(source, failure))

    def _error(self, source: Source, failure: BaseException) -> ExtractError:
        """The worker's failure as one item's; StepError when there are no workers any more."""
        from concurrent.futures.process import BrokenProcessPool

        from pebble import ProcessExpired

        if isinstance(failure, BrokenProcessPool):
            raise StepError(f"the workers that read pages do not stay alive: {failure}") from failure
        if isinstance(failure, TimeoutError):
            return ExtractError(source.url, Reason.TIMEOUT, f"not read within {self.timeout_s} s")
        if isinstance(failure, ProcessExpired):
            return ExtractError(source.url, Reason.CRASHED, f"the worker ended with {failure.exitcode}")
        return ExtractError(source.url, Reason.CRASHED, f"{type(failure).__name__}: {failure}")
