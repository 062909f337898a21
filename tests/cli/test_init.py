"""A data folder to begin with: what is asked, checked, written and refused."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from newsclust.cli import init as verb
from newsclust.errors import SettingsError
from newsclust.settings import Settings, load_settings
from newsclust.sources.feeds_toml import read_feeds
from tests.terminal import Terminal

ME = "https://me.example/newsclust"


def answers(monkeypatch: pytest.MonkeyPatch, *given: str) -> list[str]:
    """Answer prompts in turn as on a terminal; return the questions."""
    asked: list[str] = []
    left = list(given)

    def prompt(question: str, default: str | None = None) -> str:
        asked.append(question)
        return left.pop(0) or str(default)

    monkeypatch.setattr(verb.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(typer, "confirm", lambda question, default: asked.append(question) or default)
    return asked


def test_the_files_are_loaded_as_they_were_answered(terminal: Terminal, tmp_path: Path) -> None:
    ended = terminal("init", "news", "--contact", ME, "--timezone", "America/Montreal", "--hour", "4:05")
    folder = tmp_path / "news"
    settings = load_settings(folder / "newsclust.toml")
    assert ended.code == 0
    assert (settings.fetch.contact, settings.night.timezone, settings.night.at) == (ME, "America/Montreal", "04:05")
    assert {path.resolve().parent for _, path in settings.paths} == {folder, folder / "published"}
    assert read_feeds(settings.paths.feeds) == []
    assert "newsclust feeds add" in ended.out
    assert "cd news" in ended.out


def test_without_a_folder_it_is_the_current_one(terminal: Terminal, tmp_path: Path) -> None:
    ended = terminal("init", "--contact", ME)
    assert ended.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feeds.toml", "newsclust.toml"]
    assert "cd " not in ended.out


def test_what_is_commented_out_is_known_and_the_default(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init", "--contact", ME)
    text = (tmp_path / "newsclust.toml").read_text(encoding="utf-8")
    defaults = Settings()
    shown = 0
    for section in text.split("\n\n"):
        keys = [line.removeprefix("# ") for line in section.splitlines() if " = " in line or "[" in line[:3]]
        for name, values in tomllib.loads("\n".join(keys)).items():
            stated = getattr(defaults, name)
            chosen = {"paths", "fetch"} if "contact" in values else {"paths"}
            if name in chosen or "at" in values:
                continue
            for key, value in values.items():
                if key != "options":
                    assert stated.model_dump(mode="json")[key] == value, (name, key)
                    shown += 1
    assert shown >= 5


def test_the_starter_list_can_be_taken_over(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("init", "--contact", ME, "--starter").code == 0
    assert len(read_feeds(tmp_path / "feeds.toml")) == 40


def test_the_examples_of_an_empty_list_are_feeds_once_their_signs_are_off(tmp_path: Path) -> None:
    keys, _, examples = verb.new_feed_list(starter=False).partition("feeds of your own.\n")
    listed = tmp_path / "feeds.toml"
    listed.write_text("\n".join(line.removeprefix("# ") for line in examples.splitlines()), encoding="utf-8")
    assert len(read_feeds(listed)) == 2
    assert all(f"#   {key} " in keys for key in ("url", "title", "language", "tags", "pages"))


def test_a_second_init_changes_nothing_and_says_so(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init", "--contact", ME)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    ended = terminal("init", "--contact", "https://other.example/", "--starter")
    assert ended.code == 2
    assert "newsclust.toml exists already: nothing was changed" in ended.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_list_of_feeds_that_is_there_is_kept(terminal: Terminal, tmp_path: Path) -> None:
    mine = '[[feed]]\nurl = "https://pier.example/feed"\ntitle = "The Pier"\n'
    (tmp_path / "feeds.toml").write_text(mine, encoding="utf-8")
    ended = terminal("init", "--contact", ME)
    assert ended.code == 0
    assert (tmp_path / "feeds.toml").read_text(encoding="utf-8") == mine
    assert "(1 feed)" in ended.out


@pytest.mark.parametrize("where", ["work", "work/deep/er"])
def test_a_folder_in_a_git_work_tree_is_refused_with_the_reason(
    where: str, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    ended = terminal("init", where, "--contact", ME)
    assert ended.code == 2
    assert f"is in the git work tree {tmp_path / 'work'}" in ended.err
    assert [path.name for path in (tmp_path / "work").iterdir()] == [".git"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--contact", "me"], "--contact: 'me' names nobody"),
        (["--contact", "https://example.org/newsclust"], "--contact: 'https://example.org/newsclust' names nobody"),
        (["--contact", "https://me.example/ (and more)"], "--contact: "),
        (["--contact", "https://me.example/\nHost: x"], "--contact: "),
        (["--contact", ME, "--timezone", "Europe/Pariss"], "--timezone: 'Europe/Pariss' is no time zone"),
        (["--contact", ME, "--timezone", "Europe"], "--timezone: 'Europe' is no time zone"),
        (["--contact", ME, "--timezone", "../../etc/passwd"], "--timezone: "),
        (["--contact", ME, "--hour", "25:00"], "--hour: '25:00' is no time"),
        (["--contact", ME, "--hour", "half past three"], "--hour: "),
        ([], "--contact is missing"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_written(
    options: list[str], named: str, terminal: Terminal, tmp_path: Path
) -> None:
    ended = terminal("init", "news", *options)
    assert ended.code == 2
    assert named in ended.err
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_what_is_missing_is_asked_until_it_fits(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    asked = answers(monkeypatch, "nobody", "me@site.example", "", "5:15")
    assert terminal("init").code == 0
    settings = load_settings(tmp_path / "newsclust.toml")
    assert settings.fetch.contact == "mailto:me@site.example"
    assert (settings.night.timezone, settings.night.at) == ("Europe/Berlin", "05:15")
    assert [question.split()[0] for question in asked] == ["Contact", "Contact", "Time", "Hour", "List"]


def test_on_a_terminal_what_is_given_is_not_asked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch)
    given = ["--contact", ME, "--timezone", "UTC", "--hour", "03:30", "--no-starter"]
    assert terminal("init", *given).code == 0
    assert asked == []


@pytest.mark.parametrize(
    ("variable", "linked", "expected"),
    [
        ("Asia/Tokyo", "/usr/share/zoneinfo/Europe/Paris", "Asia/Tokyo"),
        (":Asia/Tokyo", None, "Asia/Tokyo"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        ("", "/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("", "/var/db/timezone/zoneinfo/America/New_York", "America/New_York"),
        ("", "/home/me/my-rules", "UTC"),
        ("", None, "UTC"),
    ],
)
def test_the_time_zone_of_the_machine_is_found(
    variable: str, linked: str | None, expected: str, tmp_path: Path
) -> None:
    localtime = tmp_path / "localtime"
    if linked:
        localtime.symlink_to(linked)
    assert verb.machine_timezone({"TZ": variable}, localtime) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_ends_with_exit_code_3(terminal: Terminal, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert terminal("init", "news", "--contact", ME).code == 3


def test_an_init_that_was_killed_between_its_files_can_be_repeated(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Callable[[Path, str], None] = verb.replace_file

    def stopped(file: Path, text: str) -> None:
        if file.name == "newsclust.toml":
            raise OSError(28, "No space left on device", str(file))
        write(file, text)

    monkeypatch.setattr(verb, "replace_file", stopped)
    ended = terminal("init", "--contact", ME)
    assert ended.code == 3
    assert "No space left on device" in ended.err
    monkeypatch.setattr(verb, "replace_file", write)
    assert terminal("init", "--contact", ME).code == 0


@pytest.mark.parametrize("contact", ["https://me.example/a?b=c", "http://news.me.example", "me@site.example"])
def test_a_contact_is_a_page_or_a_mail_address(contact: str) -> None:
    assert verb.checked_contact(contact).removeprefix("mailto:") == contact
    with pytest.raises(SettingsError):
        verb.checked_contact(contact.replace("example", "exa mple"))
