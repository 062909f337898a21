"""What leaves the published file for other programs: rows as CSV, JSON, JSON Lines, Parquet or Markdown."""

from newsclust.export.rows import Rows, TextFormat, text_lines

__all__ = ["Rows", "TextFormat", "text_lines"]
