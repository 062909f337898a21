"""The names of tables, columns and stored values before migration 0015, for tests with older databases."""

TABLES = {  # old name -> present name
    "readings": "processed",
    "linked": "link_progress",
    "schedules": "feed_schedules",
    "feed_nights": "feed_run_stats",
    "furniture": "boilerplate_blocks",
    "feed_wishes": "feed_update_hints",
    "no_copies": "duplicate_overrides",
    "derivations": "rewrite_comparisons",
}
COLUMNS = {  # by present table: old name -> present name; None: a migration dropped it
    "articles": {
        "words": "word_count",
        "cut": "paywall_marker",
        "text_choice": "text_source_reason",
        "compared_at": "deduplicated_at",
    },
    "boilerplate_blocks": {"neighbour": "context", "seen_at": "first_seen_at"},
    "corrections": {
        "position": "line_number",
        "standing": "is_active",
        "articles": "article_ids",
        "others": "other_article_ids",
    },
    "duplicates": {"better": "better_original_reason"},
    "entries": {"changed_in": "changed_run_id"},
    "feed_moves": {"undone_at": "reverted_at", "undone_by": "reverted_by"},
    "feed_run_stats": {
        "old": "backdated",
        "characters": "median_characters",
        "words": "recurring_words",
        "breach": "anomaly",
        "held": "quarantined",
    },
    "feed_schedules": {"next_at": "next_request_at"},
    "feed_update_hints": {"every_s": "interval_s"},
    "feeds": {"pages": "page_policy"},
    "fingerprints": {"bands": None, "computed_at": None},
    "link_progress": {"counted_at": "words_counted_at"},
    "rewrite_comparisons": {"derived": "is_rewrite"},
    "robots": {"asked_at": "fetched_at"},
    "topic_stories": {"strength": "centroid_similarity"},
    "topics": {"seen_at": "last_found_at"},
    "word_counts": {"times": "occurrences"},
}
VALUES = {  # by present table and column: old value -> present value
    ("feed_schedules", "rule"): {
        "wish": "update_hint",
        "fresh": "http_freshness",
        "back_off": "backoff",
        "asked_for": "requested",
        "skipped": "skip_hours",
    },
    ("feed_run_stats", "anomaly"): {"flood": "volume", "elsewhere": "foreign_links", "theme": "vocabulary"},
    ("quarantines", "rule"): {"flood": "volume", "elsewhere": "foreign_links", "theme": "vocabulary"},
    ("quarantines", "released_by"): {"habits": "recovery"},
    ("rewrite_comparisons", "method"): {"wording": "lexical", "meaning": "semantic"},
}
