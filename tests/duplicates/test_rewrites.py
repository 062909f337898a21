"""Articles rewritten or translated from others: how they are judged, how they are kept, and what analysts see."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclust import pipeline
from newsclust.demo import sample_gold
from newsclust.demo.corpus import read_corpus
from newsclust.duplicates.rewrites import MIN_ARTICLE_WORDS, compare_pairs
from newsclust.duplicates.rewrites.classifier import MIN_ARTICLE_SENTENCES
from newsclust.duplicates.rewrites.lexical import find_anchors, lcs_length, normalize_number, shingles_of
from newsclust.duplicates.rewrites.semantic import (
    Alignment,
    align,
    center_sentences,
    measure_alignment,
    shipped_sentence_means,
)
from newsclust.embed import SentenceTransformerEmbedder
from newsclust.model import Article, Count, RewriteComparison, RewriteMethod, Run
from newsclust.store import Database, runs
from newsclust.store import articles as store_articles
from newsclust.text.sentences import MAX_SENTENCES, split_sentences, unquoted_sentences
from tests.factories import BUNDLED, NOON, bare_article

FOLDER = Path(__file__).parents[2] / "data"
GOLD = FOLDER / "gold"
CHECK = "rewrites_name_two_articles"

# The same eight statements, told by a reporter, by her translator, and six that somebody else found worth telling.
REPORT = [
    "The tram company of Brevelle will replace all of its ticket machines before June.",
    "Hackers stole the card numbers of 41,000 passengers from the old ones in March.",
    "Until now the operator had blamed a supplier in Ostrava for the leak.",
    "An audit by the firm Quillon found passwords that nobody had changed since 2009.",
    "Replacing the machines costs 3.5 million euros, which the city pays.",
    "Its mayor Ilse Tannhof wants the money back from the insurers.",
    "Passengers who lost money can write to the operator until September.",
    "A second audit, by the university of Maarn, is to follow next year.",
]
TRANSLATION = [
    "La compagnie de trams de Brevelle changera tous ses distributeurs de billets d'ici juin.",
    "En mars, des pirates y avaient dérobé les numéros de carte de 41 000 voyageurs.",
    "Jusqu'ici l'exploitant accusait un fournisseur d'Ostrava d'être à l'origine de la fuite.",
    "Un audit du cabinet Quillon a trouvé des mots de passe inchangés depuis 2009.",
    "Le remplacement coûte 3,5 millions d'euros, à la charge de la ville.",
    "La maire, Ilse Tannhof, compte se faire rembourser par les assureurs.",
    "Les voyageurs lésés peuvent écrire à l'exploitant jusqu'en septembre.",
    "Un deuxième audit, confié à l'université de Maarn, doit suivre l'an prochain.",
]
OTHER_REPORT = [
    "Commuters in Brevelle queued at the few counters that still sell paper tickets.",
    "Joris Palm, a baker, says his card was charged four times for one ride.",
    "He is one of 41,000 people who were told of the theft by letter.",
    "Consumer groups around Ostrava had warned of the machines as early as 2009.",
    "The insurers have not said whether they will pay the 3.5 million euros.",
    "Ilse Tannhof, the mayor, declined to be interviewed for this article.",
]
MEANINGS = {sentence: place for told in (REPORT, TRANSLATION) for place, sentence in enumerate(told)}


class KnownMeanings:
    """An embedder that knows which sentences say the same; any other sentence has a direction of its own."""

    name = "known meanings"
    dimensions = 384

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.stack([direction_of(str(MEANINGS.get(text, text))) for text in texts])


@cache
def direction_of(meaning: str) -> NDArray[np.float32]:
    seed = int.from_bytes(blake2b(meaning.encode(), digest_size=8).digest())
    drawn = np.random.default_rng(seed).normal(size=KnownMeanings.dimensions).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


def article(name: str, sentences: Sequence[str], **known: Any) -> Article:
    return bare_article(name, text="\n\n".join(sentences), **known)


def judged(one: Sequence[str], other: Sequence[str], embedder: KnownMeanings | None = None) -> RewriteComparison:
    """What is found of two articles, whichever is named first."""
    a, b = article("a", one), article("b", other)
    (found,) = compare_pairs([(a, b)], embedder or KnownMeanings())
    assert compare_pairs([(b, a)], KnownMeanings()) == [found]
    assert (found.article_a, found.article_b) == ("a", "b")
    return found


# --- the verdict


def test_a_translation_is_a_rewrite_and_says_how_many_sentences_it_shares() -> None:
    found = judged(REPORT, TRANSLATION)
    assert (found.is_rewrite, found.method) == (True, RewriteMethod.SEMANTIC)
    assert found.score == pytest.approx(5 / 6)  # all in order: 1 / .6, halved; closeness alone would give 1
    assert found.evidence.startswith("8 of the shorter's 8 sentences say what the other says, 8 in its order")


def test_an_independent_report_of_the_same_event_is_not_a_rewrite() -> None:
    found = judged(REPORT, OTHER_REPORT)
    assert not found.is_rewrite
    assert found.score is not None
    assert found.score < 0.2


def test_the_same_words_with_a_few_changed_are_a_rewrite_without_a_look_at_their_meaning() -> None:
    edited = [
        *REPORT[:3],
        REPORT[3].replace("nobody", "no one"),
        *REPORT[4:6],
        "Nobody at the operator was available.",
    ]
    embedder = KnownMeanings()
    found = judged(REPORT, edited, embedder)
    assert (found.is_rewrite, found.method, embedder.asked) == (True, RewriteMethod.LEXICAL, [])
    assert re.match(r"\d+ of \d+ four-word runs in common", found.evidence)


def test_articles_without_common_words_names_or_numbers_are_not_embedded() -> None:
    strange = [
        f"Gardeners along the {word} canal grow unusual vegetables." for word in ["old", "new", "wide", "long", "dry"]
    ]
    embedder = KnownMeanings()
    found = judged(REPORT, strange, embedder)
    assert (found.is_rewrite, found.score, found.method, embedder.asked) == (False, 0, RewriteMethod.LEXICAL, [])


@pytest.mark.parametrize("sentences", range(MIN_ARTICLE_SENTENCES))
def test_a_text_of_a_few_sentences_cannot_show_it(sentences: int) -> None:
    embedder = KnownMeanings()
    for copy in (REPORT, TRANSLATION):
        found = judged(REPORT, copy[:sentences] or ["Subscribe."], embedder)
        assert (found.score, found.is_rewrite) == (None, False)
        assert (
            found.evidence
            == f"too short to tell: {sentences} of the {MIN_ARTICLE_SENTENCES} sentences that are needed"
        )
    assert embedder.asked == []


def test_as_few_sentences_as_are_needed_show_it() -> None:
    assert judged(REPORT, TRANSLATION[:MIN_ARTICLE_SENTENCES]).is_rewrite


def test_the_same_statements_in_another_order_are_not_a_rewrite() -> None:
    shuffled = [TRANSLATION[place] for place in (6, 3, 0, 7, 4, 1, 5, 2)]
    found = judged(REPORT, shuffled)
    assert not found.is_rewrite


@pytest.mark.parametrize(("copied", "derived"), [(7, True), (6, True), (2, False), (1, False)])
def test_most_of_the_shorter_text_must_be_shared(copied: int, derived: bool) -> None:
    own = [
        f"Selon {name}, la rame {n} attend encore."
        for n, name in enumerate(["Aude", "Béa", "Cléo", "Dora", "Ève", "Fanny"])
    ]
    assert judged([*REPORT, *OTHER_REPORT], [*TRANSLATION[:copied], *own[: 8 - copied]]).is_rewrite is derived


@pytest.mark.parametrize("marks", ["«  »", "“”", '""', "‘’", "''"])
def test_what_both_quote_does_not_count(marks: str) -> None:
    before, after = marks[: len(marks) // 2], marks[len(marks) // 2 :]
    said = "We don't know who sold us these machines and we will find out who signed for them"
    quotations = [
        f"{before}{said} in {place}.{after}" for place in ("Ghent", "Delft", "Liège", "Lille", "Metz", "Nancy")
    ]
    one, other = (
        [*quotations, *(f"{who} heard this in room number {n} yesterday." for n in range(MIN_ARTICLE_SENTENCES))]
        for who in ("Our correspondent", "A colleague of ours")
    )
    assert shingles_of(quotations[0]) == frozenset()
    assert unquoted_sentences(one) == one[len(quotations) :]
    assert judged(quotations, quotations).score is None
    assert not judged(one[:-1] + REPORT[:2], other[:-1] + OTHER_REPORT[:2]).is_rewrite


def test_a_quotation_may_run_over_several_sentences() -> None:
    speech = [
        "She said: “Nobody saw this coming at all.",
        "Then everybody saw it at once.",
        "I was there myself that day.”",
    ]
    assert unquoted_sentences([*speech, REPORT[0]]) == [REPORT[0]]


def test_an_apostrophe_opens_no_quotation() -> None:
    told = (
        "The workers' council wasn't asked, the firm's board didn't answer, and that's all we know of the '90s deal."
    )
    assert unquoted_sentences([told]) == [told]


def test_the_same_tweets_do_not_make_a_shared_text() -> None:
    tweets = [f"{sentence} — Ilse Tannhof (@tannhof) March {n}, 2026" for n, sentence in enumerate(REPORT, start=1)]
    assert split_sentences("\n".join([*tweets, REPORT[0]])) == [REPORT[0]]
    assert judged([*tweets, *OTHER_REPORT], [*tweets, *TRANSLATION]).is_rewrite is False


def test_a_very_long_page_costs_as_much_as_a_long_article() -> None:
    page = [*REPORT, *(f"Brevelle counts {n} trams, say people in Ostrava." for n in range(1_200))]
    embedder = KnownMeanings()
    judged(page, TRANSLATION, embedder)
    assert len(embedder.asked) == MAX_SENTENCES + len(TRANSLATION)


def test_the_sentences_of_an_article_are_embedded_once_however_many_pairs_it_is_in() -> None:
    told = [article("a", REPORT), article("b", TRANSLATION), article("c", OTHER_REPORT)]
    embedder = KnownMeanings()
    compare_pairs([(told[0], told[1]), (told[0], told[2]), (told[1], told[2])], embedder)
    assert sorted(embedder.asked) == sorted([*REPORT, *TRANSLATION, *OTHER_REPORT])


def test_nothing_to_judge_needs_no_embedder() -> None:
    embedder = KnownMeanings()
    assert compare_pairs([], embedder) == []
    assert embedder.asked == []


some_text = st.lists(st.sampled_from([*REPORT, *TRANSLATION, *OTHER_REPORT]), max_size=12, unique=True)


@given(st.lists(some_text, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_anything_and_what_else_is_asked_change_nothing(told: list[list[str]], random: Any) -> None:
    articles = [article(f"{n}", sentences) for n, sentences in enumerate(told)]
    pairs = [(one, other) for n, one in enumerate(articles) for other in articles[:n]]
    alone = {frozenset((a.id, b.id)): compare_pairs([(a, b)], KnownMeanings())[0] for a, b in pairs}
    random.shuffle(pairs)
    turned = [pair[::-1] if random.random() < 0.5 else pair for pair in pairs]
    found = compare_pairs(turned, KnownMeanings())
    for (one, other), derivation in zip(turned, found, strict=True):
        expected = alone[frozenset((one.id, other.id))]
        assert derivation.score == (None if expected.score is None else pytest.approx(expected.score, abs=1e-5))
        assert (derivation.article_a, derivation.article_b) == (expected.article_a, expected.article_b)


@given(some_text, some_text)
def test_a_score_is_between_0_and_1_and_only_too_short_texts_have_none(one: list[str], other: list[str]) -> None:
    found = judged(one, other)
    too_short = min(len(one), len(other)) < MIN_ARTICLE_SENTENCES
    assert (found.score is None) == too_short
    assert found.score is None or 0 <= found.score <= 1
    assert found.is_rewrite == (found.score is not None and found.score >= 0.5)


# --- with the default model


@cache
def sample_articles() -> Mapping[str, Article]:
    """The articles of the sample by their names."""
    corpus = read_corpus(FOLDER / "sample")
    return {
        told.id: article(told.id, told.paragraphs, language=corpus.outlets[told.site].language)
        for told in corpus.articles
    }


@cache
def made_by_hand() -> Mapping[str, tuple[Article, str]]:
    """The rewritten articles, and independent ones beside them, with the sample's article that each belongs to."""
    rows = [json.loads(line) for line in (GOLD / "derived_articles.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        row["id"]: (bare_article(row["id"], row["title"], row["text"], language=row["language"]), row["beside"])
        for row in rows
    }


def labelled() -> list[dict[str, str]]:
    with (GOLD / "derived_pairs.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))


def test_translated_and_spun_articles_are_found_and_independent_ones_are_not() -> None:
    derived = ["own-01", "own-03", "own-05", "own-11", "own-17"]  # translations both ways, two spun
    independent = ["own-25", "own-26", "own-28"]
    pairs = [(made_by_hand()[name][0], sample_articles()[made_by_hand()[name][1]]) for name in derived + independent]
    found = compare_pairs(pairs, SentenceTransformerEmbedder(threads=1))
    assert [derivation.is_rewrite for derivation in found] == [True] * len(derived) + [False] * len(independent)


def test_the_labelled_pairs_name_articles_that_are_known_and_agree_with_the_sample() -> None:
    known = {*sample_articles(), *made_by_hand()}
    gold = {one.id: one for one in sample_gold(FOLDER / "sample")}
    by_url = {one.url: one.id for one in gold.values()}
    rows = labelled()
    assert {row["label"] for row in rows} == {"derived", "independent", "partial"}
    assert len({(row["article_a"], row["article_b"]) for row in rows}) == len(rows)
    derived = {frozenset((one.id, by_url[one.derived_from])) for one in gold.values() if one.derived_from}
    ours = [(frozenset((r["article_a"], r["article_b"])), r) for r in rows if r["kind"] in ("sample", "rewritten")]
    assert all(pair <= known for pair, _ in ours)
    assert {pair for pair, r in ours if r["kind"] == "sample" and r["label"] == "derived"} == derived
    made = {frozenset((name, beside)) for name, (_, beside) in made_by_hand().items()}
    assert {pair for pair, r in ours if r["kind"] == "rewritten" and r["label"] == "derived"} <= made


def test_the_default_model_has_centres_of_english_and_french_and_no_other_model_has_any() -> None:
    centres = shipped_sentence_means(BUNDLED)
    assert {language: centre.shape for language, centre in centres.items()} == {"en": (384,), "fr": (384,)}
    assert shipped_sentence_means("some-other-model/128") == {}


# --- sentences, names and numbers


def test_a_sentence_ends_with_its_line_or_its_mark_but_not_with_an_abbreviation() -> None:
    text = (
        "Mr. J. Palm of the U.S. office sold 3.5 tons. He left at 5 p.m. Monday.\nA line without a full stop\n\n"
        "« Personne ne le savait. » Le Dr. Aubin n'a rien dit… Rien du tout, vraiment !"
    )
    assert split_sentences(text) == [
        "Mr. J. Palm of the U.S. office sold 3.5 tons.",
        "He left at 5 p.m. Monday.",
        "A line without a full stop",
        "« Personne ne le savait. »",
        "Le Dr. Aubin n'a rien dit…",
        "Rien du tout, vraiment !",
    ]


def test_captions_and_credits_are_no_sentences() -> None:
    assert split_sentences("Photo: Lena Marsh\nRead also:\n" + REPORT[0]) == [REPORT[0]]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1 200", "1200"),
        ("1\u202f200", "1200"),
        ("1,200", "1200"),
        ("1.200", "1200"),
        ("1'200", "1200"),
        ("2,345,678", "2345678"),
        ("12,500.75", "12500.75"),
        ("1,5", "1.5"),
        ("1.5", "1.5"),
        ("0,125", "0.125"),
        ("2026", "2026"),
    ],
)
def test_a_number_is_the_same_in_every_notation(written: str, number: str) -> None:
    assert normalize_number(written) == number
    assert find_anchors(f"They paid {written} for it.") == (number,)


def test_a_year_and_the_number_after_it_are_two() -> None:
    assert find_anchors("sold in 2025 200 tons") == ("2025", "200")


def test_names_are_capitals_within_a_sentence_and_fold_their_accents() -> None:
    told = "Hier, Zoë Hébert d'Électra a vu l'Élysée. Personne n'a parlé : Rien. « Bonjour Ostrava »"
    assert find_anchors(told) == ("zoe", "hebert", "electra", "elysee", "ostrava")


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_what_is_in_order_is_the_longest_common_subsequence(one: str, other: str) -> None:
    def longest(a: str, b: str) -> int:
        if not a or not b:
            return 0
        with_first = 1 + longest(a[1:], b[1:]) if a[0] == b[0] else 0
        return max(with_first, longest(a[1:], b) if a[0] != b[0] else 0, longest(a, b[1:]) if a[0] != b[0] else 0)

    assert lcs_length(one, other) == longest(one, other)


# --- the alignment


def directions(*meanings: str) -> NDArray[np.float32]:
    return np.stack([direction_of(meaning) for meaning in meanings])


def test_a_text_aligns_with_itself() -> None:
    told = directions(*"abcdefgh")
    expected = Alignment(sentences=8, aligned=8, closeness=pytest.approx(1), ordered=8)  # type: ignore[arg-type]
    assert measure_alignment(told, told) == expected


def test_one_sentence_may_be_given_in_two() -> None:
    both = direction_of("b") + direction_of("c")
    one = np.stack([direction_of("a"), both / np.linalg.norm(both), direction_of("d")])
    other = directions(*"abcd")
    assert [size for size, _ in align(one, other)] == [1, 1, 1]
    assert [size for size, _ in align(other, one)] == [1, 2, 1]


@given(st.permutations("abcdef"), st.permutations("defghi"))
def test_what_is_in_order_is_the_same_from_both_sides(one: Sequence[str], other: Sequence[str]) -> None:
    a, b = center_sentences(directions(*one), None), center_sentences(directions(*other), None)
    there, back = measure_alignment(a, b), measure_alignment(b, a)
    assert there.ordered == back.ordered >= 1
    assert there.closeness <= there.aligned / there.sentences + 1e-6


def test_sentences_that_say_what_the_whole_text_says_say_nothing_for_themselves() -> None:
    assert not center_sentences(directions("a", "a", "a"), None).any()


# --- the step


@pytest.fixture
def db(tmp_path: Path):
    with Database(tmp_path / "work.duckdb", now=NOON) as opened:
        opened.execute("SET threads = 1")  # for a few rows, two threads take twice the time
        yield opened


def begun(db: Database, *, days: float = 0) -> Run:
    at = NOON + timedelta(days=days)
    return runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={})


def tell(db: Database, run: Run, story: str, told: Sequence[Article], *, state: str = "living") -> None:
    """The articles are stored, with their vectors, as members of the story."""
    keep(db, run, told)
    times = [a.published_at for a in told]
    row = {"story_id": story, "headline": story, "state": state, "born_at": run.night_at, "run_id": run.id}
    db.save("stories", [row | {"first_at": min(times), "last_at": max(times)}])
    members = [
        {"story_id": story, "article_id": a.id, "joined_at": run.night_at, "left_at": None, "run_id": run.id}
        for a in told
    ]
    db.save("story_articles", members)


def keep(db: Database, run: Run, told: Sequence[Article]) -> None:
    rows = [
        {
            "article_id": a.id,
            "url": a.url,
            "canonical_url": a.canonical_url,
            "title": a.title,
            "text": a.text,
            "language": a.language,
            "language_source": "text",
            "outlet": a.outlet,
            "published_at": a.published_at,
            "date_quality": a.date_quality.value,
            "text_source": "page",
            "word_count": len(a.text.split()),
            "first_seen_at": a.first_seen_at,
            "changed_at": run.night_at,
            "extracted_at": run.night_at,
            "run_id": run.id,
        }
        for a in told
    ]
    db.save("articles", rows)
    vectors = np.stack([direction_of(a.title) for a in told])
    store_articles.save_embeddings(db, run, KnownMeanings.name, [a.id for a in told], vectors, vectors)


def copy_of(db: Database, run: Run, copy: str, original: str) -> None:
    row = {"article_id": copy, "original_id": original, "method": "same_text", "similarity": 1.0, "evidence": "x"}
    db.save("duplicates", [row | {"better_original_reason": "", "found_at": run.night_at, "run_id": run.id}])


def broken_checks(db: Database) -> set[str]:
    return {broken.name for broken in db.check()}


def judged_pairs(db: Database) -> set[tuple[str, str]]:
    return {(row["article_a"], row["article_b"]) for row in db.rows("FROM rewrite_comparisons")}


def sources(db: Database) -> dict[str, str]:
    return {row["article_id"]: row["source_id"] for row in db.rows("FROM rewritten_articles")}


def told_thrice() -> list[Article]:
    return [
        article("report", REPORT, outlet="first.example"),
        article("translation", TRANSLATION, outlet="second.example", language="fr", hours=3),
        article("other", OTHER_REPORT, outlet="third.example", hours=1),
    ]


def test_each_pair_of_a_living_story_is_judged_once(db: Database) -> None:
    run = begun(db)
    tell(db, run, "living", told_thrice())
    tell(db, run, "another", [article("elsewhere", REPORT)])
    tell(db, run, "closed", [article("old", REPORT), article("older", TRANSLATION)], state="closed")
    assert pipeline.find_rewrites(db, run, KnownMeanings()) == Count(done=3)
    before = db.rows("FROM rewrite_comparisons")
    assert judged_pairs(db) == {("report", "translation"), ("other", "report"), ("other", "translation")}
    embedder = KnownMeanings()
    assert pipeline.find_rewrites(db, begun(db, days=1), embedder) == Count()
    assert (embedder.asked, db.rows("FROM rewrite_comparisons")) == ([], before)
    assert CHECK not in broken_checks(db)


def test_a_pair_is_judged_again_when_a_text_has_changed(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", told_thrice())
    pipeline.find_rewrites(db, run, KnownMeanings())
    assert sources(db) == {"translation": "report"}
    later = begun(db, days=1)
    text = "\n\n".join(TRANSLATION[:1])
    db.execute(
        "UPDATE articles SET text = $1, changed_at = $2, word_count = 30 WHERE article_id = 'translation'",
        [text, later.night_at],
    )
    assert pipeline.find_rewrites(db, later, KnownMeanings()) == Count(done=2)
    assert sources(db) == {}
    assert pipeline.find_rewrites(db, later, KnownMeanings()) == Count()


def test_texts_that_cannot_have_the_sentences_are_not_even_paired(db: Database) -> None:
    run = begun(db)
    short = "word " * (MIN_ARTICLE_WORDS - 1)
    tell(db, run, "story", [article("report", REPORT), bare_article("teaser", text=short)])
    assert pipeline.find_rewrites(db, run, KnownMeanings()) == Count()


def test_a_step_that_was_killed_goes_on_with_the_stories_that_are_left(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(KnownMeanings):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if self.asked:
                raise KeyboardInterrupt
            return super().embed(texts)

    monkeypatch.setattr(pipeline.rewrites, "_PAIRS_AT_ONCE", 1)
    run = begun(db)
    tell(db, run, "one", [article("a", REPORT), article("b", TRANSLATION)])
    tell(db, run, "two", [article("c", REPORT), article("d", TRANSLATION)])
    with pytest.raises(KeyboardInterrupt):
        pipeline.find_rewrites(db, run, Dying())
    assert judged_pairs(db) == {("a", "b")}
    assert pipeline.find_rewrites(db, begun(db, days=1), KnownMeanings()) == Count(done=1)
    assert judged_pairs(db) == {("a", "b"), ("c", "d")}


def test_in_a_large_story_an_article_is_judged_with_the_nearest_earlier_ones_only(db: Database) -> None:
    run = begun(db)
    count, most = 40, pipeline.rewrites._SOURCES_OF_ONE
    strangers = [article(f"n{n:02}", REPORT, hours=n) for n in range(count)]
    near = [replace(one, title="alike") if one.id in ("n00", "n39") else one for one in strangers]
    tell(db, run, "story", near)
    embedder = KnownMeanings()
    assert pipeline.find_rewrites(db, run, embedder) == Count(done=sum(min(n, most) for n in range(count)))
    assert ("n00", "n39") in judged_pairs(db)
    assert set(sources(db)) == {one.id for one in near[1:]}
    assert sources(db)["n39"] == "n00"


def test_the_sentences_of_a_large_story_are_embedded_once_a_night(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article(f"n{n:02}", (REPORT, TRANSLATION)[n % 2], hours=n) for n in range(30)])
    embedder = KnownMeanings()
    pipeline.find_rewrites(db, run, embedder)
    assert len(embedder.asked) == 30 * len(REPORT)


# --- the views


def derive(db: Database, run: Run, *pairs: tuple[str, str]) -> None:
    """These pairs share a text."""
    rows = [
        {"article_a": a, "article_b": b, "score": 0.9, "is_rewrite": True, "method": "semantic", "evidence": "x"}
        | {"compared_at": run.night_at, "run_id": run.id}
        for a, b in map(sorted, pairs)
    ]
    db.save("rewrite_comparisons", rows)


def test_the_later_article_is_a_rewrite_and_says_how_late_and_why(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", told_thrice())
    pipeline.find_rewrites(db, run, KnownMeanings())
    (row,) = db.rows("FROM rewritten_articles")
    assert (row["article_id"], row["outlet"], row["language"]) == ("translation", "second.example", "fr")
    assert (row["source_id"], row["source_outlet"], row["source_language"]) == ("report", "first.example", "en")
    assert (row["hours_behind"], row["method"], row["score"] >= 0.5) == (3, "semantic", True)
    assert row["evidence"].startswith("8 of the shorter's 8 sentences")


def test_an_article_derives_from_the_earliest_that_it_matches(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article(name, [name], hours=n) for n, name in enumerate("abcd")])
    derive(db, run, ("a", "b"), ("a", "c"), ("b", "c"), ("c", "d"))
    assert sources(db) == {"b": "a", "c": "a", "d": "c"}


def test_articles_of_one_minute_derive_from_the_one_of_the_lower_id(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article(name, [name]) for name in "abc"])
    derive(db, run, ("a", "b"), ("b", "c"))
    assert sources(db) == {"b": "a", "c": "b"}


@pytest.mark.parametrize("quality", ["missing", "future"])
def test_an_article_whose_date_is_unknown_is_the_source_of_none_that_has_one(db: Database, quality: str) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"]), article("b", ["b"], hours=5)])
    db.execute("UPDATE articles SET date_quality = $1 WHERE article_id = 'a'", [quality])
    derive(db, run, ("a", "b"))
    (row,) = db.rows("FROM rewritten_articles")
    assert (row["article_id"], row["source_id"], row["hours_behind"]) == ("a", "b", None)


def test_who_derives_from_whom_follows_a_date_that_is_corrected(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"]), article("b", ["b"], hours=5)])
    derive(db, run, ("a", "b"))
    assert sources(db) == {"b": "a"}
    db.execute("UPDATE articles SET published_at = $1 WHERE article_id = 'b'", [NOON - timedelta(hours=1)])
    assert sources(db) == {"a": "b"}
    assert CHECK not in broken_checks(db)


def test_an_article_that_left_the_story_is_no_source_in_it(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"]), article("b", ["b"], hours=5)])
    derive(db, run, ("a", "b"))
    db.execute("UPDATE story_articles SET left_at = $1 WHERE article_id = 'a'", [NOON])
    assert sources(db) == {}


def test_duplicates_and_a_rewrite_articles_are_no_independent_sources(db: Database) -> None:
    run = begun(db)
    tell(
        db,
        run,
        "story",
        [
            article("a", ["a"], outlet="wire.example", hours=2),
            article("b", ["b"], outlet="rewriter.example", language="fr", hours=4.5),
            article("c", ["c"], outlet="reporter.example", hours=3),
            article("d", ["d"], outlet="wire.example", hours=6),
        ],
    )
    keep(db, run, [article("e", ["e"], outlet="mirror.example", hours=1)])
    copy_of(db, run, "e", "a")
    derive(db, run, ("a", "b"))
    (row,) = db.rows("FROM story_sources")
    counts = ("articles", "duplicates", "rewrites", "outlets", "independent_outlets")
    assert {name: row[name] for name in counts} == {
        "articles": 4,
        "duplicates": 1,
        "rewrites": 1,
        "outlets": 4,
        "independent_outlets": 2,
    }
    assert row["languages"] == ["en", "fr"]
    assert (row["first_outlet"], row["first_at"]) == ("mirror.example", NOON + timedelta(hours=1))
    assert (row["first_fr_outlet"], row["first_fr_article_id"]) == ("rewriter.example", "b")
    assert row["en_fr_lead_hours"] == 3.5


def test_a_french_story_that_english_sites_take_up_has_a_negative_lead(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"], language="fr"), article("b", ["b"], hours=1.25)])
    (row,) = db.rows("FROM story_sources")
    assert row["en_fr_lead_hours"] == -1.25


@pytest.mark.parametrize("quality", ["guessed", "missing", "future"])
def test_a_lead_is_given_only_between_dates_that_are_given(db: Database, quality: str) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"], language="fr"), article("b", ["b"], hours=1)])
    db.execute("UPDATE articles SET date_quality = $1 WHERE article_id = 'a'", [quality])
    (row,) = db.rows("FROM story_sources")
    assert row["en_fr_lead_hours"] is None
    assert row["first_outlet"] == "site.example"
    assert row["first_article_id"] == "b"


def test_a_story_in_one_language_has_no_lead(db: Database) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"])])
    (row,) = db.rows("FROM story_sources")
    assert (row["first_fr_outlet"], row["first_fr_at"], row["en_fr_lead_hours"]) == (None, None, None)
    assert (row["outlets"], row["independent_outlets"]) == (1, 1)


def test_a_sighting_without_a_date_is_not_behind_and_lets_no_other_be(db: Database) -> None:
    run = begun(db)
    keep(db, run, [article("a", ["a"])])
    feed = {"feed_id": "f", "url": "u", "title": "F", "tags": [], "page_policy": "auto", "listed": True}
    db.save("feeds", [feed | {"added_at": NOON, "run_id": run.id}])
    entry = {"feed_id": "f", "article_id": "a", "title": "t", "url": "u", "warnings": [], "wants_page": False}
    entry |= {"content_hash": "h", "first_seen_at": NOON, "changed_at": NOON, "last_seen_at": NOON, "run_id": run.id}
    sightings = [("e1", "missing", 0.0), ("e2", "given", 1.0), ("e3", "guessed", 3.0)]
    db.save(
        "entries",
        [
            entry
            | {"entry_id": name, "link": name, "date_quality": quality}
            | {"published_at": NOON + timedelta(hours=hours)}
            for name, quality, hours in sightings
        ],
    )
    rows = [(row["link"], row["hours_behind"]) for row in db.rows("FROM article_sources")]
    assert rows == [("e2", 0), ("e1", None), ("e3", None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"article_a": "b", "article_b": "a"},
        {"article_a": "a", "article_b": "nowhere"},
        {"article_a": "a", "article_b": "a"},
        {"score": None},
        {"score": 1.2},
    ],
)
def test_the_check_names_a_comparison_that_cannot_be(db: Database, wrong: dict[str, Any]) -> None:
    run = begun(db)
    tell(db, run, "story", [article("a", ["a"]), article("b", ["b"])])
    row = {"article_a": "a", "article_b": "b", "score": 0.9, "is_rewrite": True, "method": "semantic"}
    db.save("rewrite_comparisons", [row | wrong | {"evidence": "x", "compared_at": NOON, "run_id": run.id}])
    assert CHECK in broken_checks(db)
