"""Articles, windows and links in one line, for tests that care about something else."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from newsclust.model import Article, DateQuality, Link, Window

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BUNDLED = "multilingual-e5-small-latin-q4/128"  # what the vectors of the default model are called


def bare_article(
    name: str,
    title: str = "",
    text: str = "",
    *,
    language: str = "en",
    outlet: str = "site.example",
    days: float = 0,
    hours: float = 0,
) -> Article:
    """An article with this id, published so long after `NOON`."""
    return Article(
        id=name,
        url=f"https://{outlet}/{name}",
        canonical_url=f"https://{outlet}/{name}",
        title=title or name,
        text=text or name,
        language=language,
        outlet=outlet,
        published_at=NOON + timedelta(days=days, hours=hours),
        date_quality=DateQuality.GIVEN,
        first_seen_at=NOON,
    )


def window_of(
    articles: Sequence[Article | str],
    vectors: NDArray[np.float32] | None = None,
    title_vectors: NDArray[np.float32] | None = None,
    model: str = BUNDLED,
) -> Window:
    """A window of these articles, or of bare ones with these ids.

    Without vectors each article has a direction that is drawn from its id, whatever else is in the window; without
    title vectors a title says what its article says.
    """
    told = [bare_article(one) if isinstance(one, str) else one for one in articles]
    if vectors is None:
        vectors = np.stack([drawn_direction(one.id) for one in told]) if told else np.zeros((0, 384), np.float32)
    return Window(
        articles=told, vectors=vectors, title_vectors=vectors if title_vectors is None else title_vectors, model=model
    )


def links_of(probabilities: Mapping[tuple[str, str], float]) -> list[Link]:
    """A link without evidence for each pair of ids."""
    return [Link(article_a=a, article_b=b, probability=p) for (a, b), p in probabilities.items()]


@cache
def drawn_direction(name: str) -> NDArray[np.float32]:
    """A unit vector of the default model's size that belongs to this name."""
    seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
    drawn = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return drawn / np.linalg.norm(drawn)
