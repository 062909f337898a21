"""Split a text into sentences, and tell the reporter's own from quoted ones and embedded tweets."""

import re
from collections.abc import Sequence

MIN_WORDS = 4  # shorter sentences are captions, credits and exclamations
MAX_SENTENCES = 60  # of a text, so that the longest page costs no more than a long article
MAX_QUOTED_SHARE = 0.6  # of a sentence's characters; one with more is a quotation
TWEET_WORDS = 80  # a longer line is a paragraph that names an account
_ABBREVIATION_CHARACTERS = 12  # before the end of a sentence, in which any abbreviation stands: never all of the line

# An apostrophe within or after a word ends no quotation in single marks, and begins none.
QUOTATION = re.compile(
    r"«[^»]{8,600}»|“[^”]{8,600}”|\"[^\"]{8,600}\""
    r"|‘(?:[^’\n]|’(?=\w)){8,600}’(?!\w)|(?<!\w)'(?=\w)(?:[^'\n]|'(?=\w)){8,600}'(?!\w)"
)

_SENTENCE_END = re.compile(r"(?<=[.!?…])(?:[\"”’»)\]]|\s»)*\s+(?=[\"“«(\[—–-]?\s?[A-ZÀ-ÖØ-Þ0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Mr|Mrs|Ms|Dr|Prof|St|Ste|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Jr|Sr|No|vs|etc|cf|art"
    r"|env|av|p|Inc|Corp|Ltd|Co|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec|a\.m|p\.m|U\.S|U\.K|E\.U|U\.N|D\.C)|\b[A-Z])\.$"
)
_TWEET = re.compile(r"\(@\w+\)|pic\.twitter\.com")
_ACCOUNT = re.compile(r"@\w")
_SIGNED = re.compile(r"[—-] ?@?\w")


def split_sentences(text: str) -> list[str]:
    """Return the first `MAX_SENTENCES` sentences that have `MIN_WORDS` words, in order, without embedded tweets.

    A line break ends a sentence, the full stop of an abbreviation or initial does not.
    """
    sentences: list[str] = []
    for line in text.splitlines():
        if len(sentences) >= MAX_SENTENCES:
            break
        if len(line.split()) <= TWEET_WORDS and _is_tweet(line):
            continue
        sentences += [part for part in _split_line(line) if len(part.split()) >= MIN_WORDS]
    return sentences[:MAX_SENTENCES]


def unquoted_sentences(sentences: Sequence[str]) -> list[str]:
    """Return the sentences of which at most `MAX_QUOTED_SHARE` is quoted; a quotation may run over several."""
    quoted = bytearray(sum(len(sentence) + 1 for sentence in sentences))
    for match in QUOTATION.finditer("\n".join(sentences)):
        quoted[match.start() : match.end()] = b"\x01" * len(match[0])
    unquoted, begin = [], 0
    for sentence in sentences:
        end = begin + len(sentence)
        if sum(quoted[begin:end]) <= MAX_QUOTED_SHARE * len(sentence):
            unquoted.append(sentence)
        begin = end + 1
    return unquoted


def _is_tweet(line: str) -> bool:
    """Return whether a line is signed as embedded tweets are: by an account in brackets, or behind a dash."""
    account = _ACCOUNT.search(line)
    return bool(_TWEET.search(line)) or (account is not None and bool(_SIGNED.search(line, account.end())))


def _split_line(line: str) -> list[str]:
    """Split one line after each end of a sentence that is no abbreviation."""
    parts, begin = [], 0
    for end in _SENTENCE_END.finditer(line):
        nearest = max(begin, end.start() - _ABBREVIATION_CHARACTERS)
        if not _ABBREVIATION.search(line[nearest : end.start()]):
            parts.append(line[begin : end.end()].strip())
            begin = end.end()
    return [*parts, line[begin:].strip()]
