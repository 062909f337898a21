"""Main text and metadata of an article, from its page or its feed fields, or a reason why not."""

from newsclust.extract.extractor import Extractor, TrafilaturaExtractor
from newsclust.extract.outlets import outlet_of, speaks_for
from newsclust.extract.select_text import ExtractOutcome, walled, wants_page
from newsclust.extract.site_boilerplate import Provenance, boilerplate_candidates, drop_site_boilerplate
from newsclust.extract.walls import recurring_wall_key

__all__ = [
    "ExtractOutcome",
    "Extractor",
    "Provenance",
    "TrafilaturaExtractor",
    "boilerplate_candidates",
    "drop_site_boilerplate",
    "outlet_of",
    "recurring_wall_key",
    "speaks_for",
    "walled",
    "wants_page",
]
