"""How well texts are taken from pages: overlaps, folds of sites, and the verb that prints them."""

import gzip
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import SettingsError
from newsclust.evaluation.extraction import (
    FOLDS,
    METHODS,
    OURS,
    Overlap,
    evaluate,
    newsclust,
    read_pages,
    readability,
    shingle_overlap,
    word_overlap,
)
from newsclust.evaluation.pairs import DATA
from newsclust.urls import registered_domain
from tests.extract.test_extract import LONG
from tests.terminal import Terminal

WORDS = st.lists(st.sampled_from(["pool", "rack", "warm", "town"]), max_size=12).map(" ".join)
needs_pages = pytest.mark.skipif(
    not (DATA / "pages").is_dir(), reason="the shared pages are not beside the repository"
)


def pages_in(folder: Path, addresses: list[str]) -> Path:
    """A folder as the collection's, of pages that hold the same article."""
    (folder / "html").mkdir(parents=True)
    body = "<html><body><article>" + "".join(f"<p>{text}</p>" for text in LONG) + "</article></body></html>"
    for n in range(len(addresses)):
        (folder / "html" / f"{n}.html.gz").write_bytes(gzip.compress(body.encode()))
    truth = {str(n): {"articleBody": "\n".join(LONG), "url": address} for n, address in enumerate(addresses)}
    (folder / "ground-truth.json").write_text(json.dumps(truth), encoding="utf-8")
    return folder


def test_words_are_compared_as_bags() -> None:
    assert word_overlap("a b b c", "b a b d e") == Overlap(precision=3 / 5, recall=3 / 4)
    assert word_overlap("a b", "c") == Overlap(precision=0, recall=0)
    assert Overlap(precision=0, recall=0).f1 == 0


def test_runs_of_four_words_know_the_order_and_no_signs() -> None:
    assert shingle_overlap("a, b c d. e", "a b c d e") == Overlap(precision=1, recall=1)
    assert shingle_overlap("a b c d e", "b c d e f") == Overlap(precision=1 / 2, recall=1 / 2)
    assert shingle_overlap("a b c d", "d c b a") == Overlap(precision=0, recall=0)
    assert shingle_overlap("a b", "a b") == Overlap(precision=1, recall=1)
    assert shingle_overlap("a b", "") == Overlap(precision=0, recall=0)


@given(WORDS, WORDS)
def test_precision_one_way_is_recall_the_other_way(one: str, other: str) -> None:
    for overlap in (word_overlap, shingle_overlap):
        there, back = overlap(one, other), overlap(other, one)
        assert (there.precision, there.recall) == (back.recall, back.precision)
        assert 0 <= there.f1 <= 1
        assert overlap(one, one).f1 == bool(one)


def test_no_site_is_in_two_folds_and_folds_are_nearly_equal(tmp_path: Path) -> None:
    addresses = [f"https://www{n % 3}.site{n % 13}.example/{n}" for n in range(26)]
    pages = read_pages(pages_in(tmp_path, addresses))
    sites = {(registered_domain(gold.page.url), gold.fold) for gold in pages}
    assert len(sites) == 13
    sizes = [sum(gold.fold == fold for gold in pages) for fold in range(1, FOLDS + 1)]
    assert (min(sizes), max(sizes)) == (4, 6)


def test_figures_are_means_over_pages_and_each_fold_has_its_own(tmp_path: Path) -> None:
    pages = read_pages(pages_in(tmp_path, ["https://one.example/", "https://two.example/"]))
    half = {pages[0].page.url: "\n".join(LONG), pages[1].page.url: "zebra"}
    rows, found = evaluate(pages, {"half": lambda page: half[page.url]})
    every, *folds = rows
    assert (every.fold, every.pages, every.precision, every.recall, every.f1, every.lost) == (
        None,
        2,
        0.5,
        0.5,
        0.5,
        1,
    )
    assert sorted((fold.pages, fold.f1, fold.lost) for fold in folds) == [(1, 0.0, 1), (1, 1.0, 0)]
    assert sorted(row.words.f1 for row in found) == [0.0, 1.0]


def test_a_whole_article_is_found_by_every_method(tmp_path: Path) -> None:
    pytest.importorskip("readability", reason="readability-lxml is an extra: newsclust[benchmarks]")
    (gold,) = read_pages(pages_in(tmp_path, ["https://one.example/pool"]))
    assert {name: method(gold.page).split() for name, method in METHODS.items()} == dict.fromkeys(
        METHODS, gold.text.split()
    )


def test_a_method_that_is_not_installed_says_so_and_the_others_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "readability", None)
    pages = read_pages(pages_in(tmp_path, ["https://one.example/pool"]))
    rows, found = evaluate(pages, {"readability-lxml": readability, OURS: newsclust})
    assert (rows[0].note, rows[0].pages) == ("not installed: newsclust[benchmarks]", 0)
    assert {row.method for row in found} == {OURS}


@pytest.mark.parametrize("truth", [None, "{", '{"a": {"url": "https://one.example/"}}', "[]"])
def test_a_folder_without_pages_and_texts_is_refused(tmp_path: Path, truth: str | None) -> None:
    if truth is not None:
        (tmp_path / "ground-truth.json").write_text(truth, encoding="utf-8")
    with pytest.raises(SettingsError, match=str(tmp_path)):
        read_pages(tmp_path)


def test_the_verb_prints_methods_folds_and_the_worst_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages_in(tmp_path / "pages", [f"https://site{n}.example/pool" for n in range(5)])
    terminal = Terminal(monkeypatch, capsys)
    shown = terminal("evaluate", "extraction", "--data", str(tmp_path), "--worst", "2").out
    ours = next(line.split() for line in shown.splitlines() if line.split()[:1] == [OURS])
    assert ours == [OURS, "5", *["1.000"] * 4, "0", *["1.000"] * 6]
    assert len([line for line in shown.splitlines() if "https://site" in line]) == 2
    told = terminal("evaluate", "extraction", "--data", str(tmp_path), "--format", "json").out
    rows = [json.loads(line) for line in told.splitlines()]
    assert [row["fold"] for row in rows if row["method"] == OURS] == [None, 1, 2, 3, 4, 5]
    refused = terminal("evaluate", "extraction", "--data", str(tmp_path / "nowhere"))
    assert refused.code == 2
    assert "no pages with their texts" in refused.err


@pytest.mark.slow
@needs_pages
def test_real_pages_are_read_better_than_by_trafilatura_alone_in_every_group_of_sites() -> None:
    pages = read_pages(DATA / "pages")
    rows, _ = evaluate(pages, {name: METHODS[name] for name in (OURS, "trafilatura, precision")})
    ours, alone = ({row.fold: row for row in rows if row.method == name} for name in (OURS, "trafilatura, precision"))
    assert ours[None].f1 > 0.97
    assert ours[None].lost == 0
    assert [fold for fold in ours if ours[fold].f1 < alone[fold].f1] == []
