"""The words of an article, folded so that English and French match, and how rare each is in tech news."""

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import numpy as np

from newsclust.model import WordCounts

_PIECE = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
# Endings of both languages, longest first: a small stemmer, enough to bring "licencie", "licenciement" and
# "licenciements" together.
_ENDINGS = ("ements", "ement", "ations", "ation", "ings", "ing", "ees", "ers", "es", "ed", "er", "ee", "s", "e")
_MIN_STEM_LETTERS = 4

LEAD_CHARACTERS = 400  # characters of the text whose words count
COMMON = 0.005  # share of the archive's articles from which a word says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word in running text: without accents, in lower case, and whether it was written with a capital."""

    folded: str
    marked: bool  # begins with a capital letter, or has a digit anywhere


def rarity(counts: WordCounts, stem: str) -> float:
    """Return the inverse document frequency (IDF) of a stem, in nats; an unknown stem is the rarest."""
    return float(np.log((counts.documents + 1) / (counts.stems.get(stem, 0) + 0.7)))


def is_name(counts: WordCounts, word: Word) -> bool:
    """Tell whether a word is a name: it has a digit, or news mostly writes it with a capital."""
    if any(character.isdigit() for character in word.folded):
        return True
    capital, plain = counts.case_counts.get(word.folded, (0, 0))
    return (capital + 0.5 * word.marked) / (capital + plain + 0.5) > 0.5


def split_words(text: str) -> list[Word]:
    """Return the words of a text in order; single letters are left out, single digits are not."""
    return [word for piece in _PIECE.findall(text) if (word := _word(piece))]


def written_forms(text: str) -> dict[str, str]:
    """Return each stem of a text with the word as it was first written there: people read words, not stems."""
    forms: dict[str, str] = {}
    for piece in _PIECE.findall(text):
        if (word := _word(piece)) is not None:
            forms.setdefault(stem(word.folded), piece)
    return forms


@lru_cache(maxsize=200_000)  # a night splits each piece some twenty times
def _word(piece: str) -> Word | None:
    """Return a piece of text as a word; None when it is a single letter."""
    folded = unicodedata.normalize("NFKD", piece).encode("ascii", "ignore").decode().lower()
    if len(folded) > 1 or folded.isdigit():
        return Word(folded=folded, marked=piece[0].isupper() or any(character.isdigit() for character in piece))
    return None


@lru_cache(maxsize=200_000)  # a night stems each word some eighty times
def stem(word: str) -> str:
    """Return a word without its inflection: one ending of either language, when four letters are left."""
    if any(character.isdigit() for character in word):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM_LETTERS:
            return word[: -len(ending)]
    return word


def count_words(texts: Iterable[tuple[str, str]], *, min_count: int = 1) -> WordCounts:
    """Return the word counts of (title, lead) pairs; what was seen fewer than `min_count` times is left out.

    Capitals are counted in leads alone: a title may write every word with one.
    """
    stems: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    documents = 0
    for title, lead in texts:
        documents += 1
        in_lead = split_words(lead)
        stems.update({stem(word.folded) for word in (*split_words(title), *in_lead)})
        for word in in_lead:
            (capital if word.marked else plain)[word.folded] += 1
    seen = sorted({*capital, *plain})
    case_counts = {word: (capital[word], plain[word]) for word in seen if capital[word] + plain[word] >= min_count}
    kept = {s: n for s, n in sorted(stems.items()) if n >= min_count}
    return WordCounts(documents=documents, stems=kept, case_counts=case_counts)


def merge_counts(left: WordCounts, right: WordCounts) -> WordCounts:
    """Return the counts of both collections of texts, which have no text in common."""
    if not right.documents:
        return left
    stems, case_counts = dict(left.stems), dict(left.case_counts)
    for word_stem, documents in right.stems.items():
        stems[word_stem] = stems.get(word_stem, 0) + documents
    for word, (capital, plain) in right.case_counts.items():
        before = case_counts.get(word, (0, 0))
        case_counts[word] = (before[0] + capital, before[1] + plain)
    return WordCounts(documents=left.documents + right.documents, stems=stems, case_counts=case_counts)


@cache
def shipped_counts() -> WordCounts:
    """Return the counts that ship with the package: tech news, EN and FR, January to May 2026."""
    with resources.files("newsclust").joinpath("resources/word_frequencies.json.gz").open("rb") as file:
        table = json.loads(gzip.decompress(file.read()))
    return WordCounts(
        documents=table["documents"],
        stems=table["stems"],
        case_counts={word: (capital, plain) for word, (capital, plain) in table["written"].items()},
    )
