"""How well copies are found: labelled pairs, counted against what the stages and the simple rules call the same."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import SettingsError
from newsclust.evaluation import duplicates, pairs
from newsclust.evaluation.confusion import ConfusionRow, confusion_rows
from newsclust.evaluation.duplicates import candidate_pairs, evaluate, evaluate_rewrites, plain_minhash
from newsclust.evaluation.pairs import DATA, GOLD, Label, LabelledPair, PairSet, duplicate_pairs, sample_pairs
from newsclust.model import Article, Duplicate, DuplicateMethod, Fingerprint, Run
from newsclust.settings import DuplicateSettings
from newsclust.shipped import SAMPLE_FOLDER
from newsclust.store import Database, fingerprints
from tests.duplicates.test_duplicates import told
from tests.factories import NOON, bare_article
from tests.fakes import HashingEmbedder
from tests.terminal import Terminal

SETTINGS = DuplicateSettings()


def a_set(articles: Sequence[Article], labels: Mapping[tuple[str, str], Label], **fields: object) -> PairSet:
    labelled = [LabelledPair(ids=ids, kind="made", label=label, half=0) for ids, label in labels.items()]
    given = {"name": "mine", "addresses": {}, "pairs": tuple(labelled)}
    return PairSet(articles={one.id: one for one in articles}, **{**given, **fields})  # type: ignore[arg-type]


def footed(name: str, seed: int, days: int) -> Article:
    """A text of 20 words with the same 100 under it."""
    return bare_article(name, told(seed + 100), f"{told(seed)} {told(*range(90, 95))}", days=days)


NIGHTS = a_set(
    [
        bare_article("a1", "A probe lands", told(1, 2, 3, 4)),
        bare_article("a2", "A probe has landed", told(1, 2, 3, 4), outlet="other.example", days=1),
        bare_article("a3", "Nothing like it", told(5, 6, 7, 8), days=1),
        footed("b1", 11, 2),
        footed("b2", 12, 2),
        footed("b3", 13, 3),
        bare_article("c1", "Unseen", ""),
    ],
    {
        ("a1", "a2"): Label.SAME,
        ("a1", "a3"): Label.OTHER,
        ("a1", "c1"): Label.SAME,
        ("b1", "b2"): Label.OTHER,
        ("b2", "b3"): Label.APART,
    },
)


def of(rows: Sequence[ConfusionRow], method: str, label: Label, kind: str = "all") -> ConfusionRow:
    return next(row for row in rows if (row.method, row.label, row.kind) == (method, label, kind))


def test_pairs_are_counted_by_what_people_say_of_them() -> None:
    found = evaluate([NIGHTS], SETTINGS)
    same = of(found.rows, "newsclust", Label.SAME)
    assert (same.pairs, same.called, same.wrong) == (2, 1, 0)
    assert (same.precision, same.recall, same.f1) == (1, 0.5, 2 / 3)
    assert of(found.rows, "newsclust", Label.OTHER).pairs == 2
    assert of(found.rows, "newsclust", Label.APART).pairs == 1
    assert Counter(row.method for row in found.rows) == dict.fromkeys(
        ["newsclust", "by night", "exact title", "exact URL", "MinHash"], len(found.rows) // 5
    )


def test_boilerplate_is_known_from_the_third_night_on_when_articles_come_by_night() -> None:
    """Five sixths of two texts are their outlet's: the first two of them are taken for copies, all three are not."""
    found = evaluate([NIGHTS], SETTINGS)
    assert of(found.rows, "newsclust", Label.OTHER).called == 0
    assert of(found.rows, "by night", Label.OTHER).called == 1
    assert [(one.way, one.duplicates, one.originals, one.chains) for one in found.counts] == [
        ("newsclust", 1, 1, 0),
        ("by night", 2, 2, 0),
    ]


def test_mistakes_say_why() -> None:
    found = evaluate([NIGHTS], SETTINGS)
    said = [(one.way, one.pair.ids, one.call.method, one.call.evidence) for one in found.mistakes]
    assert said == [
        ("newsclust", ("a1", "c1"), "", "not compared: no key in common"),
        ("by night", ("a1", "c1"), "", "a1 is an original and so is c1"),
        ("by night", ("b1", "b2"), "contained", said[2][3]),
    ]
    assert "three-word runs stand in the other" in said[2][3]


def test_the_settings_in_force_are_judged() -> None:
    found = evaluate([NIGHTS], DuplicateSettings(jaccard=0.5, containment=0.5))
    assert of(found.rows, "newsclust", Label.OTHER).called == 0  # the boilerplate is no part of them
    half = a_set(
        [bare_article("a", "One", told(1, 2, 3, 4, 5)), bare_article("b", "Two", told(1, 2, 3, 14, 15))],
        {("a", "b"): Label.SAME},
    )
    called = [
        of(evaluate([half], settings).rows, "newsclust", Label.SAME).called
        for settings in (SETTINGS, DuplicateSettings(containment=0.5))
    ]
    assert called == [0, 1]


def test_simple_rules_see_titles_true_addresses_and_texts() -> None:
    first = bare_article("a", "A probe has landed", told(1, 2))
    given = a_set(
        [
            first,
            bare_article("b", "“A Probe has landed”", told(3, 4)),
            bare_article("c", "Landed", told(5, 6)),
            bare_article("d", "Down", told(1, 2)),
            bare_article("e", "", ""),
            bare_article("f", "", ""),
        ],
        {("a", other): Label.SAME for other in "bcd"} | {("e", "f"): Label.OTHER},
        addresses={"a": "https://true.example/1", "c": "https://true.example/1", "b": "https://true.example/2"},
    )
    called = {method: rule(given) for method, rule in duplicates.BASELINES.items()}
    assert called == {"exact title": {("a", "b")}, "exact URL": {("a", "c")}, "MinHash": {("a", "d")}}


def test_plain_minhash_estimates_the_overlap_of_texts_and_calls_80_percent_duplicates() -> None:
    first = bare_article("a", "", told(*range(20)))
    others = {"b": told(*range(19), 98), "c": told(*range(14), *range(50, 56))}  # Jaccard .9 and .53
    given = a_set(
        [first, *(bare_article(name, "", text) for name, text in others.items())],
        {("a", name): Label.SAME for name in others},
    )
    assert plain_minhash(given) == {("a", "b")}


calls = st.sets(st.integers(0, 19))


@given(st.lists(st.tuples(st.sampled_from(Label), st.integers(0, 1)), min_size=20, max_size=20), calls)
def test_figures_are_what_counting_one_by_one_gives(labels: list[tuple[Label, int]], called: set[int]) -> None:
    labelled = tuple(
        LabelledPair(ids=(f"a{n:02}", f"b{n:02}"), kind="xy"[n % 2], label=label, half=half)
        for n, (label, half) in enumerate(labels)
    )
    rows = confusion_rows(
        a_set([], {}, pairs=labelled), {"rule": {labelled[n].ids for n in called}}, [lambda pair: pair.kind]
    )
    right = sum(labels[n][0] is Label.SAME for n in called)
    wrong = sum(labels[n][0] is Label.OTHER for n in called)
    whole = [row for row in rows if (row.kind, row.label) == ("all", Label.SAME)]
    assert [(row.called, row.wrong) for row in whole] == [(right, wrong)] * any(
        one is Label.SAME for one, _ in labels
    )
    for label in (Label.SAME, Label.OTHER):
        assert sum(row.called for row in rows if row.kind in {"x", "y"} and row.label is label) == sum(
            labels[n][0] is label for n in called
        )
    halves = [row for row in rows if row.kind.startswith("half")]
    assert sum(row.called for row in halves) == right
    if len(halves) == 2:
        assert sum(row.wrong for row in halves) == wrong


# ---------------------------------------------------------------- candidates


def test_candidates_are_capped_as_the_store_caps_them() -> None:
    assert (duplicates.MAX_PROPOSED_PER_KEY, duplicates.MAX_CANDIDATES) == (
        fingerprints.MAX_PROPOSED_PER_KEY,
        fingerprints.MAX_CANDIDATES,
    )


prints = st.dictionaries(
    st.sampled_from([f"p{n}" for n in range(9)]), st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=9
).map(
    lambda keys: [
        Fingerprint(article_id=name, text_hash="", shingles=0, keys=tuple(sorted(own))) for name, own in keys.items()
    ]
)


def copy_of(one: str, original: str) -> Duplicate:
    method = DuplicateMethod.SAME_TEXT
    return Duplicate(
        article_id=one, original_id=original, method=method, similarity=1.0, evidence="", better_original_reason=""
    )


@pytest.mark.slow
def test_candidates_are_those_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (duplicates, fingerprints):
        monkeypatch.setattr(room, "MAX_PROPOSED_PER_KEY", 3)
        monkeypatch.setattr(room, "MAX_CANDIDATES", 2)
    run = Run(id="r", flow="test", night_at=NOON, started_at=NOON)
    with Database(tmp_path / "work.duckdb", now=NOON) as db:

        @given(prints, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
        def same(found: list[Fingerprint], cut: int, first: int, original: int) -> None:
            stored, fresh = found[:cut], found[cut:]
            named = found[min(original, len(found) - 1)].article_id
            repeats = [one.article_id for one in stored[first:] if one.article_id != named]
            for table in ("fingerprints", "duplicates"):
                db.execute(f"DELETE FROM {table}")
            fingerprints.save_duplicates(db, run, stored, [copy_of(one, named) for one in repeats], method="made")
            holders = defaultdict(set)
            for one in stored:
                for key in one.keys:
                    holders[key].add(named if one.article_id in repeats else one.article_id)
            told = {tuple(sorted(pair)) for pair in fingerprints.candidate_pairs(db, fresh)}
            assert candidate_pairs(fresh, holders) == told

        same()


# ---------------------------------------------------------------- derived


def test_rewritten_articles_are_judged_by_the_stage_for_them() -> None:
    text = told(*range(8))
    given = a_set(
        [
            bare_article("a", "One", text),
            bare_article("b", "Two", told(0, 1, 2, 3, 44, 5, 6, 7)),
            bare_article("c", "Three", told(*range(60, 68))),
            bare_article("d", "Four", told(0, 1)),
        ],
        {("a", "b"): Label.SAME, ("a", "c"): Label.OTHER, ("a", "d"): Label.SAME},
        name="derived",
    )
    found = evaluate_rewrites(given, HashingEmbedder())
    same = of(found.rows, "newsclust", Label.SAME)
    assert (same.pairs, same.called, same.wrong) == (2, 1, 0)
    assert [(one.pair.ids, one.call.similarity) for one in found.mistakes] == [(("a", "d"), None)]
    assert found.mistakes[0].call.evidence.startswith("too short to tell")


# ---------------------------------------------------------------- reading


def test_the_labels_that_ship_name_each_pair_once_with_a_label_that_is_known() -> None:
    for name, count in (("duplicate_pairs.tsv", 3757), ("derived_pairs.tsv", 603)):
        lines = [line for line in (GOLD / name).read_text().splitlines() if not line.startswith("#")]
        rows = list(csv.DictReader(lines, delimiter="\t"))
        assert len({frozenset((row["article_a"], row["article_b"])) for row in rows}) == len(rows) == count
        assert {row["label"] for row in rows} <= pairs._LABELS.keys()
        assert all(row["article_a"] != row["article_b"] for row in rows)


def test_the_sample_has_all_its_pairs_and_its_gold_duplicates() -> None:
    sample = sample_pairs(SAMPLE_FOLDER)
    assert len(sample.pairs) == 130 * 129 // 2
    found = evaluate([sample], SETTINGS)
    for way in ("newsclust", "by night"):
        same = of(found.rows, way, Label.SAME)
        assert (same.pairs, same.called, same.wrong) == (2, 2, 0)


ROWS = [
    {"id": "s1", "title": "A probe lands", "text": f"<p>{told(1, 2, 3)}</p>", "lang": "en", "source": "One",
     "published": "2026-01-28T21:48:09.000Z", "url": "https://one.example/1?utm_source=rss"},
    {"id": "s2", "title": "A probe lands", "text": told(1, 2, 3), "lang": "en", "source": "One",
     "published": "2026-01-29", "url": "https://one.example/1"},
    {"id": "s3", "title": "", "text": "", "lang": "fr", "source": "Two",
     "published": "about 9 hours ago", "url": None},
    {"id": "s4", "title": "Rain", "text": told(7), "lang": "fr", "source": "Two", "published": None, "url": ""},
]  # fmt: skip
LABELS = (
    "# read by one reader\narticle_a\tarticle_b\tkind\tlabel\thalf\ns2\ts1\tread\tcopy\t1\ns3\ts4\tread\tnot\t0\n"
)


@pytest.fixture
def collections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A folder with two collections, and labels for them."""

    def write(*, rows: Sequence[dict[str, object]] = ROWS, labels: str = LABELS) -> Path:
        for name, own in ((pairs.STREAM, rows), (pairs.WIRES, [])):
            path = tmp_path / "collections" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in own).encode()))
        (tmp_path / "gold").mkdir(exist_ok=True)
        (tmp_path / "gold" / "duplicate_pairs.tsv").write_text(labels)
        monkeypatch.setattr(pairs, "GOLD", tmp_path / "gold")
        return tmp_path / "collections"

    return write


def test_addresses_are_hidden_from_the_articles_and_known_beside_them(collections: Callable[..., Path]) -> None:
    found = duplicate_pairs(collections())
    assert found.addresses == {"s1": "https://one.example/1", "s2": "https://one.example/1"}
    assert len({one.url for one in found.articles.values()}) == 4
    assert found.articles["s1"].text == found.articles["s2"].text
    assert found.articles["s3"].text == ""
    assert [(pair.ids, pair.label, pair.half) for pair in found.pairs] == [
        (("s1", "s2"), Label.SAME, 1),
        (("s3", "s4"), Label.OTHER, 0),
    ]


def test_articles_without_a_date_share_no_days_with_any(collections: Callable[..., Path]) -> None:
    found = duplicate_pairs(collections()).articles
    moments = sorted(one.published_at for one in found.values())
    assert moments[2] == found["s1"].published_at
    assert moments[1] - moments[0] >= timedelta(days=4)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rows": [*ROWS, ROWS[0]]}, "the id 's1' stands twice"),
        ({"rows": ROWS[1:]}, "no article is called 's1'"),
        ({"rows": [{"id": "s1"}]}, "tech_2026-01_to_05.jsonl.gz: "),
        ({"labels": LABELS.replace("copy", "twin")}, "duplicate_pairs.tsv: 'twin'"),
        ({"labels": LABELS.replace("\t1\n", "\t2\n")}, "half"),
    ],
)
def test_a_collection_that_is_wrong_is_refused_with_its_reason(
    changed: dict[str, object], said: str, collections: Callable[..., Path]
) -> None:
    with pytest.raises(SettingsError, match=said):
        duplicate_pairs(collections(**changed))


# ---------------------------------------------------------------- the command


def test_the_command_prints_each_kind_beside_the_simple_rules_and_writes_what_is_wrong(
    terminal: Terminal, collections: Callable[..., Path]
) -> None:
    twins = LABELS + "s1\ts4\tread\tcopy\t0\n"
    ended = terminal("evaluate", "duplicates", "--data", str(collections(labels=twins)), "--errors", "wrong.tsv")
    assert ended.code == 0
    for title in ("collections: pairs that are the same", "sample: other pairs", "What becomes of the articles"):
        assert title in ended.out
    half_1 = next(line for line in ended.out.splitlines() if line.startswith("  half 1"))
    assert half_1.split()[2:] == ["1", *["1.000"] * 12, *["1.000"] * 3]
    assert "Leakage: the similarity thresholds" in ended.out.splitlines()[-2]
    with Path("wrong.tsv").open() as lines:
        wrong = list(csv.DictReader(lines, delimiter="\t"))
    assert [(row["article_a"], row["article_b"], row["way"]) for row in wrong] == [
        ("s1", "s4", "newsclust"),
        ("s1", "s4", "by night"),
    ]


def test_the_command_prints_figures_as_one_json_object_a_line(
    terminal: Terminal, collections: Callable[..., Path]
) -> None:
    ended = terminal("evaluate", "duplicates", "--data", str(collections()), "--format", "json")
    told = [json.loads(line) for line in ended.out.splitlines()]
    ours = [one for one in told if one.get("method") == "newsclust" and one["kind"] == "all"]
    assert [(one["set"], one["label"], one["f1"]) for one in ours if one["label"] == "same"] == [
        ("collections", "same", 1),
        ("sample", "same", 1),
    ]
    assert [one["chains"] for one in told if "chains" in one] == [0] * 4


def test_a_folder_without_the_collections_is_given_with_exit_code_2(terminal: Terminal) -> None:
    ended = terminal("evaluate", "duplicates", "--data", "nowhere")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith(f"newsclust: nowhere/{pairs.STREAM}: cannot be read")


def test_the_help_names_what_can_be_evaluated(terminal: Terminal) -> None:
    for arguments in ([], ["--help"]):
        ended = terminal("evaluate", *arguments)
        assert "stories" in ended.out
        assert "duplicates" in ended.out


def test_the_word_stories_may_be_left_out(terminal: Terminal) -> None:
    for arguments in (["nowhere.jsonl"], ["--no-baselines", "nowhere.jsonl"], ["stories", "nowhere.jsonl"]):
        ended = terminal("evaluate", *arguments)
        assert ended.code == 2
        assert "nowhere.jsonl: cannot be read" in ended.err


# ---------------------------------------------------------------- the real collections


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / pairs.WIRES).is_file(), reason="needs ../shared/data, outside the repository")
def test_on_the_real_collections_duplicates_are_found_as_docs_say() -> None:
    found = evaluate([duplicate_pairs(DATA)], SETTINGS)
    same = of(found.rows, "newsclust", Label.SAME)
    assert (same.precision, same.pairs) == (1, 398)
    assert same.f1 > 0.989
    assert of(found.rows, "by night", Label.SAME).f1 >= 0.98
    assert of(found.rows, "by night", Label.OTHER).called <= 1
    assert of(found.rows, "exact title", Label.SAME).f1 < 0.91
    assert of(found.rows, "MinHash", Label.SAME).f1 < 0.75
    assert [one.chains for one in found.counts] == [0, 0]
