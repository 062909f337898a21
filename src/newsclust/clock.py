"""Which clock to believe when the past lies in the future, and where the moments of a wrong one belong. Pure.

A machine's clock can jump: a battery that is empty, a virtual machine that was asleep, a mistyped date. What a night
stamped while it was wrong would silence later nights, because a feed that was requested in 2031 is not due before.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low

TOLERANCE = timedelta(days=1)  # later than now by more than this is the future
_RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # a clock that says an earlier day than this code is wrong
_NIGHT_APART = timedelta(hours=23)  # before tonight: every feed is due again (polling waits 22 hours at most)
_WITHIN = timedelta(hours=1)
_TICK = timedelta(microseconds=1)


def trusts_present(now: datetime, nights: Iterable[datetime], server_dates: Sequence[datetime]) -> bool:
    """Return whether `now` is right, and nights dated after it are wrong.

    `server_dates` are the Date headers (RFC 9110, 6.6.1) that sites sent in those nights: the median of their clocks
    decides. Without any, the present is right where some earlier night of `nights` lies before it, or where no
    clock can say less.
    """
    if server_dates:
        return median_low(server_dates) <= now + TOLERANCE
    return any(night <= now + TOLERANCE for night in nights) or now >= _RELEASED


def set_back(moments: Iterable[datetime], *, last_right: datetime | None, now: datetime) -> dict[datetime, datetime]:
    """Return where each of these moments of a wrong clock belongs: between `last_right` and `now`, in their order.

    They are put as if their night had been lived 23 hours before `now`, so that every feed is due again. Distances
    of up to a day are kept where they fit, and no two moments become one. Where `last_right` is later than that, they
    follow it within half of the time that is left, or within an hour when none is.
    """
    ordered = sorted(set(moments))
    end = now - _NIGHT_APART
    if last_right is not None and last_right >= end:
        end = last_right + ((now - last_right) / 2 if now - last_right > 4 * _TICK * len(ordered) else _WITHIN)
    steps = [min(later - earlier, timedelta(days=1)) for earlier, later in pairwise(ordered)]
    span, room = sum(steps, timedelta()), end - (last_right or end - timedelta(days=365)) - _TICK * len(ordered)
    scale = 1.0 if span <= room else room / span
    begin = end - span * scale - _TICK * len(ordered)
    belongs, passed = {}, timedelta()
    for rank, moment in enumerate(ordered, start=1):
        belongs[moment] = begin + passed * scale + _TICK * rank
        passed += steps[rank - 1] if rank <= len(steps) else timedelta()
    return belongs
