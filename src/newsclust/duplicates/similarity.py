"""Two texts -> whether one is a copy of the other, how sure, and the reason in words.

The rule was found on 3,757 pairs of articles labelled by reading and by construction (docs/experiments.md).
"""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from newsclust.duplicates.outlet_boilerplate import body_tokens
from newsclust.model import Article, DuplicateMethod
from newsclust.text.tokens import SHINGLE_WORDS, Tokens, shingles_of, tokenize

SHORT_WORDS, MIDDLE_WORDS = 30, 60  # words; shorter texts are copies only when all of them agrees
NEAR_JACCARD, SURE_JACCARD = 0.8, 0.9  # Jaccard of the runs of words
CONTAINMENT, LEAD_CONTAINMENT = 0.82, 0.9  # share of the shorter text's runs that the longer has
# So much less is enough between two outlets: what texts of one outlet share is often its background and its forms;
# what texts of two share, and is no quotation, is copy. Chosen on half the pairs: those of two outlets that are none
# end at .72, one was joined by way of a third text at .77, and edited wire texts begin at .80. On 404 articles that
# chose nothing, the 3 more that it calls are copies.
OUTLETS_DISCOUNT = 0.04
LEAD_WORDS = 40  # where the longer text begins to be no lead
COMMON_SUBSTRING_WORDS = 20  # words in a row that a text and its abridgement have in common, at least
ROUND_UP_RATIO = 3  # a text so many times as long that holds the other may be a round-up
FULL_TEXT_RATIO = 1.3  # and one that is not so much longer is no full text of the other's lead
SAME_TITLES_JACCARD, SIMILAR_TITLES_JACCARD = 0.5, 0.4  # Jaccard of the titles' words
DISTINCTIVE_TITLE_WORDS = 8  # words of a title that no series repeats
SAME_TEXT_WORDS = 12
SERIES_DAYS = 3
DIFFERENT_PAGES_SHARE = 0.1  # share of common runs under which two long texts under other titles are two pages

_DIGIT = re.compile(r"\d")
_CALENDAR = frozenset(
    "january february march april may june july august september october november december "  # noqa: SIM905
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre "
    "monday tuesday wednesday thursday friday saturday sunday "
    "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """What is compared of one article; `core` are its words without its outlet's furniture."""

    article: Article
    words: Tokens
    core: Tokens
    runs: frozenset[str]  # of the core
    title: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """One text is a copy of the other; `similarity` is the measure that the method names."""

    method: DuplicateMethod
    similarity: float
    evidence: str


def prepare(article: Article, furniture: Collection[int]) -> PreparedText:
    """Return what is compared of an article."""
    core = body_tokens(article, furniture)
    return PreparedText(
        article=article,
        words=tokenize(article.text),
        core=core,
        runs=shingles_of(core),
        title=tokenize(article.title),
    )


def compare(
    one: PreparedText, other: PreparedText, *, jaccard: float = NEAR_JACCARD, containment: float = CONTAINMENT
) -> TextMatch | None:
    """Return why one text is a copy of the other, None when it is not; the order of the two changes nothing."""
    short, long = sorted((one, other), key=lambda text: (len(text.core), text.article.id))
    if not short.core:
        return _match_without_body(short, long)
    if short.core == long.core:
        return _match_equal(short, long)
    if len(short.core) < SHORT_WORDS:
        return None
    return _match_near(short, long, jaccard) or _match_contained(short, long, containment)


def _match_without_body(one: PreparedText, other: PreparedText) -> TextMatch | None:
    """Judge a text that has nothing of its own: "Subscribe to read" is no copy of "Subscribe to read"."""
    if one.words and one.words == other.words and one.title == other.title and _days_apart(one, other) < 1:
        said = f"the same title on one day and the same {_count_of_words(len(one.words))}"
        return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
    return None


def _match_equal(one: PreparedText, other: PreparedText) -> TextMatch | None:
    count = len(one.core)
    if count >= MIDDLE_WORDS or (count >= SHORT_WORDS and not _are_of_a_series(one, other)):
        return TextMatch(
            method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=f"the same {_count_of_words(count)}"
        )
    days = _days_apart(one, other)
    if one.title and one.title == other.title:
        if one.article.outlet != other.article.outlet or len(one.title) >= DISTINCTIVE_TITLE_WORDS or days < 1:
            said = f"the same title and the same {_count_of_words(count)}"
            return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
        return None
    if (
        count >= SAME_TEXT_WORDS
        and days <= SERIES_DAYS
        and _title_jaccard(one, other) >= SAME_TITLES_JACCARD
        and not _titles_clash(one, other)
    ):
        said = f"titles alike and the same {_count_of_words(count)}"
        return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
    return None


def _match_near(short: PreparedText, long: PreparedText, least: float) -> TextMatch | None:
    common, either = len(short.runs & long.runs), len(short.runs | long.runs)
    similarity = common / either
    series, titles = _are_of_a_series(short, long), _title_jaccard(short, long)
    enough = len(short.core) >= MIDDLE_WORDS
    agree = titles >= SAME_TITLES_JACCARD and not _titles_clash(short, long)
    alike = titles >= SIMILAR_TITLES_JACCARD and _days_apart(short, long) <= 1
    sure = similarity >= max(least, SURE_JACCARD) and (enough or not series)
    if not sure and not (similarity >= least and not series and (enough or agree or alike)):
        return None
    said = f"{common} of {either} three-word runs in common"
    return TextMatch(method=DuplicateMethod.NEAR_TEXT, similarity=similarity, evidence=said)


def _match_contained(short: PreparedText, long: PreparedText, least: float) -> TextMatch | None:
    """Judge whether the long text holds the short one: a feed's summary, a paywalled beginning, an abridgement."""
    common = len(short.runs & long.runs)
    similarity = common / len(short.runs)
    enough = len(short.core) >= MIDDLE_WORDS
    least -= OUTLETS_DISCOUNT * (short.article.outlet != long.article.outlet)
    if similarity < (least if enough else max(least, LEAD_CONTAINMENT)) or _are_of_a_series(short, long):
        return None
    unbroken, in_short, in_long = longest_common_substring(short.core, long.core)
    if unbroken < COMMON_SUBSTRING_WORDS:
        return None
    times = len(long.core) / len(short.core)
    is_lead = in_short <= LEAD_WORDS // 2 and in_long <= LEAD_WORDS
    agree = _title_jaccard(short, long) >= SAME_TITLES_JACCARD and not _titles_clash(short, long)
    if is_lead and similarity >= max(least, LEAD_CONTAINMENT) and times >= FULL_TEXT_RATIO:
        where = "at the beginning of the other"
    elif enough and (times <= ROUND_UP_RATIO or agree):
        where = "in the other"
    else:  # deep inside a text over three times as long: a round-up
        return None
    said = f"{common} of its {len(short.runs)} three-word runs stand {where}, {_count_of_words(unbroken)} in a row"
    return TextMatch(method=DuplicateMethod.CONTAINED, similarity=similarity, evidence=said)


def are_different_pages(one: PreparedText, other: PreparedText) -> bool:
    """Tell whether two texts are too different to be two states of one page, whatever address both name.

    A broken template gives every page the canonical address of the front page or of a section.
    """
    if min(len(one.core), len(other.core)) < MIDDLE_WORDS or one.title == other.title:
        return False
    common = len(one.runs & other.runs) / max(1, min(len(one.runs), len(other.runs)))
    return common < DIFFERENT_PAGES_SHARE and _title_jaccard(one, other) < SIMILAR_TITLES_JACCARD


def longest_common_substring(one: Tokens, other: Tokens) -> tuple[int, int, int]:
    """Return (words, start in one, start in the other) of the longest common run; the first of equals.

    It is looked for among common runs of three words, which are rare where words are not: 10,000-word pages
    stay cheap. Shorter common runs than that count as none.
    """
    places = defaultdict(list)
    for place, run in enumerate(zip(*(other[skip:] for skip in range(SHINGLE_WORDS)), strict=False)):
        places[run].append(place)
    best = (0, 0, 0)
    before: dict[int, int] = {}
    for place, run in enumerate(zip(*(one[skip:] for skip in range(SHINGLE_WORDS)), strict=False)):
        now: dict[int, int] = {}
        for there in places.get(run, ()):
            length = now[there] = before.get(there - 1, 0) + 1
            if length + SHINGLE_WORDS - 1 > best[0]:
                best = (length + SHINGLE_WORDS - 1, place - length + 1, there - length + 1)
        before = now
    return best


def _title_jaccard(one: PreparedText, other: PreparedText) -> float:
    """Return the Jaccard overlap of the titles' words."""
    a, b = set(one.title), set(other.title)
    return len(a & b) / len(a | b) if a and b else 0.0


def _titles_clash(one: PreparedText, other: PreparedText) -> bool:
    """Tell whether each title has a number, month or weekday that the other lacks: two of a series."""
    a, b = ({word for word in text.title if _DIGIT.search(word) or word in _CALENDAR} for text in (one, other))
    return bool(a - b) and bool(b - a)


def _are_of_a_series(one: PreparedText, other: PreparedText) -> bool:
    return one.article.outlet == other.article.outlet and _titles_clash(one, other)


def _days_apart(one: PreparedText, other: PreparedText) -> int:
    """Return how many days of the calendar (UTC) lie between the two."""
    return abs((one.article.published_at.date() - other.article.published_at.date()).days)


def _count_of_words(words: int) -> str:
    return f"{words} word" if words == 1 else f"{words} words"
