"""The summary of a night: a page in Markdown made from the views."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from newsclust.export.markdown import cell

_MOST_FEEDS = 20  # in trouble, named in the summary
_MOST_CHARACTERS = 1000  # of a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledFeed:
    """A feed that a person should look at; its title and the sentence are a stranger's words."""

    feed_id: str
    title: str
    state: str  # of polling.health.HealthState
    since: datetime | None
    why: str


def summary_markdown(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Return the summary of one night: counts, notices, feeds in trouble, stories and topics, failures by reason."""
    night = _rows(connection, "FROM nightly_summary WHERE run_id = $1", run_id)[0]
    columns = [
        *("new_entries", "new_articles", "new_duplicates", "edited_articles"),
        *("stories_born", "stories_grown", "failures"),
    ]
    names = ["new entries", "new articles", "duplicates", "edited", "stories born", "stories grown", "failures"]
    parts = [
        f"# The night of {night['night_at']:%Y-%m-%d %H:%M} UTC: {night['outcome']}",
        _table(names, [[night[column] for column in columns]]),
    ]
    if night["error"]:
        parts.append(f"**Failed:** {_cell(night['error'])}")
    notices = _rows(connection, "FROM night_notices WHERE run_id = $1", run_id)
    if notices:  # lines and no table: a terminal cuts the cells of a table
        parts.append("## Notices")
        parts.append("\n".join(f"- {_cell(notice['text'])}" for notice in notices))
    parts += _troubled_feeds(connection)
    stories = _rows(connection, "FROM current_stories LIMIT 10")
    parts += _section(
        "Stories with the most outlets",
        ["outlets", "articles", "languages", "headline"],
        [[s["outlets"], s["articles"], " ".join(s["languages"]), s["headline"]] for s in stories],
    )
    topics = _rows(connection, "FROM current_topics LIMIT 10")
    parts += _section(
        "Topics",
        ["stories", "articles", "topic"],
        [[t["stories"], t["articles"], t["label"]] for t in topics],
    )
    failures = _rows(connection, "FROM failure_reasons WHERE run_id = $1", run_id)
    parts += _section(
        "Failures by reason",
        ["step", "reason", "items", "example"],
        [[f["step"], f["reason"], f["items"], f["example"]] for f in failures],
    )
    slow = _rows(
        connection,
        "SELECT feeds.title, fetches.seconds, fetches.reason FROM internal.fetches "
        "JOIN internal.feeds ON feed_id = item_id WHERE fetches.run_id = $1 AND fetches.kind = 'feed' "
        "AND reason IS DISTINCT FROM 'offline' ORDER BY seconds DESC, title LIMIT 5",
        run_id,
    )
    parts += _section(
        "Slowest feeds",
        ["feed", "seconds", "outcome"],
        [[f["title"], f"{f['seconds']:.2f}", f["reason"] or "answered"] for f in slow],
    )
    moved = _rows(connection, "FROM moved_feeds WHERE reverted_at IS NULL")
    if moved:
        # Lines and no table: a terminal cuts the cells of a table, and the address is there to be copied.
        parts.append("## Feeds that have moved: feeds.toml should name the new address")
        parts.append("\n".join(f"- {_moved(move)}" for move in moved))
    steps = _rows(connection, "FROM night_steps WHERE run_id = $1", run_id)
    parts += _section(
        "Steps",
        ["step", "done", "skipped", "failed", "seconds", "share"],
        [
            [s["step"], s["done"], s["skipped"], s["failed"], f"{s['seconds']:.2f}", f"{s['share'] or 0:.0%}"]
            for s in steps
        ],
    )
    return "\n\n".join(parts) + "\n"


def summary_page(published: Path) -> Path:
    """Return the path of the last night's summary: beside the published file, which a failed night leaves alone."""
    return published.with_name("last_night.md")


def troubled_feeds(connection: duckdb.DuckDBPyConnection) -> list[TroubledFeed]:
    """Return the feeds that a person should look at, the newest trouble first.

    A feed that an OPML subscription dropped is one for a week: nobody here took it out.
    """
    troubled = _rows(
        connection,
        "SELECT feed_id, feed_health.title, state, since, why FROM feed_health JOIN internal.feeds USING (feed_id) "
        "WHERE state NOT IN ('healthy', 'new') AND "
        "(listed OR listed_by IS NOT NULL AND since > (SELECT max(night_at) FROM internal.runs) - INTERVAL 7 DAY) "
        "ORDER BY since DESC NULLS LAST, feed_health.title",
    )
    return [
        TroubledFeed(
            feed_id=feed["feed_id"],
            title=feed["title"],
            state=feed["state"],
            since=None if feed["since"] is None else feed["since"].replace(tzinfo=UTC),
            why=feed["why"],
        )
        for feed in troubled
    ]


def _troubled_feeds(connection: duckdb.DuckDBPyConnection) -> list[str]:
    troubled = troubled_feeds(connection)
    parts = _section(
        "Feeds in trouble",
        ["feed", "state", "since", "why"],
        [[feed.title, feed.state, _day(feed.since), feed.why] for feed in troubled[:_MOST_FEEDS]],
    )
    if len(troubled) > _MOST_FEEDS:
        parts.append(f"And {len(troubled) - _MOST_FEEDS} more, in the view feed_health.")
    return parts


def _moved(move: dict[str, Any]) -> str:
    title, before, after = (_cell(move[name]) for name in ("title", "from_url", "to_url"))
    return f"{title}, since {_day(move['moved_at'])}: {after} (before: {before})"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    return [f"## {title}", _table(header, rows) if rows else "None."]


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    return cell(str(value), _MOST_CHARACTERS)
