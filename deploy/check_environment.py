"""End with 1 when the environment of this Python holds what no production install needs: tools, notebooks, CUDA."""

import re
import sys
from importlib.metadata import distributions

UNWANTED = re.compile(
    r"^(jupyter|ipy|nb(client|convert|format)|notebook|pytest|hypothesis|mypy|ruff$|import-linter|nvidia-|cuda-|triton$"
    r"|umap-|altair$|bertopic$)"
)


def main() -> int:
    """Print the number of packages and those that should not be there; return the exit code."""
    found = sorted({distribution.metadata["Name"].lower() for distribution in distributions()})
    unwanted = [name for name in found if UNWANTED.match(name)]
    print(f"{len(found)} packages" + (f"; not for production: {', '.join(unwanted)}" if unwanted else ""))
    return 1 if unwanted else 0


if __name__ == "__main__":
    sys.exit(main())
