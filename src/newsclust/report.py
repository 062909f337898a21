"""Views -> pages for people: the morning's summary in Markdown, and the tables of the terminal."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from newsclust.legible import legible

_MARKUP = re.compile(r"[\\|<\[\]`]")  # each can be written with a backslash before it (CommonMark, 2.4)


def summary_markdown(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Return the summary of one night: what came, what it tells, what failed and why, which feeds are slow."""
    night = _rows(connection, "FROM nightly_summary WHERE run_id = $1", run_id)[0]
    parts = [
        f"# The night of {night['night_at']:%Y-%m-%d %H:%M} UTC: {night['outcome']}",
        _table(
            ["new entries", "new articles", "copies", "edited", "stories born", "stories grown", "failures"],
            [
                [
                    night["new_entries"],
                    night["new_articles"],
                    night["new_duplicates"],
                    night["edited_articles"],
                    night["stories_born"],
                    night["stories_grown"],
                    night["failures"],
                ]
            ],
        ),
    ]
    if night["error"]:
        parts.append(f"**Failed:** {_cell(night['error'])}")
    stories = _rows(connection, "FROM current_stories LIMIT 10")
    parts.append("## Most told stories")
    parts.append(
        _table(
            ["outlets", "articles", "languages", "headline"],
            [[s["outlets"], s["articles"], " ".join(s["languages"]), s["headline"]] for s in stories],
        )
    )
    topics = _rows(connection, "FROM current_topics LIMIT 10")
    parts.append("## Topics")
    parts.append(
        _table(["stories", "articles", "topic"], [[t["stories"], t["articles"], t["label"]] for t in topics])
    )
    failures = _rows(connection, "FROM failure_reasons WHERE run_id = $1", run_id)
    parts.append("## Failures by reason")
    parts.append(
        _table(
            ["step", "reason", "items", "example"],
            [[f["step"], f["reason"], f["items"], f["example"]] for f in failures],
        )
        if failures
        else "None."
    )
    slow = _rows(
        connection,
        "SELECT feeds.title, fetches.seconds, fetches.reason FROM fetches JOIN feeds ON feed_id = item_id "
        "WHERE fetches.run_id = $1 AND fetches.kind = 'feed' ORDER BY seconds DESC, title LIMIT 5",
        run_id,
    )
    parts.append("## Slowest feeds")
    parts.append(
        _table(
            ["feed", "seconds", "outcome"],
            [[f["title"], f"{f['seconds']:.2f}", f["reason"] or "answered"] for f in slow],
        )
    )
    moved = _rows(connection, "FROM moved_feeds WHERE undone_at IS NULL")
    if moved:
        parts.append("## Feeds that have moved: the list of feeds should name the new address")
        parts.append(
            _table(
                ["feed", "from", "to", "since"],
                [[m["title"], m["from_url"], m["to_url"], f"{m['moved_at']:%Y-%m-%d}"] for m in moved],
            )
        )
    steps = _rows(connection, "FROM night_steps WHERE run_id = $1", run_id)
    parts.append("## Steps")
    parts.append(
        _table(
            ["step", "done", "skipped", "failed", "seconds", "share"],
            [
                [
                    s["step"],
                    s["done"],
                    s["skipped"],
                    s["failed"],
                    f"{s['seconds']:.2f}",
                    f"{s['share'] or 0:.0%}",
                ]
                for s in steps
            ],
        )
    )
    return "\n\n".join(parts) + "\n"


def summary_page(published: Path) -> Path:
    """Return where the last night's summary lies: beside the published file, which a failed night leaves alone."""
    return published.with_name("last_night.md")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    """The value as text in Markdown: what a headline writes makes no column, no tag, no link and no picture.

    Prefect's pages and any Markdown viewer show this; a headline could otherwise load a picture of its own.
    """
    return _MARKUP.sub(r"\\\g<0>", legible(str(value), 1000))
