"""The evaluation: measures against textbook and brute force, sets, baselines, models left out, the command."""

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust.demo import sample_gold
from newsclust.errors import SettingsError
from newsclust.evaluation import baselines, measures
from newsclust.evaluation.baselines import UnavailableError
from newsclust.evaluation.cross_validation import LabelledWindow, Leakage, fold_models, out_of_fold
from newsclust.evaluation.datasets import LabelledSet, read_set, sample_set
from newsclust.evaluation.grouping import grouping_scores, mean_scores
from newsclust.evaluation.runner import evaluate
from newsclust.evaluation.topics import topic_scores, topics_learned_from
from newsclust.evaluation.vectors import CachedEmbedder
from newsclust.model import Article, DateQuality, Link, Window
from newsclust.settings import EmbedSettings, PairSettings, Settings, StorySettings, TopicSettings
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.stories.clustering import AverageLinkage
from newsclust.stories.pairs import Linker
from newsclust.topics import projection
from tests.factories import window_of
from tests.fakes import HashingEmbedder
from tests.terminal import Terminal

WINDOW = Path(__file__).parents[3] / "shared" / "data" / "stories" / "tech_2026-03_E.jsonl"
TOLD = Path(projection.__file__).parents[1] / "resources" / f"{projection.RESOURCE}.json"
HASHED = EmbedSettings(use="tests.fakes:HashingEmbedder")
COSINE = PairSettings(use="newsclust.stories.pairs:CentredCosine")
AVERAGE = StorySettings(use="newsclust.stories.clustering:AverageLinkage")

# (found, gold, side) for each item: few labels, so that groups are large and collide
ITEMS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["en", "fr"])), min_size=1, max_size=12
)


# ---------------------------------------------------------------- measures


@pytest.mark.parametrize(("found", "precision"), [("aaaaabbbbbbb", 16 / 21), ("aaaaabbaaaaa", 7 / 12)])
def test_b_cubed_gives_the_figures_of_bagga_and_baldwin_1998(found: str, precision: float) -> None:
    score = measures.b_cubed(found, "11111" + "22" + "33333")
    assert score.precision == pytest.approx(precision)
    assert score.recall == 1


def test_b_cubed_over_marked_items_counts_the_others_only_as_company() -> None:
    gold, found = "aabc", "xyyz"
    assert measures.in_a_pair(gold) == [True, True, False, False]
    score = measures.b_cubed(found, gold, only=measures.in_a_pair(gold))
    assert (score.precision, score.recall) == ((1 + 1 / 2) / 2, 1 / 2)


def test_pairwise_counts_pairs() -> None:
    score = measures.pairwise("xxxy", "aabb")  # says three pairs, two are wanted, one is both
    assert (score.precision, score.recall, score.f1) == (1 / 3, 1 / 2, pytest.approx(0.4))


def test_pairwise_with_sides_counts_only_pairs_across() -> None:
    score = measures.pairwise("xxxx", "aaab", sides=["en", "en", "fr", "fr"])  # four across, two of them wanted
    assert (score.precision, score.recall) == (1 / 2, 1)


def test_exact_is_the_share_of_stories_with_several_items_that_were_rebuilt() -> None:
    assert measures.exact("xxyyzw", "aabbbc") == 1 / 2
    assert measures.exact("xxxyzw", "aabccd") == 0


def test_where_nothing_is_to_be_found_nothing_found_is_right_and_something_is_wrong() -> None:
    assert (measures.pairwise("xyz", "abc").f1, measures.exact("xyz", "abc")) == (1, 1)
    assert measures.pairwise("xxz", "abc").f1 == 0
    assert measures.pairwise("xyz", "aab").f1 == 0


@given(ITEMS)
def test_b_cubed_is_what_counting_item_by_item_gives(items: list[tuple[int, int, str]]) -> None:
    precisions, recalls = [], []
    for found, gold, _ in items:
        same_found = [other for other in items if other[0] == found]
        same_gold = [other for other in items if other[1] == gold]
        right = sum(other[1] == gold for other in same_found)
        precisions.append(right / len(same_found))
        recalls.append(right / len(same_gold))
    score = measures.b_cubed([f for f, _, _ in items], [g for _, g, _ in items])
    assert score.precision == pytest.approx(sum(precisions) / len(items))
    assert score.recall == pytest.approx(sum(recalls) / len(items))


@given(ITEMS)
def test_pairwise_is_what_looking_at_every_pair_gives(items: list[tuple[int, int, str]]) -> None:
    for sides in (None, [side for _, _, side in items]):
        looked_at = [(a, b) for a, b in combinations(items, 2) if sides is None or a[2] != b[2]]
        said = {(i, a, b) for i, (a, b) in enumerate(looked_at) if a[0] == b[0]}
        wanted = {(i, a, b) for i, (a, b) in enumerate(looked_at) if a[1] == b[1]}
        score = measures.pairwise([f for f, _, _ in items], [g for _, g, _ in items], sides=sides)
        if said:
            assert score.precision == pytest.approx(len(said & wanted) / len(said))
        if wanted:
            assert score.recall == pytest.approx(len(said & wanted) / len(wanted))


@given(ITEMS)
def test_homogeneity_and_completeness_are_one_minus_the_shares_of_entropy_left(
    items: list[tuple[int, int, str]],
) -> None:
    found, gold = [f for f, _, _ in items], [g for _, g, _ in items]

    def left(of: Sequence[int], knowing: Sequence[int]) -> float:
        both, known = Counter(zip(of, knowing, strict=True)), Counter(knowing)
        return -sum(n / len(of) * math.log(n / known[k]) for (_, k), n in both.items())

    def share(of: Sequence[int], knowing: Sequence[int]) -> float:
        whole = left(of, [0] * len(of))
        return 1 - left(of, knowing) / whole if whole else 1.0

    homogeneity, completeness = measures.homogeneity_and_completeness(found, gold)
    assert homogeneity == pytest.approx(share(gold, found), abs=1e-9)
    assert completeness == pytest.approx(share(found, gold), abs=1e-9)


@given(ITEMS, st.randoms(use_true_random=False))
def test_neither_the_names_of_labels_nor_the_order_of_items_change_a_figure(
    items: list[tuple[int, int, str]], chance: random.Random
) -> None:
    found, gold, sides = ([item[i] for item in items] for i in range(3))
    renamed = [f"story {9 - label}" for label in found]
    order = chance.sample(range(len(items)), len(items))
    other = grouping_scores([renamed[i] for i in order], [gold[i] for i in order], [sides[i] for i in order])
    for name, value in vars_of(grouping_scores(found, gold, sides)).items():
        assert vars_of(other)[name] == (None if value is None else pytest.approx(value)), name


@given(ITEMS)
def test_a_perfect_grouping_has_every_figure_at_one(items: list[tuple[int, int, str]]) -> None:
    gold, sides = [g for _, g, _ in items], [side for _, _, side in items]
    for name, value in vars_of(grouping_scores([f"s{g}" for g in gold], gold, sides)).items():
        assert value is None or value == pytest.approx(1), name


@given(ITEMS)
def test_precision_one_way_is_recall_the_other_way(items: list[tuple[int, int, str]]) -> None:
    found, gold = [f for f, _, _ in items], [g for _, g, _ in items]
    assert measures.b_cubed(found, gold).precision == measures.b_cubed(gold, found).recall


def test_the_figures_across_languages_look_at_english_and_french_alone_and_are_none_without_such_pairs() -> None:
    some = grouping_scores("xxxyy", "aaabb", ["en", "fr", "de", "en", "de"])
    assert (some.en_fr_precision, some.en_fr_recall, some.en_fr) == (1, 1, 1)
    none = grouping_scores("xxyy", "aabb", ["en", "de", "fr", "fr"])
    assert (none.en_fr_precision, none.en_fr_recall, none.en_fr) == (None, None, None)


def test_the_mean_of_a_figure_is_over_the_sets_that_have_it() -> None:
    with_pairs = grouping_scores("xyz", "aab", ["en", "fr", "en"])
    without = grouping_scores("xxy", "aab", ["en", "en", "en"])
    mean = mean_scores([with_pairs, without])
    assert (mean.pair, mean.en_fr) == (0.5, 0)
    assert mean_scores([without]).en_fr is None
    with pytest.raises(ValueError, match="no rows"):
        mean_scores([])


def vars_of(figure: Any) -> dict[str, float | None]:
    return {name: getattr(figure, name) for name in figure.__dataclass_fields__}


# ---------------------------------------------------------------- sets


def row(number: int, **given: Any) -> dict[str, Any]:
    return {"id": f"n{number}", "title": f"Title {number}", "text": "", "lang": "en", "story": f"s{number}"} | given


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a labelled file: rows as dicts, or lines as they are."""

    def write(*lines: dict[str, Any] | str, name: str = "mine.jsonl") -> Path:
        path = tmp_path / name
        text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    return write


def test_a_set_holds_the_articles_of_the_file_in_order_with_their_labels(written: Callable[..., Path]) -> None:
    first = row(2, title="Caf&eacute; <b>opens</b>", text="<p>One.</p><p>Two.</p>", source="Quai", topic="food")
    read = read_set(written(first, "", row(1, lang="fr", topic="rain", host="unknown keys are let be")))
    assert (read.name, read.ids, read.languages) == ("mine", ["n2", "n1"], ["en", "fr"])
    assert (read.stories, read.topics) == (("s2", "s1"), ("food", "rain"))
    assert (read.articles[0].title, read.articles[0].text) == ("Café opens", "One.\n\nTwo.")
    assert read.articles[0].outlet == "Quai"


@pytest.mark.parametrize(
    ("published", "moment", "quality"),
    [
        ("2026-02-03T10:00:00.000Z", datetime(2026, 2, 3, 10, tzinfo=UTC), DateQuality.GIVEN),
        ("2026-02-03T10:00:00+02:00", datetime(2026, 2, 3, 8, tzinfo=UTC), DateQuality.GIVEN),
        ("2026-02-03T10:00:00", datetime(2026, 2, 3, 10, tzinfo=UTC), DateQuality.GUESSED),
        ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC), DateQuality.GUESSED),
        (None, datetime(2026, 2, 4, tzinfo=UTC), DateQuality.MISSING),
        ("", datetime(2026, 2, 4, tzinfo=UTC), DateQuality.MISSING),
    ],
)
def test_a_date_is_read_as_utc_and_a_missing_one_is_the_last_of_the_set(
    published: str | None, moment: datetime, quality: DateQuality, written: Callable[..., Path]
) -> None:
    article = read_set(written(row(1, published=published), row(2, published="2026-02-04"))).articles[0]
    assert (article.published_at, article.date_quality) == (moment, quality)
    assert article.published_at.tzinfo is UTC


def test_a_set_without_dates_is_one_moment(written: Callable[..., Path]) -> None:
    read = read_set(written(row(1), row(2)))
    assert len({article.published_at for article in read.articles}) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([row(1), "{"], "mine.jsonl, line 2: no JSON"),
        ([row(1), "[1]"], "line 2: Input should be"),
        ([row(1), "", {"id": "n2"}], "line 3: title: Field required"),
        ([row(1), row(1)], "line 2: the id 'n1' stands twice"),
        ([row(1, published="3 February")], "line 1: published = '3 February' is no ISO 8601 date"),
        ([row(1), row(2, story=None)], "'n2' has no story, others have"),
        ([row(1, topic="rain"), row(2)], "'n2' has no topic, others have"),
        ([row(1, story="")], "line 1: story: String should have at least 1 character"),
        ([""], "holds no article"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place_and_the_reason(
    lines: list[Any], said: str, written: Callable[..., Path]
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_set(written(*lines))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes(json.dumps(row(1, title="é"), ensure_ascii=False).encode("latin-1"))
    for name in ("latin.jsonl", "nowhere.jsonl"):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_set(tmp_path / name)


def test_a_file_without_labels_has_none(written: Callable[..., Path]) -> None:
    bare = {"id": "n1", "title": "Title"}
    read = read_set(written(bare))
    assert (read.stories, read.topics) == ((), ())


def test_numbers_may_stand_for_ids_and_labels_and_lines_end_at_newlines_alone(written: Callable[..., Path]) -> None:
    path = written({"id": 7, "title": "A line\u2028separator\x85here", "story": 12})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    read = read_set(path)
    assert (read.ids, read.stories) == (["7"], ("12",))


def test_a_set_is_known_by_its_titles_whatever_its_name_order_and_labels(written: Callable[..., Path]) -> None:
    known = read_set(written(row(1), row(2))).fingerprint
    assert read_set(written(row(2, story="other"), row(1, story="other"), name="b.jsonl")).fingerprint == known
    assert read_set(written(row(1), row(3))).fingerprint != known


def test_the_sample_is_a_set_with_its_gold() -> None:
    sample = sample_set(SAMPLE_FOLDER)
    gold = {one.id: one for one in sample_gold(SAMPLE_FOLDER)}
    assert sample.ids
    assert sample.stories == tuple(gold[i].story for i in sample.ids)
    assert sample.topics == tuple(gold[i].topic for i in sample.ids)
    assert set(sample.languages) == {"en", "fr"}
    assert all(article.text and article.outlet for article in sample.articles)


def test_without_the_repository_the_sample_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="comes with the repository"):
        sample_set(tmp_path / "data" / "sample")


# ---------------------------------------------------------------- baselines


def article(number: int, title: str = "", text: str = "", language: str = "en") -> Article:
    at = datetime(2026, 2, 3, tzinfo=UTC)
    return Article(
        id=f"n{number:03}",
        url="",
        canonical_url="",
        title=title,
        text=text,
        language=language,
        outlet="Quai",
        published_at=at,
        date_quality=DateQuality.GIVEN,
        first_seen_at=at,
    )


def groups(labels: Sequence[object]) -> set[frozenset[int]]:
    return {frozenset(i for i, label in enumerate(labels) if label == one) for one in labels}


def two_heaps(each: int) -> NDArray[np.float32]:
    """So many unit vectors near one axis, as many near another, and last one between them."""
    near = np.random.default_rng(0).normal(0, 0.02, (2 * each + 1, 8))
    near[:each, 0] += 1
    near[each:-1, 1] += 1
    near[-1, 2] += 1
    unit: NDArray[np.float32] = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_titles_that_share_three_words_and_sixty_percent_are_chained() -> None:
    titles = [
        "Ferry strikes pier near Brest",
        "Brest: ferry strikes the old pier",
        "The old ferry: pier strikes over",
        "Ferry strikes, and what else was told about life along harbour walls near Brest tonight",
        "Rain",
    ]
    labels = baselines.title_words([article(i, title) for i, title in enumerate(titles)], two_heaps(2))
    assert groups(labels) == {frozenset({0, 1, 2, 3}), frozenset({4})}
    assert groups(baselines.title_words([article(0), article(1)], two_heaps(1)[:2])) == {
        frozenset({0}),
        frozenset({1}),
    }


@given(st.lists(st.lists(st.sampled_from(["ferry", "pier", "rain", "wind", "brest"]), max_size=5), max_size=7))
def test_the_title_rule_is_what_looking_at_every_pair_gives(titles: list[list[str]]) -> None:
    together = {frozenset({i}) for i in range(len(titles))}
    for a, b in combinations(range(len(titles)), 2):
        one, other = set(titles[a]), set(titles[b])
        if len(one & other) >= 3 and len(one & other) >= 0.6 * min(len(one), len(other)):
            joined = frozenset().union(*(group for group in together if group & {a, b}))
            together = {group for group in together if not group & joined} | {joined}
    given_articles = [article(i, " ".join(words)) for i, words in enumerate(titles)]
    assert groups(baselines.title_words(given_articles, np.zeros((len(titles), 2), np.float32))) == together


@pytest.mark.parametrize("rule", [baselines.hdbscan_on_vectors, baselines.average_linkage_on_cosines])
def test_a_recipe_finds_two_heaps_and_leaves_the_stranger_alone(rule: baselines.Baseline) -> None:
    labels = rule([article(i) for i in range(9)], two_heaps(4))
    assert groups(labels) == {frozenset(range(4)), frozenset(range(4, 8)), frozenset({8})}


@pytest.mark.slow
def test_umap_before_hdbscan_finds_two_large_heaps() -> None:
    pytest.importorskip("umap", reason="the extra newsclust[explore] is not installed")
    labels = baselines.umap_and_hdbscan([], two_heaps(25)[:-1])
    assert groups(labels) >= {frozenset(range(25)), frozenset(range(25, 50))}


def test_noise_is_made_of_stories_of_their_own() -> None:
    assert groups(baselines.noise_alone([0, -1, 0, -1, 1])) == groups("abacd")
    assert baselines.noise_alone([]) == []


def test_a_recipe_whose_library_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bertopic", None)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UnavailableError, match=r"not installed: newsclust\[bertopic\]"):
        baselines.bertopic_defaults([], two_heaps(10))
    with pytest.raises(UnavailableError, match=r"not installed: newsclust\[explore\]"):
        baselines.umap_and_hdbscan([], two_heaps(10))


def test_a_recipe_says_when_a_set_is_too_small_for_it() -> None:
    pytest.importorskip("umap", reason="the extra newsclust[explore] is not installed")
    with pytest.raises(UnavailableError, match="more than 15"):
        baselines.umap_and_hdbscan([], two_heaps(7))
    for rule in (baselines.hdbscan_on_vectors, baselines.average_linkage_on_cosines):
        with pytest.raises(UnavailableError, match="needs two articles"):
            rule([article(0)], two_heaps(1)[:1])


def test_bertopic_labels_every_article() -> None:
    pytest.importorskip("bertopic", reason="the extra newsclust[bertopic] is not installed")
    told = [article(i, f"ferry pier number {i}" if i < 25 else f"rain wind number {i}") for i in range(50)]
    assert len(baselines.bertopic_defaults(told, two_heaps(25)[:-1])) == 50


# ---------------------------------------------------------------- models that have seen a set


class Rote:
    """A linker that learns titles by heart: it links what it was told to be one story, and nothing else."""

    def __init__(self, *, trained_on: frozenset[str] = frozenset(), knows: frozenset[tuple[str, str]] = frozenset()):
        self.trained_on = trained_on
        self.story_of = dict(knows)
        self.lessons: list[tuple[set[str], list[str]]] = []

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        told = sorted((a for a in window.articles if a.title in self.story_of), key=lambda a: a.id)
        return [
            Link(article_a=a.id, article_b=b.id, probability=1.0)
            for a, b in combinations(told, 2)
            if self.story_of[a.title] == self.story_of[b.title]
        ]

    def retrained(self, without: Collection[str], sets: Sequence[LabelledWindow]) -> Linker:
        self.lessons.append((set(without), [one.labelled.fingerprint for one in sets]))
        assert all(one.window.ids == one.labelled.ids for one in sets)
        knows = {
            (a.title, story)
            for one in sets
            for a, story in zip(one.labelled.articles, one.labelled.stories, strict=True)
        }
        return Rote(trained_on=frozenset(one.labelled.fingerprint for one in sets), knows=frozenset(knows))


class Unteachable:
    """A linker with weights whose sets are known, and no way to learn again."""

    def __init__(self, *, trained_on: frozenset[str]) -> None:
        self.trained_on = trained_on

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        return []


def a_set(name: str, *, labelled: bool = True) -> LabelledSet:
    """Four articles whose titles are this set's own, in stories of two, which share their names with other sets."""
    return LabelledSet(
        name=name,
        articles=tuple(article(i + 10 * ord(name), f"{name} title {i}") for i in range(4)),
        stories=("s1", "s1", "s2", "s2") if labelled else (),
    )


def with_vectors(sets: Sequence[LabelledSet]) -> list[LabelledWindow]:
    return [LabelledWindow(one, window_of(one.articles)) for one in sets]


def knowing(sets: Sequence[LabelledSet]) -> Rote:
    learned = Rote().retrained((), with_vectors(sets))
    assert isinstance(learned, Rote)
    return learned


def test_no_label_of_a_set_reaches_the_model_that_judges_it() -> None:
    sets = [a_set(name) for name in "abcd"]
    rote = knowing(sets)
    found = fold_models(rote, AverageLinkage(), with_vectors(sets))
    assert [judge.leakage for judge in found] == [Leakage.LEFT_OUT] * 4
    for one, judge, (without, lessons) in zip(sets, found, rote.lessons, strict=True):
        assert without == {one.fingerprint}
        assert lessons == [other.fingerprint for other in sets if other is not one]
        assert judge.linker.link(window_of(one.articles)) == []  # it knows nothing of this set by heart
        assert all(judge.linker.link(window_of(other.articles)) for other in sets if other is not one)


def test_a_set_that_is_given_twice_or_labelled_twice_is_left_out_twice() -> None:
    one, two, three = (a_set(name) for name in "abc")
    second_opinion = LabelledSet(name="opinion", articles=one.articles, stories=("x", "y", "y", "z"))
    rote = knowing([one, two, three])
    first, _, _, again = fold_models(rote, AverageLinkage(), with_vectors([one, two, three, second_opinion]))
    assert first == again
    assert first.leakage is Leakage.LEFT_OUT
    assert rote.lessons == [
        ({out.fingerprint}, [other.fingerprint for other in (one, two, three) if other is not out])
        for out in (one, two, three)
    ]


def test_a_set_that_the_model_has_not_seen_neither_teaches_nor_is_left_out() -> None:
    seen, fresh = [a_set(name) for name in "abc"], a_set("d")
    rote = knowing(seen)
    found = fold_models(rote, AverageLinkage(), with_vectors([*seen, fresh]))
    assert [judge.leakage for judge in found] == [Leakage.LEFT_OUT] * 3 + [Leakage.UNSEEN]
    assert found[3].linker is rote
    assert all(fresh.fingerprint not in lessons for _, lessons in rote.lessons)


def test_a_set_without_labels_teaches_nobody() -> None:
    sets = [a_set("a"), a_set("b"), a_set("c", labelled=False)]
    rote = knowing([a_set(name) for name in "abc"])
    found = fold_models(rote, AverageLinkage(), with_vectors(sets))
    assert [judge.leakage for judge in found] == [Leakage.SEEN, Leakage.SEEN, Leakage.LEFT_OUT]
    assert rote.lessons == [({sets[2].fingerprint}, [sets[0].fingerprint, sets[1].fingerprint])]


@pytest.mark.parametrize("linker", [knowing([a_set("a"), a_set("b")]), Unteachable(trained_on=frozenset())])
def test_with_too_few_sets_to_learn_from_a_seen_set_says_so(linker: Rote | Unteachable) -> None:
    sets = [a_set("a"), a_set("b")]
    linker.trained_on = frozenset(one.fingerprint for one in sets)
    found = fold_models(linker, AverageLinkage(), with_vectors(sets))
    assert [(judge.leakage, judge.linker) for judge in found] == [(Leakage.SEEN, linker)] * 2


def test_a_linker_that_cannot_learn_again_judges_what_it_saw_and_says_so() -> None:
    sets = [a_set(name) for name in "abcd"]
    linker = Unteachable(trained_on=frozenset(one.fingerprint for one in sets[:3]))
    found = fold_models(linker, AverageLinkage(), with_vectors(sets))
    assert [judge.leakage for judge in found] == [Leakage.SEEN] * 3 + [Leakage.UNSEEN]


class Telltale:
    """A linker whose one link says which sets it has seen."""

    def __init__(self, *, trained_on: frozenset[str] = frozenset()) -> None:
        self.trained_on = trained_on
        self.trained: list[frozenset[str]] = []  # the sets of each one that learned again

    def link(self, window: Window, fresh: Collection[str] | None = None) -> list[Link]:
        a, b = sorted(window.ids)[:2]
        return [Link(article_a=a, article_b=b, probability=1.0, evidence=dict.fromkeys(self.trained_on, 1.0))]

    def retrained(self, without: Collection[str], sets: Sequence[LabelledWindow]) -> "Telltale":
        self.trained.append(frozenset(one.labelled.fingerprint for one in sets))
        return Telltale(trained_on=self.trained[-1])


class Listening(AverageLinkage):
    """A clusterer that knows its lessons, and which sets the linker of each had seen."""

    def __init__(self, *, trained_on: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.trained_on = trained_on
        self.linker_saw: dict[str, set[str]] = {}

    def retrained(
        self,
        without: Collection[str],
        sets: Sequence[tuple[LabelledSet, Window, Sequence[Link]]],
        score: measures.GroupingScore,
    ) -> "Listening":
        learned = Listening(trained_on=frozenset(labelled.fingerprint for labelled, _, _ in sets))
        assert learned.trained_on.isdisjoint(without)
        learned.linker_saw = linkers_saw(sets)
        return learned


def linkers_saw(lessons: Sequence[tuple[LabelledSet, Window, Sequence[Link]]]) -> dict[str, set[str]]:
    """The sets that the linker of each lesson has seen, by the lesson's fingerprint."""
    assert all(window.ids == labelled.ids for labelled, window, _ in lessons)
    return {
        labelled.fingerprint: {seen for link in links for seen in link.evidence} for labelled, _, links in lessons
    }


@pytest.mark.parametrize("names", ["abc", "abcde"])
def test_a_clusterer_learns_from_links_of_linkers_that_saw_neither_the_lesson_nor_the_judged_set(names: str) -> None:
    sets = [a_set(name) for name in names]
    known = frozenset(one.fingerprint for one in sets)
    telltale = Telltale(trained_on=known)
    for one, judge in zip(sets, fold_models(telltale, Listening(trained_on=known), with_vectors(sets)), strict=True):
        assert judge.leakage is Leakage.LEFT_OUT
        assert isinstance(judge.linker, Telltale)
        assert isinstance(judge.clusterer, Listening)
        others = known - {one.fingerprint}
        assert judge.linker.trained_on == judge.clusterer.trained_on == others
        assert judge.clusterer.linker_saw == {lesson: others - {lesson} for lesson in others}
    # Each linker is trained once: one without each set, and one without each two.
    assert len(telltale.trained) == len(set(telltale.trained)) == math.comb(len(sets), 1) + math.comb(len(sets), 2)


def test_out_of_fold_links_come_from_linkers_that_saw_all_sets_but_the_one_they_link() -> None:
    sets = [a_set(name) for name in "abc"]
    known = {one.fingerprint for one in sets}
    lessons = out_of_fold(Telltale(), with_vectors([*sets, sets[0]]))
    assert [labelled for labelled, _, _ in lessons] == sets  # what is given twice is one lesson
    assert linkers_saw(lessons) == {lesson: known - {lesson} for lesson in known}


def test_a_set_that_the_clusterer_alone_has_seen_is_left_out_of_the_clusterer() -> None:
    sets, linker = [a_set(name) for name in "abc"], Unteachable(trained_on=frozenset())
    known = frozenset(one.fingerprint for one in sets)
    for one, judge in zip(sets, fold_models(linker, Listening(trained_on=known), with_vectors(sets)), strict=True):
        assert (judge.leakage, judge.linker) == (Leakage.LEFT_OUT, linker)
        assert isinstance(judge.clusterer, Listening)
        assert judge.clusterer.trained_on == known - {one.fingerprint}


def test_a_clusterer_that_cannot_learn_again_judges_what_it_saw_and_says_so() -> None:
    class Settled(AverageLinkage):
        trained_on = frozenset(one.fingerprint for one in (a_set("a"), a_set("b"), a_set("c")))

    sets, settled = [a_set(name) for name in "abcd"], Settled()
    found = fold_models(knowing(sets[:3]), settled, with_vectors(sets))
    assert [judge.leakage for judge in found] == [Leakage.SEEN] * 3 + [Leakage.UNSEEN]
    assert all(judge.clusterer is settled for judge in found)


def test_trained_anew_every_labelled_set_is_left_out_whatever_the_models_say() -> None:
    sets = [*(a_set(name) for name in "abc"), a_set("d", labelled=False)]
    known = {one.fingerprint for one in sets[:3]}
    found = fold_models(Telltale(), Listening(), with_vectors(sets), train_anew=True)
    assert [judge.leakage for judge in found] == [Leakage.LEFT_OUT] * 3 + [Leakage.UNSEEN]
    for one, judge in zip(sets[:3], found, strict=False):
        assert isinstance(judge.linker, Telltale)
        assert isinstance(judge.clusterer, Listening)
        assert judge.linker.trained_on == judge.clusterer.trained_on == known - {one.fingerprint}


def learned_settings(sets: Sequence[LabelledSet]) -> Settings:
    knows = [(a.title, s) for one in sets for a, s in zip(one.articles, one.stories, strict=True)]
    options = {"trained_on": [one.fingerprint for one in sets], "knows": knows}
    pairs = PairSettings(use="tests.evaluation.test_stories:Rote", options=options)
    return Settings(embed=HASHED, pairs=pairs, stories=AVERAGE)


def test_a_model_that_learned_by_heart_scores_nothing_where_it_can_be_left_out() -> None:
    sets = [a_set(name) for name in "abc"]
    found = evaluate(sets, learned_settings(sets), baselines={})
    assert [(rows[0].leakage, rows[0].scores and rows[0].scores.pair) for rows in found.stories] == [
        *[(Leakage.LEFT_OUT, 0)] * 3,
        (None, 0),
    ]


def test_a_set_that_was_seen_and_cannot_be_left_out_takes_no_part_in_any_average() -> None:
    seen, fresh = [a_set(name) for name in "ab"], [a_set(name) for name in "cd"]
    found = evaluate([*seen, *fresh], learned_settings(seen), baselines={"alone": baselines.alone})
    ours = [rows[0] for rows in found.stories]
    assert [(row.leakage, row.scores and row.scores.pair) for row in ours[:4]] == [
        *[(Leakage.SEEN, 1)] * 2,
        *[(Leakage.UNSEEN, 0)] * 2,
    ]
    assert [(row.method, row.sets, row.articles) for row in found.stories[4]] == [
        ("newsclust", ("c", "d"), 8),
        ("alone", ("c", "d"), 8),
    ]
    assert ours[4].scores
    assert ours[4].scores.pair == 0


def test_a_recipe_that_one_set_is_too_small_for_has_no_average() -> None:
    sets = [a_set("a"), LabelledSet(name="b", articles=(article(1),), stories=("s",))]
    settings = Settings(embed=HASHED, pairs=COSINE, stories=AVERAGE)
    found = evaluate(sets, settings, baselines={"HDBSCAN": baselines.hdbscan_on_vectors})
    first, second, average = (rows[1] for rows in found.stories)
    assert (bool(first.scores), first.note) == (True, "")
    assert (second.scores, second.note) == (None, "HDBSCAN needs two articles")
    assert (average.scores, average.note) == (None, "HDBSCAN needs two articles")


# ---------------------------------------------------------------- topics


def themed() -> LabelledSet:
    """Two themes of six stories each, a story told twice; the words of a theme are all its titles have."""
    words = ["ferry pier harbour", "orbit rocket launch"]
    rows = [(theme, story, n) for theme in range(2) for story in range(6) for n in range(2)]
    return LabelledSet(
        name="themed",
        articles=tuple(
            article(place, f"{words[theme]} {'abcdef'[story] * 3}") for place, (theme, story, _) in enumerate(rows)
        ),
        stories=tuple(f"{theme}-{story}" for theme, story, _ in rows),
        topics=tuple(["sea", "space"][theme] for theme, _, _ in rows),
    )


def test_topics_are_scored_over_stories() -> None:
    labelled = themed()
    vectors = HashingEmbedder().embed([a.title for a in labelled.articles])
    found = topic_scores(labelled, labelled.stories, vectors, "hashed-words", min_stories=3)
    assert (found.stories, found.topics, found.labels) == (12, 2, 2)
    assert (found.b3, found.outside) == (1, 0)


def test_a_story_outside_any_topic_is_scored_as_one_of_its_own() -> None:
    labelled = themed()
    vectors = HashingEmbedder().embed([a.title for a in labelled.articles])
    found = topic_scores(labelled, labelled.stories, vectors, "hashed-words", min_stories=7)  # 12 < 2 x 7: no topic
    assert (found.topics, found.outside, found.b3_precision) == (0, 1, 1)
    assert found.b3_recall == pytest.approx(1 / 6)


def test_a_found_story_should_be_where_most_of_its_articles_are_labelled() -> None:
    labelled = themed()
    vectors = HashingEmbedder().embed([a.title for a in labelled.articles])
    mixed = ["one"] * 13 + ["two"] * 11  # all of the sea and one of space; the rest of space
    found = topic_scores(labelled, mixed, vectors, "hashed-words", min_stories=2)
    assert (found.stories, found.labels) == (2, 2)


def test_a_set_that_the_shipped_projection_learned_from_is_known_by_its_days_and_sizes() -> None:
    windows = json.loads(TOLD.read_text(encoding="utf-8"))["windows"]
    assert windows
    for window in windows:
        days = [datetime.fromisoformat(window[end]).replace(tzinfo=UTC) for end in ("from", "to")]
        stories = [f"s{min(number, window['stories'] - 1)}" for number in range(window["articles"])]
        articles = [replace(article(number), published_at=days[number % 2]) for number in range(window["articles"])]
        twin = LabelledSet(name="twin", articles=tuple(articles), stories=tuple(stories))
        assert topics_learned_from(twin, "multilingual-e5-small/128")
        assert not topics_learned_from(twin, "hashed-words")
        assert not topics_learned_from(replace(twin, articles=twin.articles[1:]), "multilingual-e5-small/128")


def test_topics_of_a_set_that_was_seen_in_training_take_no_part_in_the_average(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "newsclust.evaluation.runner.topics_learned_from", lambda labelled, model: labelled.name == "seen"
    )
    sets = [replace(themed(), name=name) for name in ("seen", "one", "two")]
    found = evaluate(sets, Settings(embed=HASHED, pairs=COSINE, stories=AVERAGE), baselines={}, with_topics=True)
    assert [(rows[1].sets, rows[1].leakage) for rows in found.topics] == [
        (("seen",), Leakage.SEEN),
        (("one",), Leakage.UNSEEN),
        (("two",), Leakage.UNSEEN),
        (("one", "two"), None),
    ]


def test_topics_are_scored_on_the_labelled_and_on_the_found_stories() -> None:
    settings = Settings(embed=HASHED, pairs=COSINE, stories=AVERAGE, topics=TopicSettings(min_stories=3))
    found = evaluate([themed(), themed(), a_set("a")], settings, baselines={}, with_topics=True)
    assert [[row.stories_from for row in rows] for rows in found.topics] == [["labels", "newsclust"]] * 3
    assert [rows[0].sets for rows in found.topics] == [("themed",), ("themed",), ("themed", "themed")]
    assert found.topics[2][0].scores == found.topics[0][0].scores
    assert not evaluate([themed()], settings, baselines={}).topics


# ---------------------------------------------------------------- vectors kept


class Counting(HashingEmbedder):
    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += 1
        return super().embed(texts)


def test_kept_vectors_are_asked_for_once_for_each_model_and_list_of_texts(tmp_path: Path) -> None:
    one, other = Counting("one"), Counting("other")
    first = CachedEmbedder(one, tmp_path / "kept").embed(["ferry", "pier"])
    again = CachedEmbedder(one, tmp_path / "kept").embed(["ferry", "pier"])
    assert np.array_equal(first, again)
    assert np.array_equal(first, HashingEmbedder().embed(["ferry", "pier"]))
    assert one.asked == 1
    CachedEmbedder(one, tmp_path / "kept").embed(["pier", "ferry"])
    CachedEmbedder(other, tmp_path / "kept").embed(["ferry", "pier"])
    assert (one.asked, other.asked) == (2, 1)
    assert {file.suffix for file in (tmp_path / "kept").iterdir()} == {".npy"}


@pytest.mark.parametrize("damage", [lambda b: b[:20], lambda b: b"", lambda b: b"no array", lambda b: b[:-8]])
def test_a_damaged_file_of_vectors_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    CachedEmbedder(HashingEmbedder(), tmp_path).embed(["ferry"])
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(SettingsError, match="remove it"):
        CachedEmbedder(HashingEmbedder(), tmp_path).embed(["ferry"])


def test_vectors_of_another_shape_are_refused(tmp_path: Path) -> None:
    CachedEmbedder(HashingEmbedder(), tmp_path).embed(["ferry"])
    (file,) = tmp_path.iterdir()
    np.save(file, np.zeros((1, 3), np.float32))
    with pytest.raises(SettingsError, match="not the vectors of 1 texts"):
        CachedEmbedder(HashingEmbedder(), tmp_path).embed(["ferry"])


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be cached there"):
        CachedEmbedder(HashingEmbedder(), tmp_path / "file").embed(["ferry"])


# ---------------------------------------------------------------- the command

HARBOUR = [
    row(1, title="Ferry strikes pier in Brest harbour", topic="sea", story="pier", published="2026-02-03"),
    row(2, title="Brest harbour: ferry strikes pier", topic="sea", story="pier", published="2026-02-03"),
    row(3, title="Brest ferry strikes harbour pier", topic="sea", story="pier", published="2026-02-03", lang="fr"),
    row(4, title="Rocket reaches orbit after third attempt", topic="space", story="orbit", published="2026-02-03"),
    row(5, title="Quarterly chip sales rise sharply again", topic="chips", story="sales", published="2026-02-04"),
]


@pytest.fixture
def hashed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("NEWSCLUST_EMBED__USE", "tests.fakes:HashingEmbedder")
    monkeypatch.setenv("NEWSCLUST_PAIRS__USE", "newsclust.stories.pairs:CentredCosine")
    monkeypatch.setenv("NEWSCLUST_STORIES__USE", "newsclust.stories.clustering:AverageLinkage")
    return terminal


def outside_pairwise_f1(predictions: dict[str, str], rows: Sequence[dict[str, Any]]) -> float:
    """What a scorer makes of the file who knows nothing of this package."""
    pairs = list(combinations(rows, 2))
    said = {i for i, (a, b) in enumerate(pairs) if predictions[a["id"]] == predictions[b["id"]]}
    wanted = {i for i, (a, b) in enumerate(pairs) if a["story"] == b["story"]}
    return 2 * len(said & wanted) / (len(said) + len(wanted))


def test_evaluate_prints_a_row_for_each_method_and_writes_what_an_outside_scorer_can_read(
    hashed: Terminal, written: Callable[..., Path]
) -> None:
    ended = hashed("evaluate", str(written(*HARBOUR)), "--predictions", "out.json", "--topics")
    assert ended.code == 0
    assert "Stories: mine, 5 articles" in ended.out
    assert "Topics: mine" in ended.out
    lines = {line[2:23].strip(): line.split() for line in ended.out.partition("Topics")[0].splitlines()}
    assert {"newsclust", *baselines.STORY_BASELINES} <= lines.keys()
    assert lines["newsclust"][1] == "1.000"
    assert lines["newsclust"][-1] == "unseen"
    assert lines["every article alone"][3:5] == ["0.750", "1.000"]  # mean of 1, 1 and 3 x 1/3: recall .6, F1 .75
    predictions = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert predictions == {"n1": "n1", "n2": "n1", "n3": "n1", "n4": "n4", "n5": "n5"}
    assert outside_pairwise_f1(predictions, HARBOUR) == 1


def test_evaluate_prints_figures_as_one_json_object_a_line(hashed: Terminal, written: Callable[..., Path]) -> None:
    ended = hashed("evaluate", str(written(*HARBOUR)), "--no-baselines", "--topics", "--format", "json")
    stories, *topics = [json.loads(line) for line in ended.out.splitlines()]
    assert (stories["sets"], stories["method"], stories["leakage"]) == (["mine"], "newsclust", "unseen")
    assert stories["scores"]["en_fr_recall"] == 1
    assert [(line["stories_from"], line["scores"]["stories"]) for line in topics] == [
        ("labels", 3),
        ("newsclust", 3),
    ]


def test_two_files_are_averaged_and_their_stories_share_no_name(
    hashed: Terminal, written: Callable[..., Path]
) -> None:
    others = [one | {"id": f"m{number}"} for number, one in enumerate(HARBOUR)]
    files = written(*HARBOUR, name="a.jsonl"), written(*others, name="b.jsonl")
    ended = hashed("evaluate", *map(str, files), "--no-baselines", "--predictions", "out.json")
    assert ended.code == 0
    assert "Stories: average of 2 sets (a, b), 10 articles" in ended.out
    predictions = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert len(predictions) == 10
    first, second = ({predictions[one["id"]] for one in rows} for rows in (HARBOUR, others))
    assert first.isdisjoint(second)


def test_a_file_without_labels_is_only_predicted(hashed: Terminal, written: Callable[..., Path]) -> None:
    bare = written(*({"id": one["id"], "title": one["title"]} for one in HARBOUR))
    ended = hashed("evaluate", str(bare), "--predictions", "out.json")
    assert (ended.code, ended.out) == (0, "")
    assert outside_pairwise_f1(json.loads(Path("out.json").read_text(encoding="utf-8")), HARBOUR) == 1


def test_the_word_sample_stands_for_the_sample_corpus(hashed: Terminal) -> None:
    ended = hashed("evaluate", "sample", "--no-baselines", "--cache", "kept")
    assert ended.code == 0
    assert "Stories: sample, 130 articles" in ended.out
    assert len(list(Path("kept").iterdir())) == 2  # of titles with their beginnings, and of titles


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["bare.jsonl"], "no article has a story label"),
        (["a.jsonl", "--topics"], "no article has a topic label"),
        (["a.jsonl", "b.jsonl", "--predictions", "out.json"], "a and b both hold the id 'n1'"),
        (["a.jsonl", "--predictions", "nowhere/out.json"], "nowhere/out.json: there is no such folder"),
        (["a.jsonl", "--no-baselines", "--predictions", "folder"], "folder: predictions cannot be written there"),
        (["a.jsonl", "--config", "nowhere.toml"], "nowhere.toml: no such settings file"),
    ],
)
def test_what_cannot_be_evaluated_is_told_with_exit_code_2(
    arguments: list[str], said: str, hashed: Terminal, written: Callable[..., Path]
) -> None:
    written({"id": "n1", "title": "Title"}, name="bare.jsonl")
    for name in ("a.jsonl", "b.jsonl"):
        written(row(1), row(2), name=name)
    Path("folder").mkdir()
    ended = hashed("evaluate", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.splitlines()[-1].startswith("newsclust: ")


# ---------------------------------------------------------------- real windows


@pytest.mark.skipif(not WINDOW.is_file(), reason="the labelled windows are not beside the repository")
def test_on_a_real_window_the_simple_rules_have_the_figures_that_are_known_of_them() -> None:
    window = read_set(WINDOW)
    none = np.zeros((len(window.ids), 1), np.float32)
    alone, titles = (
        grouping_scores(rule(window.articles, none), window.stories, window.languages)
        for rule in (baselines.alone, baselines.title_words)
    )
    assert alone.b3 == pytest.approx(0.85, abs=0.02)
    assert (alone.b3_precision, alone.pair, alone.en_fr, alone.exact) == (1, 0, 0, 0)
    assert titles.pair == pytest.approx(0.1, abs=0.03)
    assert titles.pair_precision > 0.7
