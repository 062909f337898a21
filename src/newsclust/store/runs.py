"""Runs, their steps and their failures."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from newsclust import __version__
from newsclust.errors import ItemError
from newsclust.model import Count, NoticeKind, Run, id_of
from newsclust.store.database import Database
from newsclust.store.records import row_of
from newsclust.text.sanitize import one_line

_NOTICE_CHARACTERS = 1000


def begin_run(
    db: Database, *, flow: str, night_at: datetime, started_at: datetime, settings: Mapping[str, Any]
) -> Run:
    """Store and return a new run; runs that a killed process left "running" are marked failed."""
    run = Run(
        id=id_of("run", flow, night_at.isoformat(), started_at.isoformat()),
        flow=flow,
        night_at=night_at,
        started_at=started_at,
    )
    with db.transaction():
        db.execute("UPDATE runs SET outcome = 'failed', error = 'killed before its end' WHERE outcome = 'running'")
        row = row_of(run, named={"id": "run_id"}) | {
            "outcome": "running",
            "settings": json.dumps(settings, sort_keys=True),
            "version": __version__,
        }
        db.save("runs", [row])
    return run


def finish_run(db: Database, run: Run, *, finished_at: datetime, error: str | None = None) -> None:
    """Store how a run ended: finished, or failed with the error that ended it."""
    outcome = "failed" if error else "finished"
    db.execute(
        "UPDATE runs SET outcome = $1, error = $2, finished_at = $3 WHERE run_id = $4",
        [outcome, error, finished_at, run.id],
    )


def save_step(
    db: Database,
    run: Run,
    step: str,
    *,
    started_at: datetime,
    seconds: float,
    count: Count,
    error: str | None,
) -> None:
    """Store one more attempt at a step."""
    attempts = db.value("SELECT count(*) FROM steps WHERE run_id = $1 AND step = $2", [run.id, step])
    row = row_of(count) | {
        "run_id": run.id,
        "step": step,
        "attempt": attempts + 1,
        "started_at": started_at,
        "seconds": seconds,
        "error": error,
    }
    db.save("steps", [row])


def save_failures(
    db: Database, run: Run, step: str, failures: Sequence[tuple[str, ItemError]], *, at: datetime
) -> None:
    """Store the items that failed, as (id of the feed or article, error)."""
    rows = {
        (item_id, error.reason): {
            "run_id": run.id,
            "step": step,
            "item": error.item,
            "item_id": item_id,
            "reason": error.reason,
            "detail": error.detail,
            "failed_at": at,
        }
        for item_id, error in failures
    }
    db.save("failures", list(rows.values()), skip_known=True)


def save_notice(
    db: Database, run: Run, kind: NoticeKind, text: str, *, at: datetime | None = None, replace: bool = False
) -> None:
    """Store what a person should know of this run, one line; said twice it is stored once.

    `at` is the moment, else that of the night. With `replace`, it takes the place of earlier ones of its kind.
    """
    if replace:
        db.execute("DELETE FROM run_notices WHERE run_id = $1 AND kind = $2", [run.id, kind])
    row = {
        "run_id": run.id,
        "kind": kind,
        "text": one_line(text, _NOTICE_CHARACTERS),
        "noticed_at": at or run.night_at,
    }
    db.save("run_notices", [row], skip_known=True)


def is_up_to_date(db: Database, run: Run, step: str, *, after: Sequence[str], settings: Sequence[str]) -> bool:
    """Tell whether a step has come to its end since anything it depends on was last written.

    It depends on the tables `after`, by the runs that wrote their rows, and on the named sections of the settings.
    A run that was killed between writing and the step leaves the step out of date.
    """
    last = db.tuples(
        "SELECT runs.run_id, runs.started_at FROM steps JOIN runs USING (run_id) "
        "WHERE step = $1 AND steps.error IS NULL ORDER BY runs.started_at DESC LIMIT 1",
        [step],
    )
    if not last:
        return False
    ((last_id, last_start),) = last
    for table in after:
        newer = f"SELECT 1 FROM {table} JOIN runs USING (run_id) WHERE runs.started_at > $1 LIMIT 1"  # noqa: S608
        if db.column(newer, [last_start]):
            return False
    stored = dict(db.tuples("SELECT run_id, settings FROM runs WHERE run_id IN ($1, $2)", [run.id, last_id]))
    then, now = json.loads(stored[last_id]), json.loads(stored[run.id])
    return all(then.get(section) == now.get(section) for section in settings)
