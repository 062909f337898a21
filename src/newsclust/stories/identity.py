"""Groups found tonight + the stories of earlier nights -> lasting ids and the events that explain every change.

A story keeps its id as long as most of its articles stay together. Deciding is pure: the same groups and the
same earlier stories give the same changes, whatever their order.
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
    """The stories that changed tonight; the others are not in it."""

    members: dict[str, frozenset[str]]  # story id -> all its articles, for every story that changed
    merged: dict[str, str]  # story id -> the successor that took its articles
    events: tuple[StoryChange, ...]


def match_groups(groups: Sequence[frozenset[str]], previous: Sequence[PreviousGroup]) -> dict[int, str]:
    """Return for groups, by position, the id of the previous group that shares most members, one to one.

    The largest overlap is matched first; of two equal overlaps the older id, then the smaller id, then the group
    with the smallest member goes first.
    """
    previous_of = {member: earlier for earlier in previous for member in earlier.members}
    overlaps = sorted(
        (-shared, earlier.born_at, earlier.id, min(group), position)
        for position, group in enumerate(groups)
        for earlier, shared in Counter(previous_of[member] for member in group if member in previous_of).items()
    )
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, group_id, _, position in overlaps:
        if position not in ids and group_id not in taken:
            ids[position] = group_id
            taken.add(group_id)
    return ids


def assign_ids(
    groups: Sequence[frozenset[str]],
    previous: Sequence[PreviousGroup],
    *,
    regrouped: Collection[str],
    seed_article: Callable[[frozenset[str]], str],
    now: datetime,
    ids_in_use: Collection[str] = (),
) -> StoryChanges:
    """Return what tonight's groups change about the previous stories.

    `groups` are disjoint and cover `regrouped`, the articles that were compared tonight. The other members of a
    previous story are settled: they stay with it, or move with it when it is merged. A previous member that is
    neither settled nor in a group is no member any more (it was found to be a duplicate). `seed_article` returns the
    article from which a new story's id is made.
    """
    groups = sorted((group for group in groups if group), key=min)
    by_id = {story.id: story for story in previous}
    previous = [by_id[story_id] for story_id in sorted(by_id)]
    story_of = {article: story.id for story in previous for article in story.members}
    ids = match_groups(groups, previous)
    used = {*by_id, *ids_in_use}
    split_from: dict[str, str] = {}
    for position, group in enumerate(groups):
        if position not in ids:
            ids[position] = new_id("story", seed_article(group), used, now)
            used.add(ids[position])
            origin = _most_frequent(story_of[article] for article in group if article in story_of)
            if origin:
                split_from[ids[position]] = origin
    now_in = {article: ids[position] for position, group in enumerate(groups) for article in group}
    after: dict[str, set[str]] = {ids[position]: set(group) for position, group in enumerate(groups)}
    merged: dict[str, str] = {}
    for story in previous:
        settled = {article for article in story.members if article not in regrouped}
        if story.id in after:
            after[story.id] |= settled
            continue
        successor = _most_frequent(now_in[article] for article in story.members if article in now_in)
        if successor:
            merged[story.id] = successor
            after[successor] |= settled
            after[story.id] = set()
        elif settled != story.members:
            after[story.id] = settled
    members: dict[str, frozenset[str]] = {}
    events: list[StoryChange] = []
    for story_id in sorted(after):
        present = frozenset(after[story_id])
        if story_id not in by_id:
            members[story_id] = present
            events.append(_founded(story_id, present, split_from.get(story_id)))
        elif present != (before := by_id[story_id].members):
            members[story_id] = present
            events += _changed(story_id, before, present, story_of, merged.get(story_id))
    return StoryChanges(members=members, merged=merged, events=tuple(events))


def new_id(kind: str, seed: str, used: Collection[str], now: datetime) -> str:
    """Return an id not in `used`: made from its seed or, if an earlier one was, from seed and night."""
    made, tries = id_of(kind, seed), 0
    while made in used:
        made, tries = id_of(kind, seed, now.isoformat(), str(tries)), tries + 1
    return made


def _founded(story_id: str, members: frozenset[str], origin: str | None) -> StoryChange:
    """Return the event of a new story, which may be split from the story `origin`."""
    return StoryChange(
        story_id=story_id,
        event=StoryEvent.SPLIT if origin else StoryEvent.BORN,
        articles=len(members),
        moved=tuple(sorted(members)),
        reason="its articles now hold together apart from the rest"
        if origin
        else "articles that no living story tells",
        other_story_id=origin or "",
    )


def _changed(
    story_id: str,
    before: frozenset[str],
    present: frozenset[str],
    story_of: Mapping[str, str],
    successor: str | None,
) -> list[StoryChange]:
    """Return the events of a previous story whose members changed; one that was merged has a successor."""

    def change(event: StoryEvent, moved: Collection[str], reason: str, other_story_id: str = "") -> StoryChange:
        return StoryChange(
            story_id=story_id,
            event=event,
            articles=len(present),
            moved=tuple(sorted(moved)),
            reason=reason,
            other_story_id=other_story_id,
        )

    if successor:
        reason = "its articles now hold together with another story"
        return [change(StoryEvent.MERGED, before, reason, successor)]
    events = []
    came, left = present - before, before - present
    if came:
        taken_over = {story_of[article] for article in came if article in story_of}
        reason = f"{len(came)} more" + (f", {len(taken_over)} other stories among them" if taken_over else "")
        events.append(change(StoryEvent.GREW, came, reason))
    if left:
        events.append(change(StoryEvent.SHRANK, left, "they tell another story now, or are duplicates"))
    return events


def _most_frequent(ids: Iterable[str]) -> str | None:
    """Return the most frequent id, the smallest of equals; None when there is none."""
    counts = Counter(ids)
    return min(counts, key=lambda i: (-counts[i], i)) if counts else None
