"""The night as an operator has it: `newsclust serve` with a Prefect server of its own, runs by schedule and by hand.

About three minutes, for a schedule knows whole minutes only. Last: what serving leaves behind when it is killed.
"""

import base64
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.demo import demo_settings, write_settings
from newsclust.demo import LoopbackServer, Reply
from newsclust.model import Feed, PagePolicy, id_of
from newsclust.night_record import read_record
from newsclust.settings import EmbedSettings, NightSettings, PairSettings, StorySettings
from newsclust.store import open_published

pytestmark = [pytest.mark.flow, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
UP_WITHIN_S = 170  # until the deployment is there; half a minute on a machine at rest
ENDS_WITHIN_S = 180
PIER, GONE = "http://pier.example/feed", "http://gone.example/feed"
DOCUMENT = b"""<rss version="2.0"><channel><title>The Pier</title><item><title>Harbour crane stops #1</title>
<link>http://pier.example/crane</link><guid>crane</guid><pubDate>Tue, 03 Feb 2026 10:00:00 GMT</pubDate>
<description>A crane in the old harbour stopped at noon and nobody has a spare bearing.</description>
</item></channel></rss>"""


@dataclass(frozen=True, kw_only=True)
class Served:
    api: str
    auth: str
    config: Path
    published: Path
    process: "subprocess.Popen[bytes]"
    deployment_id: str
    begins_at: datetime

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return (status, answer) of a request such as Prefect's pages send."""
        return self.request(path, body)

    def request(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        return request(f"{self.api}{path}", body, auth=self.auth)

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until a flow run has ended, and return it."""
        deadline = time.monotonic() + ENDS_WITHIN_S
        while time.monotonic() < deadline:
            _, run = self.request(f"/flow_runs/{run_id}")
            if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
                return dict(run)
            time.sleep(1)
        raise AssertionError(f"still {run['state_name']} after {ENDS_WITHIN_S} s")

    def of_the_run(self, kind: str, run_id: str) -> list[dict[str, Any]]:
        """Return the logs, task_runs or artifacts of a flow run."""
        named = {"flow_run_id": {"any_": [run_id]}} if kind != "task_runs" else {}
        body = {"flow_runs": {"id": {"any_": [run_id]}}} if kind == "task_runs" else {kind: named}
        _, found = self.post(f"/{kind}/filter", body)
        return list(found)


def request(address: str, body: dict[str, Any] | None = None, *, auth: str) -> tuple[int, Any]:
    sent = urllib.request.Request(
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}",
        },
    )
    for _ in range(10):
        try:
            with urllib.request.urlopen(sent, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    return error.code, json.load(error)
        time.sleep(1)  # 503 says "database is locked": SQLite under load; Prefect's own client tries again, too
    raise AssertionError(f"{address} answers 503, again and again")


def feed(url: str) -> Feed:
    return Feed(id=id_of(url), url=url, title=url, language="en", pages=PagePolicy.NEVER)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`newsclust serve`, its night three to four minutes ahead; one of its feeds does not exist."""
    folder = tmp_path_factory.mktemp("served")
    site = {PIER: Reply(body=DOCUMENT, content_type="application/rss+xml"), GONE: Reply(status=404)}
    begins_at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=4)
    with LoopbackServer(site) as loopback, (folder / "serve.log").open("wb") as log:
        settings = demo_settings(loopback, [feed(PIER), feed(GONE)], folder).model_copy(
            update={
                "embed": EmbedSettings(use="tests.fakes:TaggedEmbedder"),
                "pairs": PairSettings(use="newsclust.stories.pairs:CentredCosine"),
                "stories": StorySettings(use="newsclust.stories.clustering:AverageLinkage"),
                "night": NightSettings(at=f"{begins_at:%H:%M}", timezone="UTC", retries=0),
            }
        )
        config = write_settings(settings, folder / "newsclust.toml")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API")}
        process = subprocess.Popen(
            [sys.executable, "-m", "newsclust", "serve", "--config", str(config)],
            cwd=ROOT,  # the fakes of these tests are found there
            env=environment | {"PREFECT_LOGGING_LEVEL": "INFO"},
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + UP_WITHIN_S
            status, access = 0, folder / "prefect" / "access.env"
            while status != 200 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(1)
                with contextlib.suppress(OSError, KeyError):
                    named = dict(line.split("=", 1) for line in access.read_text().splitlines())
                    api, auth = named["PREFECT_API_URL"], named["PREFECT_API_AUTH_STRING"]
                    status, deployment = request(f"{api}/deployments/name/nightly/nightly", auth=auth)
            assert status == 200, (folder / "serve.log").read_text(encoding="utf-8")
            yield Served(
                api=api,
                auth=auth,
                config=config,
                published=settings.paths.published,
                process=process,
                deployment_id=deployment["id"],
                begins_at=begins_at,
            )
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def test_the_server_of_our_own_asks_for_a_password_and_lets_no_other_page_in(served: Served) -> None:
    assert request(f"{served.api}/deployments/filter", {}, auth="newsclust:guessed")[0] == 401
    preflight = urllib.request.Request(
        f"{served.api}/deployments/filter",
        method="OPTIONS",
        headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"},
    )
    try:
        with urllib.request.urlopen(preflight, timeout=30) as answer:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
    except urllib.error.HTTPError as error:
        with error:
            allowed = error.headers.get("Access-Control-Allow-Origin")
    assert allowed in (None, served.api.removesuffix("/api"))


def test_its_database_and_password_stand_in_the_data_folder_for_its_owner_alone(served: Served) -> None:
    folder = served.config.parent / "prefect"
    assert (folder / "prefect.db").exists()
    assert (folder / "access.env").stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def custom_run(served: Served) -> dict[str, Any]:
    """A run that a person started with "Custom run", giving both parameters as JSON."""
    parameters = {"config": str(served.config), "night_at": "2026-02-03T23:00:00+01:00"}
    status, run = served.post(f"/deployments/{served.deployment_id}/create_flow_run", {"parameters": parameters})
    assert status == 201, run
    return served.ended(run["id"])


def test_a_custom_run_lives_the_night_that_its_parameters_name(served: Served, custom_run: dict[str, Any]) -> None:
    assert (custom_run["state_name"], custom_run["name"]) == ("Completed", "nightly-2026-02-03")
    with open_published(served.published) as connection:
        nights = connection.execute(
            "SELECT night_at::VARCHAR, new_articles, failures FROM nightly_summary"
        ).fetchall()
    assert nights == [("2026-02-03 22:00:00", 1, 1)]


def test_its_tasks_are_named_as_the_steps_and_tagged(served: Served, custom_run: dict[str, Any]) -> None:
    tasks = {run["name"].rpartition("-")[0]: run for run in served.of_the_run("task_runs", custom_run["id"])}
    assert {"fetch_lists", "extract_articles", "group_stories", "publish"} <= tasks.keys()
    assert all(run["state_name"] == "Completed" for run in tasks.values())
    assert set(tasks["fetch_feeds"]["tags"]) == {"collect", "network"}
    assert set(tasks["publish"]["tags"]) == {"publish"}


def test_its_artifacts_are_the_summary_and_a_table_of_what_each_step_did(
    served: Served, custom_run: dict[str, Any]
) -> None:
    artifacts = {artifact["key"]: artifact for artifact in served.of_the_run("artifacts", custom_run["id"])}
    assert artifacts["night"]["data"].startswith("# The night of 2026-02-03 22:00 UTC: finished")
    assert artifacts["night-steps"]["type"] == "table"
    counts = {row["step"]: row for row in json.loads(artifacts["night-steps"]["data"])}
    assert next(iter(counts)) == "mend_clock"
    assert list(counts)[-1] == "publish"
    fetched = counts["fetch_feeds"]
    assert (fetched["attempt"], fetched["done"], fetched["failed"], fetched["error"]) == (1, 1, 1, None)


def test_its_log_holds_a_line_a_step_and_a_warning_for_the_feed_that_failed(
    served: Served, custom_run: dict[str, Any]
) -> None:
    # The run's process sends its log in batches: the last one may come after the run counts as completed.
    until = time.monotonic() + 30
    logs = served.of_the_run("logs", custom_run["id"])
    while time.monotonic() < until and not any(log["message"].startswith("publish: ") for log in logs):
        time.sleep(0.5)
        logs = served.of_the_run("logs", custom_run["id"])
    warnings = [log["message"] for log in logs if log["level"] == 30]
    assert [message for message in warnings if GONE in message and "not_found" in message]
    assert [log for log in logs if log["level"] == 20 and log["message"].startswith("publish: 1 done, ")]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"night_at": 7}, "7 is not valid under any of the given schemas"),
        ({"config": {"paths": {}}}, "is not valid under any of the given schemas"),
        ({"night_at": "2026-02-03T22:00:00"}, "night_at: Input should have timezone info"),
    ],
    ids=["no moment", "no path", "no time zone"],
)
def test_a_custom_run_with_a_wrong_parameter_is_refused_with_the_reason(
    parameters: dict[str, Any], why: str, served: Served
) -> None:
    path = f"/deployments/{served.deployment_id}/create_flow_run"
    status, answer = served.post(path, {"parameters": parameters})
    if status == 201:  # what JSON Schema does not see, the run does before its first step
        run = served.ended(answer["id"])
        assert run["state_name"] == "Failed"
        answer = run["state"]["message"]
    assert why in str(answer)


def test_a_scheduled_night_starts_by_itself(served: Served) -> None:
    wanted = {
        "deployments": {"id": {"any_": [served.deployment_id]}},
        "flow_runs": {"expected_start_time": {"before_": served.begins_at.isoformat()}},
    }
    deadline = time.monotonic() + 60
    scheduled: list[dict[str, Any]] = []
    while not scheduled and time.monotonic() < deadline:  # the scheduler fills in the runs within seconds
        _, found = served.post("/flow_runs/filter", wanted)
        scheduled = [run for run in found if run["auto_scheduled"]]
        time.sleep(1)
    assert [datetime.fromisoformat(run["expected_start_time"]) for run in scheduled] == [served.begins_at]
    time.sleep(max(0.0, (served.begins_at - datetime.now(UTC)).total_seconds()))
    run = served.ended(scheduled[0]["id"])
    assert (run["state_name"], run["name"]) == ("Completed", f"nightly-{served.begins_at:%Y-%m-%d}")
    started, ended = (datetime.fromisoformat(run[name]) for name in ("start_time", "end_time"))
    # A runner takes up runs of the next 10 s (its prefetch_seconds), and a run starts when its process is up.
    assert served.begins_at - timedelta(seconds=10) <= started < ended


def test_the_night_that_the_schedule_started_is_the_last_good_one(served: Served) -> None:
    record = read_record(served.published)
    assert record is not None
    assert record.last_good is not None
    assert record.last == record.last_good
    assert record.last_good.started_at >= served.begins_at - timedelta(seconds=10)


def test_serving_that_is_killed_takes_its_server_down_and_leaves_its_schedule_alone(served: Served) -> None:
    served.process.kill()
    served.process.wait(timeout=10)
    deadline = time.monotonic() + 30
    gone = False
    while not gone and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{served.api}/health", timeout=5):
                time.sleep(0.5)
        except OSError:
            gone = True
    assert gone
    with contextlib.closing(sqlite3.connect(served.config.parent / "prefect" / "prefect.db")) as stored:
        assert stored.execute("SELECT paused FROM deployment").fetchall() == [(0,)]
        assert stored.execute("SELECT active FROM deployment_schedule").fetchall() == [(1,)]
