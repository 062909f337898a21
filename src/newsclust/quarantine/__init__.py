"""Whether a feed still behaves as it did: pure rules over the statistics of its earlier runs.

`history` counts what one run saw of a feed and decides which quarantined runs are admitted; `rules` finds the anomaly
of one feed in one run; `run_check` decides for all feeds of one run together.
"""
