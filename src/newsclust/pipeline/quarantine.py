"""Entries that feeds showed -> statistics of their runs -> quarantine, or none."""

from collections.abc import Collection, Sequence
from datetime import datetime

from newsclust.model import Count, Run
from newsclust.overrides import FeedCommand, given_until, releases
from newsclust.pipeline.runner import latest_moment, log
from newsclust.quarantine.history import FeedItem, FeedRunStats, recovered, released_runs
from newsclust.quarantine.run_check import CheckedRun, FeedRun, check_run
from newsclust.store import Database, feeds
from newsclust.store import quarantine as store_quarantine
from newsclust.store import word_counts as store_words
from newsclust.stories.pairs import word_rarity
from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import detect_language
from newsclust.urls import site_of


def check_feed_anomalies(db: Database, run: Run, commands: Sequence[FeedCommand] = ()) -> Count:
    """Quarantine what feeds show against their history; done counts runs of feeds admitted, skipped quarantined ones.

    A feed is released when a person has said so since its quarantine began, all its quarantined runs included, or
    when it has shown no anomaly for three days: then without the runs before, which a person may release later.
    """
    quarantined = store_quarantine.active_quarantines(db)
    for feed_id, released_at in releases(given_until(commands, latest_moment(run))).items():
        stats, since = store_quarantine.quarantined_stats(db, feed_id), quarantined.get(feed_id)
        admitted = released_runs(stats, since=since, released_at=released_at)
        ends_quarantine = since is not None and released_at >= since
        if admitted or ends_quarantine:
            _release(db, run, feed_id, admitted, by="person")
        if ends_quarantine:
            del quarantined[feed_id]
    done = skipped = 0
    unchecked = store_quarantine.unchecked_run_ids(db)
    history = store_quarantine.admitted_stats(db) if unchecked else {}
    relocated_to = store_quarantine.relocated_sites(db) if unchecked else {}

    def look_up(feed_id: str, words: Collection[str]) -> set[str]:
        return _known_words(db, feed_id, words)

    for run_id in unchecked:
        feed_runs = [_feed_run(stored) for stored in store_quarantine.unchecked_runs(db, run_id)]
        checked = check_run(feed_runs, history, relocated_to=relocated_to, quarantined=quarantined, look_up=look_up)
        _save(db, run, checked, quarantined)
        for result in checked:
            if result.stats.items and not result.quarantined:
                history.setdefault(result.stats.feed_id, []).append(result.stats)
        done += sum(not result.quarantined for result in checked)
        skipped += sum(result.quarantined for result in checked)
    for feed_id, since in quarantined.items():
        stats = store_quarantine.quarantined_stats(db, feed_id)
        if normal := recovered([run_stats for run_stats in stats if run_stats.night_at >= since]):
            _release(db, run, feed_id, normal, by="recovery")
    return Count(done=done, skipped=skipped)


def feed_item(entry: store_quarantine.UncheckedEntry) -> FeedItem:
    """Return what the quarantine rules need of a stored entry.

    The language is detected in the entry's text; an entry of an exempt run comes without markup and with the language
    that was detected in its article's text.
    """
    text = html_to_text(entry.markup or "")
    language = entry.article_language
    if entry.markup is not None:
        language, _ = detect_language(f"{entry.title}. {text}", None)
    title, lead = (_stems(entry.title), _stems(text[: word_rarity.LEAD_CHARACTERS]))
    return FeedItem(
        published_at=entry.published_at,
        language=None if language == "und" else language,
        site=site_of(entry.link),
        characters=entry.characters,
        shared=entry.shared,
        from_new_source=entry.from_new_source,
        title_words=title,
        words=title | lead,
    )


def _stems(text: str) -> frozenset[str]:
    return frozenset(word_rarity.stem(word.folded) for word in word_rarity.split_words(text))


def _feed_run(stored: store_quarantine.UncheckedRun) -> FeedRun:
    return FeedRun(
        feed_id=stored.feed_id,
        run_id=stored.run_id,
        night_at=stored.night_at,
        content_type=stored.content_type,
        is_exempt=stored.is_exempt,
        new=[feed_item(entry) for entry in stored.entries if not entry.is_edit],
        edited=[feed_item(entry) for entry in stored.entries if entry.is_edit],
    )


def _save(db: Database, run: Run, checked: Sequence[CheckedRun], quarantined: dict[str, datetime]) -> None:
    """Store the decisions of one run, all or none; `quarantined` gains the feeds whose quarantine begins now."""
    with db.transaction():
        store_quarantine.save_run_stats(db, checked)
        for result in checked:
            feed_id, anomaly = result.stats.feed_id, result.anomaly
            if anomaly and feed_id not in quarantined:
                store_quarantine.begin_quarantine(db, run, result.stats, anomaly)
                quarantined[feed_id] = result.stats.night_at
                url = feeds.feeds_by_id(db)[feed_id].url
                log.warning("check_feed_anomalies: %s is quarantined: %s (newsclust feeds release)", url, anomaly.why)


def _release(db: Database, run: Run, feed_id: str, admitted: Sequence[FeedRunStats], *, by: str) -> None:
    """End the feed's quarantine and admit these runs of it."""
    with db.transaction():
        store_quarantine.end_quarantine(db, run, feed_id, by=by, admitted=admitted)
    url, items = feeds.feeds_by_id(db)[feed_id].url, sum(stats.items + stats.edited for stats in admitted)
    log.info("check_feed_anomalies: %s is released (%s), with %d quarantined entries", url, by, items)


def _known_words(db: Database, feed_id: str, words: Collection[str]) -> set[str]:
    """Return those of these words that are common in the archive, or recurred in the feed's own admitted runs."""
    archive = word_rarity.merge_counts(store_words.stem_counts(db, words), word_rarity.shipped_counts())
    minimum = word_rarity.COMMON * archive.documents
    common = {word for word in words if archive.stems.get(word, 0) >= minimum}
    return common | store_quarantine.words_known_to_feed(db, feed_id, set(words) - common)
