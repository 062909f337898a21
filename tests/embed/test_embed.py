import hashlib
import io
import logging
import multiprocessing
import multiprocessing.synchronize
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.embed import Embedder, SentenceTransformerEmbedder, bundled_model, embedding_text, title_text
from newsclust.errors import SettingsError, StoreError
from tests.fakes import HashingEmbedder

TRANSLATIONS = [
    (
        "The browser maker fixed a flaw that let websites read saved passwords.",
        "L'éditeur du navigateur a corrigé une faille qui laissait des sites lire les mots de passe.",
    ),
    (
        "A factory fire has delayed shipments of memory chips until spring.",
        "L'incendie d'une usine retarde jusqu'au printemps les livraisons de puces mémoire.",
    ),
    (
        "Regulators opened an investigation into the merger of two phone operators.",
        "Les autorités ouvrent une enquête sur la fusion de deux opérateurs téléphoniques.",
    ),
    (
        "The new electric van travels six hundred kilometres on one charge.",
        "La nouvelle camionnette électrique parcourt six cents kilomètres avec une seule charge.",
    ),
    (
        "Hospital computers were locked by ransomware for three days.",
        "Les ordinateurs de l'hôpital ont été bloqués trois jours par un rançongiciel.",
    ),
    (
        "Astronomers found water vapour in the air of a distant planet.",
        "Des astronomes ont trouvé de la vapeur d'eau dans l'atmosphère d'une planète lointaine.",
    ),
    (
        "The open source database doubles the speed of its text search.",
        "La base de données libre double la vitesse de sa recherche en texte intégral.",
    ),
    (
        "Pupils will no longer be allowed to use smartphones at school.",
        "Les élèves n'auront plus le droit d'utiliser leur smartphone à l'école.",
    ),
    (
        "A robot learned to fold laundry by watching videos.",
        "Un robot a appris à plier le linge en regardant des vidéos.",
    ),
    (
        "The streaming service raises its prices for the second time this year.",
        "Le service de streaming augmente ses tarifs pour la deuxième fois cette année.",
    ),
    (
        "An undersea cable between the two islands was cut by an anchor.",
        "Un câble sous-marin entre les deux îles a été sectionné par une ancre.",
    ),
    (
        "The game studio dismissed half of its staff after a failed launch.",
        "Le studio de jeux a licencié la moitié de son personnel après un lancement raté.",
    ),
]
TEXTS = [text for pair in TRANSLATIONS for text in pair]
OF_ALL_LENGTHS = [*TEXTS, "", "Non", "été", " ".join(TEXTS[:6]), " ".join(TEXTS)]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for models which holds the rebuilt one; built once, and never changed by a test."""
    folder = tmp_path_factory.mktemp("models")
    bundled_model.model_folder(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(models: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(cache_folder=models)


@pytest.fixture(scope="session")
def packed() -> bundled_model.PackedModel:
    return bundled_model.unpacked_model(bundled_model.checked_content(bundled_model.packed_file()))


# Meaning


def test_an_english_sentence_is_nearest_to_its_own_french_translation(embedder: Embedder) -> None:
    english = embedder.embed([english for english, _ in TRANSLATIONS])
    french = embedder.embed([french for _, french in TRANSLATIONS])
    across, within = english @ french.T, english @ english.T
    np.fill_diagonal(within, -1)
    translation = across.diagonal()
    assert (across.argmax(axis=1) == np.arange(len(TRANSLATIONS))).all()
    assert (translation > within.max(axis=1)).all()


# The matrix


def test_rows_are_float32_of_unit_length(embedder: Embedder) -> None:
    vectors = embedder.embed(OF_ALL_LENGTHS)
    assert vectors.shape == (len(OF_ALL_LENGTHS), embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_the_size_of_the_batch_does_not_show(embedder: Embedder, models: Path) -> None:
    one_by_one = SentenceTransformerEmbedder(cache_folder=models, batch_size=1)
    assert np.abs(embedder.embed(OF_ALL_LENGTHS) - one_by_one.embed(OF_ALL_LENGTHS)).max() < 1e-5


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(12)))
def test_permuted_texts_give_permuted_rows(embedder: Embedder, order: list[int]) -> None:
    texts = OF_ALL_LENGTHS[-12:]
    permuted = embedder.embed([texts[i] for i in order])
    assert np.abs(permuted - embedder.embed(texts)[order]).max() < 1e-5


def test_an_empty_text_has_the_vector_of_the_prompt_alone(embedder: Embedder, models: Path) -> None:
    without_prompt = SentenceTransformerEmbedder(cache_folder=models, prompt="")
    empty = embedder.embed([""])
    assert np.abs(empty - without_prompt.embed(["query: "])).max() < 1e-5
    assert np.abs(empty - without_prompt.embed([""])).max() > 1e-3


def test_what_follows_the_last_token_that_counts_changes_nothing(models: Path) -> None:
    short = SentenceTransformerEmbedder(cache_folder=models, max_tokens=16)
    start = " ".join(["fibre"] * 20)
    one, other, different = short.embed([f"{start} router", f"{start} volcano", "volcano " + start])
    assert np.abs(one - other).max() < 1e-6
    assert np.abs(one - different).max() > 1e-3


def test_the_fewest_tokens_leave_room_for_a_text_beside_the_prompt(models: Path) -> None:
    fewest = SentenceTransformerEmbedder(cache_folder=models, max_tokens=16)
    one, other = fewest.embed(["A volcano erupts", "A router restarts"])
    assert np.abs(one - other).max() > 1e-3


# Cheap until used


def test_nothing_is_built_or_loaded_before_there_is_a_text(tmp_path: Path) -> None:
    embedder = SentenceTransformerEmbedder(cache_folder=tmp_path)
    assert embedder.name == "multilingual-e5-small-latin-q4/128"
    assert embedder.dimensions == 384
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.embed([]).dtype == np.float32
    assert list(tmp_path.iterdir()) == []


def test_a_process_loads_torch_late_the_model_silently_and_asks_no_network(models: Path) -> None:
    program = f"""
import pathlib, sys
sys.addaudithook(lambda event, _: event in ("socket.connect", "socket.getaddrinfo") and print(event))
from newsclust.embed import SentenceTransformerEmbedder
embedder = SentenceTransformerEmbedder(cache_folder=pathlib.Path({str(models)!r}), threads=1)
print([name for name in ("torch", "transformers", "tokenizers", "safetensors") if name in sys.modules])
embedder.embed(["one text"])
import torch
print(torch.get_num_threads())
"""
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n1\n", "")


def test_a_bar_is_drawn_only_when_a_person_watches(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stderr, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stderr)
        embedder.embed(["one text"])
        assert ("100%" in stderr.getvalue()) is shown


def test_loading_leaves_the_levels_of_other_loggers_as_they_were(embedder: Embedder, models: Path) -> None:
    embedder.embed(["the libraries are imported now"])
    names = ("sentence_transformers", "transformers", "huggingface_hub")
    before = [logging.getLogger(name).level for name in names]
    SentenceTransformerEmbedder(cache_folder=models).embed(["one text"])
    assert [logging.getLogger(name).level for name in names] == before


# Options and other models


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 15}, "max_tokens is 15"),
        ({"max_tokens": 513}, "max_tokens is 513"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options: dict[str, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SentenceTransformerEmbedder(**options)


def test_a_model_without_a_name_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match="model is empty"):
        SentenceTransformerEmbedder(model="")


def test_a_cache_folder_may_be_text_that_starts_at_home(
    models: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(models.parent))
    as_text = SentenceTransformerEmbedder(cache_folder=f"~/{models.name}")
    assert np.abs(as_text.embed(TEXTS[:1]) - embedder.embed(TEXTS[:1])).max() < 1e-5


def test_a_model_that_does_not_say_its_dimensions_is_refused() -> None:
    embedder = SentenceTransformerEmbedder(model="fake")
    embedder.__dict__["_model"] = SimpleNamespace(get_embedding_dimension=lambda: None)
    with pytest.raises(SettingsError, match="does not say how many dimensions"):
        _ = embedder.dimensions


def test_the_name_tells_whatever_changes_the_vectors() -> None:
    names = [
        SentenceTransformerEmbedder().name,
        SentenceTransformerEmbedder(max_tokens=64).name,
        SentenceTransformerEmbedder(prompt="passage: ").name,
        SentenceTransformerEmbedder(prompt="").name,
        SentenceTransformerEmbedder(model="some/other-model").name,
    ]
    assert len(set(names)) == len(names)
    assert SentenceTransformerEmbedder(batch_size=8, threads=1).name == names[0]


def test_a_model_in_a_folder_is_loaded_from_there(embedder: Embedder, models: Path) -> None:
    folder = str(models / bundled_model.FOLDER)
    named = SentenceTransformerEmbedder(model=folder)
    assert named.name == f"{folder}/128"
    assert named.dimensions == 384
    assert np.abs(named.embed(TEXTS[:3]) - embedder.embed(TEXTS[:3])).max() < 1e-5


def test_more_tokens_than_a_named_model_reads_are_refused(models: Path) -> None:
    embedder = SentenceTransformerEmbedder(model=str(models / bundled_model.FOLDER), max_tokens=1000)
    with pytest.raises(SettingsError, match=r"max_tokens is 1000: .* reads 512 at most"):
        embedder.embed(["one text"])


@pytest.mark.parametrize("model", ["no-such/model", "no-such-model", "/no/such/folder"])
def test_an_unknown_model_is_refused_by_name_with_both_ways_it_can_be_missing(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SettingsError, match=rf"'{model}'.*no such folder.*hub could not be reached"):
        SentenceTransformerEmbedder(model=model).embed(["one text"])


@pytest.mark.parametrize("weights", [None, b"not safetensors"])
def test_a_folder_that_is_no_model_is_refused(models: Path, tmp_path: Path, weights: bytes | None) -> None:
    if weights is not None:
        whole = models / bundled_model.FOLDER
        shutil.copytree(whole, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
        (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(SettingsError, match="not a model that sentence-transformers can read"):
        SentenceTransformerEmbedder(model=str(tmp_path)).embed(["one text"])


@pytest.mark.parametrize("row", [np.zeros(4), np.full(4, np.nan)])
def test_a_text_without_a_direction_is_an_error_and_not_a_row_of_nonsense(row: np.ndarray) -> None:
    embedder = SentenceTransformerEmbedder(model="fake")
    fake = SimpleNamespace(encode=lambda texts, **_: np.stack([np.ones(4), row]))
    embedder.__dict__["_model"] = fake
    with pytest.raises(SettingsError, match="no direction to the text 'second'"):
        embedder.embed(["first", "second"])


# What is embedded of an article


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("A title", "A text.", "A title. A text."),
        ("Is it true?", "It is.", "Is it true? It is."),
        (" A\n title ", "\tA \xa0 text.", "A title. A text."),
        ("A title", "", "A title"),
        ("", "A text.", "A text."),
        ("", " \n", ""),
        ("Cut", "three words only", "Cut. three words"),
        ("Cut", "three words", "Cut. three words"),
        ("Cut", "incomprehensibilities", "Cut. incomprehen"),
    ],
)
def test_title_and_beginning_make_the_text_to_embed(title: str, text: str, expected: str) -> None:
    assert embedding_text(title, text, characters=11) == expected


@given(text=st.text(), characters=st.integers(1, 40))
def test_the_beginning_is_cut_between_words_and_no_longer_than_asked(text: str, characters: int) -> None:
    whole = " ".join(text.split())
    lead = embedding_text("", text, characters=characters)
    assert whole.startswith(lead)
    assert len(lead) <= characters
    assert lead == whole or whole[len(lead)] == " " or " " not in whole[: characters + 1]
    assert embedding_text("", lead, characters=characters) == lead


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("A title", "A text.", "A title"),
        (" A\n title ", "A text.", "A title"),
        ("", "three words only", "three words"),
        (" \n", "three words", "three words"),
        ("", "", ""),
    ],
)
def test_a_title_stands_for_itself_and_the_beginning_for_a_missing_one(title: str, text: str, expected: str) -> None:
    assert title_text(title, text, characters=11) == expected


@given(title=st.text(min_size=1), text=st.text(), characters=st.integers(1, 40))
def test_where_a_title_and_a_text_are_what_is_embedded_of_both_begins_with_what_is_embedded_of_the_title(
    title: str, text: str, characters: int
) -> None:
    told = title_text(title, text, characters=characters)
    assert embedding_text(title, text, characters=characters).startswith(told)
    assert bool(told) == bool(title.split() or text.split())


# The packed weights


def test_a_q4_0_block_is_its_scale_times_each_half_byte_less_eight() -> None:
    scale = np.array([0.5], "<f2").tobytes()
    halves = bytes([0x80, 0x1F, 0xF7, *[0x88] * 13])  # low halves are numbers 0-15, high ones 16-31
    numbers = bundled_model.dequantised(np.frombuffer(scale + halves, np.uint8))
    assert numbers.dtype == np.float32
    assert numbers[:4].tolist() == [-4.0, 3.5, -0.5, 0.0]
    assert numbers[16:20].tolist() == [0.0, -3.5, 3.5, 0.0]
    assert not numbers[4:16].any()
    assert not numbers[20:].any()


@given(
    blocks=st.lists(
        st.tuples(st.floats(-100, 100, width=16), st.binary(min_size=16, max_size=16)), min_size=1, max_size=4
    )
)
def test_blocks_are_dequantised_as_the_definition_says(blocks: list[tuple[float, bytes]]) -> None:
    raw = b"".join(np.array([scale], "<f2").tobytes() + halves for scale, halves in blocks)
    expected = [
        scale * (half - 8)
        for scale, halves in blocks
        for half in [*(byte % 16 for byte in halves), *(byte // 16 for byte in halves)]
    ]
    assert bundled_model.dequantised(np.frombuffer(raw, np.uint8)).tolist() == expected


def test_the_packed_file_is_taken_apart_whole(packed: bundled_model.PackedModel) -> None:
    assert (packed.hidden, packed.positions) == (bundled_model.DIMENSIONS, bundled_model.POSITIONS)
    assert packed.pieces[: len(bundled_model.SPECIAL_PIECES)] == bundled_model.SPECIAL_PIECES
    assert packed.pieces[-1] == bundled_model.MASK_PIECE
    assert len(packed.pieces) == len(packed.scores) == 250_002
    assert len(packed.tensors) == 5 + 16 * packed.layers
    assert sum(tensor.raw.nbytes for tensor in packed.tensors.values()) > 0.9 * bundled_model.PACKED_BYTES


def test_english_and_french_are_cut_into_the_same_pieces_as_with_the_whole_vocabulary(
    packed: bundled_model.PackedModel,
) -> None:
    whole = bundled_model._tokenizer(packed, np.arange(len(packed.pieces)))
    kept = bundled_model.kept_pieces(packed.pieces)
    pruned = bundled_model._tokenizer(packed, kept)
    assert len(kept) == 121_271
    for text in TEXTS:
        tokens = pruned.encode(text).tokens
        assert tokens == whole.encode(text).tokens
        assert "<unk>" not in tokens
        assert pruned.decode(pruned.encode(text).ids) == text


@pytest.mark.parametrize(
    ("piece", "kept"),
    [
        ("▁hôpital", True),
        ("œuvre", True),
        ("ẞ", True),
        ("λ", True),
        ("…", True),
        ("2026", True),
        ("€", True),
        ("▁мир", False),
        ("日本", False),
        ("한국", False),
        ("abcд", False),
    ],
)
def test_pieces_in_latin_script_and_signs_are_kept(piece: str, kept: bool) -> None:
    pieces = [*bundled_model.SPECIAL_PIECES, piece, bundled_model.MASK_PIECE]
    assert (4 in bundled_model.kept_pieces(pieces)) is kept
    assert {0, 1, 2, 3, 5} <= set(bundled_model.kept_pieces(pieces).tolist())


@pytest.fixture
def copied_weights(tmp_path: Path) -> Path:
    return Path(shutil.copy(bundled_model.packed_file(), tmp_path))


def test_a_changed_byte_in_the_package_is_found_and_nothing_is_left(copied_weights: Path) -> None:
    content = bytearray(copied_weights.read_bytes())
    content[50_000_000] ^= 1
    copied_weights.write_bytes(content)
    models = copied_weights.parent / "models"
    with pytest.raises(StoreError, match=f"has changed .SHA-256 {hashlib.sha256(content).hexdigest()}"):
        bundled_model.model_folder(models, source=copied_weights)
    assert [path.name for path in models.iterdir()] == [f"{bundled_model.FOLDER}.lock"]


def test_a_truncated_file_is_refused_with_both_sizes(copied_weights: Path) -> None:
    os.truncate(copied_weights, 1_000_000)
    with pytest.raises(StoreError, match=r"has 1,000,000 of 71,622,400 bytes"):
        bundled_model.checked_content(copied_weights)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(StoreError, match="is not a packed model"):
        bundled_model.checked_content(tmp_path / "page.html")


def test_weights_that_are_not_there_are_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be built in"):
        bundled_model.model_folder(tmp_path, source=tmp_path / "missing.bin")


def test_without_the_package_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_model, "PACKAGE", "a_package_that_nobody_wrote")
    with pytest.raises(SettingsError, match=r"a_package_that_nobody_wrote, which is not installed"):
        SentenceTransformerEmbedder(cache_folder=tmp_path).embed(["one text"])


# The folder of the rebuilt model


def test_the_folder_holds_what_its_sums_say_and_the_notice(models: Path) -> None:
    folder = models / bundled_model.FOLDER
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {*bundled_model.FILES, bundled_model.SUMS}
    assert all((folder / name).stat().st_mode & 0o044 == 0o044 for name in files)
    notice = (folder / "NOTICE.txt").read_text()
    assert "MIT" in notice
    assert "intfloat/multilingual-e5-small" in notice
    assert bundled_model.PACKED_SHA256 in notice


def test_a_whole_folder_is_left_as_it_is(models: Path) -> None:
    before = (models / bundled_model.FOLDER).stat()
    assert bundled_model.model_folder(models, source=Path("never read")) == models / bundled_model.FOLDER
    after = (models / bundled_model.FOLDER).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("damage", ["missing file", "changed byte", "no sums"])
def test_a_damaged_folder_is_built_again_and_leftovers_go(models: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / bundled_model.FOLDER
    shutil.copytree(models / bundled_model.FOLDER, folder, copy_function=os.link)  # links: replace, never write
    tokenizer = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").unlink()
    if damage == "changed byte":
        (folder / "tokenizer.json").write_bytes(tokenizer.replace(b'"<s>"', b'"<z>"', 1))
    if damage == "no sums":
        (folder / "tokenizer.json").write_bytes(tokenizer)
        (folder / bundled_model.SUMS).unlink()
    (tmp_path / f".{bundled_model.FOLDER}-killed" / "model").mkdir(parents=True)
    assert not bundled_model.is_whole(folder)

    assert bundled_model.model_folder(tmp_path) == folder
    assert bundled_model.is_whole(folder)
    assert {path.name for path in tmp_path.iterdir()} == {bundled_model.FOLDER, f"{bundled_model.FOLDER}.lock"}
    assert (folder / bundled_model.SUMS).read_bytes() == (
        models / bundled_model.FOLDER / bundled_model.SUMS
    ).read_bytes()


def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))  # the largest file the process may write
    try:
        with pytest.raises(StoreError, match="cannot be built in"):
            bundled_model.model_folder(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == [f"{bundled_model.FOLDER}.lock"]


def build_after_all_saw_nothing(barrier: multiprocessing.synchronize.Barrier, models: Path, builds: Path) -> None:
    """Ask for the model, in a process of its own, so that no one builds before everyone missed it."""
    is_whole, write_model = bundled_model.is_whole, bundled_model.write_model
    looks = iter([True])

    def look_then_wait_once(folder: Path) -> bool:
        whole = is_whole(folder)
        if next(looks, False):
            barrier.wait(60)
        return whole

    def note_then_write(packed: bundled_model.PackedModel, folder: Path) -> None:
        with builds.open("a") as file:
            file.write("built\n")
        write_model(packed, folder)

    bundled_model.is_whole, bundled_model.write_model = look_then_wait_once, note_then_write
    if not is_whole(bundled_model.model_folder(models)):
        raise AssertionError("what was handed out is not whole")


def test_of_two_processes_that_miss_the_model_at_once_one_builds_and_both_get_it(tmp_path: Path) -> None:
    models, builds = tmp_path / "models", tmp_path / "builds"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    builders = [context.Process(target=build_after_all_saw_nothing, args=(barrier, models, builds)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(120)
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert builds.read_text() == "built\n"
    assert {path.name for path in models.iterdir()} == {bundled_model.FOLDER, f"{bundled_model.FOLDER}.lock"}


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"XDG_CACHE_HOME": "/var/cache/me"}, "linux", "/var/cache/me/newsclust/models"),
        ({"XDG_CACHE_HOME": "/var/cache/me"}, "darwin", "/var/cache/me/newsclust/models"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "~/.cache/newsclust/models"),
        ({"XDG_CACHE_HOME": ""}, "linux", "~/.cache/newsclust/models"),
        ({}, "linux", "~/.cache/newsclust/models"),
        ({}, "darwin", "~/Library/Caches/newsclust/models"),
    ],
)
def test_models_are_kept_in_the_users_cache(environment: dict[str, str], platform: str, expected: str) -> None:
    assert bundled_model.user_models(environment, platform) == Path(expected).expanduser()


# The double


@given(texts=st.lists(st.text(), max_size=8))
def test_the_double_keeps_the_contract(texts: list[str]) -> None:
    double: Embedder = HashingEmbedder()
    vectors = double.embed(texts)
    assert vectors.shape == (len(texts), double.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.array_equal(vectors[::-1], double.embed(texts[::-1]))


def test_the_double_puts_texts_with_shared_words_nearer() -> None:
    one, near, far = HashingEmbedder().embed(["The cable was cut", "A cable was cut", "Pupils lose their phones"])
    assert one @ near > 0.7 > one @ far
