"""Groups found tonight + the stories known so far -> lasting ids and the events that explain every change.

A story keeps its id as long as most of its articles stay together. Deciding is pure: the same groups and the
same earlier stories give the same ledger, whatever their order.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsclust.model import StoryEvent, id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousGroup:
    """A story (or topic) as the last night left it."""

    id: str
    born_at: datetime
    members: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChange:
    """One change of one story: how many articles it has afterwards, and which came, left or moved."""

    story_id: str
    event: StoryEvent
    articles: int
    moved: tuple[str, ...]
    reason: str
    other_story_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChanges:
    """Who belongs where from tonight on. Stories that nothing happened to are not in it."""

    members: dict[str, frozenset[str]]  # story id -> all its articles, for every story that changed
    merged: dict[str, str]  # story id -> the story that took its articles
    events: tuple[StoryChange, ...]


def match_groups(groups: Sequence[frozenset[str]], known: Sequence[PreviousGroup]) -> dict[int, str]:
    """Give each group (by position) the id of the known one it shares most members with, one to one.

    The largest overlap is settled first; of two equal overlaps the older id, then the smaller id, then the group
    with the smallest member goes first.
    """
    story_of = {member: story for story in known for member in story.members}
    overlaps = sorted(
        (-shared, story.born_at, story.id, min(group), position)
        for position, group in enumerate(groups)
        for story, shared in Counter(story_of[member] for member in group if member in story_of).items()
    )
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, story_id, _, position in overlaps:
        if position not in ids and story_id not in taken:
            ids[position] = story_id
            taken.add(story_id)
    return ids


def assign_ids(
    groups: Sequence[frozenset[str]],
    known: Sequence[PreviousGroup],
    *,
    regrouped: Collection[str],
    founder: Callable[[frozenset[str]], str],
    now: datetime,
    ids_in_use: Collection[str] = (),
) -> StoryChanges:
    """Return what tonight's groups change about the known stories.

    `groups` are disjoint and cover `regrouped`, the articles that were compared tonight; the other members of a
    known story are settled and stay with it, or move with it when it is merged. A known member that is neither
    settled nor in a group has left the stream (it was found to be a copy). `founder` names the article after
    which a new story is called.
    """
    groups = sorted((group for group in groups if group), key=min)
    by_id = {story.id: story for story in known}
    known = [by_id[story_id] for story_id in sorted(by_id)]
    story_of = {article: story.id for story in known for article in story.members}
    ids = match_groups(groups, known)
    used = {*by_id, *ids_in_use}
    split_from: dict[str, str] = {}
    for position, group in enumerate(groups):
        if position not in ids:
            ids[position] = new_id("story", founder(group), used, now)
            used.add(ids[position])
            origin = _most_frequent(story_of[a] for a in group if a in story_of)
            if origin:
                split_from[ids[position]] = origin
    now_in = {article: ids[position] for position, group in enumerate(groups) for article in group}
    after: dict[str, set[str]] = {ids[position]: set(group) for position, group in enumerate(groups)}
    merged: dict[str, str] = {}
    for story in known:
        settled = {a for a in story.members if a not in regrouped}
        if story.id in after:
            after[story.id] |= settled
            continue
        heir = _most_frequent(now_in[a] for a in story.members if a in now_in)
        if heir:
            merged[story.id] = heir
            after[heir] |= settled
            after[story.id] = set()
        elif settled != story.members:
            after[story.id] = settled
    return _changes(after, by_id, story_of, merged, split_from)


def _changes(
    after: Mapping[str, set[str]],
    by_id: Mapping[str, PreviousGroup],
    story_of: Mapping[str, str],
    merged: Mapping[str, str],
    split_from: Mapping[str, str],
) -> StoryChanges:
    events: list[StoryChange] = []
    members: dict[str, frozenset[str]] = {}
    for story_id in sorted(after):
        present = frozenset(after[story_id])
        before = by_id[story_id].members if story_id in by_id else frozenset()
        if present == before and story_id in by_id:
            continue
        members[story_id] = present

        def told(
            event: StoryEvent,
            moved: Collection[str],
            reason: str,
            other: str = "",
            story_id: str = story_id,
            size: int = len(present),
        ) -> StoryChange:
            return StoryChange(
                story_id=story_id,
                event=event,
                articles=size,
                moved=tuple(sorted(moved)),
                reason=reason,
                other_story_id=other,
            )

        if story_id not in by_id:
            if story_id in split_from:
                origin = split_from[story_id]
                events.append(
                    told(
                        StoryEvent.SPLIT,
                        present,
                        "its articles now hold together apart from the rest",
                        origin,
                    )
                )
            else:
                events.append(told(StoryEvent.BORN, present, "articles that no living story tells"))
            continue
        if story_id in merged:
            heir = merged[story_id]
            events.append(told(StoryEvent.MERGED, before, "its articles now hold together with another story", heir))
            continue
        came, left = present - before, before - present
        if came:
            taken_over = sorted({story_of[a] for a in came if a in story_of})
            reason = f"{len(came)} more" + (f", {len(taken_over)} other stories among them" if taken_over else "")
            events.append(told(StoryEvent.GREW, came, reason))
        if left:
            events.append(told(StoryEvent.SHRANK, left, "they tell another story now, or are copies"))
    return StoryChanges(members=members, merged=dict(merged), events=tuple(events))


def new_id(kind: str, founder: str, used: Collection[str], now: datetime) -> str:
    """Return an id not in `used`: called after its founder, or if an earlier one was, after founder and night."""
    minted, tries = id_of(kind, founder), 0
    while minted in used:
        minted, tries = id_of(kind, founder, now.isoformat(), str(tries)), tries + 1
    return minted


def _most_frequent(ids: Iterable[str]) -> str | None:
    """Return the most frequent id, the smallest of equals; None when there is none."""
    counts = Counter(ids)
    return min(counts, key=lambda i: (-counts[i], i)) if counts else None
