"""The verbs of `newsclust evaluate`: how well the pipeline's stages rebuild what people labelled."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from newsclust.cli.shared import Config, console, settings_of, table
from newsclust.errors import SettingsError

if TYPE_CHECKING:  # numpy and pydantic cost half of `newsclust --help`
    from newsclust.evaluation.confusion import Row as ConfusionRow
    from newsclust.evaluation.duplicates import Outcome
    from newsclust.evaluation.extraction import PageRow
    from newsclust.evaluation.extraction import Row as ExtractionRow
    from newsclust.evaluation.runner import Row, TopicRow

_WIDEST = 180  # a table of figures that is folded to 80 columns cannot be read, nor kept in a file
_CHOSEN = (
    "Where an address was the label, exact URL is right by definition. Seen before: the verdict's thresholds were\n"
    "chosen on half 0 of the collections' pairs; how furniture is learned and what is derived, on all of theirs."
)
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


class _StoriesUnlessNamed(TyperGroup):
    """Verbs of which the first word may be left out: `evaluate sample` is `evaluate stories sample`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["stories", *args])


evaluate_app = typer.Typer(
    cls=_StoriesUnlessNamed,
    no_args_is_help=True,
    help="Score the stages on what people labelled: stories (may be left out), duplicates or extraction.",
)


@evaluate_app.command()
def stories(
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
    from newsclust.evaluation.baselines import STORY_BASELINES
    from newsclust.evaluation.datasets import SAMPLE, SAMPLE_FOLDER, check_ids_differ, read_set, sample_set
    from newsclust.evaluation.runner import evaluate as evaluation_of
    from newsclust.evaluation.runner import write_predictions

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


@evaluate_app.command()
def duplicates(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the labelled collections (default: ../shared/data).")
    ] = None,
    derived: Annotated[
        bool, typer.Option("--derived", help="Score rewritten and translated articles too: embeds their sentences.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Write the pairs that are called wrongly there, as TSV.")
    ] = None,
    config: Config = None,
    form: Annotated[Shown, typer.Option("--format")] = Shown.TABLE,
) -> None:
    """Score the search for copies on labelled pairs, beside exact titles, exact URLs and plain MinHash.

    Precision counts the false calls on all labelled pairs that are no copies, recall the copies of one kind. Each
    set is judged as one night, and night by night, when the stages know of earlier days alone.
    """
    from newsclust.evaluation.confusion import write_mistakes
    from newsclust.evaluation.datasets import SAMPLE_FOLDER
    from newsclust.evaluation.duplicates import evaluate as evaluation_of
    from newsclust.evaluation.duplicates import evaluate_derived
    from newsclust.evaluation.pairs import DATA, copy_pairs, derived_pairs, sample_pairs

    settings = settings_of(config)
    folder = data or DATA
    found = [evaluation_of([copy_pairs(folder), sample_pairs(SAMPLE_FOLDER)], settings.duplicates)]
    if derived:
        found.append(evaluate_derived(derived_pairs(folder), settings.embedder()))
    rows = [row for one in found for row in one.rows]
    outcomes = [outcome for one in found for outcome in one.outcomes]
    if form is Shown.JSON:
        for row in rows:
            print(json.dumps({**asdict(row), "precision": row.precision, "recall": row.recall, "f1": row.f1}))
        for outcome in outcomes:
            print(json.dumps(asdict(outcome)))
    else:
        for name, of_set in groupby(rows, key=lambda row: row.set):
            _print_pairs(name, list(of_set))
        _print_outcomes(outcomes)
        print(_CHOSEN)
    if errors:
        write_mistakes(errors, [mistake for one in found for mistake in one.mistakes])


@evaluate_app.command()
def extraction(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the labelled collections (default: ../shared/data).")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the pages to list that are read worst.")] = 10,
    form: Annotated[Shown, typer.Option("--format")] = Shown.TABLE,
) -> None:
    """Score the texts taken from article pages, beside plain trafilatura and readability-lxml.

    Words of a page are compared as bags, and the figures of pages averaged: over all, and over each of five groups of
    sites. "4 words" is the F1 of runs of four words, as the collection's own evaluation reckons it.
    """
    from newsclust.evaluation.extraction import METHODS, OURS, read_pages
    from newsclust.evaluation.extraction import evaluate as evaluation_of
    from newsclust.evaluation.pairs import DATA

    rows, pages = evaluation_of(read_pages((data or DATA) / "pages"), METHODS)
    if form is Shown.JSON:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    _print_methods(rows)
    _print_worst(sorted((row for row in pages if row.method == OURS), key=lambda row: row.words.f1)[:worst], pages)


def _print_methods(rows: "Sequence[ExtractionRow]") -> None:
    names = [
        "method",
        "pages",
        "precision",
        "recall",
        "F1",
        "4 words",
        "under .5",
        "F1 by group of sites",
        "worst",
        "",
    ]
    lines = []
    for method, of_method in groupby(rows, key=lambda row: row.method):
        every, *folds = of_method
        if every.note:
            lines.append([method, *[""] * (len(names) - 2), every.note])
            continue
        figures = map(_share, (every.precision, every.recall, every.f1, every.runs_f1))
        by_fold = " ".join(_share(fold.f1) for fold in folds)
        lines.append([method, every.pages, *figures, every.lost, by_fold, _share(min(fold.f1 for fold in folds)), ""])
    _print_wide("Texts of article pages: means over pages", names, lines)


def _print_worst(worst: "Sequence[PageRow]", pages: "Sequence[PageRow]") -> None:
    methods = list(dict.fromkeys(row.method for row in pages))
    f1 = {(row.method, row.url): row.words.f1 for row in pages}
    lines = [
        [
            _share(row.words.precision),
            _share(row.words.recall),
            *(_share(f1[one, row.url]) for one in methods),
            row.url,
        ]
        for row in worst
    ]
    if lines:
        _print_wide("The pages that we read worst", ["P", "R", *(f"F1 {one}" for one in methods), "page"], lines)


def _print_pairs(name: str, rows: "Sequence[ConfusionRow]") -> None:
    from newsclust.evaluation.pairs import Label

    methods = list(dict.fromkeys(row.method for row in rows))
    same: list[list[Any]] = []
    others: list[list[Any]] = []
    for (label, kind), by_method in groupby(rows, key=lambda row: (row.label, row.kind)):
        of_kind = list(by_method)
        if label is Label.SAME:
            figures = [_share(figure) for row in of_kind for figure in (row.f1, row.precision, row.recall)]
            same.append([kind, of_kind[0].pairs, *figures])
        else:
            named = kind if label is Label.OTHER else "apart: versions, or passages shared"
            others.append([named, of_kind[0].pairs, *(row.called for row in of_kind)])
    headings = [heading for method in methods for heading in (method, "P", "R")]
    _print_wide(f"{name}: pairs that are the same (F1, precision, recall)", ["kind", "pairs", *headings], same)
    _print_wide(f"{name}: other pairs, and how many are called the same", ["kind", "pairs", *methods], others)


def _print_outcomes(outcomes: "Sequence[Outcome]") -> None:
    names = ["set", "way", "articles", "copies", "originals", "chains"]
    lines = [[getattr(outcome, name) for name in names] for outcome in outcomes]
    _print_wide("What becomes of the articles", names, lines)


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


def _print_wide(title: str, names: list[str], lines: list[Any]) -> None:
    wide = console()
    wide.width = max(wide.width, _WIDEST)
    wide.print(table(title, names, lines, width=wide.width))
