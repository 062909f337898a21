"""Entries that a feed shows under another link or guid than before: a new CMS or domain, another guid scheme."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsclust.model import DateQuality, Entry
from newsclust.urls import canonical, registered_domain

_CHANGED_FROM = 3  # known entries, all of which have another guid or link: fewer may be edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of an entry that the feed showed before."""

    id: str
    guid: str | None
    link: str
    title: str
    published_at: datetime
    date_quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a feed changed of every entry at once; `sites` are the registered domains of the new links."""

    what: str  # guids, links
    why: str
    sites: tuple[str, ...]


def under_known_ids(entries: Sequence[Entry], known: Sequence[Known]) -> list[Entry]:
    """Return the entries, each under the id that it was first stored with.

    An entry whose id is new is one that is known when the document shows that one no more and they share title and
    guid, title and date to the minute, or link and guid; and when neither shares it with any other.
    """
    shown = {entry.id for entry in entries}
    stored = {one.id for one in known}
    gone = _by_marks([one for one in known if one.id not in shown])
    fresh = _by_marks([entry for entry in entries if entry.id not in stored])
    ids: dict[str, str] = {}
    for mark, same in fresh.items():
        if len(same) == 1 and len(gone.get(mark, ())) == 1:
            ids.setdefault(same[0], gone[mark][0])
    taken = list(ids.values())
    return [
        replace(entry, id=ids[entry.id]) if taken.count(ids.get(entry.id, "")) == 1 else entry for entry in entries
    ]


def changes_of(entries: Sequence[Entry], known: Sequence[Known]) -> list[Change]:
    """Return what differs of every entry that is known: three at least, each under its known id."""
    before = {one.id: one for one in known}
    pairs = [(before[entry.id], entry) for entry in entries if entry.id in before]
    guids = [(old, new) for old, new in pairs if old.guid and new.guid]
    found = []
    if len(guids) >= _CHANGED_FROM and all(_plain(old.guid) != _plain(new.guid) for old, new in guids):
        found.append(
            Change(what="guids", why=f"all {len(guids)} entries that it showed before have new guids", sites=())
        )
    if len(pairs) >= _CHANGED_FROM and all(canonical(old.link) != new.url for old, new in pairs):
        sites = tuple(sorted({registered_domain(new.link) for _, new in pairs}))
        why = f"all {len(pairs)} entries that it showed before have new links, at {', '.join(sites[:3])}"
        found.append(Change(what="links", why=why, sites=sites))
    return found


def _plain(guid: str | None) -> str | None:
    """The guid; one that is an address in its usual spelling: a new tracking parameter or https make no new one."""
    try:
        return canonical(guid) if guid else guid
    except ValueError:
        return guid


def _by_marks(ones: Sequence[Entry | Known]) -> dict[tuple[Hashable, ...], list[str]]:
    """The ids of those that share a mark by which an entry is known again."""
    found: dict[tuple[Hashable, ...], list[str]] = defaultdict(list)
    for one in ones:
        if one.guid:
            found["title", "guid", one.title, one.guid].append(one.id)
            found["link", "guid", one.link, one.guid].append(one.id)
        if one.date_quality == DateQuality.GIVEN:
            found["title", "date", one.title, one.published_at].append(one.id)
    return found
