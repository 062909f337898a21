"""Tokens, shingles and sentences of a text, without what copying changes."""

import hashlib
import re
import unicodedata

SHINGLE_WORDS = 3  # a shingle is a run of so many words

Tokens = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_ZERO_WIDTH = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])  # soft hyphens, joiners, BOMs
# A closing quote or bracket ends a sentence here even without a stop: stored hashes of boilerplate depend on it.
_SENTENCE_END = re.compile(r"(?<=[.!?…»”\"\])])\s+(?=\S)|\n+")


def tokenize(text: str) -> Tokens:
    """Return the words in NFKC, case-folded, without quotes, dashes, spaces and signs: what copying changes."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text.translate(_ZERO_WIDTH)).casefold()))


def shingles_of(tokens: Tokens) -> frozenset[str]:
    """Return the distinct runs of `SHINGLE_WORDS` tokens, joined by spaces."""
    return frozenset(map(" ".join, zip(*(tokens[start:] for start in range(SHINGLE_WORDS)), strict=False)))


def tokenized_sentences(text: str) -> list[Tokens]:
    """Return the tokens of each sentence that has some, in order; a line break ends a sentence."""
    return [tokens for sentence in _SENTENCE_END.split(text) if (tokens := tokenize(sentence))]


def hash64(*parts: str) -> int:
    """Return an unsigned 64-bit hash of the parts (BLAKE2b); the same in every process and release."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "little")
