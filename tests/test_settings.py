"""Settings: defaults < newsclust.toml < NEWSCLUST_*, and the stages that they build."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust import cli
from newsclust.embed import SentenceTransformerEmbedder
from newsclust.errors import SettingsError
from newsclust.polling.scheduler import DEFAULT_LIMITS, PollingLimits
from newsclust.settings import (
    FetchSettings,
    NightSettings,
    Paths,
    PollingSettings,
    Settings,
    load_settings,
    readable_settings,
    recorded_stories,
    settings_toml,
)
from newsclust.stories.clustering import MergeClassifier
from tests.fakes import HashingEmbedder

NOW = datetime(2026, 2, 3, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    Path("newsclust.toml").write_text(text, encoding="utf-8")


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


# ---------------------------------------------------------------- where a value comes from


@pytest.mark.parametrize(
    "text",
    [
        '[paths]\npublished = "out/news.duckdb"\n[topics]\nspeed = 1\n',
        '[paths]\npublished = "out/news.duckdb"\nx = y',
    ],
    ids=["unknown key", "no TOML"],
)
def test_of_refused_settings_the_paths_are_read_as_far_as_they_can_be(text: str, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        load_settings(file)
    published = readable_settings(file).paths.published
    is_toml = "speed" in text
    assert published == tmp_path / ("out/news.duckdb" if is_toml else "data/published/newsclust.duckdb")
    assert readable_settings(file).topics == Settings().topics


def test_without_a_file_and_variables_the_settings_are_the_defaults() -> None:
    assert load_settings() == Settings()


def test_the_file_overrides_the_defaults_that_it_names() -> None:
    write("[stories]\nwindow_days = 3\n")
    settings = load_settings()
    assert settings.stories.window_days == 3
    assert settings.stories.use == Settings().stories.use
    assert settings.topics == Settings().topics


def test_the_environment_overrides_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[topics]\nwindow_days = 3\nmin_stories = 4\n")
    monkeypatch.setenv("NEWSCLUST_TOPICS__WINDOW_DAYS", "9")
    assert (load_settings().topics.window_days, load_settings().topics.min_stories) == (9, 4)


def test_sections_given_as_arguments_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSCLUST_TOPICS__MIN_STORIES", "9")
    assert load_settings(topics={"min_stories": 5}).topics.min_stories == 5


def test_the_polling_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().polling_limits == DEFAULT_LIMITS
    write("[polling]\nmin_interval_minutes = 10\nmax_interval_hours = 8\n")
    monkeypatch.setenv("NEWSCLUST_POLLING__POLL", "all")
    assert load_settings().polling_limits == PollingLimits(
        min_interval=timedelta(minutes=10), max_interval=timedelta(hours=8), poll_all=True
    )


def test_the_user_agent_names_the_program_and_the_contact_unless_one_is_given() -> None:
    write('[fetch]\ncontact = "news@outlet.example"\n')
    assert load_settings().user_agent == "newsclust/0.1 (+news@outlet.example)"
    write('[fetch.options]\nuser_agent = "Ours/2"\n')
    assert load_settings().user_agent == "Ours/2"


def test_options_can_be_given_as_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSCLUST_STORIES__OPTIONS", '{"threshold": 0.5}')
    clusterer = load_settings().clusterer()
    assert isinstance(clusterer, MergeClassifier)
    assert clusterer.threshold == 0.5


def test_newsclust_config_names_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.toml").write_text("[topics]\nmin_stories = 7\n", encoding="utf-8")
    monkeypatch.setenv("NEWSCLUST_CONFIG", "other.toml")
    assert load_settings().topics.min_stories == 7


def test_a_path_given_as_argument_overrides_newsclust_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSCLUST_CONFIG", "nowhere.toml")
    Path("given.toml").write_text("[topics]\nmin_stories = 8\n", encoding="utf-8")
    assert load_settings(Path("given.toml")).topics.min_stories == 8


# ---------------------------------------------------------------- what is refused, and in which words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer = 42\n", "newsclust.toml: answer: unknown key"),
        ("[storys]\nwindow_days = 3\n", "newsclust.toml: storys: unknown key"),
        ("[stories]\nwindow = 3\n", "newsclust.toml: stories.window: unknown key"),
        ('[stories]\nwindow_days = "long"\n', "newsclust.toml: stories.window_days: a number is needed, not "),
        ("[stories]\nwindow_days = 0\n", "newsclust.toml: stories.window_days: more than 0 is needed, not 0"),
        ("stories = 3\n", "newsclust.toml: stories: a table is needed, not 3"),
        (
            "[polling]\nmin_interval_minutes = 600\nmax_interval_hours = 8\n",
            "polling: min_interval_minutes is longer than",
        ),
        ('[polling]\npoll = "some"\n', "newsclust.toml: polling.poll: 'due' or 'all' is needed"),
        ('[fetch]\nask = "all"\n', "newsclust.toml: fetch.ask: it is called polling.poll now"),
        ("[fetch]\nsoonest_minutes = 3\n", "fetch.soonest_minutes: it is called polling.min_interval_minutes now"),
        ("[fetch]\nlatest_hours = 3\n", "fetch.latest_hours: it is called polling.max_interval_hours now"),
        ('[paths]\norders = "a.jsonl"\n', "newsclust.toml: paths.orders: it is called paths.feed_commands now"),
        ("[links.options]\nfloor = 0.1\n", "newsclust.toml: links: it is called pairs now"),
        ("[night]\nretries = -1\n", "newsclust.toml: night.retries: at least 0 is needed, not -1"),
        ('[night]\nat = "25:00"\n', "newsclust.toml: night.at: '25:00' is no time of day"),
        ('[night]\ntimezone = "Mars/Olympus"\n', "night.timezone: 'Mars/Olympus' is no time zone"),
        ("[stories\n", "newsclust.toml: line 1: not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_key(text: str, message: str) -> None:
    write(text)
    assert message in refusal()


def test_all_wrong_keys_of_a_file_are_reported_at_once() -> None:
    write("[night]\nretries = -1\nretry = 3\n")
    assert "night.retries" in refusal()
    assert "night.retry: unknown key" in refusal()


def test_a_file_that_is_not_utf8_is_refused_with_its_name() -> None:
    Path("newsclust.toml").write_bytes('\ncontact = "Rédaction"'.encode("latin-1"))
    assert "newsclust.toml: line 2: not utf-8 (byte 0xe9): save the file as UTF-8" in refusal()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NEWSCLUST_COLOUR", "red", "NEWSCLUST_COLOUR: no such section"),
        ("newsclust_colour", "red", "newsclust_colour: no such section"),
        ("NEWSCLUST_STORIES_WINDOW_DAYS", "3", "NEWSCLUST_STORIES_WINDOW_DAYS: no such section"),
        ("NEWSCLUST_STORIES__WINDOW", "3", "NEWSCLUST_STORIES__WINDOW: stories.window: unknown key"),
        ("NEWSCLUST_STORIES__WINDOW_DAYS", "long", "NEWSCLUST_STORIES__WINDOW_DAYS: stories.window_days: a number"),
        ("NEWSCLUST_STORIES", '{"window": 3}', "NEWSCLUST_STORIES: stories.window: unknown key"),
        ("NEWSCLUST_FETCH__ASK", "all", "NEWSCLUST_FETCH__ASK: fetch.ask: it is called polling.poll now"),
        ("NEWSCLUST_LINKS__USE", "a:B", "NEWSCLUST_LINKS__USE: the section is called NEWSCLUST_PAIRS__... now"),
        ("NEWSCLUST_FETCH__OPTIONS", "{per_host}", 'NEWSCLUST_*: error parsing value for field "fetch"'),
    ],
)
def test_a_wrong_variable_is_refused_with_its_name(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert f"environment variable {message}" in refusal()


def test_the_variable_is_blamed_although_the_file_has_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[topics]\nmin_stories = 4\n")
    monkeypatch.setenv("NEWSCLUST_TOPICS__MIN_STORIES", "one")
    assert refusal().startswith("environment variable NEWSCLUST_TOPICS__MIN_STORIES: topics.min_stories")


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_file_that_is_named_and_missing_is_refused(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "variable":
        monkeypatch.setenv("NEWSCLUST_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml: no such settings file"):
        load_settings(Path("nowhere.toml") if way == "argument" else None)


@pytest.mark.parametrize("wrong", ["unknown_key", "unknown_variable", "missing_file"])
def test_the_command_line_ends_with_2_and_one_line_for_wrong_settings(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["newsclust", "top"]
    if wrong == "unknown_key":
        write("[storys]\n")
    elif wrong == "unknown_variable":
        monkeypatch.setenv("NEWSCLUST_COLOUR", "red")
    else:
        arguments += ["--config", "nowhere.toml"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == SettingsError.exit_code == 2
    assert re.fullmatch(r"newsclust: [^\n]+\n", capsys.readouterr().err)


# ---------------------------------------------------------------- the stages


def test_the_default_stages_are_built_from_the_default_settings() -> None:
    settings = load_settings()
    assert isinstance(settings.embedder(), SentenceTransformerEmbedder)
    assert isinstance(settings.clusterer(), MergeClassifier)
    assert type(settings.fetcher(clock=lambda: NOW)).__name__ == "HttpFetcher"
    assert type(settings.extractor()).__name__ == "TrafilaturaExtractor"
    assert type(settings.linker()).__name__ == "PairModel"


def test_a_stage_is_replaced_by_naming_another_class() -> None:
    write('[embed]\nuse = "tests.fakes:HashingEmbedder"\n')
    assert isinstance(load_settings().embedder(), HashingEmbedder)


def test_a_stage_is_given_its_options_in_the_types_it_asks_for(tmp_path: Path) -> None:
    write('[embed.options]\ncache_folder = "models"\nthreads = 2\n')
    embedder = load_settings().embedder()
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert (embedder._cache_folder, embedder._threads) == (Path("models"), 2)


@pytest.mark.parametrize(
    ("section", "options", "message"),
    [
        (
            "stories",
            "cat = 0.3",
            r"\[stories.options\] of newsclust.stories.clustering:MergeClassifier: cat: unknown key",
        ),
        ("fetch", 'per_host = "many"', r"\[fetch.options\] of newsclust.fetch:HttpFetcher: per_host: a whole number"),
        ("extract", "workers = 0", r"\[extract.options\] of newsclust.extract:TrafilaturaExtractor: workers"),
    ],
)
def test_a_wrong_option_is_refused_with_the_stage_it_was_given_to(section: str, options: str, message: str) -> None:
    write(f"[{section}.options]\n{options}\n")
    settings = load_settings()
    build = {
        "stories": settings.clusterer,
        "fetch": lambda: settings.fetcher(clock=lambda: NOW),
        "extract": settings.extractor,
    }[section]
    with pytest.raises(SettingsError, match=message):
        build()


@pytest.mark.parametrize(
    "use",
    [
        "no_such_module:Embedder",
        "newsclust.embed:NoSuch",
        "newsclust.embed",
        "",
        ".embed:X",
        "newsclust.embed:PROMPT",
    ],
)
def test_a_stage_that_cannot_be_imported_is_refused_with_its_section_and_name(use: str) -> None:
    write(f'[embed]\nuse = "{use}"\n')
    with pytest.raises(SettingsError, match=re.escape(f"[embed] use = {use!r}: cannot be imported")):
        load_settings().embedder()


def test_settings_written_as_toml_are_read_back_equal(tmp_path: Path) -> None:
    options = {"connect_to": {"*:80": "127.0.0.1:1"}, "host_pause_s": 0.0, "name": 'é "quoted" \\ \x7f', "on": True}
    settings = Settings(
        paths=Paths(feeds=tmp_path / "feeds.toml"),
        polling=PollingSettings(poll="all"),
        fetch=FetchSettings(options=options | {"hosts": ["a", "b"]}),
        night=NightSettings(at="04:05", retries=0),
    )
    file = tmp_path / "newsclust.toml"
    file.write_text(settings_toml(settings), encoding="utf-8")
    found = load_settings(file)
    assert found.model_copy(update={"paths": settings.paths}) == settings
    assert found.paths.feeds == settings.paths.feeds
    assert settings_toml(Settings()) == ""


def test_relative_paths_of_a_file_count_from_its_folder_and_those_of_the_environment_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "newsclust.toml").write_text('[paths]\nfeeds = "feeds.toml"\npublished = "/srv/out.duckdb"\n')
    monkeypatch.setenv("NEWSCLUST_PATHS__CORRECTIONS", "mine.jsonl")
    paths = load_settings(folder / "newsclust.toml").paths
    assert paths.feeds == folder / "feeds.toml"
    assert paths.database == folder / "data" / "newsclust.duckdb"
    assert paths.published == Path("/srv/out.duckdb")
    assert paths.corrections == Path("mine.jsonl")


@pytest.mark.parametrize(
    ("use", "now"),
    [
        ("newsclust.stories:LearnedJoins", "newsclust.stories.clustering:MergeClassifier"),
        ("newsclust.stories:Density", "newsclust.stories.clustering:HdbscanClusterer"),
    ],
)
def test_a_class_under_its_old_path_is_answered_with_the_new_one(use: str, now: str, tmp_path: Path) -> None:
    file = tmp_path / "newsclust.toml"
    file.write_text(f'[stories]\nuse = "{use}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(f"it is called {now!r} now")):
        load_settings(file).clusterer()


def test_the_clusterer_that_an_earlier_night_recorded_is_found_under_its_new_name() -> None:
    recorded = recorded_stories({"use": "newsclust.stories:LearnedJoins", "options": {"cut": 0.3}})
    assert (recorded.use, recorded.options) == ("newsclust.stories.clustering:MergeClassifier", {"threshold": 0.3})
    assert type(Settings.model_construct(stories=recorded).clusterer()).__name__ == "MergeClassifier"


def test_a_run_records_no_key_of_a_stage_whatever_it_is_called_and_however_deep() -> None:
    options = {
        "apiKey": "one-secret",
        "X-Api-Key": "two-secret",
        "headers": {"Authorization": "Bearer three-secret", "Accept": "text/html"},
        "auth": {"user": "four-secret", "numbers": [55555]},
        "endpoint": "https://me:five-secret@host.example/?token=six-secret",
        "note": "sent with Basic c2V2ZW4tc2VjcmV0",
        "model_path": "sk-eight_secret_of_a_known_kind",
        "max_tokens": 128,
        "passwords": ["nine-secret"],
    }
    recorded = load_settings(embed={"use": "mine:Embedder", "options": options}).recorded()["embed"]["options"]
    assert "secret" not in json.dumps(recorded)
    assert "c2V2" not in json.dumps(recorded)
    assert "55555" not in json.dumps(recorded)
    assert (recorded["max_tokens"], recorded["headers"]["Accept"]) == (128, "text/html")
