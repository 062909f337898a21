"""One function a step: rows to do -> stage -> saved rows. No order here (flows/nightly.py has it), no Prefect.

Every step can be run twice: the second time there is nothing to do. A step that was killed goes on where it
stopped, because what it did is stored as it is done.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from newsclust import ledger, topics
from newsclust.centring import centre
from newsclust.corrections import Correction, Kind, constraints_of, no_copies, standing
from newsclust.derived import FEWEST_WORDS, find_derivations
from newsclust.duplicates import METHOD, NEIGHBOURS, ends_of, find_duplicates, fingerprint
from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.errors import ItemError, ParseError, Reason, StepError
from newsclust.extract import Extractor, wants_page
from newsclust.feeds import parse_feed
from newsclust.fetch import Fetcher
from newsclust.links import Linker, words
from newsclust.model import Article, Count, Entry, Extraction, Feed, Fetch, PagePolicy, Request, Run, Window
from newsclust.store import Database, collecting, copies, derivations, grouping, runs, texts
from newsclust.store import corrections as store_corrections
from newsclust.stories import Clusterer, most_central

log = logging.getLogger("newsclust")

Clock = Callable[[], datetime]
Item = TypeVar("Item")

# Failures that speak of this machine or its network rather than of the item.
_OURS = {Reason.DNS_FAILED, Reason.CONNECTION_FAILED, Reason.TLS_FAILED, Reason.TIMEOUT, Reason.CRASHED}
_CHANGES_STORIES = ("linked", "corrections", "duplicates")  # tables: a new row in one may change stories
_TOO_FEW_TO_TELL = 4  # with fewer items, "over half failed" says nothing about the machine
_PAGES_AT_ONCE = 100  # held in memory while texts are taken
_FETCHES_AT_ONCE = 50  # stored together
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


def sync_feeds(db: Database, run: Run, feeds: Sequence[Feed]) -> Count:
    """Make the stored list of feeds the given one."""
    changed, same = collecting.save_feeds(db, run, feeds)
    return Count(done=changed, skipped=same)


def fetch_feeds(db: Database, run: Run, fetcher: Fetcher) -> Count:
    """Download the feeds that have something new to say."""
    return _fetch(db, run, fetcher, "fetch_feeds", collecting.feeds_to_fetch(db, run))


def fetch_pages(db: Database, run: Run, fetcher: Fetcher) -> Count:
    """Download the pages behind entries whose feed does not carry the text."""
    return _fetch(db, run, fetcher, "fetch_pages", collecting.pages_to_fetch(db))


def parse_feeds(db: Database, run: Run, clock: Clock) -> Count:
    """Read the downloaded feed documents into entries; done and skipped count entries, failed documents."""
    feeds = collecting.feeds_by_id(db)
    done = skipped = failed = 0
    for feed_id, page in _watched(list(collecting.feed_pages_to_parse(db)), "parse_feeds"):
        feed = feeds[feed_id]
        parsed = None
        try:
            parsed = parse_feed(feed, page)
        except ParseError as error:
            # Before the document counts as read: a process killed in between tells it twice, not never.
            _save_failures(db, run, clock, "parse_feeds", [(feed_id, error)])
            failed += 1
        changed, same = collecting.save_parsed(
            db, run, page=page, feed_id=feed_id, parsed=parsed, wants_page=_page_wish(feed.pages)
        )
        done, skipped = done + changed, skipped + same
    return Count(done=done, skipped=skipped, failed=failed)


def extract_articles(db: Database, run: Run, clock: Clock, extractor: Extractor) -> Count:
    """Take the text of every article that is new or changed, from its page or its feed."""
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
            done += texts.save_extractions(db, run, ids, taken)
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
    copies.learn_ends(db, run, ends, neighbours=NEIGHBOURS)
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


def _fetch(db: Database, run: Run, fetcher: Fetcher, step: str, requests: Sequence[Request]) -> Count:
    done = skipped = 0
    errors: list[ItemError] = []
    waiting: list[Fetch] = []

    def save() -> None:
        collecting.save_fetches(db, run, waiting)
        failed = [(fetch.request.item_id, fetch.error) for fetch in waiting if fetch.error]
        if failed:
            runs.save_failures(db, run, step, failed, at=waiting[-1].requested_at)
        waiting.clear()

    with _progress(step, len(requests)) as progress:
        for fetch in fetcher.fetch(requests):
            waiting.append(fetch)
            progress.update()
            if fetch.error:
                errors.append(fetch.error)
                log.warning("%s: %s", step, fetch.error)
            elif fetch.page:
                done += 1
            else:
                skipped += 1
            if len(waiting) >= _FETCHES_AT_ONCE:
                save()
    save()
    _raise_if_ours(step, errors, len(requests))
    return Count(done=done, skipped=skipped, failed=len(errors))


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


def _page_wish(policy: PagePolicy) -> Callable[[Entry], bool]:
    return lambda entry: wants_page(policy=policy, summary=entry.summary, content=entry.content)


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


def _watched(items: Sequence[Item], step: str) -> Iterable[Item]:
    watched: Iterable[Item] = tqdm(items, desc=step, disable=None, leave=False)
    return watched


def _progress(step: str, total: int) -> "tqdm[None]":
    """Return a bar for a person at a terminal; silent in a log (disable=None)."""
    return tqdm(total=total, desc=step, disable=None, leave=False)
