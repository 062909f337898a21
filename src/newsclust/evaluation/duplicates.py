"""How well copies are found: the pipeline's own stages on labelled pairs, beside the simple rules.

Every method sees all articles of a set; whether two of them are the same is then asked of the labelled pairs.
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
from newsclust.evaluation.confusion import Mistake, Row, Said, mistakes_of, rows_of
from newsclust.evaluation.pairs import LabelledPair, Pair, PairSet
from newsclust.model import Article, Duplicate, Fingerprint
from newsclust.settings import DuplicateSettings
from newsclust.text.tokens import shingles_of, tokenize

OURS, BY_NIGHT = "newsclust", "by night"
SAME, NEAR, CONTAINED = "same text", "near text", "one far longer"  # how alike two copies are
# As many articles of one key are proposed, and as many candidates of one article compared, as by the store.
HOLDERS, CANDIDATES = 64, 16
PERMUTATIONS, SIMILAR = 128, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the articles of one set; a chain is a copy whose original is itself one."""

    set: str
    way: str
    articles: int
    copies: int
    originals: int
    chains: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out: rows of each set with the methods side by side, its two outcomes, and our mistakes."""

    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    mistakes: tuple[Mistake, ...]


def evaluate(sets: Sequence[PairSet], settings: DuplicateSettings) -> Evaluation:
    """Return how well copies are found in each set, by the stages with these settings and by the simple rules."""
    rows: list[Row] = []
    outcomes: list[Outcome] = []
    mistakes: list[Mistake] = []
    for given in sets:
        prints = fingerprint(list(given.articles.values()))
        ours = {OURS: at_once(given, prints, settings), BY_NIGHT: by_night(given, prints, settings)}
        called = {way: found.called for way, found in ours.items()} | _by_rules(given)
        rows += rows_of(given, called, [partial(_sameness, given), _kind])
        outcomes += [_outcome(given, way, found.duplicates) for way, found in ours.items()]
        for way, found in ours.items():
            mistakes += mistakes_of(given, way, found.called, found.said)
    return Evaluation(rows=tuple(rows), outcomes=tuple(outcomes), mistakes=tuple(mistakes))


def evaluate_derived(given: PairSet, embedder: Embedder) -> Evaluation:
    """Return how well rewritten and translated articles are told from independent reports, pair by pair."""
    pairs = [(given.articles[one], given.articles[other]) for one, other in (pair.ids for pair in given.pairs)]
    derivations = {(one.article_a, one.article_b): one for one in compare_pairs(pairs, embedder)}
    called = {pair for pair, derivation in derivations.items() if derivation.is_rewrite}
    said = {
        pair: Said(method=one.method.value, similarity=one.score, evidence=one.evidence)
        for pair, one in derivations.items()
    }
    return Evaluation(
        rows=tuple(rows_of(given, {OURS: called} | _by_rules(given), [_kind])),
        outcomes=(),
        mistakes=tuple(mistakes_of(given, OURS, called, said)),
    )


# ---------------------------------------------------------------- ours


def candidate_pairs(fresh: Sequence[Fingerprint], holders: Mapping[int, Collection[str]]) -> set[Pair]:
    """Return the pairs that are compared, each in order: a fresh article, and another that shares a key with it.

    `holders` are the originals that earlier nights know by each key. What the store answers (store/copies.py): of one
    key at most HOLDERS by id, of one article at most CANDIDATES, those that share most and rarest keys first.
    """
    holding = {key: set(holders.get(key, ())) for one in fresh for key in one.keys}
    for one in fresh:
        for key in one.keys:
            holding[key].add(one.article_id)
    first = {key: sorted(names)[:HOLDERS] for key, names in holding.items()}
    weight = {key: 1_000_000 // len(names) for key, names in holding.items()}
    found: set[Pair] = set()
    for one in fresh:
        shared: Counter[str] = Counter()
        for key in one.keys:
            shared.update(dict.fromkeys(first[key], weight[key]))
        del shared[one.article_id]
        nearest = sorted(shared, key=lambda name: (-shared[name], name))[:CANDIDATES]
        found |= {_in_order(one.article_id, name) for name in nearest}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The labelled pairs that are called copies, what is said of labelled pairs, and the copies of the whole set."""

    called: Collection[Pair]
    said: Mapping[Pair, Said]
    duplicates: Sequence[Duplicate]


def at_once(given: PairSet, prints: Sequence[Fingerprint], settings: DuplicateSettings) -> Found:
    """Return what is found when all articles come in one night, each pair by the verdict on it."""
    articles = list(given.articles.values())
    boilerplate = _Boilerplate()
    boilerplate.learn(articles)
    candidates = candidate_pairs(prints, {})

    @cache
    def text(article_id: str) -> PreparedText:
        return prepare(given.articles[article_id], boilerplate.keys)

    def said_of(pair: Pair) -> Said:
        if pair not in candidates:
            return Said(evidence="not compared: no key in common")
        one, other = map(text, pair)
        verdict = compare(one, other, jaccard=settings.jaccard, containment=settings.containment)
        if verdict is None:
            return Said(evidence="compared")
        return Said(method=verdict.method.value, similarity=verdict.similarity, evidence=verdict.evidence)

    said = {pair.ids: said_of(pair.ids) for pair in given.pairs}
    return Found(
        called={pair for pair, one in said.items() if one.method},
        said=said,
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


def by_night(given: PairSet, prints: Sequence[Fingerprint], settings: DuplicateSettings) -> Found:
    """Return what is found when every day is a night that knows of the days before it alone, as in the pipeline.

    A pair is called when both end under one original: there are no chains, so that two copies which are each nearest
    to another original are not.
    """
    print_of = {one.article_id: one for one in prints}
    boilerplate = _Boilerplate()
    holders: dict[int, set[str]] = defaultdict(set)
    copies: dict[str, Duplicate] = {}
    in_time = sorted(given.articles.values(), key=lambda article: (article.published_at, article.id))
    for _, tonight in groupby(in_time, key=lambda article: article.published_at.date()):
        fresh = list(tonight)
        boilerplate.learn(fresh)
        candidates = candidate_pairs([print_of[article.id] for article in fresh], holders)
        earlier = {name for pair in candidates for name in pair} - {article.id for article in fresh}
        found = find_duplicates(
            fresh,
            [given.articles[name] for name in sorted(earlier)],
            candidates,
            {},  # of copies: what holds a key is an original
            boilerplate=boilerplate.keys,
            jaccard=settings.jaccard,
            containment=settings.containment,
        )
        copies.update((duplicate.article_id, duplicate) for duplicate in found)
        for article in fresh:
            for key in print_of[article.id].keys:
                holders[key].add(_original(article.id, copies))
    called = {pair.ids for pair in given.pairs if len({_original(name, copies) for name in pair.ids}) == 1}
    return Found(
        called=called,
        said={pair.ids: _said_of(pair.ids, copies) for pair in given.pairs},
        duplicates=list(copies.values()),
    )


class _Boilerplate:
    """What outlets put around their texts, learned from articles as they come (store/copies.py keeps the same)."""

    def __init__(self) -> None:
        self._seen: dict[int, set[int]] = defaultdict(set)
        self.keys: set[int] = set()

    def learn(self, articles: Sequence[Article]) -> None:
        """Add what these articles teach."""
        for end in edge_blocks(articles):
            self._seen[end.key].add(end.context)
            if len(self._seen[end.key]) >= MIN_CONTEXTS:
                self.keys.add(end.key)


def _original(article_id: str, copies: Mapping[str, Duplicate]) -> str:
    return copies[article_id].original_id if article_id in copies else article_id


def _said_of(pair: Pair, copies: Mapping[str, Duplicate]) -> Said:
    for one, other in (pair, pair[::-1]):
        if one in copies and copies[one].original_id == other:
            found = copies[one]
            return Said(method=found.method.value, similarity=found.similarity, evidence=found.evidence)
    repeats = [f"{name} repeats {copies[name].original_id}" for name in pair if name in copies]
    return Said(evidence=", ".join(repeats) or f"{pair[0]} is an original and so is {pair[1]}")


# ---------------------------------------------------------------- simple rules


def same_title(given: PairSet) -> set[Pair]:
    """Titles of the same words are copies; an article without a title is a copy of none."""
    titles = {article_id: tokenize(article.title) for article_id, article in given.articles.items()}
    return {pair.ids for pair in given.pairs if titles[pair.ids[0]] and titles[pair.ids[0]] == titles[pair.ids[1]]}


def same_address(given: PairSet) -> set[Pair]:
    """Articles of the same true address are copies; on pairs that an address labelled it is right by definition."""
    known = given.addresses
    return {pair.ids for pair in given.pairs if len({known.get(name, name) for name in pair.ids}) == 1}


def plain_minhash(given: PairSet) -> set[Pair]:
    """Texts are copies when .8 of 128 minima over their three-word runs are equal; one without a run is none."""
    import rensa

    names = sorted({name for pair in given.pairs for name in pair.ids})
    runs = [shingles_of(tokenize(given.articles[name].text)) for name in names]
    digests = rensa.RMinHash.digests_from_token_sets(runs, PERMUTATIONS, 1)
    minima = dict(zip(names, np.array(digests, np.uint32), strict=True))
    bare = {name for name, own in zip(names, runs, strict=True) if not own}
    return {
        pair.ids
        for pair in given.pairs
        if bare.isdisjoint(pair.ids) and (minima[pair.ids[0]] == minima[pair.ids[1]]).mean() >= SIMILAR
    }


BASELINES: dict[str, Callable[[PairSet], set[Pair]]] = {
    "exact title": same_title,
    "exact URL": same_address,
    "MinHash": plain_minhash,
}


def _by_rules(given: PairSet) -> dict[str, Collection[Pair]]:
    return {method: rule(given) for method, rule in BASELINES.items()}


def _kind(pair: LabelledPair) -> str:
    return pair.kind


def _sameness(given: PairSet, pair: LabelledPair) -> str:
    """Name how alike two copies are by their words as they stand; one far longer may hold the other."""
    short, long = sorted((tokenize(given.articles[name].text) for name in pair.ids), key=len)
    if short == long:
        return SAME
    return CONTAINED if len(long) >= FULL_TEXT_RATIO * len(short) else NEAR


def _outcome(given: PairSet, way: str, duplicates: Sequence[Duplicate]) -> Outcome:
    copies = {duplicate.article_id for duplicate in duplicates}
    return Outcome(
        set=given.name,
        way=way,
        articles=len(given.articles),
        copies=len(copies),
        originals=len({duplicate.original_id for duplicate in duplicates}),
        chains=sum(duplicate.original_id in copies for duplicate in duplicates),
    )


def _in_order(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)
