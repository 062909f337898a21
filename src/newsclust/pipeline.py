"""One function a step: rows to do -> stage -> saved rows. No order here (flows/nightly.py has it), no Prefect.

Every step can be run twice: the second time there is nothing to do. A step that was killed goes on where it
stopped, because what it did is stored as it is done.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from newsclust import ledger, topics
from newsclust.centring import centre
from newsclust.corrections import Correction, Kind, constraints_of, no_copies, standing
from newsclust.derived import FEWEST_WORDS, find_derivations
from newsclust.duplicates import METHOD, NEIGHBOURS, ends_of, find_duplicates, fingerprint
from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.errors import FetchError, ItemError, ParseError, Reason, StepError
from newsclust.extract import Extractor, html_text, lines_of, wants_page, without_lines
from newsclust.extract.language import language_of
from newsclust.feeds import FeedReader, read_opml
from newsclust.feeds.credentials import secret_urls
from newsclust.fetch import Fetcher, robots
from newsclust.habits import FeedNight, breach_of, good_again, night_of, recurring
from newsclust.habits import Item as NewItem
from newsclust.links import Linker, words
from newsclust.model import (
    Article,
    Count,
    Extraction,
    Feed,
    FeedList,
    Fetch,
    Page,
    ParsedFeed,
    Request,
    RequestKind,
    Run,
    Window,
)
from newsclust.orders import Order, asked_for, refused_moves, released
from newsclust.schedule import USUAL, Due, Rhythm, moved_address, moved_in_vain, next_request, site_of
from newsclust.sources import ListFetcher, SourceFetcher
from newsclust.store import Database, collecting, copies, derivations, grouping, runs, texts
from newsclust.store import corrections as store_corrections
from newsclust.store import habits as store_habits
from newsclust.store import robots as store_robots
from newsclust.store import schedule as schedules
from newsclust.stories import Clusterer, most_central

log = logging.getLogger("newsclust")

Clock = Callable[[], datetime]
Item = TypeVar("Item")

# Failures that speak of this machine or its network rather than of the item.
_OURS = {Reason.DNS_FAILED, Reason.CONNECTION_FAILED, Reason.TLS_FAILED, Reason.TIMEOUT, Reason.CRASHED}
_CHANGES_STORIES = ("linked", "corrections", "duplicates")  # tables: a new row in one may change stories
_TOO_FEW_TO_TELL = 4  # with fewer items, "over half failed" says nothing about the machine
_ORIGINS_OF_ONE = 5  # that the redirects of one page may lead over
_PAGES_AT_ONCE = 300  # held in memory while texts are taken
_FETCHES_AT_ONCE = 50  # stored together
_DOCUMENTS_AT_ONCE = 40  # of feeds, stored together ...
_BYTES_AT_ONCE = 20_000_000  # ... or fewer, when they are as large as this
_ARTICLES_AT_ONCE = 512  # embedded and stored together
_PAIRS_AT_ONCE = 256  # judged and stored together, and the rest of the last one's story
_SOURCES_OF_ONE = 12  # earlier articles of its story that an article is compared with: all, in stories of up to 13


def night_clock(night_at: datetime) -> Clock:
    """Return a clock that reads `night_at` now and goes on from there at the pace of this machine's."""
    begun = time.monotonic()
    return lambda: night_at + timedelta(seconds=time.monotonic() - begun)


def perform(db: Database, run: Run, clock: Clock, step: str, work: Callable[[], Count]) -> Count:
    """Do one step, store what it did and how long it took, and return the count; errors are stored and raised."""
    started_at, begun = clock(), time.monotonic()
    try:
        count = work()
    except Exception as error:
        seconds = time.monotonic() - begun
        said = str(error) or type(error).__name__
        runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=Count(), error=said)
        log.error("%s failed after %.1f s: %s", step, seconds, said)
        raise
    seconds = time.monotonic() - begun
    runs.save_step(db, run, step, started_at=started_at, seconds=seconds, count=count, error=None)
    log.info("%s: %d done, %d skipped, %d failed in %.1f s", step, count.done, count.skipped, count.failed, seconds)
    return count


def fetch_lists(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    clock: Clock,
    lists: Sequence[FeedList],
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Read the living lists again; of one that fails, however many do, the state read before stays."""
    requests = collecting.lists_to_read(db, run, lists, secret_urls(lists, environment))
    fetches = list(ListFetcher(fetcher, lists, clock).fetch(requests))
    _keep(db, run, "fetch_lists", fetches)
    done, failed = (sum(getattr(fetch, key) is not None for fetch in fetches) for key in ("page", "error"))
    return Count(done=done, skipped=len(fetches) - done - failed, failed=failed)


def sync_feeds(db: Database, run: Run, feeds: Sequence[Feed], lists: Sequence[FeedList] = ()) -> Count:
    """Make the stored feeds the given ones and those of the living lists; what a person says of a feed counts."""
    held = collecting.held_lists(db)
    listed = {feed.id: feed for one in reversed(lists) for feed in _feeds_of(one, held)}
    changed, same = collecting.save_feeds(db, run, list((listed | {feed.id: feed for feed in feeds}).values()))
    return Count(done=changed, skipped=same)


def fetch_feeds(
    db: Database,
    run: Run,
    fetcher: Fetcher,
    orders: Sequence[Order] = (),
    rhythm: Rhythm = USUAL,
    listed: Sequence[Feed] = (),
    environment: Mapping[str, str] = os.environ,
) -> Count:
    """Download the feeds that are due; skipped counts those that are not, besides those that have not changed.

    Credentials are nowhere stored: `listed`, the feeds as the list writes them, has those that stand in addresses,
    and `environment` those that it names, and the tokens of accounts. SettingsError when one of them is not set.
    """
    secrets = secret_urls(listed, environment)
    todo = collecting.feeds_to_fetch(db, run)
    decided = _decided(db, run, orders, rhythm, within_run=True)
    asked = [request for request in todo if decided[request.item_id].by(run.night_at)]
    left = {request.item_id for request in todo} - {request.item_id for request in asked}
    if left:
        rules = Counter(decided[feed_id].rule.value for feed_id in left)
        said = ", ".join(f"{rule} {feeds}" for rule, feeds in rules.most_common())
        log.info("fetch_feeds: %d feeds are not due (%s); feed_schedule says until when", len(left), said)
    sources = SourceFetcher(fetcher, collecting.feeds_by_id(db), now=run.night_at, environment=environment)
    told = [replace(request, secret_url=secrets.get(request.item_id)) for request in asked]
    count, _ = _fetch(db, run, sources, "fetch_feeds", told)
    return replace(count, skipped=count.skipped + len(left))


def fetch_pages(db: Database, run: Run, fetcher: Fetcher, product: str = "newsclust") -> Count:
    """Download the pages behind entries whose feed does not carry the text, as far as robots.txt allows it.

    `product` is the name by which a robots.txt calls us. A redirect to another origin is followed when the
    robots.txt of that one has been asked, too. Skipped counts the pages of sites that want no request yet.
    """
    todo = collecting.pages_to_fetch(db)
    closed = schedules.closed_sites(db, run.night_at)
    asked = [request for request in todo if site_of(request.url) not in closed]
    total = Count(skipped=len(todo) - len(asked))
    for _ in range(_ORIGINS_OF_ONE):
        if not asked:
            return total
        allowed, refused = _judged(asked, _rules(db, run, fetcher, product, asked))
        _keep(db, run, "fetch_pages", [Fetch.not_made(*pair, run.night_at) for pair in refused])
        count, onward = _fetch(db, run, fetcher, "fetch_pages", allowed)
        total += count + Count(failed=len(refused))
        asked = onward
    lost = [FetchError(request.url, Reason.TOO_MANY_REDIRECTS, f"over {_ORIGINS_OF_ONE} sites") for request in asked]
    _keep(db, run, "fetch_pages", [Fetch.not_made(*pair, run.night_at) for pair in zip(asked, lost, strict=True)])
    return replace(total, failed=total.failed + len(lost))


def plan_feeds(db: Database, run: Run, orders: Sequence[Order] = (), rhythm: Rhythm = USUAL) -> Count:
    """Say where and when each feed is asked next; done counts those of which something else was said before."""
    refused = refused_moves(orders)
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
    changed, same = schedules.save_schedule(db, run, _decided(db, run, orders, rhythm, within_run=False))
    return Count(done=changed, skipped=same)


def parse_feeds(db: Database, run: Run, clock: Clock) -> Count:
    """Read the downloaded feed documents into entries; done and skipped count entries, failed documents."""
    feeds = collecting.feeds_by_id(db)
    todo = collecting.feeds_to_parse(db)
    documents = ((feeds[feed_id], page) for feed_id, page in collecting.stored_pages(db, RequestKind.FEED, todo))
    total, size = Count(), 0
    failures: list[tuple[str, ItemError]] = []
    read: list[collecting.ReadDocument] = []

    def keep() -> Count:
        # Before the documents count as read: a process killed in between tells it twice, not never.
        _save_failures(db, run, clock, "parse_feeds", failures)
        changed, same = collecting.save_parsed(db, run, read)
        return Count(done=changed, skipped=same, failed=len(failures))

    with FeedReader() as reader, _progress("parse_feeds", len(todo)) as progress:
        for (feed, page), outcome in reader.read(documents):
            if isinstance(outcome, ParseError):
                failures.append((feed.id, outcome))
            read.append(_read_document(feed, page, outcome))
            size += len(page.body)
            progress.update()
            if len(read) >= _DOCUMENTS_AT_ONCE or size >= _BYTES_AT_ONCE:
                total += keep()
                failures, read, size = [], [], 0
    return total + keep()


def judge_feeds(db: Database, run: Run, orders: Sequence[Order] = ()) -> Count:
    """Hold back what feeds show against their habits; done counts nights of feeds let in, skipped those held.

    A feed is let in again when a person has released it since its quarantine began, all that was held under it
    included, or when it has kept to its habits for three days: then without the nights before.
    """
    quarantined = store_habits.standing(db)
    for feed_id, given_at in released(orders).items():
        since = quarantined.get(feed_id)
        if since is not None and given_at >= since:
            _let_in(db, run, feed_id, store_habits.held_nights(db, feed_id, since), by="person")
            del quarantined[feed_id]
    done = skipped = 0
    todo = store_habits.unjudged_runs(db)
    habits = store_habits.admitted_nights(db) if todo else {}
    moved_to = store_habits.moved_to(db) if todo else {}
    for run_id in todo:  # whole runs: a word is news or none by what all feeds of its night say
        nights = store_habits.unjudged_nights(db, run_id)
        told = {seen.feed_id: _told(seen) for seen in nights}
        saying = _feeds_saying({feed_id: items for feed_id, (items, _) in told.items() if feed_id not in quarantined})
        judged = []
        for seen in nights:
            items, edited = told[seen.feed_id]
            earlier = habits.setdefault(seen.feed_id, [])
            last = earlier[-1].night_at if earlier else None
            night = night_of(seen.feed_id, run_id, seen.night_at, items, last, edited=edited)
            breach = None
            if not seen.is_out:
                breach = breach_of(
                    night,
                    items,
                    earlier,
                    edited=edited,
                    moved_to=moved_to.get(seen.feed_id, ()),
                    heard=partial(_heard, db, seen.feed_id, saying),
                )
            held = breach is not None or seen.feed_id in quarantined
            if night.items and not held:
                earlier.append(night)
            judged.append(
                store_habits.Judged(
                    night=night, words=recurring(items), content_type=seen.content_type, breach=breach, held=held
                )
            )
        with db.transaction():
            store_habits.save_nights(db, judged)
            for one in judged:
                feed_id = one.night.feed_id
                if one.breach and feed_id not in quarantined:
                    store_habits.begin_quarantine(db, run, one.night, one.breach)
                    quarantined[feed_id] = one.night.night_at
                    why = one.breach.why
                    log.warning("judge_feeds: %s is quarantined: %s (newsclust feeds release)", feed_id, why)
        done, skipped = done + sum(not one.held for one in judged), skipped + sum(one.held for one in judged)
    for feed_id, since in quarantined.items():
        if kept := good_again(store_habits.held_nights(db, feed_id, since)):
            _let_in(db, run, feed_id, kept, by="habits")
    return Count(done=done, skipped=skipped)


def extract_articles(db: Database, run: Run, clock: Clock, extractor: Extractor) -> Count:
    """Take the text of every article that is new or changed, from its page or its feed.

    Paragraphs that recur under the titles of one site are learned on the way and left out: those of tonight's texts
    once enough of them are known.
    """
    todo = texts.articles_to_extract(db)
    done = 0
    errors: list[ItemError] = []
    with _progress("extract_articles", len(todo)) as progress:
        for ids in _batches(todo, _PAGES_AT_ONCE):
            taken: list[Extraction] = []
            failures: list[tuple[str, ItemError]] = []
            for source, outcome in zip(sources := texts.sources_of(db, ids), extractor.extract(sources), strict=True):
                if outcome.extraction:
                    taken.append(outcome.extraction)
                if outcome.error:
                    failures.append((source.article_id, outcome.error))
                progress.update()
            _save_failures(db, run, clock, "extract_articles", failures)
            known: set[int] = set()
            for titles, lines in lines_of(taken).items():
                copies.learn_ends(db, run, lines)
                known |= copies.furniture_among(db, lines, neighbours=titles)
            done += texts.save_extractions(db, run, ids, [without_lines(text, known) for text in taken])
            errors.extend(error for _, error in failures)
    _raise_if_ours("extract_articles", errors, len(todo))
    return Count(done=done, failed=len(todo) - done)


def find_copies(db: Database, run: Run, said: Sequence[Correction], jaccard: float, containment: float) -> Count:
    """Say which of the new and changed articles repeat another; done counts articles compared.

    Articles that a person has said to be copies of none stay originals, whatever comes.
    """
    for ids in _batches(copies.articles_with_other_keys(db, METHOD), _ARTICLES_AT_ONCE):
        copies.save_keys(db, run, fingerprint(texts.articles(db, ids)), METHOD)
    kept = no_copies(said)
    copies.sync_no_copies(db, run, kept)
    todo = copies.articles_to_compare(db)
    fresh = texts.articles(db, todo)
    fingerprints = fingerprint(fresh)
    pairs = copies.candidate_pairs(db, fingerprints)
    compared = {article_id for pair in pairs for article_id in pair}
    known = copies.originals_of(db, [*todo, *sorted(compared)])
    others = texts.articles(db, sorted((compared | set(known.values())) - set(todo)))
    ends = ends_of(fresh)
    copies.learn_ends(db, run, ends)
    copies.forget_ends(db, run, neighbours=NEIGHBOURS)
    duplicates = find_duplicates(
        fresh,
        others,
        pairs,
        known,
        furniture=copies.furniture_among(db, [*ends, *ends_of(others)], neighbours=NEIGHBOURS),
        no_copies=kept,
        jaccard=jaccard,
        containment=containment,
    )
    copies.save_duplicates(db, run, fingerprints, duplicates, method=METHOD)
    return Count(done=len(todo))


def embed_articles(db: Database, run: Run, embedder: Embedder, characters: int) -> Count:
    """Give every original two vectors of the chosen model: of its title and beginning, and of its title alone."""
    todo = texts.articles_to_embed(db, embedder.name)
    for ids in _batches(todo, _ARTICLES_AT_ONCE):
        rows = texts.titles_and_texts(db, ids)
        told = [embedding_text(title, text, characters=characters) for _, title, text in rows]
        titles = [title_text(title, text, characters=characters) for _, title, text in rows]
        vectors = embedder.embed([*told, *titles])
        chosen = [article_id for article_id, _, _ in rows]
        texts.save_embeddings(db, run, embedder.name, chosen, vectors[: len(rows)], vectors[len(rows) :])
    return Count(done=len(todo))


def link_articles(db: Database, run: Run, linker: Linker, model: str, window_days: float) -> Count:
    """Weigh what is new in the window against all of it; done counts articles judged, skipped those judged before.

    How rare words are is told by the articles of earlier nights; tonight's are counted afterwards, so that no
    article changes how two others are judged on the same night.
    """
    window = _window(db, run, model, window_days)
    ids = window.ids
    fresh = grouping.articles_to_link(db, ids, model=model, linker=linker.name)
    links = linker.link(replace(window, words=grouping.word_counts(db)), set(fresh)) if fresh else []
    grouping.save_links(db, run, ids, fresh, links, model=model, linker=linker.name)
    _count_words(db, run, window)
    return Count(done=len(fresh), skipped=len(ids) - len(fresh))


def sync_corrections(db: Database, run: Run, said: Sequence[Correction]) -> Count:
    """Make the stored corrections the given ones; done counts those that are new or changed their standing."""
    changed, same = store_corrections.save_corrections(db, run, said)
    return Count(done=changed, skipped=same)


def group_stories(
    db: Database, run: Run, clusterer: Clusterer, said: Sequence[Correction], model: str, window_days: float
) -> Count:
    """Group the window's articles, keep the stories' ids, tell every change; done counts changed stories.

    What people `said` is honoured: the articles they named are grouped anew with the window, however old. When
    nothing was linked, said or found to be a copy since the last grouping, stories only grow old.
    """
    chosen = ("stories", "links", "embed")
    if grouping.is_up_to_date(db, run, "group_stories", after=_CHANGES_STORIES, settings=chosen):
        grouping.close_stories(db, run, living_since=_since(run, window_days))
        return Count()
    constraints = constraints_of(_about_originals(db, said))
    window = _window(db, run, model, window_days, besides=constraints.articles)
    ids = window.ids
    groups = clusterer.cluster(window, grouping.links_among(db, ids), constraints)
    became_copies = grouping.copies_in_stories(db)
    named = {article for correction in said if correction.kind is Kind.RENAME for article in correction.articles}
    known = grouping.known_stories(db, [*ids, *became_copies, *sorted(named)])
    age = {article.id: (article.published_at, article.id) for article in window.articles}
    decided = ledger.reconcile(
        groups,
        known,
        regrouped={*ids, *became_copies},  # what became a copy is in no group: it leaves its story
        founder=lambda group: min(group, key=lambda a: age[a]),
        now=run.night_at,
        ids_in_use=grouping.story_ids(db),
    )
    now_told = {story.id: story.members for story in known} | decided.members
    given = _names_given(said, now_told)
    names = _headlines(db, model, decided.members | {story_id: now_told[story_id] for story_id in given})
    names |= {s: replace(names[s], headline=name) for s, name in given.items() if s in names and name}
    grouping.save_stories(db, run, decided, headlines=names, living_since=_since(run, window_days))
    return Count(done=len(decided.members), skipped=len(known) - len(decided.members.keys() & {k.id for k in known}))


def find_derived(db: Database, run: Run, embedder: Embedder) -> Count:
    """Judge which articles of one living story were rewritten or translated from others; done counts pairs judged.

    Each article's sentences are embedded once at most, because whole stories are judged together.
    """
    stories = derivations.pairs_to_judge(db, embedder.name, fewest_words=FEWEST_WORDS, most=_SOURCES_OF_ONE)
    todo = sum(len(pairs) for pairs in stories)
    with _progress("find_derived", todo) as progress:
        for pairs in _whole_stories(stories, _PAIRS_AT_ONCE):
            named = sorted({article_id for pair in pairs for article_id in pair})
            told = {article.id: article for article in texts.articles(db, named)}
            found = find_derivations([(told[one], told[other]) for one, other in pairs], embedder)
            derivations.save_derivations(db, run, found)
            progress.update(len(pairs))
    return Count(done=todo)


def group_topics(db: Database, run: Run, model: str, window_days: float, min_stories: int) -> Count:
    """Group the window's stories into topics and keep the topics' ids.

    Done counts stories in a topic, skipped those in none; both are 0 when no story has changed since the last time.
    """
    if grouping.is_up_to_date(db, run, "group_topics", after=_CHANGES_STORIES, settings=("topics", "embed")):
        return Count()
    stories, vectors = _stories_in_window(db, model, _since(run, window_days))
    outlets = db.rows("SELECT outlet AS name FROM articles UNION SELECT title FROM feeds ORDER BY name")
    known = grouping.known_topics(db)
    found = topics.group_topics(
        stories,
        vectors,
        min_stories=min_stories,
        near=topics.near(model),
        outlets=[row["name"] for row in outlets],
        earlier=[topic.members for topic in known],
    )
    ids = ledger.match([topic.stories for topic in found], known)
    used = set(grouping.topic_ids(db))
    names = {row["story_id"]: row["headline"] for row in db.rows("SELECT story_id, headline FROM stories")}
    rows = []
    for position, topic in enumerate(found):
        topic_id = ids.get(position) or ledger.mint("topic", topic.central_story, used, run.night_at)
        used.add(topic_id)
        rows.append(
            grouping.TopicRow(
                id=topic_id,
                label=topic.label,
                words_en=topic.words_en,
                words_fr=topic.words_fr,
                headline=names[topic.central_story],
                strengths=topic.strengths,
            )
        )
    grouping.save_topics(db, run, rows)
    placed = sum(len(topic.stories) for topic in found)
    return Count(done=placed, skipped=len(stories) - placed)


def check(db: Database) -> Count:
    """Raise CheckError unless the stored rows agree with each other; done counts the checks that hold."""
    return Count(done=db.check_or_raise())


def publish(db: Database, target: Path) -> Count:
    """Replace the published file by a copy of this night's."""
    db.publish(target)
    return Count(done=1)


def _let_in(db: Database, run: Run, feed_id: str, nights: Sequence[FeedNight], *, by: str) -> None:
    with db.transaction():
        store_habits.end_quarantine(db, run, feed_id, by=by, admitted=nights)
    log.info("judge_feeds: the quarantine of %s is over (%s)", feed_id, by)


def _told(seen: store_habits.Unjudged) -> tuple[list[NewItem], list[NewItem]]:
    """The new items of a night, and the changed ones."""
    new = [item_of(row) for row in seen.rows if not row["is_edit"]]
    return new, [item_of(row) for row in seen.rows if row["is_edit"]]


def _feeds_saying(shown: Mapping[str, Sequence[NewItem]]) -> dict[str, set[str]]:
    """The feeds that say each word tonight."""
    saying: dict[str, set[str]] = {}
    for feed_id, items in shown.items():
        for item in items:
            for word in item.words:
                saying.setdefault(word, set()).add(feed_id)
    return saying


def item_of(row: Mapping[str, Any]) -> NewItem:
    """Return what a feed's habits need of a stored entry.

    Of one whose article is out: without its markup, and in the language that was told of the article's text.
    """
    text = html_text(row["markup"] or "")
    language = row["told_language"]
    if row["markup"] is not None:
        language, _ = language_of(f"{row['title']}. {text}", None)
    title, lead = (
        frozenset(words.stem(word.folded) for word in words.words_of(said))
        for said in (row["title"], text[: words.LEAD])
    )
    return NewItem(
        published_at=row["published_at"],
        language=None if language == "und" else language,
        site=site_of(row["link"]),
        characters=row["characters"],
        shared=row["shared"],
        title_words=title,
        words=title | lead,
    )


def _heard(db: Database, feed_id: str, saying: Mapping[str, set[str]], asked: Collection[str]) -> set[str]:
    """Those of these words that are no news: of the archive's articles, of other feeds tonight, or the feed's own."""
    archive = words.together(grouping.stem_counts(db, asked), words.shipped_counts())
    often = words.COMMON * archive.documents
    known = {word for word in asked if archive.stems.get(word, 0) >= often or saying.get(word, set()) - {feed_id}}
    return known | store_habits.said_before(db, feed_id, set(asked) - known)


def _decided(db: Database, run: Run, orders: Sequence[Order], rhythm: Rhythm, *, within_run: bool) -> dict[str, Due]:
    """When each listed feed is asked next, by its id."""
    known = schedules.histories(db, run, asked_for=asked_for(orders), within_run=within_run)
    return {history.feed_id: next_request(history, rhythm, run.night_at) for history in known}


def _rules(
    db: Database, run: Run, fetcher: Fetcher, product: str, requests: Sequence[Request]
) -> dict[str, robots.Rules]:
    """The rules of each origin that the requests lead to; a robots.txt that was seen today is not asked for again."""
    origins = sorted({robots.origin_of(request.url) for request in requests})
    files = store_robots.robots_files(db, origins)
    todo = [
        robots.robots_request(origin)
        for origin in origins
        if origin not in files or not robots.holds(files[origin], run.night_at)
    ]
    with _progress("robots.txt", len(todo)) as progress:
        fetches = []
        for fetch in fetcher.fetch(todo):
            fetches.append(fetch)
            progress.update()
    collecting.save_fetches(db, run, fetches)
    _raise_if_ours("fetch_pages (robots.txt)", [fetch.error for fetch in fetches if fetch.error], len(todo))
    read = [robots.read_answer(fetch, files.get(fetch.request.item_id)) for fetch in fetches]
    store_robots.save_robots(db, run, read)
    files |= {file.origin: file for file in read}
    return {origin: robots.Rules(file, product) for origin, file in files.items()}


def _judged(
    requests: Sequence[Request], rules: Mapping[str, robots.Rules]
) -> tuple[list[Request], list[tuple[Request, FetchError]]]:
    """The requests that robots.txt allows, to be made as it wishes, and the others with the reason."""
    allowed, refused = [], []
    for request in requests:
        rule = rules[robots.origin_of(request.url)]
        error = rule.refusal(request.url)
        if error is None:
            allowed.append(replace(request, pause_s=rule.pause_s, within_origin=True))
        else:
            refused.append((request, error))
    return allowed, refused


def _fetch(
    db: Database, run: Run, fetcher: Fetcher, step: str, requests: Sequence[Request]
) -> tuple[Count, list[Request]]:
    """Make the requests; return what came of them, and the requests that redirects to other origins leave to make."""
    done = skipped = 0
    errors: list[ItemError] = []
    waiting: list[Fetch] = []
    onward: list[Request] = []
    with _progress(step, len(requests)) as progress:
        for fetch in fetcher.fetch(requests):
            waiting.append(fetch)
            progress.update()
            if fetch.error:
                errors.append(fetch.error)
            elif fetch.page:
                done += 1
            elif fetch.onward:
                onward.append(replace(fetch.request, url=fetch.onward))
            else:
                skipped += 1
            if len(waiting) >= _FETCHES_AT_ONCE:
                _keep(db, run, step, waiting)
                waiting = []
    _keep(db, run, step, waiting)
    _raise_if_ours(step, errors, len(requests))
    return Count(done=done, skipped=skipped, failed=len(errors)), onward


def _keep(db: Database, run: Run, step: str, fetches: Sequence[Fetch]) -> None:
    """Store the requests with what they brought; those that failed are told, too."""
    collecting.save_fetches(db, run, fetches)
    failed = [(fetch.request.item_id, fetch.error) for fetch in fetches if fetch.error]
    for _, error in failed:
        log.warning("%s: %s", step, error)
    if failed:
        runs.save_failures(db, run, step, failed, at=fetches[-1].requested_at)


def _read_document(feed: Feed, page: Page, outcome: ParsedFeed | ParseError) -> collecting.ReadDocument:
    parsed = None if isinstance(outcome, ParseError) else outcome
    wanted = (
        entry.id
        for entry in (parsed.entries if parsed else ())
        if wants_page(policy=feed.pages, summary=entry.summary, content=entry.content)
    )
    return collecting.ReadDocument(
        feed_id=feed.id, fetched_at=page.fetched_at, parsed=parsed, want_pages=frozenset(wanted)
    )


def _save_failures(
    db: Database, run: Run, clock: Clock, step: str, failures: Sequence[tuple[str, ItemError]]
) -> None:
    for _, error in failures:
        log.warning("%s: %s", step, error)
    runs.save_failures(db, run, step, failures, at=clock())


def _raise_if_ours(step: str, errors: Sequence[ItemError], items: int) -> None:
    """Raise StepError when over half the items failed for reasons of ours: it is the network, not the feeds."""
    ours = [error for error in errors if error.reason in _OURS]
    if items >= _TOO_FEW_TO_TELL and 2 * len(ours) > items:
        raise StepError(f"{step}: {len(ours)} of {items} items failed on this side, for example {ours[0]}")


def _feeds_of(one: FeedList, held: Mapping[str, Page]) -> list[Feed]:
    """Return the feeds of a living list in its last readable state; none when it has never been read."""
    if one.id not in held:
        return []
    return [
        replace(feed, tags=tuple(dict.fromkeys((*one.tags, *feed.tags))), listed_by=one.url)
        for feed in read_opml(held[one.id].body).feeds
    ]


def _since(run: Run, days: float) -> datetime:
    return run.night_at - timedelta(days=days)


def _about_originals(db: Database, said: Sequence[Correction]) -> list[Correction]:
    """Return the corrections with every copy replaced by its original: a copy is in no story."""
    named = sorted({article for c in said for article in (*c.articles, *c.others)})
    original = copies.originals_of(db, named)

    def originals(articles: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({original.get(article, article) for article in articles}))

    return [c.model_copy(update={"articles": originals(c.articles), "others": originals(c.others)}) for c in said]


def _names_given(said: Sequence[Correction], told: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the name a person gave each story that a rename is about, the last one; "" when it was taken back."""
    names: dict[str, str] = {}
    counting = {correction.id for correction in standing(said)}
    for correction in said:
        if correction.kind is Kind.RENAME:
            shared = {story_id: len(members & set(correction.articles)) for story_id, members in told.items()}
            story_id = min(shared, key=lambda s: (-shared[s], s), default=None)
            if story_id is not None and shared[story_id]:
                if correction.id in counting:
                    names[story_id] = correction.headline
                else:
                    names.setdefault(story_id, "")
    return names


def _window(db: Database, run: Run, model: str, window_days: float, *, besides: Collection[str] = ()) -> Window:
    """Return the originals of the window that have vectors, and those `besides`, ordered by id."""
    ids = grouping.articles_in_window(db, since=_since(run, window_days), until=run.night_at)
    ids = sorted({*ids, *besides})
    ids, vectors, title_vectors = texts.both_vectors_of(db, model, ids)
    return Window(articles=texts.articles(db, ids), vectors=vectors, title_vectors=title_vectors, model=model)


def _count_words(db: Database, run: Run, window: Window) -> None:
    """Add the words of the window's articles to those of the archive, each article once."""
    todo = set(grouping.articles_to_count(db, window.ids))
    if todo:
        counted = words.count((a.title, a.text[: words.LEAD]) for a in window.articles if a.id in todo)
        grouping.add_word_counts(db, run, sorted(todo), counted)


def _headlines(db: Database, model: str, members: "dict[str, frozenset[str]]") -> dict[str, grouping.Headlines]:
    """Return what each story with articles is called: the title of its most central article, by language too."""
    ids, vectors = texts.vectors_of(db, model, sorted({a for story in members.values() for a in story}))
    place = {article_id: position for position, article_id in enumerate(ids)}
    articles = {article.id: article for article in texts.articles(db, ids)}

    def central(wanted: Iterable[Article]) -> str | None:
        chosen = sorted(wanted, key=lambda article: (article.published_at, article.id))
        if not chosen:
            return None
        names = [article.id for article in chosen]
        return articles[most_central(names, vectors[[place[name] for name in names]])].title

    names = {}
    for story_id, story in members.items():
        told = [articles[a] for a in story if a in articles]
        if headline := central(told):
            names[story_id] = grouping.Headlines(
                headline=headline,
                en=central(article for article in told if article.language == "en"),
                fr=central(article for article in told if article.language == "fr"),
            )
    return names


def _stories_in_window(db: Database, model: str, since: datetime) -> tuple[list[topics.Story], NDArray[np.float32]]:
    """Return the stories told since then, and for each a unit vector: the mean of its articles', as topics see it."""
    rows = grouping.stories_since(db, since)
    ids, vectors = texts.vectors_of(db, model, sorted({a for _, members in rows for a in members}))
    if not ids:
        return [], np.zeros((0, 0), np.float32)
    place = {article_id: position for position, article_id in enumerate(ids)}
    told = {article.id: article for article in texts.articles(db, ids)}
    stories, means = [], []
    for story_id, members in rows:
        present = [a for a in members if a in place]
        if not present:
            continue
        stories.append(
            topics.Story(
                id=story_id,
                texts=tuple(
                    (told[a].language, embedding_text(told[a].title, told[a].text, characters=600)) for a in present
                ),
            )
        )
        means.append(vectors[[place[a] for a in present]].mean(axis=0))
    return stories, topics.project(centre(np.array(means, np.float32), model), model)


def _whole_stories(stories: Sequence[Sequence[Item]], size: int) -> Iterator[list[Item]]:
    """Yield the items of all stories, those of one together, at least `size` at a time but for the last."""
    batch: list[Item] = []
    for story in stories:
        batch.extend(story)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _progress(step: str, total: int) -> "tqdm[None]":
    """Return a bar for a person at a terminal; silent in a log (disable=None)."""
    return tqdm(total=total, desc=step, disable=None, leave=False)
