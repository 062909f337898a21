"""A night while this machine's own network is away: one trouble, which no feed and no page is blamed for."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from newsclust.errors import Reason, StepError
from newsclust.model import Feed, PagePolicy, Run
from newsclust.report import summary_markdown
from newsclust.store import retention
from tests.fakes import Answer
from tests.pipeline.test_pipeline import STEPS, Item, Nights, Web, feed, rss

FEEDS = [feed(f"https://host{n}.example/feed") for n in range(300)]
FEW = FEEDS[:6]
REASONS = (Reason.DNS_FAILED, Reason.DNS_FAILED, Reason.TIMEOUT)
READ = STEPS[: STEPS.index("find_duplicates")]


def up(feeds: Sequence[Feed] = FEW) -> Web:
    return {one.url: rss(Item(link=f"{one.url}/1")) for one in feeds}


def away(feeds: Sequence[Feed] = FEW) -> Web:
    return {one.url: Answer(status=None, reason=REASONS[n % 3]) for n, one in enumerate(feeds)}


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def outage(nights: Nights, feeds: Sequence[Feed] = FEW, *, days: float = 0, tries: int = 1) -> str:
    """A night that ends with the outage; return its summary."""
    with nights.begun(away(feeds), feeds, days=days) as (db, work):
        work["sync_feeds"]()
        for _ in range(tries):
            with pytest.raises(StepError, match="this machine's network was away"):
                work["fetch_feeds"]()
        work["update_feed_health"]()
        return summary_markdown(db.connection, db.value("SELECT arg_max(run_id, night_at) FROM runs"))


def test_an_outage_is_no_line_of_log_for_each_feed(nights: Nights, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="newsclust"):
        outage(nights, FEEDS)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_summary_of_an_outage_names_one_trouble(nights: Nights) -> None:
    summary = outage(nights, FEEDS, tries=3)
    assert "300 of 300 requests reached nobody (dns_failed 200, timeout 100; for example" in summary
    assert summary.count("reached nobody") == 1
    assert "## Feeds in trouble\n\nNone." in summary
    assert "| fetch_feeds | offline | 300 |" in summary
    assert summary.count("offline") == 1


def test_an_outage_makes_no_feed_wait_longer_and_the_next_night_asks_for_all(nights: Nights) -> None:
    for night in range(4):
        outage(nights, days=night / 24)
    assert nights.rows("SELECT DISTINCT reason FROM fetches") == [("offline",)]
    assert nights.rows("SELECT sum(requests), sum(failed_requests) FROM feed_health") == [(0, 0)]
    counts = nights.live(up(), FEW, days=4 / 24, names=READ)
    assert counts["fetch_feeds"].done == len(FEW)
    assert nights.rows("SELECT DISTINCT state FROM feed_health") == [("healthy",)]


def test_an_outage_is_no_failure_of_a_feed_that_was_healthy_or_had_failed_before(nights: Nights) -> None:
    broken = up() | {FEW[0].url: Answer(status=500, reason=Reason.SERVER_ERROR)}
    nights.live(broken, FEW, names=READ)
    health = nights.rows("SELECT feed_id, state, since, why, requests FROM feed_health ORDER BY ALL")
    assert "failing" in {state for _, state, *_ in health}
    outage(nights, days=1)
    assert nights.rows("SELECT feed_id, state, since, why, requests FROM feed_health ORDER BY ALL") == health


def test_a_second_try_of_the_same_night_asks_again_and_goes_on(nights: Nights) -> None:
    web = away()
    with nights.begun(web, FEW) as (db, work):
        work["sync_feeds"]()
        with pytest.raises(StepError):
            work["fetch_feeds"]()
        web |= up()
        assert work["fetch_feeds"]().done == len(FEW)
        assert work["parse_feeds"]().done == len(FEW)
        assert db.value("SELECT count(*) FROM night_notices") == 1


def test_what_is_the_sites_own_fault_stays_so_in_an_outage(nights: Nights) -> None:
    web = away() | {FEW[0].url: Answer(status=404, reason=Reason.NOT_FOUND), FEW[1].url: rss()}
    with nights.begun(web, FEW) as (db, work):
        work["sync_feeds"]()
        with pytest.raises(StepError, match="4 of 6 requests"):
            work["fetch_feeds"]()
        assert db.tuples("SELECT reason, count(*) FROM fetches GROUP BY ALL ORDER BY ALL") == [
            ("not_found", 1),
            ("offline", 4),
            (None, 1),
        ]
        assert db.value("SELECT min(detail) FROM failures WHERE reason = 'offline'").startswith("dns_failed: ")


def test_a_site_that_is_away_while_others_answer_is_no_outage(nights: Nights) -> None:
    of_one = [feed(f"https://one.example/feed{n}") for n in range(5)]
    feeds = [*of_one, FEW[0]]
    counts = nights.live(away(of_one) | up([FEW[0]]), feeds, names=STEPS[: STEPS.index("parse_feeds")])
    assert counts["fetch_feeds"].failed == 5
    assert nights.rows("SELECT count(*) FROM night_notices") == [(0,)]


@pytest.mark.parametrize("robots_too", [True, False])
def test_pages_keep_their_tries_over_nights_without_a_network(nights: Nights, robots_too: bool) -> None:
    feeds = [feed(f"https://host{n}.example/feed", pages=PagePolicy.ALWAYS) for n in range(5)]
    web = up(feeds)
    unreached = Answer(status=None, reason=Reason.CONNECTION_FAILED)
    gone = {f"{one.url}/1": unreached for one in feeds}
    if robots_too:
        gone |= {f"https://host{n}.example/robots.txt": unreached for n in range(5)}
    for night in range(4):
        with nights.begun(web | gone, feeds, days=night) as (_, work):
            for name in STEPS[: STEPS.index("fetch_pages")]:
                work[name]()
            work["fetch_pages"]()
        assert nights.rows("SELECT count(*) FROM night_notices WHERE text LIKE 'fetch_pages: this%away%'") == [
            (night + 1,)
        ]
    pages = {f"{one.url}/1": Answer(body="<p>all of it</p>") for one in feeds}
    counts = nights.live(web | pages, feeds, days=4, names=READ)
    assert counts["fetch_pages"].done == 5


def test_a_feed_of_links_that_lead_nowhere_does_not_end_the_night(nights: Nights) -> None:
    stranger = feed("https://stranger.example/feed", pages=PagePolicy.ALWAYS)
    paper = feed("https://paper.example/feed", pages=PagePolicy.ALWAYS)
    links = [f"https://nowhere{n}.example/a-story" for n in range(20)]
    unreached = Answer(status=None, reason=Reason.DNS_FAILED)
    web = up([paper]) | {
        stranger.url: rss(*(Item(link=link) for link in links)),
        f"{paper.url}/1": Answer(body="<p>all of it</p>"),
    }
    web |= {f"{link.rpartition('/')[0]}/robots.txt": unreached for link in links}
    counts = nights.live(web, [stranger, paper], names=STEPS[: STEPS.index("find_duplicates")])
    assert counts["fetch_pages"].done == 1
    assert nights.rows("SELECT count(*) FROM articles") == [(21,)]


def test_requests_of_an_outage_count_for_no_feed_when_only_their_counts_are_kept(nights: Nights) -> None:
    outage(nights)
    for days in (1, 40):
        nights.live(up(), FEW, days=days, names=READ)
    counted = "SELECT sum(requests), sum(failed_requests) FROM feed_health"
    made = "SELECT sum(requests) FROM nightly_summary"
    before = nights.rows(counted), nights.rows(made)
    assert before[0] == [(2 * len(FEW), 0)]
    with nights.begun(up(), FEW, days=41) as (db, _):
        run = db.rows_as(Run, "SELECT run_id AS id, * FROM runs ORDER BY night_at DESC LIMIT 1")[0]
        assert retention.drop_requests(db, run, before=run.night_at - timedelta(days=10)) >= len(FEW)
    assert (nights.rows(counted), nights.rows(made)) == before
