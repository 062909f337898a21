"""Texts as words, runs of words and sentences, without what copying changes."""

import hashlib
import re
import unicodedata

RUN_WORDS = 3  # a shingle is a run of so many words

Words = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])  # soft hyphens and their like
_SENTENCE_END = re.compile(r"(?<=[.!?…»”\"\])])\s+(?=\S)|\n+")


def words_of(text: str) -> Words:
    """Return the words without what copying changes: case, compatibility forms, quotes, dashes, spaces, signs."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()))


def runs_of(words: Words) -> frozenset[str]:
    """Return the runs of `RUN_WORDS` words."""
    return frozenset(map(" ".join, zip(*(words[start:] for start in range(RUN_WORDS)), strict=False)))


def sentences_of(text: str) -> list[Words]:
    """Return the words of each sentence that has some, in order; a line break ends one."""
    return [words for part in _SENTENCE_END.split(text) if (words := words_of(part))]


def key_of(*parts: str) -> int:
    """Return the unsigned 64-bit key of what is told by these parts; the same in every process and release."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "little")
