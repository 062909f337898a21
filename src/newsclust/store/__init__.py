"""The only room that writes the database: rows to do, rows saved, checks, publication."""

from newsclust.store.database import Database, open_published

__all__ = ["Database", "open_published"]
