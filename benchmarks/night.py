"""Measure what a night costs: `python -m benchmarks.night`, or smaller with `--window 400 --new 50`.

Nights of generated articles, served on loopback, go through the steps of the pipeline without Prefect. The earlier
nights run as well, so that the database is what nights leave behind. How a night grows with the window is measured
by `benchmarks.growth`.
"""

import argparse
import html
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import accumulate, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclust import pipeline
from newsclust.centering import Part, shipped_mean, uncentre
from newsclust.demo import LoopbackServer, Reply
from newsclust.fetch import HttpFetcher
from newsclust.model import Count, Feed, id_of
from newsclust.settings import Settings
from newsclust.store import Database, runs

NEW, WINDOW = 1000, 8000
EARLIER_NIGHTS = 4  # within the five days of the window
LAST_NIGHT = datetime(2026, 3, 10, 22, tzinfo=UTC)
OUTLETS = 40
LISTED_BEFORE = 20  # older articles that a feed still shows
COPIES = 0.03  # the part of the articles that repeat another one word for word
WORDS = 350  # of an article
VOCABULARY = 20_000
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ar", "en", "il")]
HELP_ROUNDS = 7

GOAL_HELP_S, GOAL_NIGHT_S, GOAL_QUIET_S, GOAL_MEMORY_GB = 0.5, 60, 5, 1.5
MODEL_STEP = "embed_articles"  # benchmarks/embedding.py measures the model; vectors here are drawn

# The words that tell a language; most of a text.
ENGLISH = "the of and to in that is for with on as are this from by at have not which more when will they about their"
FRENCH = (
    "le la les des une est dans pour que qui sur avec plus par son ses aux cette mais ont pas nous leur comme entre"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One generated article; its title ends with the code from which its vector is drawn."""

    outlet: int
    slug: str
    title: str
    paragraphs: tuple[str, ...]
    published_at: datetime
    in_feed: bool  # the feed holds the whole text; else its page does

    @property
    def url(self) -> str:
        return f"{_origin(self.outlet)}/{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did; `cpu` is of this process, the loopback server in it and the pages' workers not."""

    name: str
    count: Count
    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The steps of the last two nights, one with new articles and one without, and what they worked on."""

    busy: tuple[Step, ...]
    quiet: tuple[Step, ...]
    links: int
    stories: int
    topics: int
    file_bytes: int
    peak_gb: float


class DrawnVectors:
    """An Embedder that draws a vector from the code in a title: theme, story and article, each with its part.

    A text that ends with its code is a title alone, and gets a vector of its own beside that of the whole.
    """

    name = "multilingual-e5-small/drawn"  # so that the shipped means are taken away, as of the default model's
    dimensions = 384
    _story_part = 0.35  # of what an article does not share with its theme
    _same_part = 0.785  # cosine of an article's title and text

    def __init__(self) -> None:
        variances = 1 / (np.arange(self.dimensions) + 2) ** 0.9
        self._spread = np.sqrt(variances / variances.sum())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._vector(text) for text in texts], np.float32)

    def _vector(self, text: str) -> NDArray[np.float64]:
        code = re.search(r"T(\d+)S(\d+)A(\d+)", text)
        if code is None:
            raise ValueError(f"no code in {text[:80]!r}")
        part = Part.TITLE if code.end() == len(text) else Part.TEXT
        theme, story, article = (
            np.random.default_rng((kind, int(number))) for kind, number in enumerate(code.groups())
        )
        theme_part = theme.uniform(0, 0.5)
        own = np.sqrt(self._story_part) * self._drawn(story) + np.sqrt(1 - self._story_part) * self._drawn(article)
        moved = np.sqrt(theme_part) * self._drawn(theme) + np.sqrt(1 - theme_part) * own
        if part is Part.TITLE:
            moved = self._same_part * moved + np.sqrt(1 - self._same_part**2) * self._drawn(article)
        vector: NDArray[np.float64] = uncentre(moved[None] / np.linalg.norm(moved), shipped_mean(part))[0]
        return vector

    def _drawn(self, rng: np.random.Generator) -> NDArray[np.float64]:
        drawn: NDArray[np.float64] = rng.normal(scale=self._spread)
        return drawn


def written(articles: int, rng: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """(title, paragraphs) of articles in order of time: 60 % tell a story alone, the others in twos to eights.

    One article in three is French. More than half of the words are common ones, the others invented: of the whole
    language by Zipf's law, of the theme, and the names of the story.
    """
    sizes = range(2, 9)
    themes = list(accumulate(1 / (rank + 20) for rank in range(400)))
    placed: list[tuple[float, int, int]] = []
    for story in count():
        alone = rng.random() < 0.8  # of the stories, which makes 60 % of the articles
        size = 1 if alone else rng.choices(sizes, [n**-1.5 for n in sizes])[0]
        theme, start = rng.choices(range(400), cum_weights=themes)[0], rng.uniform(0, articles)
        placed += [(start + rng.expovariate(1) * articles / 20, theme, story) for _ in range(size)]
        if len(placed) >= articles:
            break
    ranks = list(accumulate(1 / (rank + 50) for rank in range(VOCABULARY)))
    told: list[tuple[str, tuple[str, ...]]] = []
    for number, (_, theme, story) in enumerate(sorted(placed)[:articles]):
        common = (ENGLISH if rng.random() < 2 / 3 else FRENCH).split()
        names = [_word(VOCABULARY * 2 + 3 * story + n).capitalize() for n in range(3)]
        subject = [_word(VOCABULARY + 30 * theme + n) for n in range(30)]

        def prose(words: int, common: list[str] = common, known: list[str] = names + subject) -> str:
            rare = (_word(n) for n in rng.choices(range(VOCABULARY), cum_weights=ranks, k=words))
            pick = rng.choices(range(3), (55, 35, 10), k=words)
            return " ".join((rng.choice(common), next(rare), rng.choice(known))[kind] for kind in pick)

        title = f"{prose(3)} {rng.choice(names)} {prose(4)} T{theme}S{story}A{number}"
        paragraphs = tuple(f"{rng.choice(names)} {prose(WORDS // 5)}." for _ in range(5))
        if told and rng.random() < COPIES:
            paragraphs = rng.choice(told)[1]
        told.append((title, paragraphs))
    return told


def _word(number: int) -> str:
    """Return an invented word, another for each number."""
    word = ""
    while number or len(word) < 4:
        number, syllable = divmod(number, len(SYLLABLES))
        word += SYLLABLES[syllable]
    return word


def nights(window: int, new: int) -> list[list[Told]]:
    """Return the earlier nights' articles and, last, the new ones; only half of the latter stand in their feed."""
    rng = random.Random(1)
    stories = iter(written(window + new, rng))
    sizes = [window // EARLIER_NIGHTS + (n < window % EARLIER_NIGHTS) for n in range(EARLIER_NIGHTS)] + [new]
    return [
        [
            Told(
                outlet=(outlet := rng.randrange(OUTLETS)),
                slug=f"{night}/{number}",
                title=title,
                paragraphs=paragraphs,
                published_at=night_at(night) - timedelta(days=rng.random()),
                in_feed=night < EARLIER_NIGHTS or outlet % 2 == 0,
            )
            for number, (title, paragraphs) in zip(range(size), stories, strict=False)
        ]
        for night, size in enumerate(sizes)
    ]


def night_at(night: int) -> datetime:
    return LAST_NIGHT - timedelta(days=EARLIER_NIGHTS - night)


def feeds() -> list[Feed]:
    urls = [f"{_origin(outlet)}/feed.xml" for outlet in range(OUTLETS)]
    return [Feed(id=id_of(url), url=url, title=f"Outlet {n}") for n, url in enumerate(urls)]


def site(tonight: Sequence[Told], before: Sequence[Told]) -> dict[str, Reply]:
    """Return what the outlets serve: feeds of tonight's articles with some of the night before, and the pages."""
    shown: dict[str, Reply] = {}
    for outlet, feed in enumerate(feeds()):
        older = [told for told in before if told.outlet == outlet][-LISTED_BEFORE:]
        items = "".join(_item(told) for told in [*(t for t in tonight if t.outlet == outlet), *older])
        body = (
            '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"<channel><title>{feed.title}</title><link>{_origin(outlet)}/</link>{items}</channel></rss>"
        )
        shown[feed.url] = Reply(body=body.encode(), content_type="application/rss+xml")
    return shown | {told.url: Reply(body=_page(told).encode()) for told in tonight if not told.in_feed}


def live(
    db: Database,
    now: datetime,
    loopback: LoopbackServer,
    embedder: DrawnVectors,
    published: Path,
    left_out: Collection[str] = (),
) -> tuple[Step, ...]:
    """One night, in the order of flows/nightly.py; what each step did, but those left out, and how long it took."""
    db.execute("SET enable_progress_bar = false")  # DuckDB takes a spawned process for a person's session
    clock, settings = pipeline.night_clock(now), Settings()
    run = runs.begin_run(db, flow="benchmark", night_at=now, started_at=datetime.now(UTC), settings={})
    fetcher = HttpFetcher(
        user_agent="newsclust-benchmark",
        host_pause_s=0,
        connect_to=loopback.connect_to,
        ca_file=loopback.ca_file,
        clock=clock,
    )
    model, window = embedder.name, settings.stories.window_days
    topic_days, min_stories = settings.topics.window_days, settings.topics.min_stories
    steps: dict[str, Callable[[], Count]] = {
        "sync_feeds": lambda: pipeline.sync_feeds(db, run, feeds()),
        "fetch_feeds": lambda: pipeline.fetch_feeds(db, run, fetcher),
        "parse_feeds": lambda: pipeline.parse_feeds(db, run, clock),
        "check_feed_anomalies": lambda: pipeline.check_feed_anomalies(db, run),
        "fetch_pages": lambda: pipeline.fetch_pages(db, run, fetcher),
        "extract_articles": lambda: pipeline.extract_articles(db, run, clock, settings.extractor()),
        "find_duplicates": lambda: pipeline.find_duplicates(
            db, run, [], settings.duplicates.jaccard, settings.duplicates.containment
        ),
        MODEL_STEP: lambda: pipeline.embed_articles(
            db, run, embedder, settings.embed.characters, settings.embed_days
        ),
        "link_articles": lambda: pipeline.link_articles(db, run, settings.linker(), model, window),
        "sync_corrections": lambda: pipeline.sync_corrections(db, run, []),
        "group_stories": lambda: pipeline.group_stories(db, run, settings.clusterer(), [], model, window),
        "group_topics": lambda: pipeline.group_topics(db, run, model, topic_days, min_stories),
        "prune": lambda: pipeline.prune(db, run, settings.retention_limits, model),
        "check": lambda: pipeline.check(db),
        "publish": lambda: pipeline.publish(db, published),
    }
    done = []
    for name, work in steps.items():
        if name in left_out:
            continue
        started, cpu = time.perf_counter(), time.process_time()
        number = pipeline.run_step(db, run, clock, name, work)
        seconds = time.perf_counter() - started
        done.append(Step(name=name, count=number, seconds=seconds, cpu=time.process_time() - cpu))
        if name == "check":  # as in the flow: the published copy says that the night came to its end
            runs.finish_run(db, run, finished_at=clock())
    return tuple(done)


def measure(window: int, new: int) -> Measured:
    """Live the earlier nights, the night with new articles, and one more that brings nothing."""
    embedder, told = DrawnVectors(), nights(window, new)
    before: list[Told] = []
    with tempfile.TemporaryDirectory() as folder, LoopbackServer({}) as loopback:
        path, published = Path(folder) / "newsclust.duckdb", Path(folder) / "published.duckdb"
        for night, tonight in enumerate(told):
            loopback.show(site(tonight, before))
            with Database(path, now=night_at(night)) as db:
                busy = live(db, night_at(night), loopback, embedder, published)
            before = tonight
        with Database(path, now=night_at(len(told))) as db:
            quiet = live(db, night_at(len(told) - 1) + timedelta(hours=1), loopback, embedder, published)
            rows = {table: _rows(db, table) for table in ("links", "stories", "topics")}
        size = published.stat().st_size
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measured(
        busy=busy,
        quiet=quiet,
        links=rows["links"],
        stories=rows["stories"],
        topics=rows["topics"],
        file_bytes=size,
        peak_gb=peak_kb / 1e6,
    )


def help_seconds() -> tuple[float, float]:
    """How long `newsclust --help` takes, and its CPU time: medians."""
    program = str(Path(sys.executable).with_name("newsclust"))
    taken, cpu = [], []
    for _ in range(HELP_ROUNDS):
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(time.perf_counter() - started)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken), statistics.median(cpu)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure that docs/benchmarks.md quotes of a night."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--new", type=int, default=NEW, help="new articles of the night")
    parser.add_argument("--window", type=int, default=WINDOW, help="articles of the nights before")
    given = parser.parse_args(arguments)

    seconds, cpu = help_seconds()
    print(f"newsclust --help {seconds:.2f} s (goal {GOAL_HELP_S} s), {cpu:.2f} s of CPU; medians of {HELP_ROUNDS}\n")

    measured = measure(given.window, given.new)
    _print_night(f"{given.new} new articles, {given.window} before", measured.busy, GOAL_NIGHT_S)
    _print_night("nothing new", measured.quiet, GOAL_QUIET_S)
    print(f"peak memory {measured.peak_gb:.2f} GB (goal {GOAL_MEMORY_GB} GB), the pages' workers apart")
    print(
        f"{measured.links} links, {measured.stories} stories, {measured.topics} topics; "
        f"the published file {measured.file_bytes / 1e6:.0f} MB"
    )


def _print_night(title: str, steps: Sequence[Step], goal: float) -> None:
    counted = [step for step in steps if step.name != MODEL_STEP]
    seconds, cpu = sum(step.seconds for step in counted), sum(step.cpu for step in counted)
    print(title)
    print(f"  {'step':18}{'done':>8}{'skipped':>9}{'failed':>8}{'seconds':>9}{'cpu':>7}  share")
    for step in steps:
        share = f"{step.seconds / seconds:6.1%}" if step in counted else "  (vectors are drawn, not computed)"
        number = step.count
        print(
            f"  {step.name:18}{number.done:8}{number.skipped:9}{number.failed:8}"
            f"{step.seconds:9.2f}{step.cpu:7.2f} {share}"
        )
    print(f"  all but the embedding {seconds:.1f} s (goal {goal} s), {cpu:.1f} s of CPU\n")


def _rows(db: Database, table: str) -> int:
    number: int = db.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]
    return number


def _origin(outlet: int) -> str:
    return f"https://outlet{outlet}.example"


def _item(told: Told) -> str:
    whole = "".join(f"<p>{paragraph}</p>" for paragraph in told.paragraphs)
    content = f"<content:encoded>{html.escape(whole)}</content:encoded>" if told.in_feed else ""
    return (
        f"<item><title>{told.title}</title><link>{told.url}</link><guid>{told.url}</guid>"
        f"<pubDate>{format_datetime(told.published_at)}</pubDate>"
        f"<description>{told.paragraphs[0][:150]}</description>{content}</item>"
    )


def _page(told: Told) -> str:
    """Return a page of about 50 kB: the text between a menu, teasers, a script and a footer."""
    menu = "".join(f'<li><a href="/section/{n}">Section {n}</a></li>' for n in range(60))
    teasers = "".join(
        f'<div class="card"><a href="/other/{n}"><h3>Another headline of the site, number {n}</h3></a></div>'
        for n in range(40)
    )
    text = "".join(f"<p>{paragraph}</p>" for paragraph in told.paragraphs)
    script = "window.settings = {" + ", ".join(f'"key{n}": [{n}, "value{n}"]' for n in range(1200)) + "};"
    return (
        f"<!doctype html><html><head><title>{told.title}</title>"
        f'<meta property="article:published_time" content="{told.published_at.isoformat()}">'
        f"<script>{script}</script></head><body>"
        f"<header><nav><ul>{menu}</ul></nav></header><main><article><h1>{told.title}</h1>{text}</article></main>"
        f'<aside class="related">{teasers}</aside><footer><p>Legal notice, contact, cookies.</p></footer>'
        "</body></html>"
    )


if __name__ == "__main__":
    main()
