"""What earlier nights stamped while the clock was wrong -> where it belongs."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from newsclust import clock
from newsclust.errors import SettingsError
from newsclust.model import Count, NoticeKind, Run
from newsclust.pipeline.runner import log, since
from newsclust.store import Database, runs
from newsclust.store import clock as store_clock


def mend_clock(db: Database, run: Run, window_days: float) -> Count:
    """Set back what an earlier run stamped with a clock that had jumped ahead; done counts the moments set back.

    Schedules, closings and dates that followed from it are undone, and a notice says so. SettingsError when it is
    tonight's clock that is behind: a night lived by it would take all that is stored for the future.
    """
    now = max(run.night_at, run.started_at)
    begins = store_clock.future_begins_at(db, now)
    if begins is None:
        return Count()
    nights = store_clock.nights(db, run)
    if not clock.trusts_present(now, nights, store_clock.server_dates(db, begins)):
        latest = max([begins, *nights])
        text = (
            f"This machine's clock says {_minute(now)}, but the night of {_minute(latest)} was lived already: "
            "set the clock (timedatectl), or name the moment of the night (newsclust night --at)"
        )
        runs.save_notice(db, run, NoticeKind.CLOCK, text)
        raise SettingsError(text)
    wrong = [night for night in nights if night >= begins] or [begins]

    def belongs(moments: Iterable[datetime], last_right: datetime | None) -> Mapping[datetime, datetime]:
        return clock.set_back(moments, last_right=last_right, now=run.night_at)

    moments, reopened = store_clock.set_moments_back(
        db, run, begins, belongs=belongs, living_since=since(run, window_days)
    )
    lived = "1 night was" if len(wrong) == 1 else f"{len(wrong)} nights were"
    text = (
        f"The clock had jumped ahead: {lived} lived for {_minute(wrong[0])}"
        + (f" to {_minute(wrong[-1])}" if len(wrong) > 1 else "")
        + f", and tonight it is {_minute(now)}. {moments:,} moments were set back before tonight, "
        f"feeds are due again, and {reopened} stories that only that clock had closed live again."
    )
    runs.save_notice(db, run, NoticeKind.CLOCK, text)
    log.warning("mend_clock: %s", text)
    return Count(done=moments)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
