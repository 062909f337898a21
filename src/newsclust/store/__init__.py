"""The only room that writes the database: rows to do, rows saved, checks, publication."""

from newsclust.store.database import Database, open_published, other_version
from newsclust.store.published import publish

__all__ = ["Database", "open_published", "other_version", "publish"]
