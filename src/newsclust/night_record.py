"""The record of the last night: a small JSON file beside the published one, outside the database.

What the database cannot say stands here: that it was locked, corrupt or on a full disk, that the settings were wrong,
that the night was killed. `newsclust status` reads it. One night at a time: a lock file, which the system releases
when the process ends, however it ends.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from newsclust.errors import NewsclustError, StoreError
from newsclust.text.sanitize import one_line
from newsclust.written import replace_file

_ROOM = 4096  # bytes, a block: a record is padded, so that it can be written over on a disk without a free one
_MOST_CHARACTERS = 1500  # of an error
_LOCK_TRIES, _LOCK_PAUSE_S = 20, 0.1  # `status` holds the lock for a moment to see whether a night does


class NightOutcome(StrEnum):
    """How a night ended, as far as it could say so itself."""

    RUNNING = "running"  # or killed: `Standing` tells them apart
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightAttempt:
    """One night that was begun; moments are the machine's, `night_at` is the one that it was lived for."""

    night_at: datetime
    started_at: datetime
    outcome: NightOutcome = NightOutcome.RUNNING
    finished_at: datetime | None = None
    error: str | None = None
    exit_code: int | None = None
    process: int | None = None

    def ended(self, at: datetime, error: BaseException | None = None) -> Self:
        """Return the attempt as it ended: finished, or failed with the error and its exit code."""
        if error is None:
            return replace(self, outcome=NightOutcome.FINISHED, finished_at=at, exit_code=0)
        code = error.exit_code if isinstance(error, NewsclustError) else 1
        text = one_line(str(error) or type(error).__name__, _MOST_CHARACTERS)
        return replace(self, outcome=NightOutcome.FAILED, finished_at=at, error=text, exit_code=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRecord:
    """The last night that was begun, and the last one that came to its good end."""

    last: NightAttempt
    last_good: NightAttempt | None = None

    def begun(self, attempt: NightAttempt) -> Self:
        """Return the record with one more attempt."""
        return replace(self, last=attempt)

    def ended(self, attempt: NightAttempt) -> Self:
        """Return the record with the attempt's end."""
        good = attempt if attempt.outcome is NightOutcome.FINISHED else self.last_good
        return replace(self, last=attempt, last_good=good)


class Standing(StrEnum):
    """How the nights stand. Closed: what `newsclust status --check` says."""

    OK = "ok"
    RUNNING = "running"  # and the last good night is young enough
    NEVER = "never"
    FAILED = "failed"
    KILLED = "killed"
    LATE = "late"

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to look."""
        return self in (Standing.OK, Standing.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightStanding:
    """How the nights stand, and the sentence that says it."""

    standing: Standing
    text: str


def judge(record: NightRecord | None, *, is_running: bool, now: datetime, max_age: timedelta | None) -> NightStanding:
    """Return how the nights stand, without a look at anything else.

    `is_running`: a process holds the lock. `max_age`: of the last good night; None when no age is too old.
    """
    if record is None:
        if is_running:
            return NightStanding(standing=Standing.NEVER, text="The first night is under way.")
        return NightStanding(standing=Standing.NEVER, text="No night has run yet with these settings.")
    last, good = record.last, record.last_good
    good_text = f"The last good night was that of {_moment(good.night_at)}." if good else "No night was good yet."
    if last.outcome is NightOutcome.FAILED:
        text = f"The night of {_moment(last.night_at)} failed: {last.error} (exit code {last.exit_code}). {good_text}"
        return NightStanding(standing=Standing.FAILED, text=text)
    if last.outcome is NightOutcome.RUNNING and not is_running:
        text = f"The night of {_moment(last.night_at)} was killed before its end. {good_text}"
        return NightStanding(standing=Standing.KILLED, text=text)
    running = f" A night is under way since {_moment(last.started_at)}." if is_running else ""
    age = now - (good.finished_at or good.started_at) if good else None
    if max_age is not None and (age is None or age > max_age):
        old = f" That is {_hours(age)} ago, more than {_hours(max_age)}." if age is not None else ""
        return NightStanding(standing=Standing.LATE if good else Standing.NEVER, text=good_text + old + running)
    if good is not None and age is not None and age < timedelta(0) and -age > timedelta(days=1):
        text = f"{good_text} That is in the future: look at this machine's clock.{running}"
        return NightStanding(standing=Standing.LATE, text=text)
    return NightStanding(standing=Standing.RUNNING if is_running else Standing.OK, text=good_text + running)


def record_file(published: Path) -> Path:
    """Return the path of the record: beside the published file."""
    return published.with_name("last_night.json")


def read_record(published: Path, *, named: bool = False) -> NightRecord | None:
    """Return the record of the nights that publish this file, None before the first.

    When the folder could not be written, the record stands in the user's state folder: the newer one counts. A record
    that names another file of the folder is none; with `named`, one that names no file (before 0.1.0) is none either.
    StoreError when it cannot be read.
    """
    found = [
        record for file in _places(published) if (record := _read(file, published.name, named=named)) is not None
    ]
    return max(found, key=lambda record: record.last.started_at, default=None)


def write_record(published: Path, record: NightRecord) -> Path | None:
    """Store the record and return where: beside the published file, else in the user's state folder, else nowhere."""
    content = asdict(record) | {"published": published.name}
    return write_in_one_of(_places(published), json.dumps(content, indent=1, default=_plain))


def write_in_one_of(files: Iterable[Path], text: str) -> Path | None:
    """Replace the first of the files that can be written and return it, None when none can.

    It is replaced as a whole; on a full disk what is there is written over, for which it is padded to a block.
    """
    content = text.ljust(_ROOM - 1) + "\n"
    for file in files:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, content)
        except OSError:
            try:
                with file.open("r+", encoding="utf-8") as there:
                    there.write(content)
            except OSError:
                continue
        return file
    return None


def _places(published: Path) -> list[Path]:
    return [record_file(published), state_file(published, "")]


def state_file(published: Path, name: str) -> Path:
    """Return the path in the user's state folder of what cannot be written beside a published file."""
    of_file = hashlib.sha256(str(published.absolute()).encode()).hexdigest()[:16]
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "newsclust" / f"{of_file}{name}.json"


def _read(file: Path, published: str, *, named: bool) -> NightRecord | None:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file}: the record of the last night cannot be read: {error}") from error
    try:
        stored = json.loads(text)
        if stored.get("published", None if named else published) != published:
            return None
        last, good = _attempt(stored["last"]), stored["last_good"]
        return NightRecord(last=last, last_good=None if good is None else _attempt(good))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{file}: the record of the last night is damaged; remove it, the next night writes it anew"
        ) from error


def _attempt(stored: dict[str, Any]) -> NightAttempt:
    known = {field.name for field in fields(NightAttempt)}  # a newer newsclust may write more
    values = {name: value for name, value in stored.items() if name in known}
    for name in ("night_at", "started_at", "finished_at"):
        if values.get(name) is not None:
            values[name] = datetime.fromisoformat(values[name])
    return NightAttempt(**(values | {"outcome": NightOutcome(values["outcome"])}))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is not JSON")


@contextmanager
def only_night(database: Path) -> Iterator[None]:
    """Inside, no other process lives a night with this database: StoreError when one does.

    Where no lock file can be made (a folder that cannot be written) the database's own lock has to do.
    """
    file = _lock_file(database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        for _ in range(_LOCK_TRIES):
            if _locked(descriptor, fcntl.LOCK_EX):
                break
            time.sleep(_LOCK_PAUSE_S)
        else:
            raise StoreError(f"another night with {database} is under way: runs never overlap")
        yield
    finally:
        os.close(descriptor)


def is_night_running(database: Path) -> bool:
    """Return whether a process lives a night with this database at this moment."""
    try:
        descriptor = os.open(_lock_file(database), os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_file(database: Path) -> Path:
    return database.with_name(f".{database.name}.night")


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _hours(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours:.0f} h" if hours >= 2 else f"{hours * 60:.0f} min"
