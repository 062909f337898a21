"""Articles -> keys: two articles that share one are compared.

A key is a hash of what duplicates have in common: the whole text, the title, an address, a band of MinHash minima
(near texts), or a passage of eight words (texts that contain one another). Passages are chosen by their own hash,
so that a duplicate chooses the same ones wherever they stand in it; most are chosen at the beginning, where summaries
and paywalled texts come from. On 2,700 full French articles and 10,600 summaries of tech news, bands find .66 of the
pairs that the exact check calls near or contained, and bands with passages all of them (docs/experiments.md).
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Article, Fingerprint
from newsclust.text.tokens import SHINGLE_WORDS, Tokens, hash64, shingles_of, tokenize

# A pair of Jaccard .8 shares a band with probability 1 - (1 - .8**6)**20 = .998. Of 2,665 French articles
# that are not short all pairs above .6 did (with 16 x 8 half of those below .7), for 337 candidates, not 299.
BANDS, ROWS = 20, 6
PASSAGE_WORDS = 8  # words
LEAD_WORDS = 100  # of the passages of these words one in LEAD_EVERY is a key; of later ones one in EVERY
LEAD_EVERY, EVERY = 8, 64
SHORT_WORDS = 30  # shorter texts are found by the whole text, the title and the address alone
TITLE_WORDS = 4  # shorter titles are those of columns: "Morning news"
MINHASH_SEED = 20_260_101
# Stored keys are comparable only when one method made them: its name is stored with them, and those of another
# method are made anew.
KEY_METHOD = (
    f"{BANDS}x{ROWS} bands of {SHINGLE_WORDS} words, "
    f"passages of {PASSAGE_WORDS} mod {LEAD_EVERY}/{EVERY}, seed {MINHASH_SEED}"
)

_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(PASSAGE_WORDS)], np.uint64)


def fingerprint(articles: Sequence[Article]) -> list[Fingerprint]:
    """Return one fingerprint for each article, in order: equal in every process for equal words and addresses.

    A band key is the hash of ROWS minima of one MinHash (Broder 1997), computed by rensa.
    """
    import rensa

    texts = [tokenize(article.text) for article in articles]
    shingles = [shingles_of(tokens) for tokens in texts]
    minima = rensa.RMinHash.digests_from_token_sets(shingles, BANDS * ROWS, MINHASH_SEED)
    return [
        Fingerprint(
            article_id=article.id,
            text_hash=_text_hash(tokens),
            shingles=len(own_shingles),
            keys=tuple(sorted(_keys(article, tokens, own_minima))),
        )
        for article, tokens, own_shingles, own_minima in zip(articles, texts, shingles, minima, strict=True)
    ]


def has_path_or_query(url: str) -> bool:
    """Tell whether a URL is more than a site's root, which broken templates give to every page."""
    parts = urlsplit(url)
    return bool(parts.path.strip("/") or parts.query)


def _text_hash(tokens: Tokens) -> str:
    return hashlib.sha256(" ".join(tokens).encode()).hexdigest()[:32]


def _keys(article: Article, tokens: Tokens, minima: Sequence[int]) -> set[int]:
    keys = {hash64("address", url) for url in (article.url, article.canonical_url) if has_path_or_query(url)}
    if tokens:
        keys.add(hash64("text", *tokens))
    title = tokenize(article.title)
    if len(title) >= TITLE_WORDS:
        keys.add(hash64("title", *title))
    if len(tokens) >= SHORT_WORDS:
        keys |= _band_keys(minima) | _passage_keys(tokens)
    return keys


def _band_keys(minima: Sequence[int]) -> set[int]:
    """Return one key for each band (LSH banding); the band's number is part of it, so keys need no column of it."""
    return {
        int.from_bytes(
            hashlib.blake2b(
                struct.pack(f"<{ROWS + 1}I", band, *minima[band * ROWS : (band + 1) * ROWS]), digest_size=8
            ).digest(),
            "little",
        )
        for band in range(BANDS)
    }


def _passage_keys(tokens: Tokens) -> set[int]:
    """Return the hashes of the chosen passages (content-defined sampling, Manber 1994)."""
    numbers = np.array([zlib.crc32(token.encode()) for token in tokens], np.uint64)
    hashes = np.zeros(len(tokens) - PASSAGE_WORDS + 1, np.uint64)
    for offset in range(PASSAGE_WORDS):
        hashes += numbers[offset : offset + len(hashes)] * _POWERS[offset]  # modulo 2**64, as unsigned numbers do
    hashes = _splitmix64(hashes)
    every = np.where(np.arange(len(hashes)) <= LEAD_WORDS - PASSAGE_WORDS, LEAD_EVERY, EVERY).astype(np.uint64)
    return set(hashes[hashes % every == 0].tolist())


def _splitmix64(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the numbers with every bit depending on every other (the finaliser of SplitMix64, Steele 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = numbers ^ (numbers >> np.uint64(31))
    return mixed
