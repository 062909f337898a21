"""`newsclust story ...` and `newsclust why` on a published night: what is written, what is shown, what is refused."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from newsclust.cli.why import _show_why
from newsclust.explain import ArticleRef, Explanation, NearbyStory, PairEvidence
from newsclust.overrides import CorrectionKind, grouping_constraints, read_corrections
from newsclust.store import open_published
from newsclust.stories.clustering.merge_classifier import MergeAssessment
from tests.terminal import Terminal

FILE = Path("data/corrections.jsonl")  # where the settings' defaults put it, in the test's own folder


@pytest.fixture
def published(newsclust: Terminal, demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_folder / "published" / "newsclust.duckdb") as connection:
        yield connection


def members(published: duckdb.DuckDBPyConnection, story: str) -> set[str]:
    sql = "SELECT article_id FROM current_story_articles WHERE story_id = $1"
    return {article for (article,) in published.execute(sql, [story]).fetchall()}


def two_stories(published: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    found = published.execute("SELECT story_id FROM current_stories WHERE articles > 1 LIMIT 2").fetchall()
    return found[0][0], found[1][0]


def test_merging_two_stories_links_all_their_articles(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    one, other = two_stories(published)
    ended = newsclust("story", "merge", one[:10], other)
    assert ended.code == 0
    assert "next night" in ended.out
    wanted = members(published, one) | members(published, other)
    assert grouping_constraints(read_corrections(FILE)).together == (frozenset(wanted),)


def test_splitting_articles_off_keeps_each_apart_from_the_rest(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    story, _ = two_stories(published)
    leaving, *staying = sorted(members(published, story))
    assert newsclust("story", "split", story, leaving).code == 0
    assert grouping_constraints(read_corrections(FILE)).apart == {frozenset((leaving, other)) for other in staying}


def test_a_story_can_be_renamed_and_every_correction_undone(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    story, _ = two_stories(published)
    assert newsclust("story", "rename", story, "Ce dont il s’agit").code == 0
    (named,) = read_corrections(FILE)
    assert (named.kind, named.headline, named.story_ids) == (CorrectionKind.RENAME, "Ce dont il s’agit", (story,))
    assert "Ce dont il s’agit" in newsclust("story", "list").out
    assert newsclust("story", "undo", named.id).code == 0
    listed = newsclust("story", "list").out
    assert " yes " not in listed
    assert named.id in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("merge", "ONE"), "two different stories"),
        (("merge", "ONE", "ONE"), "two different stories"),
        (("merge", "ONE", "nothing"), "no story has this id"),
        (("split", "ONE", "STRANGER"), "is not in story"),
        (("split", "ONE", "no such article"), "no article has this id"),
        (("rename", "ONE", "   "), "lacks what it corrects"),
        (("undo", "nothing"), "there is no correction"),
    ],
)
def test_an_incomplete_correction_is_refused_and_not_written(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection, arguments: tuple[str, ...], message: str
) -> None:
    one, other = two_stories(published)
    names = {"ONE": one, "STRANGER": min(members(published, other))}
    ended = newsclust("story", *(names.get(a, a) for a in arguments))
    assert ended.code == 2
    assert message in ended.err
    assert read_corrections(FILE) == []


@pytest.fixture
def two_archives(terminal: Terminal, demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real nights' settings in this folder, and the demonstration with its own in `demo`: its published file."""
    monkeypatch.delenv("NEWSCLUST_PATHS__CORRECTIONS", raising=False)
    Path("newsclust.toml").write_text('[paths]\ncorrections = "corrections.jsonl"\n')
    published = Path("demo/published/newsclust.duckdb")
    published.parent.mkdir(parents=True)
    shutil.copyfile(demo_folder / "published" / "newsclust.duckdb", published)
    Path("demo/newsclust.toml").write_text(
        '[paths]\npublished = "published/newsclust.duckdb"\ncorrections = "corrections.jsonl"\n'
        'feeds = "feeds.toml"\nfeed_commands = "commands.jsonl"\n'
    )
    Path("demo/feeds.toml").write_bytes((demo_folder / "feeds.toml").read_bytes())
    return published


@pytest.mark.parametrize("way", ["option", "variable"])
def test_what_is_said_of_the_demonstration_goes_to_its_own_nights(
    way: str, terminal: Terminal, two_archives: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ["--database", str(two_archives)] if way == "option" else []
    if way == "variable":
        monkeypatch.setenv("NEWSCLUST_PATHS__PUBLISHED", str(two_archives))
    with open_published(two_archives) as connection:
        one, other = two_stories(connection)
        (feed,) = connection.execute("SELECT feed_id FROM feed_health LIMIT 1").fetchall()[0]
        (copy,) = connection.execute("SELECT article_id FROM duplicate_articles LIMIT 1").fetchall()[0]
    assert terminal("story", "merge", one, other, *named).code == 0
    assert terminal("duplicate", "undo", copy, *named).code == 0
    assert terminal("feeds", "refresh", feed, *named).code == 0
    ours = read_corrections(Path("demo/corrections.jsonl"))
    assert [correction.kind for correction in ours] == [CorrectionKind.SAME, CorrectionKind.NOT_DUPLICATE]
    assert Path("demo/commands.jsonl").exists()
    assert ours[0].id in terminal("story", "list", *named).out
    assert terminal("story", "undo", ours[0].id, *named).code == 0
    assert terminal("feeds", "list", *named).out.startswith("15 feeds")
    assert not Path("corrections.jsonl").exists()
    assert not Path("data").exists()


def test_what_is_said_of_a_file_whose_nights_nobody_knows_is_refused(terminal: Terminal, two_archives: Path) -> None:
    copy = Path("mine.duckdb")
    shutil.copyfile(two_archives, copy)
    with open_published(copy) as connection:
        one, other = two_stories(connection)
        (article,) = connection.execute("SELECT article_id FROM duplicate_articles LIMIT 1").fetchall()[0]
    for verb in (["story", "merge", one, other], ["duplicate", "undo", article], ["feeds", "list"]):
        ended = terminal(*verb, "--database", str(copy))
        assert (ended.code, "name their settings by --config" in ended.err) == (2, True), verb
    assert terminal("duplicate", "list", "--database", str(copy)).code == 0
    named = terminal("story", "merge", one, other, "--database", str(copy), "--config", "newsclust.toml")
    assert (named.code, len(read_corrections(Path("corrections.jsonl")))) == (0, 1)


def test_a_whole_story_cannot_be_split_off_itself(newsclust: Terminal, published: duckdb.DuckDBPyConnection) -> None:
    story, _ = two_stories(published)
    ended = newsclust("story", "split", story, *members(published, story))
    assert ended.code == 2
    assert "nothing would stay" in ended.err


def test_corrected_stories_are_exported_as_a_labelled_set(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    one, other = two_stories(published)
    newsclust("story", "merge", one, other)
    rows = [json.loads(line) for line in newsclust("story", "export").out.splitlines()]
    assert {row["id"] for row in rows} == members(published, one) | members(published, other)
    assert {row["story"] for row in rows} == {one, other}
    assert all(row["title"] and row["text"] and row["lang"] in ("en", "fr") for row in rows)


def test_why_shows_what_ties_an_article_to_its_story_and_the_nearest_it_was_not_joined_to(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    # An article with a link into its own story and one out of it.
    _, headline, article = published.execute(
        """
        WITH placed AS (SELECT article_id, story_id FROM current_story_articles),
             ties AS (SELECT article_a AS one, article_b AS other FROM internal.links
                      UNION ALL SELECT article_b, article_a FROM internal.links)
        SELECT here.story_id, stories.headline, ties.one
        FROM ties
        JOIN placed AS here ON here.article_id = ties.one
        JOIN placed AS there ON there.article_id = ties.other
        JOIN internal.stories ON stories.story_id = here.story_id
        GROUP BY ALL
        HAVING bool_or(here.story_id = there.story_id) AND bool_or(here.story_id <> there.story_id)
        ORDER BY ties.one LIMIT 1
        """
    ).fetchall()[0]
    ended = newsclust("why", article)
    assert ended.code == 0
    assert headline in ended.out
    belongs, links, nearest = (
        ended.out.index(said)
        for said in ("With the rest of its story:", "Its links there:", "Nearest story it was not joined to:")
    )
    assert belongs < links < nearest
    assert "chance that both tell one story (0." in ended.out[belongs:links]
    assert "the links between them, on average" in ended.out[belongs:links]
    assert "Its closest link there:" in ended.out[nearest:]
    title, url = published.execute(
        "SELECT title, url FROM internal.articles WHERE article_id = $1", [article]
    ).fetchall()[0]
    assert title in ended.out
    assert newsclust("why", url).out == ended.out


def test_why_of_two_articles_shows_the_evidence_or_says_that_there_is_none(
    newsclust: Terminal, published: duckdb.DuckDBPyConnection
) -> None:
    a, b = published.execute(
        "SELECT article_a, article_b FROM link_evidence ORDER BY probability DESC LIMIT 1"
    ).fetchall()[0]
    together = newsclust("why", a, b).out
    assert "One story." in together
    assert "probability that these two tell one story" in together
    assert "Their stories as wholes:" not in together
    assert newsclust("why", b, a).out.splitlines()[2:3] == ["One story."]
    apart = published.execute(
        "SELECT a.article_id, b.article_id FROM current_story_articles AS a, current_story_articles AS b "
        "WHERE a.article_id < b.article_id AND a.story_id <> b.story_id AND NOT EXISTS (SELECT 1 FROM internal.links "
        "WHERE article_a = a.article_id AND article_b = b.article_id) ORDER BY ALL LIMIT 1"
    ).fetchall()[0]
    without = newsclust("why", *apart).out
    assert "No link" in without
    assert without.index("Not one story.") < without.index("Their stories as wholes:")


def test_why_of_a_copy_names_its_original(newsclust: Terminal, published: duckdb.DuckDBPyConnection) -> None:
    copy, original = published.execute(
        "SELECT article_id, original_title FROM duplicate_articles LIMIT 1"
    ).fetchall()[0]
    ended = newsclust("why", copy)
    assert "A duplicate of" in ended.out
    assert original in ended.out


def test_why_of_what_is_not_there_is_refused(newsclust: Terminal, published: duckdb.DuckDBPyConnection) -> None:
    ended = newsclust("why", "https://nowhere.example/")
    assert ended.code == 2
    assert "no article has this id or address" in ended.err


def shown(found: Explanation, capsys: pytest.CaptureFixture[str]) -> list[str]:
    _show_why(found)
    return capsys.readouterr().out.splitlines()


TOLD = ArticleRef(id="a1", title="Here", outlet="site.example", story_id="s1")
TIE = PairEvidence(
    other=ArticleRef(id="b1", title="There", outlet="site.example", story_id="s2"), probability=0.4, evidence={}
)
NEAR = NearbyStory(story_id="s2", headline="Elsewhere", articles=1, strongest=TIE, assessment=None, corrections=())
JUDGEMENT = MergeAssessment(
    probability=0.3, threshold=0.35, baseline=0.25, contributions={"sizes": -0.1, "languages": 0.5}
)
WHY = Explanation(
    article=TOLD,
    headline="Headline",
    duplicate_of=None,
    measure="chance",
    others=3,
    assessment=replace(JUDGEMENT, probability=0.8),
    links=(TIE,),
    nearby=replace(NEAR, assessment=JUDGEMENT),
    corrections=(),
)
NOT_ENOUGH, ENOUGH = "By itself that is not enough", "By itself that is enough"


def test_judgements_are_shown_with_what_is_needed_and_the_weightiest_term_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(WHY, capsys)
    place = lines.index("  0.80  chance (0.35 joins two groups, 0.25 is usual)")
    assert [line.split() for line in lines[place + 1 : place + 3]] == [["+0.50", "languages"], ["-0.10", "sizes"]]
    assert "  0.30  chance (0.35 joins two groups, 0.25 is usual)" in lines
    assert "  none with 2 more" in lines
    assert not [line for line in lines if NOT_ENOUGH in line or ENOUGH in line]


def test_what_a_judgement_alone_does_not_explain_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(replace(WHY, assessment=JUDGEMENT, nearby=replace(NEAR, assessment=WHY.assessment)), capsys)
    assert sum(NOT_ENOUGH in line for line in lines) == 1
    assert sum(ENOUGH in line for line in lines) == 1
    by_people = replace(NEAR, assessment=WHY.assessment, corrections=("2026-03-03: different (c1)",))
    lines = shown(replace(WHY, nearby=by_people), capsys)
    assert "  kept apart by people, 2026-03-03: different (c1)" in lines
    assert not [line for line in lines if ENOUGH in line]


def test_groups_that_are_hardly_linked_have_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(replace(WHY, nearby=NEAR), capsys)
    assert lines[lines.index("Nearest story it was not joined to: “Elsewhere” (s2), 1 article") + 1].startswith(
        "  hardly linked"
    )


def test_a_grouping_without_a_measure_is_shown_by_its_links_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(replace(WHY, measure=None, assessment=None, nearby=NEAR), capsys)
    assert "  0.40  “There” (site.example, b1)" in lines
    assert not [line for line in lines if "hardly linked" in line or "With the rest" in line or NOT_ENOUGH in line]


def test_of_an_article_without_links_only_its_story_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(replace(WHY, others=0, assessment=None, links=(), nearby=None), capsys)
    assert lines == ["“Here” (site.example)", "in the story “Headline” (s1), alone"]
