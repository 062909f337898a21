"""Whose word an article is: the site's that its page was fetched from, or the feed's that told it. Pure.

Any feed may link to any site. So a link makes nobody an outlet: a feed speaks for the sites that it stands on and
for those whose pages name it, and a page speaks for its site.
"""

import re
from collections.abc import Collection

from newsclust.model import Extraction, TextSource
from newsclust.text.normalize import alphanumeric_key
from newsclust.text.tokens import tokenize
from newsclust.urls import host, known_publisher, publisher_of

# Where each path is another publisher's feed: their host names nobody.
_FEED_HOSTS = frozenset(
    ("feeds.feedburner.com", "feeds2.feedburner.com", "feeds.feedblitz.com", "rsshub.app", "rss.app", "fetchrss.com",
     "openrss.org", "kill-the-newsletter.com", "politepol.com", "morss.it")
)  # fmt: skip
_MIN_LETTERS = 4  # of a word that says something
_STEM_LETTERS = 5  # by which a word of a title is found in another form
_MIN_SHARE = 0.5  # of a title's words that its page has


def speaks_for(urls: Collection[str | None], url: str) -> bool:
    """Return whether a feed known at these addresses speaks for the site of `url`."""
    site = publisher_of(url)
    return any(known_publisher(known) == site for known in urls)


def teller_name(url: str) -> str:
    """Return the name of an outlet of which its feed's address alone is known: the host, a path of a shared one."""
    name = host(url)
    if name not in _FEED_HOSTS:
        return name
    path = re.sub(r"[?#].*", "", url.partition("://")[2]).partition("/")[2].strip("/")
    return f"{name}/{path}" if path else name


def outlet_of(extraction: Extraction, *, url: str, teller: str | None, page_url: str | None) -> str:
    """Return the outlet of an article: the host of the page that its text is from, else who told it.

    `url` is the article's address, `teller` the name of its feed where that does not speak for the site (None: it
    does), `page_url` where its page was fetched. A page under a title that is not its own bears nothing out.
    """
    if extraction.text_source is TextSource.PAGE and page_url and (teller is None or is_borne_out(extraction)):
        return host(url) if publisher_of(url) == publisher_of(page_url) else host(page_url)
    return host(url) if teller is None else teller


def is_borne_out(extraction: Extraction) -> bool:
    """Return whether the page of an extraction bears out its title."""
    return bears_out(extraction.title, page_title=extraction.page_title, page_text=extraction.text)


def bears_out(title: str, *, page_title: str | None, page_text: str) -> bool:
    """Return whether a page says what a title says: it has the same one, or half of its words at least."""
    if alphanumeric_key(title) == alphanumeric_key(page_title or ""):
        return True
    words = _stems(title)
    return len(words & _stems(f"{page_title or ''}\n{page_text}")) >= _MIN_SHARE * len(words)


def _stems(text: str) -> set[str]:
    return {word[:_STEM_LETTERS] for word in tokenize(text) if len(word) >= _MIN_LETTERS or word.isdecimal()}
