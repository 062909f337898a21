"""Comparisons that find rewrites: which articles of one story share a text."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from newsclust.model import RewriteComparison, Run
from newsclust.store.database import Database
from newsclust.store.records import row_of


def pairs_to_compare(db: Database, model: str, *, fewest_words: int, most: int) -> list[list[tuple[str, str]]]:
    """Return the pairs of articles to compare, one list for each living story that has some, both in order of id.

    Of each article the `most` earlier ones of its story that are nearest to it by vectors of this model.
    """
    pairs = db.tuples(
        "SELECT story_id, article_a, article_b FROM todo_rewrites($1, $2, $3)", [model, fewest_words, most]
    )
    return [[(a, b) for _, a, b in story] for _, story in groupby(pairs, key=itemgetter(0))]


def save_rewrite_comparisons(db: Database, run: Run, comparisons: Sequence[RewriteComparison]) -> None:
    """Store the comparisons, in place of earlier ones of the same pairs."""
    rows = [row_of(one) | {"compared_at": run.night_at, "run_id": run.id} for one in comparisons]
    db.upsert("rewrite_comparisons", rows, key=["article_a", "article_b"])
