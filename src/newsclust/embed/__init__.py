"""Texts -> float32 vectors of unit length: the only room that imports torch."""

from collections.abc import Sequence
from typing import Protocol

from newsclust.arrays import Vectors
from newsclust.embed.embedder import SentenceTransformerEmbedder
from newsclust.embed.texts import embedding_text, title_text

__all__ = ["Embedder", "SentenceTransformerEmbedder", "embedding_text", "title_text"]


class Embedder(Protocol):
    """Maps texts to vectors, so that texts with one meaning have similar directions."""

    @property
    def name(self) -> str:
        """Return what identifies the vectors in the database: equal names, comparable vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of unit length for each text, in order: shape (len(texts), dimensions)."""
        ...
