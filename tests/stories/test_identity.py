"""Which story an article belongs to from tonight on: ids last, and every change has an event that tells it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.model import StoryEvent, id_of
from newsclust.stories.identity import PreviousGroup, StoryChanges, assign_ids, match_groups, new_id

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
ARTICLES = [f"a{number:02}" for number in range(12)]


def known(story_id: str, members: str, *, born_at: datetime = NIGHT - timedelta(days=1)) -> PreviousGroup:
    return PreviousGroup(id=story_id, born_at=born_at, members=frozenset(members.split()))


def groups_of(*groups: str) -> list[frozenset[str]]:
    return [frozenset(group.split()) for group in groups]


def decide(
    groups: Sequence[frozenset[str]],
    stories: Sequence[PreviousGroup],
    *,
    copies: Iterable[str] = (),
    ids_in_use: Iterable[str] = (),
) -> StoryChanges:
    return assign_ids(
        groups,
        stories,
        regrouped={*copies, *(article for group in groups for article in group)},
        seed_article=min,
        now=NIGHT,
        ids_in_use=list(ids_in_use),
    )


def afterwards(stories: Sequence[PreviousGroup], ledger: StoryChanges) -> list[PreviousGroup]:
    """The stories that have articles once the ledger is written."""
    born = {story.id: story.born_at for story in stories}
    members = {story.id: story.members for story in stories} | ledger.members
    return [PreviousGroup(id=i, born_at=born.get(i, NIGHT), members=m) for i, m in sorted(members.items()) if m]


def told(ledger: StoryChanges) -> list[tuple[str, StoryEvent, int, tuple[str, ...]]]:
    return [(event.story_id, event.event, event.articles, event.moved) for event in ledger.events]


@dataclass(frozen=True)
class World:
    """Some stories, and a night that finds some of their articles in other groups, or to be copies."""

    stories: list[PreviousGroup]
    groups: list[frozenset[str]]
    copies: frozenset[str]

    @property
    def ledger(self) -> StoryChanges:
        return decide(self.groups, self.stories, copies=self.copies)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    stories: dict[int, set[str]] = {}
    groups: dict[int, set[str]] = {}
    copies = set()
    for article in ARTICLES:
        if (story := draw(st.none() | st.integers(0, 4))) is not None:
            stories.setdefault(story, set()).add(article)
        match draw(st.sampled_from(["settled", "copy", "grouped", "grouped"])):
            case "copy":
                copies.add(article)
            case "grouped":
                groups.setdefault(draw(st.integers(0, 4)), set()).add(article)
    return World(
        stories=[
            PreviousGroup(
                id=id_of("story", min(members)) if draw(st.booleans()) else f"story-{number}",
                born_at=NIGHT - timedelta(days=draw(st.integers(1, 2))),
                members=frozenset(members),
            )
            for number, members in stories.items()
        ],
        groups=[frozenset(group) for group in groups.values()],
        copies=frozenset(copies),
    )


# --- what holds for any night


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_groups_and_stories_changes_nothing(world: World, random) -> None:
    groups, stories = list(world.groups), list(world.stories)
    random.shuffle(groups)
    random.shuffle(stories)
    shuffled = World(stories=stories, groups=groups, copies=world.copies)
    assert shuffled.ledger == world.ledger
    by_group = {world.groups[position]: i for position, i in match_groups(world.groups, world.stories).items()}
    assert {groups[position]: i for position, i in match_groups(groups, stories).items()} == by_group


@given(worlds())
def test_a_night_told_twice_changes_nothing_and_has_no_events(world: World) -> None:
    again = decide(world.groups, afterwards(world.stories, world.ledger), copies=world.copies)
    assert again == StoryChanges(members={}, merged={}, events=())


@given(worlds())
def test_every_regrouped_article_is_in_one_story_with_its_group_and_copies_are_in_none(world: World) -> None:
    after = afterwards(world.stories, world.ledger)
    everywhere = [article for story in after for article in story.members]
    assert len(everywhere) == len(set(everywhere))
    assert not world.copies & set(everywhere)
    for group in world.groups:
        assert len([story for story in after if group & story.members]) == 1
    assert len([story for story in after if story.members & {a for g in world.groups for a in g}]) == len(
        world.groups
    )


@given(worlds())
def test_settled_articles_stay_or_move_together_with_the_merge(world: World) -> None:
    ledger = world.ledger
    after = {story.id: story.members for story in afterwards(world.stories, ledger)}
    regrouped = world.copies.union(*world.groups)
    for story in world.stories:
        settled = story.members - regrouped
        assert not settled or settled <= after[ledger.merged.get(story.id, story.id)]


@given(worlds())
def test_an_id_was_known_before_or_is_born_tonight_under_a_name_nobody_had(world: World) -> None:
    ledger = world.ledger
    before = {story.id for story in world.stories}
    births = [e.story_id for e in ledger.events if e.event in {StoryEvent.BORN, StoryEvent.SPLIT}]
    assert sorted(births) == sorted(ledger.members.keys() - before)
    assert ledger.merged.keys() <= before


@given(worlds())
def test_the_events_tell_every_article_that_moved_and_how_many_there_are_now(world: World) -> None:
    ledger = world.ledger
    before = {story.id: story.members for story in world.stories}
    for story_id, members in ledger.members.items():
        events = [event for event in ledger.events if event.story_id == story_id]
        moved = {article for event in events for article in event.moved}
        assert moved == members ^ before.get(story_id, frozenset())
        assert {event.articles for event in events} == {len(members)}
    assert {event.story_id for event in ledger.events} == ledger.members.keys()


@given(worlds())
def test_a_match_is_one_to_one_and_shares_a_member(world: World) -> None:
    by_id = {story.id: story.members for story in world.stories}
    ids = match_groups(world.groups, world.stories)
    assert len(set(ids.values())) == len(ids)
    assert all(world.groups[position] & by_id[story_id] for position, story_id in ids.items())


@given(st.sets(st.integers(0, 5)), st.integers(0, 3))
def test_a_minted_id_is_nobody_elses_even_when_a_founder_founds_again_and_again(others: set[int], times: int) -> None:
    used = {id_of("story", f"a{number}") for number in others}
    for _ in range(times + 1):
        minted = new_id("story", "a0", used, NIGHT)
        assert minted not in used
        assert new_id("story", "a0", used, NIGHT) == minted
        used.add(minted)


# --- one example of each change


def test_articles_that_no_story_tells_are_born_as_one_called_after_their_founder() -> None:
    ledger = decide(groups_of("a1 a2"), [])
    story = id_of("story", "a1")
    assert ledger.members == {story: frozenset({"a1", "a2"})}
    assert told(ledger) == [(story, StoryEvent.BORN, 2, ("a1", "a2"))]


def test_a_story_keeps_its_id_when_it_grows() -> None:
    ledger = decide(groups_of("a1 a2 a3"), [known("s", "a1 a2")])
    assert told(ledger) == [("s", StoryEvent.GREW, 3, ("a3",))]


def test_a_story_keeps_its_id_when_it_loses_a_minority_which_becomes_a_story_of_its_own() -> None:
    ledger = decide(groups_of("a1 a2", "a3"), [known("s", "a1 a2 a3")])
    born = id_of("story", "a3")
    assert sorted(told(ledger)) == sorted(
        [("s", StoryEvent.SHRANK, 2, ("a3",)), (born, StoryEvent.SPLIT, 1, ("a3",))]
    )
    assert {event.other_story_id for event in ledger.events if event.event is StoryEvent.SPLIT} == {"s"}


def test_an_article_that_moves_to_another_story_is_told_on_both_sides() -> None:
    ledger = decide(groups_of("a1 a2", "a3 a4 a5"), [known("s", "a1 a2 a3"), known("t", "a4 a5")])
    assert told(ledger) == [("s", StoryEvent.SHRANK, 2, ("a3",)), ("t", StoryEvent.GREW, 3, ("a3",))]


def test_the_smaller_of_two_stories_that_hold_together_is_merged_into_the_larger() -> None:
    ledger = decide(groups_of("a1 a2 a3"), [known("s", "a1"), known("t", "a2 a3")])
    assert ledger.merged == {"s": "t"}
    assert ledger.members == {"s": frozenset(), "t": frozenset({"a1", "a2", "a3"})}
    assert told(ledger) == [("s", StoryEvent.MERGED, 0, ("a1",)), ("t", StoryEvent.GREW, 3, ("a1",))]
    assert ledger.events[0].other_story_id == "t"


def test_of_two_equal_stories_that_merge_the_older_keeps_its_id() -> None:
    older = known("z", "a2", born_at=NIGHT - timedelta(days=9))
    assert decide(groups_of("a1 a2"), [known("s", "a1"), older]).merged == {"s": "z"}


def test_settled_articles_stay_when_the_window_has_moved_on() -> None:
    ledger = decide(groups_of("a3 a4"), [known("s", "a1 a2 a3")])
    assert ledger.members == {"s": frozenset({"a1", "a2", "a3", "a4"})}


def test_settled_articles_move_with_a_merge() -> None:
    ledger = decide(groups_of("a2 a3 a4"), [known("s", "a1 a2"), known("t", "a3 a4")])
    assert ledger.members == {"s": frozenset(), "t": frozenset({"a1", "a2", "a3", "a4"})}


def test_a_story_that_nothing_happened_to_is_not_in_the_ledger() -> None:
    assert decide(groups_of("a1 a2"), [known("s", "a1 a2"), known("t", "a7 a8")]) == decide([], [])


@pytest.mark.parametrize(("members", "left"), [("a1 a2", 1), ("a2", 0)])
def test_an_article_that_became_a_copy_leaves_its_story(members: str, left: int) -> None:
    rest = groups_of("a1") if left else []
    assert told(decide(rest, [known("s", members)], copies=["a2"])) == [("s", StoryEvent.SHRANK, left, ("a2",))]


def test_a_founder_whose_earlier_story_was_merged_founds_another_under_a_new_id() -> None:
    earlier = id_of("story", "a1")
    (born,) = decide(groups_of("a1"), [], ids_in_use=[earlier]).members
    assert born != earlier
