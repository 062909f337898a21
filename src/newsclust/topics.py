"""Stories -> topics (HDBSCAN), and the words that name a topic."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_][\w’'-]*\w")
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)['’]", re.IGNORECASE)
_STOP_LISTS = {"en": "English", "fr": "French"}
# News says these of everything; the general stop lists do not hold them.
_NEWS_WORDS = {
    "en": "said says according also new now just like week year years month day today company companies people "
    "users user could would may one two three first last announced told report reports",
    "fr": "selon aussi ainsi déjà encore après avant annonce annoncé nouveau nouvelle nouveaux nouvelles ans année "
    "années mois semaine jour jours entreprise société utilisateurs utilisateur deux trois premier première peut "
    "pourrait doit être fait faire explique indique",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What topics need of a story: a unit vector, and what its articles say as (language, words of text)."""

    id: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One group of stories; strengths are HDBSCAN's memberships, 0 to 1."""

    stories: frozenset[str]
    strengths: Mapping[str, float]
    words_en: tuple[str, ...]
    words_fr: tuple[str, ...]
    label: str
    central_story: str


def group_topics(
    stories: Sequence[Story], vectors: NDArray[np.float32], *, min_stories: int, outlets: Collection[str] = ()
) -> list[Topic]:
    """Return the topics among these stories; stories in none are in no topic returned.

    `vectors` has one centred row of unit length for each story. Rows are put in the order of the stories' ids
    first, because HDBSCAN's labels depend on the order of its input. (Campello et al. 2013; McInnes et al. 2017.)
    """
    if len(stories) < 2 * min_stories:
        return []
    import hdbscan

    order = sorted(range(len(stories)), key=lambda i: stories[i].id)
    stories, vectors = [stories[i] for i in order], vectors[order].astype(np.float64)
    found = hdbscan.HDBSCAN(min_cluster_size=min_stories, min_samples=1, cluster_selection_method="leaf").fit(vectors)
    labels, strengths = found.labels_, found.probabilities_
    counts = {language: _counts(stories, language, outlets) for language in _STOP_LISTS}  # a story each
    everything = {language: _sum(each) for language, each in counts.items()}
    topics = []
    for number in range(labels.max() + 1):
        inside = np.flatnonzero(labels == number)
        members = [stories[i] for i in inside]
        words = {
            language: _telling(_sum(each[i] for i in inside), everything[language])
            for language, each in counts.items()
        }
        articles = Counter(language for story in members for language, _ in story.texts)
        leading = "fr" if articles["fr"] > articles["en"] else "en"
        nearness = vectors[inside] @ vectors[inside].mean(axis=0)
        topics.append(
            Topic(
                stories=frozenset(story.id for story in members),
                strengths={stories[i].id: float(strengths[i]) for i in inside},
                words_en=words["en"],
                words_fr=words["fr"],
                label=", ".join(words[leading][:4] or words["en"][:4] or words["fr"][:4]) or "(no words)",
                central_story=members[int(np.argmax(np.round(nearness, 6)))].id,
            )
        )
    return sorted(topics, key=lambda topic: min(topic.stories))


def _counts(stories: Sequence[Story], language: str, outlets: Collection[str]) -> list[Counter[str]]:
    """Count for each story in how many articles of this language each word stands.

    Stop words and outlets' names are left out.
    """
    unwanted = _stop_words(language) | {part.lower() for name in outlets for part in re.split(r"\W+", name)}

    def tells(word: str) -> bool:
        return len(word) > 2 and word not in unwanted and not unwanted.issuperset(word.split("-"))

    counts = []
    for story in stories:
        own: Counter[str] = Counter()
        for text_language, text in story.texts:
            if text_language == language:
                words = {_ELISION.sub("", word).lower() for word in _WORD.findall(text)}
                own.update(filter(tells, words))
        counts.append(own)
    return counts


def _sum(counts: Iterable[Counter[str]]) -> Counter[str]:
    together: Counter[str] = Counter()
    for own in counts:
        together.update(own)
    return together


def _telling(inside: Counter[str], everything: Counter[str], *, most: int = 8) -> tuple[str, ...]:
    """Return the words that say most about a group: frequent inside, rare outside (class-based TF-IDF).

    (Grootendorst 2022, with article counts in place of word counts, so that one long article cannot name a
    topic.) Words of a single article name no topic, unless there is nothing else.
    """
    total = sum(everything.values())
    shared = {word: n for word, n in inside.items() if n > 1} or inside
    weighed = sorted(shared, key=lambda w: (-inside[w] * np.log1p(total / len(everything) / everything[w]), w))
    return tuple(weighed[:most])


@cache
def _stop_words(language: str) -> frozenset[str]:
    import justext

    return frozenset(justext.get_stoplist(_STOP_LISTS[language])) | frozenset(_NEWS_WORDS[language].split())
