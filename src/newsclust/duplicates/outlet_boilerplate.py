"""What an outlet puts around its texts: learned from what recurs at their heads and tails, not from a list.

A sentence, or a run of several, at the beginning or the end of an outlet's texts is *furniture* once it has been
seen beside three different neighbours: the sentence next to it, or, where it is the whole text, the article's title
and day. So three versions of one article, or one article from three feeds, teach nothing, and "The post <title>
appeared first on ..." teaches itself on the third article. What is known is a union of sets: in which order
articles are seen, and how often, changes nothing.
"""

from collections.abc import Collection, Iterator, Sequence

from newsclust.model import Article, EdgeBlock
from newsclust.text.tokens import Tokens, hash64, tokenize, tokenized_sentences

MIN_CONTEXTS = 3  # different ones, from which an end is furniture: with 2, 75 more copies are lost; with 4, 3 of
# 3,310 labelled pairs that are no copies are called copies
MAX_BLOCK_SENTENCES = 8  # sentences at either end
_TITLE = "<title>"  # no word: words have no signs


def edge_blocks(articles: Sequence[Article]) -> list[EdgeBlock]:
    """Return what the articles teach: each run of sentences at their ends, with its neighbour."""
    return [
        EdgeBlock(key=key, neighbour=neighbour)
        for article in articles
        for _, _, key, neighbour in _blocks(article, _sentences(article))
    ]


def body_tokens(article: Article, furniture: Collection[int]) -> Tokens:
    """Return the words of an article without the longest head and tail whose keys are in `furniture`."""
    sentences = _sentences(article)
    head = tail = 0
    for at_head, length, key, _ in _blocks(article, sentences):
        if key in furniture:
            head, tail = (max(head, length), tail) if at_head else (head, max(tail, length))
    title = tokenize(article.title)
    return tuple(
        word
        for sentence in sentences[head : len(sentences) - tail]
        for written in sentence
        for word in (title if written == _TITLE else (written,))
    )


def _blocks(article: Article, sentences: Sequence[Tokens]) -> Iterator[tuple[bool, int, int, int]]:
    """Yield (at the head, sentences, key, neighbour) of each run of sentences at the two ends of a text."""
    whole = hash64("alone", article.title.casefold(), article.published_at.date().isoformat())
    joined = [" ".join(sentence) for sentence in sentences]
    for length in range(1, min(MAX_BLOCK_SENTENCES, len(sentences)) + 1):
        rest = len(sentences) - length
        yield (
            True,
            length,
            hash64("head", article.outlet, *joined[:length]),
            hash64(joined[length]) if rest else whole,
        )
        yield (
            False,
            length,
            hash64("tail", article.outlet, *joined[rest:]),
            hash64(joined[rest - 1]) if rest else whole,
        )


def _sentences(article: Article) -> list[Tokens]:
    """Return the sentences of a text, its title replaced where it stands in one."""
    title = tokenize(article.title)
    sentences = tokenized_sentences(article.text)
    if len(title) < 2:  # one word is too often just a word
        return sentences
    return [_replaced(sentence, title) for sentence in sentences]


def _replaced(sentence: Tokens, title: Tokens) -> Tokens:
    for start in range(len(sentence) - len(title) + 1):
        if sentence[start : start + len(title)] == title:
            return (*sentence[:start], _TITLE, *sentence[start + len(title) :])
    return sentence
