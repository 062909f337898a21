"""Which articles repeat which: texts are compared, not guessed at, and every duplicate names an original."""

import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.duplicates import BANDS, SHORT_WORDS, find_duplicates, fingerprint
from newsclust.model import Article, DateQuality, Duplicate, DuplicateMethod, Fingerprint

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
SYLLABLES = "ba co du fe gi ha jo ku le mi no pu ra se ti vo".split()  # noqa: SIM905 - readable as a line


def prose(seed: int, words: int = 120) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(SYLLABLES, k=3)) for _ in range(words)]


def article(name: str, text: object, **fields: object) -> Article:
    given = {
        "id": name,
        "url": f"https://site.example/{name}",
        "canonical_url": f"https://site.example/{name}",
        "title": f"Title of {name}",
        "text": " ".join(text) if isinstance(text, list) else text,
        "language": "en",
        "outlet": "Site",
        "published_at": NOON,
        "date_quality": DateQuality.GIVEN,
        "first_seen_at": NOON,
    }
    return Article(**{**given, **fields})  # type: ignore[arg-type]


def all_pairs(*groups: Sequence[Article]) -> list[tuple[str, str]]:
    return list(combinations([member.id for group in groups for member in group], 2))


def decide(fresh: Sequence[Article], archive: Sequence[Article] = (), **known: str) -> dict[str, str]:
    found = find_duplicates(fresh, archive, all_pairs(archive, fresh), known)
    return {duplicate.article_id: duplicate.original_id for duplicate in found}


def only(found: Sequence[Duplicate]) -> Duplicate:
    assert len(found) == 1
    return found[0]


def share_a_band(one: Fingerprint, other: Fingerprint) -> bool:
    return bool(set(one.bands) & set(other.bands))


# fingerprints


def test_copying_leaves_the_fingerprint_as_it_is() -> None:
    words = ["l'avenir", "«", "sûr", "»", "the", "ﬁnal", "off-line", "co\u00adopted", *prose(1)]
    copied = ["L’AVENIR", "“sûr”,", "the", "final", "off – line", "coopted", *prose(1)]
    one, other = fingerprint([article("a", " ".join(words)), article("b", "\n\n".join(copied) + "!")])
    assert one.text_hash == other.text_hash
    assert one.bands == other.bands
    assert one.shingles == other.shingles


def test_a_changed_word_changes_the_hash_and_leaves_a_band() -> None:
    words = prose(1)
    one, other = fingerprint([article("a", words), article("b", [*words[:-1], "corrected"])])
    assert one.text_hash != other.text_hash
    assert share_a_band(one, other)


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    """Stored keys live for months. When this fails, the stored fingerprints must be written anew."""
    code = (
        "from tests.test_duplicates import article, prose; from newsclust.duplicates import fingerprint; "
        "found = fingerprint([article('a', prose(1))])[0]; "
        "print(found.text_hash, found.shingles, found.bands[0])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            cwd=Path(__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {"bcc3924ade14aa9ce80799825fcaa4ef 118 10599975865066228586\n"}


@given(st.lists(st.integers(0, 60), max_size=6))
def test_band_keys_are_unsigned_and_only_long_texts_have_them(lengths: list[int]) -> None:
    found = fingerprint([article(f"a{n}", prose(n, length)) for n, length in enumerate(lengths)])
    assert [one.article_id for one in found] == [f"a{n}" for n in range(len(lengths))]
    for length, one in zip(lengths, found, strict=True):
        assert len(one.bands) == (BANDS if length >= SHORT_WORDS else 0)
        assert all(0 <= key < 2**64 for key in one.bands)
        assert one.shingles == max(0, length - 2)


def test_near_texts_share_a_band_and_other_texts_do_not() -> None:
    originals = [article(f"a{n}", prose(n, 300)) for n in range(200)]
    copies = [article(f"b{n}", prose(n, 300)[:285] + prose(1000 + n, 15)) for n in range(200)]  # Jaccard .9
    found = fingerprint([*originals, *copies])
    pairs = [(n, m) for n, m in combinations(range(400), 2) if share_a_band(found[n], found[m])]
    assert pairs == [(n, n + 200) for n in range(200)]


# one pair


def test_near_texts_are_duplicates_with_their_jaccard_as_evidence() -> None:
    words = prose(1, 100)
    pair = [article("a", words), article("b", [*words, "with", "a", "tail"])]
    found = only(find_duplicates(pair, [], [("a", "b")], {}))
    assert found == Duplicate(
        article_id="a",  # the longer text is the original
        original_id="b",
        method=DuplicateMethod.NEAR_TEXT,
        similarity=98 / 101,
        evidence="98 of 101 three-word runs in common",
    )


def test_equal_texts_are_duplicates_whatever_their_titles() -> None:
    found = only(find_duplicates([article("b", prose(1)), article("a", prose(1))], [], [("a", "b")], {}))
    assert (found.article_id, found.original_id) == ("b", "a")
    assert (found.method, found.similarity) == (DuplicateMethod.SAME_TEXT, 1.0)
    assert found.evidence == "the same 120 words"


@pytest.mark.parametrize("side", ["url", "canonical_url"])
def test_one_address_is_one_article_whatever_the_texts(side: str) -> None:
    address = "https://site.example/a"
    pair = [article("a", prose(1)), article("b", prose(2), **{side: address})]
    found = only(find_duplicates(pair, [], [("b", "a")], {}))
    assert (found.method, found.similarity) == (DuplicateMethod.SAME_URL, 1.0)
    assert found.evidence == f"both are known as {address}"


def test_the_root_of_a_site_is_no_address_of_an_article() -> None:
    root = "https://site.example/"
    assert decide([article("a", prose(1), canonical_url=root), article("b", prose(2), canonical_url=root)]) == {}


@pytest.mark.parametrize(("shared", "is_duplicate"), [(80, True), (79, False)])
def test_the_threshold_belongs_to_the_duplicates(shared: int, is_duplicate: bool) -> None:
    common = prose(1, shared + 2)  # `shared` runs
    pair = [article("a", common), article("b", [*common, *prose(2, 100 - shared)])]  # of 100
    assert bool(decide(pair)) is is_duplicate


def test_the_threshold_is_an_argument() -> None:
    pair = [article("a", prose(1, 100)), article("b", prose(1, 50) + prose(2, 50))]
    assert find_duplicates(pair, [], [("a", "b")], {}) == []
    assert len(find_duplicates(pair, [], [("a", "b")], {}, threshold=0.3)) == 1


def test_what_a_site_says_of_itself_never_merges_articles() -> None:
    paywall = "Subscribe to read on. Already a subscriber? Sign in."
    walled = [article(f"a{n}", paywall) for n in range(5)]
    almost = article("b", paywall + " Now.", title="Title of a0")
    assert decide([*walled, almost]) == {}


def test_a_short_text_is_a_duplicate_under_the_same_title() -> None:
    brief = "The probe has landed. All instruments answer."
    pair = [article("a", brief, title="Probe has landed"), article("b", brief, title="“Probe has landed”")]
    assert decide(pair) == {"b": "a"}


def test_articles_without_a_word_have_no_text_in_common() -> None:
    assert decide([article("a", "", title="Live"), article("b", "…", title="Live")]) == {}


def test_pairs_that_are_not_proposed_are_not_compared() -> None:
    assert find_duplicates([article("a", prose(1)), article("b", prose(1))], [], [], {}) == []


# which one is the original

EARLIER = NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ({"published_at": EARLIER}, {}),
        ({}, {"published_at": EARLIER, "date_quality": DateQuality.MISSING}),
        ({}, {"published_at": EARLIER, "date_quality": DateQuality.FUTURE}),
        ({"published_at": EARLIER, "date_quality": DateQuality.GUESSED}, {}),
        ({"text": " ".join(prose(1)) + " and more"}, {}),
        ({"published_at": EARLIER}, {"text": " ".join(prose(1)) + " and more"}),
        ({"id": "a"}, {}),
    ],
)
def test_the_original_is_the_first_with_a_sound_date_then_the_longest(
    original: dict[str, object], copy: dict[str, object]
) -> None:
    better = article("m", **{"text": prose(1), **original})
    worse = article("c", **{"text": prose(1), **copy})
    assert decide([worse, better]) == {"c": better.id}


def test_an_archived_original_stays_one_although_an_earlier_copy_comes() -> None:
    assert decide([article("b", prose(1), published_at=EARLIER)], [article("a", prose(1))]) == {"b": "a"}


def test_what_known_duplicates_name_stays_an_original() -> None:
    pair = [article("a", prose(1)), article("b", prose(1), published_at=EARLIER)]
    assert decide(pair) == {"a": "b"}
    assert decide(pair, gone="a") == {"b": "a"}


def test_archived_articles_are_never_decided_again() -> None:
    assert decide([], [article("a", prose(1)), article("b", prose(1))]) == {}


def test_a_known_duplicate_proposes_its_original() -> None:
    archive = [article("a", prose(1)), article("b", prose(1))]
    found = find_duplicates([article("c", prose(1))], archive, [("c", "b")], {"b": "a"})
    assert only(found).original_id == "a"


def test_a_known_duplicate_whose_original_is_not_at_hand_is_no_original() -> None:
    assert find_duplicates([article("c", prose(1))], [article("b", prose(1))], [("c", "b")], {"b": "a"}) == []


def test_a_copy_of_a_copy_that_does_not_match_the_original_is_an_original() -> None:
    words, tail = prose(1, 120), prose(2, 15)
    first = article("a", words, published_at=EARLIER)
    middle = article("b", [*words, *tail])  # Jaccard with each neighbour .89, between the ends .78
    last = article("c", [*words[15:], *tail], published_at=NOON + timedelta(hours=1))
    assert decide([first, middle, last]) == {"b": "a"}
    assert decide([middle, last]) == {"c": "b"}


def test_contradictory_arguments_are_refused() -> None:
    one, other = article("a", prose(1)), article("b", prose(2))
    with pytest.raises(ValueError, match="given twice"):
        find_duplicates([one], [one], [], {})
    with pytest.raises(ValueError, match="pair a, z names an article that is not given"):
        find_duplicates([one], [other], [("a", "z")], {})
    with pytest.raises(ValueError, match="named as originals: b"):
        find_duplicates([one], [other], [], {"b": "a", "c": "b"})


# what holds for any night

Night = tuple[list[Article], list[Article], list[tuple[str, str]], dict[str, str]]  # as find_duplicates takes it


@st.composite
def nights(draw: st.DrawFn) -> Night:
    """Articles cut as windows from few texts, so that many match, many nearly and in chains."""
    drawn = st.tuples(
        st.integers(0, 1),  # text
        st.sampled_from([0, 4, 8, 12, 16]),  # words left out at its start
        st.sampled_from([5, 100, 104]),  # words
        st.sampled_from([0, 1, 2]),  # hours
        st.sampled_from(DateQuality),
        st.sampled_from([None, 0, 1, 2]),  # another article's address
    )
    articles = [
        article(
            f"n{n}",
            prose(text, 120)[start : start + length],
            title=f"Text {text}",
            published_at=NOON + timedelta(hours=hours),
            date_quality=quality,
            canonical_url=f"https://site.example/n{n if alias is None else alias}",
        )
        for n, (text, start, length, hours, quality, alias) in enumerate(draw(st.lists(drawn, max_size=9)))
    ]
    cut = draw(st.integers(0, len(articles)))
    fresh, archive = articles[cut:], articles[:cut]
    known = {}
    if archive:
        originals = {archive[0].id, "elsewhere"}
        for old in archive[1:]:
            if draw(st.booleans()):
                known[old.id] = draw(st.sampled_from(sorted(originals)))
    pairs = [pair for pair in all_pairs(articles) if draw(st.integers(0, 4))]
    return fresh, archive, pairs, known


@given(nights(), st.randoms(use_true_random=False))
def test_the_order_of_everything_changes_nothing(night: Night, rng: random.Random) -> None:
    fresh, archive, pairs, known = night
    expected = find_duplicates(fresh, archive, pairs, known)
    turned = [pair if rng.random() < 0.5 else pair[::-1] for pair in pairs]
    for order in (fresh, archive, turned):
        rng.shuffle(order)
    assert find_duplicates(fresh, archive, turned, dict(reversed(known.items()))) == expected


@given(nights())
def test_running_twice_changes_nothing(night: Night) -> None:
    fresh, archive, pairs, known = night
    first = find_duplicates(fresh, archive, pairs, known)
    decided = {duplicate.article_id: duplicate.original_id for duplicate in first}
    assert find_duplicates(fresh, archive, pairs, {**known, **decided}) == first


@given(nights())
def test_every_fresh_article_is_once_an_original_or_a_duplicate_of_one(night: Night) -> None:
    fresh, archive, pairs, known = night
    found = find_duplicates(fresh, archive, pairs, known)
    duplicates = [duplicate.article_id for duplicate in found]
    originals = {duplicate.original_id for duplicate in found}
    assert len(set(duplicates)) == len(duplicates)
    assert set(duplicates) <= {one.id for one in fresh} - set(known.values())
    assert originals <= {one.id for one in (*fresh, *archive)} - set(duplicates) - known.keys()


@given(nights())
def test_every_duplicate_matches_the_original_it_names(night: Night) -> None:
    fresh, archive, pairs, known = night
    by_id = {one.id: one for one in (*fresh, *archive)}
    for duplicate in find_duplicates(fresh, archive, pairs, known):
        ends = duplicate.article_id, duplicate.original_id
        alone = find_duplicates([by_id[ends[0]]], [by_id[ends[1]]], [ends], {})
        assert alone == [duplicate]


@given(nights())
def test_originals_that_were_paired_do_not_match(night: Night) -> None:
    fresh, archive, pairs, known = night
    repeated = {duplicate.article_id for duplicate in find_duplicates(fresh, archive, pairs, known)}
    by_id = {one.id: one for one in fresh if one.id not in repeated and one.id not in known.values()}
    for one, other in pairs:
        if one in by_id and other in by_id:
            assert find_duplicates([by_id[one], by_id[other]], [], [(one, other)], {}) == []
