"""The verbs of copies: `newsclust duplicate ...` shows what was called a copy, and says where that is wrong.

As with stories, what a person says goes into the file of corrections, and the next night honours it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.shared import Config, Published, published, settings_of
from newsclust.errors import SettingsError

if TYPE_CHECKING:
    from newsclust.overrides import Correction

duplicate_app = typer.Typer(no_args_is_help=True, help="Copies: list them, undo or redo one.")

ArticleId = Annotated[str, typer.Argument(help="An article's id (or its beginning) or its address.")]


@duplicate_app.command("list")
def list_copies(
    database: Published = None,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest first.")] = 20,
) -> None:
    """Show copies with their original and the evidence, and what people said to be copies of none."""
    said = {correction.article_ids[0]: correction for correction in _no_copies(config)}
    with published(database, config) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM duplicates WHERE NOT list_contains($1, article_id)", [list(said)]
        ).fetchall()[0]
        rows = connection.execute(
            "SELECT article_id, title, outlet, original_id, original_title, original_outlet, method, similarity, "
            "evidence FROM duplicate_articles WHERE NOT list_contains($1, article_id) LIMIT $2",
            [list(said), limit],
        ).fetchall()
        known = connection.execute(
            "SELECT article_id, title, outlet, article_id IN (SELECT article_id FROM duplicates) FROM articles "
            "WHERE list_contains($1, article_id)",
            [list(said)],
        ).fetchall()
    print(f"Copies: {count}" + f", the latest {len(rows)} shown" * (len(rows) < count))
    for article_id, title, outlet, *rest in rows:
        print(f"\n{article_id}  “{title}” ({outlet})")
        _show_original(*rest)
    if said:
        print("\nCopies of none, as people said:")
    told = {article_id: (f"“{title}” ({outlet})", is_copy) for article_id, title, outlet, is_copy in known}
    for article_id, correction in said.items():
        title, is_copy = told.get(article_id, ("not in this database", False))
        print(f"{article_id}  {title}, since {correction.made_at:%Y-%m-%d}{'; the next night frees it' * is_copy}")


@duplicate_app.command()
def undo(article: ArticleId, database: Published = None, config: Config = None) -> None:
    """Say that an article is a copy of none: every night from the next on lets it stand for itself."""
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
    if said := [correction for correction in _no_copies(config) if found.id in correction.article_ids]:
        raise SettingsError(f"{name}: since {said[0].made_at:%Y-%m-%d} it is said to be a copy of none")
    if original is None:
        raise SettingsError(f"{name}: it is a copy of none; `newsclust duplicate list` shows the copies")
    print(name)
    _show_original(*original)
    _add(config, new_correction(CorrectionKind.NOT_DUPLICATE, made_at=datetime.now(UTC), article_ids=[found.id]))
    print("The next night frees it, and no later one calls it a copy.")
    print(f"`newsclust duplicate redo {found.id}` takes this back.")


@duplicate_app.command()
def redo(article: ArticleId, database: Published = None, config: Config = None) -> None:
    """Take an undo back: the next night judges the article anew."""
    from newsclust.explain import find_article
    from newsclust.overrides import CorrectionKind, new_correction

    with published(database, config) as connection:
        found = find_article(connection, article)
    name = f"{found.id}  “{found.title}” ({found.outlet})"
    said = [correction for correction in _no_copies(config) if found.id in correction.article_ids]
    if not said:
        raise SettingsError(
            f"{name}: nobody said that it is a copy of none; `newsclust duplicate list` shows what was said"
        )
    print(name)
    for correction in said:
        _add(config, new_correction(CorrectionKind.UNDO, made_at=datetime.now(UTC), undoes=correction.id))
    print("The next night compares it anew.")


def _no_copies(config: Path | None) -> list["Correction"]:
    """Return the standing corrections that call an article a copy of none."""
    from newsclust.overrides import CorrectionKind, active_corrections, read_corrections

    said = active_corrections(read_corrections(settings_of(config).paths.corrections))
    return [correction for correction in said if correction.kind is CorrectionKind.NOT_DUPLICATE]


def _show_original(original_id: str, title: str, outlet: str, method: str, similarity: float, evidence: str) -> None:
    print(f"  a copy of {original_id}  “{title}” ({outlet})")
    print(f"  {method.replace('_', ' ')}, {similarity:.2f}: {evidence}")


def _add(config: Path | None, correction: "Correction") -> None:
    from newsclust.overrides import append_correction

    target = settings_of(config).paths.corrections
    append_correction(target, correction)
    print(f"{correction.id}: written to {target}.")
