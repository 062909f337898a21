"""What a feed usually shows, and which nights are refused."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.quarantine.rules import (
    Anomaly,
    AnomalyRule,
    FeedItem,
    FeedRunStats,
    find_anomaly,
    recovered,
    recurring_words,
    run_stats,
)

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def item(
    *,
    days_old: float | None = 0.1,
    language: str | None = "en",
    site: str = "harbour.example",
    shared: bool = False,
    words: str = "",
    lead: str = "",
) -> FeedItem:
    at = None if days_old is None else NIGHT - timedelta(days=days_old)
    return FeedItem(
        published_at=at,
        language=language,
        site=site,
        characters=900,
        shared=shared,
        title_words=frozenset(words.split()),
        words=frozenset(f"{words} {lead}".split()),
    )


def night(*items: FeedItem, day: int = 0) -> FeedRunStats:
    """The feed's night `day` days after the first one to be judged; the night before was a day earlier."""
    at = NIGHT + day * DAY
    return run_stats("harbour", f"run {day}", at, items, at - DAY)


def usual(nights: int = 5, *, each: Sequence[FeedItem] = (item(),) * 4) -> list[FeedRunStats]:
    return [night(*each, day=day) for day in range(-nights, 0)]


def judged(
    items: Sequence[FeedItem],
    earlier: Sequence[FeedRunStats],
    *,
    edited: Sequence[FeedItem] = (),
    moved_to: Collection[str] = (),
    said: str = "",
    after: timedelta = DAY,
) -> Anomaly | None:
    """What is judged of these items on a night so long after the last one; `said` are words that are no news."""
    told = run_stats("harbour", "run", NIGHT, items, NIGHT - after, edited=edited)
    return find_anomaly(
        told, items, earlier, edited=edited, moved_to=moved_to, heard=lambda words: set(words) & set(said.split())
    )


def rule(breach: Anomaly | None) -> AnomalyRule | None:
    return breach.rule if breach else None


def test_a_night_is_told_in_numbers() -> None:
    told = night(item(), item(days_old=30, language="fr"), item(days_old=None, language=None, shared=True))
    assert (told.items, told.old, told.undated, told.shared, told.characters) == (3, 1, 1, 1, 900)
    assert (told.languages, told.sites) == ({"en": 1, "fr": 1}, {"harbour.example": 3})


def test_a_thousand_old_items_overnight_are_a_flood_and_it_says_so_in_numbers() -> None:
    assert judged([item(days_old=400)] * 1000, usual()) == Anomaly(
        rule=AnomalyRule.VOLUME,
        why="1000 new items where 4 are usual, 1000 of them dated over a week before its last night",
    )


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([item(days_old=400)] * 101, AnomalyRule.VOLUME),
        ([item(days_old=400)] * 100, None),  # as many as a feed document holds that is shown anew
        ([item(days_old=400)] * 50, None),
        ([item(days_old=400)] * 60 + [item()] * 60, AnomalyRule.VOLUME),  # thirty times what is usual, however old
    ],
)
def test_a_flood_is_over_a_hundred_items_and_most_of_them_old_or_far_too_many(
    items: list[FeedItem], found: AnomalyRule | None
) -> None:
    assert rule(judged(items, usual())) is found


@pytest.mark.parametrize("days_old", [0.1, None])
def test_far_more_items_than_the_nights_since_would_have_brought_are_a_flood_however_they_are_dated(
    days_old: float | None,
) -> None:
    busy = usual(each=[item()] * 10)
    assert judged([item(days_old=days_old)] * 199, busy) is None
    assert judged([item(days_old=days_old)] * 200, busy) == Anomaly(
        rule=AnomalyRule.VOLUME, why="200 new items where 10 are usual"
    )


def test_what_an_outage_kept_back_is_no_flood() -> None:
    busy = [night(*[item()] * 10, day=day) for day in range(-45, -40)]
    items = [item(days_old=days / 10) for days in range(400)]
    assert judged(items, busy, after=41 * DAY) is None
    assert rule(judged(items, usual(each=[item()] * 10), after=DAY)) is AnomalyRule.VOLUME


@pytest.mark.parametrize(
    ("foreign", "own", "found"),
    [(5, 0, AnomalyRule.LANGUAGE), (3, 2, AnomalyRule.LANGUAGE), (2, 3, None), (4, 0, None), (3, 3, None)],
)
def test_most_items_in_a_language_it_never_spoke_are_refused(
    foreign: int, own: int, found: AnomalyRule | None
) -> None:
    items = [item(language="id")] * foreign + [item()] * own + [item(language=None)] * 4
    assert rule(judged(items, usual())) is found


def test_a_feed_whose_languages_nobody_could_tell_breaks_with_none() -> None:
    assert judged([item(language="id")] * 9, usual(each=[item(language=None)])) is None


@pytest.mark.parametrize(
    ("strange", "own", "known_sites", "found"),
    [
        (3, 0, 1, AnomalyRule.FOREIGN_LINKS),
        (3, 0, 3, AnomalyRule.FOREIGN_LINKS),
        (2, 0, 1, None),
        (9, 1, 1, None),
        (9, 0, 4, None),
    ],
)
def test_a_feed_of_few_sites_that_links_to_none_of_them_is_refused(
    strange: int, own: int, known_sites: int, found: AnomalyRule | None
) -> None:
    known = [item(site="harbour.example")] + [item(site=f"s{n}.example") for n in range(1, known_sites)]
    items = [item(site=f"win{n}.example") for n in range(strange)] + [item()] * own
    assert rule(judged(items, usual(each=known))) is found


def test_a_house_that_shows_its_known_entries_on_another_domain_may_link_there() -> None:
    items = [item(site="jetty.example")] * 9
    assert rule(judged(items, usual(), moved_to=["quay.example"])) is AnomalyRule.FOREIGN_LINKS
    assert judged(items, usual(), moved_to=["jetty.example"]) is None


SPAM = [item(words=f"casino bonus spins {n}") for n in range(8)]


def test_items_that_share_words_nobody_said_before_are_a_theme_and_it_names_the_words() -> None:
    assert judged([*SPAM, item(words="harbour"), item(words="lighthouse")], usual()) == Anomaly(
        rule=AnomalyRule.VOCABULARY,
        why="8 of 10 new items share words that were hardly ever said before: bonus, casino, spins",
    )


@pytest.mark.parametrize(
    "items",
    [
        SPAM[:4],  # too few to tell
        [*SPAM[:7], item(), item()],  # 7 of 9 are under four fifths
        [item(words="zephyr two")] * 9,  # one new name
        [item(words=f"word{n}") for n in range(20)],  # no word recurs
        [item(words=f"word{n // 2}") for n in range(20)],  # no word is in a quarter
        [item(words="casino bonus spins", language="de")] * 9,  # the archive cannot tell
        [item(words="casino bonus spins")] + [item(lead="casino bonus spins")] * 8,  # a new sentence under each text
    ],
)
def test_a_theme_is_words_in_a_quarter_of_the_items_that_four_fifths_of_five_items_share(
    items: list[FeedItem],
) -> None:
    assert judged(items, usual(each=[item(), item(language="de")])) is None


def test_words_that_are_no_news_make_no_theme() -> None:
    assert rule(judged(SPAM, usual(), said="pier")) is AnomalyRule.VOCABULARY
    assert judged(SPAM, usual(), said="bonus") is None


@pytest.mark.parametrize(
    ("edited", "found"),
    [
        ([item(language="id")] * 5, AnomalyRule.LANGUAGE),
        ([item(site="win.example")] * 3, AnomalyRule.FOREIGN_LINKS),
        (SPAM, AnomalyRule.VOCABULARY),
        ([item(days_old=400)] * 1000, None),  # every text in another form, after a change of software
        ([item(language="id")], None),
    ],
)
def test_changed_entries_are_judged_apart_from_new_ones(edited: list[FeedItem], found: AnomalyRule | None) -> None:
    for items in ([], [item()] * 40):
        breach = judged(items, usual(), edited=edited)
        assert rule(breach) is found
        assert breach is None or " changed items " in breach.why


def test_the_words_of_a_night_are_those_that_recur() -> None:
    assert recurring_words([item(words="pier boat")]) == {"pier", "boat"}
    assert recurring_words([item(words="pier boat"), item(words="pier"), item(words="sail")]) == {"pier"}
    assert recurring_words([item(words="pier")] * 2 + [item(words="sail")] * 3 + [item()] * 7) == {"sail"}
    assert recurring_words([]) == frozenset()


def test_a_feed_of_four_nights_is_too_young_to_be_refused() -> None:
    bad = [item(days_old=400, language="id", site="win.example")] * 1000
    assert judged(bad, usual(4)) is None
    assert rule(judged(bad, usual(5))) is AnomalyRule.VOLUME


def test_a_feed_is_good_again_after_three_days_and_those_nights_alone_come_back() -> None:
    bad = replace(night(item(), day=0), breach=AnomalyRule.VOLUME)
    good = [night(item(), day=day) for day in (1, 2, 3)]
    assert not recovered([bad, *good[:2]])
    assert recovered([bad, *good]) == good
    assert not recovered([*good[:2], bad, good[2]])
    assert not recovered([])


def test_a_night_of_edits_alone_is_no_day_of_good_habits_but_may_be_a_bad_one() -> None:
    good = [night(item(), day=day) for day in (1, 2, 3)]
    edits = replace(night(day=2), run_id="edits", edited=4)
    assert not recovered([good[0], edits, good[2]])
    assert recovered([good[0], edits, *good[1:]]) == [good[0], edits, *good[1:]]
    assert not recovered([good[0], replace(edits, breach=AnomalyRule.VOCABULARY), *good[1:]])


def test_three_nights_on_one_day_are_one_day() -> None:
    hourly = [replace(night(item()), run_id=str(hour), night_at=NIGHT - timedelta(hours=hour)) for hour in (2, 1, 0)]
    assert not recovered(hourly)


@given(st.permutations(range(6)), st.integers(1, 1200), st.integers(0, 500), st.integers(0, 9))
def test_the_order_of_earlier_nights_and_of_items_changes_nothing(
    order: list[int], many: int, days: int, spam: int
) -> None:
    earlier = [night(*[item()] * (one + 1), day=-one - 1) for one in range(6)]
    items = [item(days_old=days)] * many + [item(language="fr")]
    expected = judged(items, earlier, edited=SPAM[:spam])
    assert judged(items[::-1], [earlier[one] for one in order], edited=SPAM[:spam][::-1]) == expected


@given(st.integers(1, 150), st.integers(5, 12))
def test_a_night_like_all_before_is_never_refused(items: int, nights: int) -> None:
    each = [item(days_old=400, language="fr", words="pier")] * items
    assert judged(each, usual(nights, each=each), said=" ".join(recurring_words(each))) is None
