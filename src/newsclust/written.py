"""Files that people write: decoded, parsed as TOML, and what is wrong with them in plain words, with its line."""

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO

from newsclust.errors import SettingsError
from newsclust.text.sanitize import one_line

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_BARE_TEXT = re.compile(r"\s*[\w.-]+\s*=\s*(?:(?!true\b|false\b|inf\b|nan\b)[A-Za-z/~.]|\d+:)")
_NEEDED = {  # by the type of pydantic's problem
    "bool": "true or false is needed",
    "dict": "a table is needed",
    "finite": "a finite number is needed",
    "float": "a number is needed",
    "int": "a whole number is needed",
    "list": "a list is needed",
    "missing": "it is missing",
    "model": "a table is needed",
    "path": "a text in quotes is needed",
    "string": "a text in quotes is needed",
    "tuple": "a list is needed",
}
_WRONG_TYPE = ("_type", "_parsing", "_from_float", "finite_number", "missing")
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def read_written(path: Path) -> str:
    """Return the text of a file that a person wrote, its line ends as they are; SettingsError names file and line."""
    try:
        return decoded(path.read_bytes())
    except IsADirectoryError as error:
        raise SettingsError(f"{path}: it is a folder, and a file is needed") from error
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def decoded(content: bytes) -> str:
    """Return UTF-8 as text, without a byte order mark; ValueError says which line is not, or that it is UTF-16."""
    if content.startswith(_UTF16) or b"\0" in content[:4]:
        raise ValueError("it is UTF-16 text: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line}: not utf-8 (byte {content[error.start]:#04x}): save the file as UTF-8"
        ) from error


def parsed_toml(path: Path, text: str) -> dict[str, Any]:
    """Return the document of a TOML file; SettingsError names file, line and, where it can be guessed, the mend."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        reason = str(error)[: place.start()] if place else str(error)
        lines = text.splitlines()
        number = int(place["line"]) if place and place["line"] else len(lines)
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        raise SettingsError(f"{path}: line {number}: not valid TOML: {reason}{_hint(line, reason)}") from error


def problem_text(problem: Mapping[str, Any], known: Iterable[str] = (), *, show: bool = True) -> str:
    """Return in plain words what pydantic found wrong with a value; `known` are the keys that could be meant.

    With `show`, what was written is quoted.
    """
    kind, given, context = problem["type"], problem.get("input"), problem.get("ctx") or {}
    name = str(problem["loc"][-1]) if problem["loc"] else ""
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(name, known)}"
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        needed = f"{words} {context[limit]:,.15g} is needed"
    elif kind in ("literal_error", "enum"):
        needed = f"{context['expected']} is needed"
    elif kind.endswith(_WRONG_TYPE) and (needed := _NEEDED.get(kind.partition("_")[0], "")):
        if "list" in needed and isinstance(given, str) and show:
            return f"{needed}: {name} = [{json.dumps(given, ensure_ascii=False)}]"
    else:
        return str(problem["msg"]).removeprefix("Value error, ")
    is_shown = show and isinstance(given, str | int | float)
    return f"{needed}, not {one_line(_as_written(given), 60)}" if is_shown else needed


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that offers the nearest of the known names; empty when none is near."""
    near = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _as_written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)


def _hint(line: str, reason: str) -> str:
    """Return what mends the line, in words that quote none of it: it may hold a password."""
    if "\\" in line:
        return "; a backslash in double quotes begins an escape: put a Windows path in single quotes"
    if "twice" in reason and line.lstrip().startswith("["):
        return "; a table that stands more than once has two brackets, as in [[feed]]"
    if _BARE_TEXT.match(line):
        return "; a text needs quotes"
    if any(mark in line for mark in "“”„«»‘’"):
        return "; the quotes of TOML are straight: \" or '"
    return ""


def replace_file(path: Path, text: str) -> None:
    """Replace a file as a whole, or make it; its mode and owner stay, and a link to it stays a link.

    OSError when it cannot be written; then the file is as before.
    """
    with replacing(path) as written:
        written.write(text.encode("utf-8"))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Inside, a new file to write, which takes the place of `path` at the end; an error leaves all as it was.

    What is written stands in a file of an unforeseeable name until it is whole: nobody else who writes in the folder
    can lay a link in its way. A device or a pipe is written as it is.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as there:
            yield there
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as written:
            _take_over(descriptor, target)
            yield written
            written.flush()
            os.fsync(descriptor)
        partial.replace(target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _take_over(descriptor: int, path: Path) -> None:
    """Give a new file the mode and owner of the one that it replaces; without one, those of any new file."""
    try:
        stood = path.stat()
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        os.fchmod(descriptor, 0o666 & ~mask)
        return
    with suppress(PermissionError):  # another one's file, of our group
        os.fchown(descriptor, stood.st_uid, stood.st_gid)
    os.fchmod(descriptor, stood.st_mode & 0o7777)
