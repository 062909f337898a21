"""Articles that repeat other articles: fingerprints to find candidates, an exact check to decide.

A fingerprint is small and is compared in SQL: two articles are candidates when they share a text hash, a band
key or an address. Whether one repeats the other is then decided on the texts themselves. What is found is the
same text, however it is quoted and spaced, with a little added, cut or corrected. Abridged and rewritten
copies are not: of copies that people recognise the mean 3-gram Jaccard is .30 (Silcock et al., NEWS-COPY).
"""

import hashlib
import re
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

from newsclust.model import Article, DateQuality, Duplicate, DuplicateMethod, Fingerprint

RUN_WORDS = 3  # a shingle is a run of so many words
# A pair of Jaccard .8 shares a band with probability 1 - (1 - .8**6)**20 = .998. Of 2,665 French articles
# that are not short all pairs above .6 did (with 16 x 8 half of those below .7), for 337 candidates, not 299.
BANDS, ROWS = 20, 6
SEED = 20_260_101  # stored band keys are only comparable under one seed, one RUN_WORDS, one ROWS
SHORT_WORDS = 30  # shorter texts are too often what a site says of itself ("Subscribe to read on")
THRESHOLD = 0.8

_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])  # soft hyphens and their like


def fingerprint(articles: Sequence[Article]) -> list[Fingerprint]:
    """One fingerprint an article, in their order; equal everywhere and always for equal normalised texts.

    A band key is the hash of ROWS minima of one MinHash (Broder 1997), computed by rensa. Texts of fewer than
    SHORT_WORDS words have no bands: they are found by their hash alone.
    """
    import rensa

    texts = [_words(article.text) for article in articles]
    runs = [_runs(words) for words in texts]
    minima = rensa.RMinHash.digests_from_token_sets(runs, BANDS * ROWS, SEED)
    return [
        Fingerprint(
            article_id=article.id,
            text_hash=hashlib.sha256(" ".join(words).encode()).hexdigest()[:32],
            shingles=len(own_runs),
            bands=_bands(own_minima) if len(words) >= SHORT_WORDS else (),
        )
        for article, words, own_runs, own_minima in zip(articles, texts, runs, minima, strict=True)
    ]


def find_duplicates(
    fresh: Sequence[Article],
    archive: Sequence[Article],
    pairs: Iterable[tuple[str, str]],
    known: Mapping[str, str],
    *,
    threshold: float = THRESHOLD,
) -> list[Duplicate]:
    """The fresh articles that repeat another one, each with the original it repeats, sorted by id.

    `pairs` are the candidates by id, in either order; `known` names the original of each duplicate decided
    earlier. What stands in the archive is decided: there an article is an original unless `known` says
    otherwise. Originals last, so an archived one, or one that `known` names, never becomes a duplicate. Fresh
    articles are decided anew: one that the answer does not name is an original.

    Fresh articles are taken from the one that most deserves to be the original to the one that least does
    (`_precedence`). Each repeats the first original, archived before fresh, that it matches itself; one that
    matches none is an original. So there are no chains: of A, B, C, where B matches A and C matches only B,
    B repeats A, and C is an original. A candidate that is a duplicate also proposes its original.

    ValueError when an article is given twice, a pair names one that is not given, or `known` holds a chain.
    """
    articles = {article.id: article for article in (*archive, *fresh)}
    if len(articles) != len(archive) + len(fresh):
        raise ValueError("an article is given twice")
    if chained := known.keys() & set(known.values()):
        raise ValueError(f"known duplicates are named as originals: {', '.join(sorted(chained))}")
    candidates = _candidates(pairs, articles)
    archived = {article.id for article in archive}
    originals = (archived | (set(known.values()) & articles.keys())) - known.keys()
    original_of = {article_id: original for article_id, original in known.items() if article_id in archived}

    @cache
    def words(article_id: str) -> tuple[str, ...]:
        return _words(articles[article_id].text)

    @cache
    def runs(article_id: str) -> frozenset[str]:
        return _runs(words(article_id))

    def match(article: Article, original: Article) -> Duplicate | None:
        def duplicate(method: DuplicateMethod, similarity: float, evidence: str) -> Duplicate:
            return Duplicate(
                article_id=article.id,
                original_id=original.id,
                method=method,
                similarity=similarity,
                evidence=evidence,
            )

        if address := _shared_address(article, original):
            return duplicate(DuplicateMethod.SAME_URL, 1.0, f"both are known as {address}")
        length = len(words(article.id))
        if length and words(article.id) == words(original.id):
            if length >= SHORT_WORDS:
                return duplicate(DuplicateMethod.SAME_TEXT, 1.0, f"the same {length} words")
            if _words(article.title) == _words(original.title):
                return duplicate(DuplicateMethod.SAME_TEXT, 1.0, f"the same title and the same {length} words")
            return None
        if min(length, len(words(original.id))) < SHORT_WORDS:
            return None
        common = len(runs(article.id) & runs(original.id))
        either = len(runs(article.id) | runs(original.id))
        if common < threshold * either:
            return None
        evidence = f"{common} of {either} three-word runs in common"
        return duplicate(DuplicateMethod.NEAR_TEXT, common / either, evidence)

    found: list[Duplicate] = []
    undecided = [article for article in fresh if article.id not in originals]
    for article in sorted(undecided, key=_precedence):
        near = candidates[article.id]
        proposed = (near | {original_of[other] for other in near & original_of.keys()}) & originals
        in_order = sorted(proposed, key=lambda other: (other not in archived, _precedence(articles[other])))
        duplicate = next(filter(None, (match(article, articles[other]) for other in in_order)), None)
        if duplicate is None:
            originals.add(article.id)
        else:
            original_of[article.id] = duplicate.original_id
            found.append(duplicate)
    return sorted(found, key=lambda duplicate: duplicate.article_id)


def _candidates(pairs: Iterable[tuple[str, str]], articles: Mapping[str, Article]) -> dict[str, set[str]]:
    """Of each article the others it is paired with."""
    candidates: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        if one not in articles or other not in articles:
            raise ValueError(f"the pair {one}, {other} names an article that is not given")
        if one != other:
            candidates[one].add(other)
            candidates[other].add(one)
    return candidates


def _precedence(article: Article) -> tuple[bool, datetime, int, str]:
    """Sorts the original first: a date to rely on, then the earlier date, the longer text, the smaller id."""
    doubtful = article.date_quality in {DateQuality.MISSING, DateQuality.FUTURE}
    return doubtful, article.published_at, -len(article.text), article.id


def _shared_address(article: Article, original: Article) -> str | None:
    """The address by which both are known; not a site's root, which broken templates give to every page."""
    shared = {article.url, article.canonical_url} & {original.url, original.canonical_url}
    pages = [url for url in shared if urlsplit(url).path.strip("/") or urlsplit(url).query]
    return min(pages, default=None)


def _words(text: str) -> tuple[str, ...]:
    """The text without what copying changes: case, compatibility forms, quotes, dashes, spaces, signs."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()))


def _runs(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(" ".join, zip(*(words[start:] for start in range(RUN_WORDS)), strict=False)))


def _bands(minima: Sequence[int]) -> tuple[int, ...]:
    """One unsigned 64-bit key a band; the band's number is part of it, so that keys need no column of it."""
    return tuple(
        int.from_bytes(
            hashlib.blake2b(
                struct.pack(f"<{ROWS + 1}I", band, *minima[band * ROWS : (band + 1) * ROWS]), digest_size=8
            ).digest(),
            "little",
        )
        for band in range(BANDS)
    )
