"""The robots.txt of each origin, as last fetched."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

from newsclust.fetch.robots import RobotsFile
from newsclust.model import Run
from newsclust.store.database import Database
from newsclust.store.records import row_of


def robots_files(db: Database, origins: Sequence[str]) -> dict[str, RobotsFile]:
    """Return the stored files of these origins, however old."""
    with db.given_ids(origins):
        files = db.rows_as(RobotsFile, "FROM robots SEMI JOIN given_ids ON id = origin")
    return {
        file.origin: file if file.body is None else replace(file, body=zlib.decompress(file.body)) for file in files
    }


def save_robots(db: Database, run: Run, files: Sequence[RobotsFile]) -> None:
    """Store the robots.txt of these origins, replacing the earlier ones."""
    rows = [
        row_of(file) | {"body": None if file.body is None else zlib.compress(file.body, 6), "run_id": run.id}
        for file in files
    ]
    db.upsert("robots", rows, key=["origin"])
