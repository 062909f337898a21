"""`newsclust story ...` writes corrections of stories.

Nobody but the pipeline opens the working database: corrections go into a file of their own, and the next night
honours them.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, console, nights_to_change, published, table
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from newsclust.overrides import Correction

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
