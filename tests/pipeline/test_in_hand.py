"""A document with which a night broke is set aside after one night, and said; a step has a budget of time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsclust import pipeline
from newsclust.errors import Reason, StepOverBudgetError
from newsclust.extract import ExtractOutcome
from newsclust.model import ArticleInput, Count, Feed, PagePolicy, Run, id_of
from newsclust.pipeline.in_hand import InHand
from newsclust.store import Database, runs
from tests.fakes import Answer, DictFetcher, PlainExtractor

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
FEED = Feed(id=id_of("https://one.example/feed"), url="https://one.example/feed", title="One", pages=PagePolicy.NEVER)
ITEMS = "".join(
    f"<item><title>Story {n}</title><link>https://one.example/{n}</link>"
    f"<description>Words of story {n}, which say something of it.</description></item>"
    for n in range(5)
)
WEB = {FEED.url: Answer(body=f"<rss version='2.0'><channel><title>One</title>{ITEMS}</channel></rss>")}


class Breaking:
    """An Extractor that breaks at one article."""

    def __init__(self, at: str, how: BaseException) -> None:
        self.at, self.how = at, how

    def extract(self, sources: Sequence[ArticleInput]) -> Iterator[ExtractOutcome]:
        for source in sources:
            if source.url == self.at:
                raise self.how
            yield from PlainExtractor().extract([source])


def broken_off(db: Database, feed_id: str) -> None:
    with InHand(db, "parse_feeds") as in_hand:
        in_hand.hold(feed_id)
        raise StepOverBudgetError("too long")


def begun(db: Database, number: int) -> Run:
    at = NIGHT.replace(day=NIGHT.day + number)
    return runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={})


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as opened:
        run = begun(opened, 0)
        pipeline.sync_feeds(opened, run, [FEED])
        pipeline.fetch_feeds(opened, run, DictFetcher(WEB, lambda: NIGHT))
        pipeline.parse_feeds(opened, run, lambda: NIGHT)
        yield opened


def test_the_article_at_which_a_night_broke_is_set_aside_the_next_night_and_said(db: Database) -> None:
    hostile = "https://one.example/3"
    with pytest.raises(StepOverBudgetError):
        pipeline.extract_articles(db, begun(db, 1), lambda: NIGHT, Breaking(hostile, StepOverBudgetError("too long")))
    run = begun(db, 2)
    count = pipeline.extract_articles(db, run, lambda: NIGHT, PlainExtractor())
    assert count == Count(done=4, failed=1)
    (failure,) = db.rows("SELECT step, reason, run_id FROM failures")
    assert failure == {"step": "extract_articles", "reason": Reason.SET_ASIDE, "run_id": run.id}
    (notice,) = db.rows("SELECT kind, text FROM night_notices")
    assert notice["kind"] == "set_aside"
    assert hostile in notice["text"]
    assert pipeline.extract_articles(db, begun(db, 3), lambda: NIGHT, PlainExtractor()) == Count()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_what_ends_for_another_reason_sets_nothing_aside(db: Database, error: BaseException) -> None:
    with pytest.raises(type(error)):
        pipeline.extract_articles(db, begun(db, 1), lambda: NIGHT, Breaking("https://one.example/3", error))
    assert pipeline.extract_articles(db, begun(db, 2), lambda: NIGHT, PlainExtractor()) == Count(done=5)


def test_a_feed_document_at_which_a_night_broke_is_set_aside_until_it_changes(tmp_path: Path) -> None:
    with Database(tmp_path / "work.duckdb", now=NIGHT) as db:
        run = begun(db, 0)
        pipeline.sync_feeds(db, run, [FEED])
        pipeline.fetch_feeds(db, run, DictFetcher(WEB, lambda: NIGHT))
        with pytest.raises(StepOverBudgetError):
            broken_off(db, FEED.id)
        assert pipeline.parse_feeds(db, begun(db, 1), lambda: NIGHT) == Count(failed=1)
        assert pipeline.parse_feeds(db, begun(db, 2), lambda: NIGHT) == Count()
        assert [row["reason"] for row in db.rows("FROM failures")] == [Reason.SET_ASIDE]


def test_a_killed_process_leaves_the_note_of_what_it_had_in_hand(db: Database) -> None:
    lines = (
        "import os, signal",
        "from pathlib import Path",
        "from types import SimpleNamespace",
        "from newsclust.pipeline.in_hand import InHand",
        f"with InHand(SimpleNamespace(path=Path({str(db.path)!r})), 'extract_articles') as in_hand:",
        "    in_hand.hold('an article')",
        "    os.kill(os.getpid(), signal.SIGKILL)",
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=environment, check=False)
    with InHand(db, "extract_articles") as in_hand:
        assert in_hand.broken == "an article"


def in_python(_: Database) -> Count:
    while True:
        time.sleep(0.01)


def in_the_database(db: Database) -> Count:
    return Count(done=db.value("SELECT count(*) FROM range(1000000000000) AS numbers(n) WHERE hash(n) % 7 = 3"))


@pytest.mark.parametrize("work", [in_python, in_the_database])
def test_a_step_that_takes_too_long_ends_with_its_name(db: Database, work: Callable[[Database], Count]) -> None:
    def endless() -> Count:
        return work(db)

    started = time.monotonic()
    with pytest.raises(StepOverBudgetError, match="group_stories: not done within"):
        pipeline.run_step(db, begun(db, 1), lambda: NIGHT, "group_stories", endless, limit_s=0.2)
    assert time.monotonic() - started < 5
    assert pipeline.run_step(db, begun(db, 2), lambda: NIGHT, "check", lambda: Count(done=1), limit_s=5) == Count(
        done=1
    )


@pytest.mark.timeout(120)
def test_a_query_that_takes_too_long_ends_at_whatever_moment_that_is_found(db: Database) -> None:
    """A query goes on in DuckDB's own threads, and the next one on the connection once waited for them for ever."""
    run = begun(db, 1)
    for number in range(1, 60):
        with pytest.raises(StepOverBudgetError):
            pipeline.run_step(
                db, run, lambda: NIGHT, "group_stories", lambda: in_the_database(db), limit_s=number / 5000
            )
        assert db.value("SELECT 1") == 1


@pytest.mark.timeout(120)
def test_a_transaction_that_is_left_in_a_query_is_rolled_back_at_once(db: Database) -> None:
    def left(*_: object) -> None:
        raise KeyboardInterrupt

    def begun_and_left() -> None:
        with db.transaction():
            db.execute("DELETE FROM entries")
            in_the_database(db)

    before = signal.signal(signal.SIGALRM, left)
    try:
        for number in range(1, 30):
            signal.setitimer(signal.ITIMER_REAL, 0.05 + number / 5000)
            with pytest.raises((KeyboardInterrupt, RuntimeError)):
                begun_and_left()
            assert db.value("SELECT count(*) FROM entries") == 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
