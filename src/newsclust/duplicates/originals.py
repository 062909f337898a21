"""Candidate pairs -> which article is the original, and which ones duplicate it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial

from newsclust.duplicates.fingerprints import has_path_or_query
from newsclust.duplicates.similarity import (
    CONTAINMENT,
    NEAR_JACCARD,
    PreparedText,
    TextMatch,
    are_different_pages,
    compare,
    holds_several,
    prepare,
)
from newsclust.model import Article, Duplicate, DuplicateMethod

_Rank = tuple[bool, bool, datetime, datetime, datetime, int, int, str]


def find_duplicates(
    fresh: Sequence[Article],
    archive: Sequence[Article],
    pairs: Iterable[tuple[str, str]],
    known: Mapping[str, str],
    *,
    boilerplate: Collection[int] = frozenset(),
    duplicate_overrides: Collection[str] = frozenset(),
    jaccard: float = NEAR_JACCARD,
    containment: float = CONTAINMENT,
) -> list[Duplicate]:
    """Return the fresh articles that duplicate another one, each with its original, sorted by id.

    `pairs` are the candidates by id, in either order; `known` maps each duplicate decided earlier to its original;
    `boilerplate` holds the keys of the outlets' edge blocks, which are not compared; `duplicate_overrides` are the
    ids of articles that a person has declared to be originals.

    The archive is decided: an article there is an original unless `known` says otherwise. An archived original, or
    one that `known` names, never becomes a duplicate; a duplicate that would have been the better original says so
    in `better_original_reason`. Fresh articles are decided anew: one that is not returned is an original.

    Fresh articles are taken in the order of `_original_rank`, the best original first. Each duplicates the first
    original, archived before fresh, that it matches itself; one that matches none is an original. So there are no
    chains: of A, B, C, where B matches A and C matches only B, B duplicates A, and C is an original. A candidate
    that is a duplicate also proposes its original. A digest, which holds two articles or more, is a duplicate of none
    of them, and none of them is one of it.

    ValueError when an article is given twice, a pair names one that is not given, or `known` holds a chain.
    """
    articles = {article.id: article for article in (*archive, *fresh)}
    if len(articles) != len(archive) + len(fresh):
        raise ValueError("an article is given twice")
    if chained := known.keys() & set(known.values()):
        raise ValueError(f"known duplicates are named as originals: {', '.join(sorted(chained))}")
    candidates = _candidates_by_article(pairs, articles)
    rank = partial(_original_rank, {article.url for article in articles.values()})
    archived = {article.id for article in archive}
    originals = (archived | (set(known.values()) & articles.keys())) - known.keys()
    originals |= set(duplicate_overrides) & articles.keys()
    original_of = {article_id: original for article_id, original in known.items() if article_id in archived}

    @cache
    def text(article_id: str) -> PreparedText:
        return prepare(articles[article_id], boilerplate)

    @cache
    def is_digest(article_id: str) -> bool:
        return holds_several(
            text(article_id), [text(other) for other in sorted(candidates[article_id])], containment=containment
        )

    def match(article: Article, original: Article) -> Duplicate | None:
        texts = text(article.id), text(original.id)
        found: TextMatch | None
        if (address := _shared_address(article, original)) and not are_different_pages(*texts):
            evidence = f"both are known as {address}"
            found = TextMatch(method=DuplicateMethod.SAME_URL, similarity=1.0, evidence=evidence)
        else:
            found = compare(*texts, jaccard=jaccard, containment=containment)
        if found is None or (
            found.method is not DuplicateMethod.SAME_URL and is_digest(article.id) != is_digest(original.id)
        ):
            return None
        return Duplicate(
            article_id=article.id,
            original_id=original.id,
            method=found.method,
            similarity=found.similarity,
            evidence=found.evidence,
            better_original_reason=_better_original_reason(article, original),
        )

    duplicates: list[Duplicate] = []
    undecided = [article for article in fresh if article.id not in originals]
    for article in sorted(undecided, key=rank):
        near = candidates[article.id]
        proposed = (near | {original_of[candidate] for candidate in near & original_of.keys()}) & originals
        in_order = sorted(proposed, key=lambda candidate: (candidate not in archived, rank(articles[candidate])))
        duplicate = next(filter(None, (match(article, articles[candidate]) for candidate in in_order)), None)
        if duplicate is None:
            originals.add(article.id)
        else:
            original_of[article.id] = duplicate.original_id
            duplicates.append(duplicate)
    return sorted(duplicates, key=lambda duplicate: duplicate.article_id)


def _candidates_by_article(pairs: Iterable[tuple[str, str]], articles: Mapping[str, Article]) -> dict[str, set[str]]:
    """Return for each article the articles that it is paired with."""
    candidates: dict[str, set[str]] = defaultdict(set)
    for left, right in pairs:
        if left not in articles or right not in articles:
            raise ValueError(f"the pair {left}, {right} names an article that is not given")
        if left != right:
            candidates[left].add(right)
            candidates[right].add(left)
    return candidates


def _original_rank(urls: Collection[str], article: Article) -> _Rank:
    """Return a sort key that puts the best original first.

    `urls` are the addresses of all compared articles. An article whose canonical URL is another one's address comes
    after that one: such a link may come with any date. Then a reliable date, the earlier date that polls bear out,
    the earlier first sight, the earlier date, the longer text, the preferred feed, the id.
    """
    unreliable_date = not article.date_quality.is_own
    points_elsewhere = article.canonical_url != article.url and article.canonical_url in urls
    return (
        points_elsewhere,
        unreliable_date,
        article.earliest_at,
        article.first_seen_at,
        article.published_at,
        -len(article.text),
        -article.priority,
        article.id,
    )


def _better_original_reason(article: Article, original: Article) -> str:
    """Return why a duplicate would have been the better original, had it come in time; "" when it would not."""
    own, other = (_original_rank({article.url, original.url}, ranked) for ranked in (article, original))
    if own >= other:
        return ""
    if own[0] != other[0]:
        return "it stands where the other only leads to"
    if own[1] != other[1]:
        return "its date can be relied on"
    if own[2:5] != other[2:5]:
        if article.published_at >= original.published_at:
            return f"seen earlier, at {article.first_seen_at:%Y-%m-%d %H:%M}"
        return f"published earlier, at {article.published_at:%Y-%m-%d %H:%M}"
    if own[5] != other[5]:
        return f"a fuller text, of {len(article.text)} characters for {len(original.text)}"
    return "its feed is preferred" if own[6] != other[6] else ""


def _shared_address(article: Article, original: Article) -> str | None:
    """Return the URL by which both are known, None without one; broken templates give a site's root to every page."""
    shared = {article.url, article.canonical_url} & {original.url, original.canonical_url}
    return min(filter(has_path_or_query, shared), default=None)
