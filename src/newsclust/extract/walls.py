"""Recognise walls: pages that answer 200 and are a check, a consent, a login or an error page in place of an article.

A wall is recognised by what it says (its heading, or most of its sentences), by where its address leads, and by
standing in the same words under titles that it says nothing of (`recurring_wall_key`). It must say nothing of the
entry's title, either: articles are written about 404 pages, and consents are laid over articles.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsclust.extract.headlines import distinct_words, tells_nothing_of
from newsclust.extract.wall_words import HEADINGS, SENTENCES
from newsclust.model import EdgeBlock, id_of
from newsclust.text.normalize import alphanumeric_key, word_count

MAX_WALL_WORDS = 400  # by what it says; the longest consent that we know has 300
MAX_RECURRING_WORDS = 600  # consents list partners and purposes
MIN_WALL_SHARE = 0.5  # of the words, in sentences that only walls say
MIN_CONTEXTS = 2  # different titles under which a text stands that tells of neither

_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\xa0": " ", "\u202f": " ", "…": "..."})
_HEADING = re.compile("|".join(f"(?:{pattern})" for pattern in HEADINGS), re.IGNORECASE)
_SENTENCE = re.compile("|".join(f"(?:{pattern})" for pattern in SENTENCES), re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?<=[.!?…]) +|\n+")
_SEPARATOR = re.compile(r"\s+[-–—|·•:]\s+|\s*\|\s*")
_EDGES = " \t\n.!?…:»«\"'()[]*"
_MAX_HEADING = 150  # characters
_MAX_SENTENCE = 600
# Labels of a host and segments of a path where people are asked before they are let in.
_ASKING = re.compile(
    r"(?:user-?)?consent\w*|collect-?consent|cmp|gdpr|rgpd|privacy-?(?:wall|gate|mgmt|manager)|cookie-?wall|"
    r"captcha|challenge|cdn-cgi|validate|bot-?check|human-?check|verify-?(?:human|you)?|geo\.captcha-delivery|"
    r"log-?in|sign-?in|auth|sso|oauth2?|accounts?|connexion|identification|anmelden",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallSigns:
    """What in a page is a wall's; "" where nothing is."""

    sentence: str = ""  # the first of those that make most of a short text
    heading: str = ""  # the title or a heading
    address: str = ""  # the part of the final address where people are asked

    def __bool__(self) -> bool:
        return bool(self.sentence or self.heading or self.address)


NO_SIGNS = WallSigns()


def wall_signs(headings: Iterable[str], text: str, url: str) -> WallSigns:
    """Return the signs of a wall in a page's headings (its title among them), main text and final address."""
    if word_count(text) > MAX_WALL_WORDS:
        return NO_SIGNS
    return WallSigns(
        sentence=_wall_sentence(text),
        heading=next((heading for heading in headings if is_wall_heading(heading)), ""),
        address=_asking_part(url),
    )


def is_wall_heading(heading: str) -> bool:
    """Return whether a heading, or one part of it beside a site's name, is what walls are headed with."""
    line = " ".join(heading.split()).translate(_STRAIGHT)
    if len(line) > _MAX_HEADING:
        return False
    return any(_HEADING.fullmatch(part.strip(_EDGES)) for part in (line, *_SEPARATOR.split(line)[:1]) if part)


def wall_reason(signs: WallSigns, *, title: str, page_title: str, text: str) -> str:
    """Return why a page is a wall, "" when it is none; `title` is the entry's.

    A page that carries the entry's title is a wall only by its sentences: some ask for a login under a headline.
    """
    if signs.sentence and (tells_nothing_of(title, text) or not distinct_words(title)):
        return f"it says {signs.sentence!r}"
    if not title.strip() or _same_title(title, page_title) or not tells_nothing_of(title, f"{page_title}\n{text}"):
        return ""
    if signs.heading:
        return f"it is headed {signs.heading!r}"
    return f"its address asks first: {signs.address}" if signs.address else ""


def recurring_wall_key(title: str, text: str) -> EdgeBlock | None:
    """Return the hash of a text that tells nothing of its title, with that of the title; None for any other text.

    Numbers and names of sites count for nothing: walls print addresses, times and ids of requests. A text is a wall
    once it stands so under `MIN_CONTEXTS` titles. Nobody makes one of an article whose text tells of its own title.
    """
    if not text or word_count(text) > MAX_RECURRING_WORDS or not tells_nothing_of(title, text):
        return None
    words = [word for word in text.casefold().split() if word.rstrip(".,;:!?…").isalpha()]
    key = alphanumeric_key(" ".join(words))
    if not key:
        return None
    return EdgeBlock(key=_hash("wall", key), context=_hash("title", alphanumeric_key(title)))


def _wall_sentence(text: str) -> str:
    """Return the first sentence that only walls say, where such make most of the words; "" otherwise."""
    sentences = [sentence for sentence in _SENTENCE_START.split(text.translate(_STRAIGHT)) if sentence.strip()]
    matching = [each for each in sentences if len(each) <= _MAX_SENTENCE and _SENTENCE.search(each)]
    if sum(map(word_count, matching)) < MIN_WALL_SHARE * max(1, word_count(text)):
        return ""
    return matching[0][:80] if matching else ""


def _asking_part(url: str) -> str:
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")[:-1]
    return next((part for part in (*labels, *parts.path.split("/")) if _ASKING.fullmatch(part)), "")


def _same_title(title: str, page_title: str) -> bool:
    """Return whether a page is headed with the entry's title, whatever stands beside it."""
    own, other = alphanumeric_key(title), alphanumeric_key(page_title)
    return bool(own and other) and (own in other or other in own)


def _hash(*parts: str) -> int:
    """Hash to unsigned 64 bits."""
    return int(id_of(*parts), 16)
