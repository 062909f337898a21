"""Items that share an address: as many articles as there are things told, and one thing shown twice is one. Pure.

Changelogs link to anchors of one page, status pages to themselves, small sites to their home page. An article's
address is then that of the page with a fragment, which tells it from the others there: the item's own anchor, else
one made of its guid or title.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlsplit

from newsclust.model import id_of
from newsclust.urls import canonical, site_of

_MOST_COMPARED = 30  # things at one address with which an item is compared
_LONGEST_FRAGMENT = 200  # characters
_COMPARED_CHARACTERS = 2000  # of a text
_FEWEST_WORDS = 5  # of a text that tells anything
_SAME_TEXT = 0.5  # least share of common words: of one title the same thing ...
_EDITED = 0.8  # ... of two titles without other numbers an edited headline
_SHARED_BY = 3  # items that link to one page of another site: fewer are one article that was posted again
# Fragments that say how a reader came, or lead to a part that every article has.
_NO_ANCHOR = re.compile(
    r"(?:xtor|utm_\w+|ref|rss|at_\w+|echobox|intcid|ens_id|xts|src|source|from)(?:[=:-].*)?"
    r"|comments?|respond|reply|top|content|main|more-\d+|:~:.*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedItem:
    """What tells an item from the others at its address: `link` as written and absolute, `url` canonical."""

    link: str
    url: str
    guid: str | None
    title: str
    text: str  # plain
    day: date | None = None  # on which it was published, where it says so
    source: str | None = None  # the feed that it was taken from, in a document that collects several


def own_sites(homes: Collection[str], feed_url: str) -> frozenset[str]:
    """Return the registered domains of a feed's own site."""
    return frozenset(site for url in (*homes, feed_url) if (site := site_of(url)) != url)


def own_urls(items: Sequence[PlacedItem], homes: Collection[str], feed_url: str) -> list[str]:
    """Return the canonical address of each item's article, with a fragment where the page holds other articles, too.

    One thing at an address that is no home has it for itself. Two items are one thing when their guids differ in a
    fragment of that address, or their titles agree and their texts do not differ, or only the headline was edited.
    One page of another site that two items link to is one article, which was posted twice; so is one that several of
    the feeds link to from which the document's items were taken.
    """
    by_url: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    urls = [item.url for item in items]
    for position, item in enumerate(items):
        anchor = _anchor(item.link)
        if anchor.startswith(("!", "/")):  # the address of a page that a script draws
            urls[position] = f"{item.url}#{anchor}"
        else:
            by_url[item.url, item.source].append(position)
    sites = own_sites(homes, feed_url)
    for (url, _), positions in by_url.items():
        if len(positions) == 1 and url not in homes:
            continue
        things = _things([items[position] for position in positions])
        posted_again = len(set(things)) < _SHARED_BY and 2 * len(positions) < len(items) and site_of(url) not in sites
        if url not in homes and (len(set(things)) == 1 or posted_again):
            continue
        anchors = [_anchor(items[positions[things.index(thing)]].link) for thing in things]
        for position, thing, anchor in zip(positions, things, anchors, strict=True):
            is_its_own = anchor and all(
                other != anchor for other, its in zip(anchors, things, strict=True) if its != thing
            )
            first = items[positions[things.index(thing)]]
            urls[position] = f"{url}#{anchor if is_its_own else _mark(first)}"
    return urls


def told_apart_url(item: PlacedItem) -> str:
    """Return the address of an item with the fragment that tells it from the others there."""
    return f"{item.url}#{_anchor(item.link) or _mark(item)}"


def _mark(item: PlacedItem) -> str:
    """Return the fragment that stands for an item which has no anchor of its own."""
    return f"item-{id_of(plain_guid(item.guid) or _plain(item.title))[:12]}"


def plain_guid(guid: str | None) -> str | None:
    """Return the guid; an address in canonical form: no scheme, tracking or fragment makes a new one."""
    try:
        return canonical(guid) if guid else None
    except ValueError:
        return guid


def is_reused(shown: PlacedItem, stored: PlacedItem, *, guids_tell: bool = True) -> bool:
    """Tell whether the address that a stored item had now leads to another: another guid or anchor, other news.

    Of an address that names no single article (neither a number nor a headline's words in it) another title is
    enough; of an article's address the titles must have no word in common.
    """
    anchors = _anchor(shown.link), _anchor(stored.link)
    guids = plain_guid(shown.guid), plain_guid(stored.guid)
    if not (all(anchors) and anchors[0] != anchors[1]) and not (guids_tell and all(guids) and guids[0] != guids[1]):
        return False
    words, stored_words = _words(shown.title), _words(stored.title)
    common = _overlap(words, stored_words)
    if _names_no_article(shown.url):
        return common < _SAME_TEXT or _numbers(words) != _numbers(stored_words)
    return common < 0.05


def _names_no_article(url: str) -> bool:
    """Tell whether there is neither a number nor a headline's words in an address."""
    path = urlsplit(url).path
    last = path.rpartition("/")[2]
    return not re.search(r"\d", last) and not re.search(r"\d{3}", path) and last.count("-") + last.count("_") < 3


def _things(items: Sequence[PlacedItem]) -> list[int]:
    """Return for each item of one address the number of the thing that it tells."""
    firsts: list[PlacedItem] = []
    found: list[int] = []
    for item in items:
        same = (number for number, first in enumerate(firsts[-_MOST_COMPARED:]) if _is_same(item, first))
        number = next(same, None)
        if number is None:
            found.append(len(firsts))
            firsts.append(item)
        else:
            found.append(number + max(0, len(firsts) - _MOST_COMPARED))
    return found


def _is_same(item: PlacedItem, other: PlacedItem) -> bool:
    if plain_guid(item.guid) == plain_guid(other.guid) == item.url:
        return _anchor(item.link) == _anchor(other.link)
    own, others = _anchor(item.link), _anchor(other.link)
    titles = _words(item.title), _words(other.title)
    texts = _words(item.text[:_COMPARED_CHARACTERS]), _words(other.text[:_COMPARED_CHARACTERS])
    if _plain(item.title) == _plain(other.title):
        if all(texts):
            return _overlap(*texts) >= _SAME_TEXT
        return item.day == other.day or not _names_no_article(item.url)
    alike = _overlap(*texts) if min(map(len, texts)) >= _FEWEST_WORDS else None
    if own != others or _numbers(titles[0]) != _numbers(titles[1]):
        return False
    return alike >= _EDITED if alike is not None else _overlap(*titles) >= _EDITED


def _anchor(link: str) -> str:
    """Return the fragment of a link, where it can lead to a part of the page; else ""."""
    fragment = quote(link.partition("#")[2].strip(), safe="!/:=&?@;,+~._-%")
    return "" if len(fragment) > _LONGEST_FRAGMENT or _NO_ANCHOR.fullmatch(fragment) else fragment


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _numbers(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if any(character.isdigit() for character in word))


def _overlap(some: frozenset[str], others: frozenset[str]) -> float:
    return len(some & others) / len(some | others) if some or others else 1.0
