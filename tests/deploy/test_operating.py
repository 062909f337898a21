"""What README and the guide to operating show can be typed: verbs and options exist, files and values are real."""

import re
import shlex
import signal
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer

from newsclust.cli import app
from newsclust.errors import CheckError, NewsclustError, SettingsError, StepError, StoreError

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", ROOT / "docs" / "operating.md"]
OPERATING = GUIDES[1].read_text(encoding="utf-8")


def shown(guide: Path) -> list[str]:
    """Every `newsclust ...` that a guide shows, in a block or in a line, without what a shell does with it."""
    text = guide.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```(?:console|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    found = re.findall(r"(?:^|[ /;])(newsclust [a-z][^\n]+)", blocks, re.MULTILINE) + spans
    return list(dict.fromkeys(command for command in found if re.match(r"newsclust [a-z-]", command)))


def words_of(command: str) -> list[str]:
    """The words of a command up to what a shell makes of it: a comment, a pipe, a redirection, the next command."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set(";|&<>()"), lexer))


def parse(command: str) -> None:
    """Let the program read a command without running it."""
    words = words_of(command)[1:]
    verb: Any = typer.main.get_command(app)  # typer has a click of its own
    context = verb.context_class(verb, info_name="newsclust")
    while hasattr(verb, "resolve_command") and words and not words[0].startswith("-"):
        if "stories" in verb.commands and words[0] not in verb.commands:
            words = ["stories", *words]  # `newsclust evaluate sample`
        name, verb, words = verb.resolve_command(context, words)
        context = verb.context_class(verb, info_name=name, parent=context)
    verb.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize(
    "command", sorted({command for guide in GUIDES for command in shown(guide)}), ids=lambda command: command
)
def test_a_command_that_is_shown_is_understood(command: str) -> None:
    parse(command)


def test_a_command_with_a_wrong_verb_or_option_would_be_found() -> None:
    for wrong in ("newsclust nights", "newsclust night --hour 3", "newsclust feeds ad x"):
        with pytest.raises(Exception, match=r"No such"):
            parse(wrong)


def test_the_guide_shows_the_life_of_an_operator() -> None:
    verbs = {command.split()[1] for command in shown(GUIDES[1])}
    assert {"init", "check", "night", "serve", "status", "notify", "backup", "restore", "feeds"} <= verbs


def test_every_exit_code_has_a_line_of_what_to_do() -> None:
    table = OPERATING.partition("## At seven in the morning")[2].partition("\n## ")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+)", table, re.MULTILINE)} - {128 + signal.SIGKILL}
    errors = (NewsclustError, SettingsError, StoreError, CheckError, StepError)
    assert codes == {0} | {error.exit_code for error in errors}


def test_files_that_the_guide_names_are_in_the_repository() -> None:
    named = set(re.findall(r"(?<![\w/])deploy/[\w./-]+\w", OPERATING))
    assert named
    assert [name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))] == []
