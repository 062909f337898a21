"""Views written into a folder for other programs, which is there as a whole or not at all."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from newsclust.errors import SettingsError, StoreError
from newsclust.export.catalog import PublishedView, last_good_night
from newsclust.export.packages import (
    CROISSANT,
    DATA_PACKAGE,
    WRITER,
    ExportedFile,
    ExportFormat,
    croissant,
    data_package,
)
from newsclust.export.rows import Rows, TextFormat, text_lines, write_parquet
from newsclust.store.database import sync

_MOST_NAMED = 3  # of what stands in a folder that is no export


def export_folder(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    views: Sequence[PublishedView],
    form: ExportFormat,
    *,
    since: datetime | None = None,
    raw: bool = False,
) -> list[ExportedFile]:
    """Write a file of each view, a Data Package and Croissant metadata; return the files.

    They stand in a new folder that takes the place of `target` at the end: nobody sees a part of it. With `since`, a
    view with a time column gives the rows from then on. SettingsError when `target` is something else than an earlier
    export, StoreError when it cannot be written.
    """
    target = target.resolve()
    _require_replaceable(target)
    try:
        with _replaced(target) as folder:
            files = [_write(connection, folder, view, form, since=since, raw=raw) for view in views]
            night = last_good_night(connection)
            _write_json(folder / CROISSANT, croissant(files, form, night))
            _write_json(folder / DATA_PACKAGE, data_package(files, form, night))
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    return files


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    form: ExportFormat,
    *,
    since: datetime | None,
    raw: bool,
) -> ExportedFile:
    path = folder / f"{view.name}.{form.value}"
    column = view.time_column if since is not None else None
    sql = f'SELECT * FROM "{view.name}"' + (f' WHERE "{column}" >= $1' if column else "")  # noqa: S608 (the catalog's)
    rows = _TalliedRows(Rows.answering(connection, sql, [since] if column else []))
    with path.open("wb") as file:
        if form is ExportFormat.PARQUET:
            write_parquet(rows.rows, file)
        else:
            file.writelines(line.encode("utf-8") for line in text_lines(rows.rows, TextFormat(form.value), raw=raw))
    sync(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(
        view=view,
        path=path.name,
        rows=rows.count,
        size=path.stat().st_size,
        sha256=digest,
        since=since if column else None,
    )


class _TalliedRows:
    """Rows that are counted as they are read."""

    def __init__(self, rows: Rows) -> None:
        self.count = 0
        self.rows = Rows(names=rows.names, types=rows.types, batches=self._read(rows))

    def _read(self, rows: Rows) -> Iterator[Sequence[Sequence[Any]]]:
        for batch in rows.batches:
            self.count += len(batch)
            yield batch


def _require_replaceable(target: Path) -> None:
    """Raise SettingsError unless there is nothing, an empty folder, or an export and nothing else."""
    if not target.exists():
        return
    if not target.is_dir():
        raise SettingsError(f"--to {target}: it is a file, and a folder is needed")
    there = {path.name for path in target.iterdir()}
    if not there:
        return
    try:
        package = json.loads((target / DATA_PACKAGE).read_text(encoding="utf-8"))
        ours = {resource["path"] for resource in package["resources"]} if package["createdBy"] == WRITER else set()
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    if not ours:
        raise SettingsError(f"--to {target}: it is no earlier export, and would be replaced; name a new folder")
    if others := sorted(there - ours - {DATA_PACKAGE, CROISSANT}):
        named = ", ".join(others[:_MOST_NAMED]) + ", ..." * (len(others) > _MOST_NAMED)
        raise SettingsError(f"--to {target}: it holds {named}, which no export wrote and a new one would delete")


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    """Inside, a new folder to write, which takes the place of `target` at the end; an error leaves all as it was.

    It has a hidden name until it is whole. A process that is killed between the two renamings leaves no folder at
    all, and the earlier one under its hidden name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.export-*"):  # by an export that was killed
        shutil.rmtree(left, ignore_errors=True)
    room = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.export-"))
    try:
        new, old = room / "new", room / "old"
        new.mkdir()
        yield new
        sync(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
        sync(target.parent)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sync(path)
