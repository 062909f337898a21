"""`newsclust story ...` writes corrections of stories; `newsclust why` shows the evidence of the grouping.

Nobody but the pipeline opens the working database: corrections go into a file of their own, and the next night
honours them.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, console, nights_to_change, published, table
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from newsclust.explain import ArticleRef, Explanation, PairEvidence, PairExplanation
    from newsclust.overrides import Correction
    from newsclust.stories.clustering.merge_classifier import MergeAssessment

story_app = typer.Typer(no_args_is_help=True, help="Correct stories: merge, split, rename, undo, list, export.")

StoryId = Annotated[str, typer.Argument(help="A story's id, or its beginning.")]
_CORRECTION_COLUMNS = {  # those of the view story_corrections
    "correction_id": "VARCHAR",
    "made_at": "TIMESTAMP WITH TIME ZONE",
    "kind": "VARCHAR",
    "is_active": "BOOLEAN",
    "story_ids": "VARCHAR[]",
    "article_ids": "VARCHAR[]",
    "other_article_ids": "VARCHAR[]",
    "headline": "VARCHAR",
    "undoes": "VARCHAR",
}
_NEXT = "The next night honours it."
_SHARED = "both say "  # how the pair model names what both articles say
_SHOWN_IN_FULL = 2  # links of an article: of the others the probability is enough, `why ONE OTHER` tells the rest
_UNITS = "(+ and -: weights on the log-odds, compared with the usual pair of articles, or of groups)"


@story_app.command()
def merge(
    stories: Annotated[list[str], typer.Argument(help="Two or more stories that are one.")],
    database: Published = None,
    config: Config = None,
) -> None:
    """Merge stories into one: their articles stay together from the next night on."""
    from newsclust.explain import find_story, members_of
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        found = dict(find_story(connection, story) for story in stories)
        articles = {article for story_id in found for article in members_of(connection, story_id)}
    if len(found) < 2:
        raise SettingsError("merge: name two different stories at least")
    _add(database, config, new_correction(CorrectionKind.SAME, made_at=_now(), article_ids=articles, story_ids=found))


@story_app.command()
def split(
    story: StoryId,
    articles: Annotated[list[str], typer.Argument(help="The articles that do not belong, by id or address.")],
    database: Published = None,
    config: Config = None,
) -> None:
    """Split articles off a story: they stay apart from the rest of it from the next night on."""
    from newsclust.explain import find_article, find_story, members_of
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        story_id, _ = find_story(connection, story)
        members = set(members_of(connection, story_id))
        split_off = {find_article(connection, article).id for article in articles}
    if outside := sorted(split_off - members):
        raise SettingsError(f"split: {', '.join(outside)} is not in story {story_id}")
    if split_off == members:
        raise SettingsError(f"split: these are all articles of story {story_id}; nothing would stay")
    correction = new_correction(
        CorrectionKind.DIFFERENT,
        made_at=_now(),
        article_ids=split_off,
        other_article_ids=members - split_off,
        story_ids=[story_id],
    )
    _add(database, config, correction)


@story_app.command()
def rename(
    story: StoryId,
    headline: Annotated[str, typer.Argument(help="What it is to be called.")],
    database: Published = None,
    config: Config = None,
) -> None:
    """Give a story a headline of your own."""
    from newsclust.explain import find_story, members_of
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        story_id, _ = find_story(connection, story)
        articles = members_of(connection, story_id)
    _add(
        database,
        config,
        new_correction(
            CorrectionKind.RENAME,
            made_at=_now(),
            article_ids=articles,
            headline=headline.strip(),
            story_ids=[story_id],
        ),
    )


@story_app.command()
def undo(
    correction: Annotated[str, typer.Argument(help="The correction's id; `newsclust story list` shows them.")],
    database: Published = None,
    config: Config = None,
) -> None:
    """Take a correction back; the undo itself can be undone."""
    from newsclust.overrides import CorrectionKind, new_correction, read_corrections

    known = {earlier.id for earlier in read_corrections(nights_to_change(database, config).paths.corrections)}
    if correction not in known:
        raise SettingsError(f"there is no correction {correction!r}; `newsclust story list` shows them")
    _add(database, config, new_correction(CorrectionKind.UNDO, made_at=_now(), undoes=correction))


@story_app.command("list")
def list_corrections(
    database: Published = None, config: Config = None, form: Format = None, output: OutputFile = None
) -> None:
    """List the corrections, and whether each is active."""
    from newsclust.export import Rows
    from newsclust.overrides import active_corrections, read_corrections

    out = Output.chosen(form, output)
    corrections = read_corrections(nights_to_change(database, config).paths.corrections)
    active = {correction.id for correction in active_corrections(corrections)}
    if out.is_for_people:
        shown = [
            [
                c.id,
                f"{c.made_at:%Y-%m-%d %H:%M}",
                c.kind.value,
                "yes" if c.id in active else "",
                " ".join(c.story_ids),
                _what(c),
            ]
            for c in corrections
        ]
        console().print(table("Corrections", ["id", "made at", "kind", "active", "stories", "what"], shown))
        return
    rows = [
        [
            *(c.id, c.made_at, c.kind.value, c.id in active, list(c.story_ids)),
            *(list(c.article_ids), list(c.other_article_ids), c.headline or None, c.undoes or None),
        ]
        for c in corrections
    ]
    out.show(Rows.of(_CORRECTION_COLUMNS, rows))


@story_app.command()
def export(database: Published = None, config: Config = None) -> None:
    """Print the articles of corrected stories as labelled JSON Lines, for `newsclust evaluate`."""
    from newsclust.overrides import CorrectionKind, active_corrections, read_corrections

    corrections = [
        c
        for c in active_corrections(read_corrections(nights_to_change(database, config).paths.corrections))
        if c.kind is not CorrectionKind.NOT_DUPLICATE
    ]
    named = sorted(
        {
            article
            for correction in corrections
            for article in (*correction.article_ids, *correction.other_article_ids)
        }
    )
    with published(database, config) as connection:
        rows = connection.execute(
            """
            SELECT article_id AS id, articles.title, articles.text, articles.language AS lang,
                   strftime(articles.published_at, '%Y-%m-%dT%H:%M:%SZ') AS published, articles.outlet AS source,
                   articles.url, members.story_id AS story
            FROM internal.story_articles AS members JOIN internal.articles USING (article_id)
            WHERE members.left_at IS NULL AND members.story_id IN (
                SELECT story_id FROM internal.story_articles WHERE left_at IS NULL AND list_contains($1, article_id))
            ORDER BY members.story_id, articles.published_at, article_id
            """,
            [named],
        )
        names = [column[0] for column in rows.description or ()]
        for row in rows.fetchall():
            print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False))


def why(
    article: Annotated[str, typer.Argument(help="An article's id (or its beginning) or its address.")],
    other: Annotated[str | None, typer.Argument(help="A second one, to compare the two.")] = None,
    database: Published = None,
    config: Config = None,
) -> None:
    """Show why an article is in its story and not in the nearest other one; or what is known of two articles."""
    from newsclust.explain import clusterer_of, explain, explain_pair, find_article

    with published(database, config) as connection:
        one = find_article(connection, article)
        clusterer = clusterer_of(connection)
        if other is None:
            _show_why(explain(connection, one, clusterer))
        else:
            two = find_article(connection, other)
            _show_both(one, two, explain_pair(connection, one, two, clusterer))


def _show_why(found: "Explanation") -> None:
    one = found.article
    print(f"“{one.title}” ({one.outlet})")
    if found.duplicate_of:
        print(f"A duplicate of {found.duplicate_of}")
        return
    if not one.story_id:
        print("in no story yet")
        return
    others = {0: "alone", 1: "with 1 other article"}.get(found.others, f"with {found.others} other articles")
    print(f"in the story “{found.headline}” ({one.story_id}), {others}")
    if found.others and found.measure:
        print("\nWith the rest of its story:")
        _show_assessment(found.measure, found.assessment)
        if not found.assessment or found.assessment.probability < found.assessment.threshold:
            print("  By itself that is not enough: it came in before some of the rest did, or by a correction.")
    if found.links:
        print("\nIts links there:")
    for tie in found.links[:_SHOWN_IN_FULL]:
        _show_link(tie)
    for tie in found.links[_SHOWN_IN_FULL:]:
        _show_title(tie)
    if unlinked := found.others - len(found.links):
        print(f"  none with {unlinked} more")
    if near := found.nearby:
        count = "1 article" if near.articles == 1 else f"{near.articles} articles"
        print(f"\nNearest story it was not joined to: “{near.headline}” ({near.story_id}), {count}")
        if found.measure:
            _show_assessment(found.measure, near.assessment)
        if near.assessment and near.assessment.probability >= near.assessment.threshold and not near.corrections:
            print("  By itself that is enough: the nights that grouped them saw only a part of these articles.")
        for line in near.corrections:
            print(f"  kept apart by people, {line}")
        print("\nIts closest link there:")
        _show_link(near.strongest)
    _lines("Corrections:", found.corrections)
    if found.links or found.nearby:
        print(f"\n{_UNITS}")


def _show_both(one: "ArticleRef", two: "ArticleRef", found: "PairExplanation") -> None:
    print(f"“{one.title}” ({one.outlet})\n“{two.title}” ({two.outlet})")
    print("One story." if found.one_story else "Not one story.")
    if found.link:
        print(f"\n  {found.link.probability:.2f}  probability that these two tell one story, by themselves")
        _show_evidence(found.link)
    else:
        print("\nNo link: too little in common, or too many days apart, to be compared.")
    if found.measure and one.story_id and two.story_id and not found.one_story:
        print("\nTheir stories as wholes:")
        _show_assessment(found.measure, found.assessment)
    _lines("Corrections:", found.corrections)
    if found.link or found.assessment:
        print(f"\n{_UNITS}")


def _show_assessment(measure: str, assessment: "MergeAssessment | None") -> None:
    if assessment is None:
        print("  hardly linked: the two are not even compared as wholes")
        return
    usual = f", {assessment.baseline:.2f} is usual" if assessment.baseline is not None else ""
    print(f"  {assessment.probability:.2f}  {measure} ({assessment.threshold:.2f} joins two groups{usual})")
    _show_weights(assessment.contributions)


def _show_link(tie: "PairEvidence") -> None:
    _show_title(tie)
    _show_evidence(tie)


def _show_evidence(tie: "PairEvidence") -> None:
    # Names in common are shown by their rarity, in another unit than the weights that make up the probability.
    names = {term.removeprefix(_SHARED): rarity for term, rarity in tie.evidence.items() if term.startswith(_SHARED)}
    _show_weights({term: weight for term, weight in tie.evidence.items() if not term.startswith(_SHARED)})
    if names:
        print("                    both say " + ", ".join(sorted(names, key=lambda name: (-names[name], name))))


def _show_title(tie: "PairEvidence") -> None:
    print(f"  {tie.probability:.2f}  “{tie.other.title}” ({tie.other.outlet}, {tie.other.id})")


def _show_weights(weights: Mapping[str, float]) -> None:
    for term, weight in sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0])):
        print(f"          {weight:+8.2f}  {term.replace('_', ' ')}")


def _lines(heading: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        print(f"\n{heading}\n  {line}" if number == 0 else f"  {line}")


def _what(correction: "Correction") -> str:
    """Return what a correction is about, beside its kind and its stories."""
    articles, others = correction.article_ids, correction.other_article_ids
    if text := correction.headline or correction.undoes:
        return text
    if len(articles) == 1 and not others:
        return f"article {articles[0]}"
    return f"{len(articles)} articles" + f", {len(others)} others" * bool(others)


def _add(database: Path | None, config: Path | None, correction: "Correction") -> None:
    from newsclust.overrides import append_correction

    target = nights_to_change(database, config).paths.corrections
    append_correction(target, correction)
    print(f"{correction.id}: written to {target}. {_NEXT}")


def _now() -> datetime:
    return datetime.now(UTC)
