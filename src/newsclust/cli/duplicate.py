"""`newsclust duplicate ...`: list the duplicates with their evidence, and override a wrong one.

As with stories, an override goes into the file of corrections, and the next night honours it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, nights_behind, nights_to_change, published
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from newsclust.overrides import Correction
    from newsclust.settings import Settings

duplicate_app = typer.Typer(no_args_is_help=True, help="Duplicates: list them, undo or restore one.")

_COLUMNS = {  # those of the view duplicate_articles, and when a person declared an article a duplicate of none
    "article_id": "VARCHAR",
    "title": "VARCHAR",
    "outlet": "VARCHAR",
    "original_id": "VARCHAR",
    "original_title": "VARCHAR",
    "original_outlet": "VARCHAR",
    "method": "VARCHAR",
    "similarity": "DOUBLE",
    "evidence": "VARCHAR",
    "declared_none_at": "TIMESTAMP WITH TIME ZONE",
}
ArticleId = Annotated[str, typer.Argument(help="An article's id (or its beginning) or its address.")]


@duplicate_app.command("list")
def list_duplicates(
    database: Published = None,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest first.")] = 20,
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """List the duplicates with their original and the evidence, and the articles that people declared none."""
    from newsclust.export import Rows

    out = Output.chosen(form, output)
    overrides = {correction.article_ids[0]: correction for correction in _overrides(nights_behind(database, config))}
    with published(database, config) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM internal.duplicates WHERE NOT list_contains($1, article_id)", [list(overrides)]
        ).fetchall()[0]
        rows = connection.execute(
            "SELECT article_id, title, outlet, original_id, original_title, original_outlet, method, similarity, "
            "evidence FROM duplicate_articles WHERE NOT list_contains($1, article_id) LIMIT $2",
            [list(overrides), limit],
        ).fetchall()
        stored = connection.execute(
            "SELECT article_id, title, outlet, article_id IN (SELECT article_id FROM internal.duplicates) "
            "FROM internal.articles WHERE list_contains($1, article_id)",
            [list(overrides)],
        ).fetchall()
    names = {article_id: (title, outlet, still) for article_id, title, outlet, still in stored}
    if not out.is_for_people:
        declared = [
            [article_id, *names.get(article_id, (None, None, False))[:2], *[None] * 6, correction.made_at]
            for article_id, correction in overrides.items()
        ]
        out.show(Rows.of(_COLUMNS, [*([*row, None] for row in rows), *declared]))
        return
    print(f"Duplicates: {count}" + f", the latest {len(rows)} shown" * (len(rows) < count))
    for article_id, title, outlet, *original in rows:
        print(f"\n{article_id}  “{title}” ({outlet})")
        _show_original(*original)
    if overrides:
        print("\nDeclared duplicates of none by people:")
    for article_id, correction in overrides.items():
        title, outlet, still = names.get(article_id, (None, None, False))
        name = "not in this database" if title is None else f"“{title}” ({outlet})"
        print(f"{article_id}  {name}, since {correction.made_at:%Y-%m-%d}{'; the next night frees it' * still}")


@duplicate_app.command()
def undo(article: ArticleId, database: Published = None, config: Config = None) -> None:
    """Declare an article a duplicate of none: from the next night on it stands for itself."""
    from newsclust.explain import find_article
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        found = find_article(connection, article)
        original = connection.execute(
            "SELECT original_id, original_title, original_outlet, method, similarity, evidence "
            "FROM duplicate_articles WHERE article_id = $1",
            [found.id],
        ).fetchone()
    name = f"{found.id}  “{found.title}” ({found.outlet})"
    if made := [
        correction
        for correction in _overrides(nights_to_change(database, config))
        if found.id in correction.article_ids
    ]:
        raise SettingsError(f"{name}: since {made[0].made_at:%Y-%m-%d} it is declared a duplicate of none")
    if original is None:
        raise SettingsError(f"{name}: it is a duplicate of none; `newsclust duplicate list` shows the duplicates")
    print(name)
    _show_original(*original)
    _add(
        database,
        config,
        new_correction(CorrectionKind.NOT_DUPLICATE, made_at=datetime.now(UTC), article_ids=[found.id]),
    )
    print("The next night frees it, and no later one calls it a duplicate.")
    print(f"`newsclust duplicate restore {found.id}` takes this back.")


@duplicate_app.command()
def restore(article: ArticleId, database: Published = None, config: Config = None) -> None:
    """Take an undo back: the next night compares the article anew."""
    from newsclust.explain import find_article
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        found = find_article(connection, article)
    name = f"{found.id}  “{found.title}” ({found.outlet})"
    made = [
        correction
        for correction in _overrides(nights_to_change(database, config))
        if found.id in correction.article_ids
    ]
    if not made:
        raise SettingsError(
            f"{name}: nobody declared it a duplicate of none; `newsclust duplicate list` shows what was declared"
        )
    print(name)
    for correction in made:
        _add(database, config, new_correction(CorrectionKind.UNDO, made_at=datetime.now(UTC), undoes=correction.id))
    print("The next night compares it anew.")


def _overrides(settings: "Settings | None") -> list["Correction"]:
    """Return the active corrections that declare an article a duplicate of none; none of a file of unknown nights."""
    from newsclust.overrides import CorrectionKind, active_corrections, read_corrections

    if settings is None:
        return []
    active = active_corrections(read_corrections(settings.paths.corrections))
    return [correction for correction in active if correction.kind is CorrectionKind.NOT_DUPLICATE]


def _show_original(original_id: str, title: str, outlet: str, method: str, similarity: float, evidence: str) -> None:
    print(f"  a duplicate of {original_id}  “{title}” ({outlet})")
    print(f"  {method.replace('_', ' ')}, {similarity:.2f}: {evidence}")


def _add(database: Path | None, config: Path | None, correction: "Correction") -> None:
    from newsclust.overrides import append_correction

    target = nights_to_change(database, config).paths.corrections
    append_correction(target, correction)
    print(f"{correction.id}: written to {target}.")
