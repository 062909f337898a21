"""The demonstration: a loopback server, the sample corpus that it serves, and the captured documents."""

from newsclust.demo.captured import captured_feeds, captured_site
from newsclust.demo.corpus import GoldLabel
from newsclust.demo.sample import night_time, sample_feeds, sample_gold, sample_site
from newsclust.demo.server import LoopbackServer, ReceivedRequest, Reply, Site

__all__ = [
    "GoldLabel",
    "LoopbackServer",
    "ReceivedRequest",
    "Reply",
    "Site",
    "captured_feeds",
    "captured_site",
    "night_time",
    "sample_feeds",
    "sample_gold",
    "sample_site",
]
