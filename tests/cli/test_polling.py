"""`newsclust feeds schedule|refresh|moved|undo-move`: what is shown, and which commands are written."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsclust import pipeline
from newsclust.errors import FetchError, Reason
from newsclust.model import Feed, Fetch, Request, RequestKind, id_of
from newsclust.overrides import FeedCommandKind, read_feed_commands, refresh_requests, refused_moves
from newsclust.polling.scheduler import NextPoll, ScheduleRule
from newsclust.report import summary_markdown
from newsclust.store import Database, feeds, runs
from newsclust.store import fetches as store_fetches
from newsclust.store.database import migrations
from newsclust.store.polling import revert_moves, save_moves, save_schedule
from tests.terminal import Terminal

NIGHT = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
HARBOUR = Feed(id=id_of("https://harbour.example/old"), url="https://harbour.example/old", title="The Harbour")
LIGHT = Feed(id=id_of("https://light.example/feed"), url="https://light.example/feed", title="The Light")
NEW = "https://harbour.example/new"
WEEK = timedelta(days=7)
COMMANDS = Path("data/feed_commands.jsonl")


@pytest.fixture
def published(terminal: Terminal) -> Terminal:
    """A terminal beside a published file with two feeds, of which one has moved."""
    path = Path("data/published/newsclust.duckdb")
    with Database(path, now=NIGHT) as db:
        run = runs.begin_run(db, flow="test", night_at=NIGHT, started_at=NIGHT, settings={})
        feeds.save_feeds(db, run, [HARBOUR, LIGHT])
        save_moves(db, run, [(HARBOUR.id, HARBOUR.url, NEW)])
        save_schedule(
            db,
            run,
            {
                HARBOUR.id: NextPoll(at=NIGHT, rule=ScheduleRule.PACE, why="2 new in 4 h: every 80 min"),
                LIGHT.id: NextPoll(at=None, rule=ScheduleRule.GONE, why="it said so"),
            },
        )
    return terminal


def test_the_schedule_shows_when_each_feed_is_requested_next_and_why(published: Terminal) -> None:
    shown = published("feeds", "schedule")
    assert shown.code == 0
    (harbour, light) = (line for line in shown.out.splitlines() if "The " in line)
    assert harbour.split() == [
        HARBOUR.id,
        "The",
        "Harbour",
        "2026-03-02",
        "03:30",
        *["pace", "2", "new", "in", "4", "h:", "every", "80", "min"],
    ]
    assert light.split() == [LIGHT.id, "The", "Light", "gone", "it", "said", "so"]


def test_on_a_narrow_terminal_nothing_is_cut(published: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    address = "https://harbour.example/" + "a" * 70
    few = published("query", f"select 'x' as feed_id, '{address}' as url").out
    assert address in "".join(few.split())
    columns = ", ".join(f"'value {n}' as name_{n}" for n in range(9))
    lines = published("query", f"select {columns}, '{address}' as url").out
    assert [line.split() for line in lines.splitlines()][:2] == [["name_0", "value", "0"], ["name_1", "value", "1"]]
    assert address in "".join(lines.split())
    assert "no rows" in published("query", f"select {columns} where false").out


@pytest.mark.parametrize("named", [LIGHT.id, LIGHT.url])
def test_a_feed_is_refreshed_by_id_or_address(published: Terminal, named: str) -> None:
    assert published("feeds", "refresh", named).code == 0
    assert refresh_requests(read_feed_commands(COMMANDS)).keys() == {LIGHT.id}


def test_a_moved_feed_is_refreshed_by_either_address(published: Terminal) -> None:
    for address in (HARBOUR.url, NEW):
        assert published("feeds", "refresh", address).code == 0
    assert [command.feed_id for command in read_feed_commands(COMMANDS)] == [HARBOUR.id, HARBOUR.id]


def test_a_feed_that_is_listed_no_more_is_not_refreshed(published: Terminal) -> None:
    with Database(Path("data/published/newsclust.duckdb"), now=NIGHT) as db:
        run = runs.begin_run(db, flow="later", night_at=NIGHT, started_at=NIGHT, settings={})
        feeds.save_feeds(db, run, [HARBOUR])
    ended = published("feeds", "refresh", LIGHT.id)
    assert (ended.code, "names it no more" in ended.err) == (2, True)
    assert not COMMANDS.exists()


@pytest.mark.parametrize("arguments", [("top", "--number", "-1"), ("query", "select 1", "--seconds", "0")])
def test_a_number_out_of_range_is_refused(published: Terminal, arguments: tuple[str, ...]) -> None:
    ended = published(*arguments)
    assert (ended.code, f"Invalid value for '{arguments[-2]}'" in ended.err) == (2, True)


def test_a_move_is_shown_and_undone(published: Terminal) -> None:
    assert NEW in published("feeds", "moved").out
    ended = published("feeds", "undo-move", HARBOUR.id)
    assert (ended.code, HARBOUR.url in ended.out) == (0, True)
    (command,) = read_feed_commands(COMMANDS)
    assert (command.kind, refused_moves([command])) == (FeedCommandKind.KEEP_ADDRESS, {(HARBOUR.id, NEW)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("refresh", "https://nobody.example/"), "no feed of that id or address has been requested yet"),
        (("undo-move", LIGHT.id), "the feed has not moved"),
        (("release", LIGHT.id), "nothing of the feed is quarantined"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_not_written(
    published: Terminal, arguments: tuple[str, ...], message: str
) -> None:
    ended = published("feeds", *arguments)
    assert (ended.code, message in ended.err) == (2, True)
    assert not COMMANDS.exists()


def test_the_mornings_summary_names_the_new_address_of_a_moved_feed_until_it_is_undone(published: Terminal) -> None:
    with Database(Path("data/published/newsclust.duckdb"), now=NIGHT) as db:
        run = runs.begin_run(db, flow="later", night_at=NIGHT, started_at=NIGHT, settings={})
        row = f"- The Harbour, since 2026-03-02: {NEW} (before: {HARBOUR.url})"
        assert row in summary_markdown(db.connection, run.id)
        assert revert_moves(db, run, {(HARBOUR.id, NEW), (LIGHT.id, NEW)}, by="person") == 1
        assert "moved" not in summary_markdown(db.connection, run.id)


def test_the_mornings_summary_names_the_feeds_in_trouble_with_since_when_and_why(published: Terminal) -> None:
    with Database(Path("data/published/newsclust.duckdb"), now=NIGHT) as db:
        run = runs.begin_run(db, flow="later", night_at=NIGHT, started_at=NIGHT, settings={})
        pipeline.update_feed_health(db, run)
        assert "## Feeds in trouble\n\nNone." in summary_markdown(db.connection, run.id)
        asked = Request(item_id=LIGHT.id, url=LIGHT.url, kind=RequestKind.FEED)
        store_fetches.save_fetches(
            db, run, [Fetch.not_made(asked, FetchError(LIGHT.url, Reason.GONE, "HTTP 410"), NIGHT)]
        )
        pipeline.update_feed_health(db, run)
        row = "| The Light | gone | 2026-03-02 | it answered that it is gone |"
        assert row in summary_markdown(db.connection, run.id)


def test_a_feed_that_an_opml_subscription_dropped_is_named_for_a_week(published: Terminal) -> None:
    listed = Feed(id=id_of("l"), url="https://l.example/", title="Listed", listed_by="https://list.example/opml")
    with Database(Path("data/published/newsclust.duckdb"), now=NIGHT) as db:
        run = runs.begin_run(db, flow="later", night_at=NIGHT, started_at=NIGHT, settings={})
        feeds.save_feeds(db, run, [HARBOUR, LIGHT, listed])
        for feed in (LIGHT, listed):
            request = Request(item_id=feed.id, url=feed.url, kind=RequestKind.FEED)
            failed = FetchError(feed.url, Reason.TIMEOUT, "slow")
            store_fetches.save_fetches(db, run, [Fetch.not_made(request, failed, NIGHT)])
        feeds.save_feeds(db, run, [HARBOUR])
        pipeline.update_feed_health(db, run)
        summary = summary_markdown(db.connection, run.id)
        assert "| Listed | unlisted | 2026-03-02 | https://list.example/opml names it no more |" in summary
        assert "| The Light | unlisted |" not in summary  # a person took it out, and knows
        run = runs.begin_run(db, flow="later", night_at=NIGHT + WEEK, started_at=NIGHT + WEEK, settings={})
        assert "| Listed | unlisted |" not in summary_markdown(db.connection, run.id)


@pytest.mark.parametrize(
    "arguments",
    [("schedule",), ("moved",), ("refresh", LIGHT.id), ("undo-move", LIGHT.id), ("release", LIGHT.id)],
    ids=lambda arguments: arguments[0],
)
def test_a_file_published_before_the_verb_was_known_is_named_with_what_to_do(
    terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    path = Path("data/published/newsclust.duckdb")
    with Database(path, now=NIGHT) as db:
        db.execute("DELETE FROM migrations WHERE number > 6")
        for view in db.rows(
            "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
        ):
            db.execute(f"DROP VIEW {view['name']}")
        db.execute("DROP TABLE feeds")
    refused = terminal("feeds", *arguments)
    newest = migrations()[-1].number
    assert refused.code == 3
    assert refused.err.startswith(f"newsclust: {path} cannot answer this (Catalog Error: ")
    assert refused.err.endswith(
        f": it was published with schema 6, this newsclust reads {newest}; the next night publishes it anew\n"
    )
    assert not COMMANDS.exists()
