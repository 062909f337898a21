"""What a person says of stories and copies, kept in a file of one JSON object a line, and what follows from it.

Lines are only ever added: an undo is a line too. So the file can be kept under version control, merged, and read
by a person; the night takes it up as it takes up the list of feeds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, model_validator

from newsclust.errors import SettingsError
from newsclust.model import Constraints, id_of
from newsclust.sayings import append_saying, read_sayings


class Kind(StrEnum):
    SAME = "same"  # all of `articles` tell one story
    DIFFERENT = "different"  # none of `articles` tells the story that `others` tell
    RENAME = "rename"  # the story of `articles` is called `headline`
    NO_COPY = "no_copy"  # the one article of `articles` is a copy of none
    UNDO = "undo"  # the correction `undoes` does not count


class Correction(BaseModel):
    """One line of the file. `story_ids` are the stories it was made on, for people; only articles count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: Kind
    made_at: AwareDatetime
    articles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    headline: str = ""
    undoes: str = ""
    story_ids: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = {
            Kind.SAME: len(set(self.articles)) > 1,
            Kind.DIFFERENT: bool(self.articles) and bool(self.others) and not set(self.articles) & set(self.others),
            Kind.RENAME: bool(self.articles) and bool(self.headline.strip()),
            Kind.NO_COPY: len(self.articles) == 1,
            Kind.UNDO: bool(self.undoes),
        }
        if not said[self.kind]:
            raise ValueError(f"a correction of kind {self.kind.value!r} lacks what it corrects")
        return self


def read_corrections(path: Path) -> list[Correction]:
    """Return the file's lines in order; none when there is no file. SettingsError names file and line."""
    corrections: list[Correction] = []
    for number, correction in read_sayings(path, Correction):
        known = {earlier.id for earlier in corrections}
        if correction.id in known:
            raise SettingsError(f"{path}, line {number}: the id {correction.id!r} stands twice")
        if correction.kind is Kind.UNDO and correction.undoes not in known:
            raise SettingsError(f"{path}, line {number}: there is no correction {correction.undoes!r} to undo")
        corrections.append(correction)
    return corrections


def new_correction(
    kind: Kind,
    *,
    made_at: datetime,
    articles: Iterable[str] = (),
    others: Iterable[str] = (),
    headline: str = "",
    undoes: str = "",
    story_ids: Iterable[str] = (),
) -> Correction:
    """Return a correction with an id of its own; SettingsError when it says nothing."""
    articles, others = tuple(sorted(articles)), tuple(sorted(others))
    try:
        return Correction(
            id=id_of("correction", kind.value, made_at.isoformat(), *articles, "|", *others, headline, undoes)[:8],
            kind=kind,
            made_at=made_at,
            articles=articles,
            others=others,
            headline=headline,
            undoes=undoes,
            story_ids=tuple(story_ids),
        )
    except ValidationError as error:
        raise SettingsError(error.errors()[0]["msg"]) from error


def append_correction(path: Path, correction: Correction) -> None:
    """Add one line to the file, after reading it whole: a damaged file is not made longer."""
    read_corrections(path)
    append_saying(path, correction)


def standing(corrections: Sequence[Correction]) -> list[Correction]:
    """Return the corrections that count, in order: those that no later undo took back. An undo can be undone."""
    undone: set[str] = set()
    for correction in reversed(corrections):
        if correction.kind is Kind.UNDO and correction.id not in undone:
            undone.add(correction.undoes)
    return [c for c in corrections if c.kind is not Kind.UNDO and c.id not in undone]


def no_copies(corrections: Sequence[Correction]) -> frozenset[str]:
    """Return the articles that count as copies of none: a standing correction says so of each."""
    return frozenset(c.articles[0] for c in standing(corrections) if c.kind is Kind.NO_COPY)


def constraints_of(corrections: Sequence[Correction]) -> Constraints:
    """Return what the standing corrections ask of a grouping; where two contradict each other the later one holds.

    Newest first, a correction takes effect as far as nothing newer forbids it, transitively: with a and b tied,
    and c and b parted later, a and c stay apart too.
    """
    group: dict[str, frozenset[str]] = {}
    apart: set[frozenset[str]] = set()  # pairs of articles, every one held

    def of(article: str) -> frozenset[str]:
        return group.get(article, frozenset((article,)))

    def parted(one: frozenset[str], other: frozenset[str]) -> bool:
        return any(frozenset((a, b)) in apart for a in one for b in other)

    for correction in reversed(standing(corrections)):
        if correction.kind is Kind.SAME:
            anchor = correction.articles[0]
            for article in correction.articles[1:]:
                one, other = of(anchor), of(article)
                if one != other and not parted(one, other):
                    group.update(dict.fromkeys(one | other, one | other))
        elif correction.kind is Kind.DIFFERENT:
            apart.update(frozenset((a, b)) for a in correction.articles for b in correction.others if of(a) != of(b))
    together = sorted({members for members in group.values() if len(members) > 1}, key=min)
    return Constraints(together=tuple(together), apart=frozenset(apart))
