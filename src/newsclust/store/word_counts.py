"""Word counts of the archive: each article is counted once, after it has been linked."""

from collections.abc import Collection, Sequence

import pyarrow as pa

from newsclust.model import Run, WordCounts
from newsclust.store.database import Database


def word_counts(db: Database) -> WordCounts:
    """Return what was counted on earlier nights: words of the articles that have been linked."""
    documents = db.value("SELECT count(*) FROM link_progress WHERE words_counted_at IS NOT NULL")
    table = db.arrow(
        """
        SELECT word,
               coalesce(sum(occurrences) FILTER (kind = 'stem'), 0)::BIGINT AS stem,
               coalesce(sum(occurrences) FILTER (kind = 'capital'), 0)::BIGINT AS capital,
               coalesce(sum(occurrences) FILTER (kind = 'plain'), 0)::BIGINT AS plain
        FROM word_counts GROUP BY word
        """
    )
    rows = list(zip(*(table.column(name).to_pylist() for name in ("word", "stem", "capital", "plain")), strict=True))
    return WordCounts(
        documents=documents,
        stems={word: stem for word, stem, _, _ in rows if stem},
        case_counts={word: (capital, plain) for word, _, capital, plain in rows if capital or plain},
    )


def stem_counts(db: Database, stems: Collection[str]) -> WordCounts:
    """Return how many articles of earlier nights hold each of these stems."""
    documents = db.value("SELECT count(*) FROM link_progress WHERE words_counted_at IS NOT NULL")
    with db.given_ids(sorted(stems)):
        counts = db.tuples(
            "SELECT word, occurrences FROM word_counts SEMI JOIN given_ids ON id = word WHERE kind = 'stem'"
        )
    return WordCounts(documents=documents, stems=dict(counts))


def articles_to_count(db: Database, article_ids: Sequence[str]) -> list[str]:
    """Return those of these articles that have been linked and whose words have not been counted, ordered by id."""
    with db.given_ids(article_ids):
        return db.column(
            "SELECT article_id FROM link_progress "
            "WHERE words_counted_at IS NULL AND article_id IN (SELECT id FROM given_ids) ORDER BY article_id"
        )


def uncounted_articles(db: Database) -> list[str]:
    """Return all linked articles whose words have not been counted, ordered by id."""
    return db.column("SELECT article_id FROM link_progress WHERE words_counted_at IS NULL ORDER BY article_id")


def add_word_counts(db: Database, run: Run, article_ids: Sequence[str], counts: WordCounts) -> None:
    """Add the words of these articles to the stored counts; each article is counted once."""
    times = [
        *((stem, "stem", n) for stem, n in counts.stems.items()),
        *((word, "capital", n) for word, (n, _) in counts.case_counts.items() if n),
        *((word, "plain", n) for word, (_, n) in counts.case_counts.items() if n),
    ]
    given = pa.table(
        {
            "word": pa.array([word for word, _, _ in times], pa.string()),
            "kind": pa.array([kind for _, kind, _ in times], pa.string()),
            "occurrences": pa.array([n for _, _, n in times], pa.int64()),
        }
    )
    with db.transaction(), db.given_ids(article_ids), db.given("given_counts", given):
        db.execute(
            "INSERT INTO word_counts SELECT word, kind, occurrences, $1 FROM given_counts "
            "ON CONFLICT DO UPDATE SET occurrences = word_counts.occurrences + excluded.occurrences, "
            "run_id = excluded.run_id",
            [run.id],
        )
        db.execute(
            "UPDATE link_progress SET words_counted_at = $1 WHERE article_id IN (SELECT id FROM given_ids)",
            [run.night_at],
        )
