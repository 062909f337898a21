"""One outlet has one voice: however often it tells two stories in one, it does not make them one."""

from itertools import combinations

import numpy as np
import pytest

from newsclust.stories.clustering import MergeClassifier, most_central
from newsclust.stories.clustering.voices import with_one_voice
from tests.factories import bare_article, drawn_direction, links_of, window_of


def stories_with_round_ups(
    *, tellers: int, round_ups: int, linked: float, outlet: str = "evil.example"
) -> set[frozenset[str]]:
    """Two events, each told by so many outlets, and round-ups that are linked with all of both."""
    outlets = {f"{event}{n}": f"{event}{n}.example" for event in "ab" for n in range(tellers)}
    outlets |= {f"r{n}": outlet.format(n=n) for n in range(round_ups)}
    meaning = {"a": drawn_direction("a"), "b": drawn_direction("b"), "r": drawn_direction("a") + drawn_direction("b")}
    vectors = np.stack([meaning[name[0]] + 0.3 * drawn_direction(name) for name in outlets])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    sure = {"aa": 0.9, "bb": 0.9, "rr": 0.95, "ar": linked, "br": linked}
    pairs = {pair: sure.get(pair[0][0] + pair[1][0], 0.0) for pair in combinations(outlets, 2)}
    window = window_of([bare_article(name, outlet=told) for name, told in outlets.items()], vectors, vectors)
    return set(MergeClassifier().cluster(window, links_of({pair: p for pair, p in pairs.items() if p})))


def is_fused(stories: set[frozenset[str]]) -> bool:
    return any({"a0", "b0"} <= story for story in stories)


@pytest.mark.parametrize("round_ups", [2, 3, 5])
@pytest.mark.parametrize("tellers", [2, 3, 4])
@pytest.mark.parametrize("linked", [0.5, 0.9])
def test_round_ups_of_one_outlet_do_not_make_two_stories_one(round_ups: int, tellers: int, linked: float) -> None:
    assert not is_fused(stories_with_round_ups(tellers=tellers, round_ups=round_ups, linked=linked))


def test_what_several_outlets_tell_as_one_story_is_one() -> None:
    assert is_fused(stories_with_round_ups(tellers=2, round_ups=3, linked=0.9, outlet="teller{n}.example"))


def test_of_an_outlet_with_several_articles_the_one_that_links_most_is_kept() -> None:
    links = {(0, 3): 0.2, (1, 3): 0.7}
    reduced = with_one_voice([0, 1, 2], [3], ["evil", "evil", "one", "two"], lambda a, b: links.get((a, b), 0.0))
    assert list(reduced) == [([1, 2], [3])]


def test_an_outlet_that_tells_one_side_alone_is_left_as_it_is() -> None:
    assert list(with_one_voice([0, 1], [2], ["evil", "evil", "one"], lambda a, b: 0.5)) == []


def test_variants_of_one_outlet_count_once_for_the_headline() -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0.6, 0.8], [0.5, np.sqrt(0.75)]], np.float32)
    outlets = ["evil.example"] * 3 + ["one.example", "two.example"]
    assert most_central(list("abcde"), vectors) == "a"
    assert most_central(list("abcde"), vectors, outlets) == "d"
