"""How a night begins and ends: with Prefect away, with what it needs broken; recorded, told, and seen by status."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from prefect.client.schemas.objects import FlowRun

from flows import lifecycle, nightly
from flows.demo import demo_settings, write_settings
from flows.lifecycle import caught_up, prefect_problem
from flows.steps import Night
from newsclust import pipeline
from newsclust.demo import LoopbackServer, Reply
from newsclust.errors import SettingsError, StepError, StoreError
from newsclust.model import Count, Feed, PagePolicy, id_of
from newsclust.night_record import NightAttempt, NightOutcome, NightRecord, only_night, read_record, write_record
from newsclust.settings import EmbedSettings, NightSettings, NotifySettings, PairSettings, Settings, StorySettings
from newsclust.store import Database, open_published, runs
from tests.loopback import RoutedServer, answering

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
NIGHT = datetime(2026, 2, 3, 22, tzinfo=UTC)
PIER = "http://pier.example/feed"
DOCUMENT = b"""<rss version="2.0"><channel><title>The Pier</title><item><title>Harbour crane stops #1</title>
<link>http://pier.example/crane</link><guid>crane</guid><pubDate>Tue, 03 Feb 2026 10:00:00 GMT</pubDate>
<description>A crane in the old harbour stopped at noon and nobody has a spare bearing.</description>
</item></channel></rss>"""


@pytest.fixture
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer({PIER: Reply(body=DOCUMENT, content_type="application/rss+xml")}) as served:
        yield served


@pytest.fixture
def settings(loopback: LoopbackServer, tmp_path: Path) -> Settings:
    feed = Feed(id=id_of(PIER), url=PIER, title="The Pier", language="en", pages=PagePolicy.NEVER)
    return demo_settings(loopback, [feed], tmp_path).model_copy(
        update={
            "embed": EmbedSettings(use="tests.fakes:TaggedEmbedder"),
            "pairs": PairSettings(use="newsclust.stories.pairs:CentredCosine"),
            "stories": StorySettings(use="newsclust.stories.clustering:AverageLinkage"),
            "night": NightSettings(retries=0),
        }
    )


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    return write_settings(settings, tmp_path / "newsclust.toml")


def newsclust(*arguments: str, prefect: str, most_bytes: int | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `newsclust ...` with this Prefect API, its files limited to so many bytes each."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.run(
        [sys.executable, "-m", "newsclust", *arguments],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": prefect, "PREFECT_CLIENT_MAX_RETRIES": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=limit,
    )


# ---------------------------------------------------------------- Prefect is away


@pytest.mark.parametrize("how", ["nobody listens", "it answers 503"])
def test_a_night_is_lived_without_a_prefect_that_is_away_and_says_so(
    how: str, config: Path, settings: Settings, server: RoutedServer
) -> None:
    url = "http://127.0.0.1:9/api"
    if how == "it answers 503":
        url = f"http://127.0.0.1:{server.port}/api"
        server.routes["/api/health"] = answering("503 Service Unavailable")
    ended = newsclust("night", "--config", str(config), "--at", NIGHT.isoformat(), prefect=url)
    assert ended.returncode == 0, ended.stderr
    assert "Prefect was away, the night was lived without it" in ended.stderr
    assert "publish: 1 done" in ended.stderr
    with open_published(settings.paths.published) as connection:
        nights = connection.execute("SELECT outcome, new_articles FROM nightly_summary").fetchall()
        notices = connection.execute("SELECT kind FROM night_notices").fetchall()
    assert (nights, notices) == ([("finished", 1)], [("orchestrator",)])
    assert newsclust("status", "--config", str(config), prefect=url).returncode == 0


class GoneAtTheEnd:
    """The flow of a Prefect that goes away when it is to be told how the night ended."""

    def __init__(self, flow: Any) -> None:
        self.fn = flow.fn

    def __call__(self, **parameters: Any) -> None:
        try:
            self.fn(**parameters)
        finally:
            raise httpx.ReadTimeout("Prefect is gone")


class GoneAtTheBeginning(GoneAtTheEnd):
    """The flow of a Prefect that fails before the night begins."""

    def __call__(self, **parameters: Any) -> None:
        raise RuntimeError("the temporary server did not start")


@pytest.fixture
def without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "prefect_problem", lambda: None)


@pytest.mark.usefixtures("without_a_server")
def test_a_good_night_of_which_prefect_could_not_be_told_is_a_good_night(
    config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(nightly, "nightly", GoneAtTheEnd(nightly.nightly))
    nightly.live_night(config, NIGHT)
    assert "the night was lived, but Prefect could not be told: Prefect is gone" in caplog.text
    record = read_record(settings.paths.published)
    assert record is not None
    assert record.last.outcome is NightOutcome.FINISHED
    with Database(settings.paths.database) as db:
        assert db.column("SELECT outcome FROM runs") == ["finished"]  # it was lived once


@pytest.mark.usefixtures("without_a_server")
def test_a_bad_night_of_which_prefect_could_not_be_told_ends_with_its_own_error(
    config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.paths.feeds.write_text("[[feed]]\nurl = 7\n")
    monkeypatch.setattr(nightly, "nightly", GoneAtTheEnd(nightly.nightly))
    with pytest.raises(SettingsError, match="feed 1"):
        nightly.live_night(config, NIGHT)


@pytest.mark.usefixtures("without_a_server")
def test_a_night_that_prefect_cannot_begin_is_lived_without_it(
    config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "nightly", GoneAtTheBeginning(nightly.nightly))
    nightly.live_night(config, NIGHT)
    with Database(settings.paths.database) as db:
        assert db.column("SELECT text FROM run_notices WHERE kind = 'orchestrator'") == [
            "Prefect was away, the night was lived without it: RuntimeError: the temporary server did not start"
        ]


class Task:
    """A step as a Prefect task: with Prefect it fails as it is told to, without it the work is done."""

    name = "embed_articles"

    def __init__(self, *errors: Exception, night: Night | None = None) -> None:
        self.errors = list(errors)
        self.asked = self.done = 0
        self.night = night

    def with_options(self, **_: Any) -> Any:
        def tried(_night: Night) -> Count:
            self.asked += 1
            if self.night is not None:
                self.night.raised = self.errors[0]
            raise self.errors[0]

        return tried

    def fn(self, _night: Night) -> Count:
        self.done += 1
        if len(self.errors) > self.done:
            raise self.errors[self.done]
        return Count(done=1)


@pytest.fixture
def night(settings: Settings) -> Iterator[Night]:
    eager = settings.model_copy(update={"night": NightSettings(retries=2, retry_delay_s=0)})
    with Database(settings.paths.database) as db:
        run = runs.begin_run(db, flow="nightly", night_at=NIGHT, started_at=NIGHT, settings={})
        yield Night(settings=eager, db=db, run=run, clock=pipeline.night_clock(NIGHT), in_prefect=True)


def test_when_prefect_goes_away_under_way_the_steps_go_on_without_it(night: Night) -> None:
    first, second = Task(httpx.ConnectError("refused")), Task(httpx.ConnectError("refused"))
    assert night.step(first).done == 1
    assert night.step(second).done == 1
    assert (first.asked, first.done, second.asked, second.done) == (1, 1, 0, 1)
    assert night.db.column("SELECT kind FROM run_notices") == ["orchestrator"]


def test_an_error_of_the_work_itself_is_not_taken_for_one_of_prefect(night: Night) -> None:
    task = Task(httpx.ConnectError("the model hub is away"), night=night)
    with pytest.raises(httpx.ConnectError, match="model hub"):
        night.step(task)
    assert (task.asked, task.done, night.in_prefect) == (1, 0, True)


def test_without_prefect_a_step_is_tried_again_as_the_settings_say_and_final_errors_are_not(night: Night) -> None:
    night.in_prefect = False
    shaky = Task(ValueError("unused"), StepError("the network"), StepError("the network"))
    assert night.step(shaky).done == 1
    assert shaky.done == 3
    wrong = Task(ValueError("unused"), SettingsError("no such model"))
    with pytest.raises(SettingsError):
        night.step(wrong)
    assert wrong.done == 1


# ---------------------------------------------------------------- what ends a night is recorded and told


def ended(settings: Settings) -> NightAttempt:
    record = read_record(settings.paths.published)
    assert record is not None
    return record.last


def test_a_night_with_wrong_settings_is_recorded_where_its_operator_looks(config: Path, settings: Settings) -> None:
    config.write_text(config.read_text() + "\n[topics]\nspeed = 'fast'\n")
    with pytest.raises(SettingsError):
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert (ended(settings).outcome, ended(settings).exit_code) == (NightOutcome.FAILED, 2)
    assert "topics.speed" in str(ended(settings).error)


def test_a_night_that_cannot_open_its_database_is_recorded(config: Path, settings: Settings) -> None:
    settings.paths.database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError):
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert (ended(settings).outcome, ended(settings).exit_code) == (NightOutcome.FAILED, 3)


def test_a_lost_working_file_beside_a_published_one_is_not_replaced_by_an_empty_archive(
    config: Path, settings: Settings
) -> None:
    settings.paths.published.parent.mkdir(parents=True, exist_ok=True)
    settings.paths.published.write_bytes(b"what a year of nights published")
    with pytest.raises(StoreError, match=r"newsclust restore.*begin anew"):
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert (ended(settings).outcome, ended(settings).exit_code) == (NightOutcome.FAILED, 3)
    assert not settings.paths.database.exists()
    assert settings.paths.published.read_bytes() == b"what a year of nights published"


def test_a_night_beside_another_one_is_refused_and_recorded(config: Path, settings: Settings) -> None:
    with only_night(settings.paths.database), pytest.raises(StoreError, match="is under way"):
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert ended(settings).outcome is NightOutcome.FAILED


@pytest.mark.parametrize(
    "error",
    [duckdb.FatalException("database has been invalidated"), OSError(28, "No space left on device", "a.duckdb")],
    ids=["DuckDB", "disk"],
)
def test_a_night_whose_disk_or_database_gives_up_ends_with_an_error_of_the_store(
    error: Exception, config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "update_feed_health", broken)
    monkeypatch.setattr(lifecycle.runs, "finish_run", broken)  # nor can the end be stored
    monkeypatch.setattr(lifecycle.report, "summary_markdown", broken)
    with pytest.raises(StoreError) as caught:
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert caught.value.exit_code == 3
    assert str(error).split("]")[-1].strip().split(":")[0] in str(caught.value)
    assert ended(settings).exit_code == 3


def test_a_night_whose_disk_takes_no_more_ends_with_its_own_error_and_the_next_one_goes_on(
    config: Path, settings: Settings
) -> None:
    """No file of the night's process may grow beyond 300 kB, which stands for a disk without a free byte."""
    command = ["night", "--config", str(config), "--at", NIGHT.isoformat()]
    limited = newsclust(*command, prefect="http://127.0.0.1:9/api", most_bytes=300_000)
    assert limited.returncode == 3, limited.stderr
    assert limited.stderr.splitlines()[-1].startswith("newsclust: ")
    assert "Traceback" not in limited.stderr
    assert ended(settings).exit_code == 3
    assert newsclust("status", "--check", "--config", str(config), prefect="").returncode == 2
    assert newsclust(*command, prefect="http://127.0.0.1:9/api").returncode == 0
    assert ended(settings).outcome is NightOutcome.FINISHED


def test_a_failed_night_and_then_a_killed_one_are_told_once_each(
    config: Path, settings: Settings, server: RoutedServer
) -> None:
    told = settings.model_copy(update={"notify": NotifySettings(to=[f"json://127.0.0.1:{server.port}/told"])})
    write_settings(told, config)
    settings.paths.feeds.write_text("[[feed]]\nurl = 7\n")
    with pytest.raises(SettingsError):
        nightly.nightly.fn(config=config, night_at=NIGHT)
    assert [visit.path for visit in server.visits] == ["/told"]

    killed = NightAttempt(night_at=NIGHT + timedelta(days=1), started_at=datetime.now(UTC))
    write_record(settings.paths.published, NightRecord(last=killed))
    for _ in range(2):
        lifecycle.report_standing(told, datetime.now(UTC))
    assert [visit.path for visit in server.visits] == ["/told", "/told"]


def test_after_a_good_night_its_ping_is_requested_and_after_a_bad_one_not(
    config: Path, settings: Settings, server: RoutedServer
) -> None:
    server.routes["/ping"] = answering()
    pinged = settings.model_copy(update={"notify": NotifySettings(ping=f"http://127.0.0.1:{server.port}/ping")})
    write_settings(pinged, config)
    nightly.nightly.fn(config=config, night_at=NIGHT)
    assert [visit.path for visit in server.visits] == ["/ping"]
    settings.paths.feeds.write_text("[[feed]]\nurl = 7\n")
    with pytest.raises(SettingsError):
        nightly.nightly.fn(config=config, night_at=NIGHT + timedelta(days=1))
    assert len(server.visits) == 1


# ---------------------------------------------------------------- a missed hour is caught up once


class Context:
    """Prefect's context of a flow run that was scheduled for an hour, or started by hand."""

    def __init__(self, hour: datetime, *, scheduled: bool) -> None:
        self.flow_run = FlowRun.model_construct(auto_scheduled=scheduled, expected_start_time=hour)


@pytest.mark.parametrize(
    ("lived_after_h", "scheduled", "has_nothing_to_do"),
    [(5, True, True), (-5, True, False), (5, False, False)],
    ids=["lived since", "lived before", "by hand"],
)
def test_of_the_runs_that_a_sleeping_machine_missed_the_first_catches_up_for_all(
    lived_after_h: float,
    scheduled: bool,
    has_nothing_to_do: bool,
    config: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = NIGHT + timedelta(hours=lived_after_h)
    good = NightAttempt(night_at=at, started_at=at).ended(at)
    write_record(settings.paths.published, NightRecord(last=good, last_good=good))
    context = Context(NIGHT, scheduled=scheduled)
    monkeypatch.setattr(lifecycle.FlowRunContext, "get", classmethod(lambda _: context))
    assert (caught_up(config) is not None) == has_nothing_to_do


def test_a_night_in_2031_has_caught_up_for_none(
    config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime.now(UTC) + timedelta(days=1800)
    good = NightAttempt(night_at=later, started_at=later).ended(later)
    write_record(settings.paths.published, NightRecord(last=good, last_good=good))
    monkeypatch.setattr(lifecycle.FlowRunContext, "get", classmethod(lambda _: Context(NIGHT, scheduled=True)))
    assert caught_up(config) is None


def test_a_run_that_begins_while_its_hour_is_being_caught_up_has_nothing_to_do(
    config: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = NightAttempt(night_at=NIGHT, started_at=NIGHT + timedelta(minutes=7))
    write_record(settings.paths.published, NightRecord(last=running))
    monkeypatch.setattr(lifecycle.FlowRunContext, "get", classmethod(lambda _: Context(NIGHT, scheduled=True)))
    assert caught_up(config) is None  # it was killed
    with only_night(settings.paths.database):
        assert caught_up(config) is not None
    write_record(settings.paths.published, NightRecord(last=replace(running, started_at=NIGHT - timedelta(hours=1))))
    with only_night(settings.paths.database):
        assert caught_up(config) is None


def test_a_prefect_that_answers_is_no_problem(prefect_server: str) -> None:
    assert prefect_problem() is None
