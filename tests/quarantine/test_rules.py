"""The statistics of a feed's runs, and which of them are quarantined."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.quarantine.history import (
    AnomalyRule,
    FeedItem,
    FeedRunStats,
    recovered,
    recurring_words,
    released_runs,
    run_stats,
)
from newsclust.quarantine.rules import Anomaly, find_anomaly
from newsclust.quarantine.run_check import CheckedRun, FeedRun, check_run

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
    """Return the run `day` days after the first one to be checked; the run before was a day earlier."""
    at = NIGHT + day * DAY
    return run_stats("harbour", f"run {day}", at, items, at - DAY)


def usual(nights: int = 5, *, each: Sequence[FeedItem] = (item(),) * 4) -> list[FeedRunStats]:
    return [night(*each, day=day) for day in range(-nights, 0)]


def judged(
    items: Sequence[FeedItem],
    earlier: Sequence[FeedRunStats],
    *,
    edited: Sequence[FeedItem] = (),
    relocated_to: Collection[str] = (),
    known: str = "",
    after: timedelta = DAY,
) -> Anomaly | None:
    """Return the anomaly of these items in a run so long after the last one; `known` are words that are not new."""
    stats = run_stats("harbour", "run", NIGHT, items, NIGHT - after, edited=edited)
    return find_anomaly(
        stats,
        items,
        earlier,
        edited=edited,
        relocated_to=relocated_to,
        known_words=lambda words: set(words) & set(known.split()),
    )


def rule(anomaly: Anomaly | None) -> AnomalyRule | None:
    return anomaly.rule if anomaly else None


def test_the_statistics_of_a_run_count_its_items() -> None:
    stats = night(item(), item(days_old=30, language="fr"), item(days_old=None, language=None, shared=True))
    assert (stats.items, stats.backdated, stats.undated, stats.shared, stats.median_characters) == (3, 1, 1, 1, 900)
    assert (stats.languages, stats.sites) == ({"en": 1, "fr": 1}, {"harbour.example": 3})


def test_a_thousand_backdated_items_overnight_are_a_volume_anomaly_explained_in_numbers() -> None:
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
def test_a_volume_anomaly_is_over_a_hundred_items_and_most_of_them_backdated_or_far_too_many(
    items: list[FeedItem], found: AnomalyRule | None
) -> None:
    assert rule(judged(items, usual())) is found


@pytest.mark.parametrize("days_old", [0.1, None])
def test_far_more_items_than_the_runs_since_would_have_brought_are_a_volume_anomaly_whatever_their_dates(
    days_old: float | None,
) -> None:
    busy = usual(each=[item()] * 10)
    assert judged([item(days_old=days_old)] * 199, busy) is None
    assert judged([item(days_old=days_old)] * 200, busy) == Anomaly(
        rule=AnomalyRule.VOLUME, why="200 new items where 10 are usual"
    )


def test_the_backlog_after_an_outage_is_no_volume_anomaly() -> None:
    busy = [night(*[item()] * 10, day=day) for day in range(-45, -40)]
    items = [item(days_old=days / 10) for days in range(400)]
    assert judged(items, busy, after=41 * DAY) is None
    assert rule(judged(items, usual(each=[item()] * 10), after=DAY)) is AnomalyRule.VOLUME


@pytest.mark.parametrize(
    ("foreign", "own", "found"),
    [(5, 0, AnomalyRule.LANGUAGE), (3, 2, AnomalyRule.LANGUAGE), (2, 3, None), (4, 0, None), (3, 3, None)],
)
def test_most_items_in_a_language_that_the_feed_never_used_are_an_anomaly(
    foreign: int, own: int, found: AnomalyRule | None
) -> None:
    items = [item(language="id")] * foreign + [item()] * own + [item(language=None)] * 4
    assert rule(judged(items, usual())) is found


def test_a_feed_without_a_detected_language_has_no_language_anomaly() -> None:
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
def test_a_feed_of_few_sites_that_links_to_none_of_them_has_foreign_links(
    strange: int, own: int, known_sites: int, found: AnomalyRule | None
) -> None:
    known = [item(site="harbour.example")] + [item(site=f"s{n}.example") for n in range(1, known_sites)]
    items = [item(site=f"win{n}.example") for n in range(strange)] + [item()] * own
    assert rule(judged(items, usual(each=known))) is found


def test_an_outlet_that_shows_its_known_entries_on_another_domain_may_link_there() -> None:
    items = [item(site="jetty.example")] * 9
    assert rule(judged(items, usual(), relocated_to=["quay.example"])) is AnomalyRule.FOREIGN_LINKS
    assert judged(items, usual(), relocated_to=["jetty.example"]) is None


SPAM = [item(words=f"casino bonus spins {n}") for n in range(8)]


def test_items_that_share_new_words_are_a_vocabulary_anomaly_that_names_the_words() -> None:
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
def test_a_vocabulary_anomaly_needs_words_in_a_quarter_of_the_items_shared_by_four_fifths_of_five(
    items: list[FeedItem],
) -> None:
    assert judged(items, usual(each=[item(), item(language="de")])) is None


def test_known_words_make_no_vocabulary_anomaly() -> None:
    assert rule(judged(SPAM, usual(), known="pier")) is AnomalyRule.VOCABULARY
    assert judged(SPAM, usual(), known="bonus") is None


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
def test_changed_entries_are_checked_apart_from_new_ones(edited: list[FeedItem], found: AnomalyRule | None) -> None:
    for items in ([], [item()] * 40):
        anomaly = judged(items, usual(), edited=edited)
        assert rule(anomaly) is found
        assert anomaly is None or " changed items " in anomaly.why


def test_the_recurring_words_of_a_run_stand_in_a_quarter_of_its_items() -> None:
    assert recurring_words([item(words="pier boat")]) == {"pier", "boat"}
    assert recurring_words([item(words="pier boat"), item(words="pier"), item(words="sail")]) == {"pier"}
    assert recurring_words([item(words="pier")] * 2 + [item(words="sail")] * 3 + [item()] * 7) == {"sail"}
    assert recurring_words([]) == frozenset()


def test_a_feed_of_four_runs_is_too_young_to_be_quarantined() -> None:
    bad = [item(days_old=400, language="id", site="win.example")] * 1000
    assert judged(bad, usual(4)) is None
    assert rule(judged(bad, usual(5))) is AnomalyRule.VOLUME


def test_a_feed_recovers_after_three_days_and_only_those_runs_are_admitted() -> None:
    bad = replace(night(item(), day=0), anomaly=AnomalyRule.VOLUME)
    good = [night(item(), day=day) for day in (1, 2, 3)]
    assert not recovered([bad, *good[:2]])
    assert recovered([bad, *good]) == good
    assert not recovered([*good[:2], bad, good[2]])
    assert not recovered([])


def test_a_run_of_edits_alone_is_no_day_of_recovery_but_may_be_an_anomaly() -> None:
    good = [night(item(), day=day) for day in (1, 2, 3)]
    edits = replace(night(day=2), run_id="edits", edited=4)
    assert not recovered([good[0], edits, good[2]])
    assert recovered([good[0], edits, *good[1:]]) == [good[0], edits, *good[1:]]
    assert not recovered([good[0], replace(edits, anomaly=AnomalyRule.VOCABULARY), *good[1:]])


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
def test_a_run_like_all_before_is_never_an_anomaly(items: int, nights: int) -> None:
    each = [item(days_old=400, language="fr", words="pier")] * items
    assert judged(each, usual(nights, each=each), known=" ".join(recurring_words(each))) is None


def test_a_release_given_after_the_quarantine_began_admits_all_of_its_runs() -> None:
    runs = [night(item(), day=day) for day in (0, 1, 2)]
    assert released_runs(runs, since=runs[0].night_at, released_at=runs[1].night_at) == runs
    assert released_runs(runs, since=None, released_at=runs[1].night_at) == runs[:2]
    assert released_runs(runs, since=runs[2].night_at, released_at=runs[0].night_at) == runs[:1]


def feed_run(feed_id: str, *items: FeedItem) -> FeedRun:
    return FeedRun(
        feed_id=feed_id,
        run_id="run",
        night_at=NIGHT,
        content_type=None,
        is_exempt=False,
        new=items,
        edited=(),
    )


def checked(*runs: FeedRun, quarantined: Collection[str] = ()) -> dict[str, CheckedRun]:
    history = {run.feed_id: usual() for run in runs}
    results = check_run(
        runs, history, relocated_to={}, quarantined=quarantined, look_up=lambda _feed_id, _words: frozenset()
    )
    return {result.stats.feed_id: result for result in results}


def test_words_of_another_feed_in_the_same_run_are_known_unless_that_feed_is_an_anomaly_itself() -> None:
    spam, same = feed_run("a", *SPAM), feed_run("b", *SPAM)
    assert rule(checked(spam)["a"].anomaly) is AnomalyRule.VOCABULARY
    assert all(result.anomaly is None for result in checked(spam, same).values())
    foreign = feed_run("b", *(replace(one, site="win.example") for one in SPAM))
    rules = {feed_id: rule(result.anomaly) for feed_id, result in checked(spam, foreign).items()}
    assert rules == {"a": AnomalyRule.VOCABULARY, "b": AnomalyRule.FOREIGN_LINKS}
    assert rule(checked(spam, same, quarantined=["b"])["a"].anomaly) is AnomalyRule.VOCABULARY


def test_a_quarantined_feed_stays_so_without_an_anomaly_and_an_exempt_run_has_none() -> None:
    normal = checked(feed_run("a", item()), quarantined=["a"])["a"]
    assert (normal.anomaly, normal.quarantined) == (None, True)
    exempt = checked(replace(feed_run("a", *SPAM), is_exempt=True))["a"]
    assert (exempt.anomaly, exempt.quarantined) == (None, False)
