"""Articles rewritten or translated from other articles: they say the same things in the same order.

Two articles of one story that are no duplicates are compared. `lexical` compares words, names and numbers;
`semantic` aligns the sentences of pairs that words do not decide; `classifier` decides. What is found is a shared
text, be it the other article's, a wire's or a press release's: no second source. Quotations do not count, because two
reporters in one room write down the same words.
"""

from newsclust.duplicates.rewrites.classifier import MIN_ARTICLE_WORDS, compare_pairs

__all__ = ["MIN_ARTICLE_WORDS", "compare_pairs"]
