"""What people write wrongly is told with file, line or key, and how to mend it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from newsclust.errors import SettingsError
from newsclust.model import Feed
from newsclust.overrides import read_corrections, read_feed_commands
from newsclust.settings import load_settings
from newsclust.sources.feeds_toml import append_feeds, read_feeds, read_lists
from newsclust.sources.validators import check_address
from newsclust.written import replace_file

FEED = '[[feed]]\nurl = "https://a.example/feed"\ntitle = "A"\n'
CORRECTION = '{"id": "x", "kind": "undo", "made_at": "2026-03-02T12:00:00Z", "undoes": "y"}\n'
COMMAND = '{"kind": "refresh", "feed_id": "a", "given_at": "2026-03-02T12:00:00Z"}\n'
SETTINGS = "[stories]\nwindow_days = 3\n"
READERS: list[tuple[str, Callable[[Path], object]]] = [
    (SETTINGS, load_settings),
    (FEED, read_feeds),
    (FEED, read_lists),
    (COMMAND, read_feed_commands),
]


def refusal(read: Callable[[Path], object], content: str | bytes, folder: Path, name: str = "it") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as refused:
        read(path)
    assert str(refused.value).startswith(str(path))
    return str(refused.value).removeprefix(str(path))


@pytest.mark.parametrize(("text", "read"), READERS)
def test_a_byte_order_mark_of_utf8_is_accepted(text: str, read: Callable[[Path], object], tmp_path: Path) -> None:
    plain, marked = tmp_path / "plain", tmp_path / "marked"
    plain.write_bytes(text.encode())
    marked.write_bytes(text.encode("utf-8-sig"))
    assert read(marked) == read(plain)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("text", "read"), [*READERS, (CORRECTION, read_corrections)])
def test_utf16_is_named_as_such(text: str, read: Callable[[Path], object], encoding: str, tmp_path: Path) -> None:
    assert refusal(read, text.encode(encoding), tmp_path) == ": it is UTF-16 text: save it as UTF-8"


@pytest.mark.parametrize(("text", "read"), [*READERS, (CORRECTION, read_corrections)])
def test_a_folder_in_a_files_place_is_named_as_such(
    text: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"it is a folder, and a .*file is needed"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[paths]\nfeeds = "C:\\news\\feeds.toml"\n', "put a Windows path in single quotes"),
        ('[paths]\nfeeds = "C:\\Users\\me"\n', "line 2: not valid TOML: "),
        ('[paths]\nfeeds = "D:\\data"\n', "a backslash in double quotes begins an escape"),
        ("[fetch]\ncontact = https://a.example\n", "line 2: not valid TOML: Invalid value; a text needs quotes"),
        ("[night]\nat = 03:30\n", "; a text needs quotes"),
        ('[night]\nat = "3:30"\n', "'3:30' is no time of day (such as \"03:30\")"),
        ("[fetch]\ncontact = “me@a.example”\n", "the quotes of TOML are straight: \" or '"),
        ("[stories]\nwindow_days = 3\n[stories]\n", "line 3: not valid TOML: Cannot declare ('stories',) twice"),
        ("[stories\n", "line 1: not valid TOML"),
        ('[fetch]\ncontact = "a\n', "line 2: not valid TOML"),
        ("window_days = 3\n", "window_days: unknown key; it stands in [stories] or [topics]"),
        ("[polling]\nretries = 3\n", "polling.retries: unknown key; it stands in [night]"),
        ("[storys]\n", "storys: unknown key; did you mean stories?"),
        ("[stories]\nwindow_day = 3\n", "stories.window_day: unknown key; did you mean window_days?"),
        ("[stories]\nWindow_Days = 3\n", "did you mean window_days?"),
        ('[stories]\nwindow_days = "three"\n', 'stories.window_days: a number is needed, not "three"'),
        ("[stories]\nwindow_days = true\n", ""),
        ("[night]\nretries = 1.5\n", "night.retries: a whole number is needed, not 1.5"),
        ("[fetch]\noptions = 3\n", "fetch.options: a table is needed, not 3"),
        ('[notify]\nto = "mailto://a"\n', "notify.to: a list is needed"),
    ],
)
def test_what_is_wrong_in_the_settings_is_told_with_its_mend(text: str, told: str, tmp_path: Path) -> None:
    if told:
        assert told in refusal(load_settings, text, tmp_path)
    else:  # a truth value counts as a number, as TOML's readers have it
        (tmp_path / "it").write_text(text)
        load_settings(tmp_path / "it")


NUMBERS = [
    "stories.window_days",
    "topics.window_days",
    "polling.min_interval_minutes",
    "polling.max_interval_hours",
    "night.retry_delay_s",
    "notify.late_after_hours",
    "duplicates.jaccard",
    "duplicates.containment",
    "fetch.options.host_pause_s",
    "retention.page_days",
    "retention.request_days",
    "retention.article_months",
]


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e300", "-1e300"])
@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_is_infinite_or_beyond_the_calendar(name: str, number: str, tmp_path: Path) -> None:
    section, _, key = name.rpartition(".")
    told = refusal(load_settings, f"[{section}]\n{key} = {number}\n", tmp_path)
    assert key in told
    assert "is needed" in told


def test_the_longest_windows_reach_back_a_hundred_years_and_not_before_the_calendar(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("[stories]\nwindow_days = 36500\n[topics]\nwindow_days = 36500\n")
    assert load_settings(tmp_path / "it").stories.window_days == 36_500
    assert "at most 36,500 is needed" in refusal(load_settings, "[stories]\nwindow_days = 36501\n", tmp_path)


def test_an_escape_that_makes_a_line_feed_of_a_path_is_told(tmp_path: Path) -> None:
    told = refusal(load_settings, '[paths]\nfeeds = "D:\\new\\table"\n', tmp_path)
    assert "paths.feeds: it holds characters that no path has" in told
    assert "put a Windows path in single quotes" in told


def test_a_secret_stands_in_no_message(tmp_path: Path) -> None:
    assert "hunter2" not in refusal(load_settings, '[notify]\nto = "mailto://me:hunter2@a"\n', tmp_path)
    assert "hunter2" not in refusal(load_settings, '[notify]\nto = ["mailto://me:hunter2@a]\n', tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            FEED + 'tags = "tech"\n',
            'feed 1 (https://a.example/feed): tags: a list is needed: tags = ["tech"]',
        ),
        (f"\n\n{FEED}colur = 1\n", ": line 3: feed 1 (https://a.example/feed): colur: unknown key"),
        (FEED + 'langage = "en"\n', "langage: unknown key; did you mean language?"),
        (f"{FEED}\n# more\n[feed]\nurl = 1\n", "a table that stands more than once has two brackets"),
        ('# mine\n[feed]\nurl = "https://a.example/feed"\n', ": line 2: feed: write [[feed]], with two brackets"),
        (f"[[feeds]]\n{FEED[9:]}", "feeds: unknown, only [[feed]] and [[list]] stand at the top; did you mean feed?"),
        (f"{FEED}url = https://b.example\n", ": line 4: not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_list_of_feeds_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    assert told in refusal(read_feeds, text, tmp_path)


@pytest.mark.parametrize(
    "url", [" https://a.example/f", "https://a.example/f ", "\thttps://a.example/f", "\ufeffhttps://a.example/"]
)
def test_an_address_with_blanks_around_it_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no blanks around it"):
        check_address(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/fe ed", "a blank is its character 21; write it as %20, or take it out"),
        ("https://a.exa mple/feed", "a blank is its character 14"),
        ("https://a.example/f?q=a b", "a blank is its character 24"),
        ("https://a.example/\u200bfeed", r"U\+200B, which nobody sees, is its character 19; take it out"),
        ("https://a.example/\u00a0feed", r"U\+00A0, which nobody sees"),
        ("https://a.example/fe\u00aded", r"U\+00AD, which nobody sees"),
        ("https://a.example/fe\ned", r"U\+000A, which nobody sees"),
    ],
)
def test_a_blank_within_an_address_is_told_with_its_place(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        check_address(url)
    escaped = url.replace("\n", "\\n")
    assert "feed 1" in refusal(read_feeds, f'[[feed]]\nurl = "{escaped}"\ntitle = "A"\n', tmp_path)


def test_a_wrong_line_of_commands_is_told_in_plain_words(tmp_path: Path) -> None:
    told = refusal(read_feed_commands, COMMAND + COMMAND.replace("refresh", "refrsh"), tmp_path)
    assert told.startswith(", line 2: kind: 'refresh', 'keep_address' or 'release' is needed, not \"refrsh\"")


def test_feeds_are_appended_to_a_list_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_bytes(FEED.encode("utf-8-sig"))
    append_feeds(path, [Feed(id="b", url="https://b.example/feed", title="b")])
    assert [feed.title for feed in read_feeds(path)] == ["A", "b"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text("before", encoding="utf-8")
    file.chmod(mode)
    replace_file(file, "after")
    assert (file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777) == ("after", mode)
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    replace_file(tmp_path / "new", "text")
    (tmp_path / "plain").write_text("text", encoding="utf-8")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_to_a_file_stays_a_link_and_none_that_lies_in_the_way_is_followed(tmp_path: Path) -> None:
    kept, file, link, victim = (tmp_path / name for name in ("kept", "feeds.toml", "link.toml", "victim"))
    kept.mkdir()
    victim.write_text("not ours", encoding="utf-8")
    for name in ("feeds.partial", ".feeds.toml.partial"):
        (tmp_path / name).symlink_to(victim)
    file.write_text("before", encoding="utf-8")
    link.symlink_to(file)
    replace_file(link, "after")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "after"
    assert victim.read_text(encoding="utf-8") == "not ours"


def test_a_file_that_cannot_be_written_is_as_before(tmp_path: Path) -> None:
    file = tmp_path / "feeds.toml"
    file.write_text("before", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        replace_file(file, "after \ud800")
    assert file.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [file]
