"""Lists -> feeds -> documents -> entries, with when each feed is asked next."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsclust.errors import ItemError, ParseError
from newsclust.extract import wants_page
from newsclust.fetch import Fetcher
from newsclust.model import Count, Feed, FeedList, Page, ParsedFeed, RequestKind, Run
from newsclust.overrides import FeedCommand, refresh_requests, refused_moves
from newsclust.pipeline.fetching import ask, keep
from newsclust.pipeline.runner import Clock, bar, log, save_failures
from newsclust.polling.scheduler import USUAL, Due, Rhythm, moved_address, moved_in_vain, next_request
from newsclust.sources.feeds_toml import secret_urls
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.opml import ListFetcher, read_opml
from newsclust.sources.parser_pool import FeedParserPool
from newsclust.store import Database
from newsclust.store import entries as store_entries
from newsclust.store import feeds as store_feeds
from newsclust.store import fetches as store_fetches
from newsclust.store import polling as schedules

_DOCUMENTS_AT_ONCE = 40  # of feeds, stored together ...
_BYTES_AT_ONCE = 20_000_000  # ... or fewer, when they are as large as this


def fetch_lists(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    clock: Clock,
    lists: Sequence[FeedList],
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Read the living lists again; of one that fails, however many do, the state read before stays."""
    requests = store_fetches.lists_to_read(db, run, lists, secret_urls(lists, environment))
    fetches = list(ListFetcher(fetcher, lists, clock).fetch(requests))
    keep(db, run, "fetch_lists", fetches)
    done, failed = (sum(getattr(fetch, key) is not None for fetch in fetches) for key in ("page", "error"))
    return Count(done=done, skipped=len(fetches) - done - failed, failed=failed)


def sync_feeds(db: Database, run: Run, feeds: Sequence[Feed], lists: Sequence[FeedList] = ()) -> Count:
    """Make the stored feeds the given ones and those of the living lists; what a person says of a feed counts."""
    held = store_fetches.held_lists(db)
    listed = {feed.id: feed for one in reversed(lists) for feed in _feeds_of(one, held)}
    changed, same = store_feeds.save_feeds(db, run, list((listed | {feed.id: feed for feed in feeds}).values()))
    return Count(done=changed, skipped=same)


def fetch_feeds(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    commands: Sequence[FeedCommand] = (),
    rhythm: Rhythm = USUAL,
    listed: Sequence[Feed] = (),
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Download the feeds that are due; skipped counts those that are not, besides those that have not changed.

    Credentials are nowhere stored: `listed`, the feeds as the list writes them, has those that stand in addresses,
    and `environment` those that it names, and the tokens of accounts. SettingsError when one of them is not set.
    """
    secrets = secret_urls(listed, environment)
    todo = store_fetches.feeds_to_fetch(db, run)
    decided = _decided(db, run, commands, rhythm, within_run=True)
    asked = [request for request in todo if decided[request.item_id].by(run.night_at)]
    left = {request.item_id for request in todo} - {request.item_id for request in asked}
    if left:
        rules = Counter(decided[feed_id].rule.value for feed_id in left)
        said = ", ".join(f"{rule} {feeds}" for rule, feeds in rules.most_common())
        log.info("fetch_feeds: %d feeds are not due (%s); polling_schedule says until when", len(left), said)
    sources = SourceFetcher(fetcher, store_feeds.feeds_by_id(db), now=run.night_at, environment=environment)
    told = [replace(request, secret_url=secrets.get(request.item_id)) for request in asked]
    count, _ = ask(db, run, sources, "fetch_feeds", told)
    return replace(count, skipped=count.skipped + len(left))


def plan_feeds(db: Database, run: Run, commands: Sequence[FeedCommand] = (), rhythm: Rhythm = USUAL) -> Count:
    """Say where and when each feed is asked next; done counts those of which something else was said before."""
    refused = refused_moves(commands)
    schedules.undo_moves(db, run, refused, by="person")
    vain = [(feed_id, url) for feed_id, url, tries in schedules.tried_moves(db) if moved_in_vain(tries)]
    schedules.undo_moves(db, run, vain, by="failures")
    for _, url in vain:
        log.warning("plan_feeds: %s answers no more; the feed is asked where it was before it moved there", url)
    moves = [
        (feed_id, url, target)
        for feed_id, url, answers in schedules.redirected_feeds(db)
        if (target := moved_address(answers)) is not None and (feed_id, target) not in refused
    ]
    schedules.save_moves(db, run, moves)
    for _, url, target in moves:
        log.warning("plan_feeds: %s has moved to %s (newsclust feeds moved)", url, target)
    changed, same = schedules.save_schedule(db, run, _decided(db, run, commands, rhythm, within_run=False))
    return Count(done=changed, skipped=same)


def parse_feeds(db: Database, run: Run, clock: Clock) -> Count:
    """Read the downloaded feed documents into entries; done and skipped count entries, failed documents."""
    feeds = store_feeds.feeds_by_id(db)
    todo = store_entries.feeds_to_parse(db)
    documents = ((feeds[feed_id], page) for feed_id, page in store_fetches.stored_pages(db, RequestKind.FEED, todo))
    total, size = Count(), 0
    failures: list[tuple[str, ItemError]] = []
    read: list[store_entries.ReadDocument] = []

    def keep() -> Count:
        # Before the documents count as read: a process killed in between tells it twice, not never.
        save_failures(db, run, clock, "parse_feeds", failures)
        changed, same = store_entries.save_parsed(db, run, read)
        return Count(done=changed, skipped=same, failed=len(failures))

    with FeedParserPool() as parser, bar("parse_feeds", len(todo)) as progress:
        for (feed, page), outcome in parser.parse(documents):
            if isinstance(outcome, ParseError):
                failures.append((feed.id, outcome))
            read.append(_read_document(feed, page, outcome))
            size += len(page.body)
            progress.update()
            if len(read) >= _DOCUMENTS_AT_ONCE or size >= _BYTES_AT_ONCE:
                total += keep()
                failures, read, size = [], [], 0
    return total + keep()


def _decided(
    db: Database, run: Run, commands: Sequence[FeedCommand], rhythm: Rhythm, *, within_run: bool
) -> dict[str, Due]:
    """When each listed feed is asked next, by its id."""
    known = schedules.histories(db, run, asked_for=refresh_requests(commands), within_run=within_run)
    return {history.feed_id: next_request(history, rhythm, run.night_at) for history in known}


def _feeds_of(one: FeedList, held: Mapping[str, Page]) -> list[Feed]:
    """Return the feeds of a living list in its last readable state; none when it has never been read."""
    if one.id not in held:
        return []
    return [
        replace(feed, tags=tuple(dict.fromkeys((*one.tags, *feed.tags))), listed_by=one.url)
        for feed in read_opml(held[one.id].body).feeds
    ]


def _read_document(feed: Feed, page: Page, outcome: ParsedFeed | ParseError) -> store_entries.ReadDocument:
    parsed = None if isinstance(outcome, ParseError) else outcome
    wanted = (
        entry.id
        for entry in (parsed.entries if parsed else ())
        if wants_page(policy=feed.pages, summary=entry.summary, content=entry.content)
    )
    return store_entries.ReadDocument(
        feed_id=feed.id, fetched_at=page.fetched_at, parsed=parsed, want_pages=frozenset(wanted)
    )
