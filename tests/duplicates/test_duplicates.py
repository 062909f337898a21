"""Which articles repeat which: keys find candidates, texts are compared, and every duplicate names an original."""

import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.duplicates import MIN_CONTEXTS, edge_blocks, find_duplicates, fingerprint
from newsclust.duplicates.fingerprints import BANDS, SHORT_WORDS
from newsclust.duplicates.outlet_boilerplate import body_tokens
from newsclust.duplicates.similarity import TextMatch, compare, longest_common_substring, prepare
from newsclust.model import Article, DateQuality, Duplicate, DuplicateMethod, Fingerprint
from newsclust.text.tokens import shingles_of, tokenize, tokenized_sentences

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SYLLABLES = "ba co du fe gi ha jo ku le mi no pu ra se ti vo".split()  # noqa: SIM905 - readable as a line


def prose(seed: int, words: int = 120) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(SYLLABLES, k=3)) for _ in range(words)]


def told(*seeds: int) -> str:
    """A text of one sentence of 20 words for each seed."""
    return " ".join(" ".join(prose(seed, 20)).capitalize() + "." for seed in seeds)


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


def verdict(one: Article, other: Article, boilerplate: frozenset[int] = frozenset()) -> TextMatch | None:
    return compare(prepare(one, boilerplate), prepare(other, boilerplate))


def learned(*articles: Article) -> frozenset[int]:
    contexts = defaultdict(set)
    for end in edge_blocks(articles):
        contexts[end.key].add(end.context)
    return frozenset(key for key, seen in contexts.items() if len(seen) >= MIN_CONTEXTS)


def night(fresh: Sequence[Article], archive: Sequence[Article] = ()) -> dict[str, str]:
    """What one night finds: candidates by keys, boilerplate by what all articles teach."""
    everything = [*archive, *fresh]
    boilerplate = learned(*everything)
    prints = fingerprint(everything)
    pairs = [(a.article_id, b.article_id) for a, b in combinations(prints, 2) if share_a_key(a, b)]
    found = find_duplicates(fresh, archive, pairs, {}, boilerplate=boilerplate)
    return {duplicate.article_id: duplicate.original_id for duplicate in found}


def share_a_key(one: Fingerprint, other: Fingerprint) -> bool:
    return bool(set(one.keys) & set(other.keys))


# words


def test_words_are_what_duplicateing_leaves_alone() -> None:
    assert tokenize("L’AVENIR “sûr”, off – line_2") == tokenize("l'avenir « sûr » off-line 2")
    assert tokenize("ﬁnal co\u00adopted") == ("final", "coopted")
    assert tokenize("…") == ()


def test_sentences_end_at_signs_and_lines() -> None:
    assert tokenized_sentences("One ends. «Two?» Three\n\n4.5 is four") == [
        ("one", "ends"),
        ("two",),
        ("three",),
        ("4", "5", "is", "four"),
    ]


def test_runs_are_of_three_words_and_two_words_have_none() -> None:
    assert shingles_of(("a", "b", "c", "d")) == {"a b c", "b c d"}
    assert shingles_of(("a", "b")) == frozenset()


# fingerprints


def test_duplicateing_leaves_the_fingerprint_as_it_is() -> None:
    words = ["l'avenir", "«", "sûr", "»", "the", "ﬁnal", "off-line", "co\u00adopted", *prose(1)]
    copied = ["L’AVENIR", "“sûr”,", "the", "final", "off – line", "coopted", *prose(1)]
    first = article("a", " ".join(words))
    one, other = fingerprint([first, replace(first, text="\n\n".join(copied) + "!")])
    assert one == other


def test_a_changed_word_changes_the_hash_and_leaves_a_key() -> None:
    words = prose(1)
    one, other = fingerprint([article("a", words), article("b", [*words[:60], "corrected", *words[61:]])])
    assert one.text_hash != other.text_hash
    assert share_a_key(one, other)


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    """Stored keys live for months. When this fails, the stored fingerprints must be written anew."""
    code = (
        "from tests.duplicates.test_duplicates import article, prose; from newsclust.duplicates import fingerprint; "
        "found = fingerprint([article('a', prose(1))])[0]; "
        "print(found.text_hash, found.shingles, len(found.keys), sum(found.keys) % 2**64)"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {"bcc3924ade14aa9ce80799825fcaa4ef 118 32 2791868840182207387\n"}


@given(st.lists(st.integers(0, 60), max_size=6))
def test_keys_are_sorted_unsigned_and_only_long_texts_have_bands(lengths: list[int]) -> None:
    found = fingerprint([article(f"a{n}", prose(n, length)) for n, length in enumerate(lengths)])
    assert [one.article_id for one in found] == [f"a{n}" for n in range(len(lengths))]
    for length, one in zip(lengths, found, strict=True):
        few = 1 + bool(length)  # the address, and the text if there is one; three words are no title to go by
        assert len(one.keys) >= few + BANDS if length >= SHORT_WORDS else len(one.keys) == few
        assert all(0 <= key < 2**64 for key in one.keys)
        assert list(one.keys) == sorted(set(one.keys))
        assert one.shingles == max(0, length - 2)


def test_near_texts_share_a_key_and_other_texts_do_not() -> None:
    originals = [article(f"a{n}", prose(n, 300)) for n in range(200)]
    copies = [article(f"b{n}", prose(n, 300)[:285] + prose(1000 + n, 15)) for n in range(200)]  # Jaccard .9
    found = fingerprint([*originals, *copies])
    pairs = [(n, m) for n, m in combinations(range(400), 2) if share_a_key(found[n], found[m])]
    assert pairs == [(n, n + 200) for n in range(200)]


@pytest.mark.parametrize("start", [0, 10, 60])
def test_a_part_shares_a_passage_with_the_whole_wherever_it_stands(start: int) -> None:
    wholes = [article(f"a{n}", prose(n, 900)) for n in range(20)]
    parts = [article(f"b{n}", prose(n, 900)[start : start + 300]) for n in range(20)]
    found = fingerprint([*wholes, *parts])
    assert sum(share_a_key(found[n], found[n + 20]) for n in range(20)) >= 19


def test_short_texts_share_a_key_by_their_title_their_words_or_their_address() -> None:
    first = article("a", "A probe has landed.", title="The probe has landed safely")
    same_title = article("b", "It landed.", title="“The probe has landed safely”")
    same_text = article("c", "a probe has landed", title="Landed")
    same_address = article("d", "Here.", title="Landed", url=first.url)
    other = article("e", "It has not landed.", title="Landed")
    one, *others = fingerprint([first, same_title, same_text, same_address, other])
    assert [share_a_key(one, found) for found in others] == [True, True, True, False]


# boilerplate


def test_what_stands_at_the_end_of_three_articles_is_no_part_of_a_fourth() -> None:
    footer = "Subscribe to our letter. It comes on Sundays."
    taught = [article(f"a{n}", f"{told(n)} {footer}") for n in range(3)]
    fourth = article("b", f"{told(9)} {footer}")
    assert body_tokens(fourth, learned(*taught[:2])) == tokenize(fourth.text)
    assert body_tokens(fourth, learned(*taught)) == tokenize(told(9))


def test_heads_are_learned_as_tails_are() -> None:
    taught = [article(f"a{n}", f"Our daily look at chips. {told(n)}") for n in range(3)]
    assert body_tokens(article("b", f"Our daily look at chips. {told(9)}"), learned(*taught)) == tokenize(told(9))


def test_boilerplate_that_names_the_title_teaches_itself() -> None:
    taught = [
        article(f"a{n}", f"{told(n)} The post {title} appeared first on Site.", title=title)
        for n, title in enumerate(["Chips are dear", "A probe lands", "Rain over Paris"])
    ]
    fourth = article("b", f"{told(9)} The post Nothing new appeared first on Site.", title="Nothing new")
    assert body_tokens(fourth, learned(*taught)) == tokenize(told(9))


def test_boilerplate_belongs_to_its_outlet() -> None:
    taught = [article(f"a{n}", f"{told(n)} Read on there.") for n in range(3)]
    elsewhere = article("b", f"{told(9)} Read on there.", outlet="Other")
    assert body_tokens(elsewhere, learned(*taught)) == tokenize(elsewhere.text)


def test_versions_and_sightings_of_one_article_teach_nothing() -> None:
    sightings = [article(f"a{n}", told(*range(10)), title="A probe lands") for n in range(5)]
    edits = [told(*(99 if n == edited else n for n in range(10))) for edited in (1, 3, 5)]
    versions = [article("b", text, title="A probe lands") for text in edits]
    assert learned(*sightings) == learned(*versions) == frozenset()


def test_an_article_of_nothing_but_boilerplate_has_no_words_of_its_own() -> None:
    walled = [article(f"a{n}", "Subscribe to read on.", title=f"Story of {name}") for n, name in enumerate("xyz")]
    assert body_tokens(walled[0], learned(*walled)) == ()


@given(st.permutations(range(6)), st.lists(st.integers(0, 5)))
def test_neither_the_order_nor_seeing_twice_changes_what_is_learned(order: list[int], again: list[int]) -> None:
    articles = [
        article(f"a{n}", f"Good morning. {told(n)} Until {'tomorrow' if n % 2 else 'then'}.") for n in range(6)
    ]
    known = learned(*articles)
    assert known
    assert learned(*(articles[n] for n in [*order, *again])) == known


# the verdict on one pair


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


def test_an_edit_of_one_word_is_a_near_text() -> None:
    words = prose(1)
    said = verdict(article("a", words), article("b", [*words[:60], "corrected", *words[61:]]))
    assert said is not None
    assert (said.method, said.similarity) == (DuplicateMethod.NEAR_TEXT, 115 / 121)


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


@pytest.mark.parametrize("words", [0, 5, 40, 120])
def test_an_address_that_a_template_gives_to_several_pages_makes_no_duplicates(words: int) -> None:
    section = "https://site.example/news"
    titles = ["Harbour pool heated by servers", "Chess engine beats maker", "Fibre reaches last village"]
    pages = [article(f"a{n}", prose(n, words), title=title, canonical_url=section) for n, title in enumerate(titles)]
    assert decide(pages) == {}
    first = pages[0].url
    assert decide([pages[0], *(replace(page, canonical_url=first) for page in pages[1:])]) == {}
    assert decide([pages[0], replace(pages[0], id="b", url="https://site.example/b")]) == {"b": "a0"}


def test_headlines_without_a_text_are_duplicates_by_their_address_alone() -> None:
    one, other = article("a", "", title="Pool heated by servers"), article("b", "", title="Pool heated by servers")
    assert decide([one, other]) == {}
    assert decide([one, replace(other, canonical_url=one.url)]) == {"b": "a"}


def digest_of(*parts: Article, **fields: object) -> Article:
    return article("digest", " ".join(part.text for part in parts), title="The week in short", **fields)


def stories(*lengths: int) -> list[Article]:
    titles = ["Harbour pool heated by servers", "Chess engine beats maker", "Fibre reaches last village"]
    return [
        article(f"s{n}", prose(n, length), title=title)
        for n, (length, title) in enumerate(zip(lengths, titles, strict=False))
    ]


@pytest.mark.parametrize("lengths", [(110, 110, 110), (110, 110), (40, 40), (300, 60), (35, 200, 35)])
@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("are_archived", [False, True])
def test_a_digest_swallows_none_of_the_articles_that_it_holds(
    lengths: tuple[int, ...], hours: int, are_archived: bool
) -> None:
    parts = stories(*lengths)
    digest = digest_of(*parts, published_at=NOON + timedelta(hours=hours))
    assert decide([digest] if are_archived else [*parts, digest], parts if are_archived else []) == {}
    assert decide(parts, [digest]) == {}


def test_a_digest_titled_by_the_headlines_that_it_holds_is_one() -> None:
    parts = stories(110, 110)
    assert decide([*parts, replace(digest_of(*parts), title="; ".join(part.title for part in parts))]) == {}


def test_a_digest_that_two_outlets_print_is_a_duplicate_of_itself() -> None:
    parts = stories(110, 110)
    digest = digest_of(*parts)
    assert decide([*parts, digest, replace(digest, id="twin", url="https://site.example/twin")]) == {"twin": "digest"}


def test_a_text_that_holds_its_own_lead_and_one_article_is_no_digest() -> None:
    (whole,) = stories(200)
    lead = article("lead", whole.text.split()[:80], title=whole.title)
    middle = article("middle", whole.text.split()[20:110], title="Another title altogether here")
    assert decide([whole, lead, middle]) == {"lead": "s0", "middle": "s0"}


@pytest.mark.parametrize(("shared", "method"), [(80, DuplicateMethod.NEAR_TEXT), (79, DuplicateMethod.CONTAINED)])
def test_from_a_jaccard_of_80_percent_on_texts_are_near(shared: int, method: DuplicateMethod) -> None:
    common = prose(1, shared + 2)  # `shared` runs
    said = verdict(article("a", common), article("b", [*common, *prose(2, 100 - shared)]))  # of 100
    assert said is not None
    assert said.method == method


@pytest.mark.parametrize(
    ("shared", "outlet", "is_copy"),
    [(82, "Site", True), (81, "Site", False), (78, "Other", True), (77, "Other", False)],
)
def test_a_text_that_holds_most_of_another_is_its_duplicate_and_less_is_enough_between_outlets(
    shared: int, outlet: str, is_copy: bool
) -> None:
    common = prose(1, shared + 2)
    short = article("a", [*common, *prose(2, 100 - shared)])  # of 100 runs
    long = article("b", [*common, *prose(3, 100)], outlet=outlet)
    said = verdict(short, long)
    assert (said is not None and said.method is DuplicateMethod.CONTAINED) is is_copy


def test_both_thresholds_are_arguments() -> None:
    near = [article("a", prose(1, 100)), article("b", prose(1, 50) + prose(2, 50))]
    assert find_duplicates(near, [], [("a", "b")], {}) == []
    assert len(find_duplicates(near, [], [("a", "b")], {}, jaccard=0.3)) == 1
    assert len(find_duplicates(near, [], [("a", "b")], {}, containment=0.4)) == 1


FULL = told(*range(20))  # 400 words


@pytest.mark.parametrize(
    "part",
    [told(0, 1), told(*range(8)), told(0, 1, 2, 5, 6, 7, 12), told(*range(3, 19))],
    ids=[
        "the summary of a feed",
        "the beginning before a paywall",
        "an abridgement",
        "the later part of one edition",
    ],
)
def test_what_stands_in_the_whole_is_contained(part: str) -> None:
    said = verdict(article("a", FULL), article("b", part, outlet="Other"))
    assert said is not None
    assert said.method is DuplicateMethod.CONTAINED
    assert "three-word runs stand" in said.evidence


def test_what_is_quoted_deep_in_a_round_up_is_not() -> None:
    quoted = article("b", told(12, 13, 14, 15), title="A probe lands")
    assert verdict(article("a", FULL, title="The week in ten stories"), quoted) is None
    assert verdict(article("a", FULL, title="A probe lands"), quoted) is not None


def test_half_a_text_quoted_makes_no_duplicate() -> None:
    quoting = told(0, 1, 2, 3) + " " + told(40, 41, 42, 43)
    assert verdict(article("a", FULL), article("b", quoting)) is None
    assert verdict(article("a", told(0, 1, 2, 3, 50, 51, 52, 53)), article("b", quoting)) is None


def test_runs_in_common_without_one_that_is_unbroken_make_no_duplicate() -> None:
    words = prose(1, 300)
    pieces = [word for start in range(0, 300, 15) for word in (*words[start : start + 15], "x")]
    assert verdict(article("a", pieces), article("b", [*words, *prose(2, 200)])) is None


def test_two_of_a_series_are_no_duplicates() -> None:
    """The form is the outlet's, the number tells them apart."""
    form = prose(1, 40)
    first = article("a", [*form, "seven"], title="Preview 237 is out")
    second = article("b", [*form, "eight"], title="Preview 238 is out")
    assert verdict(first, second) is None
    assert verdict(first, replace(second, title="Preview is out")) is not None
    monday = replace(first, title="The news of Monday"), replace(second, title="The news of Tuesday")
    assert verdict(*monday) is None


def test_a_short_text_is_a_duplicate_under_the_same_title() -> None:
    brief = "The probe has landed. All instruments answer."
    pair = [article("a", brief, title="Probe has landed"), article("b", brief, title="“Probe has landed”")]
    assert decide(pair) == {"b": "a"}


def test_a_short_text_under_a_retouched_title_is_a_duplicate_for_three_days() -> None:
    brief = " ".join(prose(1, 12))
    first = article("a", brief, title="Probe lands on the far side")
    second = article("b", brief, title="Probe lands on far side at last")
    assert verdict(first, replace(second, published_at=NOON + 3 * DAY)) is not None
    assert verdict(first, replace(second, published_at=NOON + 4 * DAY)) is None
    assert verdict(first, replace(second, title="Something else")) is None


def test_articles_without_a_word_have_no_text_in_common() -> None:
    assert decide([article("a", "", title="Live"), article("b", "…", title="Live")]) == {}


def test_texts_without_words_of_their_own_are_duplicates_by_title_and_day_alone() -> None:
    wall = "Subscribe to read on."
    taught = [article(f"a{n}", wall, title=f"Story of {name}") for n, name in enumerate("xyz")]
    boilerplate = learned(*taught)
    again = replace(taught[0], id="b", outlet="Site")
    assert verdict(taught[0], again, boilerplate) is not None
    assert verdict(taught[0], replace(again, published_at=NOON + DAY), boilerplate) is None
    assert verdict(taught[0], taught[1], boilerplate) is None


texts = st.lists(st.integers(0, 9), min_size=1, max_size=8).map(lambda seeds: told(*seeds))
titles = st.sampled_from(["Preview 1 is out", "Preview 2 is out", "A probe lands", ""])
loose = st.builds(
    lambda text, title, outlet, days: article("x", text, title=title, outlet=outlet, published_at=NOON + days * DAY),
    texts,
    titles,
    st.sampled_from(["Site", "Other"]),
    st.integers(0, 4),
)


@given(loose, loose)
def test_which_of_two_is_asked_first_changes_nothing(one: Article, other: Article) -> None:
    other = replace(other, id="y")
    assert verdict(one, other) == verdict(other, one)


@given(loose)
def test_every_text_of_sixty_words_is_a_duplicate_of_itself(one: Article) -> None:
    if len(tokenize(one.text)) >= 60:
        said = verdict(one, replace(one, id="y"))
        assert said is not None
        assert said.similarity == 1


@given(st.text("abc ", max_size=40), st.text("abc ", max_size=40))
def test_the_longest_common_run_is_what_trying_every_one_gives(one: str, other: str) -> None:
    a, b = tokenize(one), tokenize(other)
    length, in_a, in_b = longest_common_substring(a, b)
    assert a[in_a : in_a + length] == b[in_b : in_b + length]
    common = {a[i:j] for i in range(len(a)) for j in range(i + 3, len(a) + 1)} & {
        b[i:j] for i in range(len(b)) for j in range(i + 3, len(b) + 1)
    }
    assert length == max(map(len, common), default=0)


# feeds gone wrong


def test_a_feed_that_changes_every_guid_overnight_brings_duplicates_alone() -> None:
    archive = [article(f"a{n}", told(*range(n * 10, n * 10 + 5))) for n in range(30)]
    fresh = [
        replace(one, id=f"b{n}", url=f"{one.url}?new", canonical_url=f"{one.url}?new", first_seen_at=NOON + DAY)
        for n, one in enumerate(archive)
    ]
    assert night(fresh, archive) == {f"b{n}": f"a{n}" for n in range(30)}


def test_a_feed_that_gives_the_same_canonical_root_to_all_merges_none() -> None:
    root = "https://site.example/"
    assert night([article(f"a{n}", told(n, 100 + n, 200 + n), canonical_url=root) for n in range(30)]) == {}


def test_a_title_that_is_the_same_every_day_merges_nothing() -> None:
    title = "The news of the morning in one minute"
    days = [article(f"a{n}", told(n), title=title, published_at=NOON + n * DAY) for n in range(10)]
    assert night(days) == {}
    columns = [article(f"a{n}", "The news.", title="Morning", published_at=NOON + n * DAY) for n in range(10)]
    assert night(columns) == {}


def test_what_a_site_says_of_itself_never_merges_articles() -> None:
    paywall = "Subscribe to read on. Already a subscriber? Sign in."
    walled = [article(f"a{n}", paywall, title=f"Story of {name}") for n, name in enumerate("vwxyz")]
    almost = article("b", paywall + " Now.", title="Story of v")
    assert night([*walled, almost]) == {}


def test_a_long_text_that_a_site_gives_to_every_article_merges_none() -> None:
    wall = told(*range(60, 66))
    assert night([article(f"a{n}", wall, title=f"Story of {name}") for n, name in enumerate("vwxyz")]) == {}
    assert night([article(f"a{n}", f"{told(n)} {wall}", title=f"Story {name}") for n, name in enumerate("vwx")]) == {}


def test_empty_texts_merge_nothing_under_one_title() -> None:
    assert night([article(f"a{n}", "", title="The same title of eight words stands here") for n in range(5)]) == {}


def test_pages_of_ten_thousand_words_are_compared_in_bounded_time() -> None:
    rng = random.Random(1)
    vocabulary = [f"w{n}" for n in range(3000)]
    words = rng.choices(vocabulary, k=10_000)
    pages = [
        article("a", words),
        article("b", [*words[:9000], *rng.choices(vocabulary, k=800)]),
        article("c", ["the"] * 10_000),
        article("d", [*["the"] * 9000, *prose(1, 500)]),
    ]
    begun = time.process_time()
    assert night(pages) == {"b": "a"}
    assert time.process_time() - begun < 20  # it takes .3 s


def test_pairs_that_are_not_proposed_are_not_compared() -> None:
    assert find_duplicates([article("a", prose(1)), article("b", prose(1))], [], [], {}) == []


# which one is the original

EARLIER = NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        (
            {"date_quality": DateQuality.MISSING},
            {"url": "https://other.example/x", "canonical_url": "https://site.example/m", "published_at": EARLIER},
        ),
        ({"url": "https://proxy.example/x", "published_at": EARLIER}, {"url": "https://other.example/copied"}),
        ({"published_at": EARLIER}, {}),
        ({}, {"published_at": EARLIER, "date_quality": DateQuality.MISSING}),
        ({}, {"published_at": EARLIER, "date_quality": DateQuality.FUTURE}),
        ({"published_at": EARLIER, "date_quality": DateQuality.GUESSED}, {}),
        ({"text": " ".join(prose(1)) + " and more"}, {}),
        ({"published_at": EARLIER}, {"text": " ".join(prose(1)) + " and more"}),
        ({"published_at": EARLIER}, {"priority": 5}),
        ({"text": " ".join(prose(1)) + " and more"}, {"priority": 5}),
        ({"priority": 5}, {}),
        ({"id": "a"}, {}),
    ],
)
def test_the_original_stands_at_its_address_has_a_sound_date_then_the_earlier_the_longer_text_the_preferred_feed(
    original: dict[str, object], copy: dict[str, object]
) -> None:
    better = article("m", **{"text": prose(1), **original})
    worse = article("c", **{"text": prose(1), **copy})
    assert decide([worse, better]) == {"c": better.id}


def test_an_archived_original_stays_one_although_an_earlier_duplicate_comes() -> None:
    assert decide([article("b", prose(1), published_at=EARLIER)], [article("a", prose(1))]) == {"b": "a"}


@pytest.mark.parametrize(
    ("copy", "archived", "why"),
    [
        ({}, {}, ""),
        ({"published_at": NOON + DAY, "priority": 5}, {}, ""),
        (
            {},
            {"url": "https://other.example/x", "canonical_url": "https://site.example/b"},
            "it stands where the other only leads to",
        ),
        ({"published_at": EARLIER}, {}, "published earlier, at 2026-01-15 11:00"),
        ({}, {"date_quality": DateQuality.MISSING}, "its date can be relied on"),
        ({"text": [*prose(1), "more"]}, {}, "a fuller text, of 844 characters for 839"),
        ({"priority": 5}, {}, "its feed is preferred"),
    ],
)
def test_a_later_duplicate_that_would_have_been_the_better_original_says_why(
    copy: dict[str, object], archived: dict[str, object], why: str
) -> None:
    late = article("b", **{"text": prose(1), **copy})
    found = only(find_duplicates([late], [article("a", prose(1), **archived)], [("a", "b")], {}))
    assert (found.original_id, found.better_original_reason) == ("a", why)


def test_an_article_that_people_call_a_duplicate_of_none_is_an_original() -> None:
    pair = [article("a", prose(1)), article("b", prose(1)), article("c", prose(1), published_at=NOON + DAY)]
    found = find_duplicates(pair, [], all_pairs(pair), {}, duplicate_overrides={"b", "elsewhere"})
    assert "b" not in {duplicate.article_id for duplicate in found}
    alone = find_duplicates([pair[1]], [pair[0]], [("a", "b")], {}, duplicate_overrides={"b"})
    assert alone == []


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


def test_a_duplicate_of_a_duplicate_that_does_not_match_the_original_is_an_original() -> None:
    words, tail = prose(1, 120), prose(2, 30)
    first = article("a", words, published_at=EARLIER)
    middle = article("b", [*words, *tail])  # holds the first; the last holds .79 of the first, .9 of the middle
    last = article("c", [*words[25:], *tail], published_at=NOON + timedelta(hours=1))
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
