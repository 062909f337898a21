"""One article's fields and page -> its text, or a reason why not."""

from newsclust.extract.article import Extracted, wants_page
from newsclust.extract.extractor import Extractor, TrafilaturaExtractor
from newsclust.extract.lines import lines_of, without_lines
from newsclust.extract.text import html_text

__all__ = [
    "Extracted",
    "Extractor",
    "TrafilaturaExtractor",
    "html_text",
    "lines_of",
    "wants_page",
    "without_lines",
]
