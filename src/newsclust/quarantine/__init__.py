"""Whether a feed still behaves as it did: pure rules over its earlier runs."""
