"""The files of `data/` that the wheel carries as `newsclust/shipped`: what is tried and what is begun with."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "shipped"
_SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parents[1] / "data"  # else this is a checkout

SAMPLE_FOLDER = _SHIPPED / "sample"
STARTER_FEEDS = _SHIPPED / "feeds.toml"
OUTLETS = _SHIPPED / "outlets.toml"
