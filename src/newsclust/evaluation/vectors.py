"""Vectors of labelled sets as the pipeline makes them, optionally cached on disk for the next evaluation."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclust.embed import Embedder, embedding_text, title_text
from newsclust.errors import SettingsError
from newsclust.evaluation.datasets import LabelledSet
from newsclust.model import Window

Vectors = NDArray[np.float32]

log = logging.getLogger("newsclust")


def window_of(labelled: LabelledSet, embedder: Embedder, *, characters: int) -> Window:
    """Return a set as one window, in its order, with the vectors that the pipeline would give its articles."""
    articles = labelled.articles
    return Window(
        articles=articles,
        vectors=embedder.embed([embedding_text(a.title, a.text, characters=characters) for a in articles]),
        title_vectors=embedder.embed([title_text(a.title, a.text, characters=characters) for a in articles]),
        model=embedder.name,
    )


class CachedEmbedder:
    """An Embedder that caches the vectors of another one on disk.

    One .npy file for each list of texts, named by the hash of the model's name and the texts. A file that is
    damaged, or was written for another number of texts, is an error (SettingsError), not a reason to go on.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self._folder = folder

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self._embedder.dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of unit length for each text, from the cache if it is there."""
        key = hashlib.sha256(json.dumps([self.name, *texts]).encode()).hexdigest()[:32]
        file = self._folder / f"{key}.npy"
        if file.is_file():
            try:
                cached: Vectors = np.load(file, allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise SettingsError(f"{file}: cannot be read ({error}); remove it") from error
            if cached.shape != (len(texts), self.dimensions):
                raise SettingsError(f"{file}: holds {cached.shape}, not the vectors of {len(texts)} texts; remove it")
            return cached
        vectors = self._embedder.embed(texts)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".partial", delete=False) as partial:
                np.save(partial, vectors)
            Path(partial.name).replace(file)
        except OSError as error:
            raise SettingsError(f"{self._folder}: vectors cannot be cached there ({error})") from error
        log.info("vectors of %d texts cached in %s", len(texts), file)
        return vectors
