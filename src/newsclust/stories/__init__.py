"""Articles -> stories: pairs and their probabilities, groups of pairs, ids that last."""
