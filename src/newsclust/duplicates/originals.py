"""Candidate pairs -> which article is the original, and which ones repeat it."""

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
    prepare,
)
from newsclust.model import Article, DateQuality, Duplicate, DuplicateMethod


def find_duplicates(
    fresh: Sequence[Article],
    archive: Sequence[Article],
    pairs: Iterable[tuple[str, str]],
    known: Mapping[str, str],
    *,
    furniture: Collection[int] = frozenset(),
    no_copies: Collection[str] = frozenset(),
    jaccard: float = NEAR_JACCARD,
    containment: float = CONTAINMENT,
) -> list[Duplicate]:
    """The fresh articles that repeat another one, each with the original it repeats, sorted by id.

    `pairs` are the candidates by id, in either order; `known` names the original of each duplicate decided
    earlier; `furniture` are the keys of the outlets' heads and tails that count for nothing; `no_copies` are
    articles that a person has said to be copies of none. What stands in the archive is decided: there an article
    is an original unless `known` says otherwise. Originals last, so an archived one, or one that `known` names,
    never becomes a duplicate; a copy that would have been the better original says so in `better`. Fresh
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
    candidates = _candidates_by_article(pairs, articles)
    precedence = partial(_original_rank, {article.url for article in articles.values()})
    archived = {article.id for article in archive}
    originals = (archived | (set(known.values()) & articles.keys())) - known.keys()
    originals |= set(no_copies) & articles.keys()
    original_of = {article_id: original for article_id, original in known.items() if article_id in archived}

    @cache
    def text(article_id: str) -> PreparedText:
        return prepare(articles[article_id], furniture)

    def match(article: Article, original: Article) -> Duplicate | None:
        verdict: TextMatch | None
        if (address := _shared_address(article, original)) and not are_different_pages(
            text(article.id), text(original.id)
        ):
            said = f"both are known as {address}"
            verdict = TextMatch(method=DuplicateMethod.SAME_URL, similarity=1.0, evidence=said)
        else:
            verdict = compare(text(article.id), text(original.id), jaccard=jaccard, containment=containment)
        if verdict is None:
            return None
        return Duplicate(
            article_id=article.id,
            original_id=original.id,
            method=verdict.method,
            similarity=verdict.similarity,
            evidence=verdict.evidence,
            better=_better_original_reason(article, original),
        )

    found: list[Duplicate] = []
    undecided = [article for article in fresh if article.id not in originals]
    for article in sorted(undecided, key=precedence):
        near = candidates[article.id]
        proposed = (near | {original_of[other] for other in near & original_of.keys()}) & originals
        in_order = sorted(proposed, key=lambda other: (other not in archived, precedence(articles[other])))
        duplicate = next(filter(None, (match(article, articles[other]) for other in in_order)), None)
        if duplicate is None:
            originals.add(article.id)
        else:
            original_of[article.id] = duplicate.original_id
            found.append(duplicate)
    return sorted(found, key=lambda duplicate: duplicate.article_id)


def _candidates_by_article(pairs: Iterable[tuple[str, str]], articles: Mapping[str, Article]) -> dict[str, set[str]]:
    """Of each article the others it is paired with."""
    candidates: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        if one not in articles or other not in articles:
            raise ValueError(f"the pair {one}, {other} names an article that is not given")
        if one != other:
            candidates[one].add(other)
            candidates[other].add(one)
    return candidates


def _original_rank(stands: Collection[str], article: Article) -> tuple[bool, bool, datetime, int, int, str]:
    """Sort the original first.

    One whose link only leads to where another article `stands` comes after that one, since such a link may come with
    any date. Then a date to rely on, the earlier one, the longer text, the preferred feed, the id.
    """
    doubtful = article.date_quality in {DateQuality.MISSING, DateQuality.FUTURE}
    led_away = article.canonical_url != article.url and article.canonical_url in stands
    return led_away, doubtful, article.published_at, -len(article.text), -article.priority, article.id


def _better_original_reason(article: Article, original: Article) -> str:
    """Return why a copy would have been the better original, had it come in time; "" when it would not."""
    ours, theirs = (_original_rank({article.url, original.url}, one) for one in (article, original))
    if ours >= theirs:
        return ""
    if ours[0] != theirs[0]:
        return "it stands where the other only leads to"
    if ours[1] != theirs[1]:
        return "its date can be relied on"
    if ours[2] != theirs[2]:
        return f"published earlier, at {article.published_at:%Y-%m-%d %H:%M}"
    if ours[3] != theirs[3]:
        return f"a fuller text, of {len(article.text)} characters for {len(original.text)}"
    return "its feed is preferred" if ours[4] != theirs[4] else ""


def _shared_address(article: Article, original: Article) -> str | None:
    """The address by which both are known; not a site's root, which broken templates give to every page."""
    shared = {article.url, article.canonical_url} & {original.url, original.canonical_url}
    return min(filter(has_path_or_query, shared), default=None)
