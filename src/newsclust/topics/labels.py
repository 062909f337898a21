"""Groups of texts -> the terms that distinguish each group from the others (class-based TF-IDF), and a label."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from newsclust.arrays import Integers

StoryTexts = Sequence[tuple[str, str]]  # a story's articles: language, text
Phrase = tuple[str, ...]

_TERMS_KEPT = 8
_TERMS_OF_A_LABEL = 4
_NAME_WEIGHT = 1.5  # of a proper name over another word that is as distinctive
_NAMES_TOGETHER = 0.5  # share of a word's stories from which the two names it stands in are the term
_WORDS_TOGETHER = 0.75  # the same for other pairs: artificial intelligence
_NEVER_ALONE = 0.75  # share of the rarer name's stories from which it adds nothing to the other: Donald, Trump
_HEADLINE = 0.6  # share of words with a capital from which a sentence is a headline
_SHORTEST_HEADLINE = 4  # words: fewer may be names alone
_RUNNING_TEXT_VOTES = 10  # against 1 where a capital says little
_MAX_VOTES_PER_TEXT = 20
_WORD = re.compile(r"[^\W_](?:[\w’'&+/-]*[^\W_])?")
_CONTRACTION = re.compile(r"(?:n['’]t|['’](?:d|ll|m|re|ve))$", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[.!?:…](?=\s|$)|[;,()«»“”\"|–—\n]|\s-\s")
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)['’]", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?$")
_ENDING = re.compile(r"(?:(?<=\w{3})es?|(?<=\w{2})s|(?<=\wu)x)$")
_ARTICLES = frozenset({"the", "le", "la", "les"})
_STOP_LISTS = {"en": "English", "fr": "French"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTerms:
    """The distinctive terms of a group in each language, and its label: the first few of the main language's."""

    en: tuple[str, ...]
    fr: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _LanguageTerms:
    """The terms of each story in one language, and how they are usually written.

    `shares` has, for each story, the share of its articles that have a term: a story counts once, however many
    articles it has. A term is a tuple of the stems of one or two words.
    """

    shares: Sequence[Mapping[Phrase, float]]
    everywhere: Mapping[Phrase, float]  # their sum
    in_language: Sequence[bool]  # whether the story has an article in this language
    written: Mapping[Phrase, str]
    names: Collection[Phrase]


def label_groups(
    stories: Sequence[StoryTexts], groups: Sequence[Integers], outlets: Collection[str]
) -> list[TopicTerms]:
    """Return the terms of each group of stories, compared with those of all stories.

    Stop words, bare numbers and the names of outlets (titles of feeds, hosts) are no terms.
    """
    phrases = _outlet_phrases(outlets)
    terms = {language: _language_terms(stories, language, phrases) for language in _STOP_LISTS}
    labelled = []
    for group in groups:
        en, fr = (_distinctive_terms(terms[language], group) for language in ("en", "fr"))
        articles = Counter(language for story in group for language, _ in stories[story])
        leading = (fr or en) if articles["fr"] > articles["en"] else (en or fr)
        labelled.append(TopicTerms(en=en, fr=fr, label=", ".join(leading[:_TERMS_OF_A_LABEL]) or "(no words)"))
    return labelled


def _distinctive_terms(terms: _LanguageTerms, group: Integers) -> tuple[str, ...]:
    """Return the most distinctive terms of a group, as they are usually written.

    A term weighs what it adds to the divergence of the group from all stories: its share of the group's stories,
    times the logarithm of how much more frequent it is there (class-based TF-IDF, Grootendorst 2022, with shares
    of stories for counts of words, so that neither one long article nor one big story names a topic). A term of a
    single story is no term of a topic, unless there is nothing else; nor is a name that hardly stands without a
    more frequent one.
    """
    inside, everywhere = _sum(terms.shares[i] for i in group), terms.everywhere
    own, stories = sum(terms.in_language[i] for i in group), sum(terms.in_language)
    holders = Counter(term for i in group for term in terms.shares[i])
    shared = {term for term in inside if holders[term] > 1} or set(inside)

    def weight(term: Phrase) -> float:
        lift = (inside[term] / own) / (everywhere[term] / stories)
        return inside[term] * math.log1p(lift) * (_NAME_WEIGHT if term in terms.names else 1)

    weights: dict[Phrase, float] = {term: weight(term) for term in shared if len(term) == 1}
    for pair in sorted(term for term in shared if len(term) == 2):
        words: list[Phrase] = [(word,) for word in pair]
        together, fewest = (_NAMES_TOGETHER, 2) if pair in terms.names else (_WORDS_TOGETHER, 3)
        if holders[pair] >= fewest and inside[pair] >= together * max(inside.get(word, 0) for word in words):
            weights[pair] = max(weight(pair), *(weights.pop(word, 0) for word in words))
        elif pair in terms.names and all(word in weights for word in words):
            rarer = min(words, key=lambda word: (inside[word], word))
            if inside[pair] >= _NEVER_ALONE * inside[rarer]:
                del weights[rarer]
    chosen: list[Phrase] = []
    for term in sorted(weights, key=lambda term: (-round(weights[term], 9), term)):
        if not any(set(term) & set(other) for other in chosen):
            chosen.append(term)
        if len(chosen) == _TERMS_KEPT:
            break
    return tuple(terms.written[term] for term in chosen)


def _stem(word: str) -> str:
    """Return the word in small letters without the ending that singular and plural differ in (EVs, puces, jeux)."""
    return _ENDING.sub("", word.lower())


def _language_terms(
    stories: Sequence[StoryTexts], language: str, outlets: Mapping[str, Collection[Phrase]]
) -> _LanguageTerms:
    unwanted = _stop_words()
    votes: dict[Phrase, Counter[str]] = defaultdict(Counter)
    shares: list[dict[Phrase, float]] = []
    in_language = []
    for texts in stories:
        own = [text for text_language, text in texts if text_language == language]
        articles_with: Counter[Phrase] = Counter()
        for text in own:
            forms = Counter[tuple[Phrase, str]]()
            for form, vote in _forms(text, unwanted, outlets):
                forms[tuple(map(_stem, form.split(" "))), form] += vote
            articles_with.update({term for term, _ in forms})
            for (term, form), vote in forms.items():
                votes[term][form] += min(vote, _MAX_VOTES_PER_TEXT)
        shares.append({term: count / len(own) for term, count in articles_with.items()})
        in_language.append(bool(own))
    written = {term: min(forms, key=lambda form: (-forms[form], form)) for term, forms in votes.items()}
    return _LanguageTerms(
        shares=shares,
        everywhere=_sum(shares),
        in_language=in_language,
        written=written,
        names={term for term, form in written.items() if not any(word.islower() for word in form.split(" "))},
    )


def _forms(
    text: str, unwanted: Collection[str], outlets: Mapping[str, Collection[Phrase]]
) -> Iterator[tuple[str, int]]:
    """Yield each word that may be a term, and each two that stand together, as written, with a vote.

    How a word is written tells little where all words are capitals: at the start of a sentence and in headlines.
    Elsewhere a name may hold a stop word (White House, New York).
    """
    for sentence in _sentences(text):
        small = [token.lower() for token in sentence]
        hidden = {
            position
            for start, word in enumerate(small)
            for phrase in outlets.get(word, ())
            if tuple(small[start : start + len(phrase)]) == phrase
            for position in range(start, start + len(phrase))
        }
        wanted = [
            position not in hidden and word not in unwanted and _is_term(sentence[position])
            for position, word in enumerate(small)
        ]
        capitals = [token[0].isupper() for token in sentence]
        headline = len(sentence) >= _SHORTEST_HEADLINE and sum(capitals) > _HEADLINE * len(sentence)
        for position, token in enumerate(sentence):
            plain = not headline and (position > 0 or not capitals[position])
            if wanted[position]:
                yield token, _RUNNING_TEXT_VOTES if plain else 1
            before = position - 1
            if (
                position
                and not headline
                and capitals[before] == capitals[position]
                and small[before] != small[position]
            ):
                in_a_name = before > 0 and capitals[position] and small[before] not in _ARTICLES
                may_be_one = in_a_name and (wanted[before] or wanted[position]) and not {before, position} & hidden
                if may_be_one or (wanted[before] and wanted[position]):
                    yield f"{sentence[before]} {token}", 1


def _sentences(text: str) -> Iterator[list[str]]:
    """Yield the words between two signs of punctuation, without elided articles and possessives."""
    for part in _PUNCTUATION.split(text):
        words = [_POSSESSIVE.sub("", _ELISION.sub("", word)) for word in _WORD.findall(part)]
        if words := [word for word in words if word]:
            yield words


def _is_term(word: str) -> bool:
    """Tell whether a word has three letters or is an abbreviation (AI, 5G); no number, sum (2B) or contraction."""
    if _CONTRACTION.search(word):
        return False
    if word[0].isdigit():
        return bool(re.fullmatch(r"\d[DGK]", word))
    return len(word) > 2 or (len(word) == 2 and word.isupper())


def _outlet_phrases(outlets: Collection[str]) -> dict[str, set[Phrase]]:
    """Return what outlets are called, by first word, in small letters: parts of a title, the name within a host."""
    phrases = set()
    for outlet in outlets:
        if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", outlet):
            labels = outlet.lower().removeprefix("www.").split(".")
            phrases |= {(labels[-2],), tuple(labels[-2].split("-")), (".".join(labels[-2:]),)}
        for part in re.split(r"\s[-–—|:·]\s|[|:]", outlet):
            words = [word.lower() for sentence in _sentences(part) for word in sentence]
            phrases.add(tuple(words))
            if words and words[0] in _ARTICLES:
                phrases.add(tuple(words[1:]))
    by_first: dict[str, set[Phrase]] = defaultdict(set)
    for phrase in filter(None, phrases):
        by_first[phrase[0]].add(phrase)
    return dict(by_first)


def _sum(counts: Iterable[Mapping[Phrase, float]]) -> dict[Phrase, float]:
    together: dict[Phrase, float] = defaultdict(float)
    for own in counts:
        for term, count in own.items():
            together[term] += count
    return dict(together)


@cache
def _stop_words() -> frozenset[str]:
    """Return the stop words of both languages (French pages have English phrases), and those of news."""
    import justext

    ours = resources.files("newsclust").joinpath("resources/topic_stop_words.txt").read_text(encoding="utf-8")
    words = [line for line in ours.splitlines() if not line.startswith("#")]
    return frozenset(" ".join(words).split()).union(*(justext.get_stoplist(name) for name in _STOP_LISTS.values()))
