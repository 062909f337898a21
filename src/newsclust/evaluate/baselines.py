"""What stories are measured against: simple rules and the common recipes, on the same vectors.

Each takes articles and vectors of unit length and gives one label for each article.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from newsclust.errors import SettingsError
from newsclust.model import Article

Vectors = NDArray[np.float32]
Baseline = Callable[[Sequence[Article], Vectors], list[int]]


def alone(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Every article is a story of its own."""
    del vectors
    return list(range(len(articles)))


def title_words(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Titles that share three words and 60 % of the shorter one are one story, and so are chains of them."""
    del vectors
    words = [frozenset(_words(article.title)) for article in articles]
    parent = list(range(len(articles)))

    def root(item: int) -> int:
        while parent[item] != item:
            item = parent[item]
        return item

    for a in range(len(words)):
        for b in range(a):
            shared = len(words[a] & words[b])
            if shared >= 3 and shared >= 0.6 * min(len(words[a]), len(words[b])):
                parent[root(a)] = root(b)
    return [root(item) for item in range(len(articles))]


def hdbscan_on_vectors(articles: Sequence[Article], vectors: Vectors, *, smallest: int = 2) -> list[int]:
    """HDBSCAN on the vectors; what it calls noise stands alone."""
    del articles
    import hdbscan

    labels = hdbscan.HDBSCAN(min_cluster_size=smallest, min_samples=1).fit_predict(vectors.astype(np.float64))
    return _noise_alone([int(label) for label in labels])


def umap_and_hdbscan(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """The common recipe: UMAP to 5 dimensions, then HDBSCAN with its default smallest cluster of 5."""
    del articles
    try:
        import umap
    except ImportError as error:
        raise SettingsError("the UMAP baseline needs the extra newsclust[explore]") from error
    small = umap.UMAP(n_components=5, n_neighbors=15, min_dist=0.0, metric="cosine", random_state=0, n_jobs=1)
    return hdbscan_on_vectors([], small.fit_transform(vectors), smallest=5)


def bertopic_defaults(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """BERTopic as it comes (UMAP, HDBSCAN with clusters of 10), on our vectors."""
    try:
        from bertopic import BERTopic
    except ImportError as error:
        raise SettingsError("the BERTopic baseline needs the extra newsclust[bertopic]") from error
    topics, _ = BERTopic().fit_transform([f"{a.title}. {a.text}" for a in articles], embeddings=vectors)
    return _noise_alone([int(topic) for topic in topics])


def average_linkage_on_cosines(articles: Sequence[Article], vectors: Vectors) -> list[int]:
    """Average linkage on cosines minus the set's mean, cut at .45 (the best cut on six windows, chosen on them)."""
    del articles
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(vectors) < 2:
        return [0] * len(vectors)
    distances = pdist((vectors - vectors.mean(axis=0)).astype(np.float64), "cosine")
    return [int(label) for label in fcluster(linkage(distances, "average"), 1 - 0.45, "distance")]


STORY_BASELINES: dict[str, Baseline] = {
    "every article alone": alone,
    "title words": title_words,
    "HDBSCAN": hdbscan_on_vectors,
    "UMAP + HDBSCAN": umap_and_hdbscan,
    "BERTopic": bertopic_defaults,
    "average linkage": average_linkage_on_cosines,
}


def _words(title: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return [word for word in re.findall(r"\w+", folded) if len(word) > 3]


def _noise_alone(labels: list[int]) -> list[int]:
    """Return the labels with every -1 replaced by a label of its own."""
    free = max(labels, default=-1) + 1
    out = []
    for label in labels:
        if label < 0:
            label, free = free, free + 1
        out.append(label)
    return out
