"""Headlines: a title without its outlet's name, what of a feed's text only repeats it, what a text tells of it."""

import re
from collections.abc import Collection

from newsclust.text.normalize import alphanumeric_key, word_count
from newsclust.text.tokens import tokenize

MAX_LISTED_WORDS = 40  # of a headline and its outlet's name in a list of them
MAX_OUTLET_LENGTH = 100  # characters
MAX_TOLD_SHARE = 0.25  # of a title's words; a text that holds fewer tells nothing of it
MIN_TITLE_WORD = 4  # letters; shorter words stand in every text
STEM = 5  # letters by which two forms of one word agree

_SEPARATOR = re.compile(r" [-–—|·•»:] | ?\| ?")  # in a title of single spaces
_ADDRESS = re.compile(r"\s*(?:\w+:)?//\S+\s*|\s*www\.\S+\s*")
_NO_TITLE = re.compile(
    r"\W*(?:no title|untitled|sans titre|ohne titel|sin título|null|none|undefined|n/?a|title)\W*", re.IGNORECASE
)
_COMMON_WORDS = frozenset((
    "about", "after", "again", "also", "avec", "avant", "been", "before", "cette", "chez", "comme", "contre",
    "dans", "does", "elle", "encore", "first", "from", "have", "here", "into", "just", "leur", "leurs",
    "made", "mais", "make", "many", "more", "most", "much", "notre", "nous", "only", "other", "over", "plus",
    "pour", "quand", "sans", "selon", "sont", "some", "such", "than", "that", "their", "them", "then",
    "there", "these", "they", "this", "tous", "tout", "très", "under", "vers", "very", "votre", "vous",
    "well", "were", "what", "when", "where", "which", "while", "will", "with", "would", "your", "être",
))  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?…]['\"»”’)\]]*$")


def is_headline(title: str) -> bool:
    """Return whether a title tells something: not an address that stands in for it, nor that there is none."""
    return any(map(str.isalpha, title)) and not _ADDRESS.fullmatch(title) and not _NO_TITLE.fullmatch(title)


def without_outlet(title: str, names: Collection[str]) -> str:
    """Cut ` - Outlet` or ` | Outlet` where the outlet is known by that name; any other ending stays."""
    known = {alphanumeric_key(name) for name in names} - {""}
    # From the first one on: an outlet's name may hold a separator itself.
    for separator in _SEPARATOR.finditer(title, max(0, len(title) - MAX_OUTLET_LENGTH)):
        if separator.start() and alphanumeric_key(title[separator.end() :]) in known:
            return title[: separator.start()]
    return title


def without_headlines(text: str, titles: Collection[str], names: Collection[str]) -> str:
    """Return a feed's text (paragraphs parted by empty lines) without leading lines that only repeat the title.

    An outlet's name may stand beside it, as aggregators write it. Where headlines of other outlets follow such a line
    and nothing else, they go, too: they are the list of who tells the same.
    """
    known = {alphanumeric_key(name) for name in names} - {""}
    own = {alphanumeric_key(title) for title in titles} - {""}
    with_name = {title + name for title in own for name in known} | {name + title for title in own for name in known}
    paragraphs = text.split("\n\n")
    is_listed = False
    while paragraphs and (key := alphanumeric_key(paragraphs[0])) in own | with_name:
        is_listed = is_listed or key in with_name
        del paragraphs[0]
    if is_listed and all(map(_may_be_listed, paragraphs)):
        return ""
    return "\n\n".join(paragraphs)


def tells_nothing_of(title: str, text: str) -> bool:
    """Return whether a text holds (almost) none of the words by which a title is told from others."""
    words = distinct_words(title)
    return bool(words) and len(words & distinct_words(text)) <= MAX_TOLD_SHARE * len(words)


def distinct_words(text: str) -> set[str]:
    """Return the stems of the words by which one text is told from another."""
    return {word[:STEM] for word in tokenize(text) if len(word) >= MIN_TITLE_WORD and word not in _COMMON_WORDS}


def _may_be_listed(paragraph: str) -> bool:
    return word_count(paragraph) <= MAX_LISTED_WORDS and not _SENTENCE_END.search(paragraph)
