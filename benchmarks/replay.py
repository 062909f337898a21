"""Replay months of news, night by night: `python -m benchmarks.replay DATA [--vectors FOLDER]`.

DATA is JSON Lines, plain or .gz (title, text, lang, published, source, url). At 03:30 UTC of each night the articles
published since the night before go into a fresh database, and the pipeline's own steps link them, group them into
stories and the stories into topics. Nothing is fetched and no duplicates are searched: one URL is one article.
FOLDER caches the vectors of the bundled model from one run to the next.

Afterwards stretches of seven days are grouped again in fresh databases, night by night and all at once, and both
groupings of their articles are compared.
"""

import argparse
import gzip
import itertools
import json
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclust import pipeline
from newsclust.embed import Embedder, SentenceTransformerEmbedder, embedding_text, title_text
from newsclust.evaluation.measures import b_cubed, pairwise
from newsclust.model import Article, Count, DateQuality, id_of
from newsclust.settings import Settings
from newsclust.store import Database, runs
from newsclust.store import articles as store_articles
from newsclust.urls import canonical, host

NIGHT = timedelta(hours=3, minutes=30)  # after midnight, UTC
STRETCH_DAYS, STRETCHES = 7, 6
LAST_NIGHTS = 30  # whose topics are compared with those of the night before
STEPS = ("link_articles", "group_stories", "group_topics")

GOAL_S, GOAL_MEMORY_GB, GOAL_STABILITY = 300, 1.0, 0.95
TOLERANCE = 0.05  # of B-cubed F1: how far a grouping night by night may be from one made at once

Vectors = NDArray[np.float32]
Topics = Mapping[str, str | None]  # of each living story


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Articles in order of publication, and their vectors by one model: one row for each in both matrices."""

    articles: Sequence[Article]
    vectors: Vectors
    title_vectors: Vectors
    model: str

    def part(self, places: Sequence[int]) -> "Stream":
        """Return the articles at these places, with their vectors."""
        chosen = list(places)
        return Stream(
            articles=[self.articles[place] for place in chosen],
            vectors=self.vectors[chosen],
            title_vectors=self.title_vectors[chosen],
            model=self.model,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the steps of one night took, in seconds, and the topics of the stories that live after it."""

    articles: int
    seconds: Mapping[str, float]
    cpu: Mapping[str, float]
    topics: Topics

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def read_articles(path: Path) -> list[Article]:
    """Return the articles of a JSON Lines file, one for each address, in order of publication."""
    told = path.read_bytes()
    lines = (gzip.decompress(told) if path.suffix == ".gz" else told).splitlines()
    found = {}
    for row in map(json.loads, lines):
        address, published_at = canonical(row["url"]), datetime.fromisoformat(row["published"])
        if published_at.tzinfo is None:  # a day without a time
            published_at = published_at.replace(tzinfo=UTC)
        found.setdefault(
            address,
            Article(
                id=id_of(address),
                url=address,
                canonical_url=address,
                title=row["title"],
                text=row["text"] or "",
                language=row["lang"],
                outlet=host(address),
                published_at=published_at.astimezone(UTC),
                date_quality=DateQuality.GIVEN,
                first_seen_at=night_after(published_at),
            ),
        )
    return sorted(found.values(), key=lambda article: (article.published_at, article.id))


def night_after(moment: datetime) -> datetime:
    """Return the first night, 03:30 UTC, at or after a moment."""
    day = (moment.astimezone(UTC) - NIGHT).replace(hour=0, minute=0, second=0, microsecond=0)
    night = day + NIGHT
    return night if night >= moment else night + timedelta(days=1)


def with_vectors(articles: Sequence[Article], embedder: Embedder, folder: Path | None) -> Stream:
    """Return the articles with the vectors that the pipeline would give them; kept in `folder` for the next time."""
    characters = Settings().embed.characters
    told = [embedding_text(a.title, a.text, characters=characters) for a in articles]
    titles = [title_text(a.title, a.text, characters=characters) for a in articles]
    kept = None if folder is None else folder / f"{id_of(embedder.name, *told, *titles)}.npy"
    if kept is not None and kept.exists():
        both = np.load(kept)
    else:
        both = embedder.embed([*told, *titles])
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, both)
    return Stream(articles=articles, vectors=both[: len(told)], title_vectors=both[len(told) :], model=embedder.name)


def nights_of(stream: Stream) -> dict[datetime, list[int]]:
    """Return for every night from the first to the last the places of the articles published since the one before."""
    places: dict[datetime, list[int]] = {}
    for place, article in enumerate(stream.articles):
        places.setdefault(night_after(article.published_at), []).append(place)
    first, last = min(places), max(places)
    return {
        night: places.get(night, []) for night in (first + timedelta(days=n) for n in range((last - first).days + 1))
    }


def live(db: Database, now: datetime, new: Stream, steps: Sequence[str] = STEPS) -> Night:
    """Store the new articles and go through these steps; what is timed is the steps alone."""
    settings, clock = Settings(), pipeline.night_clock(now)
    run = runs.begin_run(db, flow="replay", night_at=now, started_at=datetime.now(UTC), settings={})
    db.save(
        "articles",
        [
            {
                "article_id": article.id,
                "url": article.url,
                "canonical_url": article.canonical_url,
                "title": article.title,
                "text": article.text,
                "language": article.language,
                "language_source": "feed",
                "author": None,
                "outlet": article.outlet,
                "published_at": article.published_at,
                "date_quality": article.date_quality.value,
                "text_source": "feed_summary",
                "paywall_marker": None,
                "word_count": len(article.text.split()),
                "first_seen_at": now,
                "changed_at": now,
                "extracted_at": now,
                "run_id": run.id,
            }
            for article in new.articles
        ],
    )
    if new.articles:
        ids = [article.id for article in new.articles]
        store_articles.save_embeddings(db, run, new.model, ids, new.vectors, new.title_vectors)
    model, window, topics = new.model, settings.stories.window_days, settings.topics
    known: dict[str, Callable[[], Count]] = {
        "link_articles": lambda: pipeline.link_articles(db, run, settings.linker(), model, window),
        "group_stories": lambda: pipeline.group_stories(db, run, settings.clusterer(), [], model, window),
        "group_topics": lambda: pipeline.group_topics(db, run, model, topics.window_days, topics.min_stories),
    }
    seconds, cpu = {}, {}
    for name in steps:
        started, before = time.perf_counter(), time.process_time()
        pipeline.run_step(db, run, clock, name, known[name])
        seconds[name], cpu[name] = time.perf_counter() - started, time.process_time() - before
    runs.finish_run(db, run, finished_at=clock())
    placed = {row["story_id"]: row["topic_id"] for row in db.rows("SELECT story_id, topic_id FROM current_stories")}
    return Night(articles=len(new.articles), seconds=seconds, cpu=cpu, topics=placed)


def stories_of(db: Database) -> dict[str, str]:
    """Return the story of each article."""
    rows = db.rows("SELECT article_id, story_id FROM story_articles WHERE left_at IS NULL")
    return {row["article_id"]: row["story_id"] for row in rows}


def opened(folder: Path, name: str) -> Database:
    db = Database(folder / f"{name}.duckdb")
    db.execute("SET enable_progress_bar = false")
    return db


def agreement(
    stream: Stream, nights: Sequence[tuple[datetime, list[int]]], folder: Path, name: str
) -> tuple[float, float]:
    """Return (pairwise F1, B-cubed F1) of grouping these nights one by one against grouping them all at once."""
    places = [place for _, chosen in nights for place in chosen]
    with opened(folder, f"{name}-by-night") as db:
        for night, chosen in nights:
            live(db, night, stream.part(chosen))
        by_night = stories_of(db)
    with opened(folder, f"{name}-at-once") as db:
        live(db, nights[-1][0], stream.part(places))
        at_once = stories_of(db)
    ids = [stream.articles[place].id for place in places]
    found, gold = [by_night[i] for i in ids], [at_once[i] for i in ids]
    return pairwise(found, gold).f1, b_cubed(found, gold).f1


def stability(nights: Sequence[Night]) -> list[float]:
    """Return for each night but the first the share of the stories that lived before whose topic is the same."""
    kept = []
    for before, after in itertools.pairwise(nights):
        both = before.topics.keys() & after.topics.keys()
        if both:
            kept.append(sum(before.topics[story] == after.topics[story] for story in both) / len(both))
    return kept


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure that docs/benchmarks.md quotes of a replay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--vectors", type=Path, metavar="FOLDER")
    parser.add_argument("--nights", type=int, help="only so many, from the first")
    parser.add_argument("--stretches", type=int, default=STRETCHES)
    given = parser.parse_args(arguments)

    stream = with_vectors(read_articles(given.data), SentenceTransformerEmbedder(), given.vectors)
    nights = list(nights_of(stream).items())[: given.nights]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with opened(folder, "replay") as db:
            lived = [live(db, night, stream.part(places)) for night, places in nights]
            _print_replay(lived, db)
        if given.stretches:
            free = max(0, len(nights) - STRETCH_DAYS)
            starts = sorted({round(n * free / max(1, given.stretches - 1)) for n in range(given.stretches)})
            _print_agreement(
                [agreement(stream, nights[s : s + STRETCH_DAYS], folder, str(s)) for s in starts],
            )


def _print_replay(lived: Sequence[Night], db: Database) -> None:
    total = sum(night.total for night in lived)
    print(f"{len(lived)} nights, {sum(night.articles for night in lived)} articles: {total:.0f} s (goal {GOAL_S} s)")
    for step in STEPS:
        seconds, cpu = sum(night.seconds[step] for night in lived), sum(night.cpu[step] for night in lived)
        print(f"  {step:15}{seconds:8.1f} s, {cpu:.1f} s of CPU")
    worst = max(lived, key=lambda night: night.total)
    print(f"a night: median {statistics.median(night.total for night in lived):.2f} s, "
          f"worst {worst.total:.2f} s with {worst.articles} articles")  # fmt: skip
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak_gb:.2f} GB (goal {GOAL_MEMORY_GB} GB)")
    sizes = Counter(stories_of(db).values()).values()
    links = db.rows("SELECT count(*) AS n FROM links")[0]["n"]
    print(
        f"{links} links; {len(sizes)} stories, {sum(n > 1 for n in sizes)} of several articles, largest {max(sizes)}"
    )
    events = db.rows("SELECT event, count(*) AS n FROM story_events GROUP BY event ORDER BY n DESC, event")
    print("events: " + ", ".join(f"{row['event']} {row['n']}" for row in events))
    if kept := stability(lived)[-LAST_NIGHTS:]:
        print(f"stories that keep their topic from one night to the next: mean of the last {len(kept)} nights "
              f"{statistics.mean(kept):.3f} (goal {GOAL_STABILITY}), worst {min(kept):.3f}")  # fmt: skip


def _print_agreement(found: Sequence[tuple[float, float]]) -> None:
    print(f"{STRETCH_DAYS} days night by night against at once, {len(found)} stretches:")
    for name, values in zip(("pairwise F1", "B-cubed F1"), zip(*found, strict=True), strict=True):
        print(f"  {name}: mean {statistics.mean(values):.3f}, worst {min(values):.3f}")
    worst = min(b for _, b in found)
    said = "within" if worst >= 1 - TOLERANCE else "NOT within"
    print(f"  {said} the tolerance: B-cubed F1 {1 - TOLERANCE:.2f} in every stretch")


if __name__ == "__main__":
    main()
