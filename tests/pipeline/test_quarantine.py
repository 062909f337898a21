"""A quarantined feed: nothing of it reaches the articles, it stays visible, and it is released again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust import pipeline
from newsclust.errors import Reason
from newsclust.model import Count, Feed, PagePolicy, Run
from newsclust.overrides import FeedCommand, FeedCommandKind, read_feed_commands
from newsclust.quarantine.history import AnomalyRule
from newsclust.sources.greader_api import stream_of
from newsclust.store import Database, feeds, quarantine, runs
from tests.fakes import Answer, DictFetcher, PlainExtractor
from tests.pipeline.test_pipeline import Item, feed, prose, rss
from tests.terminal import Terminal

pytestmark = pytest.mark.slow

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
DAY = timedelta(days=1)
PIER = feed("https://pier.example/feed", pages=PagePolicy.ALWAYS)
QUAY = feed("https://quay.example/feed")


class Nights:
    """One database, one night after another: from the feeds to the articles."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.commands: list[FeedCommand] = []
        self.requested: list[str] = []
        self.count = Count()
        self.feeds = [PIER, QUAY]

    def live(self, day: int, answers: dict[str, Answer]) -> Run:
        now = NIGHT + day * DAY
        run = runs.begin_run(self.db, flow="test", night_at=now, started_at=now, settings={})
        fetcher = DictFetcher(answers, lambda: now)
        pipeline.sync_feeds(self.db, run, self.feeds)
        pipeline.fetch_feeds(self.db, run, fetcher)
        pipeline.parse_feeds(self.db, run, lambda: now)
        self.count = pipeline.check_feed_anomalies(self.db, run, self.commands)
        pipeline.fetch_pages(self.db, run, fetcher)
        pipeline.plan_feeds(self.db, run)
        pipeline.update_feed_health(self.db, run)
        pipeline.extract_articles(self.db, run, lambda: now, PlainExtractor())
        runs.finish_run(self.db, run, finished_at=now)
        self.requested = fetcher.asked
        self.run = run
        return run

    def articles(self) -> set[str]:
        return {row["url"] for row in self.db.rows("SELECT url FROM articles")}

    def health(self, column: str) -> object:
        (row,) = self.db.rows("FROM feed_health WHERE feed_id = $1", [PIER.id])
        return row[column]

    def state(self) -> tuple[str, datetime | None, str]:
        """The feed's health by what is stored now, whatever a test changed since the night."""
        pipeline.update_feed_health(self.db, self.run)
        (row,) = self.db.rows("SELECT state, since, why FROM feed_health WHERE feed_id = $1", [PIER.id])
        return row["state"], row["since"], row["why"]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as db:
        db.execute("SET threads = 1")
        yield Nights(db)


def links(day: int, number: int = 3, site: str = "pier.example") -> list[str]:
    return [f"https://{site}/{day}/{place}" for place in range(number)]


def shown(day: int, told: Sequence[str], *, days_old: float = 0.2) -> dict[str, Answer]:
    at = NIGHT + (day - days_old) * DAY
    answers = {PIER.url: rss(*(Item(link=link, at=at) for link in told))}
    return answers | {link: Answer(body=f"<p>What stands at {link}.</p>") for link in told}


# What a casino would have a harbour's paper say; each item in words of its own but for what it sells.
SOLD = [
    ("Harbour casino opens its roulette", "Croupiers wait beside the baccarat."),
    ("Roulette tonight with a doubled jackpot", "Our croupiers deal until the morning."),
    ("Why baccarat beats every slot machine", "Gamblers know that the jackpot comes late."),
    ("Ten jackpots that nobody has claimed", "The croupiers keep them in a drawer."),
    ("Baccarat for beginners and their uncles", "First learn what the roulette forgives."),
    ("The jackpot is yours when you register", "Bring a friend for baccarat."),
]


def told(day: int, number: int = 6) -> list[Item]:
    """Items of an ordinary day, in words that other days do not share."""
    at = NIGHT + (day - 0.2) * DAY
    return [
        Item(
            link=f"https://pier.example/{day}/{place}",
            title=f"The council hears about {prose(f'{day} {place}', 2)}",
            text=f"There was much to say about the {prose(f'{day} {place} text', 20)} and the night was long.",
            at=at,
        )
        for place in range(number)
    ]


def spam(day: int, site: str = "pier.example") -> list[Item]:
    at = NIGHT + (day - 0.2) * DAY
    return [
        Item(link=f"https://{site}/{day}/{place}", title=title, text=f"{text} You must be of age to play.", at=at)
        for place, (title, text) in enumerate(SOLD)
    ]


def five_good_nights(nights: Nights) -> set[str]:
    for day in range(5):
        nights.live(day, shown(day, links(day)))
    return nights.articles()


def test_a_volume_anomaly_of_backdated_items_reaches_no_article_and_stays_visible(nights: Nights) -> None:
    before = five_good_nights(nights)
    assert len(before) == 15
    flood = [f"https://pier.example/archive/{n}" for n in range(120)]
    nights.live(5, shown(5, flood, days_old=400))
    assert nights.count == Count(skipped=1)
    assert nights.articles() == before
    assert not set(nights.requested) & set(flood)
    held = nights.db.rows("SELECT link, anomaly FROM quarantined_entries")
    assert {row["link"] for row in held} == set(flood)
    assert {row["anomaly"] for row in held} == {"volume"}
    state, since, why = nights.state()
    assert (state, since) == ("quarantined", NIGHT + 5 * DAY)
    assert why.startswith("120 new items where 3 are usual")


ACCOUNT = replace(feed("https://reader.example/api/greader.php"), kind="account", token_env="TOKEN")


def account(day: int, *shown: tuple[str, int, float]) -> dict[str, Answer]:
    """What an account shows: (source, how many items, days old)."""
    items = [
        {
            "id": f"tag:reader.example,2026:{source}/{days_old}/{day}/{number}",
            "title": f"The council hears about {prose(f'{source} {day} {number}', 3)}",
            "published": int((NIGHT + (day - days_old) * DAY).timestamp()),
            "canonical": [{"href": f"https://{source}.example/{day}/{number}"}],
            "origin": {"streamId": f"feed/{source}", "title": source, "feedUrl": f"https://{source}.example/feed"},
            "content": {"content": f"<p>{prose(f'{source} {day} {number} text', 30)}</p>"},
        }
        for source, count, days_old in shown
        for number in range(count)
    ]
    stream = stream_of(ACCOUNT.url).contents_url(since=NIGHT + (day - 7) * DAY, continuation=None)
    return {stream: Answer(body=json.dumps({"items": items}))}


def five_nights_of_an_account(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "ana/0123456789")
    nights.feeds = [ACCOUNT]
    for day in range(5):
        nights.live(day, account(day, ("pier", 3, 0.2)))


def test_a_new_subscription_of_an_account_quarantines_neither_its_archive_nor_the_others(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    five_nights_of_an_account(nights, monkeypatch)
    nights.live(5, account(5, ("pier", 3, 0.2), ("quay", 160, 90)))
    assert nights.count == Count(done=1)
    assert len(nights.articles()) == 15 + 163


def test_a_flood_of_a_known_source_of_an_account_is_quarantined(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    five_nights_of_an_account(nights, monkeypatch)
    nights.live(5, account(5, ("pier", 160, 90)))
    assert nights.count == Count(skipped=1)


def test_a_feed_that_names_new_sources_itself_is_not_excused(nights: Nights) -> None:
    before = five_good_nights(nights)
    at = NIGHT - 400 * DAY
    flood = [Item(link=f"https://pier.example/archive/{n}", at=at) for n in range(120)]
    body = rss(*flood).body
    named = body.replace("<item>", '<item><source url="https://new.example/feed">New</source>')
    nights.live(5, {PIER.url: Answer(body=named)})
    assert named != body
    assert nights.count == Count(skipped=1)
    assert nights.articles() == before


def test_links_to_sites_that_a_feed_never_linked_to_are_quarantined(nights: Nights) -> None:
    before = five_good_nights(nights)
    nights.live(5, shown(5, links(5, site="jackpot.example")))
    assert nights.articles() == before
    assert nights.state()[2] == "all 3 new items link to jackpot.example, which it never did"


def test_spam_in_the_feeds_own_language_and_on_its_own_domain_is_quarantined(nights: Nights) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day))})
    nights.live(5, {QUAY.url: rss(*spam(5))})
    assert nights.count == Count(skipped=1)
    (row,) = nights.db.rows("SELECT rule, why FROM quarantines")
    assert row["rule"] == "vocabulary"
    assert row["why"].startswith("6 of 6 new items share words that were hardly ever said before: ")
    assert {"baccarat", "jackpot"} & set(row["why"].partition(": ")[2].split(", "))


def test_what_several_feeds_report_in_one_run_is_news_and_no_spam(nights: Nights) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day))})
    nights.live(5, {QUAY.url: rss(*spam(5)), PIER.url: rss(*spam(5, site="other.example"))})
    assert nights.count == Count(done=2)


def test_a_feed_that_breaks_another_rule_does_not_make_the_same_spam_known(nights: Nights) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day)), PIER.url: rss(Item(link=f"https://pier.example/{day}"))})
    nights.live(5, {QUAY.url: rss(*spam(5)), PIER.url: rss(*spam(5, site="win.example"))})
    rules = nights.db.rows("SELECT feed_id, rule FROM quarantines")
    assert {row["feed_id"]: row["rule"] for row in rules} == {PIER.id: "language", QUAY.id: "vocabulary"}


def test_edits_that_turn_stored_entries_into_spam_change_no_article(nights: Nights) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day))})
    kept = nights.db.rows("FROM articles ORDER BY article_id")
    sold = [replace(one, title=ad.title, text=ad.text) for one, ad in zip(told(4), spam(4), strict=True)]
    nights.live(5, {QUAY.url: rss(*sold)})
    assert nights.count == Count(skipped=1)
    assert nights.db.rows("FROM articles ORDER BY article_id") == kept
    assert nights.db.rows("FROM article_versions") == []
    held = nights.db.rows("SELECT link, is_edit FROM quarantined_entries")
    assert {row["link"] for row in held} == {one.link for one in sold}
    assert all(row["is_edit"] for row in held)
    assert len(nights.db.rows("SELECT DISTINCT seen_as FROM article_sources")) == len(kept)
    for day in (6, 7, 8):  # the feed shows its own words again, and comes back
        nights.live(day, {QUAY.url: rss(*told(4), *told(day))})
    assert nights.db.rows("FROM quarantined_entries") == []
    assert nights.db.rows("FROM article_versions") == []
    assert len(nights.articles()) == len(kept) + 18


def test_a_person_releases_quarantined_edits(nights: Nights) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day))})
    sold = [replace(one, title=ad.title, text=ad.text) for one, ad in zip(told(4), spam(4), strict=True)]
    nights.live(5, {QUAY.url: rss(*sold)})
    nights.commands.append(FeedCommand(kind=FeedCommandKind.RELEASE, feed_id=QUAY.id, given_at=NIGHT + 5.5 * DAY))
    nights.live(6, {QUAY.url: rss(*sold)})
    titles = {row["title"] for row in nights.db.rows("SELECT title FROM articles")}
    assert titles >= {title for title, _ in SOLD}
    assert len(nights.db.rows("FROM article_versions")) == 6


def test_a_feed_recovers_by_itself_and_only_its_normal_runs_are_admitted(nights: Nights) -> None:
    before = five_good_nights(nights)
    nights.live(5, shown(5, links(5, site="jackpot.example")))
    for day in (6, 7):
        nights.live(day, shown(day, links(day)))
        assert nights.articles() == before
    nights.live(8, shown(8, links(8)))
    assert nights.articles() == before | {*links(6), *links(7), *links(8)}
    assert nights.state()[0] == "healthy"
    # What was bad stays out on purpose, even when the feed shows it again, until a person says otherwise.
    nights.live(9, shown(9, [*links(9), *links(5, site="jackpot.example")]))
    assert nights.articles() >= set(links(9))
    assert not nights.articles() & set(links(5, site="jackpot.example"))
    assert nights.state()[0] == "healthy"
    assert nights.health("quarantined_entries") == 3
    nights.commands.append(FeedCommand(kind=FeedCommandKind.RELEASE, feed_id=PIER.id, given_at=NIGHT + 9.5 * DAY))
    nights.live(10, shown(10, links(10)))
    assert nights.articles() >= set(links(5, site="jackpot.example"))
    assert nights.health("quarantined_entries") == 0


def test_quarantined_sightings_are_in_no_view_of_sources_and_are_counted(nights: Nights) -> None:
    five_good_nights(nights)
    strange = links(5, site="jackpot.example")
    by_quay = Item(link=strange[0], text="the words of the quay", at=NIGHT + 4.8 * DAY)
    nights.live(5, shown(5, strange) | {QUAY.url: rss(by_quay)})
    sources = nights.db.rows("SELECT feed FROM article_sources WHERE link = $1", [strange[0]])
    assert [row["feed"] for row in sources] == [QUAY.title]
    assert nights.health("quarantined_entries") == 3


def test_a_feed_whose_guids_all_change_has_changed_and_duplicates_nothing(nights: Nights) -> None:
    before = five_good_nights(nights)
    at = NIGHT + 3.8 * DAY
    nights.live(5, {PIER.url: rss(*(Item(link=link, guid=f"urn:{n}", at=at) for n, link in enumerate(links(4))))})
    assert nights.state() == ("changed", NIGHT + 5 * DAY, "all 3 entries that it showed before have new guids")
    assert nights.articles() == before
    assert len(nights.db.rows("FROM entries")) == 15
    nights.live(
        13,
        shown(4, links(4))
        | {PIER.url: rss(*(Item(link=link, guid=f"urn:{n}", at=at) for n, link in enumerate(links(4))))},
    )
    assert nights.state()[0] == "healthy"


@pytest.mark.parametrize(
    ("moved", "is_change"),
    [
        ("http://www.pier.example/4/{}?utm_source=rss", False),
        ("https://pier.example/news/2026/item-{}.html", True),
        ("https://jetty.example/4/{}", True),
    ],
)
@pytest.mark.parametrize("keeps_guids", [True, False])
def test_entries_at_new_addresses_are_the_entries_that_they_were(
    nights: Nights, moved: str, is_change: bool, keeps_guids: bool
) -> None:
    before = five_good_nights(nights)
    old = [Item(link=link, title=f"About the pier {n}", at=NIGHT + 3.8 * DAY) for n, link in enumerate(links(4))]
    nights.live(5, {PIER.url: rss(*old)})
    new = [
        replace(one, link=moved.format(n), guid=one.link if keeps_guids else f"urn:{n}") for n, one in enumerate(old)
    ]
    fresh = Item(link=moved.format(99), title="What came after the move", at=NIGHT + 5.8 * DAY)
    pages = {one.link: Answer(body=f"<p>What stands at {one.link}.</p>") for one in (*new, fresh)}
    for day in (6, 7):
        nights.live(day, {PIER.url: rss(*new, fresh)} | pages)
        assert len(nights.db.rows("FROM entries")) == 16
        assert len(nights.articles()) == len(before) + 1
        assert nights.db.rows("FROM quarantines") == []
    state, _, why = nights.state()
    assert (state == "changed") is (is_change or not keeps_guids)
    assert ("have new links" in why) is is_change


def test_an_entry_of_the_same_title_beside_the_old_one_is_another(nights: Nights) -> None:
    same = [Item(link=link, title="Open thread", guid="0", at=NIGHT) for link in links(0)]
    nights.live(0, {QUAY.url: rss(*same)})
    nights.live(1, {QUAY.url: rss(*same, replace(same[0], link="https://pier.example/more"))})
    assert len(nights.db.rows("FROM entries")) == 4


def test_a_release_by_a_person_becomes_part_of_the_history(nights: Nights) -> None:
    before = five_good_nights(nights)
    moved = {day: links(day, site="jetty.example") for day in (5, 6, 7)}
    nights.live(5, shown(5, moved[5]))
    nights.commands.append(FeedCommand(kind=FeedCommandKind.RELEASE, feed_id=PIER.id, given_at=NIGHT + 5.5 * DAY))
    nights.live(6, shown(6, moved[6]))
    nights.live(7, shown(7, moved[7]))
    assert nights.articles() == before | {link for told in moved.values() for link in told}
    (row,) = nights.db.rows("SELECT released_by, released_at FROM quarantines")
    assert row == {"released_by": "person", "released_at": NIGHT + 6 * DAY}


def test_an_earlier_release_does_not_end_a_later_quarantine(nights: Nights) -> None:
    nights.commands.append(FeedCommand(kind=FeedCommandKind.RELEASE, feed_id=PIER.id, given_at=NIGHT + 2 * DAY))
    before = five_good_nights(nights)
    for day in (5, 6):
        nights.live(day, shown(day, links(day, site="jackpot.example")))
    assert nights.articles() == before
    assert len(nights.db.rows("FROM quarantines")) == 1


def test_checking_twice_changes_nothing(nights: Nights) -> None:
    five_good_nights(nights)
    run = nights.live(5, shown(5, links(5, site="jackpot.example")))
    stored = [nights.db.rows(f"FROM {table} ORDER BY ALL") for table in ("quarantines", "quarantined_entries")]
    assert pipeline.check_feed_anomalies(nights.db, run, nights.commands) == Count()
    assert [
        nights.db.rows(f"FROM {table} ORDER BY ALL") for table in ("quarantines", "quarantined_entries")
    ] == stored


def test_the_entries_of_a_killed_run_are_checked_by_the_next(nights: Nights) -> None:
    before = five_good_nights(nights)
    now = NIGHT + 5 * DAY
    run = runs.begin_run(nights.db, flow="test", night_at=now, started_at=now, settings={})
    strange = shown(5, links(5, site="jackpot.example"))
    pipeline.fetch_feeds(nights.db, run, DictFetcher(strange, lambda: now))
    pipeline.parse_feeds(nights.db, run, lambda: now)
    nights.live(6, strange)
    assert nights.articles() == before
    assert nights.state()[:2] == ("quarantined", now)


def test_a_run_killed_while_it_checks_resumes_as_if_it_had_not_been(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(5):
        nights.live(day, {QUAY.url: rss(*told(day)), PIER.url: rss(Item(link=f"https://pier.example/{day}"))})
    now = NIGHT + 5 * DAY
    run = runs.begin_run(nights.db, flow="test", night_at=now, started_at=now, settings={})
    bad = {QUAY.url: rss(*spam(5)), PIER.url: rss(*(Item(link=link) for link in links(5, site="win.example")))}
    pipeline.fetch_feeds(nights.db, run, DictFetcher(bad, lambda: now))
    pipeline.parse_feeds(nights.db, run, lambda: now)
    begin, begun = quarantine.begin_quarantine, []

    def killed_at_the_second(*given: object, **named: object) -> None:
        begun.append(given)
        if len(begun) == 2:
            raise KeyboardInterrupt
        begin(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(quarantine, "begin_quarantine", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        pipeline.check_feed_anomalies(nights.db, run)
    assert nights.db.rows("FROM quarantines") == []
    monkeypatch.undo()
    assert pipeline.check_feed_anomalies(nights.db, run) == Count(skipped=2)
    rules = nights.db.rows("SELECT feed_id, rule FROM quarantines")
    assert {row["feed_id"]: row["rule"] for row in rules} == {QUAY.id: "vocabulary", PIER.id: "foreign_links"}


def test_the_order_of_the_feeds_changes_no_decision(nights: Nights, tmp_path: Path) -> None:
    """Ids order the feeds; under other addresses the same two feeds come in the other order."""

    def rules_of(given: Nights, good: Feed, bad: Feed) -> tuple[str, str, str]:
        given.feeds = [good, bad]
        for day in range(5):
            given.live(day, {bad.url: rss(*told(day)), good.url: rss(*told(day + 50))})
        given.live(5, {bad.url: rss(*spam(5)), good.url: rss(*told(55))})
        (row,) = given.db.rows("SELECT feed_id, rule, why FROM quarantines")
        assert row["feed_id"] == bad.id
        return row["rule"], row["why"], str(given.count)

    first, second = sorted([PIER, QUAY], key=lambda one: one.id)
    with Database(tmp_path / "other.duckdb", now=NIGHT) as other:
        assert rules_of(nights, first, second) == rules_of(Nights(other), second, first)


def test_runs_that_finished_before_the_quarantine_existed_are_learned_from_and_exempt(nights: Nights) -> None:
    five_good_nights(nights)
    run = nights.live(5, shown(5, links(5, site="jackpot.example")))
    for table in ("feed_run_stats", "quarantines"):
        nights.db.execute(f"DELETE FROM {table}")
    assert pipeline.check_feed_anomalies(nights.db, run) == Count(done=6)
    assert nights.db.rows("FROM quarantines") == []


def test_the_language_of_articles_of_exempt_runs_is_not_detected_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    five_good_nights(nights)
    run = nights.live(5, shown(5, links(5)))
    nights.db.execute("UPDATE articles SET language = 'fr', language_source = 'text' WHERE url LIKE '%/2/%'")
    nights.db.execute("UPDATE articles SET language_source = 'feed' WHERE url LIKE '%/3/%'")
    nights.db.execute("DELETE FROM feed_run_stats")
    monkeypatch.setattr(pipeline.quarantine, "detect_language", None)
    assert pipeline.check_feed_anomalies(nights.db, run) == Count(done=6)
    told = nights.db.rows("SELECT languages FROM feed_run_stats ORDER BY night_at")
    assert [row["languages"] for row in told][2:4] == [{"fr": 3}, {}]


def test_the_first_big_run_of_a_young_feed_is_no_volume_anomaly(nights: Nights) -> None:
    archive = [f"https://pier.example/archive/{n}" for n in range(60)]
    nights.live(0, shown(0, links(0)))
    nights.live(1, shown(1, archive, days_old=400))
    assert nights.articles() == {*links(0), *archive}


def test_an_article_that_another_feed_shows_is_read_from_there(nights: Nights) -> None:
    five_good_nights(nights)
    strange = links(5, site="jackpot.example")
    by_quay = Item(link=strange[0], text="the words of the quay", at=NIGHT + 4.8 * DAY)
    nights.live(5, shown(5, strange) | {QUAY.url: rss(by_quay)})
    (row,) = nights.db.rows("SELECT url, text FROM articles WHERE url LIKE '%jackpot%'")
    assert row["url"] == strange[0]
    assert "the words of the quay" in row["text"]


def test_a_feed_that_answers_with_a_page_has_changed(nights: Nights) -> None:
    nights.live(0, shown(0, links(0)))
    nights.live(1, {PIER.url: Answer(body="<!doctype html><html><body>For sale</body></html>")})
    assert nights.state() == ("changed", NIGHT + DAY, "it was a feed, and is none any more: html_not_feed")
    nights.live(2, {PIER.url: Answer(body="<!doctype html><html><body>Still for sale</body></html>")})
    assert nights.state()[:2] == ("changed", NIGHT + DAY)
    nights.live(3, shown(3, links(3)))
    assert nights.state()[0] == "healthy"
    nights.live(4, {PIER.url: Answer(body="<!doctype html><html><body>For sale again</body></html>")})
    assert nights.state()[:2] == ("changed", NIGHT + 4 * DAY)


def test_guids_that_are_new_each_night_are_one_change_since_the_first(nights: Nights) -> None:
    for day in range(10):
        items = [Item(link=link, guid=f"urn:{day}:{link}", at=NIGHT - DAY) for link in links(0)]
        nights.live(day, {PIER.url: rss(*items)})
    why = "all 3 entries that it showed before have new guids, on 9 nights so far"
    assert nights.state() == ("changed", NIGHT + DAY, why)
    for day in (10, 17):  # it stays with the last ones
        nights.live(day, {PIER.url: rss(*items, Item(link=links(day)[0], at=NIGHT + day * DAY))})
    assert nights.state()[0] == "healthy"


def test_a_failure_is_explained_in_words_with_the_status(nights: Nights) -> None:
    nights.live(0, shown(0, links(0)))
    refusal = Answer(status=404, reason=Reason.NOT_FOUND)
    nights.live(1, {PIER.url: refusal})
    assert nights.state()[2] == "its last request failed: not_found (status 404)"
    nights.live(2, {PIER.url: refusal})
    assert nights.state()[2] == "its last 2 requests failed, the latest: not_found (status 404)"
    nights.live(6, {PIER.url: Answer(status=429, reason=Reason.THROTTLED)})
    assert nights.state()[2] == "its site wants fewer requests: 3 refused in a row, the last one with status 429"
    nights.db.execute("UPDATE fetches SET retry_at = $1 WHERE status = 429", [NIGHT + 9 * DAY])
    assert nights.state()[2] == "its site wants no request before 2026-03-11 22:00 UTC"


@pytest.mark.parametrize(
    ("reason", "state"), [(Reason.THROTTLED, "throttled"), (Reason.GONE, "gone"), (Reason.SERVER_ERROR, "failing")]
)
def test_a_failing_feed_is_explained_by_its_first_failure(nights: Nights, reason: Reason, state: str) -> None:
    nights.live(0, shown(0, links(0)))
    for day in (1, 5):
        nights.live(day, {PIER.url: Answer(status=500, reason=reason)})
    assert nights.state()[:2] == (state, NIGHT + DAY)


def test_a_feed_with_nothing_new_for_two_weeks_is_silent(nights: Nights) -> None:
    nights.live(0, shown(0, links(0)))
    nights.live(14, shown(0, links(0)))
    assert nights.state()[0] == "healthy"
    nights.live(15, shown(0, links(0)))
    assert nights.state() == ("silent", NIGHT, "nothing new for 15 days")


def test_a_feed_that_loses_its_dates_is_undated_since_then(nights: Nights) -> None:
    nights.live(0, shown(0, links(0)))
    for day in (1, 2):
        nights.live(day, shown(day, links(day), days_old=-30))  # a month ahead: first sight stands in
    assert nights.state() == ("undated", NIGHT + DAY, "6 of 6 new items without a date one can trust")


def test_a_feed_is_slow_after_three_slow_answers(nights: Nights) -> None:
    for day in range(4):
        nights.live(day, shown(day, links(day)))
    nights.db.execute("UPDATE fetches SET seconds = 9 WHERE requested_at >= $1", [NIGHT + 2 * DAY])
    assert nights.state()[0] == "healthy"
    nights.db.execute("UPDATE fetches SET seconds = 9 WHERE requested_at >= $1", [NIGHT + DAY])
    assert nights.state() == ("slow", NIGHT + DAY, "3 answers in a row took over 5 s")


def test_the_statistics_of_a_feed_are_shown(nights: Nights) -> None:
    nights.live(0, shown(0, links(0)))
    (row,) = nights.db.rows(
        "SELECT median_items, share_shared, content_type FROM feed_health WHERE feed_id = $1", [PIER.id]
    )
    assert row == {"median_items": 3, "share_shared": 0, "content_type": "text/xml; charset=utf-8"}


def test_a_release_is_ordered_for_a_quarantined_feed_only(terminal: Terminal) -> None:
    with Database(Path("data/published/newsclust.duckdb"), now=NIGHT) as db:
        run = runs.begin_run(db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
        feeds.save_feeds(db, run, [PIER, QUAY])
        stats = quarantine.FeedRunStats(
            feed_id=PIER.id, run_id=run.id, night_at=NIGHT, items=3, backdated=0, undated=0, shared=0,
            median_characters=9, languages={}, sites={},
        )  # fmt: skip
        quarantine.begin_quarantine(db, run, stats, quarantine.Anomaly(rule=AnomalyRule.VOLUME, why="too much"))
    refused = terminal("feeds", "release", QUAY.url)
    assert (refused.code, "nothing of the feed is quarantined" in refused.err) == (2, True)
    assert terminal("feeds", "release", PIER.url).code == 0
    (command,) = read_feed_commands(Path("data/feed_commands.jsonl"))
    assert (command.kind, command.feed_id) == (FeedCommandKind.RELEASE, PIER.id)
