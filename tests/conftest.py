"""What the tests share: one Prefect server, and three nights of the sample lived once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.loopback import RoutedServer, routed_server
from tests.terminal import Terminal

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")

# Read when prefect is imported. The environment of who runs the tests must not change what they see.
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"
os.environ["PREFECT_CLIENT_MAX_RETRIES"] = "15"  # 503 says that SQLite is locked, as it is on a busy machine
# test_fuzz.py takes its own variable when it is collected.
for variable in [name for name in os.environ if name.upper().startswith("NEWSCLUST_")]:
    if variable != "NEWSCLUST_FUZZ_EXAMPLES":
        del os.environ[variable]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `flow` what needs the Prefect server or the demonstration, as `model` what loads the language model."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"prefect_server", "demo_folder"}:
            item.add_marker(pytest.mark.flow)
        if "models" in fixtures:  # of tests/embed: the folder with the rebuilt language model
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of the one server of a test run; flows of this process use it, other processes can be told."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from tests.prefect_server import prefect_server_running

    with (
        prefect_server_running(tmp_path_factory.mktemp("prefect")) as url,
        temporary_settings(updates={PREFECT_API_URL: url}),
    ):
        yield url


@pytest.fixture(scope="session")
def demo_folder(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves: three nights of data/sample. To be read; a test that changes it takes a copy."""
    from flows.demo import demo

    folder = tmp_path_factory.mktemp("demo")
    demo(folder)
    return folder


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in an empty folder, with settings of their defaults."""
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)


@pytest.fixture
def newsclust(terminal: Terminal, demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal whose settings name what the demonstration published."""
    monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(demo_folder / "published" / "newsclust.duckdb"))
    monkeypatch.setenv("NEWSCLUST_PATHS__FEEDS", str(demo_folder / "feeds.toml"))
    # Its own settings name files beside it, which all tests share: what one says stays in its own folder.
    for name in ("corrections", "feed_commands"):
        monkeypatch.setenv(f"NEWSCLUST_PATHS__{name.upper()}", f"data/{name}.jsonl")
    return terminal


@pytest.fixture
def server() -> Iterator[RoutedServer]:
    """A server on loopback that answers as a test says (tests/loopback.py)."""
    with routed_server() as running:
        yield running
