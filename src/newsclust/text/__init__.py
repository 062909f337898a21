"""Text processing for every stage: decoding, sanitising, normalising, tokens, sentences, language, diff."""
