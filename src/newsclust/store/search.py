"""The search index of the working file: which article holds which word, appended night by night.

A word is a folded surface form, a term the number of its stem in one language, a doc that of an article.
"""

from collections.abc import Callable, Sequence

import pyarrow as pa

from newsclust.model import Run
from newsclust.search import STOP_WORDS, FoldedArticle, Occurrences, stem_language
from newsclust.store.database import Database

# Reading a query, DuckDB folds it by the same two functions, so an equal word is equal here and there.
_FOLDED = """
SELECT article_id, language, lower(strip_accents(title)) AS title, lower(strip_accents(coalesce(text, ''))) AS text
FROM articles WHERE article_id IN (SELECT id FROM given_ids) ORDER BY article_id
"""


def articles_to_index(db: Database) -> list[str]:
    """Return the articles whose present title and text are not indexed, the newest first."""
    return db.column("SELECT article_id FROM todo_search")


def folded(db: Database, article_ids: Sequence[str]) -> list[FoldedArticle]:
    """Return these articles as they are indexed, ordered by id."""
    with db.given_ids(article_ids):
        rows = db.tuples(_FOLDED)
    return [
        FoldedArticle(article_id=article_id, language=stem_language(language), title=title, text=text)
        for article_id, language, title, text in rows
    ]


def forget_removed(db: Database) -> int:
    """Delete what is indexed of articles that are not there any more; return of how many."""
    gone = db.column("SELECT article_id FROM search_documents ANTI JOIN articles USING (article_id)")
    if gone:
        with db.transaction(), db.given_ids(gone):
            _forget_postings(db)
            db.execute("DELETE FROM search_documents WHERE article_id IN (SELECT id FROM given_ids)")
    return len(gone)


def save_indexed(
    db: Database,
    run: Run,
    articles: Sequence[FoldedArticle],
    found: Occurrences,
    stem: Callable[[Sequence[str], str], list[str]],
) -> None:
    """Store what these articles hold in place of what was stored of them; `stem` makes stems of new words.

    All of it or nothing is stored, each article's number is kept.
    """
    documents = pa.table(
        {
            "article_id": pa.array([one.article_id for one in articles], pa.string()),
            "language": pa.array([one.language for one in articles], pa.string()),
            "title_words": pa.array(found.title_words),
            "text_words": pa.array(found.text_words),
            "article": pa.array(range(len(articles)), pa.int32()),
        }
    )
    words = pa.table(
        {
            "word": pa.array([word for word, _ in found.words], pa.string()),
            "language": pa.array([language for _, language in found.words], pa.string()),
            "place": pa.array(found.words.values(), pa.int32()),
        }
    )
    columns = ("article", "word", "in_title", "in_text")
    occurrences = pa.table({name: pa.array(getattr(found, name)) for name in columns})
    with (
        db.transaction(),
        db.given_ids([one.article_id for one in articles]),
        db.given("given_words", words),
        db.given("given_documents", documents),
        db.given("given_occurrences", occurrences),
    ):
        _forget_postings(db)
        _save_documents(db, run)
        _save_words(db, stem)
        db.execute(
            """
            INSERT INTO search_postings
            WITH terms AS (SELECT place, term FROM given_words JOIN search_words USING (word, language)),
            docs AS (SELECT article, doc FROM given_documents JOIN search_documents USING (article_id))
            SELECT term, doc, sum(in_title), sum(in_text)
            FROM given_occurrences AS found
            JOIN terms ON terms.place = found.word
            JOIN docs ON docs.article = found.article
            GROUP BY term, doc
            ORDER BY term, doc
            """
        )


def _forget_postings(db: Database) -> None:
    docs = db.column("SELECT doc FROM search_documents WHERE article_id IN (SELECT id FROM given_ids)")
    if docs:
        db.execute("DELETE FROM search_postings WHERE doc IN (SELECT unnest($1::INTEGER[]))", [docs])


def _save_documents(db: Database, run: Run) -> None:
    db.execute(
        """
        INSERT INTO search_documents BY NAME
        SELECT given_documents.* EXCLUDE (article), coalesce(stored.doc, newest.doc + row_number() OVER
                   (PARTITION BY stored.doc IS NULL ORDER BY given_documents.article_id))::INTEGER AS doc,
               $1 AS indexed_at, $2 AS run_id
        FROM given_documents
        LEFT JOIN search_documents AS stored USING (article_id),
             (SELECT coalesce(max(doc), 0) AS doc FROM search_documents) AS newest
        ON CONFLICT (article_id) DO UPDATE SET language = excluded.language, title_words = excluded.title_words,
            text_words = excluded.text_words, indexed_at = excluded.indexed_at, run_id = excluded.run_id
        """,
        [run.night_at, run.id],
    )


def _save_words(db: Database, stem: Callable[[Sequence[str], str], list[str]]) -> None:
    """Store the words that no article held before; a stem that is there already gives its number."""
    new = db.tuples(
        "SELECT language, list(word ORDER BY word) FROM (SELECT DISTINCT word, language FROM given_words) "
        "ANTI JOIN search_words USING (word, language) GROUP BY language ORDER BY language"
    )
    rows: list[tuple[str, str, str | None]] = [
        (word, language, one) for language, words in new for word, one in _stemmed(words, language, stem)
    ]
    for language, words in STOP_WORDS.items():
        if not db.value("SELECT count(*) FROM search_words WHERE language = $1 AND stem IS NULL", [language]):
            rows.extend((word, language, None) for word in sorted(words))
    if not rows:
        return
    given = pa.table(
        {
            "word": pa.array([word for word, _, _ in rows], pa.string()),
            "language": pa.array([language for _, language, _ in rows], pa.string()),
            "stem": pa.array([one for _, _, one in rows], pa.string()),
        }
    )
    with db.given("new_words", given):
        db.execute(
            """
            INSERT INTO search_words BY NAME
            WITH stems AS (SELECT DISTINCT stem, language FROM new_words WHERE stem IS NOT NULL),
            known AS (
                SELECT stem, language, min(term) AS term FROM search_words SEMI JOIN stems USING (stem, language)
                GROUP BY ALL
            ), numbered AS (
                SELECT stem, language, coalesce(known.term, newest.term + row_number() OVER
                           (PARTITION BY known.term IS NULL ORDER BY language, stem))::INTEGER AS term
                FROM stems LEFT JOIN known USING (stem, language),
                     (SELECT coalesce(max(term), 0) AS term FROM search_words) AS newest
            )
            SELECT word, language, stem, term FROM new_words LEFT JOIN numbered USING (stem, language)
            ORDER BY language, word
            """
        )


def _stemmed(
    words: Sequence[str], language: str, stem: Callable[[Sequence[str], str], list[str]]
) -> list[tuple[str, str]]:
    return list(zip(words, stem(words, language), strict=True))
