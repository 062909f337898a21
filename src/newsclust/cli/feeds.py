"""`newsclust feeds list|add|preview|import|export`: the feeds and OPML subscriptions of feeds.toml."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import (
    Config,
    Published,
    console,
    nights_to_change,
    print_query,
    published,
    settings_of,
    table,
)
from newsclust.errors import SettingsError
from newsclust.text.sanitize import one_line
from newsclust.urls import HIDDEN, canonical, redacted

if TYPE_CHECKING:  # the rooms cost half of `newsclust --help`
    from newsclust.model import Entry, Feed
    from newsclust.settings import Settings
    from newsclust.sources.discovery import Discovery, FoundFeed, FoundList, FoundSeveral

feeds_app = typer.Typer(
    no_args_is_help=True,
    help="Feeds: list, add, preview, import, export; when they are requested, where they moved, what is quarantined.",
)

_MAX_LINE = 200  # characters of untrusted text on one line

_FEED_COLUMNS = {
    "feed_id": "VARCHAR",
    "title": "VARCHAR",
    "kind": "VARCHAR",
    "language": "VARCHAR",
    "tags": "VARCHAR[]",
    "pages": "VARCHAR",
    "priority": "BIGINT",
    "url": "VARCHAR",
    "list": "VARCHAR",  # the OPML subscription that names it
    "is_listed": "BOOLEAN",
}
_SUBSCRIBED_ROWS = (
    "SELECT feed_id, title, kind, language, tags, NULL, NULL, url, listed_by, listed FROM internal.feeds "
    "WHERE listed_by IS NOT NULL ORDER BY NOT listed, listed_by, title"
)

Address = Annotated[
    str, typer.Argument(help="A feed, a site, a news sitemap, an OPML list (or file), or a reader's account.")
]
Select = Annotated[
    str | None, typer.Option("--select", help='CSS selector: read the page\'s links as entries, "article h2 a".')
]
TokenEnv = Annotated[
    str | None,
    typer.Option("--token-env", help="Environment variable with the token of a FreshRSS or Miniflux account."),
]


@feeds_app.command("list")
def list_feeds(
    config: Config = None, database: Published = None, form: Format = None, output: OutputFile = None
) -> None:
    """List the feeds of feeds.toml, its OPML subscriptions, and the feeds that these named last or name no more."""
    from newsclust.export import Rows
    from newsclust.sources.feeds_toml import read_feeds, read_lists

    out = Output.chosen(form, output)
    settings = nights_to_change(database, config)  # those whose feeds.toml is meant
    path = settings.paths.feeds
    found, lists = read_feeds(path), read_lists(path)
    is_published = database is not None or settings.paths.published.exists()  # a file that is named has to be there
    if not out.is_for_people:
        rows: list[Sequence[Any]] = [*map(_listed_row, found)]
        if is_published:
            with published(database, config) as connection:
                rows += connection.execute(_SUBSCRIBED_ROWS).fetchall()
        out.show(Rows.of(_FEED_COLUMNS, rows))
        return
    shown = [
        [feed.title, feed.kind, feed.language or "", ", ".join(feed.tags), feed.pages, feed.priority or "", feed.url]
        for feed in found
    ]
    names = ["title", "kind", "language", "tags", "pages", "priority", "url"]
    if any(HIDDEN in feed.url for feed in found):  # two of one reader look alike
        shown = [[*row, feed.id if HIDDEN in feed.url else ""] for row, feed in zip(shown, found, strict=True)]
        names.append("id")
    console().print(table(_counted(len(found), "feed", "feeds"), names, shown))
    if lists:
        console().print(
            table(
                _counted(len(lists), "OPML subscription", "OPML subscriptions"),
                ["list", "tags"],
                [[subscription.url, ", ".join(subscription.tags)] for subscription in lists],
            )
        )
    if is_published:
        _show_subscribed(database, config)
    elif lists:
        print("Their feeds are shown here when a night has read them.")


@feeds_app.command("add")
def add(
    url: Address,
    config: Config = None,
    title: Annotated[
        str | None, typer.Option(help="The outlet's name (default: what the feed calls itself).")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Two letters, where the feed does not mix languages.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word of yours; may be given again.")] = None,
    select: Select = None,
    token_env: TokenEnv = None,
    every: Annotated[bool, typer.Option("--all", help="Add every feed that the page names.")] = False,
) -> None:
    """Discover what is at an address, show it, and add it to feeds.toml."""
    from newsclust.model import Feed, id_of
    from newsclust.sources.discovery import FoundFeed, FoundList
    from newsclust.sources.feeds_toml import append_feeds, read_feeds

    settings = settings_of(config)
    path = settings.paths.feeds
    tags = tuple(tag or ())
    candidate = _candidate(url, path, select=select, token_env=token_env)
    if isinstance(candidate, FoundList):
        _add_list(candidate, path, tags)
        return
    if (known := _listed(url, path)) is not None:
        raise SettingsError(f"{candidate.url} is listed in {path} already, as {known.title}")
    listed = {feed.id: feed.title for feed in read_feeds(path)} if path.exists() else {}
    found = _discover(candidate, settings)
    if isinstance(found, FoundList):
        _add_list(found, path, tags)
        return
    if isinstance(found, FoundFeed):
        discovered = [found]
    else:
        _print_links(candidate, found)
        if not every:
            raise SettingsError(
                f"{candidate.url}: name one of these {len(found.links)} feeds, or add them with --all"
            )
        discovered = _readable_feeds(found, candidate, settings)
    new: dict[str, Feed] = {}
    for each in discovered:
        listed_as = listed.get(each.feed.id) or listed.get(id_of(canonical(each.answered_at)))
        _print_feed(each, settings, listed_as=listed_as)
        if listed_as is None:
            new.setdefault(each.feed.id, each.feed)
    if not new:
        raise SettingsError(f"{candidate.url}: nothing was added to {path}")
    if title is not None and len(new) > 1:
        raise SettingsError(f"--title names one feed, and these are {len(new)}: nothing was added")
    added = [
        replace(feed, title=title or feed.title, language=language or feed.language, tags=tags)
        for feed in new.values()
    ]
    append_feeds(path, added)
    print(f"Added to {path}; the next night requests {'it' if len(added) == 1 else 'them'}.")
    print(f"To see what would be stored: newsclust feeds preview '{added[0].url}'")


@feeds_app.command()
def preview(
    url: Address,
    config: Config = None,
    select: Select = None,
    token_env: TokenEnv = None,
    number: Annotated[int, typer.Option(min=1, help="Show at most so many entries.")] = 30,
) -> None:
    """Show what would be stored of the feed at an address, and what is wrong with it; nothing is written."""
    from newsclust.sources.discovery import FoundFeed, FoundList

    settings = settings_of(config)
    path = settings.paths.feeds
    listed = _listed(url, path) if select is None and token_env is None else None
    candidate = listed or _candidate(url, path, select=select, token_env=token_env)
    if isinstance(candidate, FoundList):
        _print_list(candidate)
        return
    found = _discover(candidate, settings)
    if isinstance(found, FoundList):
        _print_list(found)
    elif isinstance(found, FoundFeed):
        _print_feed(found, settings)
        if found.parsed.entries:
            _show_entries(found, number)
    else:
        _print_links(candidate, found)
        print("Preview one of them.")


@feeds_app.command("import")
def import_feeds(
    opml: Annotated[Path, typer.Argument(help="OPML file of another reader.", exists=True, dir_okay=False)],
    config: Config = None,
) -> None:
    """Add the feeds of an OPML file to the list; those that are listed already stay as they are."""
    from newsclust.sources.feeds_toml import append_feeds, read_feeds
    from newsclust.sources.opml import read_opml

    target = settings_of(config).paths.feeds
    known = {feed.id for feed in read_feeds(target)} if target.exists() else set()
    imported = read_opml(opml.read_bytes())
    for problem in imported.problems:
        print(f"{opml}: {problem}", file=sys.stderr)
    added = [feed for feed in imported.feeds if feed.id not in known]
    if added:
        append_feeds(target, added)
    _say_languages(added)
    feeds = _counted(len(added), "feed", "feeds")
    print(f"{feeds} added to {target}, {len(imported.feeds) - len(added)} listed already")


def _say_languages(feeds: Sequence["Feed"]) -> None:
    """Say which languages the file names besides English and French; of feeds without one the first night tells."""
    from newsclust.text.language import SUPPORTED, language_name

    others = Counter(feed.language for feed in feeds if feed.language and feed.language not in SUPPORTED)
    if others:
        named = ", ".join(f"{count} in {language_name(language)}" for language, count in others.most_common())
        print(f"{named}: thresholds and topic labels are made for English and French (docs/feeds.md, Languages).")


@feeds_app.command("export")
def export_feeds(config: Config = None) -> None:
    """Print the feeds as OPML; those that other readers cannot read are named on standard error."""
    from newsclust.model import DEFAULT_KIND
    from newsclust.sources.feeds_toml import read_feeds
    from newsclust.sources.opml import write_opml

    feeds = read_feeds(settings_of(config).paths.feeds)
    for feed in feeds:
        if feed.kind != DEFAULT_KIND:
            print(f"{feed.url}: left out, no other reader knows feeds of the kind {feed.kind}", file=sys.stderr)
        elif HIDDEN in feed.url:
            print(f"{feed.title} ({feed.url}): left out, its address holds a secret: add it by hand", file=sys.stderr)
    print(write_opml([feed for feed in feeds if HIDDEN not in feed.url]))


def _listed_row(feed: "Feed") -> list[Any]:
    settings = [feed.language, list(feed.tags), str(feed.pages), feed.priority]
    return [feed.id, feed.title, feed.kind, *settings, feed.url, None, True]


def _show_subscribed(database: Path | None, config: Path | None) -> None:
    with published(database, config) as connection:
        (feeds,) = connection.execute(
            "SELECT count(*) FROM internal.feeds WHERE listed_by IS NOT NULL"
        ).fetchone() or (0,)
        if feeds:
            print_query(
                connection,
                f"{_counted(feeds, 'feed', 'feeds')} of OPML subscriptions, as of the last night",
                "SELECT title, listed_by AS list, CASE WHEN listed THEN '' ELSE 'unlisted' END AS state, "
                "language, array_to_string(tags, ', ') AS tags, url "
                "FROM internal.feeds WHERE listed_by IS NOT NULL ORDER BY NOT listed, listed_by, title",
            )


def _add_list(found: "FoundList", path: Path, tags: tuple[str, ...]) -> None:
    from newsclust.sources.feeds_toml import append_feeds, read_lists

    _print_list(found)
    if path.exists() and found.list.id in {known.id for known in read_lists(path)}:
        raise SettingsError(f"{found.list.url} is listed in {path} already")
    append_feeds(path, lists=[replace(found.list, tags=tags)])
    print(f"Added to {path} as an OPML subscription: each night reads it again, and its feeds come and go with it.")


def _candidate(url: str, path: Path, *, select: str | None, token_env: str | None) -> "Feed | FoundList":
    """Return what the arguments name: the OPML list in a file, or a feed to look for; `path` is feeds.toml."""
    from newsclust.sources.discovery import new_feed, read_opml_file
    from newsclust.sources.registry import kind_with, matching_kind, source_of

    if "://" not in url and Path(url).exists():
        return read_opml_file(Path(url), os.path.relpath(url, path.parent))
    if "://" not in url:
        raise SettingsError(f"{url!r} is no file here and no address of a page, which begins with https://")
    if select is not None and token_env is not None:
        raise SettingsError("--select is for pages, --token-env for accounts: not both")
    options = {"select": select, "token_env": token_env}
    for option, value in options.items():
        if value is not None:
            kind = kind_with(option)
            feed = new_feed(url, kind=kind)
            try:
                source_of(kind).options[option](value)
            except ValueError as error:
                raise SettingsError(str(error)) from error
            return replace(feed, select=select, token_env=token_env)
    if (kind := matching_kind(url) or "") and (needed := source_of(kind).options):
        flags = " and ".join(f"--{option.replace('_', '-')}" for option in needed)
        raise SettingsError(f"{url} is {source_of(kind).description}: {flags} is needed")
    return new_feed(url)


def _listed(url: str, path: Path) -> "Feed | None":
    """Return the listed feed of this id or address, in any spelling or as it is shown; None when there is none.

    SettingsError where several are shown as this address.
    """
    from newsclust.model import id_of
    from newsclust.sources.discovery import new_feed
    from newsclust.sources.feeds_toml import read_feeds

    if not path.exists():
        return None
    feeds = read_feeds(path)
    if "://" not in url:
        return next((feed for feed in feeds if feed.id == url), None)
    ids = {new_feed(url).id, id_of(canonical(url))}  # of a FreshRSS page: its RSS, and itself
    if (exact := next((feed for feed in feeds if feed.id in ids), None)) is not None:
        return exact
    shown = [feed for feed in feeds if feed.url == url]
    if len(shown) > 1:
        named = ", ".join(f"{feed.id} ({feed.title})" for feed in shown)
        raise SettingsError(
            f"{len(shown)} feeds are shown as {url}, which hides what tells them apart; by id: {named}"
        )
    return shown[0] if shown else None


def _discover(feed: "Feed", settings: "Settings") -> "Discovery":
    from newsclust.sources.discovery import discover
    from newsclust.sources.parser_pool import FeedParserPool

    with FeedParserPool() as read:
        return discover(feed, settings.fetcher(clock=_now), read=read, clock=_now, environment=os.environ)


def _readable_feeds(found: "FoundSeveral", page: "Feed", settings: "Settings") -> "list[FoundFeed]":
    """Return each feed that the page names; those that cannot be read are printed and left out."""
    from newsclust.sources.discovery import discover_links
    from newsclust.sources.parser_pool import FeedParserPool

    with FeedParserPool() as read:
        tried = discover_links(found.links, page, settings.fetcher(clock=_now), read=read, clock=_now)
    for problem in tried.problems:
        print(f"left out: {one_line(problem, _MAX_LINE)}", file=sys.stderr)
    return list(tried.found)


def _now() -> datetime:
    return datetime.now(UTC)


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"


def _print_links(page: "Feed", found: "FoundSeveral") -> None:
    rows = [[link.title, redacted(link.url)] for link in found.links]
    console().print(table(f"{page.url} names {len(rows)} feeds", ["title", "url"], rows))


def _print_list(found: "FoundList") -> None:
    print(f"{found.list.url} is a list of {_counted(len(found.opml.feeds), 'feed', 'feeds')}.")
    for problem in found.opml.problems:
        print(f"  {one_line(problem, _MAX_LINE)}")


def _print_feed(found: "FoundFeed", settings: "Settings", *, listed_as: str | None = None) -> None:
    from newsclust.model import DateQuality

    feed, entries = found.feed, found.parsed.entries
    trusted = {DateQuality.GIVEN, DateQuality.GUESSED}
    newest = max((entry.published_at for entry in entries if entry.date_quality in trusted), default=None)
    dates = f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else ", none with a date" if entries else ""
    print(f"{feed.url} is {found.how}: {feed.title}, {_counted(len(entries), 'entry', 'entries')}{dates}.")
    if canonical(found.answered_at) != canonical(feed.url):
        print(f"  It answers at {found.answered_at}.")
    if listed_as is not None:
        print(f"  It is listed already, as {listed_as}.")
    for link in found.others:
        print(f"  The page names another one: {redacted(link.url)}{f' ({link.title})' if link.title else ''}")
    if "/api/query.php?" in feed.url and feed.url.endswith("f=rss"):
        print("  Its RSS names no source of an item; f=greader in place of f=rss does, where FreshRSS knows it.")
    for warning in found.parsed.warnings:
        if entries or warning != "no entries":
            print(f"  {one_line(warning, _MAX_LINE)}")
    if note := _language_note(entries, settings):
        print(f"  {note}")


def _language_note(entries: Sequence["Entry"], settings: "Settings") -> str:
    """Return what happens to a feed that speaks another language than English or French; empty for those."""
    from newsclust.embed.bundled_model import is_readable
    from newsclust.text.html_to_text import html_to_text
    from newsclust.text.language import SUPPORTED, detect_language, language_name

    texts = [f"{entry.title}. {html_to_text(entry.summary or entry.content or '')[:500]}" for entry in entries]
    spoken = Counter(detect_language(text, entry.language)[0] for text, entry in zip(texts, entries, strict=True))
    spoken.pop("und", None)
    if not spoken or (language := spoken.most_common(1)[0][0]) in SUPPORTED:
        return ""
    model = settings.embedder().name
    if 2 * sum(is_readable(model, text) for text in texts) < len(texts):
        return (
            f"It speaks {language_name(language)}, whose script the language model does not read: its articles are "
            "stored and searched for duplicates, and stand in no story (docs/feeds.md, Languages)."
        )
    return (
        f"It speaks {language_name(language)}: its articles are stored, searched for duplicates and grouped, but "
        "thresholds, topic labels and word statistics are made for English and French (docs/feeds.md, Languages)."
    )


def _show_entries(found: "FoundFeed", number: int) -> None:
    """Print the entries as they would be stored, and whether their pages would be requested."""
    from newsclust.extract import wants_page
    from newsclust.text.html_to_text import html_to_text

    rows = []
    for entry in found.parsed.entries[:number]:
        length = max(len(html_to_text(entry.content or "")), len(html_to_text(entry.summary or "")))
        page = entry.has_page and wants_page(policy=found.feed.pages, summary=entry.summary, content=entry.content)
        quality = entry.date_quality.value
        date, requested = f"{entry.published_at:%Y-%m-%d %H:%M}", "yes" if page else "no"
        source = entry.source_title or entry.source_url or ""
        rows.append([entry.title, date, quality, entry.language or "", length, requested, source, entry.link])
        rows.extend([f"  {one_line(warning, _MAX_LINE)}", *[""] * 7] for warning in entry.warnings)
    shown = f"the first {number} of {len(found.parsed.entries)}" if number < len(found.parsed.entries) else "all"
    names = ["title", "date (UTC)", "date is", "language", "characters", "page requested", "source", "link"]
    console().print(table(f"What would be stored: {shown} entries", names, rows))
