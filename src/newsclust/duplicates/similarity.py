"""Two texts -> whether one duplicates the other, how similar they are, and the reason in words.

The thresholds were chosen on 3,757 pairs of articles labelled by reading and by construction (docs/experiments.md).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from newsclust.duplicates.outlet_boilerplate import body_tokens
from newsclust.model import Article, DuplicateMethod
from newsclust.text.tokens import SHINGLE_WORDS, Tokens, shingles_of, tokenize

SHORT_WORDS, MIDDLE_WORDS = 30, 60  # shorter texts are duplicates only when all of them agrees
NEAR_JACCARD, SURE_JACCARD = 0.8, 0.9  # Jaccard overlap of the shingles
CONTAINMENT, LEAD_CONTAINMENT = 0.82, 0.9  # share of the shorter text's shingles that the longer has
# Between two outlets the thresholds of containment are lower by this. What texts of one outlet share is often its
# background and its forms; what texts of two outlets share, and is no quotation, is duplicated. Chosen on half the
# pairs: those of two outlets that are none end at .72, one was joined by way of a third text at .77, and edited wire
# texts begin at .80. On 404 articles that chose nothing, the 3 more that it finds are duplicates.
OUTLETS_DISCOUNT = 0.04
LEAD_WORDS = 40  # a common passage that begins later in the longer text is not in its lead
COMMON_SUBSTRING_WORDS = 20  # words in a row that a text and its abridgement have in common, at least
ROUND_UP_RATIO = 3  # a text so many times as long that contains the other may be a round-up
FULL_TEXT_RATIO = 1.3  # a text less than so many times as long is not the full text of the other's lead
SAME_TITLES_JACCARD, SIMILAR_TITLES_JACCARD = 0.5, 0.4  # Jaccard overlap of the titles' words
OWN_TITLE_JACCARD = 0.7  # of a text and its own lead; a digest may be titled by two headlines, half of it each
DISTINCTIVE_TITLE_WORDS = 8  # words of a title that no series repeats
SAME_TEXT_WORDS = 12  # from which equal texts under similar titles are duplicates
SERIES_DAYS = 3
DIFFERENT_PAGES_SHARE = 0.1  # share of common shingles below which two texts under other titles are two pages

_DIGIT = re.compile(r"\d")
_CALENDAR = frozenset(
    "january february march april may june july august september october november december "  # noqa: SIM905
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre "
    "monday tuesday wednesday thursday friday saturday sunday "
    "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """The text of one article, ready to be compared; `body` is without its outlet's boilerplate."""

    article: Article
    tokens: Tokens
    body: Tokens
    shingles: frozenset[str]  # of the body
    title: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """The finding that one text duplicates another; `similarity` is the measure that the method names."""

    method: DuplicateMethod
    similarity: float
    evidence: str


def prepare(article: Article, boilerplate: Collection[int]) -> PreparedText:
    """Return the text of an article ready to be compared, without the blocks whose keys are in `boilerplate`."""
    body = body_tokens(article, boilerplate)
    return PreparedText(
        article=article,
        tokens=tokenize(article.text),
        body=body,
        shingles=shingles_of(body),
        title=tokenize(article.title),
    )


def compare(
    left: PreparedText,
    right: PreparedText,
    *,
    jaccard: float = NEAR_JACCARD,
    containment: float = CONTAINMENT,
) -> TextMatch | None:
    """Return why one text duplicates the other, None when it does not; the order of the two changes nothing."""
    short, long = sorted((left, right), key=lambda text: (len(text.body), text.article.id))
    if not short.body:
        return _match_without_body(short, long)
    if short.body == long.body:
        return _match_equal(short, long)
    if len(short.body) < SHORT_WORDS:
        return None
    return _match_near(short, long, jaccard) or _match_contained(short, long, containment)


def _match_without_body(left: PreparedText, right: PreparedText) -> TextMatch | None:
    """Compare a text that is all boilerplate: "Subscribe to read" is no duplicate of "Subscribe to read"."""
    same = left.tokens == right.tokens and left.title == right.title
    if left.tokens and same and _days_apart(left, right) < 1:
        evidence = f"the same title on one day and the same {_count_of_words(len(left.tokens))}"
        return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=evidence)
    return None


def _match_equal(left: PreparedText, right: PreparedText) -> TextMatch | None:
    """Compare two equal texts: short ones are duplicates only where titles and dates say so, too."""
    count = len(left.body)
    if count >= MIDDLE_WORDS or (count >= SHORT_WORDS and not _are_of_a_series(left, right)):
        return TextMatch(
            method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=f"the same {_count_of_words(count)}"
        )
    days = _days_apart(left, right)
    if left.title and left.title == right.title:
        distinctive = len(left.title) >= DISTINCTIVE_TITLE_WORDS
        if left.article.outlet != right.article.outlet or distinctive or days < 1:
            evidence = f"the same title and the same {_count_of_words(count)}"
            return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=evidence)
        return None
    if (
        count >= SAME_TEXT_WORDS
        and days <= SERIES_DAYS
        and _title_jaccard(left, right) >= SAME_TITLES_JACCARD
        and not _titles_clash(left, right)
    ):
        evidence = f"titles alike and the same {_count_of_words(count)}"
        return TextMatch(method=DuplicateMethod.SAME_TEXT, similarity=1.0, evidence=evidence)
    return None


def _match_near(short: PreparedText, long: PreparedText, threshold: float) -> TextMatch | None:
    """Compare two texts by the Jaccard overlap of their shingles."""
    common, union = len(short.shingles & long.shingles), len(short.shingles | long.shingles)
    similarity = common / union
    series, titles = _are_of_a_series(short, long), _title_jaccard(short, long)
    is_long = len(short.body) >= MIDDLE_WORDS
    same_titles = titles >= SAME_TITLES_JACCARD and not _titles_clash(short, long)
    similar_titles = titles >= SIMILAR_TITLES_JACCARD and _days_apart(short, long) <= 1
    sure = similarity >= max(threshold, SURE_JACCARD) and (is_long or not series)
    if not sure and not (similarity >= threshold and not series and (is_long or same_titles or similar_titles)):
        return None
    evidence = f"{common} of {union} three-word runs in common"
    return TextMatch(method=DuplicateMethod.NEAR_TEXT, similarity=similarity, evidence=evidence)


def _match_contained(short: PreparedText, long: PreparedText, threshold: float) -> TextMatch | None:
    """Tell whether the long text contains the short one: a feed's summary, a paywalled lead, an abridgement."""
    common = len(short.shingles & long.shingles)
    similarity = common / len(short.shingles)
    is_long = len(short.body) >= MIDDLE_WORDS
    threshold -= OUTLETS_DISCOUNT * (short.article.outlet != long.article.outlet)
    needed = threshold if is_long else max(threshold, LEAD_CONTAINMENT)
    if similarity < needed or _are_of_a_series(short, long):
        return None
    in_a_row, start_in_short, start_in_long = longest_common_substring(short.body, long.body)
    if in_a_row < COMMON_SUBSTRING_WORDS:
        return None
    ratio = len(long.body) / len(short.body)
    is_lead = start_in_short <= LEAD_WORDS // 2 and start_in_long <= LEAD_WORDS
    same_titles = _title_jaccard(short, long) >= SAME_TITLES_JACCARD and not _titles_clash(short, long)
    if is_lead and similarity >= max(threshold, LEAD_CONTAINMENT) and ratio >= FULL_TEXT_RATIO:
        where = "at the beginning of the other"
    elif is_long and (ratio <= ROUND_UP_RATIO or same_titles):
        where = "in the other"
    else:  # deep inside a text over three times as long: a round-up
        return None
    evidence = (
        f"{common} of its {len(short.shingles)} three-word runs stand {where}, {_count_of_words(in_a_row)} in a row"
    )
    return TextMatch(method=DuplicateMethod.CONTAINED, similarity=similarity, evidence=evidence)


def are_different_pages(left: PreparedText, right: PreparedText) -> bool:
    """Tell whether two articles are too different to be two states of one page, whatever URL both name.

    A broken template gives every page the canonical URL of the front page, of a section or of its first article. Of
    two headlines without a text the words of the titles decide.
    """
    if left.title == right.title:
        return False
    return _common_share(left, right) < DIFFERENT_PAGES_SHARE and _title_jaccard(left, right) < SIMILAR_TITLES_JACCARD


def holds_several(long: PreparedText, others: Sequence[PreparedText], *, containment: float = CONTAINMENT) -> bool:
    """Tell whether a text holds two whole articles that have nothing in common: a digest, whatever else it says.

    Its own summary or lead, which has its title, is none of them.
    """
    parts: list[PreparedText] = []
    for other in others:
        if (
            SHORT_WORDS <= len(other.body) < len(long.body)
            and _title_jaccard(other, long) < OWN_TITLE_JACCARD
            and len(other.shingles & long.shingles) >= containment * len(other.shingles)
        ):
            if any(_common_share(other, part) < DIFFERENT_PAGES_SHARE for part in parts):
                return True
            parts.append(other)
    return False


def _common_share(left: PreparedText, right: PreparedText) -> float:
    """Return the share of common shingles in the text that has fewer, 0 without any."""
    return len(left.shingles & right.shingles) / max(1, min(len(left.shingles), len(right.shingles)))


def longest_common_substring(left: Tokens, right: Tokens) -> tuple[int, int, int]:
    """Return (tokens, start in left, start in right) of the longest common substring of tokens, the first of equals.

    A shorter common substring than a shingle counts as none. Linear, however often words recur: `left` is read
    through the suffix automaton of `right` (Blumer 1985).
    """
    automaton = _suffix_automaton(right)
    longest = (0, 0, 0)
    state = length = 0
    for end, token in enumerate(left, start=1):
        while state and token not in automaton.following[state]:
            state = automaton.suffix[state]
            length = automaton.longest[state]
        if token in automaton.following[state]:
            state = automaton.following[state][token]
            length += 1
        if length > longest[0] and length >= SHINGLE_WORDS:
            longest = (length, end - length, automaton.first_end[state] - length)
    return longest


@dataclass(frozen=True, slots=True, kw_only=True)
class _SuffixAutomaton:
    """States of the smallest automaton that reads every substring of a text; 0 is the first."""

    following: list[dict[str, int]]  # by token
    suffix: list[int]  # the state of the longest suffix in another state
    longest: list[int]  # tokens of the longest substring of a state
    first_end: list[int]  # where a state's substrings first end


def _suffix_automaton(tokens: Tokens) -> _SuffixAutomaton:
    following: list[dict[str, int]] = [{}]
    suffix, longest, first_end = [-1], [0], [0]

    def add(edges: dict[str, int], link: int, tokens_read: int, end: int) -> int:
        following.append(edges)
        suffix.append(link)
        longest.append(tokens_read)
        first_end.append(end)
        return len(following) - 1

    last = 0
    for end, token in enumerate(tokens, start=1):
        new = add({}, 0, longest[last] + 1, end)
        state, last = last, new
        while state >= 0 and token not in following[state]:
            following[state][token] = new
            state = suffix[state]
        if state < 0:
            continue  # no suffix of what was read has been seen with this token behind it
        target = following[state][token]
        if longest[target] == longest[state] + 1:
            suffix[new] = target
            continue  # the target holds nothing longer than that suffix
        copy = add(dict(following[target]), suffix[target], longest[state] + 1, first_end[target])
        while state >= 0 and following[state].get(token) == target:
            following[state][token] = copy
            state = suffix[state]
        suffix[target] = suffix[new] = copy
    return _SuffixAutomaton(following=following, suffix=suffix, longest=longest, first_end=first_end)


def _title_jaccard(left: PreparedText, right: PreparedText) -> float:
    """Return the Jaccard overlap of the titles' words."""
    a, b = set(left.title), set(right.title)
    return len(a & b) / len(a | b) if a and b else 0.0


def _titles_clash(left: PreparedText, right: PreparedText) -> bool:
    """Tell whether each title has a number, month or weekday that the other lacks: two of a series."""
    a, b = ({word for word in text.title if _DIGIT.search(word) or word in _CALENDAR} for text in (left, right))
    return bool(a - b) and bool(b - a)


def _are_of_a_series(left: PreparedText, right: PreparedText) -> bool:
    """Tell whether two texts of one outlet are two of a series."""
    return left.article.outlet == right.article.outlet and _titles_clash(left, right)


def _days_apart(left: PreparedText, right: PreparedText) -> int:
    """Return how many days of the calendar (UTC) lie between the two."""
    return abs((left.article.published_at.date() - right.article.published_at.date()).days)


def _count_of_words(words: int) -> str:
    """Return a number of words as a phrase."""
    return f"{words} word" if words == 1 else f"{words} words"
