"""Articles that duplicate other articles: keys find candidates (blocking), an exact check decides.

`fingerprints` gives each article keys that are compared in SQL; `outlet_boilerplate` learns what an outlet puts
around its texts; `similarity` compares two texts; `originals` decides which of several duplicates is the original.
What is found is the same text, however it is quoted, spaced, edited, cut or abridged. Texts that say the same in
other words or another language are found by `rewrites`.
"""

from newsclust.duplicates.fingerprints import KEY_METHOD, fingerprint
from newsclust.duplicates.originals import find_duplicates
from newsclust.duplicates.outlet_boilerplate import MIN_CONTEXTS, edge_blocks

__all__ = ["KEY_METHOD", "MIN_CONTEXTS", "edge_blocks", "find_duplicates", "fingerprint"]
