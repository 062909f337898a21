"""The verb `newsclust evaluate`: how well the pipeline's stages rebuild what people labelled."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.shared import Config, console, settings_of, table
from newsclust.errors import SettingsError

if TYPE_CHECKING:  # numpy and pydantic cost half of `newsclust --help`
    from newsclust.evaluate.judge import Row, TopicRow

_WIDEST = 170  # a table of figures that is folded to 80 columns cannot be read, nor kept in a file
# Precision and recall follow the F1 that they belong to.
_COLUMNS = (
    ("B-cubed", "b3"),
    ("P", "b3_precision"),
    ("R", "b3_recall"),
    ("multi", "b3_multi"),
    ("pairs", "pair"),
    ("P", "pair_precision"),
    ("R", "pair_recall"),
    ("EN-FR", "en_fr"),
    ("P", "en_fr_precision"),
    ("R", "en_fr_recall"),
    ("exact", "exact"),
    ("homog.", "homogeneity"),
    ("compl.", "completeness"),
)


class Shown(StrEnum):
    TABLE = "table"
    JSON = "json"


def evaluate(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Labelled JSON Lines, or the word `sample` for the sample corpus."),
    ],
    predictions: Annotated[
        Path | None, typer.Option(help="Write the story of every article there, as JSON: those that are scored.")
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Score the common recipes too, on the same vectors.")] = True,
    topics: Annotated[bool, typer.Option("--topics", help="Score topics too.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Keep vectors in this folder for the next time.")] = None,
    config: Config = None,
    form: Annotated[Shown, typer.Option("--format")] = Shown.TABLE,
) -> None:
    """Score the pipeline's own stages on labelled articles; a file without labels is only grouped.

    B-cubed (over all items, and over those of stories with several), pairwise over all pairs and over EN-FR pairs
    alone, stories rebuilt exactly, homogeneity and completeness. A trained model is judged without what it has
    seen, or the row says so.
    """
    from newsclust.evaluate.baselines import STORY_BASELINES
    from newsclust.evaluate.judge import evaluate as evaluation_of
    from newsclust.evaluate.judge import write_predictions
    from newsclust.evaluate.sets import SAMPLE, SAMPLE_FOLDER, check_ids_differ, read_set, sample_set

    sets = [sample_set(SAMPLE_FOLDER) if file == SAMPLE else read_set(Path(file)) for file in files]
    if predictions:
        check_ids_differ(sets)
        if not predictions.absolute().parent.is_dir():
            raise SettingsError(f"{predictions}: there is no such folder")
    elif not any(labelled.stories for labelled in sets):
        raise SettingsError("no article has a story label: there is nothing to score (--predictions groups them)")
    if topics and not any(labelled.topics for labelled in sets):
        raise SettingsError("--topics: no article has a topic label")
    found = evaluation_of(
        sets,
        settings_of(config),
        baselines=STORY_BASELINES if baselines else {},
        with_topics=topics,
        cache=cache,
    )
    if form is Shown.JSON:
        every: Iterable[Row | TopicRow] = chain(*found.stories, *found.topics)
        for row in every:
            print(json.dumps(asdict(row), ensure_ascii=False))
    else:
        for of_sets in found.stories:
            _print_stories(of_sets)
        for topics_of_sets in found.topics:
            _print_topics(topics_of_sets)
    if predictions:
        write_predictions(predictions, sets, found.predictions)


def _print_stories(rows: "Sequence[Row]") -> None:
    lines = [
        [
            row.method,
            *(_share(getattr(row.figures, name)) if row.figures else "" for _, name in _COLUMNS),
            row.standing.value if row.standing else row.note,
        ]
        for row in rows
    ]
    title = f"Stories: {_sets(rows[0].sets)}, {rows[0].articles} articles"
    _print_wide(title, ["method", *(heading for heading, _ in _COLUMNS), ""], lines)


def _print_topics(rows: "Sequence[TopicRow]") -> None:
    names = ["stories from", "B-cubed", "P", "R", "in no topic", "stories", "topics", "labelled topics", ""]
    lines = [
        [
            row.stories_from,
            *map(_share, (row.figures.b3, row.figures.b3_precision, row.figures.b3_recall, row.figures.outside)),
            *(f"{count:.4g}" for count in (row.figures.stories, row.figures.topics, row.figures.labels)),
            row.standing.value if row.standing else "",
        ]
        for row in rows
    ]
    _print_wide(f"Topics: {_sets(rows[0].sets)}", names, lines)


def _sets(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"average of {len(names)} sets ({', '.join(names)})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _print_wide(title: str, names: list[str], lines: list[list[str]]) -> None:
    wide = console()
    wide.width = max(wide.width, _WIDEST)
    wide.print(table(title, names, lines))
