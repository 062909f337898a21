"""Boilerplate that an outlet puts around its texts, learned from what recurs at their heads and tails.

A block of one or more sentences at the beginning or end of an outlet's texts is *boilerplate* once it has been seen
in three different contexts. The context of a block is the sentence next to it; where the block is the whole text, it
is the article's title and day. So three versions of one article, or one article from three feeds, teach nothing, and
"The post <title> appeared first on ..." is learned with the third article. What is known is a union of sets: the
order of articles, and how often each is seen, changes nothing.
"""

from collections.abc import Collection, Iterator, Sequence

from newsclust.model import Article, EdgeBlock
from newsclust.text.tokens import Tokens, hash64, tokenize, tokenized_sentences

# Different contexts from which a block is boilerplate: with 2, 75 more duplicates are lost; with 4, 3 of 3,310
# labelled pairs that are no duplicates are called duplicates.
MIN_CONTEXTS = 3
MAX_BLOCK_SENTENCES = 8  # at either end
_TITLE = "<title>"  # never a token: tokens have no punctuation


def edge_blocks(articles: Sequence[Article]) -> list[EdgeBlock]:
    """Return each block of sentences at the ends of the articles' texts, with its context."""
    return [
        EdgeBlock(key=key, context=context)
        for article in articles
        for _, _, key, context in _blocks(article, _sentences(article))
    ]


def body_tokens(article: Article, boilerplate: Collection[int]) -> Tokens:
    """Return the tokens of an article without the longest head and tail whose keys are in `boilerplate`."""
    sentences = _sentences(article)
    head = tail = 0
    for at_head, length, key, _ in _blocks(article, sentences):
        if key in boilerplate:
            head, tail = (max(head, length), tail) if at_head else (head, max(tail, length))
    title = tokenize(article.title)
    return tuple(
        token
        for sentence in sentences[head : len(sentences) - tail]
        for masked in sentence
        for token in (title if masked == _TITLE else (masked,))
    )


def _blocks(article: Article, sentences: Sequence[Tokens]) -> Iterator[tuple[bool, int, int, int]]:
    """Yield (is at the head, number of sentences, key, context) of each block at the two ends of a text."""
    whole_text = hash64("alone", article.title.casefold(), article.published_at.date().isoformat())
    joined = [" ".join(sentence) for sentence in sentences]
    for length in range(1, min(MAX_BLOCK_SENTENCES, len(sentences)) + 1):
        rest = len(sentences) - length
        yield (
            True,
            length,
            hash64("head", article.outlet, *joined[:length]),
            hash64(joined[length]) if rest else whole_text,
        )
        yield (
            False,
            length,
            hash64("tail", article.outlet, *joined[rest:]),
            hash64(joined[rest - 1]) if rest else whole_text,
        )


def _sentences(article: Article) -> list[Tokens]:
    """Return the tokens of each sentence of a text; the article's title is masked where a sentence holds it."""
    title = tokenize(article.title)
    sentences = tokenized_sentences(article.text)
    if len(title) < 2:  # one word is too often just a word
        return sentences
    return [_mask_title(sentence, title) for sentence in sentences]


def _mask_title(sentence: Tokens, title: Tokens) -> Tokens:
    """Return the sentence with the first occurrence of the title replaced by one placeholder."""
    for start in range(len(sentence) - len(title) + 1):
        if sentence[start : start + len(title)] == title:
            return (*sentence[:start], _TITLE, *sentence[start + len(title) :])
    return sentence
