"""Texts -> the words that a search finds them by. The only room that imports a stemmer."""

from newsclust.search.cells import cell_centres, cell_count, nearest_cell, sample_size
from newsclust.search.document import FoldedArticle, Occurrences, count_words
from newsclust.search.stems import STOP_WORDS, stem_language, stems_of

__all__ = [
    "STOP_WORDS",
    "FoldedArticle",
    "Occurrences",
    "cell_centres",
    "cell_count",
    "count_words",
    "nearest_cell",
    "sample_size",
    "stem_language",
    "stems_of",
]
