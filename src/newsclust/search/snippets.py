"""The passage of a text that says most of what was searched, with the words found marked."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from newsclust.search.stems import STOP_WORDS, stem_language, stems_of

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A piece of a text, and whether it is a word that was searched."""

    text: str
    is_found: bool


def fold(text: str) -> str:
    """Return a text in lower case and without accents."""
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c))).lower()


def asked_stems(words: str, language: str) -> frozenset[str]:
    """Return the stems of a query as an article of this language has them, stop words left out."""
    known = stem_language(language)
    asked = [word for word in _WORD.findall(fold(words)) if word not in STOP_WORDS.get(known, ())]
    return frozenset(stems_of(asked, known))


def marked(text: str, stems: frozenset[str], language: str) -> list[Fragment]:
    """Return the whole text in fragments: the words with one of these stems, and what is between them."""
    fragments, end = [], 0
    for match in _found(text, stems, language):
        if match.start() > end:
            fragments.append(Fragment(text=text[end : match.start()], is_found=False))
        fragments.append(Fragment(text=match[0], is_found=True))
        end = match.end()
    if end < len(text):
        fragments.append(Fragment(text=text[end:], is_found=False))
    return fragments


def snippet(text: str, stems: frozenset[str], language: str, *, characters: int = 240) -> list[Fragment]:
    """Return the passage of at most so many characters that holds most different stems; its beginning when none is.

    It begins and ends between words, with an ellipsis where the text goes on.
    """
    flat = " ".join(text.split())
    start = _best_start(flat, _found(flat, stems, language), language, characters)
    if start:
        start = max(flat.rfind(". ", 0, start + 1) + 2 if flat.rfind(". ", start - 80, start) > 0 else start, 0)
    end = start + characters
    if end < len(flat):
        end = max(flat.rfind(" ", start, end), start + 1)
    passage = ("… " if start else "") + flat[start:end] + (" …" if end < len(flat) else "")
    return marked(passage, stems, language)


def _found(text: str, stems: frozenset[str], language: str) -> "list[re.Match[str]]":
    if not stems:
        return []
    known = stem_language(language)
    matches = list(_WORD.finditer(text))
    found = stems_of([fold(match[0]) for match in matches], known)
    return [match for match, stem in zip(matches, found, strict=True) if stem in stems]


def _best_start(text: str, found: "Sequence[re.Match[str]]", language: str, characters: int) -> int:
    """Return where a passage begins that holds most different found words; the first of the best."""
    best, best_count = 0, 0
    known = stem_language(language)
    for first in found:
        inside = [m for m in found if first.start() <= m.start() and m.end() <= first.start() + characters]
        count = len(set(stems_of([fold(m[0]) for m in inside], known)))
        if count > best_count:
            best, best_count = first.start(), count
    return 0 if best + 40 < characters and best < 80 else text.rfind(" ", 0, max(1, best - 30)) + 1
