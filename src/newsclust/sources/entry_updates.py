"""What a stored entry becomes when its feed shows it again: which date it keeps, and whether it counts as changed.

Pure; which stored entry it is stands in `entry_identity`.
"""

from dataclasses import dataclass
from datetime import datetime

from newsclust.model import DateQuality, Entry, Run, id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryState:
    """What is decided of an entry each time that its feed shows it; the rest is as shown, or as first seen."""

    published_at: datetime
    date_quality: DateQuality
    content_hash: str  # of title, summary and content
    changed_at: datetime  # when that last differed
    changed_run_id: str | None  # the run that saw it; None: as first seen, or changed before this was kept
    first_seen_at: datetime


def updated_state(stored: EntryState | None, shown: Entry, run: Run) -> EntryState:
    """Return the state of an entry after the run that saw it shown like this.

    A date that was good once stays when the feed later shows the entry without one. No date is after the entry's own
    first sight: some feeds stamp every item with the moment of the request.
    """
    content_hash = content_hash_of(shown)
    if stored is None:
        return EntryState(
            published_at=shown.published_at,
            date_quality=shown.date_quality,
            content_hash=content_hash,
            changed_at=run.night_at,
            changed_run_id=None,
            first_seen_at=run.night_at,
        )
    is_undated = not shown.date_quality.is_own or shown.published_at > stored.first_seen_at
    dated: Entry | EntryState = stored if is_undated else shown
    same = content_hash == stored.content_hash
    return EntryState(
        published_at=dated.published_at,
        date_quality=dated.date_quality,
        content_hash=content_hash,
        changed_at=stored.changed_at if same else run.night_at,
        changed_run_id=stored.changed_run_id if same else run.id,
        first_seen_at=stored.first_seen_at,
    )


def is_changed(stored: EntryState | None, state: EntryState) -> bool:
    """Tell whether an entry is new, or was shown with another title, summary or content."""
    return stored is None or stored.content_hash != state.content_hash


def content_hash_of(entry: Entry) -> str:
    """Return the hash by which an edit of an entry is known."""
    return id_of(entry.title, entry.summary or "", entry.content or "")
