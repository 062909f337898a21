"""Every program under benchmarks/ runs, at a tiny size; embedding.py needs the model and runs in `make bench`."""

import gzip
import json
import re
from pathlib import Path

import pytest

from benchmarks import copies, extraction, night


def test_a_tiny_night_is_measured_step_by_step_and_a_second_one_brings_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "HELP_ROUNDS", 1)
    night.main(["--window", "40", "--new", "12", "--growth"])
    busy, quiet = capsys.readouterr().out.split("nothing new")
    assert busy.startswith("newsclust --help")
    assert re.search(r"extract_articles +12 +0 +0 ", busy)
    assert re.search(r"fetch_feeds +0 +40 +0 ", quiet)
    assert re.search(r"extract_articles +0 +0 +0 ", quiet)
    assert re.search(r"(?m)^ +40( +[\d.]+ s){3} +\d+ +\d+ +\d+ ", quiet)


def test_half_of_the_new_articles_stand_on_pages_of_their_own() -> None:
    *earlier, tonight = night.nights(window=40, new=100)
    assert [len(told) for told in (*earlier, tonight)] == [10, 10, 10, 10, 100]
    assert all(told.in_feed for told_before in earlier for told in told_before)
    assert 30 < sum(told.in_feed for told in tonight) < 70


def test_drawn_vectors_have_unit_length_and_lie_nearer_within_a_story_than_across() -> None:
    vectors = night.DrawnVectors().embed([f"Title T{t}S{s}A{a}" for t, s, a in [(1, 1, 1), (1, 1, 2), (2, 2, 3)]])
    assert vectors.shape == (3, 384)
    assert abs(float(vectors[0] @ vectors[0]) - 1) < 1e-5
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_the_copies_benchmark_finds_the_planted_copies_under_their_originals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "FRESH", 60)
    monkeypatch.setattr(copies, "NEAR", 20)
    copies.build(tmp_path / "archive.duckdb", 300)
    copies.night(tmp_path / "archive.duckdb", 300)
    found = re.search(r"(\d+) of (\d+) near copies under their original", capsys.readouterr().out)
    assert found
    assert int(found[1]) >= 19
    assert int(found[2]) == 20


def test_the_extraction_benchmark_scores_a_page_whose_text_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paragraphs = [f"Paragraph {n} tells how the ferry crossed the strait in fog, late and safe." for n in range(12)]
    page = "<html><body><article>" + "".join(f"<p>{text}</p>" for text in paragraphs) + "</article></body></html>"
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "ferry.html.gz").write_bytes(gzip.compress(page.encode()))
    gold = {"ferry": {"articleBody": "\n".join(paragraphs), "url": "https://paper.example/ferry"}}
    (tmp_path / "ground-truth.json").write_text(json.dumps(gold))
    extraction.main([str(tmp_path)])
    row = re.search(r"^newsclust +([\d.]+) +([\d.]+) ", capsys.readouterr().out, re.MULTILINE)
    assert row
    assert (float(row[1]), float(row[2])) == (1, 1)


def test_the_extraction_benchmark_says_when_there_is_nothing_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extraction.main([str(tmp_path)])
    assert capsys.readouterr().out.startswith("Skipped: ")
