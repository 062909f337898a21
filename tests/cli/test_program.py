"""What the program is beside its verbs: version, completion, the demonstration as a verb."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from newsclust import __version__
from newsclust.cli import flows as verb
from newsclust.cli.flows import flow_module
from newsclust.shipped import SAMPLE_FOLDER, STARTER_FEEDS
from tests.terminal import Terminal

COMPLETE = {  # what each shell's completion script sets
    "bash": {"COMP_WORDS": "newsclust fee", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "newsclust fee"},
    "fish": {"_TYPER_COMPLETE_ARGS": "newsclust fee", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


def newsclust(**variables: str) -> str:
    """Return what the program prints in a process of its own with these variables."""
    run = "import sys; from newsclust.cli import main; sys.argv = ['newsclust']; main()"
    done = subprocess.run(
        [sys.executable, "-c", run],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_the_version_is_that_of_the_package(terminal: Terminal) -> None:
    ended = terminal("--version")
    assert (ended.code, ended.out) == (0, f"newsclust {__version__}\n")


@pytest.mark.parametrize("shell", COMPLETE)
def test_a_shell_gets_a_completion_script_and_completes_verbs(shell: str) -> None:
    assert "_NEWSCLUST_COMPLETE" in newsclust(_NEWSCLUST_COMPLETE=f"source_{shell}")
    completed = newsclust(_NEWSCLUST_COMPLETE=f"complete_{shell}", **COMPLETE[shell])
    assert "feeds" in completed
    assert "story" not in completed


def test_demo_lives_the_nights_of_the_sample_in_the_folder_that_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    flow = types.SimpleNamespace(main=lambda arguments: asked.append(arguments) or 5)
    monkeypatch.setattr(verb, "flow_module", lambda name: flow if name == "demo" else None)
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "WARNING")
    assert terminal("demo", "there").code == 5
    terminal("demo")
    assert asked == [["demo", "there"], ["demo", "newsclust-demo"]]


@pytest.mark.flow
def test_the_flows_are_a_package_of_newsclust() -> None:
    assert flow_module("demo").__name__ == "newsclust.flows.demo"
    assert flow_module("demo").demo.__module__ == "newsclust.flows.demo"


def test_what_is_shipped_is_there() -> None:
    assert (SAMPLE_FOLDER / "sites.toml").is_file()
    assert STARTER_FEEDS.is_file()
    assert Path(verb.__file__).is_file()
