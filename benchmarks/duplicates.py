"""Measure what duplicate detection costs in a large archive: `python -m benchmarks.duplicates [articles ...]`.

A night of 1,000 new articles goes through the pipeline's own step against archives of 10,000, 100,000 and (if asked
for) 1,000,000 fingerprinted articles in a DuckDB file, and the same fingerprints through datasketch's MinHashLSH
where it is installed (`pip install datasketch`). The texts are made of invented words with the frequencies of a
language (Zipf): four fifths of the archive are new, a tenth repeats one text of a site, a tenth stands in one frame
of 150 words. 300 of the new articles are near duplicates of archived ones. Each measurement has a process of its own,
so that its memory is its own. A million takes about twenty minutes, nearly all of it to make the archive.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from newsclust import pipeline
from newsclust.duplicates import KEY_METHOD, edge_blocks, fingerprint
from newsclust.duplicates.fingerprints import BANDS, MINHASH_SEED, ROWS
from newsclust.model import Article, DateQuality, Run, id_of
from newsclust.store import Database
from newsclust.text.tokens import shingles_of, tokenize

SIZES = (10_000, 100_000)
FRESH, NEAR, AT_ONCE = 1000, 300, 5_000
VOCABULARY = 20_000
LIMIT_MB = 10_000  # where datasketch is stopped
THEN = datetime(2026, 1, 15, tzinfo=UTC)

_NAMES = np.array([f"w{number}" for number in range(VOCABULARY)], dtype=object)
_WEIGHTS = 1 / (np.arange(VOCABULARY) + 3)
_DRAWS = np.random.default_rng(0).choice(VOCABULARY, 1 << 20, p=_WEIGHTS / _WEIGHTS.sum())

Words = NDArray[np.int64]


def main(sizes: list[int]) -> None:
    """Print the costs of each size."""
    for size in sizes:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "archive.duckdb"
            for measure in (build, night):
                _in_a_process(measure, path, size)
        if find_spec("datasketch"):
            _in_a_process(datasketch, Path(), size)


def _in_a_process(measure: Callable[[Path, int], None], path: Path, size: int) -> None:
    process = get_context("spawn").Process(target=measure, args=(path, size))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{measure.__name__} of {size} ended with {process.exitcode}")


def build(path: Path, size: int) -> None:
    """Make the archive, with fingerprints, and say what that took."""
    started, spent = time.process_time(), 0.0
    with Database(path, now=THEN) as db:
        for articles in _archive(size):
            _insert(db, articles, deduplicated_at=THEN)
            begun = time.process_time()
            fingerprints = fingerprint(articles)
            spent += time.process_time() - begun
            given = pa.table(
                {
                    "article_id": [f.article_id for f in fingerprints],
                    "text_hash": [f.text_hash for f in fingerprints],
                    "shingles": [f.shingles for f in fingerprints],
                    "keys": pa.array([f.keys for f in fingerprints], pa.list_(pa.uint64())),
                }
            )
            with db.given("given", given):
                db.execute(
                    "INSERT INTO fingerprints BY NAME SELECT *, $1 AS method, 'r' AS run_id FROM given", [KEY_METHOD]
                )
            ends = edge_blocks(articles)
            known = pa.table(
                {
                    "key": pa.array([end.key for end in ends], pa.uint64()),
                    "context": pa.array([end.context for end in ends], pa.uint64()),
                }
            )
            with db.given("known", known):
                db.execute("INSERT INTO boilerplate_blocks SELECT DISTINCT *, $1::TIMESTAMP, 'r' FROM known", [THEN])
    total = time.process_time() - started
    print(
        f"{size:9,}  archive     made in {total:.0f} s of CPU, {spent / size * 1e6:.0f} us of it a fingerprint; "
        f"the file {path.stat().st_size >> 20} MB",
        flush=True,
    )


def night(path: Path, size: int) -> None:
    """Find the copies among the new articles, and say what that took."""
    articles, originals = _fresh(size)
    now = THEN + timedelta(days=1)
    with Database(path, now=now) as db:
        _insert(db, articles)
        db.rows("SELECT count(*) FROM fingerprints")
        held, began, busy = _memory(), time.perf_counter(), time.process_time()
        run = Run(id="n", flow="benchmark", night_at=now, started_at=now)
        pipeline.find_duplicates(db, run, [], 0.8, 0.82)
        spent, busy = time.perf_counter() - began, time.process_time() - busy
        more = _memory() - held
        found = {row["article_id"]: row["original_id"] for row in db.rows("FROM duplicates")}
    right = sum(found.get(articles[place].id) == original for place, original in originals.items())
    print(
        f"{size:9,}  newsclust   {spent:8.2f} s ({busy:.2f} s of CPU) for the whole step, {more:.0f} MB more; "
        f"{right} of {len(originals)} near duplicates under their original, {len(found)} copies in all",
        flush=True,
    )


def datasketch(_: Path, size: int) -> None:
    """Do what datasketch can do of it, and say what that took."""
    from datasketch import MinHash, MinHashLSH

    of = MinHash(num_perm=BANDS * ROWS, seed=1)

    def sketches(articles: list[Article]) -> list[MinHash]:
        return [MinHash(hashvalues=row, permutations=of.permutations, scheme=of.scheme) for row in _minima(articles)]

    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    held, spent = _memory(), 0.0
    for articles in _archive(size):
        made = sketches(articles)
        begun = time.process_time()
        for article, sketch in zip(articles, made, strict=True):
            index.insert(article.id, sketch, check_duplication=False)
        spent += time.process_time() - begun
        if _memory() > LIMIT_MB:
            print(f"{size:9,}  datasketch  stopped after {len(index.keys):,} articles at {LIMIT_MB} MB", flush=True)
            return
    articles, originals = _fresh(size)
    made = sketches(articles)
    began = time.perf_counter()
    answers = [index.query(sketch) for sketch in made]
    asked = time.perf_counter() - began
    found = sum(original in answers[place] for place, original in originals.items())
    print(
        f"{size:9,}  datasketch  {spent:8.2f} s of CPU to build, each night anew, {_memory() - held:.0f} MB; "
        f"{asked:.2f} s to ask, {sum(map(len, answers))} pairs not checked, {found} of {len(originals)} originals",
        flush=True,
    )


def _minima(articles: list[Article]) -> NDArray[np.uint32]:
    import rensa

    runs = [shingles_of(tokenize(article.text)) for article in articles]
    return np.array(rensa.RMinHash.digests_from_token_sets(runs, BANDS * ROWS, MINHASH_SEED), np.uint32)


def _archive(size: int) -> Iterator[list[Article]]:
    for start in range(0, size, AT_ONCE):
        places = range(start, min(size, start + AT_ONCE))
        yield [_article("archive", place, _words(place), THEN) for place in places]


def _fresh(size: int) -> tuple[list[Article], dict[int, str]]:
    """Return the new articles, and for each near copy (by its place) the id of its original."""
    articles, originals = [], {}
    for place in range(FRESH):
        rng = np.random.default_rng((2, place))
        if place < NEAR:  # every third of a framed text
            original = int(rng.integers(size // 10)) * 10 + (9 if place % 3 == 0 else 1 + place % 7)
            words = _words(original)
            changed = rng.integers(0, len(words), rng.integers(1, len(words) // 33))
            words[changed] = _prose(rng, len(changed))
            originals[place] = id_of("archive", str(original))
        else:
            words = _words(10 * place if place % 20 == 0 else -place)
        articles.append(_article("fresh", place, words, THEN + timedelta(hours=12)))
    return articles, originals


def _words(place: int) -> Words:
    """Return the words of one article of the archive; a negative place is a new text."""
    rng = np.random.default_rng((1, abs(place), place < 0))
    if place % 10 == 0:
        return _DRAWS[:200].copy()
    if place % 10 == 9:
        return np.concatenate([_DRAWS[:150], _prose(rng, int(rng.integers(100, 250)))])
    return _prose(rng, int(rng.integers(150, 550)))


def _prose(rng: np.random.Generator, words: int) -> Words:
    return _DRAWS[rng.integers(0, len(_DRAWS), words)]


def _article(kind: str, place: int, words: Words, at: datetime) -> Article:
    url = f"https://site{place % 50}.example/{kind}/{place}"
    return Article(
        id=id_of(kind, str(place)),
        url=url,
        canonical_url=url,
        title=f"{kind} title number {place}",
        text=_sentences(_NAMES[words].tolist()),
        language="en",
        outlet=f"site{place % 50}.example",
        published_at=at,
        date_quality=DateQuality.GIVEN,
        first_seen_at=at,
    )


def _sentences(words: list[str]) -> str:
    """Return the words as sentences of 18: what stands at the ends of a text is learned by sentences."""
    return " ".join(" ".join(words[start : start + 18]) + "." for start in range(0, len(words), 18))


def _insert(db: Database, articles: list[Article], *, deduplicated_at: datetime | None = None) -> None:
    """Put articles where the extraction would have put them, and the comparison if it is told when."""
    at = articles[0].first_seen_at
    given = pa.table(
        {
            "article_id": [article.id for article in articles],
            "url": [article.url for article in articles],
            "title": [article.title for article in articles],
            "text": [article.text for article in articles],
            "outlet": [article.outlet for article in articles],
        }
    )
    with db.given("given", given):
        db.execute(
            "INSERT INTO articles BY NAME "
            "SELECT *, url AS canonical_url, 'en' AS language, 'text' AS language_source, 'given' AS date_quality, "
            "'feed_content' AS text_source, 300 AS word_count, $1::TIMESTAMP AS published_at, "
            "$1::TIMESTAMP AS first_seen_at, $1::TIMESTAMP AS changed_at, $1::TIMESTAMP AS extracted_at, "
            "$2::TIMESTAMP AS deduplicated_at, 'r' AS run_id FROM given",
            [at, deduplicated_at],
        )


def _memory() -> float:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
