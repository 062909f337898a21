"""Before the first fetch: each thing that is judged, as it should be and as it should not, and what mends it."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from newsclust import preflight
from newsclust.embed import bundled_model
from newsclust.errors import SettingsError, StoreError
from newsclust.night_record import only_night
from newsclust.preflight import Finding, Outcome
from newsclust.settings import Paths, Settings, load_settings
from newsclust.store import Database, runs
from tests.terminal import Terminal

NOW = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)
GOOD = """
[fetch]
contact = "https://desk.example/newsclust"
[night]
timezone = "UTC"
[notify]
to = ["json://127.0.0.1:1/"]
"""
FEEDS = '[[feed]]\nurl = "https://pier.example/rss"\ntitle = "The Pier"\nlanguage = "en"\n'


@pytest.fixture(autouse=True)
def _in_a_folder_with_good_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HF_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    write(GOOD)
    write(FEEDS, "data/feeds.toml")


def write(text: str | bytes, name: str = "newsclust.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def night(*, now: datetime = NOW, environment: Mapping[str, str] | None = None) -> list[Finding]:
    return preflight.check_night(load_settings(), now, os.environ if environment is None else environment)


def of(subject: str, findings: list[Finding] | None = None) -> list[Finding]:
    return [finding for finding in (night() if findings is None else findings) if finding.subject == subject]


def only(subject: str, findings: list[Finding] | None = None) -> Finding:
    (finding,) = of(subject, findings)
    return finding


def bad(subject: str, findings: list[Finding] | None = None) -> Finding:
    """The one finding on a subject that is not ok."""
    (finding,) = [finding for finding in of(subject, findings) if finding.outcome is not Outcome.OK]
    return finding


def made_database(path: str = "data/newsclust.duckdb", *, night_at: datetime = NOW - timedelta(days=1)) -> Path:
    with Database(Path(path)) as db:
        run = runs.begin_run(db, flow="nightly", night_at=night_at, started_at=night_at, settings={})
        runs.finish_run(db, run, finished_at=night_at)
    return Path(path)


# ---------------------------------------------------------------- the whole


def test_with_everything_in_place_all_is_ok_and_nothing_is_written_or_slow(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    began = time.monotonic()
    findings = night()
    assert time.monotonic() - began < 5  # a second on an idle core
    assert [finding for finding in findings if finding.outcome is not Outcome.OK] == []
    assert {finding.subject for finding in findings} >= {
        *("stages", "contact", "feeds", "decisions", "folders", "disk", "working file", "model", "clock", "notify"),
    }
    assert sorted(tmp_path.rglob("*")) == before
    preflight.raise_on_problems(findings)


def test_before_a_night_neither_prefect_nor_torch_nor_apprise_is_imported() -> None:
    program = (
        "import os, sys\nfrom datetime import UTC, datetime\nfrom newsclust.preflight import check_night\n"
        "from newsclust.settings import load_settings\n"
        "check_night(load_settings(), datetime.now(UTC), os.environ)\n"
        "print([name for name in ('prefect', 'torch', 'apprise', 'hdbscan', 'trafilatura') if name in sys.modules])"
    )
    path = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert ended.stdout.strip() == "[]"


def test_problems_are_raised_as_one_error_with_a_line_each_and_the_exit_code_of_their_kind() -> None:
    wrong = Finding(subject="stages", outcome=Outcome.PROBLEM, text="no such class", mend="name another")
    full = Finding(subject="disk", outcome=Outcome.PROBLEM, text="0 MB free", error=StoreError)
    warned = Finding(subject="contact", outcome=Outcome.WARNING, text="nobody")
    preflight.raise_on_problems([warned])
    with pytest.raises(StoreError, match=r"^disk: 0 MB free$"):
        preflight.raise_on_problems([warned, full])
    with pytest.raises(SettingsError, match=r"^stages: no such class; name another\ndisk: 0 MB free$"):
        preflight.raise_on_problems([wrong, warned, full])


# ---------------------------------------------------------------- stages and contact


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            "[stories.options]\nthresold = 0.4",
            "[stories.options] of newsclust.stories.clustering:MergeClassifier: thresold",
        ),
        ('[fetch.options]\nper_host = "many"', "[fetch.options] of newsclust.fetch:HttpFetcher: per_host"),
        ("[fetch.options]\nports = []", "[fetch.options] of newsclust.fetch:HttpFetcher: ports wants at least one"),
        ("[extract.options]\nworkers = 0", "[extract.options] of newsclust.extract:TrafilaturaExtractor: workers"),
        (
            "[embed.options]\nmax_tokens = 3",
            "[embed.options] of newsclust.embed:SentenceTransformerEmbedder: max_tokens",
        ),
        (
            '[pairs]\nuse = "newsclust.stories:Nothing"',
            "[pairs] use = 'newsclust.stories:Nothing': cannot be imported",
        ),
        (
            '[embed]\nuse = "tests.test_preflight:Idle"',
            "[embed] use = 'tests.test_preflight:Idle' has no method 'embed'",
        ),
        ('[pairs]\nuse = "tests.test_preflight:Exploding"', "cannot be made: RuntimeError: no such file"),
    ],
)
def test_a_stage_that_would_fail_after_twelve_steps_is_found_before_the_first(settings: str, message: str) -> None:
    write(GOOD.replace("[fetch]\n", "") if settings.startswith("[fetch]") else GOOD + settings)
    finding = bad("stages")
    assert finding.outcome is Outcome.PROBLEM
    assert message in finding.text
    with pytest.raises(SettingsError):
        preflight.raise_on_problems(night())


class Idle:
    """A stage that can be made and has no method."""


class Exploding:
    """A stage of somebody's own that does not expect to be made."""

    def __init__(self) -> None:
        raise RuntimeError("no such file")


def test_a_rule_for_a_site_that_cannot_work_is_found_with_its_file() -> None:
    write('["a.example"]\nwhy = "x"\nbody = ["//["]\n', "data/site_rules.toml")
    assert "data/site_rules.toml: ['a.example'] body: Value error, '//[' is no XPath" in bad("stages").text


def test_site_rules_that_are_named_and_missing_are_a_warning() -> None:
    write(GOOD + '[extract.options]\nsite_rules = "elsewhere.toml"\n')
    finding = only("site rules")
    assert finding.outcome is Outcome.WARNING
    assert "elsewhere.toml does not exist" in finding.text


@pytest.mark.parametrize(
    ("fetch", "outcome"),
    [
        ('contact = "https://desk.example/newsclust"', Outcome.OK),
        ('contact = "desk@desk.example"', Outcome.OK),
        ('contact = "mailto:desk@desk.example"', Outcome.OK),
        ("", Outcome.WARNING),  # the default
        ('contact = "me@example.com"', Outcome.WARNING),
        ('contact = "https://www.example.org/"', Outcome.WARNING),
        ('contact = "me"', Outcome.PROBLEM),
        ('contact = "desk at desk.example"', Outcome.PROBLEM),
        ('contact = ""', Outcome.PROBLEM),
        ('options = { user_agent = "Ours/2 (+https://desk.example)" }', Outcome.OK),
        ('options = { user_agent = "Ours/2" }', Outcome.WARNING),
    ],
)
def test_whom_a_site_can_ask_is_a_page_or_a_mail_address(fetch: str, outcome: Outcome) -> None:
    write(f"[fetch]\n{fetch}\n")
    assert only("contact").outcome is outcome


# ---------------------------------------------------------------- feeds, secrets, decisions


def test_a_list_of_feeds_that_is_missing_is_a_problem_with_two_ways_to_begin_one() -> None:
    Path("data/feeds.toml").unlink()
    finding = only("feeds")
    assert (finding.outcome, finding.text) == (Outcome.PROBLEM, "data/feeds.toml does not exist")
    assert "newsclust init" in finding.mend
    assert "newsclust feeds add" in finding.mend


def test_an_empty_list_is_a_warning_and_a_wrong_one_a_problem_a_line() -> None:
    write("", "data/feeds.toml")
    assert only("feeds").outcome is Outcome.WARNING
    write('[[feed]]\nurl = "pier"\n\n[[feed]]\ncolour = 3\n', "data/feeds.toml")
    texts = [finding.text for finding in of("feeds") if finding.outcome is Outcome.PROBLEM]
    assert any("feed 1 (pier): url" in text for text in texts)
    assert any("feed 2: colour" in text for text in texts)
    write("[[feed]]\n" * 40, "data/feeds.toml")
    assert len(of("feeds")) <= 11


def test_feeds_and_lists_are_counted() -> None:
    write("<opml><body/></opml>", "data/mine.opml")
    write(FEEDS + '[[list]]\npath = "mine.opml"\n', "data/feeds.toml")
    assert only("feeds").text.startswith("1 feed and 1 list in ")
    assert of("lists") == []


@pytest.mark.parametrize("content", [None, "<html/>", "<opml><bo"])
def test_a_list_in_a_file_that_cannot_be_read_is_a_warning(content: str | None) -> None:
    if content is not None:
        write(content, "data/mine.opml")
    write(FEEDS + '[[list]]\npath = "mine.opml"\n', "data/feeds.toml")
    finding = only("lists")
    assert finding.outcome is Outcome.WARNING
    assert "mine.opml" in finding.text


def test_a_secret_that_is_not_set_is_named_with_its_feed() -> None:
    write('[[feed]]\nurl = "https://me:${PIER_WORD}@pier.example/rss"\ntitle = "The Pier"\n', "data/feeds.toml")
    finding = only("secrets", night(environment={}))
    assert finding.outcome is Outcome.PROBLEM
    assert finding.text == "https://***@pier.example/rss: the environment variable PIER_WORD is not set"
    assert only("secrets", night(environment={"PIER_WORD": "x"})).outcome is Outcome.OK


def test_a_token_that_is_not_set_costs_its_account_and_not_the_night() -> None:
    write(
        '[[feed]]\nurl = "https://rss.example/api/greader.php"\ntitle = "Mine"\nkind = "account"\n'
        'token_env = "TOKEN"\n',
        "data/feeds.toml",
    )
    finding = only("secrets", night(environment={}))
    assert finding.outcome is Outcome.WARNING
    assert "TOKEN is not set" in finding.text
    assert only("secrets", night(environment={"TOKEN": "x"})).outcome is Outcome.OK


def test_feeds_in_other_languages_are_a_note() -> None:
    write(FEEDS.replace('"en"', '"de"'), "data/feeds.toml")
    finding = only("languages")
    assert finding.outcome is Outcome.NOTE
    assert "1 feed is in de" in finding.text


@pytest.mark.parametrize("name", ["corrections.jsonl", "feed_commands.jsonl"])
def test_a_damaged_line_of_what_people_decided_is_named(name: str) -> None:
    write('{"kind": "nonsense"}\n', f"data/{name}")
    finding = only("decisions")
    assert finding.outcome is Outcome.PROBLEM
    assert f"{name}, line 1" in finding.text or f"{name}:1" in finding.text
    write(b"\xff\xfe", f"data/{name}")
    assert name in only("decisions").text


# ---------------------------------------------------------------- paths, folders, disk


def test_two_paths_to_one_file_are_a_problem_whatever_their_spelling() -> None:
    paths = Paths(database=Path("data/newsclust.duckdb"), published=Path("data/../data/newsclust.duckdb"))
    (finding,) = preflight._paths(Settings.model_construct(paths=paths))
    assert "[paths] database and published are the same file" in finding.text


def test_a_folder_in_the_place_of_a_file_is_a_problem() -> None:
    Path("data/published/newsclust.duckdb").mkdir(parents=True)
    finding = only("paths")
    assert finding.text == "[paths] published = data/published/newsclust.duckdb is a folder"
    assert of("disk") == []  # what lies at a wrong place is not judged


def test_a_published_file_that_is_a_link_is_a_warning(tmp_path: Path) -> None:
    write("", "elsewhere.duckdb")
    Path("data/published").mkdir()
    Path("data/published/newsclust.duckdb").symlink_to(tmp_path / "elsewhere.duckdb")
    assert only("paths").outcome is Outcome.WARNING


def test_a_file_that_is_a_mount_of_its_own_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = str(tmp_path / "data" / "newsclust.duckdb")
    monkeypatch.setattr(preflight, "_mounts", lambda: frozenset({"/", mounted}))
    finding = only("paths")
    assert "is a mount of its own" in finding.text
    assert finding.mend == "mount its folder"


def test_mounts_are_read_with_their_blanks() -> None:
    assert "/" in preflight._mounts() or sys.platform != "linux"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_a_problem_of_the_store() -> None:
    Path("data").chmod(0o500)
    try:
        finding = bad("folders")
    finally:
        Path("data").chmod(0o700)
    assert (finding.outcome, finding.error) == (Outcome.PROBLEM, StoreError)
    assert "cannot be written: Permission denied" in finding.text


def test_a_file_in_the_place_of_a_folder_is_a_problem() -> None:
    write("", "data/published")
    finding = bad("folders")
    assert "data/published is a file, and should be a folder" in finding.text


def test_a_read_only_file_system_is_found_by_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(preflight.tempfile, "NamedTemporaryFile", refuse)
    finding = only("folders")
    assert finding.outcome is Outcome.PROBLEM
    assert "Read-only file system" in finding.text
    assert finding.mend == "mount it for writing, or move [paths]"


@pytest.mark.parametrize("closed", ["data", "cache"])
def test_what_cannot_even_be_looked_at_is_a_problem_and_no_traceback(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def refuse(self: Path, **given: Any) -> os.stat_result:
        if str(self.absolute()).startswith(str(tmp_path / closed) + "/"):
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **given)

    monkeypatch.setattr(Path, "stat", refuse)
    problems = [finding for finding in night() if finding.outcome is Outcome.PROBLEM]
    assert problems
    assert [finding.text for finding in problems if "Permission denied" not in finding.text] == []


@pytest.mark.parametrize(
    ("free", "outcome"),
    [(10**12, Outcome.OK), (500_000_000, Outcome.WARNING), (100_000_000, Outcome.PROBLEM), (0, Outcome.PROBLEM)],
)
def test_free_space_is_compared_with_what_the_next_night_needs(
    free: int, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path("cache/newsclust/models") / bundled_model.FOLDER).mkdir(parents=True)
    write("", f"cache/newsclust/models/{bundled_model.FOLDER}/{bundled_model.SUMS}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    finding = only("disk")
    assert finding.outcome is outcome
    assert "the next night needs about 200 MB" in finding.text
    if outcome is Outcome.PROBLEM:
        with pytest.raises(StoreError, match="disk: "):
            preflight.raise_on_problems(night())


def test_the_next_published_file_needs_as_much_as_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    made_database()
    published = write("", "data/published/newsclust.duckdb")
    with published.open("r+b") as file:
        file.truncate(3_000_000_000)  # sparse
    assert "needs about 3.2 GB" in only("disk").text


# ---------------------------------------------------------------- the working file and the clock


def test_a_working_file_is_looked_at_and_left_as_it_is() -> None:
    path = made_database()
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    finding = only("working file")
    assert finding.outcome is Outcome.OK
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert sorted(file.name for file in Path("data").iterdir()) == ["feeds.toml", "newsclust.duckdb"]


def test_a_missing_working_file_beside_a_published_one_is_a_problem_with_two_ways_out() -> None:
    made_database("data/published/newsclust.duckdb")
    finding = only("working file")
    assert (finding.outcome, finding.error) == (Outcome.PROBLEM, StoreError)
    assert "is missing beside the published file" in finding.text
    assert "newsclust restore" in finding.mend
    assert "begin anew" in finding.mend


@pytest.mark.parametrize("damage", ["text", "cut", "header"])
def test_a_damaged_working_file_is_a_problem_that_names_restore(damage: str) -> None:
    path = made_database()
    content = path.read_bytes()
    path.write_bytes(
        {"text": b"no database " * 999, "cut": content[:5000], "header": b"\0" * 8192 + content[8192:]}[damage]
    )
    finding = only("working file")
    assert (finding.outcome, finding.error) == (Outcome.PROBLEM, StoreError)
    assert "newsclust restore" in finding.mend


def test_a_working_file_of_a_newer_version_or_of_another_program_is_refused() -> None:
    path = made_database()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, 'later', 'x', now()::TIMESTAMP)")
    finding = only("working file")
    assert "made by a newer newsclust (schema 9999" in finding.text
    assert "upgrade newsclust" in finding.mend
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (i INTEGER)")
    assert "not newsclust's" in only("working file").text


def test_a_working_file_of_an_older_version_is_fine_and_said() -> None:
    path = made_database()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM migrations WHERE number > 5")
    finding = only("working file")
    assert finding.outcome is Outcome.OK
    assert "schema 5: the next night brings it to" in finding.text


def test_a_night_under_way_is_a_warning() -> None:
    path = made_database()
    program = (
        f"import duckdb, sys\nconnection = duckdb.connect({str(path.absolute())!r})\n"
        "print('open', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        finding = only("working file")
        assert finding.outcome is Outcome.WARNING
        assert f"open in another process (PID {other.pid})" in finding.text
        assert other.stdin is not None
        other.stdin.close()


def test_no_night_begins_while_check_looks_at_its_file_and_check_waits_for_none() -> None:
    path = made_database()
    with only_night(path):
        (finding,) = preflight._working_file(load_settings(), NOW, in_a_night=False)
    assert finding.outcome is Outcome.WARNING
    assert "under way" in finding.text
    with only_night(path):
        (finding,) = preflight._working_file(load_settings(), NOW, in_a_night=True)
    assert finding.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (NOW - timedelta(days=1), None),
        (NOW + timedelta(hours=3), None),
        (NOW + timedelta(days=1700), "but the last night was that of 2031-"),
        (NOW - timedelta(days=90), "90 days ago"),
    ],
)
def test_the_clock_is_compared_with_the_last_night(last: datetime, message: str | None) -> None:
    made_database(night_at=last)
    if message is None:
        assert only("clock").outcome is Outcome.OK
    else:
        finding = bad("clock")
        assert finding.outcome is Outcome.WARNING
        assert message in finding.text


def test_a_night_of_the_past_that_is_lived_by_hand_is_compared_with_the_one_before_it() -> None:
    made_database(night_at=NOW - timedelta(days=300))
    found = preflight.check_night(load_settings(), NOW, os.environ, night_at=NOW - timedelta(days=299))
    assert [finding.outcome for finding in found if finding.subject == "clock"] == [Outcome.OK]


def test_a_clock_that_lost_its_battery_is_a_problem() -> None:
    finding = only("clock", night(now=datetime(1970, 1, 1, 0, 7, tzinfo=UTC)))
    assert finding.outcome is Outcome.PROBLEM
    assert "timedatectl" in finding.mend


def test_an_hour_that_one_day_of_the_year_does_not_have_is_a_warning() -> None:
    write(GOOD.replace('timezone = "UTC"', 'timezone = "Europe/Paris"\nat = "02:30"'))
    finding = bad("clock")
    assert finding.text == "on 2027-03-28 there is no 02:30 in Europe/Paris: clocks are set forward"
    write(GOOD.replace('timezone = "UTC"', 'timezone = "Europe/Paris"\nat = "03:30"'))
    assert only("clock").outcome is Outcome.OK


# ---------------------------------------------------------------- the model


def model_finding(options: str) -> Finding:
    write(GOOD + f"[embed.options]\n{options}\n")
    return only("model")


def test_the_bundled_model_is_looked_for_and_not_loaded(tmp_path: Path) -> None:
    finding = only("model")
    assert finding.outcome is Outcome.OK
    assert "the first night writes it to" in finding.text
    write("", f"cache/newsclust/models/{bundled_model.FOLDER}/{bundled_model.SUMS}")
    assert only("model").text == f"bundled, in {tmp_path / 'cache/newsclust/models' / bundled_model.FOLDER}"


def test_missing_cut_and_changed_weights_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = write(b"E5S1", "e5-small-q4.bin")
    monkeypatch.setattr(bundled_model, "packed_file", lambda: cut)
    finding = only("model")
    assert finding.outcome is Outcome.PROBLEM
    assert "has 4 of 71,622,400 bytes" in finding.text
    with cut.open("r+b") as file:
        file.truncate(bundled_model.PACKED_BYTES)
    (changed,) = preflight._model_sums(load_settings())
    assert changed.outcome is Outcome.PROBLEM
    assert "has changed" in changed.text
    monkeypatch.setattr(bundled_model, "PACKAGE", "no_such_package_here")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bundled_model.importlib.util, "find_spec", lambda _: None)
    assert "which is not installed" in only("model").text


def test_another_model_is_a_folder_or_in_the_hubs_cache() -> None:
    assert model_finding('model = "./models/mine"').outcome is Outcome.PROBLEM
    Path("models/mine").mkdir(parents=True)
    assert "holds no model" in model_finding('model = "./models/mine"').text
    write("{}", "models/mine/config.json")
    assert model_finding('model = "./models/mine"').outcome is Outcome.OK
    absent = model_finding('model = "all-MiniLM-L6-v2"')
    assert absent.outcome is Outcome.WARNING
    assert "the night would download it" in absent.text
    Path("cache/huggingface/hub/models--sentence-transformers--all-MiniLM-L6-v2").mkdir(parents=True)
    assert model_finding('model = "all-MiniLM-L6-v2"').outcome is Outcome.OK


# ---------------------------------------------------------------- messages, Prefect, packages


def full(environment: Mapping[str, str] | None = None) -> list[Finding]:
    return preflight.check_all(load_settings(), NOW, os.environ if environment is None else environment)


def test_nobody_told_is_a_note_and_an_address_that_cannot_be_told_a_problem_but_not_of_the_night() -> None:
    write(GOOD.replace('to = ["json://127.0.0.1:1/"]', ""))
    assert only("notify").outcome is Outcome.NOTE
    write(
        GOOD.replace("json://127.0.0.1:1/", "json://me:${WORD}@127.0.0.1:1/") + 'ping = "https://a.example/${ID}"\n'
    )
    assert {finding.outcome for finding in of("notify", night(environment={}))} == {Outcome.WARNING}
    findings = of("notify", full({}))
    assert [finding.outcome for finding in findings] == [Outcome.PROBLEM, Outcome.PROBLEM]
    assert "notify.to 1 (json): the environment variable WORD is not set" in findings[0].text
    assert "notify.ping: the environment variable ID is not set" in findings[1].text
    write(GOOD.replace("json://", "nonsense://"))
    assert "Apprise does not understand it" in only("notify", full()).text
    write(GOOD.replace("json://", "json://me:hunter2@"))
    plain = [finding for finding in of("notify", full()) if finding.outcome is Outcome.WARNING]
    assert "holds its password itself" in plain[0].text
    assert "hunter2" not in str(plain)


@contextmanager
def prefect_answering(status: int) -> Iterator[tuple[str, list[str | None]]]:
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization"))
            self.send_response(status if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", asked
    finally:
        server.shutdown()
        server.server_close()


def prefect_finding(**environment: str) -> Finding:
    (finding,) = preflight._prefect(environment)
    return finding


def test_prefects_server_is_asked_with_its_auth_string_and_away_is_a_warning() -> None:
    with prefect_answering(200) as (url, asked):
        finding = prefect_finding(PREFECT_API_URL=url, PREFECT_API_AUTH_STRING="admin:word")
        assert finding.outcome is Outcome.OK
        assert asked == ["Basic YWRtaW46d29yZA=="]
    with prefect_answering(401) as (url, _):
        finding = prefect_finding(PREFECT_API_URL=url)
        assert finding.outcome is Outcome.WARNING
        assert "PREFECT_API_AUTH_STRING" in finding.mend
    with prefect_answering(503) as (url, _):
        assert "answers 503" in prefect_finding(PREFECT_API_URL=url).text
    away = prefect_finding(PREFECT_API_URL="http://me:hunter2@127.0.0.1:1/api")
    assert away.outcome is Outcome.WARNING
    assert "http://***@127.0.0.1:1/api does not answer" in away.text
    assert prefect_finding(PREFECT_API_URL="file:///etc/passwd").outcome is Outcome.WARNING
    assert prefect_finding().outcome is Outcome.OK


def test_a_package_in_another_version_than_asked_for_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["SQLAlchemy<2.1", "duckdb<1.6,>=1.5.5", 'trustme>=1.2; extra == "demo"', "absent-one>=1"]
    installed = {"SQLAlchemy": "2.1.9", "duckdb": "1.5.5"}

    def version(name: str) -> str:
        if name not in installed:
            raise preflight.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(preflight.metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(preflight.metadata, "version", version)
    assert [finding.text for finding in preflight._packages()] == [
        "SQLAlchemy 2.1.9 is not <2.1",
        "absent-one is missing",
    ]
    installed |= {"SQLAlchemy": "2.0.58", "absent-one": "1.0"}
    assert [finding.outcome for finding in preflight._packages()] == [Outcome.OK]


# ---------------------------------------------------------------- newsclust check


def test_check_prints_a_line_a_finding_at_80_columns_and_ends_with_0(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = terminal("check")
    assert ended.code == 0, ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[0] == "ok settings newsclust.toml"
    assert "ok stages fetch, extract, embed, pairs, stories" in lines
    assert lines[-1].startswith("A night can be lived: ")


def test_check_ends_with_2_and_says_what_mends_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write(GOOD + "[stories.options]\nthresold = 0.4\n")
    Path("data/feeds.toml").unlink()
    ended = terminal("check")
    assert ended.code == 2
    assert max(map(len, ended.out.splitlines())) <= 80
    text = " ".join(ended.out.split())
    assert "problem feeds data/feeds.toml does not exist mend: `newsclust init` or" in text
    assert "problem stages [stories.options] of" in text
    assert "2 of" in ended.err
    assert "no night can be lived" in ended.err


def test_check_of_settings_that_cannot_be_read_names_their_key(terminal: Terminal) -> None:
    write("[night]\nretries = -1\n")
    ended = terminal("check")
    assert ended.code == 2
    assert "newsclust.toml: night.retries" in ended.err


def test_a_strangers_words_in_a_finding_are_shown_and_not_obeyed(terminal: Terminal) -> None:
    write('[[feed]]\nurl = "[bold]\\u001b[2J"\ntitle = "x"\n', "data/feeds.toml")
    ended = terminal("check")
    assert "\x1b" not in ended.out
    assert "[bold]" in ended.out


def test_the_default_settings_have_no_problem_but_the_missing_list(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("newsclust.toml").unlink()
    problems = [f for f in preflight.check_night(Settings(), NOW, os.environ) if f.outcome is Outcome.PROBLEM]
    assert problems == []
