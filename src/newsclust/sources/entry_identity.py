"""Entry identity: entries that a feed shows under another link or guid than before (new CMS, domain or scheme)."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsclust.model import DateQuality, Entry
from newsclust.sources.shared_addresses import PlacedItem, is_reused, plain_guid, told_apart_url
from newsclust.urls import registered_domain

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


def settled_entries(entries: Sequence[Entry], stored: Sequence[StoredEntry]) -> list[Entry]:
    """Return the entries as what they are at addresses that several of their feed's items have had.

    One that stood alone and has company now, or the other way round, keeps the id it was stored with. One that is
    another than the item which had its address before gets the id and the address of its own. Where all guids changed
    at once they tell nothing.
    """
    before = {entry.id: entry for entry in stored}
    taken = {entry.id for entry in entries}
    pairs = [(before[entry.id].guid, entry.guid) for entry in entries if entry.id in before]
    changed = sum(plain_guid(old) != plain_guid(new) for old, new in pairs if old and new)
    guids_tell = changed < max(_CHANGED_FROM, len(pairs))
    found: list[Entry] = []
    for entry in entries:
        free = [other for other in entry.other_ids if other not in taken]
        known = before.get(entry.id)
        settled, own_id = entry, None
        if known is None or not _is_marked_as(entry, known):
            own_id = next((one for one in free if one in before and _is_marked_as(entry, before[one])), None)
        if own_id is None and known and free and is_reused(_placed(entry), _placed(known), guids_tell=guids_tell):
            own_id = free[0]
        if own_id is not None:
            # Had it the address alone, the stored entry keeps that.
            url = told_apart_url(_placed(entry)) if entry.has_page else entry.url
            settled = replace(entry, id=own_id, url=url)
        taken.add(settled.id)
        found.append(settled)
    return found


def _is_marked_as(entry: Entry, known: StoredEntry) -> bool:
    guid = plain_guid(entry.guid)
    return guid == plain_guid(known.guid) and (guid is not None or entry.title == known.title)


def _placed(entry: Entry | StoredEntry) -> PlacedItem:
    url = entry.url if isinstance(entry, Entry) else ""
    return PlacedItem(link=entry.link, url=url, guid=entry.guid, title=entry.title, text="")


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
    if len(guids) >= _CHANGED_FROM and all(plain_guid(old.guid) != plain_guid(new.guid) for old, new in guids):
        why = f"all {len(guids)} entries that it showed before have new guids"
        found.append(IdentityChange(what="guids", why=why, sites=()))
    if len(pairs) >= _CHANGED_FROM and all(plain_guid(old.link) != plain_guid(new.link) for old, new in pairs):
        sites = tuple(sorted({registered_domain(new.link) for _, new in pairs}))
        why = f"all {len(pairs)} entries that it showed before have new links, at {', '.join(sites[:3])}"
        found.append(IdentityChange(what="links", why=why, sites=sites))
    return found


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
