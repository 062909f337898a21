"""One outlet has one voice: the articles by which two groups are judged when an outlet counts once.

Three round-ups of one feed that name two events are linked with the articles of both, and would make them one story;
a single one never does. So two groups that others tell, too, are merged only if they still would be with one article
of an outlet that has several.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

Members = Sequence[int]  # positions of a group's articles


def with_one_voice(
    left: Members, right: Members, voices: Sequence[str], probability: Callable[[int, int], float]
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the two groups with one article alone of each outlet that has several in them.

    The article kept is the one that the others are linked with most, across the groups. An outlet is left as it is
    where without it either group is empty: then it tells its own story, and fuses none.
    """
    counts = Counter(voices[article] for article in (*left, *right))
    for voice in sorted(voice for voice, articles in counts.items() if articles > 1):
        others = [[article for article in group if voices[article] != voice] for group in (left, right)]
        if not all(others):
            continue
        linked = {
            article: sum(probability(article, other) for other in others[1 - side])
            for side, group in enumerate((left, right))
            for article in group
            if voices[article] == voice
        }
        kept = min(linked, key=lambda article: (-linked[article], article))
        yield (
            [article for article in left if voices[article] != voice or article == kept],
            [article for article in right if voices[article] != voice or article == kept],
        )
