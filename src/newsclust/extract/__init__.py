"""One article's fields and page -> its text, or a reason why not."""

from newsclust.extract.extractor import Extractor, TrafilaturaExtractor
from newsclust.extract.select_text import Extracted, wants_page
from newsclust.extract.site_boilerplate import lines_of, without_lines
from newsclust.text.html_to_text import html_to_text

__all__ = [
    "Extracted",
    "Extractor",
    "TrafilaturaExtractor",
    "html_to_text",
    "lines_of",
    "wants_page",
    "without_lines",
]
