"""newsclust: a night of tech feeds in; stories, topics and one published DuckDB file out."""

__version__ = "0.1.0"
