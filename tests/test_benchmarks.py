"""Every program under benchmarks/ runs, at a tiny size; embedding.py needs the model and runs in `make bench`."""

import gzip
import json
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks import duplicates, extraction, fetching, growth, index_pages, night, quarantine, replay, views
from newsclust.centering import Part, centre
from newsclust.embed import SentenceTransformerEmbedder

pytestmark = pytest.mark.slow

FIRST = datetime(2026, 1, 5, 12, tzinfo=UTC)


class DrawnForTheBundledModel(night.DrawnVectors):
    """Drawn vectors under the name of the bundled model, so that programs that look for kept ones find these."""

    name = SentenceTransformerEmbedder().name


def told_by_two_outlets(path: Path, *, days: int) -> Path:
    """Write four events a day, each told by two outlets; the last line repeats the first one's address."""
    names = [[night._word(9000 + 5 * event + n).capitalize() for n in range(5)] for event in range(4 * days)]
    rows = [
        {
            "title": f"{' and '.join(names[event][:3])} sail T{event}S{event}A{number}",
            "text": f"The captain of the {names[event][3]} told {names[event][0]} in {names[event][4]}.",
            "lang": "en",
            "published": (FIRST + timedelta(hours=6 * event, minutes=number)).isoformat(),
            "source": f"Outlet {number}",
            "url": f"https://outlet{number}.example/{event}",
        }
        for event in range(4 * days)
        for number in range(2)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]), encoding="utf-8")
    return path


def test_a_tiny_night_is_measured_step_by_step_and_a_second_one_brings_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "HELP_ROUNDS", 1)
    night.main(["--window", "40", "--new", "12"])
    busy, quiet = capsys.readouterr().out.split("nothing new")
    assert busy.startswith("newsclust --help")
    assert re.search(r"extract_articles +12 +0 +0 ", busy)
    assert re.search(r"fetch_feeds +0 +40 +0 ", quiet)
    assert re.search(r"extract_articles +0 +0 +0 ", quiet)
    assert re.search(r"(?m)^\d+ links, \d+ stories, \d+ topics; the published file \d+ MB$", quiet)


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


def test_titles_have_drawn_vectors_of_their_own_near_those_of_the_text() -> None:
    embedder = night.DrawnVectors()
    told = [f"Title T1S{n}A{n}" for n in range(50)]
    titles = centre(embedder.embed(told), embedder.name, Part.TITLE)
    texts = centre(embedder.embed([f"{title}. What follows." for title in told]), embedder.name)
    assert 0.7 < float((titles * texts).sum(axis=1).mean()) < 0.86


def test_the_duplicates_benchmark_finds_the_planted_duplicates_under_their_originals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "FRESH", 60)
    monkeypatch.setattr(duplicates, "NEAR", 20)
    duplicates.build(tmp_path / "archive.duckdb", 300)
    duplicates.night(tmp_path / "archive.duckdb", 300)
    found = re.search(r"(\d+) of (\d+) near duplicates under their original", capsys.readouterr().out)
    assert found
    assert int(found[1]) >= 19
    assert int(found[2]) == 20


def test_the_extraction_benchmarks_read_the_pages_by_both_methods_in_turn_and_distinguish_index_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paragraphs = [f"Paragraph {n} tells how the ferry crossed the strait in fog, late and safe." for n in range(12)]
    page = "<html><body><article>" + "".join(f"<p>{text}</p>" for text in paragraphs) + "</article></body></html>"
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "ferry.html.gz").write_bytes(gzip.compress(page.encode()))
    gold = {"ferry": {"articleBody": "\n".join(paragraphs), "url": "https://paper.example/ferry"}}
    (tmp_path / "ground-truth.json").write_text(json.dumps(gold))
    extraction.main([str(tmp_path), "--pages", "4", "--rounds", "2"])
    *rounds, cpu, wall = capsys.readouterr().out.splitlines()
    order = ("trafilatura", "newsclust", "newsclust", "trafilatura")
    assert [line.split()[:5] for line in rounds] == [[name, "2", "pages", "2", "texts"] for name in order]
    for line, unit in ((cpu, "cpu_s"), (wall, "wall_s")):
        told = rf"speed of newsclust beside trafilatura alone, by {unit}: \d+% \(\d+% to \d+%\)"
        assert re.fullmatch(told, line)
    index_pages.main([str(tmp_path), str(written_feed(tmp_path))])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "articles, as they are: 0 of 1 called a list"
    assert told[3] == "front pages, linked h2 and blurb, with summaries: 1 of 1 called a list"


def written_feed(folder: Path) -> Path:
    """A folder with one feed of eight headlines."""
    items = "".join(
        f"<item><title>The ferry crosses the strait, part {n}</title><link>https://paper.example/{n}</link></item>"
        for n in range(8)
    )
    (folder / "feeds").mkdir()
    (folder / "feeds" / "paper.xml").write_text(f"<rss version='2.0'><channel>{items}</channel></rss>")
    return folder / "feeds"


def test_the_extraction_benchmark_says_when_there_is_nothing_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extraction.main([str(tmp_path)])
    assert capsys.readouterr().out.startswith("Skipped: ")


def test_a_replay_measures_nights_steps_and_how_far_nights_agree_with_all_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = told_by_two_outlets(tmp_path / "stream.jsonl", days=9)
    replay.with_vectors(replay.read_articles(stream), DrawnForTheBundledModel(), tmp_path / "kept")
    replay.main([str(stream), "--vectors", str(tmp_path / "kept"), "--stretches", "2"])
    said = capsys.readouterr().out
    assert said.startswith("10 nights, 72 articles: ")  # the last night holds what came after 03:30 of the ninth
    assert re.search(r"(?m)^  group_stories +[\d.]+ s, [\d.]+ s of CPU$", said)
    events = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", said.split("events: ")[1])}
    assert 36 <= events["born"] < 72  # most events are one story of both outlets
    assert "7 days night by night against at once, 2 stretches:" in said
    assert "B-cubed F1: mean 1.000, worst 1.000" in said


def test_vectors_are_cached_for_the_same_texts_and_the_same_model_only(tmp_path: Path) -> None:
    class Refusing(DrawnForTheBundledModel):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise AssertionError("these vectors are kept")

    articles = replay.read_articles(told_by_two_outlets(tmp_path / "stream.jsonl", days=1))
    made = replay.with_vectors(articles, DrawnForTheBundledModel(), tmp_path)
    kept = replay.with_vectors(articles, Refusing(), tmp_path)
    assert np.array_equal(made.vectors, kept.vectors)
    assert np.array_equal(made.title_vectors, kept.title_vectors)
    with pytest.raises(AssertionError, match="kept"):
        replay.with_vectors(articles[1:], Refusing(), tmp_path)


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_night_of_an_article_is_the_first_half_past_three_that_has_seen_it(later: timedelta) -> None:
    moment = FIRST + later
    after = replay.night_after(moment)
    assert (after.hour, after.minute, after.second, after.microsecond) == (3, 30, 0, 0)
    assert timedelta(0) <= after - moment < timedelta(days=1)


def test_topic_stability_is_the_share_of_stories_of_both_nights_whose_topic_is_the_same() -> None:
    def after(**topics: str | None) -> replay.Night:
        return replay.Night(articles=0, seconds={}, cpu={}, topics=topics)

    nights = [after(a="t", b="t", c=None), after(a="t", b="u", c=None, d="u"), after(e="t")]
    assert replay.stability(nights) == [2 / 3]  # the last two nights have no story in common


def test_another_world_keeps_all_cosines_and_shares_no_rare_word_with_this_one(tmp_path: Path) -> None:
    real = replay.with_vectors(
        replay.read_articles(told_by_two_outlets(tmp_path / "stream.jsonl", days=2)), DrawnForTheBundledModel(), None
    )
    here = growth.world_of(real, 0, 10)
    there = growth.world_of(replay.Stream.part(here, range(10)), 1, 10)
    origin = [[growth.id_of(a.id, "1") for a in here.articles].index(a.id) for a in there.articles]
    for part, ours, theirs in (
        (Part.TEXT, here.vectors, there.vectors),
        (Part.TITLE, here.title_vectors, there.title_vectors),
    ):
        one, other = centre(ours, real.model, part)[origin], centre(theirs, real.model, part)
        assert np.allclose(one @ one.T, other @ other.T, atol=1e-4)
        assert np.abs(np.sum(one * other, axis=1)).max() < 0.4
    before, after = ({word for article in world.articles for word in article.text.split()} for world in (here, there))
    assert before & after == {"The", "of", "the", "in"}


def test_growth_prints_a_row_for_each_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = told_by_two_outlets(tmp_path / "stream.jsonl", days=4)
    replay.with_vectors(replay.read_articles(stream), DrawnForTheBundledModel(), tmp_path / "kept")
    growth.main(
        [str(stream), "--vectors", str(tmp_path / "kept"), "--sizes", "20", "40", "--new", "6", "--world", "16"]
    )
    rows = re.findall(r"(?m)^ +(\d+)(?: +[\d.]+ s +[\d.]+){2} +(\d+) +[\d.]+ +(\d+) ", capsys.readouterr().out)
    assert [int(size) for size, _, _ in rows] == [20, 40]
    for size, links, stories in rows:
        assert int(links) > 0
        assert int(stories) < int(size) + 6


def test_fetching_is_measured_new_unchanged_and_with_hosts_that_hang(capsys: pytest.CaptureFixture[str]) -> None:
    fetching.main(
        ["--feeds", "21", "--rounds", "2", "--latency", ".01", "--idle-timeout", ".5", "--concurrency", "8"]
    )
    *_, first, _, second, _, said = capsys.readouterr().out.splitlines()
    assert (first.split()[:2], second.split()[:2]) == (["newsclust", "1"], ["newsclust", "2"])
    found = re.fullmatch(
        r"newsclust, median +new [\d.]+/s \([\d.]+ s of CPU, fetched [\d.]+/s, parsed [\d.]+/s\), (\d+) entries; "
        r"304 [\d.]+/s \([\d.]+ s of CPU\); (\d+) hang: the others done after ([\d.]+) s, all after ([\d.]+) s; "
        r"peak (\d+) MB, (\d+) PSS",
        said,
    )
    assert found, said
    entries, hung, others_s, all_s, rss_mb, pss_mb = map(float, found.groups())
    assert (entries, hung) == (21 * fetching.ITEMS, 2)
    assert rss_mb > pss_mb > 50
    assert others_s < all_s
    assert all_s >= 0.5


def test_a_stream_is_judged_night_by_night_and_on_nights_made_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "ARCHIVE", 20)
    monkeypatch.setattr(quarantine, "PROBED", 2)
    quarantine.main([str(told_by_two_outlets(tmp_path / "stream.jsonl", days=12))])
    told = capsys.readouterr().out
    assert re.search(r"(?m)^\d+ real nights of 2 outlets, .* as they were:\n0 held, 0\.00 in a feed's year", told)
    assert re.search(r"(?m)^ought  1000 old items +4 of 4 held  volume 4$", told)
    assert re.search(r"(?m)^ought  spam, its language, other domain +4 of 4 held  foreign_links 4$", told)
    assert re.search(r"(?m)^not    two weeks of silence, then a usual night +0 of 4 held", told)
    assert len(re.findall(r"(?m)^  \d\.\d: \d+ of \d+ real nights held", told)) == quarantine.FOLDS


@pytest.mark.parametrize(("kind", "language"), quarantine.SOLD)
def test_adverts_of_each_kind_are_written_in_their_language(kind: str, language: str) -> None:
    rng = random.Random(kind)
    sold = [quarantine.advert(rng, kind, language, "pier.example", FIRST) for _ in range(10)]
    assert sum(one.language == language for one in sold) >= 8
    assert {one.site for one in sold} == {"pier.example"}


def test_every_view_of_a_tiny_archive_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    views.main(["--articles", "2000"])
    told = capsys.readouterr().out
    assert "| `article_sources` |" in told
    assert re.search(r"`story_page` \| [\d.]+ \| 1 \|", told)
    assert re.search(r"`story_nights` \| [\d.]+ \| [1-9]", told)
