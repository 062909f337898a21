"""`newsclust feeds schedule|refresh|moved|undo-move|release`: polling and quarantine of single feeds.

What is shown is read from the published file; what is changed is a line in the file of feed commands.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from newsclust.cli.shared import Config, Published, nights_to_change, print_query, published
from newsclust.errors import SettingsError

Named = Annotated[
    str, typer.Argument(metavar="FEED", help="A feed's id or address, as `newsclust feeds schedule` says.")
]


def schedule(database: Published = None, config: Config = None) -> None:
    """Show when each feed is requested next, and why not before."""
    with published(database, config) as connection:
        print_query(
            connection,
            "Next requests (UTC)",
            "SELECT feed_id, title, strftime(next_request_at, '%Y-%m-%d %H:%M') AS next, rule, why "
            "FROM polling_schedule",
        )


def moved(database: Published = None, config: Config = None) -> None:
    """Show the feeds that have moved for good: feeds.toml should name the new address."""
    with published(database, config) as connection:
        print_query(
            connection,
            "Moved feeds",
            "SELECT feed_id, title, from_url, to_url, strftime(moved_at, '%Y-%m-%d') AS moved, "
            "strftime(reverted_at, '%Y-%m-%d') AS undone, reverted_by AS by FROM moved_feeds",
        )


def undo_move(feed: Named, database: Published = None, config: Config = None) -> None:
    """Request a moved feed at its earlier address again, and never move it there again."""
    from newsclust.overrides import FeedCommand, FeedCommandKind, append_feed_command

    feed_id = _feed_id(feed, database, config)
    with published(database, config) as connection:
        moves = connection.execute(
            "SELECT from_url, to_url FROM moved_feeds WHERE feed_id = $1 AND reverted_at IS NULL "
            "ORDER BY moved_at DESC LIMIT 1",
            [feed_id],
        ).fetchall()
    if not moves:
        raise SettingsError(f"{feed}: the feed has not moved; `newsclust feeds moved` lists those that have")
    path = nights_to_change(database, config).paths.feed_commands
    order = FeedCommand(
        kind=FeedCommandKind.KEEP_ADDRESS, feed_id=feed_id, given_at=datetime.now(UTC), address=moves[0][1]
    )
    append_feed_command(path, order)
    print(f"Written to {path}. From the next night's end on, it is requested at {moves[0][0]} again.")


def refresh(feed: Named, database: Published = None, config: Config = None) -> None:
    """Request a feed in the next run, whatever its schedule says; also one that answered that it is gone."""
    from newsclust.overrides import FeedCommand, FeedCommandKind, append_feed_command

    feed_id = _feed_id(feed, database, config)
    path = nights_to_change(database, config).paths.feed_commands
    append_feed_command(path, FeedCommand(kind=FeedCommandKind.REFRESH, feed_id=feed_id, given_at=datetime.now(UTC)))
    print(f"Written to {path}. The next run requests it, unless its site wants no request by then.")


def release(feed: Named, database: Published = None, config: Config = None) -> None:
    """Release a feed from quarantine with its quarantined entries, also when the quarantine is over already."""
    from newsclust.overrides import FeedCommand, FeedCommandKind, append_feed_command

    feed_id = _feed_id(feed, database, config)
    with published(database, config) as connection:
        why = connection.execute(
            "SELECT why FROM internal.quarantines WHERE feed_id = $1 ORDER BY released_at IS NOT NULL, since DESC",
            [feed_id],
        ).fetchone()
        is_quarantined, entries = connection.execute(
            "SELECT exists(FROM internal.quarantines WHERE feed_id = $1 AND released_at IS NULL), "
            "(SELECT count(*) FROM quarantined_entries WHERE feed_id = $1)",
            [feed_id],
        ).fetchall()[0]
    if why is None or not (is_quarantined or entries):
        raise SettingsError(f"{feed}: nothing of the feed is quarantined; the view quarantined_entries lists what is")
    path = nights_to_change(database, config).paths.feed_commands
    append_feed_command(path, FeedCommand(kind=FeedCommandKind.RELEASE, feed_id=feed_id, given_at=datetime.now(UTC)))
    print(f"Written to {path}. The next run releases {entries} entries. They were quarantined because: {why[0]}.")


def _feed_id(named: str, database: Path | None, config: Path | None) -> str:
    """Return the id of a listed feed by its id or any address of it; SettingsError when there is none."""
    with published(database, config) as connection:
        found = connection.execute(
            "SELECT feeds.feed_id, feeds.listed FROM internal.feeds JOIN feed_addresses USING (feed_id) "
            "WHERE $1 IN (feeds.feed_id, feeds.url, feed_addresses.url) ORDER BY NOT feeds.listed",
            [named],
        ).fetchone()
    if found is None:
        raise SettingsError(
            f"{named}: no feed of that id or address has been requested yet (`newsclust feeds schedule`)"
        )
    feed_id, listed = found
    if not listed:
        raise SettingsError(f"{named}: feeds.toml names it no more, so that no night requests it")
    return str(feed_id)
