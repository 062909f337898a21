"""Normalise text to the form in which it is stored: NFC, one paragraph a block, blocks parted by one empty line."""

import re
import unicodedata

# More combining marks on one letter are no writing, and sorting them takes the square of their number (UAX #15,
# section 13).
MAX_MARKS = 30

_LINE_BREAK = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# A letter may bring three of its own. Marks are neither letters nor spaces, and none comes before U+0300.
_STACKED_MARKS = re.compile(rf"\w?[^\w\s\x00-\u02ff]{{{MAX_MARKS - 2},}}")
# Control, format (zero-width, soft hyphen, direction), surrogate and private (icon fonts) characters.
_INVISIBLE_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co"))


def normalize_text(text: str, *, title: str = "") -> str:
    """Return the same words in NFC: each line of `text` a paragraph, spaces collapsed, nothing invisible.

    Of more than `MAX_MARKS` marks on one letter only the first stay. A paragraph that repeats the one before it is
    dropped, and so are leading ones that only repeat `title`.
    normalize_text(normalize_text(t, title=x), title=x) == normalize_text(t, title=x).
    """
    lines = _LINE_BREAK.sub("\n", text).replace("\t", " ")
    visible = _STACKED_MARKS.sub(_without_excess_marks, "\n".join(map(_without_invisible, lines.split("\n"))))
    paragraphs = drop_repeats([" ".join(line.split()) for line in unicodedata.normalize("NFC", visible).split("\n")])
    title_key = alphanumeric_key(title)
    while title_key and paragraphs and alphanumeric_key(paragraphs[0]) == title_key:
        paragraphs = paragraphs[1:]
    return "\n\n".join(paragraphs)


def drop_repeats(paragraphs: list[str]) -> list[str]:
    """Return the paragraphs without empty ones and without those that equal the one before."""
    kept: list[str] = []
    for paragraph in paragraphs:
        if paragraph and (not kept or paragraph != kept[-1]):
            kept.append(paragraph)
    return kept


def alphanumeric_key(text: str) -> str:
    """Return only the letters and digits, case-folded: equal for two spellings of one line."""
    return "".join(c for c in text.casefold() if c.isalnum())


def word_count(text: str) -> int:
    """Return how many words stand between spaces."""
    return len(text.split())


def _without_invisible(line: str) -> str:
    """Drop invisible characters; a printable line has none, and most lines are printable."""
    if line.isprintable():
        return line
    return "".join(c for c in line if unicodedata.category(c) not in _INVISIBLE_CATEGORIES)


def _without_excess_marks(stack: re.Match[str]) -> str:
    """Drop the marks beyond `MAX_MARKS` on one letter, counted in its canonical decomposition."""
    kept, marks = [], 0
    for character in stack[0]:
        parts = unicodedata.normalize("NFD", character)
        marks = marks + len(parts) if unicodedata.combining(parts[0]) else len(parts) - 1
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
