"""Nights from feeds to stories over a dict for a web: done twice, done in any order, and killed anywhere."""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import pytest

from newsclust import pipeline
from newsclust.errors import ExtractError, ParseError, Reason, StepError
from newsclust.extract import ExtractOutcome
from newsclust.model import (
    ArticleInput,
    Count,
    Feed,
    Link,
    PagePolicy,
    RetentionLimits,
    Run,
    Window,
    WordCounts,
    id_of,
)
from newsclust.overrides import Correction, CorrectionKind, new_correction
from newsclust.store import Database, database, runs
from newsclust.store import word_counts as store_words
from newsclust.store.database import migrations
from newsclust.stories.clustering import AverageLinkage
from newsclust.stories.pairs import CentredCosine, PairModel, word_rarity
from newsclust.urls import canonical
from tests.fakes import Answer, DictFetcher, DirectionEmbedder, PlainExtractor, TaggedEmbedder
from tests.old_names import COLUMNS, TABLES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
LIMITS = RetentionLimits(pages=30, requests=180)
WINDOW_DAYS = 4.0
SYLLABLES = "ba co du fe gi ha jo ku le mi no pu ra se ti vo".split()  # noqa: SIM905 - readable as a line

Web = dict[str, Answer]


def prose(seed: str, words: int = 60) -> str:
    """Words that no other seed gives: texts of two seeds are no copies of each other."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices(SYLLABLES, k=3)) for _ in range(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a feed; what it tells is said by its tag, how by its text."""

    link: str
    tag: int = 0
    text: str | None = None  # its own, unless it is given
    title: str = ""
    guid: str = ""
    at: datetime = NIGHT - timedelta(hours=3)

    def xml(self) -> str:
        text = prose(self.link) if self.text is None else self.text
        content = f"<p>#{self.tag} {text}</p>" if text else ""
        return (
            f"<item><title>{escape(self.title or f'About {self.tag} at {self.link}')}</title>"
            f"<link>{escape(self.link)}</link><guid isPermaLink='false'>{escape(self.guid or self.link)}</guid>"
            f"<pubDate>{format_datetime(self.at)}</pubDate>"
            f"<content:encoded>{escape(content)}</content:encoded></item>"
        )


def rss(*items: Item, etag: str | None = None) -> Answer:
    namespace = "http://purl.org/rss/1.0/modules/content/"
    body = "".join(item.xml() for item in items)
    return Answer(
        body=f"<rss version='2.0' xmlns:content='{namespace}'><channel><title>A feed</title>{body}</channel></rss>",
        etag=etag,
    )


def feed(url: str, *, pages: PagePolicy = PagePolicy.NEVER) -> Feed:
    return Feed(id=id_of(url), url=url, title=url, language="en", pages=pages)


ONE, TWO = feed("https://one.example/feed"), feed("https://two.example/feed")
THREE = feed("https://three.example/feed", pages=PagePolicy.ALWAYS)


def article_id(link: str) -> str:
    return id_of(canonical(link))


def steps(
    db: Database,
    run: Run,
    fetcher: DictFetcher,
    feeds: Sequence[Feed],
    published: Path,
    extractor: Any = None,
    said: Sequence[Correction] = (),
) -> dict[str, Callable[[], Count]]:
    """The steps of a night, in order."""
    model, clock = TaggedEmbedder.name, fetcher.clock
    return {
        "mend_clock": partial(pipeline.mend_clock, db, run, WINDOW_DAYS),
        "fetch_lists": partial(pipeline.fetch_lists, db, run, fetcher, clock, []),
        "sync_feeds": partial(pipeline.sync_feeds, db, run, feeds),
        "fetch_feeds": partial(pipeline.fetch_feeds, db, run, fetcher),
        "parse_feeds": partial(pipeline.parse_feeds, db, run, clock),
        "check_feed_anomalies": partial(pipeline.check_feed_anomalies, db, run),
        "fetch_pages": partial(pipeline.fetch_pages, db, run, fetcher),
        "plan_feeds": partial(pipeline.plan_feeds, db, run),
        "update_feed_health": partial(pipeline.update_feed_health, db, run),
        "extract_articles": partial(pipeline.extract_articles, db, run, clock, extractor or PlainExtractor()),
        "sync_outlets": partial(pipeline.sync_outlets, db, run, []),
        "find_duplicates": partial(pipeline.find_duplicates, db, run, said, 0.8, 0.82),
        "embed_articles": partial(pipeline.embed_articles, db, run, TaggedEmbedder(), 300, WINDOW_DAYS, said),
        "link_articles": partial(pipeline.link_articles, db, run, CentredCosine(), model, WINDOW_DAYS),
        "sync_corrections": partial(pipeline.sync_corrections, db, run, said),
        "group_stories": partial(pipeline.group_stories, db, run, AverageLinkage(), said, model, WINDOW_DAYS),
        "find_rewrites": partial(pipeline.find_rewrites, db, run, TaggedEmbedder()),
        "group_topics": partial(pipeline.group_topics, db, run, model, WINDOW_DAYS, 3),
        "prune": partial(pipeline.prune, db, run, LIMITS, model),
        "index_articles": partial(pipeline.index_articles, db, run),
        "check": partial(pipeline.check, db),
        "publish": partial(pipeline.publish, db, published),
    }


STEPS = list(steps(None, None, DictFetcher({}, lambda: NIGHT), [], Path()))  # type: ignore[arg-type]
READ = STEPS[: STEPS.index("find_duplicates")]  # from the feeds to the articles
REMADE = {"group_topics", "check", "publish"}  # they count what there is, not what is new


class Nights:
    """One database file: each night opens it, goes through its steps, and lets go of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "work.duckdb"
        self.published = folder / "published.duckdb"
        self.asked: list[str] = []
        self.begun_runs = 0
        self.said: list[Correction] = []

    @contextmanager
    def begun(
        self, web: Web, feeds: Sequence[Feed], *, days: float = 0, extractor: Any = None
    ) -> Iterator[tuple[Database, dict[str, Callable[[], Count]]]]:
        now = NIGHT + timedelta(days=days)
        fetcher = DictFetcher(web, lambda: now)
        with Database(self.path, now=now) as db:
            db.execute("SET threads = 1")  # for a few rows, two threads take twice the time
            self.begun_runs += 1
            started_at = now + timedelta(microseconds=self.begun_runs)
            run = runs.begin_run(db, flow="test", night_at=now, started_at=started_at, settings={})
            yield db, steps(db, run, fetcher, feeds, self.published, extractor, self.said)
        self.asked = fetcher.asked

    def live(
        self,
        web: Web,
        feeds: Sequence[Feed] = (ONE, TWO),
        *,
        days: float = 0,
        names: Sequence[str] = STEPS[:-1],
    ) -> dict[str, Count]:
        """Go through a night, or some steps of it; publishing is another test's."""
        with self.begun(web, feeds, days=days) as (_, work):
            return {name: work[name]() for name in names}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the file as an analyst would; times are naive UTC."""
        with duckdb.connect(str(self.path), read_only=True, config={"threads": 1}) as connection:
            return connection.execute(sql).fetchall()

    def stories(self) -> set[frozenset[str]]:
        """Who is with whom, by address."""
        told = self.rows(
            "SELECT list(url) FROM story_articles JOIN articles USING (article_id) "
            "WHERE left_at IS NULL GROUP BY story_id"
        )
        return {frozenset(urls) for (urls,) in told}

    def events(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT event, articles FROM story_events ORDER BY happened_at, event, articles")


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def everything(db: Database, **without: str) -> dict[str, list[str]]:
    """All rows of all tables but those that only say what was done when; `without` names columns by table."""
    skipped = {"migrations", "runs", "steps", "fetches", "feed_schedules", "robots"}
    tables = {row["table_name"] for row in db.rows("SELECT table_name FROM duckdb_tables()")} - skipped
    return {
        table: sorted(
            map(repr, db.rows(f"SELECT * {f'EXCLUDE ({without[table]})' if table in without else ''} FROM {table}"))
        )
        for table in tables
    }


def sums(db: Database) -> list[dict[str, Any]]:
    """How many rows each table has, and a sum of them: what `everything` says, in one query."""
    tables = [row["table_name"] for row in db.rows("SELECT table_name FROM duckdb_tables() ORDER BY ALL")]
    tables.remove("fetches")  # a feed that failed is asked again
    return db.rows(" UNION ALL ".join(f"SELECT '{t}', count(*), bit_xor(hash({t})) FROM {t}" for t in tables))


# What shows that a feed was downloaded, read or found once more, and nothing else.
SEEN_AGAIN = {
    "entries": "last_seen_at",
    "pages": "fetched_at, run_id",
    "processed": "fetched_at, run_id",
    "topics": "last_found_at",
    "feed_health_states": "why, decided_at, run_id",  # how many requests failed in a row
}


def two_outlets(etag: str | None = None) -> Web:
    """Nine articles in two feeds: event 1 in both, 2 to 8 in one each."""
    return {
        ONE.url: rss(*(Item(link=f"https://one.example/a{tag}", tag=tag) for tag in range(1, 5)), etag=etag),
        TWO.url: rss(*(Item(link=f"https://two.example/b{tag}", tag=tag) for tag in (1, 5, 6, 7, 8)), etag=etag),
    }


def many_things() -> tuple[Web, Web]:
    """Two nights with a bit of everything: copies, pages, edits, failures, growth, a merge, unreadable feeds."""
    shared = prose("a text that two outlets print")
    first: Web = {
        ONE.url: rss(
            Item(link="https://one.example/a1", tag=1),
            Item(link="https://one.example/a2", tag=2),
            Item(link="https://one.example/a3", tag=3, text=shared),
            Item(link="https://one.example/empty", text="", title="#9"),
        ),
        TWO.url: rss(
            Item(link="https://two.example/b1", tag=1),
            Item(link="https://two.example/b3", tag=3, text=shared, at=NIGHT - timedelta(hours=1)),
            Item(link="https://two.example/b7", tag=7),
            Item(link="https://two.example/b8", tag=8),
            Item(link="https://two.example/b10", tag=10),
        ),
        THREE.url: rss(
            Item(link="https://three.example/c4", tag=4, text="short"),
            Item(link="https://three.example/c5", tag=5, text="brief"),
            Item(link="https://three.example/c5?utm_source=three", tag=5, text="brief indeed"),
        ),
        "https://three.example/c4": Answer(body=f"<p>#4 {prose('c4')}</p>"),
        "https://three.example/c5": Answer(status=503, reason=Reason.SERVER_ERROR),
        "https://three.example/c5?utm_source=three": Answer(status=503, reason=Reason.SERVER_ERROR),
    }
    later = NIGHT + timedelta(hours=20)
    second = first | {
        ONE.url: rss(
            Item(link="https://one.example/a1", tag=1),
            Item(link="https://one.example/a2", tag=1, text=prose("an edit"), title="It was 1 after all"),
            Item(link="https://one.example/a3", tag=3, text=shared),
            Item(link="https://one.example/a6", tag=6, at=later),
        ),
        TWO.url: rss(
            Item(link="https://two.example/b1", tag=1),
            Item(link="https://two.example/b11", tag=1, at=later),
            Item(link="https://two.example/b3", tag=3, text=prose("no copy any more")),
            Item(link="https://two.example/b12", tag=4, at=later, text=prose("c4")),
        ),
        "https://three.example/c5": Answer(body=f"<p>#5 {prose('c5')}</p>"),
        "https://three.example/c5?utm_source=three": Answer(body=f"<p>#5 {prose('c5')}</p>"),
        "https://four.example/feed": Answer(body="<!doctype html><html><body>Moved.</body></html>"),
    }
    return first, second


ALL = (ONE, TWO, THREE, feed("https://four.example/feed"), feed("https://five.example/feed"))


def test_the_steps_tested_here_are_those_of_the_nightly_flow_in_its_order() -> None:
    flow = (ROOT / "flows" / "nightly.py").read_text(encoding="utf-8")
    assert re.findall(r"\bstep\(\s*steps\.(\w+)", flow) == STEPS


# --- twice, in any order, and killed anywhere


def test_doing_every_step_of_a_night_twice_does_nothing_the_second_time(nights: Nights) -> None:
    for days, web in enumerate(many_things()):
        with nights.begun(web, ALL, days=days) as (db, work):
            for name, step in work.items():
                first = step()
                before = sums(db)
                second = step()
                assert second.done == (first.done if name in REMADE else 0), name
                assert sums(db) == before, name


def test_a_night_lived_again_changes_nothing_but_when_things_were_last_seen(nights: Nights) -> None:
    for days, web in enumerate(many_things()):
        nights.live(web, ALL, days=days)
    lived = []
    for days in (2, 3):
        counts = nights.live(many_things()[1], ALL, days=days)
        again = {"fetch_feeds", "plan_feeds", "update_feed_health", *REMADE} - {"publish"}
        assert {name for name, count in counts.items() if count.done} == again
        with Database(nights.path) as db:
            lived.append(everything(db, failures="run_id, failed_at", **SEEN_AGAIN))
    assert {table: set(rows) for table, rows in lived[0].items()} == {t: set(rows) for t, rows in lived[1].items()}


def turned_around(document: str) -> str:
    """The document with its items, if it has any, from last to first."""
    items = re.findall(r"<item>.*?</item>", document)
    return document.replace("".join(items), "".join(reversed(items))) if items else document


def test_the_order_of_feeds_and_of_their_items_changes_nothing(tmp_path: Path) -> None:
    stored = []
    for name, turn in (("forth", 1), ("back", -1)):
        (tmp_path / name).mkdir()
        nights = Nights(tmp_path / name)
        for days, web in enumerate(many_things()):
            turned = {url: replace(answer, body=turned_around(answer.body)) for url, answer in web.items()}
            nights.live(turned if name == "back" else web, ALL[::turn], days=days)
        with Database(nights.path) as db:
            rows = everything(db, pages="body")  # of a feed: the items in their order
            stored.append(rows | {"asked": sorted(map(repr, db.rows("SELECT item_id, url, reason FROM fetches")))})
    assert stored[0] == stored[1]
    assert len(stored[0]["story_events"]) > 10


def test_a_night_killed_after_any_step_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def told(nights: Nights) -> dict[str, list[tuple[Any, ...]]]:
        asked = {
            "articles": "SELECT url, title, text, outlet, text_source FROM articles ORDER BY url",
            "versions": "SELECT article_id, version, title, text FROM article_versions ORDER BY ALL",
            "copies": "SELECT article_id, original_id, method FROM duplicates ORDER BY ALL",
            "stories": "SELECT * EXCLUDE (born_at, run_id) FROM stories ORDER BY ALL",
            "members": "SELECT story_id, article_id, left_at IS NULL AS present FROM story_articles ORDER BY ALL",
            "events": "SELECT story_id, event, articles, article_ids FROM story_events ORDER BY ALL",
            "topics": "SELECT topic_id, story_id FROM topic_stories WHERE left_at IS NULL ORDER BY ALL",
            "failures": "SELECT DISTINCT step, item_id, reason FROM failures ORDER BY ALL",
        }
        return {what: nights.rows(sql) for what, sql in asked.items()}

    first, second = many_things()
    begun = Nights(tmp_path)
    begun.live(first, ALL)
    ends = []
    for cut in range(len(STEPS)):
        (tmp_path / str(cut)).mkdir()
        nights = Nights(tmp_path / str(cut))
        shutil.copyfile(begun.path, nights.path)
        nights.live(second, ALL, days=1, names=STEPS[:cut])
        nights.live(second, ALL, days=1 + 1 / 24)
        ends.append(told(nights))
    for cut, end in enumerate(ends):
        assert end == ends[0], f"killed after {STEPS[cut - 1]}"
    assert {event for _, event, _, _ in ends[0]["events"]} >= {"born", "grew", "merged"}
    assert ends[0]["topics"]


def test_a_process_killed_in_the_middle_of_downloading_goes_on_where_its_last_rows_were_stored(
    nights: Nights,
) -> None:
    feeds = [feed(f"https://host{n}.example/feed") for n in range(70)]
    code = """
        import os, signal, sys
        from pathlib import Path
        from tests.fakes import Answer
        from tests.pipeline.test_pipeline import Nights, feed

        class Killing(dict):
            asked = 0
            def get(self, url, missing):
                self.asked += 1
                if self.asked == 61:
                    os.kill(os.getpid(), signal.SIGKILL)
                return Answer(body="<rss version='2.0'><channel><title>t</title></channel></rss>", etag="1")

        feeds = [feed(f"https://host{n}.example/feed") for n in range(70)]
        Nights(Path(sys.argv[1])).live(Killing(), feeds, names=["sync_feeds", "fetch_feeds"])
        """
    killed = subprocess.run(
        [sys.executable, "-c", dedent(code), str(nights.path.parent)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert nights.rows("SELECT count(*), count(DISTINCT item_id) FROM pages") == [(50, 50)]
    web = {f.url: rss(etag="1") for f in feeds}
    counts = nights.live(web, feeds, days=0.1)
    assert counts["fetch_feeds"] == Count(done=20, skipped=50)
    assert nights.rows("SELECT outcome, error FROM runs ORDER BY started_at LIMIT 1") == [
        ("failed", "killed before its end")
    ]
    assert nights.rows("SELECT count(*) FROM processed") == [(70,)]


# --- feeds


def test_a_night_of_unchanged_feeds_reads_nothing_and_changes_nothing(nights: Nights) -> None:
    nights.live(two_outlets(etag="v1"))
    with Database(nights.path) as db:
        before = everything(db, topics="last_found_at")
    counts = nights.live(two_outlets(etag="v1"), days=1)
    assert counts["fetch_feeds"] == Count(skipped=2)
    assert counts["parse_feeds"] == Count()
    with Database(nights.path) as db:
        assert everything(db, topics="last_found_at") == before


def test_a_document_stored_by_a_night_that_was_killed_is_read_although_its_feed_has_nothing_new(
    nights: Nights,
) -> None:
    nights.live(two_outlets(etag="v1"), names=["sync_feeds", "fetch_feeds"])
    counts = nights.live(two_outlets(etag="v1"), days=1, names=READ)
    assert counts["fetch_feeds"] == Count(skipped=2)
    assert counts["parse_feeds"] == Count(done=9)


def test_an_unreadable_feed_leaves_a_row_with_its_reason_and_the_others_go_on(nights: Nights) -> None:
    web = two_outlets() | {THREE.url: Answer(body="<!doctype html><html><body>Closed</body></html>")}
    counts = nights.live(web, [ONE, TWO, THREE], names=READ)
    assert counts["parse_feeds"] == Count(done=9, failed=1)
    assert nights.rows("SELECT step, item_id, reason FROM failures") == [("parse_feeds", THREE.id, "html_not_feed")]
    assert nights.rows("SELECT state, reason FROM feed_health ORDER BY url") == [
        ("healthy", None), ("unreadable", "html_not_feed"), ("healthy", None),
    ]  # fmt: skip


def test_the_reason_of_an_unreadable_feed_is_stored_before_the_feed_counts_as_read(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = {ONE.url: Answer(body="<!doctype html><html><body>Closed</body></html>")}
    nights.live(web, [ONE], names=STEPS[: STEPS.index("parse_feeds")])
    with monkeypatch.context() as patched:
        patched.setattr(pipeline.feeds.store_entries, "save_parsed", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nights.live(web, [ONE], names=["parse_feeds"])
    assert nights.rows("SELECT reason FROM failures") == [("html_not_feed",)]


@pytest.mark.parametrize("guid", [lambda link: f"new-{link}", lambda link: "one and the same"])
def test_a_feed_that_changes_all_guids_overnight_loses_and_doubles_nothing(
    nights: Nights, guid: Callable[[str], str]
) -> None:
    links = [f"https://one.example/a{tag}" for tag in range(5)]
    nights.live({ONE.url: rss(*(Item(link=link, tag=tag) for tag, link in enumerate(links)))}, [ONE], names=READ)
    items = [Item(link=link, tag=tag, guid=guid(link)) for tag, link in enumerate(links)]
    counts = nights.live({ONE.url: rss(*items)}, [ONE], days=1, names=READ)
    assert counts["parse_feeds"] == Count(skipped=5)
    assert counts["extract_articles"] == Count()
    assert nights.rows("SELECT count(*), count(DISTINCT url) FROM entries") == [(5, 5)]
    assert nights.rows("SELECT count(*) FROM articles") == [(5,)]


def test_a_feed_taken_out_of_the_list_is_asked_no_more_and_keeps_its_entries_until_it_is_listed_again(
    nights: Nights,
) -> None:
    nights.live(two_outlets(), names=READ)
    assert nights.live(two_outlets(), [ONE], days=1, names=READ)["sync_feeds"] == Count(skipped=1)
    assert nights.asked == [ONE.url]
    assert nights.rows(f"SELECT count(*) FROM entries WHERE feed_id = '{TWO.id}'") == [(5,)]
    assert nights.rows("SELECT state FROM feed_health ORDER BY url") == [("healthy",), ("unlisted",)]
    assert nights.live(two_outlets(), days=2, names=READ)["sync_feeds"] == Count(done=1, skipped=1)
    assert sorted(nights.asked) == [ONE.url, TWO.url]


def test_a_feed_that_is_gone_is_never_asked_again(nights: Nights) -> None:
    web = two_outlets() | {TWO.url: Answer(status=410, reason=Reason.GONE)}
    assert nights.live(web, names=READ)["fetch_feeds"] == Count(done=1, failed=1)
    nights.live(two_outlets(), days=1, names=READ)
    assert nights.asked == [ONE.url]


def test_a_feed_that_failed_is_asked_again_in_the_same_night_and_one_that_answered_is_not(nights: Nights) -> None:
    web = two_outlets() | {TWO.url: Answer(status=None, reason=Reason.TIMEOUT)}
    with nights.begun(web, [ONE, TWO]) as (_, work):
        work["sync_feeds"]()
        assert work["fetch_feeds"]() == Count(done=1, failed=1)
        web |= two_outlets()
        assert work["fetch_feeds"]() == Count(done=1)
    assert nights.asked.count(ONE.url) == 1


@pytest.mark.parametrize(
    ("reason", "ours"), [(Reason.CONNECTION_FAILED, True), (Reason.DNS_FAILED, True), (Reason.NOT_FOUND, False)]
)
def test_a_step_fails_when_most_of_its_items_fail_on_this_side_once_all_rows_are_stored(
    nights: Nights, reason: Reason, ours: bool
) -> None:
    feeds = [feed(f"https://host{n}.example/feed") for n in range(4)]
    web = {f.url: Answer(status=None, reason=reason) for f in feeds[1:]} | {feeds[0].url: rss()}
    with nights.begun(web, feeds) as (db, work):
        work["sync_feeds"]()
        if ours:
            with pytest.raises(StepError, match="this machine's network was away: 3 of 4 requests reached nobody"):
                work["fetch_feeds"]()
        else:
            assert work["fetch_feeds"]() == Count(done=1, failed=3)
        assert db.rows("SELECT count(*) AS n FROM failures WHERE step = 'fetch_feeds'") == [{"n": 3}]
        assert db.rows("SELECT count(*) AS n, count(reason) AS failed FROM fetches") == [{"n": 4, "failed": 3}]
        assert db.rows("SELECT count(*) AS n FROM pages") == [{"n": 1}]


@pytest.mark.parametrize(("items", "failing"), [(3, 3), (4, 2)])
def test_few_items_or_half_of_them_say_nothing_about_this_side(nights: Nights, items: int, failing: int) -> None:
    feeds = [feed(f"https://host{n}.example/feed") for n in range(items)]
    web = {f.url: rss() for f in feeds}
    web |= {f.url: Answer(status=None, reason=Reason.TIMEOUT) for f in feeds[:failing]}
    counts = nights.live(web, feeds, names=STEPS[: STEPS.index("parse_feeds")])
    assert counts["fetch_feeds"] == Count(done=items - failing, failed=failing)


def test_a_step_that_raises_is_stored_with_its_error_and_one_that_does_not_with_its_count(nights: Nights) -> None:
    with nights.begun({}, []) as (db, _):
        run = Run(id="r", flow="test", night_at=NIGHT, started_at=NIGHT)

        def fails() -> Count:
            raise ParseError("https://one.example/feed", Reason.EMPTY)

        with pytest.raises(ParseError):
            pipeline.run_step(db, run, lambda: NIGHT, "parse_feeds", fails)
        counted = pipeline.run_step(db, run, lambda: NIGHT, "parse_feeds", lambda: Count(done=2))
        assert counted == Count(done=2)
        told = db.rows("SELECT attempt, done, error FROM steps WHERE run_id = 'r' ORDER BY attempt")
        assert told == [
            {"attempt": 1, "done": 0, "error": "https://one.example/feed: empty"},
            {"attempt": 2, "done": 2, "error": None},
        ]


# --- articles

C1 = "https://three.example/c1"


def test_an_edited_entry_becomes_a_version_and_no_second_article(nights: Nights) -> None:
    old, new = prose("as it was"), prose("as it is")
    nights.live({ONE.url: rss(Item(link="https://one.example/a", tag=1, text=old))}, [ONE], names=READ)
    for days in (1, 2):
        nights.live({ONE.url: rss(Item(link="https://one.example/a", tag=1, text=new))}, [ONE], days=days, names=READ)
    assert nights.rows("SELECT text FROM articles") == [(f"#1 {new}",)]
    assert nights.rows("SELECT version, text, seen_at::DATE, replaced_at::DATE FROM article_versions") == [
        (1, f"#1 {old}", NIGHT.date(), NIGHT.date() + timedelta(days=1))
    ]
    assert nights.rows("SELECT count(*) FROM entries") == [(1,)]


def test_each_edit_is_a_version_of_its_own(nights: Nights) -> None:
    for days in range(3):
        item = Item(link="https://one.example/a", tag=1, title=f"Title {days}")
        nights.live({ONE.url: rss(item)}, [ONE], days=days, names=READ)
    assert nights.rows("SELECT version, title FROM article_versions ORDER BY ALL") == [(1, "Title 0"), (2, "Title 1")]


def test_a_page_that_fails_leaves_its_reason_and_the_article_of_the_feed_until_it_can_be_reached(
    nights: Nights,
) -> None:
    web = {THREE.url: rss(Item(link=C1, text="a teaser")), C1: Answer(status=503, reason=Reason.SERVER_ERROR)}
    nights.live(web, [THREE], names=READ)
    assert nights.rows("SELECT step, item, item_id, reason FROM failures") == [
        ("fetch_pages", C1, article_id(C1), "server_error")
    ]
    assert nights.rows("SELECT text, text_source FROM articles") == [("#0 a teaser", "feed_content")]
    nights.live(web | {C1: Answer(body=f"<p>{prose('page')}</p>")}, [THREE], days=1, names=READ)
    assert nights.rows("SELECT text, text_source FROM articles") == [(prose("page"), "page")]
    assert nights.rows("FROM article_versions") == []


def test_pages_that_wait_are_not_asked_for_once_a_person_wants_none_of_the_feed(nights: Nights) -> None:
    web = {THREE.url: rss(Item(link=C1, text="a teaser")), C1: Answer(status=503, reason=Reason.SERVER_ERROR)}
    nights.live(web, [THREE], names=READ)
    nights.live(web, [THREE], days=1, names=READ)
    assert C1 in nights.asked
    nights.live(web, [replace(THREE, pages=PagePolicy.NEVER)], days=2, names=READ)
    assert C1 not in nights.asked
    assert nights.rows("FROM todo_pages") == []


@pytest.mark.parametrize(
    ("reason", "attempts", "nights_asked"),
    [(Reason.SERVER_ERROR, 1, 3), (Reason.TIMEOUT, 3, 3), (Reason.NOT_FOUND, 2, 1)],
)
def test_a_page_is_asked_on_three_nights_or_until_its_answer_is_final(
    nights: Nights, reason: Reason, attempts: int, nights_asked: int
) -> None:
    web = {THREE.url: rss(Item(link=C1, text="a teaser")), C1: Answer(status=None, reason=reason)}
    asked = []
    until_pages = STEPS[: STEPS.index("check_feed_anomalies")]
    for days in range(5):
        nights.live(web, [THREE], days=days, names=[*until_pages, *["fetch_pages"] * attempts])
        asked.append(C1 in nights.asked)
    assert asked == [days < nights_asked for days in range(5)]
    changed = web | {THREE.url: rss(Item(link=C1, text="another teaser"))}
    nights.live(changed, [THREE], days=5, names=READ)
    assert C1 in nights.asked


def test_an_article_without_text_or_headline_is_told_once_and_tried_again_when_its_entry_changes(
    nights: Nights,
) -> None:
    empty = {ONE.url: rss(Item(link="https://one.example/a", text="", title="— 12 —"))}
    assert nights.live(empty, [ONE], names=READ)["extract_articles"] == Count(failed=1)
    failure = ("extract_articles", article_id("https://one.example/a"), "no_text")
    assert nights.rows("SELECT step, item_id, reason FROM failures") == [failure]
    assert nights.live(empty, [ONE], days=1, names=READ)["extract_articles"] == Count()
    assert nights.rows("SELECT count(*) FROM articles") == [(0,)]
    full = {ONE.url: rss(Item(link="https://one.example/a"))}
    assert nights.live(full, [ONE], days=2, names=READ)["extract_articles"] == Count(done=1)
    assert nights.rows("SELECT count(*) FROM failures") == [(1,)]


class Crashing:
    """An extractor that crashes on the pages of some sites, on all by default."""

    def __init__(self, *sites: str) -> None:
        self.sites = sites

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        for source, good in zip(sources, PlainExtractor().extract(sources), strict=True):
            if not self.sites or any(site in source.url for site in self.sites):
                error = ExtractError(source.url, Reason.CRASHED, "signal 11")
                yield ExtractOutcome(extraction=None, error=error)
            else:
                yield good


def test_a_site_whose_pages_crash_their_readers_does_not_end_the_night_of_the_others(nights: Nights) -> None:
    hostile = feed("https://hostile.example/feed")
    web = {
        ONE.url: rss(Item(link="https://one.example/a")),
        hostile.url: rss(*(Item(link=f"https://hostile.example/{n}") for n in range(6))),
    }
    with nights.begun(web, [ONE, hostile], extractor=Crashing("hostile")) as (_, work):
        counts = {name: work[name]() for name in READ}
    assert counts["extract_articles"] == Count(done=1, failed=6)


def test_extraction_fails_as_a_step_when_most_articles_crash_once_their_reasons_are_stored(nights: Nights) -> None:
    with nights.begun(two_outlets(), [ONE, TWO], extractor=Crashing()) as (db, work):
        for name in STEPS[: STEPS.index("fetch_pages")]:
            work[name]()
        with pytest.raises(StepError, match="extract_articles: 9 of 9"):
            work["extract_articles"]()
        assert db.rows("SELECT reason, count(*) AS n FROM failures GROUP BY ALL") == [{"reason": "crashed", "n": 9}]


def test_every_sighting_of_an_article_and_of_its_copies_is_a_source(nights: Nights) -> None:
    text = prose("syndicated")
    also_one = feed("https://one.example/other-feed")
    web = {
        ONE.url: rss(Item(link="https://one.example/a", text=text)),
        also_one.url: rss(Item(link="https://one.example/a?utm_source=rss", text=text)),
        TWO.url: rss(Item(link="https://two.example/b", text=text, at=NIGHT - timedelta(hours=1))),
    }
    nights.live(web, [ONE, also_one, TWO])
    nights.live(web, [ONE, also_one, TWO], days=1, names=READ)
    assert nights.rows("SELECT feed, outlet, hours_behind, duplicate_method FROM article_sources ORDER BY ALL") == [
        (ONE.url, "one.example", 0.0, None),
        (also_one.url, "one.example", 0.0, None),
        (TWO.url, "two.example", 2.0, "same_text"),
    ]
    assert nights.rows("SELECT articles, duplicates FROM current_stories") == [(1, 1)]


# --- copies and stories


def copies_of(nights: Nights) -> list[tuple[Any, ...]]:
    return nights.rows("SELECT url, original_url FROM duplicate_articles")


def pair(one: str, two: str, *, tag: int = 1, two_tag: int | None = None, rest: bool = True) -> Web:
    """An article of each outlet, with their texts; `rest` are others that tell something else."""
    others = [Item(link=f"https://two.example/rest{n}", tag=n) for n in (9, 10)] if rest else []
    second = tag if two_tag is None else two_tag
    return {
        ONE.url: rss(Item(link="https://one.example/a", tag=tag, text=one)),
        TWO.url: rss(
            Item(link="https://two.example/b", tag=second, text=two, at=NIGHT - timedelta(hours=1)), *others
        ),
    }


A, B = "https://one.example/a", "https://two.example/b"


def test_a_copy_that_is_none_any_more_after_an_edit_is_freed_and_joins_its_story(nights: Nights) -> None:
    nights.live(pair(prose("x"), prose("x")))
    assert copies_of(nights) == [(B, A)]
    assert frozenset({A}) in nights.stories()
    nights.live(pair(prose("x"), prose("y")), days=1)
    assert copies_of(nights) == []
    assert frozenset({A, B}) in nights.stories()


def test_an_original_that_turns_into_a_copy_leaves_the_story_it_shared(nights: Nights) -> None:
    nights.live(pair(prose("x"), prose("y")))
    assert frozenset({A, B}) in nights.stories()
    nights.live(pair(prose("x"), prose("x")), days=1)
    assert copies_of(nights) == [(B, A)]
    assert frozenset({A}) in nights.stories()
    assert nights.events()[-1] == ("shrank", 1)


def test_a_story_whose_only_article_turns_into_a_copy_is_closed(nights: Nights) -> None:
    nights.live(pair(prose("x"), prose("y"), tag=1, two_tag=2))
    nights.live(pair(prose("x"), prose("x"), tag=1, two_tag=1), days=1)
    assert copies_of(nights) == [(B, A)]
    assert nights.events()[-2:] == [("closed", 0), ("shrank", 0)]
    reasons = nights.rows("SELECT reason FROM story_events WHERE event = 'closed'")
    assert reasons == [("its articles are duplicates of others",)]


def test_a_story_keeps_its_id_over_nights_while_it_grows(nights: Nights) -> None:
    nights.live(two_outlets())
    (story,) = nights.rows("SELECT story_id, articles FROM current_stories WHERE articles > 1")
    item = Item(link="https://one.example/more", tag=1, at=NIGHT + timedelta(hours=20))
    nights.live(two_outlets() | {ONE.url: rss(item)}, days=1)
    assert nights.rows("SELECT story_id, articles FROM current_stories WHERE articles > 1") == [(story[0], 3)]
    assert nights.events()[-1] == ("grew", 3)


def test_topics_keep_their_ids_over_nights(nights: Nights) -> None:
    nights.live(two_outlets())
    topics = nights.rows("SELECT topic_id, born_at FROM topics ORDER BY ALL")
    assert topics
    item = Item(link="https://one.example/more", tag=1, at=NIGHT + timedelta(hours=20))
    nights.live(two_outlets() | {ONE.url: rss(item)}, days=1)
    assert nights.rows("SELECT topic_id, born_at FROM topics ORDER BY ALL") == topics


def test_a_story_without_news_is_closed_once_and_its_articles_stay_in_it(nights: Nights) -> None:
    nights.live(two_outlets())
    before = nights.stories()
    fresh = [
        Item(link=f"https://one.example/new{tag}", tag=tag, at=NIGHT + timedelta(days=6)) for tag in (1, 2, 9, 10)
    ]
    for days in (6.1, 7):
        nights.live({ONE.url: rss(*fresh), TWO.url: rss()}, days=days)
    assert before < nights.stories()
    assert nights.rows("SELECT state, count(*) FROM stories GROUP BY state ORDER BY state") == [
        ("closed", 8), ("living", 4),
    ]  # fmt: skip
    closed = nights.rows("SELECT articles, reason FROM story_events WHERE event = 'closed' ORDER BY articles DESC")
    assert closed == [(2, "no article within the window")] + [(1, "no article within the window")] * 7
    assert nights.rows("SELECT count(*) FROM current_stories") == [(4,)]


def test_an_old_article_shown_for_the_first_time_is_grouped_with_its_like(nights: Nights) -> None:
    nights.live(two_outlets())
    item = Item(link="https://one.example/late", tag=1, at=NIGHT - timedelta(days=3))
    nights.live(two_outlets() | {ONE.url: rss(item)}, days=3)
    assert {"https://one.example/a1", "https://two.example/b1", "https://one.example/late"} in nights.stories()


def test_the_published_file_holds_the_night_that_was_just_lived(nights: Nights) -> None:
    nights.live(two_outlets(), names=STEPS)
    living = nights.rows("FROM current_stories")
    nights.path = nights.published
    assert nights.rows("FROM current_stories") == living
    assert len(living) == 8


def told(*articles: tuple[str, int]) -> Web:
    """One feed with an article for each (name, tag); equal tags are one story to the embedder.

    Two more articles tell other things: vectors are compared after their mean has been taken away.
    """
    others = (("other", 8), ("further", 10))
    return {ONE.url: rss(*(Item(link=f"https://one.example/{name}", tag=tag) for name, tag in (*articles, *others)))}


def ids(*names: str) -> list[str]:
    return [article_id(f"https://one.example/{name}") for name in names]


def urls(*names: str) -> frozenset[str]:
    return frozenset(canonical(f"https://one.example/{name}") for name in names)


def said(kind: CorrectionKind, *, minute: int = 0, **what: Any) -> Correction:
    return new_correction(kind, made_at=NIGHT + timedelta(minutes=minute), **what)


def test_articles_that_a_person_tied_stay_together_on_every_later_night(nights: Nights) -> None:
    web = told(("a", 0), ("b", 7), ("c", 0))
    nights.live(web, (ONE,))
    assert urls("a", "c") in nights.stories()
    nights.said = [said(CorrectionKind.SAME, article_ids=ids("a", "b"))]
    nights.live(web, (ONE,), days=1)
    assert any(urls("a", "b") <= story for story in nights.stories())
    nights.live(told(("a", 0), ("b", 7), ("c", 0), ("d", 3)), (ONE,), days=2)
    assert any(urls("a", "b") <= story for story in nights.stories())


def test_articles_that_a_person_parted_stay_apart_and_an_undo_brings_them_together_again(nights: Nights) -> None:
    web = told(("a", 0), ("b", 0), ("c", 0))
    nights.live(web, (ONE,))
    assert urls("a", "b", "c") in nights.stories()
    parted = said(CorrectionKind.DIFFERENT, article_ids=ids("a"), other_article_ids=ids("b", "c"))
    nights.said = [parted]
    nights.live(web, (ONE,), days=1)
    assert {urls("a"), urls("b", "c")} <= nights.stories()
    assert [event for event, _ in nights.events()].count("split") == 1
    nights.said = [parted, said(CorrectionKind.UNDO, minute=1, undoes=parted.id)]
    nights.live(web, (ONE,), days=2)
    assert urls("a", "b", "c") in nights.stories()
    assert nights.rows("SELECT kind, is_active FROM story_corrections") == [("different", False), ("undo", False)]


def test_settled_articles_that_a_person_tied_to_new_ones_join_them_whatever_their_age(nights: Nights) -> None:
    nights.live(told(("old", 0)), (ONE,))
    late = {ONE.url: rss(Item(link="https://one.example/new", tag=7, at=NIGHT + timedelta(days=9)))}
    nights.live(late, (ONE,), days=10)
    assert {urls("old"), urls("new")} <= nights.stories()
    nights.said = [said(CorrectionKind.SAME, article_ids=ids("old", "new"))]
    nights.live(late, (ONE,), days=10.5)
    assert urls("old", "new") in nights.stories()
    assert nights.rows("SELECT count(*) FROM stories WHERE state = 'living'") == [(1,)]


def test_a_story_that_a_person_named_keeps_the_name_until_it_is_taken_back(nights: Nights) -> None:
    nights.live(told(("a", 0)), (ONE,))
    asked = (
        "SELECT headline, articles FROM current_stories WHERE story_id IN "
        f"(SELECT story_id FROM current_story_articles WHERE article_id = '{ids('a')[0]}')"
    )
    plain = nights.rows(asked)
    named = said(CorrectionKind.RENAME, article_ids=ids("a"), headline="What it is about")
    nights.said = [named]
    nights.live(told(("a", 0)), (ONE,), days=1)
    assert nights.rows(asked) == [("What it is about", 1)]
    nights.live(told(("a", 0), ("b", 0)), (ONE,), days=2)  # it grows, and keeps the name
    assert nights.rows(asked) == [("What it is about", 2)]
    nights.said = [named, said(CorrectionKind.UNDO, minute=1, undoes=named.id)]
    nights.live(told(("a", 0), ("b", 0)), (ONE,), days=3)
    assert nights.rows(asked)[0][0] in {"About 0 at https://one.example/a", "About 0 at https://one.example/b"}
    assert nights.rows("SELECT count(*) FROM story_events WHERE event = 'renamed'") == [(2,)]
    assert plain == [("About 0 at https://one.example/a", 1)]


def test_a_correction_of_a_copy_counts_for_its_original(nights: Nights) -> None:
    text = prose("one text")
    feeds = rss(
        Item(link="https://one.example/a", tag=0, text=text, at=NIGHT - timedelta(hours=5)),
        Item(link="https://one.example/copy", tag=0, text=text),
        Item(link="https://one.example/b", tag=7),
    )
    nights.said = [said(CorrectionKind.SAME, article_ids=ids("copy", "b"))]
    nights.live({ONE.url: feeds}, (ONE,))
    assert nights.rows("SELECT count(*) FROM duplicates") == [(1,)]
    assert nights.stories() == {urls("a", "b")}


def test_any_past_morning_can_be_seen_as_it_was(nights: Nights) -> None:
    nights.live(told(("a", 0)), (ONE,))
    nights.live(told(("a", 0), ("b", 0), ("c", 7)), (ONE,), days=1)
    nights.said = [said(CorrectionKind.SAME, article_ids=ids("a", "b", "c"))]
    nights.live(told(("a", 0), ("b", 0), ("c", 7)), (ONE,), days=2)

    def as_of(days: float) -> list[int]:
        moment = (NIGHT + timedelta(days=days, hours=8)).replace(tzinfo=None)
        return sorted(n for (n,) in nights.rows(f"SELECT articles FROM stories_as_of(TIMESTAMP '{moment}')"))

    assert as_of(-1) == []
    assert as_of(0) == [1, 1, 1]
    assert as_of(1) == [1, 1, 1, 2]
    assert as_of(2) == [1, 1, 3]


# --- words of the archive


def words_of_archive(nights: Nights) -> WordCounts:
    with Database(nights.path) as db:
        return store_words.word_counts(db)


def words_of_articles(nights: Nights) -> WordCounts:
    """What counting the stored articles at once gives."""
    rows = nights.rows("SELECT title, text FROM articles ANTI JOIN duplicates USING (article_id)")
    return word_rarity.count_words((title, text[: word_rarity.LEAD_CHARACTERS]) for title, text in rows)


def test_the_words_of_every_original_are_counted(nights: Nights) -> None:
    nights.live(two_outlets())
    assert words_of_archive(nights) == words_of_articles(nights)
    assert words_of_archive(nights).documents == 9
    more = Item(link="https://one.example/more", tag=1, at=NIGHT + timedelta(hours=20))
    nights.live(two_outlets() | {ONE.url: rss(more)}, days=1)
    assert words_of_archive(nights) == words_of_articles(nights)
    assert words_of_archive(nights).documents == 10


def test_an_article_is_counted_once_although_it_is_edited_or_linked_by_another_linker(nights: Nights) -> None:
    web = {ONE.url: rss(Item(link="https://one.example/a", tag=1), Item(link="https://one.example/b", tag=2))}
    edited = {ONE.url: rss(Item(link="https://one.example/a", tag=1, text=prose("an edit")))}
    nights.live(web, [ONE])
    before = words_of_archive(nights)
    assert before.documents == 2
    assert nights.live(edited, [ONE], days=1)["link_articles"].done == 1
    assert words_of_archive(nights) == before
    with nights.begun(edited, [ONE], days=2) as (db, _):
        run = runs.begin_run(db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
        linked = pipeline.link_articles(db, run, CentredCosine(floor=0.5), TaggedEmbedder.name, WINDOW_DAYS)
        assert linked.done == 2
        assert store_words.word_counts(db) == before


def test_words_that_a_killed_night_linked_and_did_not_count_are_counted_on_the_next(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(store_words, "add_word_counts", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nights.live(two_outlets())
    assert nights.rows("SELECT count(*) FROM link_progress") == [(9,)]
    assert words_of_archive(nights) == WordCounts()
    assert nights.live(two_outlets(), days=1)["link_articles"] == Count(skipped=9)
    assert words_of_archive(nights) == words_of_articles(nights)


def test_counting_that_fails_half_way_leaves_nothing_counted(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.live(two_outlets(), names=STEPS[: STEPS.index("link_articles")])
    execute = Database.execute

    def fails_at_the_mark(db: Database, sql: str, *given: Any) -> None:
        if sql.startswith("UPDATE link_progress SET words_counted_at"):
            raise ZeroDivisionError
        execute(db, sql, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "execute", fails_at_the_mark)
        with pytest.raises(ZeroDivisionError):
            nights.live(two_outlets(), names=["link_articles"])
    assert nights.rows("SELECT count(*) FROM word_counts") == [(0,)]
    nights.live(two_outlets(), names=["link_articles"])
    assert words_of_archive(nights) == words_of_articles(nights)


class Recording(CentredCosine):
    """Keeps the words that it was told of earlier nights."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[WordCounts] = []

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        self.told.append(window.words)
        return super().link(window, fresh)


def test_a_linker_is_told_the_words_of_earlier_nights_and_none_of_tonight(nights: Nights) -> None:
    recording, counted = Recording(), []
    for days in range(3):
        items = [Item(link=f"https://one.example/{n}", tag=n, at=NIGHT + timedelta(days=n)) for n in range(days + 1)]
        with nights.begun({ONE.url: rss(*items)}, [ONE], days=days) as (db, work):
            for name in STEPS[: STEPS.index("link_articles")]:
                work[name]()
            now = NIGHT + timedelta(days=days)
            run = runs.begin_run(db, flow="test", night_at=now, started_at=now, settings={})
            pipeline.link_articles(db, run, recording, TaggedEmbedder.name, WINDOW_DAYS)
            counted.append(store_words.word_counts(db))
    assert [told.documents for told in recording.told] == [0, 1, 2]
    assert recording.told == [WordCounts(), *counted[:-1]]


def test_two_articles_are_judged_alike_whatever_else_comes_on_the_same_night(tmp_path: Path) -> None:
    """By the pair model, to whom the words that `others` repeat would be less rare if they counted tonight."""
    pair_told = "Veloria closes its battery plant in Brest", "Veloria shuts the Brest battery plant"
    judged = []
    for others in (0, 3):
        (tmp_path / str(others)).mkdir()
        nights, embedder = Nights(tmp_path / str(others)), DirectionEmbedder()
        titles = [*pair_told, *(f"Veloria, Brest and battery number {n}" for n in range(others))]
        items = [
            Item(link=f"https://one.example/{n}", title=title, text=f"{title}. {prose(title, 20)}")
            for n, title in enumerate(titles)
        ]
        with nights.begun({ONE.url: rss(*items)}, [ONE]) as (db, work):
            for name in STEPS[: STEPS.index("embed_articles")]:
                work[name]()
            run = runs.begin_run(db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
            pipeline.embed_articles(db, run, embedder, 300)
            pipeline.link_articles(db, run, PairModel(floor=0), embedder.name, WINDOW_DAYS)
            found = db.rows("SELECT article_a, article_b, probability, evidence FROM links ORDER BY ALL")
            assert len(found) == (2 + others) * (1 + others) // 2  # every two of them
            assert store_words.word_counts(db).stems["veloria"] == 2 + others
        names = {article_id(f"https://one.example/{n}") for n in range(2)}
        judged.append([link for link in found if {link["article_a"], link["article_b"]} == names])
    assert judged[0] == judged[1]


# --- a database of an earlier version


def test_a_database_of_version_2_gets_vectors_of_titles_and_counts_of_words_on_its_next_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "now").mkdir()
    (tmp_path / "then").mkdir()
    now, then = Nights(tmp_path / "now"), Nights(tmp_path / "then")
    now.live(two_outlets(etag="v1"))
    of_then = migrations()[:2]
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: of_then)
        patched.setattr(database, "sql_files", lambda folder: [])
        Database(then.path, now=NIGHT).close()
    with duckdb.connect(str(then.path), config={"threads": 1}) as connection:
        connection.execute(f"ATTACH '{now.path}' AS later (READ_ONLY)")
        described = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = $1 ORDER BY ALL"
        present = set(connection.execute(described, ["later"]).fetchall())
        columns = connection.execute(described, [then.path.stem]).fetchall()
        for table, group in groupby(columns, key=itemgetter(0)):
            if table in ("migrations", "fingerprints"):  # prints are taken anew where there are none
                continue
            later = TABLES.get(table, table)
            names = {name: COLUMNS.get(later, {}).get(name, name) for _, name in group}
            shared = ", ".join(f"{new} AS {old}" for old, new in names.items() if (later, new) in present)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT {shared} FROM later.{later}")
    assert then.rows("SELECT max(number) FROM migrations") == [(2,)]
    assert then.rows("SELECT count(vector) FROM embeddings") == [(9,)]

    counts = then.live(two_outlets(etag="v1"), days=1)
    assert (counts["parse_feeds"], counts["embed_articles"], counts["link_articles"]) == (
        Count(), Count(done=9), Count(done=9),
    )  # fmt: skip
    for told in ("article_id, vector, title_vector FROM embeddings", "word, kind, occurrences FROM word_counts"):
        assert then.rows(f"SELECT {told} ORDER BY ALL") == now.rows(f"SELECT {told} ORDER BY ALL")
    assert then.rows("SELECT count(title_vector) FROM embeddings") == [(9,)]
    assert words_of_archive(then) == words_of_articles(then)
    assert then.stories() == now.stories()
    assert then.live(two_outlets(etag="v1"), days=2)["embed_articles"] == Count()
