"""Articles' pages and feed fields -> texts: pages are read in worker processes that can be killed."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

from newsclust.errors import ExtractError
from newsclust.extract.page import PageText, rejection
from newsclust.extract.select_text import ExtractOutcome, select_text
from newsclust.extract.site_rules import SiteRule, TextFrom, read_site_rules, site_rule_for
from newsclust.isolation import IsolatedPool, Task
from newsclust.model import ArticleInput

# Pages submitted ahead of the one awaited, for each worker: enough to keep them busy behind a slow page, few enough
# that pages do not pile up in memory.
AHEAD = 8
_PAGES_PER_WORKER = 12  # another worker starts only for more: one reads about as many while another starts
# Imported when a worker starts, not within the time of its first page.
_PRELOAD = ("trafilatura", "trafilatura.readability_lxml", "htmldate")

PageTask = Task[PageText, ExtractError]


class Extractor(Protocol):
    """Takes the text of articles out of pages and feeds. One that is a context manager is entered for a step."""

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        """Return one outcome for each source, in order of input."""
        ...


class TrafilaturaExtractor:
    """Reads pages with trafilatura, each for at most `timeout_s` seconds in one of `workers` processes.

    A page that crashes, outlasts or takes more than `memory_bytes` from its worker costs only itself. Inside a `with`
    the workers are kept from one call of `extract` to the next; without it, each call has its own. What feeds hold is
    cleaned in this process: it takes a millisecond, and nothing in it was ever seen to hang. `site_rules` is a file
    of rules for single sites; without that file there are none. `read` ("module:name") is the function that reads a
    page in a worker.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout_s: float = 10,
        memory_bytes: int = 2_000_000_000,
        max_page_bytes: int = 2_000_000,
        site_rules: Path = Path("data/site_rules.toml"),
        read: str = "newsclust.extract.page:read_page",
    ) -> None:
        if workers < 1 or timeout_s <= 0 or memory_bytes < 1 or max_page_bytes < 1:
            raise ValueError("workers, timeout_s, memory_bytes and max_page_bytes must be positive")
        self.workers = workers
        self.max_page_bytes = max_page_bytes
        self.rules = read_site_rules(site_rules)
        self._pool: IsolatedPool[PageText, ExtractError] = IsolatedPool(
            read,
            error=ExtractError,
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            preload=_PRELOAD,
            calls_per_worker=_PAGES_PER_WORKER,
        )
        self._keeps_workers = False

    def __enter__(self) -> Self:
        self._keeps_workers = True
        return self

    def __exit__(self, *_: object) -> None:
        self._keeps_workers = False
        self._pool.close()

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        """Yield one outcome for each source, in order of input; StepError when no worker can start."""
        ahead: deque[tuple[ArticleInput, PageTask | ExtractError | SiteRule | None]] = deque()
        try:
            for source in sources:
                ahead.append((source, self._begin(source)))
                if len(ahead) >= AHEAD * self.workers:
                    yield self._finish(*ahead.popleft())
            while ahead:
                yield self._finish(*ahead.popleft())
        finally:
            if ahead or not self._keeps_workers:
                self._pool.close()

    def _begin(self, source: ArticleInput) -> PageTask | ExtractError | SiteRule | None:
        """Submit the source's page to the workers, or return why it is not read."""
        if source.page is None:
            return None
        rule = site_rule_for(source.page.final_url, self.rules)
        if rule is not None and rule.use is TextFrom.FEED:
            return rule
        refused = rejection(source.page, self.max_page_bytes)
        if refused is not None:
            reason, detail = refused
            return ExtractError(source.url, reason, f"{source.page.final_url}: {detail}")
        return self._pool.submit(source.url, source.page, rule)

    def _finish(self, source: ArticleInput, begun: PageTask | ExtractError | SiteRule | None) -> ExtractOutcome:
        """Wait for the source's page, if it is read, and choose the article's text."""
        if isinstance(begun, SiteRule):
            return select_text(source, None, None, unread=f"the site's rule leaves the page: {begun.why}")
        outcome = self._pool.result(begun) if isinstance(begun, Task) else begun
        if isinstance(outcome, ExtractError):
            return select_text(source, None, outcome)
        return select_text(source, outcome, None)
