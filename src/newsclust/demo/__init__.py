"""A night on real HTTP without the internet: feeds and pages on loopback under their own host names."""

from newsclust.demo.captured import seed_feeds, seed_site
from newsclust.demo.corpus import Gold
from newsclust.demo.sample import night_time, sample_feeds, sample_gold, sample_site
from newsclust.demo.server import Asked, Loopback, Reply, Site

__all__ = [
    "Asked",
    "Gold",
    "Loopback",
    "Reply",
    "Site",
    "night_time",
    "sample_feeds",
    "sample_gold",
    "sample_site",
    "seed_feeds",
    "seed_site",
]
