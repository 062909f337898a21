"""Articles that repeat other articles: keys to find candidates, an exact check to decide.

`fingerprints` gives each article keys that are compared in SQL; `furniture` learns what an outlet puts around its
texts; `verdict` decides on two texts; `originals` says which of several copies is the original. What is found is the
same text, however it is quoted, spaced, edited, cut or abridged. What tells the same in other words or another
language is `derived`'s.
"""

from newsclust.duplicates.fingerprints import KEY_METHOD, fingerprint
from newsclust.duplicates.originals import find_duplicates
from newsclust.duplicates.outlet_boilerplate import MIN_CONTEXTS, edge_blocks

__all__ = ["KEY_METHOD", "MIN_CONTEXTS", "edge_blocks", "find_duplicates", "fingerprint"]
