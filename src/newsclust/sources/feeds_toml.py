"""The list of feeds that a person keeps, `feeds.toml`: read, checked, appended to and written."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from newsclust.errors import SettingsError
from newsclust.model import DEFAULT_KIND, Feed, FeedList, PagePolicy, id_of
from newsclust.sources.registry import kind_with, source_of
from newsclust.sources.validators import check_address, check_line, tag_of, url_with_secrets
from newsclust.text.language import language_code
from newsclust.urls import canonical, redacted, unset_variables, with_variables
from newsclust.written import did_you_mean, parsed_toml, problem_text, read_written, replace_file


def _language(text: str) -> str:
    code = language_code(text)
    if code != text:
        raise ValueError(f'write it with two letters: "{code}"')
    return text


def _tag(text: str) -> str:
    # As OPML can hold it: a folder's name, and one of a list parted by commas.
    if text != tag_of(text) or "," in text or not text:
        raise ValueError("a tag is one line without commas, outer slashes, and blanks but single spaces")
    return check_line(text)


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) < len(tags):
        raise ValueError("a tag stands here twice")
    return tags


_Tags = Annotated[tuple[Annotated[str, AfterValidator(_tag)], ...], AfterValidator(_distinct)]


def _kind(text: str) -> str:
    try:
        source_of(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


class _FeedRow(BaseModel):
    """One [[feed]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(check_address)]
    title: Annotated[str, AfterValidator(check_line)]
    site_url: Annotated[str, AfterValidator(check_address)] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    tags: _Tags = ()
    pages: PagePolicy = PagePolicy.AUTO
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = 0  # neither true nor "1" nor 1.0 is a number here
    kind: Annotated[str, AfterValidator(_kind)] = DEFAULT_KIND
    select: str | None = None
    token_env: str | None = None

    @field_validator("select", "token_env")
    @classmethod
    def _checked(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Return an option as its kind checks it; that the kind has it is checked below."""
        kind = info.data.get("kind")
        check = source_of(kind).options.get(str(info.field_name)) if kind is not None else None
        return value if value is None or check is None else check(value)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = source_of(self.kind).options
        for key, value in (("select", self.select), ("token_env", self.token_env)):
            if (value is None) is (key in needed):
                kind = self.kind if key in needed else kind_with(key)
                raise ValueError(f'{key} is what kind = "{kind}" needs, and no other kind')
        return self


class _ListRow(BaseModel):
    """One [[list]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(check_address)] | None = None
    path: Annotated[str, AfterValidator(check_line)] | None = None
    tags: _Tags = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) is (self.path is None):
            raise ValueError("either a url or a path is needed")
        return self


_AnyRow = TypeVar("_AnyRow", _FeedRow, _ListRow)


def read_feeds(path: Path) -> list[Feed]:
    """Return the feeds of a `feeds.toml`, in its order; each id is made of the canonical address.

    SettingsError, one line for every problem with file, feed and key, when any of it is wrong: the TOML, an
    unknown key, a value that does not fit, an address that stands there twice in whatever spelling.
    """
    return _parsed(path, read_written(path))[0]


def read_lists(path: Path) -> list[FeedList]:
    """Return the OPML subscriptions of a `feeds.toml`, in its order; SettingsError as in `read_feeds`."""
    return _parsed(path, read_written(path))[1]


def append_feeds(path: Path, feeds: Sequence[Feed] = (), lists: Sequence[FeedList] = ()) -> None:
    """Append to a `feeds.toml`, which is made when there is none; what a person wrote stays as it is.

    SettingsError, and nothing is written, when the file is or would be wrong.
    """
    before = read_written(path).rstrip() + "\n\n" if path.exists() else ""
    after = before + "\n".join([*map(_list_table, lists), *map(_table, feeds)])
    _parsed(path, after)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, after)


def _parsed(path: Path, text: str) -> tuple[list[Feed], list[FeedList]]:
    document = parsed_toml(path, text)
    problems = [
        f"{path}: {key}: unknown, only [[feed]] and [[list]] stand at the top{did_you_mean(key, ('feed', 'list'))}"
        for key in document
        if key not in {"feed", "list"}
    ]
    feeds: dict[str, Feed] = {}
    for name, row in _rows(path, text, document, "feed", _FeedRow, problems):
        feed = _feed(row)
        if feed.id in feeds:
            problems.append(f"{name} ({feed.url}): url: the same feed as {feeds[feed.id].url}")
        feeds.setdefault(feed.id, feed)
    lists: dict[str, FeedList] = {}
    for name, list_row in _rows(path, text, document, "list", _ListRow, problems):
        feed_list = _feed_list(list_row, path.parent)
        if feed_list.id in lists:
            problems.append(f"{name}: the same list as {lists[feed_list.id].url}")
        lists.setdefault(feed_list.id, feed_list)
    if problems:
        raise SettingsError("\n".join(problems))
    return list(feeds.values()), list(lists.values())


def _rows(
    path: Path, text: str, document: dict[str, Any], key: str, model: type[_AnyRow], problems: list[str]
) -> Iterator[tuple[str, _AnyRow]]:
    """Yield each valid row of an array of tables with its name for messages; `problems` gets those of the others."""
    tables = document.get(key, [])
    if not isinstance(tables, list):
        raise SettingsError(f"{path}: {_line_of(text, f'[{key}]')}{key}: write [[{key}]], with two brackets")
    heads = [number for number, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[\[\s*{key}\s*\]\]", line)]
    for position, table in enumerate(tables, start=1):
        line = f"line {heads[position - 1]}: " if len(heads) == len(tables) else ""
        name = f"{path}: {line}{key} {position}"
        try:
            yield name, model.model_validate(table)
        except ValidationError as error:
            problems.extend(_problem_lines(name, table, error, model.model_fields))


def _line_of(text: str, beginning: str) -> str:
    """Return "line N: " of the first line that begins so; empty when none does."""
    numbers = (number for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith(beginning))
    return next((f"line {number}: " for number in numbers), "")


def _problem_lines(name: str, table: Any, error: ValidationError, known: Iterable[str]) -> Iterator[str]:
    url = table.get("url") if isinstance(table, dict) else None
    row_name = f"{name} ({url})" if isinstance(url, str) else name
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"]) or "table"
        yield redacted(f"{row_name}: {key}: {problem_text(problem, known)}")


def _feed(row: _FeedRow) -> Feed:
    return Feed(
        id=id_of(canonical(row.url)),
        url=redacted(row.url),
        written_url=url_with_secrets(row.url),
        title=row.title,
        site_url=None if row.site_url is None else redacted(row.site_url),
        language=row.language,
        tags=row.tags,
        pages=row.pages,
        priority=row.priority,
        kind=row.kind,
        select=row.select,
        token_env=row.token_env,
    )


def _feed_list(row: _ListRow, folder: Path) -> FeedList:
    if row.url is not None:
        return FeedList(
            id=id_of("list", canonical(row.url)),
            url=redacted(row.url),
            written_url=url_with_secrets(row.url),
            tags=row.tags,
        )
    path = row.path or ""
    return FeedList(id=id_of("list", path), url=path, file=folder / path, tags=row.tags)


def write_feeds(feeds: Iterable[Feed]) -> str:
    """Return TOML that `read_feeds` reads back to equal feeds in the same order; what is default is left out."""
    return "\n".join(_table(feed) for feed in feeds)


def _table(feed: Feed) -> str:
    lines = ["[[feed]]", f"url = {_quoted(feed.written_url or feed.url)}", f"title = {_quoted(feed.title)}"]
    lines += [
        f"{key} = {_quoted(value)}"
        for key, value in (
            ("kind", None if feed.kind == DEFAULT_KIND else feed.kind),
            ("select", feed.select),
            ("token_env", feed.token_env),
            ("site_url", feed.site_url),
            ("language", feed.language),
            ("pages", None if feed.pages is PagePolicy.AUTO else feed.pages),
        )
        if value is not None
    ]
    lines += _tags_line(feed.tags)
    if feed.priority:
        lines.append(f"priority = {feed.priority}")
    return "\n".join(lines) + "\n"


def _list_table(feed_list: FeedList) -> str:
    lines = [
        "[[list]]",
        f"{'url' if feed_list.file is None else 'path'} = {_quoted(feed_list.written_url or feed_list.url)}",
        *_tags_line(feed_list.tags),
    ]
    return "\n".join(lines) + "\n"


def _tags_line(tags: tuple[str, ...]) -> list[str]:
    return [f"tags = [{', '.join(_quoted(tag) for tag in tags)}]"] if tags else []


def _quoted(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are a subset of TOML's, which also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def secret_urls(feeds: Iterable[Feed | FeedList], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the address to request for every feed and list whose `url` hides credentials, by id.

    ${NAME} is replaced by what the environment holds, percent-encoded, so a password may hold any character.
    SettingsError, one line for each, naming feed and variable, when one is not set.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for feed in feeds:
        if feed.written_url is not None:
            unset = unset_variables(feed.written_url, environment)
            problems += [f"{feed.url}: the environment variable {name} is not set" for name in unset]
            found[feed.id] = with_variables(feed.written_url, environment)
    if problems:
        raise SettingsError("\n".join(problems))
    return found
