"""What finding duplicates costs and what it finds, on generated texts: `python -m benchmarks.duplicates`.

The texts are runs of invented words with the frequencies of a language (Zipf), so that nothing but the
planted copies repeats. Times are CPU time of one process; compare their ratios, not the machines.
"""

import random
import time
from bisect import bisect
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, combinations

from newsclust.duplicates import THRESHOLD, find_duplicates, fingerprint
from newsclust.model import Article, DateQuality, Fingerprint

ARTICLES, WORDS = 1000, 500
MOMENT = datetime(2026, 1, 15, tzinfo=UTC)
VOCABULARY = 20_000
BANDS_OF_JACCARD = [0.5, 0.6, 0.7, 0.8, 0.9, 1.01]
BOILERPLATE = 150  # words that every page of one site repeats


def main() -> None:
    """Print costs, recall of the candidates, and what was found."""
    rng = random.Random(1)
    weights = list(accumulate(1 / (rank + 3) for rank in range(VOCABULARY)))

    def prose(words: int) -> list[str]:
        return [f"w{index}" for index in rng.choices(range(VOCABULARY), cum_weights=weights, k=words)]

    originals = [prose(WORDS) for _ in range(ARTICLES)]
    edited = []
    for words in originals:
        changes = rng.randint(1, 60)  # each changed word changes three runs
        copy = list(words)
        for place in rng.sample(range(WORDS), changes):
            copy[place] = prose(1)[0]
        edited.append(copy)
    cut = [words[: rng.randint(WORDS // 2, WORDS - 1)] for words in originals]
    frame = prose(BOILERPLATE)
    negatives = [prose(WORDS - BOILERPLATE) + frame for _ in range(ARTICLES)]  # a long frame around new words
    quoting = [prose(WORDS // 2) + words[: WORDS // 2] for words in originals]  # half a text, quoted
    walls = [frame[: rng.randint(5, 25)] for _ in range(ARTICLES)]  # what a paywall says, with other titles

    texts = {
        "original": originals,
        "edited": edited,
        "cut": cut,
        "frame": negatives,
        "quoting": quoting,
        "wall": walls,
    }
    articles = {kind: [_article(kind, n, words) for n, words in enumerate(own)] for kind, own in texts.items()}

    started = time.process_time()
    fingerprint(articles["original"])
    spent = time.process_time() - started
    print(f"fingerprint         {spent / ARTICLES * 1e6:8.0f} us a document of {WORDS} words")

    everything = [article for own in articles.values() for article in own]
    pairs = candidate_pairs(fingerprint(everything))
    started = time.process_time()
    found = find_duplicates(everything, [], pairs, {})
    spent = time.process_time() - started
    print(f"find_duplicates     {spent / len(pairs) * 1e6:8.0f} us a candidate pair ({len(pairs)} pairs)")

    for kind in ("edited", "cut"):
        _print_recall(kind, originals, texts[kind], pairs)

    copied = [
        (f"original-{n}", f"{kind}-{n}")
        for kind in ("edited", "cut")
        for n, words in enumerate(originals)
        if _jaccard(words, texts[kind][n]) >= THRESHOLD
    ]
    original_of = {duplicate.article_id: duplicate.original_id for duplicate in found}
    settled = [pair for pair in copied if len({original_of.get(name, name) for name in pair}) == 1]
    planted = {frozenset(names) for names in zip(*_names(articles, "original", "edited", "cut"), strict=True)}
    false = [pair for pair in found if not any({pair.article_id, pair.original_id} <= family for family in planted)]
    print(f"planted pairs of Jaccard .8 {len(copied)}, under one original {len(settled)}")
    print(f"duplicates {len(found)}, of them false {len(false)} (frames, quotations, walls: 3 x {ARTICLES})")


def candidate_pairs(fingerprints: Sequence[Fingerprint]) -> set[tuple[str, str]]:
    """The pairs that share a text hash or a band key, as the store finds them by a join."""
    holders = defaultdict(set)
    for one in fingerprints:
        for key in (one.text_hash, *one.bands):
            holders[key].add(one.article_id)
    return {pair for names in holders.values() for pair in combinations(sorted(names), 2)}


def _article(kind: str, number: int, words: list[str]) -> Article:
    url = f"https://site.example/{kind}/{number}"
    return Article(
        id=f"{kind}-{number}",
        url=url,
        canonical_url=url,
        title=f"{kind} {number}",
        text=" ".join(words),
        language="en",
        outlet="site.example",
        published_at=MOMENT,
        date_quality=DateQuality.GIVEN,
        first_seen_at=MOMENT,
    )


def _names(articles: dict[str, list[Article]], *kinds: str) -> list[list[str]]:
    return [[article.id for article in articles[kind]] for kind in kinds]


def _print_recall(
    kind: str, originals: list[list[str]], copies: list[list[str]], pairs: set[tuple[str, str]]
) -> None:
    """The part of the planted pairs that became candidates, by their true Jaccard."""
    total, hit = defaultdict(int), defaultdict(int)
    for number, (original, copy) in enumerate(zip(originals, copies, strict=True)):
        band = bisect(BANDS_OF_JACCARD, _jaccard(original, copy)) - 1
        total[band] += 1
        hit[band] += tuple(sorted((f"original-{number}", f"{kind}-{number}"))) in pairs
    for band in sorted(total.keys() - {-1}):
        low, high = BANDS_OF_JACCARD[band], min(1, BANDS_OF_JACCARD[band + 1])
        part = hit[band] / total[band]
        print(f"candidates, {kind:6}  Jaccard {low:.1f}-{high:.1f}: {part:.3f} of {total[band]}")


def _jaccard(one: list[str], other: list[str]) -> float:
    ones, others = (set(zip(words, words[1:], words[2:], strict=False)) for words in (one, other))
    return len(ones & others) / len(ones | others)


if __name__ == "__main__":
    main()
