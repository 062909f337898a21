"""Two texts -> whether one is a copy of the other, how sure, and the reason in words.

The rule was found on 3,757 pairs of articles labelled by reading and by construction (docs/experiments.md).
"""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from newsclust.duplicates.outlet_boilerplate import core_of
from newsclust.model import Article, DuplicateMethod
from newsclust.text.tokens import SHINGLE_WORDS, Tokens, shingles_of, tokenize

SHORT, MIDDLE = 30, 60  # words; shorter texts are copies only when all of them agrees
NEAR, NEAR_SURE = 0.8, 0.9  # Jaccard of the runs of words
INSIDE, LEAD_INSIDE = 0.82, 0.9  # share of the shorter text's runs that the longer has
# So much less is enough between two outlets: what texts of one outlet share is often its background and its forms;
# what texts of two share, and is no quotation, is copy. Chosen on half the pairs: those of two outlets that are none
# end at .72, one was joined by way of a third text at .77, and edited wire texts begin at .80. On 404 articles that
# chose nothing, the 3 more that it calls are copies.
BETWEEN_OUTLETS = 0.04
LEAD_WORDS = 40  # where the longer text begins to be no lead
UNBROKEN = 20  # words in a row that a text and its abridgement have in common, at least
ROUND_UP = 3  # a text so many times as long that holds the other may be a round-up
LONGER = 1.3  # and one that is not so much longer is no full text of the other's lead
TITLES_AGREE, TITLES_LIKE = 0.5, 0.4  # Jaccard of the titles' words
OWN_TITLE = 8  # words of a title that no series repeats
A_FEW_WORDS = 12
SERIES_DAYS = 3
UNLIKE = 0.1  # share of common runs under which two long texts under other titles are two pages

_DIGIT = re.compile(r"\d")
_CALENDAR = frozenset(
    "january february march april may june july august september october november december "  # noqa: SIM905
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre "
    "monday tuesday wednesday thursday friday saturday sunday "
    "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is compared of one article; `core` are its words without its outlet's furniture."""

    article: Article
    words: Tokens
    core: Tokens
    runs: frozenset[str]  # of the core
    title: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One text is a copy of the other; `similarity` is the measure that the method names."""

    method: DuplicateMethod
    similarity: float
    evidence: str


def text_of(article: Article, furniture: Collection[int]) -> Text:
    """Return what is compared of an article."""
    core = core_of(article, furniture)
    return Text(
        article=article,
        words=tokenize(article.text),
        core=core,
        runs=shingles_of(core),
        title=tokenize(article.title),
    )


def compare(one: Text, other: Text, *, jaccard: float = NEAR, containment: float = INSIDE) -> Verdict | None:
    """Return why one text is a copy of the other, None when it is not; the order of the two changes nothing."""
    short, long = sorted((one, other), key=lambda text: (len(text.core), text.article.id))
    if not short.core:
        return _furniture_alone(short, long)
    if short.core == long.core:
        return _equal(short, long)
    if len(short.core) < SHORT:
        return None
    return _near(short, long, jaccard) or _contained(short, long, containment)


def _furniture_alone(one: Text, other: Text) -> Verdict | None:
    """Judge a text that has nothing of its own: "Subscribe to read" is no copy of "Subscribe to read"."""
    if one.words and one.words == other.words and one.title == other.title and _days(one, other) < 1:
        said = f"the same title on one day and the same {_counted(len(one.words))}"
        return Verdict(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
    return None


def _equal(one: Text, other: Text) -> Verdict | None:
    count = len(one.core)
    if count >= MIDDLE or (count >= SHORT and not _is_series(one, other)):
        return Verdict(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=f"the same {_counted(count)}")
    days = _days(one, other)
    if one.title and one.title == other.title:
        if one.article.outlet != other.article.outlet or len(one.title) >= OWN_TITLE or days < 1:
            said = f"the same title and the same {_counted(count)}"
            return Verdict(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
        return None
    if (
        count >= A_FEW_WORDS
        and days <= SERIES_DAYS
        and _titles(one, other) >= TITLES_AGREE
        and not _clash(one, other)
    ):
        said = f"titles alike and the same {_counted(count)}"
        return Verdict(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=said)
    return None


def _near(short: Text, long: Text, least: float) -> Verdict | None:
    common, either = len(short.runs & long.runs), len(short.runs | long.runs)
    similarity = common / either
    series, titles = _is_series(short, long), _titles(short, long)
    enough = len(short.core) >= MIDDLE
    agree = titles >= TITLES_AGREE and not _clash(short, long)
    alike = titles >= TITLES_LIKE and _days(short, long) <= 1
    sure = similarity >= max(least, NEAR_SURE) and (enough or not series)
    if not sure and not (similarity >= least and not series and (enough or agree or alike)):
        return None
    said = f"{common} of {either} three-word runs in common"
    return Verdict(method=DuplicateMethod.NEAR_TEXT, similarity=similarity, evidence=said)


def _contained(short: Text, long: Text, least: float) -> Verdict | None:
    """Judge whether the long text holds the short one: a feed's summary, a paywalled beginning, an abridgement."""
    common = len(short.runs & long.runs)
    similarity = common / len(short.runs)
    enough = len(short.core) >= MIDDLE
    least -= BETWEEN_OUTLETS * (short.article.outlet != long.article.outlet)
    if similarity < (least if enough else max(least, LEAD_INSIDE)) or _is_series(short, long):
        return None
    unbroken, in_short, in_long = longest_common_run(short.core, long.core)
    if unbroken < UNBROKEN:
        return None
    times = len(long.core) / len(short.core)
    is_lead = in_short <= LEAD_WORDS // 2 and in_long <= LEAD_WORDS
    agree = _titles(short, long) >= TITLES_AGREE and not _clash(short, long)
    if is_lead and similarity >= max(least, LEAD_INSIDE) and times >= LONGER:
        where = "at the beginning of the other"
    elif enough and (times <= ROUND_UP or agree):
        where = "in the other"
    else:  # deep inside a text over three times as long: a round-up
        return None
    said = f"{common} of its {len(short.runs)} three-word runs stand {where}, {_counted(unbroken)} in a row"
    return Verdict(method=DuplicateMethod.CONTAINED, similarity=similarity, evidence=said)


def unlike(one: Text, other: Text) -> bool:
    """Tell whether two texts are too different to be two states of one page, whatever address both name.

    A broken template gives every page the canonical address of the front page or of a section.
    """
    if min(len(one.core), len(other.core)) < MIDDLE or one.title == other.title:
        return False
    common = len(one.runs & other.runs) / max(1, min(len(one.runs), len(other.runs)))
    return common < UNLIKE and _titles(one, other) < TITLES_LIKE


def longest_common_run(one: Tokens, other: Tokens) -> tuple[int, int, int]:
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


def _titles(one: Text, other: Text) -> float:
    """Return the Jaccard overlap of the titles' words."""
    a, b = set(one.title), set(other.title)
    return len(a & b) / len(a | b) if a and b else 0.0


def _clash(one: Text, other: Text) -> bool:
    """Tell whether each title has a number, month or weekday that the other lacks: two of a series."""
    a, b = ({word for word in text.title if _DIGIT.search(word) or word in _CALENDAR} for text in (one, other))
    return bool(a - b) and bool(b - a)


def _is_series(one: Text, other: Text) -> bool:
    return one.article.outlet == other.article.outlet and _clash(one, other)


def _days(one: Text, other: Text) -> int:
    """Return how many days of the calendar (UTC) lie between the two."""
    return abs((one.article.published_at.date() - other.article.published_at.date()).days)


def _counted(words: int) -> str:
    return f"{words} word" if words == 1 else f"{words} words"
