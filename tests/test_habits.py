"""What a feed usually shows, and which nights are refused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.habits import Breach, FeedNight, Item, Rule, breach_of, good_again, night_of

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def item(
    *, days_old: float | None = 0.1, language: str | None = "en", site: str = "harbour.example", shared: bool = False
) -> Item:
    at = None if days_old is None else NIGHT - timedelta(days=days_old)
    return Item(published_at=at, language=language, site=site, characters=900, shared=shared)


def night(*items: Item, day: int = 0) -> FeedNight:
    """The feed's night `day` days after the first one to be judged; the night before was a day earlier."""
    at = NIGHT + day * DAY
    return night_of("harbour", f"run {day}", at, items, at - DAY)


def usual(nights: int = 5, *, each: Sequence[Item] = (item(),) * 4) -> list[FeedNight]:
    return [night(*each, day=day) for day in range(-nights, 0)]


def rule(judged: Breach | None) -> Rule | None:
    return judged.rule if judged else None


def test_a_night_is_told_in_numbers() -> None:
    told = night(item(), item(days_old=30, language="fr"), item(days_old=None, language=None, shared=True))
    assert (told.items, told.old, told.undated, told.shared, told.characters) == (3, 1, 1, 1, 900)
    assert (told.languages, told.sites) == ({"en": 1, "fr": 1}, {"harbour.example": 3})


def test_a_thousand_old_items_overnight_are_a_flood_and_it_says_so_in_numbers() -> None:
    judged = breach_of(night(*[item(days_old=400)] * 1000), usual())
    assert judged == Breach(
        rule=Rule.FLOOD,
        why="1000 new items where 4 are usual, 1000 of them dated over a week before its last night",
    )


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([item(days_old=400)] * 30, Rule.FLOOD),
        ([item(days_old=400)] * 29, None),
        ([item(days_old=400)] * 15 + [item()] * 15, None),  # half of them is not over half
        ([item()] * 1000, None),  # a big day
        ([item(days_old=None)] * 1000, None),  # nobody knows how old
    ],
)
def test_a_flood_is_many_items_and_most_of_them_old(items: list[Item], found: Rule | None) -> None:
    assert rule(breach_of(night(*items), usual())) is found


def test_what_an_outage_kept_back_is_no_flood() -> None:
    items = [item(days_old=days) for days in range(40)]
    after_outage = night_of("harbour", "run", NIGHT, items, NIGHT - 40 * DAY)
    assert breach_of(after_outage, usual()) is None
    assert rule(breach_of(night_of("harbour", "run", NIGHT, items, NIGHT - DAY), usual())) is Rule.FLOOD


@pytest.mark.parametrize(
    ("foreign", "own", "found"),
    [(5, 0, Rule.LANGUAGE), (3, 2, Rule.LANGUAGE), (2, 3, None), (4, 0, None), (3, 3, None)],
)
def test_most_items_in_a_language_it_never_spoke_are_refused(foreign: int, own: int, found: Rule | None) -> None:
    items = [item(language="id")] * foreign + [item()] * own + [item(language=None)] * 4
    assert rule(breach_of(night(*items), usual())) is found


def test_a_feed_whose_languages_nobody_could_tell_breaks_with_none() -> None:
    assert breach_of(night(*[item(language="id")] * 9), usual(each=[item(language=None)])) is None


@pytest.mark.parametrize(
    ("strange", "own", "known_sites", "found"),
    [(3, 0, 1, Rule.ELSEWHERE), (3, 0, 3, Rule.ELSEWHERE), (2, 0, 1, None), (9, 1, 1, None), (9, 0, 4, None)],
)
def test_a_feed_of_few_sites_that_links_to_none_of_them_is_refused(
    strange: int, own: int, known_sites: int, found: Rule | None
) -> None:
    known = [item(site="harbour.example")] + [item(site=f"s{n}.example") for n in range(1, known_sites)]
    items = [item(site=f"win{n}.example") for n in range(strange)] + [item()] * own
    assert rule(breach_of(night(*items), usual(each=known))) is found


def test_a_feed_of_four_nights_is_too_young_to_be_refused() -> None:
    bad = night(*[item(days_old=400, language="id", site="win.example")] * 1000)
    assert breach_of(bad, usual(4)) is None
    assert rule(breach_of(bad, usual(5))) is Rule.FLOOD


def test_a_feed_is_good_again_after_three_days_and_those_nights_alone_come_back() -> None:
    bad = replace(night(item(), day=0), breach=Rule.FLOOD)
    good = [night(item(), day=day) for day in (1, 2, 3)]
    assert not good_again([bad, *good[:2]])
    assert good_again([bad, *good]) == good
    assert not good_again([*good[:2], bad, good[2]])
    assert not good_again([])


def test_three_nights_on_one_day_are_one_day() -> None:
    hourly = [replace(night(item()), run_id=str(hour), night_at=NIGHT - timedelta(hours=hour)) for hour in (2, 1, 0)]
    assert not good_again(hourly)


@given(st.permutations(range(6)), st.integers(1, 1200), st.integers(0, 500))
def test_the_order_of_earlier_nights_and_of_items_changes_nothing(order: list[int], many: int, days: int) -> None:
    earlier = [night(*[item()] * (one + 1), day=-one - 1) for one in range(6)]
    items = [item(days_old=days)] * many + [item(language="fr")]
    expected = breach_of(night(*items), earlier)
    assert breach_of(night(*reversed(items)), [earlier[one] for one in order]) == expected


@given(st.integers(1, 60), st.integers(5, 12))
def test_a_night_like_all_before_is_never_refused(items: int, nights: int) -> None:
    each = [item(days_old=400, language="fr")] * items
    assert breach_of(night(*each), usual(nights, each=each)) is None
