"""Overrides by people, honoured by every later run: commands for feeds, corrections of stories and duplicates.

Each kind stands in a JSON Lines file that is only ever appended to: an undo is a line, too. So the file can be kept
under version control, merged and read by a person. The night reads it as it reads the list of feeds; the command
line writes it and never opens the working database.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, model_validator

from newsclust.errors import SettingsError
from newsclust.model import Constraints, id_of
from newsclust.written import problem_text, read_written

_OLD_COMMANDS_FILE = "feed_orders.jsonl"  # what feed_commands.jsonl was called before 0.1.0
# What lines written before 0.1.0 say: such files are read as they are.
_OLD_KINDS = {"ask": "refresh", "stay": "keep_address", "no_copy": "not_duplicate"}
_OLD_KEYS = {"articles": "article_ids", "others": "other_article_ids"}


class _Line(BaseModel):
    """One line of an override file: unknown keys are errors, names from before 0.1.0 are read as today's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _rename_old(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        renamed = {_OLD_KEYS.get(key, key): value for key, value in values.items()}
        if isinstance(kind := renamed.get("kind"), str):
            renamed["kind"] = _OLD_KINDS.get(kind, kind)
        return renamed


class FeedCommandKind(StrEnum):
    """What a person wants for one feed."""

    REFRESH = "refresh"  # request it in the next run, whatever the schedule says
    KEEP_ADDRESS = "keep_address"  # do not move to `address`, and revert the move if it was made
    RELEASE = "release"  # from quarantine


class FeedCommand(_Line):
    """One line of the file of feed commands."""

    kind: FeedCommandKind
    feed_id: str
    given_at: AwareDatetime
    address: str = ""


class CorrectionKind(StrEnum):
    """What a person says about articles."""

    SAME = "same"  # must-link: all of `article_ids` belong to one story
    DIFFERENT = "different"  # cannot-link: none of `article_ids` belongs to the story of `other_article_ids`
    RENAME = "rename"  # the story of `article_ids` is called `headline`
    NOT_DUPLICATE = "not_duplicate"  # the one article of `article_ids` is a duplicate of none
    UNDO = "undo"  # the correction `undoes` does not count


class Correction(_Line):
    """One line of the file of corrections; `story_ids` are for people to read, only articles count."""

    id: str
    kind: CorrectionKind
    made_at: AwareDatetime
    article_ids: tuple[str, ...] = ()
    other_article_ids: tuple[str, ...] = ()
    headline: str = ""
    undoes: str = ""
    story_ids: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        articles, others = set(self.article_ids), set(self.other_article_ids)
        complete = {
            CorrectionKind.SAME: len(articles) > 1,
            CorrectionKind.DIFFERENT: bool(articles) and bool(others) and not articles & others,
            CorrectionKind.RENAME: bool(articles) and bool(self.headline.strip()),
            CorrectionKind.NOT_DUPLICATE: len(self.article_ids) == 1,
            CorrectionKind.UNDO: bool(self.undoes),
        }
        if not complete[self.kind]:
            raise ValueError(f"a correction of kind {self.kind.value!r} lacks what it corrects")
        return self


Line = TypeVar("Line", bound=_Line)


def read_jsonl(path: Path, kind: type[Line]) -> Iterator[tuple[int, Line]]:
    """Yield each line with its number, in order; none when there is no file. SettingsError names file and line."""
    if not path.exists():
        return
    for number, text in enumerate(read_written(path).splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = kind.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "not as it should be"
            text = problem_text(first, kind.model_fields)
            raise SettingsError(f"{path}, line {number}: {key}: {text}") from error
        yield number, line


def read_feed_commands(path: Path) -> list[FeedCommand]:
    """Return the feed commands in order; none when there is no file. SettingsError names file and line.

    A file that still has its name from before 0.1.0 is refused with the name that it should have.
    """
    old = path.with_name(_OLD_COMMANDS_FILE)
    if not path.exists() and old.exists():
        raise SettingsError(
            f"{old} is called {path.name} now: rename it (mv {old} {path}); its lines may stay as they are"
        )
    return [command for _, command in read_jsonl(path, FeedCommand)]


def append_feed_command(path: Path, command: FeedCommand) -> None:
    """Append one line to the file, after reading it whole: a damaged file is not made longer."""
    read_feed_commands(path)
    _append(path, command)


def given_until(commands: Sequence[FeedCommand], moment: datetime) -> list[FeedCommand]:
    """Return the commands given until then: one that is dated later was given while the clock had jumped ahead."""
    return [command for command in commands if command.given_at <= moment]


def refresh_requests(commands: Sequence[FeedCommand]) -> dict[str, datetime]:
    """Return when a refresh of each feed was last requested, by feed id."""
    return {command.feed_id: command.given_at for command in commands if command.kind is FeedCommandKind.REFRESH}


def releases(commands: Sequence[FeedCommand]) -> dict[str, datetime]:
    """Return when each feed was last released from quarantine, by feed id."""
    return {command.feed_id: command.given_at for command in commands if command.kind is FeedCommandKind.RELEASE}


def refused_moves(commands: Sequence[FeedCommand]) -> frozenset[tuple[str, str]]:
    """Return the (feed id, address) pairs of moves that must not be made."""
    return frozenset((c.feed_id, c.address) for c in commands if c.kind is FeedCommandKind.KEEP_ADDRESS)


def read_corrections(path: Path) -> list[Correction]:
    """Return the corrections in order; none when there is no file. SettingsError names file and line."""
    corrections: list[Correction] = []
    for number, correction in read_jsonl(path, Correction):
        known = {earlier.id for earlier in corrections}
        if correction.id in known:
            raise SettingsError(f"{path}, line {number}: the id {correction.id!r} stands twice")
        if correction.kind is CorrectionKind.UNDO and correction.undoes not in known:
            raise SettingsError(f"{path}, line {number}: there is no correction {correction.undoes!r} to undo")
        corrections.append(correction)
    return corrections


def new_correction(
    kind: CorrectionKind,
    *,
    made_at: datetime,
    article_ids: Iterable[str] = (),
    other_article_ids: Iterable[str] = (),
    headline: str = "",
    undoes: str = "",
    story_ids: Iterable[str] = (),
) -> Correction:
    """Return a correction with an id of its own; SettingsError when it lacks what it corrects."""
    articles, others = tuple(sorted(article_ids)), tuple(sorted(other_article_ids))
    try:
        return Correction(
            id=id_of("correction", kind.value, made_at.isoformat(), *articles, "|", *others, headline, undoes)[:8],
            kind=kind,
            made_at=made_at,
            article_ids=articles,
            other_article_ids=others,
            headline=headline,
            undoes=undoes,
            story_ids=tuple(story_ids),
        )
    except ValidationError as error:
        raise SettingsError(error.errors()[0]["msg"]) from error


def append_correction(path: Path, correction: Correction) -> None:
    """Append one line to the file, after reading it whole: a damaged file is not made longer."""
    read_corrections(path)
    _append(path, correction)


def active_corrections(corrections: Sequence[Correction]) -> list[Correction]:
    """Return the corrections that count, in order: those that no later undo revokes. An undo can be undone."""
    undone: set[str] = set()
    for correction in reversed(corrections):
        if correction.kind is CorrectionKind.UNDO and correction.id not in undone:
            undone.add(correction.undoes)
    return [c for c in corrections if c.kind is not CorrectionKind.UNDO and c.id not in undone]


def duplicate_overrides(corrections: Sequence[Correction]) -> frozenset[str]:
    """Return the articles that an active correction declares duplicates of none."""
    active = active_corrections(corrections)
    return frozenset(c.article_ids[0] for c in active if c.kind is CorrectionKind.NOT_DUPLICATE)


def grouping_constraints(corrections: Sequence[Correction]) -> Constraints:
    """Return the must-link groups and cannot-link pairs of the active corrections; of a contradiction the later wins.

    Newest first, a correction takes effect as far as nothing newer forbids it, transitively: with a and b linked,
    and c and b parted later, a and c stay apart, too.
    """
    group_of: dict[str, frozenset[str]] = {}
    apart: set[frozenset[str]] = set()  # pairs of articles; none is ever dropped

    def group(article: str) -> frozenset[str]:
        return group_of.get(article, frozenset((article,)))

    def are_apart(left: frozenset[str], right: frozenset[str]) -> bool:
        return any(frozenset((a, b)) in apart for a in left for b in right)

    for correction in reversed(active_corrections(corrections)):
        if correction.kind is CorrectionKind.SAME:
            first, *rest = correction.article_ids
            for article in rest:
                left, right = group(first), group(article)
                if left != right and not are_apart(left, right):
                    group_of.update(dict.fromkeys(left | right, left | right))
        elif correction.kind is CorrectionKind.DIFFERENT:
            apart.update(
                frozenset((a, b))
                for a in correction.article_ids
                for b in correction.other_article_ids
                if group(a) != group(b)
            )
    together = sorted({members for members in group_of.values() if len(members) > 1}, key=min)
    return Constraints(together=tuple(together), apart=frozenset(apart))


def _append(path: Path, line: _Line) -> None:
    """Append one line to the file, which is created when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(line.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
    with path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
