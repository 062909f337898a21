"""`newsclust search`: articles and stories of the published file by words and by meaning."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclust.cli.output import Format, Output, OutputFile
from newsclust.cli.shared import Config, Published, console, published, settings_of
from newsclust.cli.top import moment_since
from newsclust.text.sanitize import strip_controls

if TYPE_CHECKING:
    import duckdb
    from rich.text import Text

    from newsclust.lookup import Hit
    from newsclust.search.snippets import Fragment


_COLUMNS = {
    "place": "BIGINT",
    "article_id": "VARCHAR",
    "title": "VARCHAR",
    "outlet": "VARCHAR",
    "language": "VARCHAR",
    "published_at": "TIMESTAMP",
    "date_quality": "VARCHAR",
    "story_id": "VARCHAR",
    "headline": "VARCHAR",
    "why": "VARCHAR",
    "score": "DOUBLE",
    "words_rank": "BIGINT",
    "meaning_rank": "BIGINT",
    "meaning_score": "DOUBLE",
    "url": "VARCHAR",
    "snippet": "VARCHAR",
}


def search(
    words: Annotated[
        list[str], typer.Argument(help="What to look for: words, a product, a CVE id.", metavar="WORDS...")
    ],
    database: Published = None,
    config: Config = None,
    stories: Annotated[bool, typer.Option("--stories", help="Find stories, each by its nearest article.")] = False,
    language: Annotated[str | None, typer.Option(help="Only this language: en, fr.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Published then or later: a date, a moment, 24h or 7d before the last night.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Published before: as --since.")] = None,
    outlet: Annotated[str | None, typer.Option(help="Only outlets whose name holds this.")] = None,
    topic: Annotated[
        str | None, typer.Option(help="Only stories of this topic: its id, or a part of its label.")
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Show at most so many.")] = 10,
    model: Annotated[bool, typer.Option(help="Read the words with the language model, too (some seconds).")] = True,
    form: Format = None,
    output: OutputFile = None,
) -> None:
    """Find articles by their words and by meaning, in English and French, each with the passage that says most.

    Words are found by their stems; meaning finds what tells the same in other words, or in another language.
    """
    from newsclust.export import Rows
    from newsclust.export.catalog import last_good_night
    from newsclust.lookup import Wanted, articles_found, stories_found

    out, text = Output.chosen(form, output), " ".join(words)
    with published(database, config) as connection:
        night = last_good_night(connection)
        wanted = Wanted(
            language=language and language.lower(),
            since=None if since is None else moment_since(since, night),
            until=None if until is None else moment_since(until, night),
            outlet=outlet,
            topic=topic,
            number=number,
        )
        vector = _vector(connection, config, text) if model and text.strip() else None
        hits = (stories_found if stories else articles_found)(connection, text, wanted, vector=vector)
    if not out.is_for_people:
        out.show(Rows.of(_COLUMNS, [_row(place, hit, text) for place, hit in enumerate(hits, 1)]))
        return
    if not hits:
        print("Nothing is found.", file=sys.stderr)
    for place, hit in enumerate(hits, 1):
        _show(place, hit, text)


def _vector(connection: "duckdb.DuckDBPyConnection", config: Path | None, text: str) -> list[float] | None:
    """Return the model's vector of the words, if the file's vectors are of the settings' model; else say so."""
    from newsclust.lookup import published_model, vector_of

    embedder, its_model = settings_of(config).embedder(), published_model(connection)
    if its_model == embedder.name:
        return vector_of(connection, embedder, text)
    why = f"its vectors are of {its_model}, not of {embedder.name}" if its_model else "the file holds no vectors"
    print(f"newsclust: {why}: meaning is that of the best hits by words", file=sys.stderr)
    return None


def _show(place: int, hit: "Hit", words: str) -> None:
    from rich.text import Text

    terminal = console()
    title = Text(f"{place}. ").append_text(_text(_title(hit, words)))
    terminal.print(title, soft_wrap=True)
    day = f"{hit.published_at:%Y-%m-%d %H:%M}" + ("" if hit.date_quality == "given" else f" ({hit.date_quality})")
    found = {"both": "words and meaning"}.get(hit.why, hit.why)
    terminal.print(Text(f"   {strip_controls(hit.outlet)}, {hit.language}, {day}: {found}"), soft_wrap=True)
    if passage := _passage(hit, words):
        terminal.print(Text("   ").append_text(_text(passage)), soft_wrap=True)
    story = f", story {hit.story_id}" if hit.story_id else ""
    terminal.print(Text(f"   article {hit.article_id}{story}"), soft_wrap=True)
    terminal.print(Text(f"   {strip_controls(hit.url)}"), soft_wrap=True)


def _title(hit: "Hit", words: str) -> "Sequence[Fragment]":
    from newsclust.search.snippets import asked_stems, marked

    return marked(strip_controls(hit.headline or hit.title), asked_stems(words, hit.language), hit.language)


def _passage(hit: "Hit", words: str) -> "Sequence[Fragment]":
    from newsclust.search.snippets import asked_stems, snippet

    return snippet(strip_controls(hit.text), asked_stems(words, hit.language), hit.language)


def _text(fragments: "Sequence[Fragment]") -> "Text":
    """Return fragments for the terminal, the words found in bold; ** stands for bold where nothing is bold."""
    from rich.text import Text

    shown = Text()
    for one in fragments:
        if one.is_found and not sys.stdout.isatty():
            shown.append(f"**{one.text}**")
        else:
            shown.append(one.text, style="bold" if one.is_found else None)
    return shown


def _row(place: int, hit: "Hit", words: str) -> list[object]:
    passage = "".join(f"**{one.text}**" if one.is_found else one.text for one in _passage(hit, words))
    columns = {"place": place, "published_at": hit.published_at.replace(tzinfo=None), "snippet": passage}
    return [columns[name] if name in columns else getattr(hit, name) for name in _COLUMNS]
