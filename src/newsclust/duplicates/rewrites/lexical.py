"""What two texts have in common by their words: shingles, and names and numbers in one order."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from newsclust.text.sentences import QUOTATION

SHINGLE_WORDS = 4

Shingle = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_THOUSANDS = r"[\s\u00a0\u202f.,'’]"
_NUMBER = rf"(?:\d{{1,3}}(?:{_THOUSANDS}\d{{3}})+(?!\d)|\d+)(?:[.,]\d+)?"
_ANCHOR = re.compile(rf"{_NUMBER}|[^\W\d_][\w’'-]*")
_APOSTROPHE = re.compile(r"['’]")
_SENTENCE_BEGINS = re.compile(r"[.!?…:\n«“\"]")


def shingles_of(text: str) -> frozenset[Shingle]:
    """Return the shingles of `SHINGLE_WORDS` words outside quotations, without case and accents."""
    parts = [_WORD.findall(_ascii_folded(part)) for part in QUOTATION.split(text)]
    return frozenset(
        shingle
        for words in parts
        for shingle in zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)
    )


def find_anchors(text: str) -> tuple[str, ...]:
    """Return the anchors of a text in order: names and numbers, which translation and rewording keep.

    A name is a capitalised word that does not begin a sentence or a quotation; in "l'Élysée" it is the second part.
    """
    anchors: list[str] = []
    end = 0
    at_beginning = True
    for match in _ANCHOR.finditer(text):
        at_beginning = at_beginning or bool(_SENTENCE_BEGINS.search(text, end, match.start()))
        word, end = match[0], match.end()
        if word[0].isdigit():
            anchors.append(normalize_number(word))
        else:
            first, *elided = _APOSTROPHE.split(word)
            parts = ([] if at_beginning else [first]) + elided
            anchors += [_ascii_folded(part) for part in parts if _is_name(part)]
        at_beginning = False
    return tuple(anchors)


def normalize_number(written: str) -> str:
    """Return a number in one notation: 1 200, 1,200, 1.200 and 1'200 are 1200; 1,5 and 1.5 are 1.5."""
    if not written.startswith("0"):
        written = re.sub(rf"{_THOUSANDS}(?=\d{{3}}(?!\d))", "", written)
    return written.replace(",", ".")


def lcs_length(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    codes: dict[str, int] = {}
    coded = np.array([codes.setdefault(item, len(codes)) for item in right], np.int64)
    row = np.zeros(len(right) + 1, np.int64)
    for item in left:
        with_item = np.where(coded == codes.get(item, -1), row[:-1] + 1, 0)
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], with_item))
    return int(row[-1])


def _is_name(word: str) -> bool:
    return len(word) > 2 and word[0].isupper()


def _ascii_folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
