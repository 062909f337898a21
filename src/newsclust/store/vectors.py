"""Vectors in the published file: centred, and back again.

Not centred, the cosines of all news lie above 0.9 and order it badly; so those who query the file get centred ones.
What groups stories centres vectors itself: for that, and for a working file that is rebuilt, it is undone.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from newsclust.arrays import Vectors
from newsclust.centering import Part, centre_by, is_shipped_for, shipped_mean, uncentre
from newsclust.search import cell_centres, cell_count, nearest_cell, sample_size
from newsclust.store.database import Database

_BATCH = 20_000  # articles whose vectors are held at once: some 60 MB
DEFAULT_LENGTH = 384  # of the default model's; that of a file without vectors
_COLUMNS = {Part.TEXT: "vector", Part.TITLE: "title_vector"}
VECTOR_TABLES = ("embeddings", "embedding_means", "search_cells")
VECTOR_COMMENTS = """
COMMENT ON COLUMN internal.embeddings.vector IS 'Of title and beginning; centred, unit length';
COMMENT ON COLUMN internal.embeddings.title_vector IS 'Of the title alone; centred, unit length; NULL: embedded before titles were';
COMMENT ON TABLE internal.embedding_means IS 'What was subtracted from the vectors, which then got unit length again';
COMMENT ON COLUMN internal.embedding_means.model IS 'Of the vectors';
COMMENT ON COLUMN internal.embedding_means.part IS 'text: of the column vector; title: of title_vector';
COMMENT ON COLUMN internal.embedding_means.mean IS 'The mean of such vectors';
COMMENT ON COLUMN internal.embeddings.cell IS 'The cell of search_cells that the vector is in; the rows are sorted by it';
COMMENT ON TABLE internal.search_cells IS 'Where the vectors lie: a search reads the nearest cells';
COMMENT ON COLUMN internal.search_cells.cell IS 'As in embeddings';
COMMENT ON COLUMN internal.search_cells.centre IS 'Of the column vector of its articles, of unit length';
"""  # noqa: E501 (one comment, one line)


def write_centred(db: Database, schema: str) -> Mapping[str, int]:
    """Write the tables `embeddings` and `embedding_means` into a schema; return the rows of each.

    They hold one model, that which embedded last: vectors of two models cannot be compared.
    """
    model = db.value("SELECT arg_max(model, embedded_at) FROM embeddings")
    of_model = "FROM embeddings WHERE model = $1"
    length = db.value(f"SELECT coalesce(max(len(vector)), {DEFAULT_LENGTH}) {of_model}", [model])
    means = {part: _mean(db, model, part) for part in Part} if model is not None else {}
    vector = f"FLOAT[{length}]"
    db.execute(
        f"CREATE TABLE {schema}.embeddings AS SELECT * "
        f"REPLACE (vector::{vector} AS vector, title_vector::{vector} AS title_vector) {of_model} LIMIT 0",
        [model],
    )
    db.execute(f"CREATE TABLE {schema}.embedding_means (model TEXT, part TEXT, mean {vector})")
    for part, mean in means.items():
        row = [model, part.value, mean.tolist()]
        db.execute(f"INSERT INTO {schema}.embedding_means VALUES ($1, $2, $3)", row)  # noqa: S608 (a name of ours)
    centres = _centres(db, model, means[Part.TEXT]) if means else np.zeros((0, length), np.float32)
    db.execute(f"ALTER TABLE {schema}.embeddings ADD COLUMN cell INTEGER")
    db.execute(f"CREATE TABLE {schema}.search_cells (cell INTEGER, centre {vector})")
    for number, centre in enumerate(centres):
        db.execute(f"INSERT INTO {schema}.search_cells VALUES ($1, $2)", [number, centre.tolist()])  # noqa: S608
    rows = 0
    with db.connection.cursor() as reading:  # of its own: this connection writes while the rows are read
        cells = _cells(reading, model, means, centres)
        reading.register("cells", cells)
        reading.execute(
            f"SELECT * {of_model.replace('WHERE', 'JOIN cells USING (article_id) WHERE')} ORDER BY cell, article_id",
            [model],
        )
        for table in _moved(reading, means, centre_by):
            with db.given("given_rows", table):
                db.execute(f"INSERT INTO {schema}.embeddings BY NAME FROM given_rows")
            rows += len(table)
    return {"embeddings": rows, "embedding_means": len(means), "search_cells": len(centres)}


def vector_type(published: duckdb.DuckDBPyConnection) -> str:
    """Return the type of the published vectors: FLOAT[384] of the default model."""
    ((kind,),) = published.execute(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = 'embeddings' AND column_name = 'vector'"
    ).fetchall()
    return str(kind)


def read_raw(
    connection: duckdb.DuckDBPyConnection, schema: str, *, of: list[str] | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of `embeddings` in a published schema, of these articles or all, with vectors as embedded.

    They differ from those by the last bits of their numbers.
    """
    means = {
        Part(part): np.array(mean, np.float32)
        for part, mean in connection.execute(
            f"SELECT part, mean FROM {schema}.embedding_means"  # noqa: S608 (a name of ours)
        ).fetchall()
    }
    wanted = "" if of is None else "WHERE list_contains($1, article_id)"
    with connection.cursor() as reading:
        reading.execute(
            f"SELECT * EXCLUDE (cell) FROM {schema}.embeddings {wanted} ORDER BY article_id",  # noqa: S608
            [] if of is None else [of],
        )
        yield from _moved(reading, means, uncentre)


def _mean(db: Database, model: str, part: Part) -> NDArray[np.floating[Any]]:
    """Return what is subtracted from this model's vectors: as when stories are grouped (`centering.centre`)."""
    if is_shipped_for(model):
        return shipped_mean(part)
    column = _COLUMNS[part]
    means = db.column(
        f"SELECT avg(number) FROM (SELECT unnest({column}) AS number, generate_subscripts({column}, 1) AS place "  # noqa: S608
        f"FROM embeddings WHERE model = $1 AND {column} IS NOT NULL) GROUP BY place ORDER BY place",
        [model],
    )
    return np.array(means)


def _centres(db: Database, model: str, mean: NDArray[np.floating[Any]]) -> Vectors:
    """Return the centres of the cells that the vectors of this model are kept in: the same for the same vectors."""
    count = db.value("SELECT count(*) FROM embeddings WHERE model = $1", [model])
    sample = db.arrow(
        "SELECT vector FROM embeddings WHERE model = $1 ORDER BY hash(article_id), article_id LIMIT $2",
        [model, sample_size(count)],
    )
    return cell_centres(centre_by(_matrix(sample.column(0), len(mean)), mean), cell_count(count))


def _cells(
    reading: duckdb.DuckDBPyConnection,
    model: str | None,
    means: Mapping[Part, NDArray[np.floating[Any]]],
    centres: Vectors,
) -> pa.Table:
    """Return (article_id, cell) of every vector of this model."""
    reading.execute("SELECT article_id, vector FROM embeddings WHERE model = $1", [model])
    tables = []
    for batch in reading.to_arrow_reader(_BATCH):
        vectors = centre_by(_matrix(batch.column(1), centres.shape[1]), means[Part.TEXT])
        tables.append(pa.table({"article_id": batch.column(0), "cell": pa.array(nearest_cell(vectors, centres))}))
    return (
        pa.concat_tables(tables)
        if tables
        else pa.table({"article_id": pa.array([], pa.string()), "cell": pa.array([], pa.int32())})
    )


def _matrix(column: pa.Array | pa.ChunkedArray, length: int) -> Vectors:
    """Return a column of lists of this length as one row each."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(chunk.flatten(), np.float32).reshape(-1, length)


def _moved(
    reading: duckdb.DuckDBPyConnection,
    means: Mapping[Part, NDArray[np.floating[Any]]],
    move: Callable[[Vectors, NDArray[np.floating[Any]]], Vectors],
) -> Iterator[pa.Table]:
    """Yield the rows of the query that was executed, both vectors of each moved by their mean."""
    for batch in reading.to_arrow_reader(_BATCH):
        table = pa.Table.from_batches([batch])
        for part, mean in means.items():
            place = table.column_names.index(_COLUMNS[part])
            column = table.column(place)
            given = column.drop_null()
            length = len(mean)
            numbers = np.asarray(given.combine_chunks().flatten(), np.float32).reshape(-1, length)
            moved = np.zeros((len(column), length), np.float32)
            is_null = np.asarray(column.is_null())
            moved[~is_null] = move(numbers, mean)
            lists = pa.FixedSizeListArray.from_arrays(pa.array(moved.ravel()), length, mask=pa.array(is_null))
            table = table.set_column(place, _COLUMNS[part], lists)
        yield table
