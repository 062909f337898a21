"""The night as a flow: order, retries, failures, and being killed half-way. Two feeds on loopback, no model."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from flows.demo import demo_settings, visible, write_settings
from flows.nightly import main, nightly
from newsclust.demo import LoopbackServer, Reply, Site
from newsclust.errors import CheckError, SettingsError, StoreError
from newsclust.model import Feed, PagePolicy, id_of
from newsclust.night_record import NightOutcome, read_record
from newsclust.settings import (
    EmbedSettings,
    ExtractSettings,
    FetchSettings,
    NightSettings,
    PairSettings,
    Settings,
    StorySettings,
)
from newsclust.sources.feeds_toml import write_feeds
from newsclust.store import Database, open_published

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
FIRST = datetime(2026, 2, 3, 22, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
STEPS = [
    "mend_clock",
    "fetch_lists",
    "sync_feeds",
    "fetch_feeds",
    "parse_feeds",
    "check_feed_anomalies",
    "fetch_pages",
    "plan_feeds",
    "update_feed_health",
    "extract_articles",
    "sync_outlets",
    "find_duplicates",
    "embed_articles",
    "link_articles",
    "sync_corrections",
    "group_stories",
    "find_rewrites",
    "group_topics",
    "prune",
    "index_articles",
    "check",
    "publish",
]
FEEDS = [
    Feed(
        id=id_of("http://pier.example/feed"),
        url="http://pier.example/feed",
        title="The Pier",
        language="en",
        pages=PagePolicy.ALWAYS,
    ),
    Feed(
        id=id_of("http://quai.example/flux"),
        url="http://quai.example/flux",
        title="Le Quai",
        language="fr",
        pages=PagePolicy.NEVER,
    ),
]
# (feed, name, title, text); the tag in the title is the event that the article tells (TaggedEmbedder).
TOLD_FIRST = [
    (
        0,
        "crane",
        "Harbour crane stops #1",
        "A crane in the old harbour stopped at noon and nobody has a spare bearing.",
    ),
    (0, "ferry", "Ferry changes its hours #2", "From Monday the small ferry leaves a quarter of an hour earlier."),
    (
        1,
        "grue",
        "La grue du port est en panne #1",
        "La grue du vieux port ne tourne plus, faute d'un roulement neuf.",
    ),
    (1, "phare", "Le phare rouvre au public #3", "On peut de nouveau monter les deux cents marches du phare."),
]
TOLD_SECOND = [
    *TOLD_FIRST,
    (1, "bac", "Le petit bac part plus tôt #2", "Le petit bac quittera le quai un quart d'heure plus tôt dès lundi."),
]


def site(told: list[tuple[int, str, str, str]]) -> Site:
    shown: dict[str, Reply] = {}
    for number, feed in enumerate(FEEDS):
        home = feed.url.rpartition("/")[0]
        items = "".join(
            f"<item><title>{escape(title)}</title><link>{home}/{name}</link><guid>{home}/{name}</guid>"
            f"<pubDate>Tue, 03 Feb 2026 1{place}:00:00 GMT</pubDate><description>{escape(text)}</description></item>"
            for place, (of, name, title, text) in enumerate(told)
            if of == number
        )
        document = f'<rss version="2.0"><channel><title>{feed.title}</title>{items}</channel></rss>'
        shown[feed.url] = Reply(body=document.encode(), content_type="application/rss+xml")
        shown |= {
            f"{home}/{name}": Reply(body=f"<p>{text}</p><p>{text.upper()}</p>".encode())
            for of, name, _, text in told
            if of == number
        }
    return shown


@pytest.fixture
def loopback(prefect_server: str) -> Iterator[LoopbackServer]:
    with LoopbackServer(site(TOLD_FIRST)) as served:
        yield served


def chosen(loopback: LoopbackServer, folder: Path, **sections: Any) -> Settings:
    """Settings without a model and without worker processes, and with other sections as given."""
    settings = demo_settings(loopback, FEEDS, folder)
    plain = {
        "extract": ExtractSettings(use="tests.fakes:PlainExtractor"),
        "embed": EmbedSettings(use="tests.fakes:TaggedEmbedder"),
        "pairs": PairSettings(use="newsclust.stories.pairs:CentredCosine"),
        "stories": StorySettings(use="newsclust.stories.clustering:AverageLinkage"),
    }
    return settings.model_copy(update=plain | sections)


def live(settings: Settings, night_at: datetime) -> str:
    """Live a night with these settings, through the door that a schedule and Prefect's pages use."""
    return nightly(
        config=write_settings(settings, settings.paths.feeds.with_name("newsclust.toml")), night_at=night_at
    )


def rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    with Database(settings.paths.database) as db:
        return db.rows(sql)


def attempts(settings: Settings, run_id: str) -> list[tuple[str, int, str | None]]:
    sql = f"SELECT step, attempt, error FROM night_steps WHERE run_id = '{run_id}'"
    return [(row["step"], row["attempt"], row["error"]) for row in rows(settings, sql)]


def published_nights(settings: Settings) -> int:
    with open_published(settings.paths.published) as connection:
        return connection.execute("SELECT count(*) FROM nightly_summary WHERE outcome = 'finished'").fetchall()[0][0]


def last_night(settings: Settings) -> str:
    return settings.paths.published.with_name("last_night.md").read_text(encoding="utf-8")


def last_run(settings: Settings) -> dict[str, Any]:
    return rows(settings, "FROM runs ORDER BY night_at DESC, started_at DESC LIMIT 1")[0]


# ---------------------------------------------------------------- a good night


@dataclass(frozen=True, kw_only=True)
class Lived:
    settings: Settings
    run_id: str
    asked: list[str]
    artifact: Any


@pytest.fixture(scope="module")
def good_night(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """One night without trouble. To be read."""
    with LoopbackServer(site(TOLD_FIRST)) as loopback:
        settings = chosen(loopback, tmp_path_factory.mktemp("good"))
        run_id = live(settings, FIRST)
    with urllib.request.urlopen(f"{prefect_server}/artifacts/night/latest", timeout=10) as answer:
        artifact = json.load(answer)
    return Lived(
        settings=settings, run_id=run_id, asked=[asked.url for asked in loopback.requests], artifact=artifact["data"]
    )


def test_the_steps_of_a_night_come_in_their_order_and_each_once(good_night: Lived) -> None:
    assert attempts(good_night.settings, good_night.run_id) == [(step, 1, None) for step in STEPS]


def test_a_night_turns_feeds_into_published_stories_across_languages(good_night: Lived) -> None:
    with open_published(good_night.settings.paths.published) as connection:
        stories = connection.execute("SELECT articles, languages FROM current_stories").fetchall()
        steps = connection.execute("SELECT count(*) FROM night_steps").fetchall()
    assert sorted(stories) == [(1, ["en"]), (1, ["fr"]), (2, ["en", "fr"])]
    assert steps == [(len(STEPS) - 1,)]  # the copy is made by the step that it cannot hold


def test_only_the_pages_of_feeds_that_ask_for_them_are_downloaded(good_night: Lived) -> None:
    pages = ["http://pier.example/crane", "http://pier.example/ferry"]
    rules = ["http://pier.example/robots.txt"]
    assert sorted(good_night.asked) == sorted([feed.url for feed in FEEDS] + rules + pages)


def test_the_settings_that_a_night_ran_with_are_stored_with_it_as_json(good_night: Lived) -> None:
    stored = json.loads(last_run(good_night.settings)["settings"])
    assert stored == good_night.settings.recorded()
    assert Settings(**stored) == good_night.settings


def test_the_summary_of_a_night_is_an_artifact_and_lies_beside_the_published_file(good_night: Lived) -> None:
    summary = last_night(good_night.settings)
    assert good_night.artifact == summary
    assert summary.startswith("# The night of 2026-02-03 22:00 UTC: finished\n")
    assert "| new entries | new articles | duplicates | edited | stories born | stories grown | failures |" in summary
    assert "| 4 | 4 | 0 | 0 | 3 | 0 | 0 |" in summary
    assert "| 2 | 2 | en fr | " in summary
    assert "## Failures by reason\n\nNone." in summary
    assert "| sync_feeds | 2 | 0 | 0 |" in summary


@pytest.fixture
def morning_after(good_night: Lived, loopback: LoopbackServer, tmp_path: Path) -> Settings:
    """A folder as the good night left it, to be changed."""
    shutil.copytree(good_night.settings.paths.database.parent, tmp_path, dirs_exist_ok=True)
    return chosen(loopback, tmp_path)


def test_a_night_that_brings_nothing_new_writes_nothing(morning_after: Settings) -> None:
    settings = morning_after
    before = visible(settings.paths.database)
    run_id = live(settings, SECOND)
    assert visible(settings.paths.database) == before
    done = rows(settings, f"SELECT step, done FROM steps WHERE run_id = '{run_id}' AND done > 0 ORDER BY step")
    assert [row["step"] for row in done] == ["check", "plan_feeds", "publish"]


# ---------------------------------------------------------------- a bad night


@pytest.mark.parametrize("wrong_settings", [False, True])
def test_a_step_that_fails_leaves_yesterdays_copy_and_the_next_night_goes_on(
    wrong_settings: bool, loopback: LoopbackServer, morning_after: Settings
) -> None:
    settings = morning_after
    yesterday = settings.paths.published.read_bytes()

    loopback.show(site(TOLD_SECOND))
    refusing = EmbedSettings(use="tests.fakes:RefusingEmbedder", options={"wrong_settings": wrong_settings})
    broken = settings.model_copy(update={"embed": refusing, "night": NightSettings(retries=1, retry_delay_s=0)})
    error = "no such model" if wrong_settings else "no room for the model"
    with pytest.raises(SettingsError if wrong_settings else MemoryError, match=error):
        live(broken, SECOND)
    assert settings.paths.published.read_bytes() == yesterday
    failed = last_run(settings)
    assert (failed["outcome"], failed["error"]) == ("failed", error)
    assert attempts(settings, failed["run_id"])[-2:] == (
        [("find_duplicates", 1, None), ("embed_articles", 1, error)]  # wrong settings stay wrong
        if wrong_settings
        else [("embed_articles", 1, error), ("embed_articles", 2, error)]
    )
    assert "# The night of 2026-02-04 22:00 UTC: failed" in last_night(settings)
    assert f"**Failed:** {error}" in last_night(settings)

    run_id = live(settings, SECOND)
    done = {row["step"]: row["done"] for row in rows(settings, f"FROM steps WHERE run_id = '{run_id}'")}
    assert (done["parse_feeds"], done["extract_articles"], done["embed_articles"]) == (0, 0, 1)
    assert published_nights(settings) == 2
    assert "# The night of 2026-02-04 22:00 UTC: finished" in last_night(settings)


def test_a_failed_step_is_tried_again_and_both_attempts_are_stored(loopback: LoopbackServer, tmp_path: Path) -> None:
    stumbling = FetchSettings(use="tests.fakes:StumblingFetcher", options={"connect_to": loopback.connect_to})
    settings = chosen(loopback, tmp_path, fetch=stumbling, night=NightSettings(retries=2, retry_delay_s=0))
    run_id = live(settings, FIRST)
    assert attempts(settings, run_id)[:6] == [
        ("mend_clock", 1, None),
        ("fetch_lists", 1, None),
        ("sync_feeds", 1, None),
        ("fetch_feeds", 1, "the network is not up yet"),
        ("fetch_feeds", 2, None),
        ("parse_feeds", 1, None),
    ]
    assert last_run(settings)["outcome"] == "finished"
    assert published_nights(settings) == 1


def test_contradicting_rows_are_not_tried_again_and_not_published(morning_after: Settings) -> None:
    settings = morning_after.model_copy(update={"night": NightSettings(retries=2, retry_delay_s=0)})
    yesterday = settings.paths.published.read_bytes()
    with Database(settings.paths.database) as db:
        db.execute("UPDATE entries SET feed_id = 'nobody' WHERE title LIKE 'Ferry%'")
    with pytest.raises(CheckError, match="entries_name_a_feed"):
        live(settings, SECOND)
    assert attempts(settings, last_run(settings)["run_id"])[-1][:2] == ("check", 1)
    assert last_run(settings)["outcome"] == "failed"
    assert settings.paths.published.read_bytes() == yesterday


def test_a_night_that_could_not_publish_ends_before_its_first_step(loopback: LoopbackServer, tmp_path: Path) -> None:
    settings = chosen(loopback, tmp_path)
    settings.paths.published.mkdir(parents=True)  # a folder stands where the file should
    with pytest.raises(SettingsError, match="published"):
        live(settings, FIRST)
    assert not settings.paths.database.exists()
    record = read_record(settings.paths.published)
    assert record is not None
    assert record.last.outcome is NightOutcome.FAILED


def test_a_night_that_cannot_publish_is_a_failed_night(
    loopback: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = chosen(loopback, tmp_path)
    monkeypatch.setattr(
        "flows.lifecycle.preflight.check_night", lambda *_, **__: []
    )  # the folder came after it looked
    settings.paths.published.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot publish"):
        live(settings, FIRST)
    assert last_run(settings)["outcome"] == "failed"
    assert "# The night of 2026-02-03 22:00 UTC: failed" in last_night(settings)


def test_a_night_by_hand_that_fails_ends_with_one_line_and_the_exit_code_of_the_error(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "newsclust.toml"
    wrong.write_text("[fetch]\nspeed = 'fast'\n")
    monkeypatch.setenv("NEWSCLUST_CONFIG", str(wrong))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("nightly: ")
    assert "fetch.speed" in last


# ---------------------------------------------------------------- killed half-way

NIGHT = """
import sys
from datetime import datetime
from pathlib import Path
from flows.nightly import nightly
nightly(config=Path(sys.argv[1]), night_at=datetime.fromisoformat(sys.argv[2]))
"""
# When a step of a run was done, which no two runs share, and what only says so.
OF_THE_RUN = {"run_id", "fetched_at", "requested_at", "first_seen_at", "last_seen_at", "changed_at", "extracted_at"}


def stored(settings: Settings) -> dict[str, list[str]]:
    """All rows that a reader can see, without what belongs to a run rather than to the night."""
    with Database(settings.paths.database) as db:
        return {
            table: sorted(
                repr({name: value for name, value in row.items() if name not in OF_THE_RUN})
                for row in db.rows(f"FROM {table}")
            )
            for table in visible(settings.paths.database) or ()
        }


@pytest.mark.parametrize(
    ("section", "hanging"),
    [
        ("extract", ExtractSettings(use="tests.fakes:HangingExtractor")),
        ("embed", EmbedSettings(use="tests.fakes:HangingEmbedder")),
    ],
    ids=["extract_articles", "embed_articles"],
)
def test_a_night_killed_half_way_is_gone_on_with_and_ends_as_an_unbroken_one(
    section: str,
    hanging: ExtractSettings | EmbedSettings,
    good_night: Lived,
    loopback: LoopbackServer,
    prefect_server: str,
    tmp_path: Path,
) -> None:
    settings = chosen(loopback, tmp_path / "killed")
    reached = tmp_path / "reached"
    doomed = settings.model_copy(update={section: hanging.model_copy(update={"options": {"reached": str(reached)}})})
    process = subprocess.Popen(
        [sys.executable, "-c", NIGHT, str(write_settings(doomed, tmp_path / "doomed.toml")), FIRST.isoformat()],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": prefect_server},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while not reached.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert reached.exists(), f"the step was not reached (exit code {process.poll()})"
    finally:
        process.kill()
        process.wait(timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert not settings.paths.published.exists()

    live(settings, FIRST)
    assert stored(settings) == stored(good_night.settings)
    outcomes = rows(settings, "SELECT outcome, error FROM runs ORDER BY started_at")
    assert [(row["outcome"], row["error"]) for row in outcomes] == [
        ("failed", "killed before its end"),
        ("finished", None),
    ]
    assert published_nights(settings) == 1


# ---------------------------------------------------------------- a night without a network


def test_an_outage_of_our_own_network_is_some_ten_lines_of_log_without_a_traceback(
    loopback: LoopbackServer, prefect_server: str, tmp_path: Path
) -> None:
    unplugged = {"connect_to": {"*:80": "127.0.0.1:1", "*:443": "127.0.0.1:1"}, "host_pause_s": 0.0}
    settings = chosen(
        loopback,
        tmp_path,
        fetch=FetchSettings(options=unplugged),
        night=NightSettings(retries=2, retry_delay_s=0),
    )
    addresses = [f"http://host{number}.example/feed" for number in range(300)]
    feeds = [Feed(id=id_of(url), url=url, title=f"Feed {number}") for number, url in enumerate(addresses)]
    settings.paths.feeds.write_text(write_feeds(feeds), encoding="utf-8")
    config = write_settings(settings, tmp_path / "newsclust.toml")
    ended = subprocess.run(
        [sys.executable, "-m", "flows.nightly"],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": prefect_server, "NEWSCLUST_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = (ended.stdout + ended.stderr).splitlines()
    assert ended.returncode == 5
    assert "Traceback" not in ended.stdout + ended.stderr
    assert len(lines) <= 13, "\n".join(lines)
    assert ended.stderr.splitlines()[-1].startswith(
        "nightly: fetch_feeds: this machine's network was away: 300 of 300"
    )
    assert last_night(settings).count("reached nobody") == 2  # why it failed, and the notice
    assert "## Feeds in trouble\n\nNone." in last_night(settings)


# ---------------------------------------------------------------- a clock that jumps


def test_a_night_after_one_in_2031_asks_every_feed_and_says_what_was_undone(
    loopback: LoopbackServer, tmp_path: Path
) -> None:
    settings = chosen(loopback, tmp_path)
    live(settings, FIRST)
    live(settings, datetime(2031, 5, 1, 3, 30, tzinfo=UTC))
    assert [row["state"] for row in rows(settings, "SELECT DISTINCT state FROM stories")] == ["closed"]
    loopback.show(site(TOLD_SECOND))
    run_id = live(settings, SECOND)
    asked = rows(settings, f"SELECT count(*) AS feeds FROM fetches WHERE run_id = '{run_id}' AND kind = 'feed'")
    assert asked == [{"feeds": len(FEEDS)}]
    assert "## Notices\n\n- The clock had jumped ahead: 1 night was lived for 2031-05-01 03:30" in last_night(
        settings
    )
    with open_published(settings.paths.published) as connection:
        told = connection.execute("SELECT headline, articles FROM current_stories ORDER BY ALL").fetchall()
        latest = connection.execute("SELECT max(night_at) FROM nightly_summary").fetchall()[0][0]
    assert [articles for _, articles in told] == [2, 2, 1]
    assert latest.replace(tzinfo=UTC) == SECOND
