"""A kind of source that stands outside of the package: release notes in plain text, one a line. One class is all."""

from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from urllib.parse import urljoin

from newsclust.errors import ParseError, Reason
from newsclust.model import Feed, Fetch, Page, Request
from newsclust.sources.document import SourceDocument, SourceItem


class ReleaseNotes:
    """Lines such as "2026-03-02 | Version 2 | /notes/2 | It starts faster."; `select` is a word of their titles."""

    description = "release notes in plain text"

    def __init__(self) -> None:
        self.options: Mapping[str, Callable[[str], str]] = {"select": _one_word}

    def poll_url(self, url: str) -> str:
        return url if url.endswith("/NEWS") else url.removesuffix("/") + "/NEWS"

    def matches(self, url: str, page: Page | None = None) -> bool:
        return url.endswith("/NEWS")

    def fetch(
        self, request: Request, feed: Feed, *, now: datetime, environment: Mapping[str, str]
    ) -> Generator[Request, Fetch, Fetch]:
        return (yield request)

    def parse(self, feed: Feed, page: Page) -> SourceDocument:
        rows = [line.split(" | ", 3) for line in page.body.decode(errors="replace").splitlines()]
        rows = [row for row in rows if len(row) == 4 and (feed.select or "") in row[1]]
        if not rows:
            raise ParseError(feed.url, Reason.NOT_A_FEED, "no release in it")
        return SourceDocument(
            title="Release notes",
            items=tuple(
                SourceItem(link=urljoin(page.final_url, link), title=title, published=date, content=f"<p>{text}</p>")
                for date, title, link, text in rows
            ),
        )


def _one_word(text: str) -> str:
    if not text.isalpha():
        raise ValueError("one word is needed")
    return text
