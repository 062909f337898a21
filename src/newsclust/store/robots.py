"""The robots.txt of each origin, as last fetched."""

import zlib
from collections.abc import Sequence

from newsclust.fetch.robots import RobotsFile
from newsclust.model import Run
from newsclust.store.database import Database


def robots_files(db: Database, origins: Sequence[str]) -> dict[str, RobotsFile]:
    """Return the stored files of these origins, however old."""
    with db.given_ids(origins):
        rows = db.rows("SELECT * FROM robots WHERE origin IN (SELECT id FROM given_ids)")
    return {
        row["origin"]: RobotsFile(
            origin=row["origin"],
            fetched_at=row["fetched_at"],
            body=None if row["body"] is None else zlib.decompress(row["body"]),
            unreachable=row["unreachable"],
        )
        for row in rows
    }


def save_robots(db: Database, run: Run, files: Sequence[RobotsFile]) -> None:
    """Store the robots.txt of these origins, replacing the earlier ones."""
    db.save(
        "robots",
        [
            {
                "origin": file.origin,
                "fetched_at": file.fetched_at,
                "body": None if file.body is None else zlib.compress(file.body, 6),
                "unreachable": file.unreachable,
                "run_id": run.id,
            }
            for file in files
        ],
        on_conflict="ON CONFLICT DO UPDATE SET fetched_at = excluded.fetched_at, body = excluded.body, "
        "unreachable = excluded.unreachable, run_id = excluded.run_id",
    )
