"""Sources of entries: kinds of feeds (`registry`), lists of feeds (`feeds_toml`, `opml`), discovery of addresses."""
