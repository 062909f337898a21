"""Types that several rooms share: frozen, keyword-only, with aware UTC datetimes.

Ids are hashes of natural keys, so that every save is an upsert.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsclust.errors import FetchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


DEFAULT_KIND = "feed"  # of a source: RSS, Atom, RDF or JSON Feed
MAX_TEXT_CHARACTERS = 500_000  # of an entry's or an article's text: a long novel; each step reads all of it
MAX_TITLE_CHARACTERS = 500  # of 12,000 titles of real feeds the longest has 250


def id_of(*natural_key: str) -> str:
    """Return the id of a natural key: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256("\x1f".join(natural_key).encode()).hexdigest()[:16]


class DateQuality(StrEnum):
    """How far a `published_at` can be trusted, the best first."""

    GIVEN = "given"  # a date with a time, as the source wrote it
    GUESSED = "guessed"  # a day without a time, a date without a zone, or `updated` standing in for it
    INFERRED = "inferred"  # not the source's word: the day in the address, or the date of an older neighbour
    MISSING = "missing"  # none: the moment of first sight stands in
    FUTURE = "future"  # later than the moment of first sight, which stands in

    @property
    def is_own(self) -> bool:
        """Return whether it is the source's own word."""
        return self in {DateQuality.GIVEN, DateQuality.GUESSED}

    @property
    def has_date(self) -> bool:
        """Return whether it is a date, and not the moment of first sight."""
        return self not in {DateQuality.MISSING, DateQuality.FUTURE}


class PagePolicy(StrEnum):
    """When to download the pages behind a feed's entries."""

    AUTO = "auto"  # when the feed's own text is short or breaks off
    ALWAYS = "always"
    NEVER = "never"


class RequestKind(StrEnum):
    """What is requested."""

    FEED = "feed"
    LIST = "list"
    PAGE = "page"
    ROBOTS = "robots"
    SITE = "site"  # a home page, asked whose feed it names


class TextSource(StrEnum):
    """Where an article's text was taken from."""

    PAGE = "page"
    FEED_CONTENT = "feed_content"
    FEED_SUMMARY = "feed_summary"
    TITLE = "title"  # there is none: the headline stands for the article


class TextQuality(StrEnum):
    """How much of an article its text is."""

    FULL = "full"  # the page's text, or a feed's that is long and does not break off
    PARTIAL = "partial"  # a feed's short or broken-off text: the page was not read
    HEADLINE = "headline"  # none: nobody gave a text
    WALL = "wall"  # the page was a check, a consent, a login or an error: a feed's short text stands, or none
    PAYWALLED = "paywalled"  # it says that a paywall cut it


class DuplicateMethod(StrEnum):
    """How a duplicate was recognised."""

    SAME_URL = "same_url"
    SAME_TEXT = "same_text"
    NEAR_TEXT = "near_text"
    CONTAINED = "contained"  # one text contains the other: abridged, cut or a summary


class RewriteMethod(StrEnum):
    """What decided whether two articles share a text."""

    LEXICAL = "lexical"  # the words alone
    SEMANTIC = "semantic"  # what their sentences say, in which order


class StoryEvent(StrEnum):
    """What a run changed in a story."""

    BORN = "born"
    GREW = "grew"
    SHRANK = "shrank"
    MERGED = "merged"
    SPLIT = "split"
    CLOSED = "closed"
    REOPENED = "reopened"
    RENAMED = "renamed"


class NoticeKind(StrEnum):
    """What a night's notice is about. Closed: analysts `GROUP BY kind`."""

    CLOCK = "clock"  # it had jumped
    NETWORK = "network"  # this machine's own was away
    LANGUAGES = "languages"  # articles in languages that are grouped less well
    LISTS = "lists"  # an OPML subscription that kept an earlier state
    ORCHESTRATOR = "orchestrator"  # Prefect was away
    BUDGET = "budget"  # pages wait for the next night
    SET_ASIDE = "set_aside"  # a document with which an earlier night broke


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed URL that we poll; an entry may come from another outlet's feed, and says so."""

    id: str
    url: str  # credentials hidden: what is stored, logged and shown
    title: str
    site_url: str | None = None
    language: str | None = None  # ISO 639-1, None when the feed mixes languages
    tags: tuple[str, ...] = ()
    pages: PagePolicy = PagePolicy.AUTO
    priority: int = 0  # of duplicates that came at once, the one of the highest is the original
    kind: str = DEFAULT_KIND  # a name in newsclust.sources.registry
    select: str | None = None  # an option of its kind: the CSS selector of a page's links
    token_env: str | None = None  # an option of its kind: the environment variable that holds an account's token
    listed_by: str | None = None  # the OPML subscription that names it; None: feeds.toml does
    # As the list writes it, credentials and ${VARIABLES} included, where `url` hides some; never stored.
    written_url: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """A list of feeds that somebody keeps elsewhere, as OPML: an address, or a file beside feeds.toml."""

    id: str
    url: str  # credentials hidden; the path as written in feeds.toml when `file` is given
    file: Path | None = None
    tags: tuple[str, ...] = ()  # of all its feeds
    written_url: str | None = field(default=None, repr=False, compare=False)  # as in `Feed`


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One URL to download, with the validators of the last answer (ETag, Last-Modified)."""

    url: str
    kind: RequestKind
    item_id: str  # the feed's id, the article's id or the origin whose robots.txt it is
    etag: str | None = None
    last_modified: str | None = None
    pause_s: float = 0.0  # the site's own minimum between two requests; ours counts where it is longer
    start_within_s: float | None = None  # from the call of the fetcher on; later it is not sent, but POSTPONED
    # The site for which `allow_private` and `connect_to` hold; "" is none. None: its own, but none for a page.
    private_site: str | None = None
    within_origin: bool = False  # a redirect to another scheme, host or port is reported, not followed
    authorization: str | None = field(default=None, repr=False)  # a header's value, for the URL's own host only
    secret_url: str | None = field(default=None, repr=False)  # what is requested, where `url` hides credentials of it
    form: str | None = field(default=None, repr=False)  # sent by POST; a form may hold a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a URL answered: the body decompressed, the headers with lower-case names."""

    url: str
    final_url: str
    fetched_at: datetime
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request as it went: a page, or "not modified" (neither page nor error), or an error."""

    request: Request
    requested_at: datetime
    seconds: float
    status: int | None  # of the last hop; None when no answer came
    final_url: str
    redirects: int
    received_bytes: int  # as sent, before decompression
    etag: str | None
    last_modified: str | None
    page: Page | None = None
    error: FetchError | None = None
    fresh_until: datetime | None = None  # until when the answer is fresh (Cache-Control, Expires)
    retry_at: datetime | None = None  # before which the site wants no request
    moved_to: str | None = None  # where the permanent redirects led that stood before any other
    cross_origin_redirect: str | None = None  # a redirect not followed; then there is no page

    @classmethod
    def not_made(cls, request: Request, error: FetchError | None, at: datetime) -> Self:
        """Return the record of a request that was never sent."""
        return cls(
            request=request,
            requested_at=at,
            seconds=0.0,
            status=None,
            final_url=request.url,
            redirects=0,
            received_bytes=0,
            etag=None,
            last_modified=None,
            error=error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item as one feed showed it."""

    id: str
    feed_id: str
    guid: str | None
    link: str  # as the feed wrote it, made absolute
    url: str  # canonical; with a fragment where several things are told at the address, or it is no page
    title: str  # plain text
    summary: str | None  # HTML without scripts
    content: str | None  # HTML without scripts
    author: str | None
    language: str | None
    published_at: datetime
    date_quality: DateQuality
    updated_at: datetime | None = None
    source_title: str | None = None  # of the outlet's own feed, when this one collects others'
    source_url: str | None = None
    warnings: tuple[str, ...] = ()
    other_ids: tuple[str, ...] = ()  # that it would have alone at its address, or among others

    @property
    def article_id(self) -> str:
        """The id of the article that the entry shows."""
        return id_of(self.url)

    @property
    def has_page(self) -> bool:
        """Tell whether the page behind its link is the article's own, and so may give its text."""
        return "#" not in self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHints:
    """When a feed document asks to be requested."""

    interval: timedelta | None = None  # RSS `ttl`, or the period of the syndication module; the longer of the two
    skip_hours: frozenset[int] = frozenset()  # 0 to 23, UTC
    skip_days: frozenset[int] = frozenset()  # 0 is Monday, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """All that one feed document holds."""

    feed_id: str
    title: str | None
    entries: tuple[Entry, ...]
    site_url: str | None = None  # the site that the document names as its own
    warnings: tuple[str, ...] = ()
    update_hints: UpdateHints = UpdateHints()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleInput:
    """One article before its text is extracted: an entry's fields and, perhaps, its page."""

    article_id: str
    url: str  # canonical
    title: str
    summary: str | None  # HTML
    content: str | None  # HTML
    language: str | None  # as the feed states it
    feed_title: str
    page: Page | None = None
    source_title: str | None = None  # of the outlet's own feed, when this one collects others'
    teller: str | None = None  # the feed's name, where it does not speak for the article's site; None: it does


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The text of one article, and where it came from."""

    article_id: str
    canonical_url: str  # the page's rel=canonical or its final URL; else the entry's
    title: str
    text: str  # paragraphs parted by one empty line; "" when there is a headline only
    language: str  # ISO 639-1, "und" when unknown
    language_source: str  # "text", "feed" or "none"
    author: str | None
    text_source: TextSource
    paywall_marker: str | None = None  # the words that say a paywall cut the text; None when it is whole
    text_source_reason: str = ""  # why the text was taken from there
    published_at: datetime | None = None  # as the page states it; it stands in for a feed's missing date
    date_quality: DateQuality = DateQuality.MISSING  # of that date
    updated_at: datetime | None = None  # as the page states it
    text_quality: TextQuality = TextQuality.FULL
    page_title: str | None = field(default=None, compare=False)  # as the page states it; not stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One text at one canonical URL."""

    id: str
    url: str
    canonical_url: str
    title: str
    text: str
    language: str
    outlet: str
    published_at: datetime
    date_quality: DateQuality
    first_seen_at: datetime
    priority: int = 0  # the highest of the feeds that showed it
    publisher: str | None = None  # who counts as one voice; None where the outlet does
    attested_at: datetime | None = None  # from when our own polls bear out that it was there; None: as it is dated

    @property
    def voice(self) -> str:
        """Who counts as one voice, however many articles and hosts it has."""
        return self.publisher or self.outlet

    @property
    def earliest_at(self) -> datetime:
        """The date that counts where it matters who was first."""
        return self.published_at if self.attested_at is None else max(self.attested_at, self.published_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Hash and MinHash keys of one article, for finding its duplicates."""

    article_id: str
    text_hash: str  # of the normalised text; equal hashes are equal texts
    shingles: int
    keys: tuple[int, ...]  # unsigned, 64 bits, in order; two articles that share one are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBlock:
    """A block of sentences at one end of an outlet's text, and its context: 64-bit hashes, unsigned."""

    key: int
    context: int  # of the sentence next to it; of title and day where the block is the whole text


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The finding that `article_id` duplicates `original_id`.

    `similarity` is 1 for equal texts and addresses, the Jaccard overlap of shingles for near texts, the share of the
    shorter text's shingles for one that is contained in the other. `better_original_reason` says why the duplicate
    would have been the better original, had it come in time; "" when it would not.
    """

    article_id: str
    original_id: str
    method: DuplicateMethod
    similarity: float
    evidence: str
    better_original_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteComparison:
    """The finding whether one of two articles was rewritten or translated from the other; `article_a` < `article_b`.

    Which of the two is the source depends on dates, which may be corrected later: the view rewritten_articles decides
    it. `score` is no probability; it is None when a text is too short to tell.
    """

    article_a: str
    article_b: str
    score: float | None  # 0 to 1
    is_rewrite: bool
    method: RewriteMethod
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WordCounts:
    """In how many of `documents` each stem stands, and how often each word was written with and without a capital."""

    documents: int = 0
    stems: Mapping[str, int] = field(default_factory=dict)
    case_counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Articles to be grouped into stories, with one row of unit length for each in both matrices.

    `model` names what made the vectors; `words` counts the articles of earlier nights.
    """

    articles: Sequence[Article]
    vectors: "NDArray[np.float32]"  # of title and beginning
    title_vectors: "NDArray[np.float32]"  # of the title alone
    model: str
    words: WordCounts = WordCounts()

    @property
    def ids(self) -> list[str]:
        """The id of each article, in order."""
        return [article.id for article in self.articles]

    def by_id(self) -> "Window":
        """Return the same window with its articles ordered by id."""
        order = sorted(range(len(self.articles)), key=lambda place: self.articles[place].id)
        return Window(
            articles=[self.articles[place] for place in order],
            vectors=self.vectors[order],
            title_vectors=self.title_vectors[order],
            model=self.model,
            words=self.words,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Evidence that two articles tell one story; `article_a` < `article_b`."""

    article_a: str
    article_b: str
    probability: float
    evidence: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a flow; `night_at` is the moment that it takes as "now"."""

    id: str
    flow: str
    night_at: datetime
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """How many days what is heavy is kept; None: for ever."""

    pages: float
    requests: float
    articles: float | None = None
    vectors: float | None = None
    stories: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many items a step did, skipped and failed."""

    done: int = 0
    skipped: int = 0
    failed: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            done=self.done + other.done,
            skipped=self.skipped + other.skipped,
            failed=self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Constraints on a grouping: must-link sets of articles (`together`) and cannot-link pairs (`apart`).

    The sets are disjoint, and no pair lies within one.
    """

    together: tuple[frozenset[str], ...] = ()
    apart: frozenset[frozenset[str]] = frozenset()

    @property
    def articles(self) -> frozenset[str]:
        """Every article that is named."""
        return frozenset().union(*self.together, *self.apart)
