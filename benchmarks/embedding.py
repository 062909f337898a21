"""Measure our embedder beside the model alone: texts a second, their ratio, and the conversion's time.

Run: python -m benchmarks.embedding [--texts 512]. Both embed the same synthetic English and French texts of
about 60 tokens, in turn; medians of three. Ours should reach 90 % of the model alone.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from newsclust.embed import SentenceTransformerEmbedder, bundled_model
from newsclust.embed.embedder import PROMPT

ROUNDS = 3
WORDS_PER_TEXT = 42  # about 60 tokens, prompt included
MAX_TOKENS = 128
ENGLISH = (
    "the a of to in for on with after over new market company server browser network engineers report "
    "security update customers data phone battery satellite research open source patch release "
    "price billion launch researchers regulators announced found built fixed delayed sold quietly yesterday "
    "next year"
)
FRENCH = (
    "le la les une des du dans pour sur avec après nouveau marché entreprise serveur navigateur réseau "
    "ingénieurs rapport sécurité mise à jour clients données téléphone batterie satellite recherche logiciel "
    "libre correctif prix milliards lancement chercheurs annoncé trouvé construit corrigé retardé vendu "
    "discrètement hier prochaine année"
)


def synthetic_texts(count: int, rng: random.Random) -> list[str]:
    """Texts of about 60 tokens, English and French in turn; their lengths vary by half."""
    return [
        " ".join(rng.choices(words.split(), k=round(WORDS_PER_TEXT * rng.uniform(0.5, 1.5)))).capitalize() + "."
        for words in (ENGLISH if i % 2 else FRENCH for i in range(count))
    ]


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rates of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=512)
    texts = synthetic_texts(parser.parse_args(arguments).texts, random.Random(0))

    with tempfile.TemporaryDirectory() as temporary:
        models = Path(temporary)
        print(f"conversion       {seconds(lambda: bundled_model.model_folder(models)):6.2f} s")
        print(f"check of a built {seconds(lambda: bundled_model.model_folder(models)):6.2f} s")
        ours = SentenceTransformerEmbedder(cache_folder=models, max_tokens=MAX_TOKENS)
        print(f"load, first text {seconds(lambda: ours.embed(texts[:1])):6.2f} s")

        from sentence_transformers import SentenceTransformer  # after ours, which loads it without a word

        alone = SentenceTransformer(str(models / bundled_model.FOLDER), local_files_only=True)
        alone.max_seq_length = MAX_TOKENS
        tokens = [len(ids) for ids in alone.tokenizer([PROMPT + text for text in texts])["input_ids"]]
        print(f"{len(texts)} texts, {statistics.mean(tokens):.0f} tokens each on average, {alone.device}")

        alone.encode(texts[:32], prompt=PROMPT, show_progress_bar=False)
        times: dict[str, list[float]] = {"alone": [], "ours": []}
        for _ in range(ROUNDS):
            times["alone"].append(seconds(lambda: alone.encode(texts, prompt=PROMPT, show_progress_bar=False)))
            times["ours"].append(seconds(lambda: ours.embed(texts)))

    rates = {name: len(texts) / statistics.median(rounds) for name, rounds in times.items()}
    for name, rate in rates.items():
        print(f"{name:<6} {rate:6.1f} texts/s   rounds: {', '.join(f'{s:.2f} s' for s in times[name])}")
    print(f"ratio  {rates['ours'] / rates['alone']:6.1%}   (goal: at least 90 %)")


if __name__ == "__main__":
    main()
