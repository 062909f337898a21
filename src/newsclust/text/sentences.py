"""A text -> its sentences, and of those the reporter's own: not quoted, not a tweet."""

import re
from collections.abc import Sequence

MIN_WORDS = 4  # shorter sentences are captions, credits and cries
MOST_SENTENCES = 60  # of a text, so that the longest page costs no more than a long article
MOST_QUOTED = 0.6  # of a sentence's characters; one with more is its speaker's
TWEET_WORDS = 80  # a longer line is a paragraph that names an account

# An apostrophe within or after a word ends no quotation in single marks, and begins none.
QUOTATION = re.compile(
    r"«[^»]{8,600}»|“[^”]{8,600}”|\"[^\"]{8,600}\""
    r"|‘(?:[^’\n]|’(?=\w)){8,600}’(?!\w)|(?<!\w)'(?=\w)(?:[^'\n]|'(?=\w)){8,600}'(?!\w)"
)

_END = re.compile(r"(?<=[.!?…])(?:[\"”’»)\]]|\s»)*\s+(?=[\"“«(\[—–-]?\s?[A-ZÀ-ÖØ-Þ0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Mr|Mrs|Ms|Dr|Prof|St|Ste|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Jr|Sr|No|vs|etc|cf|art"
    r"|env|av|p|Inc|Corp|Ltd|Co|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec|a\.m|p\.m|U\.S|U\.K|E\.U|U\.N|D\.C)|\b[A-Z])\.$"
)
_TWEET = re.compile(r"\(@\w+\)|pic\.twitter\.com|@\w+.*[—-] ?@?\w+")


def sentences_of(text: str) -> list[str]:
    """Return the first `MOST_SENTENCES` sentences that have `MIN_WORDS` words, in order, without embedded tweets.

    A line break ends a sentence, the full stop of an abbreviation or initial does not.
    """
    found: list[str] = []
    for line in text.splitlines():
        if len(line.split()) <= TWEET_WORDS and _TWEET.search(line):
            continue
        found += [part for part in _split(line) if len(part.split()) >= MIN_WORDS]
    return found[:MOST_SENTENCES]


def own_sentences(sentences: Sequence[str]) -> list[str]:
    """Return the sentences that are mostly the reporter's words; a quotation may run over several."""
    quoted = bytearray(sum(len(sentence) + 1 for sentence in sentences))
    for match in QUOTATION.finditer("\n".join(sentences)):
        quoted[match.start() : match.end()] = b"\x01" * len(match[0])
    own, begin = [], 0
    for sentence in sentences:
        end = begin + len(sentence)
        if sum(quoted[begin:end]) <= MOST_QUOTED * len(sentence):
            own.append(sentence)
        begin = end + 1
    return own


def _split(line: str) -> list[str]:
    parts, begin = [], 0
    for end in _END.finditer(line):
        if not _ABBREVIATION.search(line[begin : end.start()].rstrip()):
            parts.append(line[begin : end.end()].strip())
            begin = end.end()
    return [*parts, line[begin:].strip()]
