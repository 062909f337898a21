"""`newsclust top`: the stories of the last published night by outlets, by their latest article or by growth."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, console, published
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    import duckdb

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_ROOM_FOR_TOPICS = 110  # columns of a terminal; in a narrower one the headline would be folded into a strip
_GROWING_HOURS = 24  # without --since: what the last night brought


class Ranking(StrEnum):
    """Which stories come first."""

    BREADTH = "breadth"  # those of the most outlets
    RECENCY = "recency"  # those with the latest article
    GROWTH = "growth"  # those that got the most articles since --since


_ORDER = {
    Ranking.BREADTH: "outlets DESC, articles DESC, last_at DESC, story_id",
    Ranking.RECENCY: "last_at DESC, outlets DESC, articles DESC, story_id",
    Ranking.GROWTH: "new_articles DESC, outlets DESC, articles DESC, last_at DESC, story_id",
}
# A story's own languages say how it is called; new are the articles that a night since then put into it.
_STORIES = """
WITH joined AS (
    SELECT story_id, count(*) FILTER (joined_at > $since_night) AS new_articles
    FROM current_story_articles GROUP BY story_id
)
SELECT stories.story_id, stories.outlets, stories.articles, joined.new_articles, stories.languages,
       coalesce(CASE $language WHEN 'en' THEN headline_en WHEN 'fr' THEN headline_fr END, headline) AS headline,
       stories.first_at, stories.last_at, stories.topic_id, stories.topic
FROM current_stories AS stories JOIN joined USING (story_id)
WHERE ($since IS NULL OR stories.last_at >= $since)
  AND ($language IS NULL OR list_contains(stories.languages, $language))
  AND ($topics IS NULL OR list_contains($topics, stories.topic_id))
"""


def top(
    database: Published = None,
    config: Config = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Show at most so many of each.")] = 10,
    by: Annotated[
        Ranking, typer.Option("--by", help="Most outlets, latest article, or most articles since --since first.")
    ] = Ranking.BREADTH,
    since: Annotated[
        str | None,
        typer.Option(
            help="With an article since then: 2026-02-03, a moment (UTC), or 24h, 7d before the last night."
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="Told in this language, and called so: en, fr.")] = None,
    topic: Annotated[str | None, typer.Option(help="Of a topic: its id, or words of its label.")] = None,
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """Show the stories with the most outlets, and the topics, of the last published night.

    Other formats than the table give the stories alone; `newsclust query "from current_topics"` the topics.
    """
    from newsclust.export import Rows
    from newsclust.export.catalog import last_good_night

    out = Output.chosen(form, output)
    with published(database, config) as connection:
        night = last_good_night(connection)
        begin = None if since is None else moment_since(since, night)
        growing = begin or (None if night is None else night - timedelta(hours=_GROWING_HOURS))
        topics = None if topic is None else _topics(connection, topic)
        asked = {"since": begin, "since_night": growing, "language": language and language.lower(), "topics": topics}
        stories = f"{_STORIES} ORDER BY {_ORDER[by]} LIMIT {number:d}"
        if not out.is_for_people:
            out.show(Rows.answering(connection, stories, asked))
            return
        shown = f"SELECT outlets, articles, {'new_articles AS new, ' if by is Ranking.GROWTH else ''}"
        beside = "topic, " if console().width >= _ROOM_FOR_TOPICS else ""
        shown += f"array_to_string(languages, ' ') AS lang, headline, {beside}story_id FROM ({stories})"
        out.show(Rows.answering(connection, shown, asked), title="Stories")
        if topic is None and language is None and since is None:
            sql = f"SELECT stories, articles, label, headline FROM current_topics LIMIT {number:d}"  # noqa: S608
            out.show(Rows.answering(connection, sql), title="Topics")


def moment_since(text: str, night: datetime | None) -> datetime:
    """Return the moment that a date, a moment or a span before the night names; SettingsError when it is none.

    In UTC and without a zone, as the file has its moments.
    """
    if (ago := _AGO.fullmatch(text.strip().lower())) is not None:
        if night is None:
            raise SettingsError(f"--since {text}: the file holds no night to count from; give a date")
        return night - timedelta(hours=float(ago[1]) * _HOURS[ago[2]])
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(
            f"--since {text}: give a date (2026-02-03), a moment (2026-02-03T22:00Z), or 24h or 7d (before the last "
            "night)"
        ) from error
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _topics(connection: "duckdb.DuckDBPyConnection", wanted: str) -> list[str]:
    """Return the ids of the topics of this id, beginning of one, or words of a label; SettingsError when none is."""
    rows: list[Any] = connection.execute(
        "SELECT topic_id FROM current_topics WHERE topic_id IS NOT NULL AND ("
        "len($1) >= 4 AND starts_with(topic_id, $1) OR len($2) > 0 AND len(list_filter($2, lambda word: "
        "contains(strip_accents(lower(label)), strip_accents(lower(word))))) = len($2))",
        [wanted.strip(), wanted.split()],
    ).fetchall()
    if not rows:
        raise SettingsError(
            f'--topic {wanted}: no topic is called so; `newsclust query "from current_topics"` shows them'
        )
    return [topic_id for (topic_id,) in rows]
