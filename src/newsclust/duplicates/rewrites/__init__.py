"""Articles rewritten or translated from other articles: they say the same things in the same order.

Asked of two articles of one story that are no copies. `sentences` takes what the reporter tells himself; `wording`
compares words, names and numbers; `meaning` aligns the sentences that wording cannot judge; `verdict` decides.
What is found is a shared text, be it the other's, a wire's or a press release's: no second source. Quotations do
not count, because two reporters in one room write down the same words.
"""

from newsclust.duplicates.rewrites.classifier import MIN_ARTICLE_WORDS, compare_pairs

__all__ = ["MIN_ARTICLE_WORDS", "compare_pairs"]
