"""Comparisons that find rewrites: which articles of one story share a text."""

from collections.abc import Sequence
from itertools import groupby

from newsclust.model import RewriteComparison, Run
from newsclust.store.database import Database


def pairs_to_compare(db: Database, model: str, *, fewest_words: int, most: int) -> list[list[tuple[str, str]]]:
    """Return the pairs of articles to compare, one list for each living story that has some, both in order of id.

    Of each article the `most` earlier ones of its story that are nearest to it by vectors of this model.
    """
    rows = db.rows("FROM todo_rewrites($1, $2, $3)", [model, fewest_words, most])
    stories = groupby(rows, key=lambda row: row["story_id"])
    return [[(row["article_a"], row["article_b"]) for row in story] for _, story in stories]


def save_rewrite_comparisons(db: Database, run: Run, comparisons: Sequence[RewriteComparison]) -> None:
    """Store the comparisons, in place of earlier ones of the same pairs."""
    db.save(
        "rewrite_comparisons",
        [
            {
                "article_a": comparison.article_a,
                "article_b": comparison.article_b,
                "score": comparison.score,
                "is_rewrite": comparison.is_rewrite,
                "method": comparison.method.value,
                "evidence": comparison.evidence,
                "compared_at": run.night_at,
                "run_id": run.id,
            }
            for comparison in comparisons
        ],
        on_conflict="ON CONFLICT DO UPDATE SET score = excluded.score, is_rewrite = excluded.is_rewrite, "
        "method = excluded.method, evidence = excluded.evidence, compared_at = excluded.compared_at, "
        "run_id = excluded.run_id",
    )
