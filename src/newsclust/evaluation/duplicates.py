"""Evaluation of duplicate detection: the pipeline's own stages on labelled pairs, beside simple rules.

Every method sees all articles of a set; it is then scored on the labelled pairs alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby

import numpy as np

from newsclust.duplicates import MIN_CONTEXTS, edge_blocks, find_duplicates, fingerprint
from newsclust.duplicates.rewrites import compare_pairs
from newsclust.duplicates.similarity import FULL_TEXT_RATIO, PreparedText, compare, prepare
from newsclust.embed import Embedder
from newsclust.evaluation.confusion import ConfusionRow, Mistake, PairCall, confusion_rows, find_mistakes
from newsclust.evaluation.pairs import LabelledPair, Pair, PairSet
from newsclust.model import Article, Duplicate, Fingerprint
from newsclust.settings import DuplicateSettings
from newsclust.text.tokens import shingles_of, tokenize

OURS, NIGHT_BY_NIGHT = "newsclust", "by night"
SAME, NEAR, CONTAINED = "same text", "near text", "one far longer"  # how alike two duplicates are
# As many articles of one key are proposed, and as many candidates of one article compared, as by the store.
MAX_PROPOSED_PER_KEY, MAX_CANDIDATES = 64, 16
PERMUTATIONS, SIMILAR = 128, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCounts:
    """What became of the articles of one set; a chain is a duplicate whose original is itself one."""

    set: str
    way: str
    articles: int
    duplicates: int
    originals: int
    chains: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateEvaluation:
    """The confusion rows of each set with the methods side by side, its duplicate counts, and our mistakes."""

    rows: tuple[ConfusionRow, ...]
    counts: tuple[DuplicateCounts, ...]
    mistakes: tuple[Mistake, ...]


def evaluate(sets: Sequence[PairSet], settings: DuplicateSettings) -> DuplicateEvaluation:
    """Return how well duplicates are found in each set, by the stages with these settings and by the simple rules."""
    rows: list[ConfusionRow] = []
    counts: list[DuplicateCounts] = []
    mistakes: list[Mistake] = []
    for pair_set in sets:
        prints = fingerprint(list(pair_set.articles.values()))
        ours = {
            OURS: in_one_run(pair_set, prints, settings),
            NIGHT_BY_NIGHT: night_by_night(pair_set, prints, settings),
        }
        called = {way: found.called for way, found in ours.items()} | _by_rules(pair_set)
        rows += confusion_rows(pair_set, called, [partial(_likeness, pair_set), _kind])
        counts += [_counts(pair_set, way, found.duplicates) for way, found in ours.items()]
        for way, found in ours.items():
            mistakes += find_mistakes(pair_set, way, found.called, found.calls)
    return DuplicateEvaluation(rows=tuple(rows), counts=tuple(counts), mistakes=tuple(mistakes))


def evaluate_rewrites(pair_set: PairSet, embedder: Embedder) -> DuplicateEvaluation:
    """Return how well rewritten and translated articles are distinguished from independent reports, pair by pair."""
    pairs = [(pair_set.articles[a], pair_set.articles[b]) for a, b in (pair.ids for pair in pair_set.pairs)]
    rewrites = {(rewrite.article_a, rewrite.article_b): rewrite for rewrite in compare_pairs(pairs, embedder)}
    called = {pair for pair, rewrite in rewrites.items() if rewrite.is_rewrite}
    calls = {
        pair: PairCall(method=rewrite.method.value, similarity=rewrite.score, evidence=rewrite.evidence)
        for pair, rewrite in rewrites.items()
    }
    return DuplicateEvaluation(
        rows=tuple(confusion_rows(pair_set, {OURS: called} | _by_rules(pair_set), [_kind])),
        counts=(),
        mistakes=tuple(find_mistakes(pair_set, OURS, called, calls)),
    )


# ---------------------------------------------------------------- ours


def candidate_pairs(fresh: Sequence[Fingerprint], holders: Mapping[int, Collection[str]]) -> set[Pair]:
    """Return the pairs that are compared, each in order: a fresh article, and another that shares a key with it.

    `holders` are the originals that earlier runs stored by each key. As the store answers (store/fingerprints.py): of
    one key at most MAX_PROPOSED_PER_KEY by id, of one article at most MAX_CANDIDATES, those that share the most and
    rarest keys first.
    """
    holding = {key: set(holders.get(key, ())) for each in fresh for key in each.keys}
    for each in fresh:
        for key in each.keys:
            holding[key].add(each.article_id)
    first = {key: sorted(names)[:MAX_PROPOSED_PER_KEY] for key, names in holding.items()}
    weight = {key: 1_000_000 // len(names) for key, names in holding.items()}
    found: set[Pair] = set()
    for each in fresh:
        shared: Counter[str] = Counter()
        for key in each.keys:
            shared.update(dict.fromkeys(first[key], weight[key]))
        del shared[each.article_id]
        nearest = sorted(shared, key=lambda name: (-shared[name], name))[:MAX_CANDIDATES]
        found |= {_in_order(each.article_id, name) for name in nearest}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFindings:
    """The labelled pairs that are called duplicates, the call of each pair, and the duplicates of the whole set."""

    called: Collection[Pair]
    calls: Mapping[Pair, PairCall]
    duplicates: Sequence[Duplicate]


def in_one_run(pair_set: PairSet, prints: Sequence[Fingerprint], settings: DuplicateSettings) -> DuplicateFindings:
    """Return what is found when all articles come in one run, each pair called by its verdict."""
    articles = list(pair_set.articles.values())
    boilerplate = _LearnedBoilerplate()
    boilerplate.learn(articles)
    candidates = candidate_pairs(prints, {})

    @cache
    def text(article_id: str) -> PreparedText:
        return prepare(pair_set.articles[article_id], boilerplate.keys)

    def call(pair: Pair) -> PairCall:
        if pair not in candidates:
            return PairCall(evidence="not compared: no key in common")
        left, right = map(text, pair)
        verdict = compare(left, right, jaccard=settings.jaccard, containment=settings.containment)
        if verdict is None:
            return PairCall(evidence="compared")
        return PairCall(method=verdict.method.value, similarity=verdict.similarity, evidence=verdict.evidence)

    calls = {pair.ids: call(pair.ids) for pair in pair_set.pairs}
    return DuplicateFindings(
        called={pair for pair, its_call in calls.items() if its_call.method},
        calls=calls,
        duplicates=find_duplicates(
            articles,
            [],
            candidates,
            {},
            boilerplate=boilerplate.keys,
            jaccard=settings.jaccard,
            containment=settings.containment,
        ),
    )


def night_by_night(
    pair_set: PairSet, prints: Sequence[Fingerprint], settings: DuplicateSettings
) -> DuplicateFindings:
    """Return what is found when every day is a run that knows only the days before it, as in the pipeline.

    A pair is called when both end under one original. There are no chains, so two duplicates that are nearest to
    different originals are not called.
    """
    print_of = {each.article_id: each for each in prints}
    boilerplate = _LearnedBoilerplate()
    holders: dict[int, set[str]] = defaultdict(set)
    duplicates: dict[str, Duplicate] = {}
    in_time = sorted(pair_set.articles.values(), key=lambda article: (article.published_at, article.id))
    for _, tonight in groupby(in_time, key=lambda article: article.published_at.date()):
        fresh = list(tonight)
        boilerplate.learn(fresh)
        candidates = candidate_pairs([print_of[article.id] for article in fresh], holders)
        earlier = {name for pair in candidates for name in pair} - {article.id for article in fresh}
        found = find_duplicates(
            fresh,
            [pair_set.articles[name] for name in sorted(earlier)],
            candidates,
            {},  # of duplicates: what holds a key is an original
            boilerplate=boilerplate.keys,
            jaccard=settings.jaccard,
            containment=settings.containment,
        )
        duplicates.update((duplicate.article_id, duplicate) for duplicate in found)
        for article in fresh:
            for key in print_of[article.id].keys:
                holders[key].add(_original(article.id, duplicates))
    called = {pair.ids for pair in pair_set.pairs if len({_original(name, duplicates) for name in pair.ids}) == 1}
    return DuplicateFindings(
        called=called,
        calls={pair.ids: _call_of(pair.ids, duplicates) for pair in pair_set.pairs},
        duplicates=list(duplicates.values()),
    )


class _LearnedBoilerplate:
    """Outlet boilerplate learned from articles as they come, as store/fingerprints.py keeps it."""

    def __init__(self) -> None:
        self._seen: dict[int, set[int]] = defaultdict(set)
        self.keys: set[int] = set()

    def learn(self, articles: Sequence[Article]) -> None:
        """Learn the edge blocks of these articles."""
        for block in edge_blocks(articles):
            self._seen[block.key].add(block.context)
            if len(self._seen[block.key]) >= MIN_CONTEXTS:
                self.keys.add(block.key)


def _original(article_id: str, duplicates: Mapping[str, Duplicate]) -> str:
    return duplicates[article_id].original_id if article_id in duplicates else article_id


def _call_of(pair: Pair, duplicates: Mapping[str, Duplicate]) -> PairCall:
    for article_id, original_id in (pair, pair[::-1]):
        if article_id in duplicates and duplicates[article_id].original_id == original_id:
            found = duplicates[article_id]
            return PairCall(method=found.method.value, similarity=found.similarity, evidence=found.evidence)
    repeats = [f"{name} repeats {duplicates[name].original_id}" for name in pair if name in duplicates]
    return PairCall(evidence=", ".join(repeats) or f"{pair[0]} is an original and so is {pair[1]}")


# ---------------------------------------------------------------- simple rules


def same_title(pair_set: PairSet) -> set[Pair]:
    """Call titles of the same words duplicates; an article without a title is a duplicate of none."""
    titles = {article_id: tokenize(article.title) for article_id, article in pair_set.articles.items()}
    return {pair.ids for pair in pair_set.pairs if titles[pair.ids[0]] and titles[pair.ids[0]] == titles[pair.ids[1]]}


def same_url(pair_set: PairSet) -> set[Pair]:
    """Call articles of the same true URL duplicates; on pairs that a URL labelled this is right by definition."""
    known = pair_set.addresses
    return {pair.ids for pair in pair_set.pairs if len({known.get(name, name) for name in pair.ids}) == 1}


def plain_minhash(pair_set: PairSet) -> set[Pair]:
    """Call texts duplicates when .8 of 128 MinHash minima over their three-word shingles are equal."""
    import rensa

    names = sorted({name for pair in pair_set.pairs for name in pair.ids})
    shingles = [shingles_of(tokenize(pair_set.articles[name].text)) for name in names]
    digests = rensa.RMinHash.digests_from_token_sets(shingles, PERMUTATIONS, 1)
    minima = dict(zip(names, np.array(digests, np.uint32), strict=True))
    bare = {name for name, own in zip(names, shingles, strict=True) if not own}
    return {
        pair.ids
        for pair in pair_set.pairs
        if bare.isdisjoint(pair.ids) and (minima[pair.ids[0]] == minima[pair.ids[1]]).mean() >= SIMILAR
    }


BASELINES: dict[str, Callable[[PairSet], set[Pair]]] = {
    "exact title": same_title,
    "exact URL": same_url,
    "MinHash": plain_minhash,
}


def _by_rules(pair_set: PairSet) -> dict[str, Collection[Pair]]:
    return {method: rule(pair_set) for method, rule in BASELINES.items()}


def _kind(pair: LabelledPair) -> str:
    return pair.kind


def _likeness(pair_set: PairSet, pair: LabelledPair) -> str:
    """Return how alike two duplicates are by their words as they stand; one far longer may contain the other."""
    short, long = sorted((tokenize(pair_set.articles[name].text) for name in pair.ids), key=len)
    if short == long:
        return SAME
    return CONTAINED if len(long) >= FULL_TEXT_RATIO * len(short) else NEAR


def _counts(pair_set: PairSet, way: str, duplicates: Sequence[Duplicate]) -> DuplicateCounts:
    duplicate_ids = {duplicate.article_id for duplicate in duplicates}
    return DuplicateCounts(
        set=pair_set.name,
        way=way,
        articles=len(pair_set.articles),
        duplicates=len(duplicate_ids),
        originals=len({duplicate.original_id for duplicate in duplicates}),
        chains=sum(duplicate.original_id in duplicate_ids for duplicate in duplicates),
    )


def _in_order(left: str, right: str) -> Pair:
    return (left, right) if left < right else (right, left)
