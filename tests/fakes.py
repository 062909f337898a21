"""Test doubles: they fill the Protocols of the package without models, networks or clocks."""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


class HashingEmbedder:
    """An Embedder that only sees which words two texts share: each word counts in one of 64 dimensions.

    Feature hashing (Weinberger et al., 2009) without signs, so that no vector can be zero. Equal in every
    process; a text without words has one direction of its own.
    """

    name = "hashed-words"
    dimensions = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                vector[blake2b(word.encode(), digest_size=1).digest()[0] % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
