"""Main text and metadata of an article, from its page or its feed fields, or a reason why not."""

from newsclust.extract.extractor import Extractor, TrafilaturaExtractor
from newsclust.extract.select_text import ExtractOutcome, wants_page
from newsclust.extract.site_boilerplate import boilerplate_candidates, drop_site_boilerplate

__all__ = [
    "ExtractOutcome",
    "Extractor",
    "TrafilaturaExtractor",
    "boilerplate_candidates",
    "drop_site_boilerplate",
    "wants_page",
]
