"""Errors and their exit codes.

`NewsclustError` ends the program with a message and an exit code. `ItemError` is raised by a stage for one item; the
pipeline stores it as a row of `failures` and goes on with the next item.
"""

from enum import StrEnum

from newsclust.text.sanitize import one_line


class Reason(StrEnum):
    """Why an item left the stream. Closed: analysts `GROUP BY reason`."""

    # fetch
    BAD_URL = "bad_url"
    REFUSED_ADDRESS = "refused_address"  # not of the public internet, or a port that is not in the settings
    DNS_FAILED = "dns_failed"
    CONNECTION_FAILED = "connection_failed"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    POSTPONED = "postponed"  # a budget of the night was spent: no request was made, and no row is kept
    OFFLINE = "offline"  # this machine's own network was away: it says nothing of the item, and counts for nothing
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_ENCODING = "bad_encoding"
    GONE = "gone"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    ROBOTS = "robots"  # the site's robots.txt forbids it: no request was made
    ROBOTS_UNREACHABLE = "robots_unreachable"  # robots.txt could not be read: no request was made
    # parse
    EMPTY = "empty"
    HTML_NOT_FEED = "html_not_feed"
    NOT_A_FEED = "not_a_feed"
    NOTHING_SELECTED = "nothing_selected"  # the page has nothing where its selector, or its site's rule, looks
    NOT_A_LIST = "not_a_list"
    NO_TOKEN = "no_token"  # noqa: S105 (a reason) - an account's environment variable is not set
    # extract
    NOT_HTML = "not_html"
    NO_TEXT = "no_text"
    LIST_PAGE = "list_page"  # the page lists articles and is none
    WALL = "wall"  # the page answers 200 and is a check, a consent, a login or an error page
    CRASHED = "crashed"
    SET_ASIDE = "set_aside"  # an earlier night broke while it was read: it is read again when it changes


class NewsclustError(Exception):
    """Any error that newsclust raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class SettingsError(NewsclustError):
    """A setting, a feed list or an option is wrong; nothing was started."""

    exit_code = 2


class StoreError(NewsclustError):
    """The database cannot be opened, written or published; what was stored is as before."""

    exit_code = 3


class CheckError(NewsclustError):
    """The stored rows contradict each other; nothing was published."""

    exit_code = 4


class StepError(NewsclustError):
    """Most items of a step failed: then it is the network or the machine, not the items."""

    exit_code = 5


class StepOverBudgetError(StepError):
    """A step took longer than a step may; the document that it had in hand is set aside the next time."""


class ItemError(NewsclustError):
    """One item that could not be processed; `item` is its id or URL, `detail` what a person needs to see.

    Both may quote untrusted text: they are sanitized to one line, of 2,000 and of 500 characters.
    """

    def __init__(self, item: str, reason: Reason, detail: str = "") -> None:
        item, detail = one_line(item, 2000), one_line(detail, 500)
        super().__init__(f"{item}: {reason}" + (f" ({detail})" if detail else ""))
        self.item = item
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["ItemError"], tuple[str, Reason, str]]:
        """Return how to rebuild the error when a worker process pickles it."""
        return type(self), (self.item, self.reason, self.detail)


class FetchError(ItemError):
    """An address could not be downloaded."""


class ParseError(ItemError):
    """Bytes that should be a feed, or an entry of it, could not be read."""


class ExtractError(ItemError):
    """No article text could be taken from a page or an entry."""
