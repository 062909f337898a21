"""Baselines of stories: simple rules and the common recipes, on the same vectors.

Each takes articles and vectors of unit length and returns one label for each article.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclust.errors import NewsclustError
from newsclust.model import Article

Vectors = NDArray[np.float32]
Baseline = Callable[[Sequence[Article], Vectors], list[int]]

_UMAP_NEIGHBOURS = 15  # BERTopic's choice, and UMAP's own


class UnavailableError(NewsclustError):
    """A baseline is not available for this set or on this machine; the message says why."""


def alone(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Make every article a story of its own."""
    del vectors
    return list(range(len(articles)))


def title_words(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Group titles that share three words and 60 % of the shorter one, and chains of them."""
    del vectors
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    titles = [_words(article.title) for article in articles]
    column = {word: number for number, word in enumerate(sorted(frozenset().union(*titles)))}
    rows = [row for row, words in enumerate(titles) for _ in words]
    columns = [column[word] for words in titles for word in words]
    holds = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(titles), max(len(column), 1))).tocsr()
    shared = (holds @ holds.T).tocoo()
    size = np.array([len(words) for words in titles])
    left, right = shared.coords
    same = (shared.data >= 3) & (shared.data >= 0.6 * np.minimum(size[left], size[right]))
    graph = coo_array((np.ones(int(same.sum())), (left[same], right[same])), shape=(len(titles), len(titles)))
    labels: list[int] = connected_components(graph, directed=False)[1].tolist()
    return labels


def hdbscan_on_vectors(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Cluster the vectors with HDBSCAN, with its smallest possible clusters, of two; noise stands alone."""
    del articles
    import hdbscan

    if len(vectors) < 2:
        raise UnavailableError("HDBSCAN needs two articles")
    found = hdbscan.HDBSCAN(min_cluster_size=2, min_samples=1).fit_predict(vectors.astype(np.float64))
    return noise_alone(found.tolist())


def umap_and_hdbscan(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Cluster by the common recipe: UMAP to 5 dimensions, then HDBSCAN with its default smallest cluster, of 5."""
    del articles
    import hdbscan

    small = _umap(vectors).fit_transform(vectors)
    return noise_alone(hdbscan.HDBSCAN(min_cluster_size=5).fit_predict(small.astype(np.float64)).tolist())


def bertopic_defaults(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Cluster our vectors with BERTopic's defaults (UMAP, HDBSCAN with clusters of 10), UMAP's seed fixed."""
    try:
        from bertopic import BERTopic
    except ImportError as error:
        raise UnavailableError("not installed: newsclust[bertopic]") from error
    texts = [f"{article.title}. {article.text}" for article in articles]
    topics, _ = BERTopic(umap_model=_umap(vectors)).fit_transform(texts, embeddings=vectors)
    return noise_alone([int(topic) for topic in topics])


def average_linkage_on_cosines(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Cluster by average linkage on mean-centred cosines, cut at .45: the best cut on six 3-day windows."""
    del articles
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(vectors) < 2:
        raise UnavailableError("average linkage needs two articles")
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    # A vector equal to the mean has no direction; pdist says nan, which is as far as nothing in common.
    distances = np.nan_to_num(pdist(centred, "cosine"), nan=1.0)
    labels: list[int] = fcluster(linkage(distances, "average"), 1 - 0.45, "distance").tolist()
    return labels


STORY_BASELINES: dict[str, Baseline] = {
    "every article alone": alone,
    "title words": title_words,
    "HDBSCAN": hdbscan_on_vectors,
    "UMAP + HDBSCAN": umap_and_hdbscan,
    "BERTopic": bertopic_defaults,
    "average linkage": average_linkage_on_cosines,
}


def noise_alone(labels: Sequence[int]) -> list[int]:
    """Return the labels with every -1 replaced by a label of its own."""
    free = max(labels, default=-1) + 1
    return [label if label >= 0 else free + place for place, label in enumerate(labels)]


def _umap(vectors: Vectors) -> Any:
    try:
        import umap
    except ImportError as error:
        raise UnavailableError("not installed: newsclust[explore]") from error
    if len(vectors) <= _UMAP_NEIGHBOURS:
        raise UnavailableError(f"UMAP needs more than {_UMAP_NEIGHBOURS} articles")
    return umap.UMAP(
        n_components=5, n_neighbors=_UMAP_NEIGHBOURS, min_dist=0.0, metric="cosine", random_state=0, n_jobs=1
    )


def _words(title: str) -> frozenset[str]:
    """Return the words of a title, without accents; those of a letter or two are too common."""
    folded = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return frozenset(word for word in re.findall(r"\w+", folded) if len(word) > 2)
