"""Words -> stems, by language; stop words."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import Stemmer

_ALGORITHMS = {"en": "english", "fr": "french"}
# Folded, as texts are. What an apostrophe leaves (l'iphone, it's) is among them.
_ENGLISH = """
a about after again all also am an and any are as at be because been before being between both but by can could d
did do does doing done during each for from further had has have having he her here hers him his how i if in into is
it its itself just ll m may me more most my no nor not now of off on once only or other our out over own re s said
same says she should so some such t than that the their them then there these they this those through to too under
until up us ve very was we were what when where which while who whom why will with would you your
"""
_FRENCH = """
a ai ainsi alors apres au aucun aussi autre autres aux avait avant avec avoir bien c ca car ce cela celle celles
celui ces cet cette ceux chaque chez ci comme comment d dans de depuis des deux dont du elle elles en encore entre
est et etait etaient etant ete etre eu eux fait font il ils j je jusqu l la le les leur leurs lors lorsque lui m ma
mais me meme memes mes mon n ne ni non nos notre nous on ont ou par parce pas peu peut peuvent plus pour pourquoi qu
quand que quel quelle quelles quels qui quoi s sa sans se selon sera ses si son sont sous sur t ta tandis te tes toi
ton tous tout toute toutes tres trop tu un une vers via voici voila vos votre vous y
"""
_FEMININE = re.compile(r"ees?$")  # devoilee, which has lost the accent that the stemmer knows it by
STOP_WORDS = {"en": frozenset(_ENGLISH.split()), "fr": frozenset(_FRENCH.split())}


def stem_language(language: str) -> str:
    """Return the language whose stems and stop words an article's words get: en, fr, or none for any other."""
    return language if language in _ALGORITHMS else ""


def stems_of(words: Sequence[str], language: str) -> list[str]:
    """Return the stem of each folded word (Snowball; Porter, 2001); one with a digit, or of no language, is its own.

    Of words without accents: the endings that accents mark stay on, alike in all forms of a word.
    """
    if language not in _ALGORITHMS:
        return list(words)
    stemmer, is_french = _stemmer(language), language == "fr"
    return [
        word if any(map(str.isdigit, word)) else stemmer.stemWord(_FEMININE.sub("e", word) if is_french else word)
        for word in words
    ]


@cache
def _stemmer(language: str) -> "Stemmer.Stemmer":
    import Stemmer

    return Stemmer.Stemmer(_ALGORITHMS[language])
