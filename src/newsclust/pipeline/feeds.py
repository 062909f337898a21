"""Feed lists -> feeds -> documents -> entries, and when each feed is requested next."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from newsclust.errors import ItemError, ParseError, Reason
from newsclust.extract import speaks_for, wants_page
from newsclust.fetch import Fetcher
from newsclust.model import Count, Feed, FeedList, NoticeKind, Page, ParsedFeed, RequestKind, Run
from newsclust.overrides import FeedCommand, given_until, refresh_requests, refused_moves
from newsclust.pipeline.fetching import fetch_and_store, save_fetches
from newsclust.pipeline.in_hand import InHand
from newsclust.pipeline.runner import Clock, latest_moment, log, progress_bar, save_failures, tell_set_aside
from newsclust.polling.redirects import moved_address, should_revert_move
from newsclust.polling.scheduler import DEFAULT_LIMITS, NextPoll, PollingLimits, next_request
from newsclust.sources.feed_sites import is_own_account
from newsclust.sources.feeds_toml import secret_urls
from newsclust.sources.fetching import SourceFetcher
from newsclust.sources.opml import ListFetcher, read_opml
from newsclust.sources.parser_pool import FeedParserPool
from newsclust.store import Database, feed_sites, runs
from newsclust.store import entries as store_entries
from newsclust.store import feeds as store_feeds
from newsclust.store import fetches as store_fetches
from newsclust.store import polling as store_polling
from newsclust.urls import site_of

_MAX_BATCH_DOCUMENTS = 40  # feed documents stored together ...
_MAX_BATCH_BYTES = 20_000_000  # ... or fewer, when they are as large as this


def fetch_lists(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    clock: Clock,
    lists: Sequence[FeedList],
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Download the subscribed OPML lists; a list that fails keeps its last readable state, however many fail."""
    requests = store_fetches.lists_to_read(db, run, lists, secret_urls(lists, environment))
    fetches = list(ListFetcher(fetcher, lists, clock).fetch(requests))
    save_fetches(db, run, "fetch_lists", fetches)
    for fetch in fetches:
        if fetch.error and fetch.error.reason is Reason.NOT_A_LIST:
            text = f"The list {fetch.error}: its feeds are those of its last good state."
            runs.save_notice(db, run, NoticeKind.LISTS, text)
    done, failed = (sum(getattr(fetch, key) is not None for fetch in fetches) for key in ("page", "error"))
    return Count(done=done, skipped=len(fetches) - done - failed, failed=failed)


def sync_feeds(db: Database, run: Run, feeds: Sequence[Feed], lists: Sequence[FeedList] = ()) -> Count:
    """Make the stored feeds those of feeds.toml and of the subscribed lists; feeds.toml wins over a list."""
    stored = store_fetches.held_lists(db)
    listed = {feed.id: feed for feed_list in reversed(lists) for feed in _feeds_of(feed_list, stored)}
    changed, same = store_feeds.save_feeds(db, run, list((listed | {feed.id: feed for feed in feeds}).values()))
    return Count(done=changed, skipped=same)


def fetch_feeds(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    commands: Sequence[FeedCommand] = (),
    limits: PollingLimits = DEFAULT_LIMITS,
    listed: Sequence[Feed] = (),
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Download the feeds that are due; skipped counts those that are not due and those not modified.

    Credentials are stored nowhere: `listed`, the feeds as feeds.toml writes them, holds those that stand in URLs,
    and `environment` holds the variables that they name and the tokens of accounts. SettingsError when a variable
    is not set.
    """
    secrets = secret_urls(listed, environment)
    given = given_until(commands, latest_moment(run))
    if len(given) < len(commands):
        text = (
            "Dated in the future, by a clock that had jumped ahead, and not counted: "
            f"{len(commands) - len(given)} of the feed commands. Mend their given_at, or give them again."
        )
        runs.save_notice(db, run, NoticeKind.CLOCK, text)
        log.warning("fetch_feeds: %s", text)
    todo = store_fetches.feeds_to_fetch(db, run)
    polls = _next_polls(db, run, given, limits, within_run=True)
    due = [request for request in todo if polls[request.item_id].is_due(run.night_at)]
    not_due = {request.item_id for request in todo} - {request.item_id for request in due}
    if not_due:
        rules = Counter(polls[feed_id].rule.value for feed_id in not_due)
        by_rule = ", ".join(f"{rule} {feeds}" for rule, feeds in rules.most_common())
        log.info("fetch_feeds: %d feeds are not due (%s); polling_schedule says until when", len(not_due), by_rule)
    known = store_feeds.feeds_by_id(db)
    sources = SourceFetcher(fetcher, known, now=run.night_at, environment=environment)
    requests = [
        replace(request, secret_url=secrets.get(request.item_id), private_site=_private_site(known[request.item_id]))
        for request in due
    ]
    count, _, _ = fetch_and_store(db, run, sources, "fetch_feeds", requests)
    return replace(count, skipped=count.skipped + len(not_due))


def plan_feeds(
    db: Database, run: Run, commands: Sequence[FeedCommand] = (), limits: PollingLimits = DEFAULT_LIMITS
) -> Count:
    """Store where and when each feed is requested next; done counts the feeds whose schedule changed."""
    refused = refused_moves(commands)
    store_polling.revert_moves(db, run, refused, by="person")
    failed = [
        (feed_id, url) for feed_id, url, attempts in store_polling.move_attempts(db) if should_revert_move(attempts)
    ]
    store_polling.revert_moves(db, run, failed, by="failures")
    for _, url in failed:
        log.warning("plan_feeds: %s no longer answers; the feed is requested at its earlier address again", url)
    moves = [
        (feed_id, url, target)
        for feed_id, url, answers in store_polling.redirect_answers(db)
        if (target := moved_address(answers)) is not None and (feed_id, target) not in refused
    ]
    store_polling.save_moves(db, run, moves)
    for _, url, target in moves:
        log.warning("plan_feeds: %s has moved to %s (newsclust feeds moved)", url, target)
    given = given_until(commands, latest_moment(run))
    changed, same = store_polling.save_schedule(db, run, _next_polls(db, run, given, limits, within_run=False))
    return Count(done=changed, skipped=same)


def parse_feeds(db: Database, run: Run, clock: Clock) -> Count:
    """Parse the downloaded feed documents into entries; done and skipped count entries, failed documents."""
    feeds = store_feeds.feeds_by_id(db)
    sites = feed_sites.confirmed_sites(db)
    todo = store_entries.feeds_to_parse(db)
    documents = ((feeds[feed_id], page) for feed_id, page in store_fetches.stored_pages(db, RequestKind.FEED, todo))
    total, size = Count(), 0
    failures: list[tuple[str, ItemError]] = []
    read: list[store_entries.ReadDocument] = []

    def save_batch() -> Count:
        # Failures before the documents count as parsed: a process killed in between reports them twice, not never.
        save_failures(db, run, clock, "parse_feeds", failures)
        changed, same = store_entries.save_parsed(db, run, read)
        return Count(done=changed, skipped=same, failed=len(failures))

    with (
        InHand(db, "parse_feeds") as in_hand,
        FeedParserPool() as parser,
        progress_bar("parse_feeds", len(todo)) as progress,
    ):
        broken = in_hand.broken
        parsed = parser.parse(document for document in documents if document[0].id != broken)
        for (feed, page), outcome in chain(_set_aside(db, run, feeds, broken, todo), parsed):
            if isinstance(outcome, ParseError):
                failures.append((feed.id, outcome))
            in_hand.hold(feed.id)
            read.append(_read_document(feed, page, outcome, sites.get(feed.id, ())))
            in_hand.release()
            size += len(page.body)
            progress.update()
            if len(read) >= _MAX_BATCH_DOCUMENTS or size >= _MAX_BATCH_BYTES:
                total += save_batch()
                failures, read, size = [], [], 0
    return total + save_batch()


def _set_aside(
    db: Database, run: Run, feeds: Mapping[str, Feed], broken: str, todo: Sequence[str]
) -> Iterator[tuple[tuple[Feed, Page], ParseError]]:
    """Yield the document with which an earlier night broke, if it is still to read, as a failed one; say so."""
    if broken not in todo:
        return
    error = ParseError(feeds[broken].url, Reason.SET_ASIDE, "an earlier night ended while it was read")
    tell_set_aside(db, run, "parse_feeds", error)
    for feed_id, page in store_fetches.stored_pages(db, RequestKind.FEED, [broken]):
        yield (feeds[feed_id], page), error


def _private_site(feed: Feed) -> str:
    """Return the site for which a person's exceptions hold: of a feed as feeds.toml names it, wherever it moved."""
    return "" if feed.listed_by else site_of(feed.url)


def _next_polls(
    db: Database, run: Run, commands: Sequence[FeedCommand], limits: PollingLimits, *, within_run: bool
) -> dict[str, NextPoll]:
    """Return when each listed feed is requested next, by feed id."""
    histories = store_polling.histories(db, run, refresh_requests=refresh_requests(commands), within_run=within_run)
    return {history.feed_id: next_request(history, limits, run.night_at) for history in histories}


def _feeds_of(feed_list: FeedList, stored: Mapping[str, Page]) -> list[Feed]:
    """Return the feeds of a subscribed list in its last readable state; none when it was never read."""
    if feed_list.id not in stored:
        return []
    return [
        replace(feed, tags=tuple(dict.fromkeys((*feed_list.tags, *feed.tags))), listed_by=feed_list.url)
        for feed in read_opml(stored[feed_list.id].body).feeds
    ]


def _read_document(
    feed: Feed, page: Page, outcome: ParsedFeed | ParseError, sites: Sequence[str]
) -> store_entries.ReadDocument:
    """Return what is stored of one document: its entries, and which of them want their page.

    `sites` are those whose pages name the feed.
    """
    parsed = None if isinstance(outcome, ParseError) else outcome
    known = (feed.url, page.final_url, *sites)
    wanted = (
        entry.id
        for entry in (parsed.entries if parsed else ())
        if wants_page(
            policy=feed.pages,
            summary=entry.summary,
            content=entry.content,
            speaks_for_site=speaks_for((*known, entry.source_url if is_own_account(feed) else None), entry.url),
        )
    )
    return store_entries.ReadDocument(
        feed_id=feed.id, fetched_at=page.fetched_at, parsed=parsed, want_pages=frozenset(wanted)
    )
