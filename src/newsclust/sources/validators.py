"""Checks of what people write in a list of feeds: addresses, lines, tags, names of environment variables."""

import re
import unicodedata

from newsclust.urls import canonical, redacted

# No line breaks or controls: a title is one line, and XML could not carry them back.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


# Blanks of all kinds, and what nobody sees: zero-width marks, soft hyphens, byte order marks, turns of direction.
_UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))


_FEED_SCHEME = re.compile(r"^(?:feed(s?)|itpc|pcast|podcast|rss):(?://)?(?:(?=(https?):/)|(?<=//))", re.IGNORECASE)


def check_address(text: str) -> str:
    """Return the address itself; ValueError, which repeats no password, when it is none of a page."""
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in _UNSEEN:
            if not text.strip() or not 1 < position < len(text):
                raise ValueError("an address has no blanks around it and no control characters: take them out")
            called = "a blank" if character == " " else f"U+{ord(character):04X}, which nobody sees,"
            mend = "write it as %20, or take it out" if character == " " else "take it out"
            raise ValueError(f"an address has no blanks: {called} is its character {position}; {mend}")
    try:
        canonical(text)
    except ValueError as error:
        if redacted(text) != text:  # the reason may quote a password that ends at a slash of its own
            raise ValueError(
                "no address of a page; in user and password write / as %2F, ? as %3F, # as %23"
            ) from error
        raise
    if UNPRINTABLE.search(text):
        raise ValueError("an address has no control characters")
    return text


def without_feed_scheme(written: str) -> str:
    """Return the web address that a `feed:` address means, as old readers wrote it: feed://site/, feed:https://site/."""
    return _FEED_SCHEME.sub(lambda scheme: "" if scheme[2] else f"http{scheme[1] or ''}://", written, count=1)


def check_line(text: str) -> str:
    """Return the text itself; ValueError when it is blank, or more than a line."""
    if not text.strip() or UNPRINTABLE.search(text):
        raise ValueError("one line of text is needed")
    return text


def tag_of(text: str) -> str:
    """Return the tag without outer slashes, its blanks one space each: a folder's name is read so, too."""
    return " ".join(text.split()).strip(" /")


def check_variable(text: str) -> str:
    """Return the name itself; ValueError, which does not repeat it, when no environment variable can have it."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("the name of an environment variable is needed, never the token itself")
    return text


def url_with_secrets(written: str) -> str | None:
    """Return the address as written, where some of it is hidden when it is shown; else None."""
    return written if redacted(written) != written else None
