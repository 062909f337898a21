"""What feeds show -> nights in numbers -> quarantine, or none."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from newsclust.model import Count, Run
from newsclust.overrides import FeedCommand, releases
from newsclust.pipeline.runner import log
from newsclust.quarantine.rules import (
    Anomaly,
    FeedItem,
    FeedRunStats,
    KnownWords,
    find_anomaly,
    recovered,
    recurring_words,
    run_stats,
)
from newsclust.store import Database, feeds
from newsclust.store import quarantine as store_habits
from newsclust.store import word_counts as store_words
from newsclust.stories.pairs import word_rarity
from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import detect_language
from newsclust.urls import site_of


def check_feed_anomalies(db: Database, run: Run, commands: Sequence[FeedCommand] = ()) -> Count:
    """Hold back what feeds show against their habits; done counts nights of feeds let in, skipped those held.

    A feed is let in again when a person has released it since its quarantine began, all that was held of it
    included, or when it has kept to its habits for three days: then without the nights before, which a person may
    release later.
    """
    quarantined = store_habits.active_quarantines(db)
    for feed_id, given_at in releases(commands).items():
        held = store_habits.quarantined_stats(db, feed_id)
        since = quarantined.get(feed_id)
        if since is not None and given_at >= since:
            _release(db, run, feed_id, held, by="person")
            del quarantined[feed_id]
        elif waiting := [night for night in held if night.night_at <= given_at]:
            _release(db, run, feed_id, waiting, by="person")
    done = skipped = 0
    todo = store_habits.unchecked_run_ids(db)
    habits = store_habits.admitted_stats(db) if todo else {}
    moved_to = store_habits.relocated_sites(db) if todo else {}
    for run_id in todo:
        judged = _judged(db, store_habits.unchecked_runs(db, run_id), habits, moved_to, quarantined)
        _save(db, run, judged, quarantined)
        done, skipped = done + sum(not one.held for one in judged), skipped + sum(one.held for one in judged)
    for feed_id, since in quarantined.items():
        held = [night for night in store_habits.quarantined_stats(db, feed_id) if night.night_at >= since]
        if kept := recovered(held):
            _release(db, run, feed_id, kept, by="recovery")
    return Count(done=done, skipped=skipped)


def item_of(row: Mapping[str, Any]) -> FeedItem:
    """Return what a feed's habits need of a stored entry.

    Of one whose article is out: without its markup, and in the language that was told of the article's text.
    """
    text = html_to_text(row["markup"] or "")
    language = row["told_language"]
    if row["markup"] is not None:
        language, _ = detect_language(f"{row['title']}. {text}", None)
    title, lead = (
        frozenset(word_rarity.stem(word.folded) for word in word_rarity.split_words(said))
        for said in (row["title"], text[: word_rarity.LEAD_CHARACTERS])
    )
    return FeedItem(
        published_at=row["published_at"],
        language=None if language == "und" else language,
        site=site_of(row["link"]),
        characters=row["characters"],
        shared=row["shared"],
        title_words=title,
        words=title | lead,
    )


def _judged(
    db: Database,
    nights: Sequence[store_habits.UncheckedRun],
    habits: dict[str, list[FeedRunStats]],
    moved_to: Mapping[str, Collection[str]],
    quarantined: Mapping[str, datetime],
) -> list[store_habits.CheckedRun]:
    """Judge the nights of one run together: a word is news or none by what all feeds say. `habits` learn."""
    told = {seen.feed_id: _told(seen) for seen in nights}
    counted = {seen.feed_id: _counted(seen, told[seen.feed_id], habits.get(seen.feed_id, ())) for seen in nights}

    def breach_in(seen: store_habits.UncheckedRun, heard: KnownWords) -> Anomaly | None:
        if seen.is_out:
            return None
        items, edited = told[seen.feed_id]
        earlier, moved = habits.get(seen.feed_id, ()), moved_to.get(seen.feed_id, ())
        return find_anomaly(counted[seen.feed_id], items, earlier, edited=edited, moved_to=moved, heard=heard)

    # Two domains that were sold to one buyer say the same: whoever breaks a rule by other than words is no witness.
    plain = {seen.feed_id: breach_in(seen, set) for seen in nights}
    witnesses = [feed_id for feed_id, breach in plain.items() if breach is None and feed_id not in quarantined]
    saying = _feeds_saying({feed_id: told[feed_id][0] for feed_id in witnesses})
    judged = []
    for seen in nights:
        items, night = told[seen.feed_id][0], counted[seen.feed_id]
        breach = plain[seen.feed_id] or breach_in(seen, partial(_heard, db, seen.feed_id, saying))
        held = breach is not None or seen.feed_id in quarantined
        if night.items and not held:
            habits.setdefault(seen.feed_id, []).append(night)
        judged.append(
            store_habits.CheckedRun(
                night=night, words=recurring_words(items), content_type=seen.content_type, breach=breach, held=held
            )
        )
    return judged


def _counted(
    seen: store_habits.UncheckedRun,
    told: tuple[Sequence[FeedItem], Sequence[FeedItem]],
    earlier: Sequence[FeedRunStats],
) -> FeedRunStats:
    items, edited = told
    last = earlier[-1].night_at if earlier else None
    return run_stats(seen.feed_id, seen.run_id, seen.night_at, items, last, edited=edited)


def _save(
    db: Database, run: Run, judged: Sequence[store_habits.CheckedRun], quarantined: dict[str, datetime]
) -> None:
    """Store what was judged of one run, whole or not at all; `quarantined` gains those that begin now."""
    with db.transaction():
        store_habits.save_run_stats(db, judged)
        for one in judged:
            feed_id = one.night.feed_id
            if one.breach and feed_id not in quarantined:
                store_habits.begin_quarantine(db, run, one.night, one.breach)
                quarantined[feed_id] = one.night.night_at
                url, why = feeds.feeds_by_id(db)[feed_id].url, one.breach.why
                log.warning("check_feed_anomalies: %s is quarantined: %s (newsclust feeds release)", url, why)


def _release(db: Database, run: Run, feed_id: str, nights: Sequence[FeedRunStats], *, by: str) -> None:
    with db.transaction():
        store_habits.end_quarantine(db, run, feed_id, by=by, admitted=nights)
    url, items = feeds.feeds_by_id(db)[feed_id].url, sum(night.items + night.edited for night in nights)
    log.info("check_feed_anomalies: %s is let in again (%s), with %d entries that were held", url, by, items)


def _told(seen: store_habits.UncheckedRun) -> tuple[list[FeedItem], list[FeedItem]]:
    """The new items of a night, and the changed ones."""
    new = [item_of(row) for row in seen.rows if not row["is_edit"]]
    return new, [item_of(row) for row in seen.rows if row["is_edit"]]


def _feeds_saying(shown: Mapping[str, Sequence[FeedItem]]) -> dict[str, set[str]]:
    """The feeds that say each word tonight."""
    saying: dict[str, set[str]] = {}
    for feed_id, items in shown.items():
        for item in items:
            for word in item.words:
                saying.setdefault(word, set()).add(feed_id)
    return saying


def _heard(db: Database, feed_id: str, saying: Mapping[str, set[str]], asked: Collection[str]) -> set[str]:
    """Those of these words that are no news: of the archive's articles, of other feeds tonight, or the feed's own."""
    archive = word_rarity.merge_counts(store_words.stem_counts(db, asked), word_rarity.shipped_counts())
    often = word_rarity.COMMON * archive.documents
    known = {word for word in asked if archive.stems.get(word, 0) >= often or saying.get(word, set()) - {feed_id}}
    return known | store_habits.words_known_to_feed(db, feed_id, set(asked) - known)
