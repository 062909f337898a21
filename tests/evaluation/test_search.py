"""Search is judged by queries whose answers are known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsclust.cli.evaluate_search import evaluate
from newsclust.evaluation.datasets import LabelledSet, sample_set
from newsclust.evaluation.search import Query, judged_queries, scores_of, title_queries
from newsclust.shipped import SAMPLE_FOLDER
from tests.factories import bare_article, drawn_direction

QUERY = Query(kind="title", words="a", language=None, wanted=frozenset({"b", "c"}))


class DrawnEmbedder:
    """An embedder whose vectors say nothing."""

    name, dimensions = "drawn", 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([drawn_direction(text) for text in texts])


def test_recall_counts_the_first_ten_and_the_rank_is_that_of_the_first_wanted() -> None:
    (every, title) = scores_of("m", [QUERY], [["x", "b", *"defghijk", "c"]])
    assert (every.recall, every.mrr, every.kind) == (0.5, 0.5, "all")
    assert (title.recall, title.recall_interval, title.kind) == (0.5, (0.5, 0.5), "title")
    assert scores_of("m", [QUERY], [[]])[0].mrr == 0


def test_the_title_of_a_storys_first_article_asks_for_the_others_and_across_languages() -> None:
    articles = (bare_article("a"), bare_article("b", language="fr"), bare_article("c"), bare_article("d"))
    queries = title_queries(LabelledSet(name="s", articles=articles, stories=("1", "1", "1", "2")))
    assert [(one.kind, one.wanted, one.left_out) for one in queries] == [
        ("title", {"b", "c"}, "a"),
        ("en-fr", {"b"}, "a"),
    ]


def test_queries_are_asked_of_their_own_sets_alone() -> None:
    assert judged_queries([sample_set(SAMPLE_FOLDER)]) == []


def test_on_the_sample_words_find_more_than_a_search_for_letters() -> None:
    sample = sample_set(SAMPLE_FOLDER)
    rows = evaluate([sample], title_queries(sample), DrawnEmbedder(), characters=300)
    recall = {row.method: row.recall for row in rows if row.kind == "all"}
    assert recall["BM25 alone"] > recall["ilike"]
    assert recall["BM25 alone"] > 0.6
