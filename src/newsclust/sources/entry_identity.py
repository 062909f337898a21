"""Entry identity: entries that a feed shows under another link or guid than before (new CMS, domain or scheme)."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsclust.model import DateQuality, Entry
from newsclust.urls import canonical, registered_domain

_CHANGED_FROM = 3  # known entries, all of which have another guid or link: fewer may be edits


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as it is stored: what identifies it."""

    id: str
    guid: str | None
    link: str
    title: str
    published_at: datetime
    date_quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange:
    """A change that a feed made to all its entries at once; `sites` are the registered domains of the new links."""

    what: str  # guids, links
    why: str
    sites: tuple[str, ...]


def match_known_entries(entries: Sequence[Entry], stored: Sequence[StoredEntry]) -> list[Entry]:
    """Return the entries, each under the id that it was first stored with.

    An entry with a new id is a stored one when the document no longer shows that one, and they share title and guid,
    title and date to the minute, or link and guid; and when neither shares it with any other.
    """
    shown_ids = {entry.id for entry in entries}
    stored_ids = {entry.id for entry in stored}
    gone = _ids_by_mark([entry for entry in stored if entry.id not in shown_ids])
    fresh = _ids_by_mark([entry for entry in entries if entry.id not in stored_ids])
    ids: dict[str, str] = {}
    for mark, same in fresh.items():
        if len(same) == 1 and len(gone.get(mark, ())) == 1:
            ids.setdefault(same[0], gone[mark][0])
    taken = Counter(ids.values())
    return [replace(entry, id=ids[entry.id]) if taken[ids.get(entry.id, "")] == 1 else entry for entry in entries]


def identity_changes(entries: Sequence[Entry], stored: Sequence[StoredEntry]) -> list[IdentityChange]:
    """Return the guids or links that differ of every stored entry, where there are three of them at least."""
    before = {entry.id: entry for entry in stored}
    pairs = [(before[entry.id], entry) for entry in entries if entry.id in before]
    guids = [(old, new) for old, new in pairs if old.guid and new.guid]
    found = []
    if len(guids) >= _CHANGED_FROM and all(_plain_guid(old.guid) != _plain_guid(new.guid) for old, new in guids):
        why = f"all {len(guids)} entries that it showed before have new guids"
        found.append(IdentityChange(what="guids", why=why, sites=()))
    if len(pairs) >= _CHANGED_FROM and all(_plain_guid(old.link) != new.url for old, new in pairs):
        sites = tuple(sorted({registered_domain(new.link) for _, new in pairs}))
        why = f"all {len(pairs)} entries that it showed before have new links, at {', '.join(sites[:3])}"
        found.append(IdentityChange(what="links", why=why, sites=sites))
    return found


def _plain_guid(guid: str | None) -> str | None:
    """Return the guid; an address in canonical form, so that a tracking parameter or https makes no new one."""
    try:
        return canonical(guid) if guid else guid
    except ValueError:
        return guid


def _ids_by_mark(entries: Sequence[Entry | StoredEntry]) -> dict[tuple[Hashable, ...], list[str]]:
    """Return the ids of the entries that share a mark by which an entry is recognised."""
    found: dict[tuple[Hashable, ...], list[str]] = defaultdict(list)
    for entry in entries:
        if entry.guid:
            found["title", "guid", entry.title, entry.guid].append(entry.id)
            found["link", "guid", entry.link, entry.guid].append(entry.id)
        if entry.date_quality == DateQuality.GIVEN:
            found["title", "date", entry.title, entry.published_at].append(entry.id)
    return found
