"""Array types that several rooms share, named by what they hold."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # embeddings: one row for each text, sentence or story, or one vector alone
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
