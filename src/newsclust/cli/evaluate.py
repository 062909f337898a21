"""`newsclust evaluate ...`: score the pipeline's stages on labelled data."""

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
    from newsclust.evaluation.confusion import ConfusionRow
    from newsclust.evaluation.duplicates import DuplicateCounts
    from newsclust.evaluation.extraction import ExtractionScores, PageScores
    from newsclust.evaluation.runner import StoryResult, TopicResult

_MIN_WIDTH = 180  # columns: a table of scores that is folded to 80 cannot be read, nor kept in a file
_LEAKAGE_NOTE = (
    "Where a URL was the label, exact URL is right by definition. Leakage: the similarity thresholds were chosen on\n"
    "half 0 of the collections' pairs; how boilerplate is learned and what is a rewrite, on all of theirs."
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


class ReportFormat(StrEnum):
    """How scores are printed."""

    TABLE = "table"
    JSON = "json"


class _StoriesUnlessNamed(TyperGroup):
    """A group whose verb `stories` may be left out: `evaluate sample` is `evaluate stories sample`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["stories", *args])


evaluate_app = typer.Typer(
    cls=_StoriesUnlessNamed,
    no_args_is_help=True,
    help="Score the stages on labelled data: stories (may be left out), duplicates, extraction or search.",
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
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.TABLE,
) -> None:
    """Score the pipeline's own stages on labelled articles; a file without labels is only grouped.

    B-cubed (over all items, and over those of stories with several), pairwise over all pairs and over EN-FR pairs
    alone, stories rebuilt exactly, homogeneity and completeness. A model that was trained on a set is scored on it as
    trained without it, or the row says so.
    """
    from newsclust.evaluation.baselines import STORY_BASELINES
    from newsclust.evaluation.datasets import SAMPLE, check_ids_differ, read_set, sample_set
    from newsclust.evaluation.runner import evaluate as evaluation_of
    from newsclust.evaluation.runner import write_predictions
    from newsclust.shipped import SAMPLE_FOLDER

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
    if form is ReportFormat.JSON:
        every: Iterable[StoryResult | TopicResult] = chain(*found.stories, *found.topics)
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
    rewrites: Annotated[
        bool, typer.Option("--rewrites", help="Score rewritten and translated articles too: embeds their sentences.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Write the pairs that are called wrongly there, as TSV.")
    ] = None,
    config: Config = None,
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.TABLE,
) -> None:
    """Score duplicate detection on labelled pairs, beside exact titles, exact URLs and plain MinHash.

    Precision counts the false positives on all labelled pairs that are no duplicates, recall the duplicates of one
    kind. Each set is scored as one run, and night by night, where a run knows only the days before it.
    """
    from newsclust.evaluation.confusion import write_mistakes
    from newsclust.evaluation.duplicates import evaluate as evaluation_of
    from newsclust.evaluation.duplicates import evaluate_rewrites
    from newsclust.evaluation.pairs import DATA, duplicate_pairs, rewrite_pairs, sample_pairs
    from newsclust.shipped import SAMPLE_FOLDER

    settings = settings_of(config)
    folder = data or DATA
    found = [evaluation_of([duplicate_pairs(folder), sample_pairs(SAMPLE_FOLDER)], settings.duplicates)]
    if rewrites:
        found.append(evaluate_rewrites(rewrite_pairs(folder), settings.embedder()))
    rows = [row for evaluation in found for row in evaluation.rows]
    counts = [count for evaluation in found for count in evaluation.counts]
    if form is ReportFormat.JSON:
        for row in rows:
            print(json.dumps({**asdict(row), "precision": row.precision, "recall": row.recall, "f1": row.f1}))
        for count in counts:
            print(json.dumps(asdict(count)))
    else:
        for name, of_set in groupby(rows, key=lambda row: row.set):
            _print_pairs(name, list(of_set))
        _print_counts(counts)
        print(_LEAKAGE_NOTE)
    if errors:
        write_mistakes(errors, [mistake for evaluation in found for mistake in evaluation.mistakes])


@evaluate_app.command()
def extraction(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the labelled collections (default: ../shared/data).")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst pages to list.")] = 10,
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.TABLE,
) -> None:
    """Score the texts taken from article pages, beside plain trafilatura and readability-lxml.

    Words of a page are compared as bags, and the scores of pages averaged: over all, and over each of five folds of
    sites. "4 words" is the F1 of four-word shingles, as the collection's own evaluation computes it.
    """
    from newsclust.evaluation.extraction import METHODS, OURS, read_pages
    from newsclust.evaluation.extraction import evaluate as evaluation_of
    from newsclust.evaluation.pairs import DATA

    rows, pages = evaluation_of(read_pages((data or DATA) / "pages"), METHODS)
    if form is ReportFormat.JSON:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    _print_methods(rows)
    _print_worst(sorted((row for row in pages if row.method == OURS), key=lambda row: row.words.f1)[:worst], pages)


@evaluate_app.command()
def search(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Labelled JSON Lines, or the word `sample` for the sample corpus."),
    ],
    cache: Annotated[Path | None, typer.Option(help="Keep vectors in this folder for the next time.")] = None,
    config: Config = None,
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.TABLE,
) -> None:
    """Score search on labelled articles, beside ILIKE, BM25 alone and meaning alone.

    Of sets that judged queries are for, those are asked; of others the title of an article of each story, which is
    then left out of the archive. Recall of the story's other articles among ten hits, and the mean reciprocal rank of
    the first, with 90 % intervals by bootstrap over queries.
    """
    from newsclust.cli.evaluate_search import evaluate as evaluation_of
    from newsclust.evaluation.datasets import SAMPLE, check_ids_differ, read_set, sample_set
    from newsclust.evaluation.search import judged_queries, title_queries
    from newsclust.evaluation.vectors import CachedEmbedder
    from newsclust.shipped import SAMPLE_FOLDER

    sets = [sample_set(SAMPLE_FOLDER) if file == SAMPLE else read_set(Path(file)) for file in files]
    check_ids_differ(sets)
    queries = judged_queries(sets) or [
        query for labelled in sets if labelled.stories for query in title_queries(labelled)
    ]
    if not queries:
        raise SettingsError("no story has several articles: there is nothing to ask for")
    settings = settings_of(config)
    embedder = settings.embedder()
    rows = evaluation_of(
        sets, queries, CachedEmbedder(embedder, cache) if cache else embedder, characters=settings.embed.characters
    )
    if form is ReportFormat.JSON:
        for row in rows:
            print(json.dumps(asdict(row)))
        return
    names = ["queries", "", "method", "recall@10", "90 %", "MRR", "90 %"]
    rows.sort(key=lambda row: row.kind)
    lines = [
        [
            row.kind,
            row.queries,
            row.method,
            _share(row.recall),
            "-".join(map(_share, row.recall_interval)),
            _share(row.mrr),
            "-".join(map(_share, row.mrr_interval)),
        ]
        for row in rows
    ]
    _print_wide("Search: means over queries", names, lines)


def _print_methods(rows: "Sequence[ExtractionScores]") -> None:
    names = [
        "method",
        "pages",
        "precision",
        "recall",
        "F1",
        "4 words",
        "under .5",
        "F1 by fold of sites",
        "worst",
        "",
    ]
    lines = []
    for method, of_method in groupby(rows, key=lambda row: row.method):
        every, *folds = of_method
        if every.note:
            lines.append([method, *[""] * (len(names) - 2), every.note])
            continue
        figures = map(_share, (every.precision, every.recall, every.f1, every.shingles_f1))
        by_fold = " ".join(_share(fold.f1) for fold in folds)
        lines.append([method, every.pages, *figures, every.lost, by_fold, _share(min(fold.f1 for fold in folds)), ""])
    _print_wide("Texts of article pages: means over pages", names, lines)


def _print_worst(worst: "Sequence[PageScores]", pages: "Sequence[PageScores]") -> None:
    methods = list(dict.fromkeys(row.method for row in pages))
    f1 = {(row.method, row.url): row.words.f1 for row in pages}
    lines = [
        [
            _share(row.words.precision),
            _share(row.words.recall),
            *(_share(f1[method, row.url]) for method in methods),
            row.url,
        ]
        for row in worst
    ]
    if lines:
        _print_wide("Our worst pages", ["P", "R", *(f"F1 {method}" for method in methods), "page"], lines)


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


def _print_counts(counts: "Sequence[DuplicateCounts]") -> None:
    names = ["set", "way", "articles", "duplicates", "originals", "chains"]
    lines = [[getattr(count, name) for name in names] for count in counts]
    _print_wide("What becomes of the articles", names, lines)


def _print_stories(rows: "Sequence[StoryResult]") -> None:
    lines = [
        [
            row.method,
            *(_share(getattr(row.scores, name)) if row.scores else "" for _, name in _COLUMNS),
            row.leakage.value if row.leakage else row.note,
        ]
        for row in rows
    ]
    title = f"Stories: {_sets(rows[0].sets)}, {rows[0].articles} articles"
    _print_wide(title, ["method", *(heading for heading, _ in _COLUMNS), ""], lines)


def _print_topics(rows: "Sequence[TopicResult]") -> None:
    names = ["stories from", "B-cubed", "P", "R", "in no topic", "stories", "topics", "labelled topics", ""]
    lines = [
        [
            row.stories_from,
            *map(_share, (row.scores.b3, row.scores.b3_precision, row.scores.b3_recall, row.scores.outside)),
            *(f"{count:.4g}" for count in (row.scores.stories, row.scores.topics, row.scores.labels)),
            row.leakage.value if row.leakage else "",
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
    wide.width = max(wide.width, _MIN_WIDTH)
    wide.print(table(title, names, lines, width=wide.width))
