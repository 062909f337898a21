"""Where a feed lives after redirects: when a permanent redirect becomes its address, and when that is reverted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from newsclust.errors import Reason

_DAYS_TO_MOVE = 3  # a mistaken 301 is as common as a meant one


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectAnswer:
    """One good answer of a feed, and where permanent redirects led to on the way; None when there were none."""

    at: datetime
    moved_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAttempt:
    """One request to the address that a feed moved to."""

    at: datetime
    reason: str | None  # why it failed, or why its document could not be parsed


def moved_address(answers: Sequence[RedirectAnswer]) -> str | None:
    """Return the address that the answers of three days permanently redirected to, and no other; else None.

    `answers` are those of the feed's present address, the newest first. A single answer without a permanent redirect,
    or with another target, restarts the count (RFC 9110, 15.4.2: links should be changed).
    """
    days = set()
    for answer in answers:
        if answer.moved_to is None or answer.moved_to != answers[0].moved_to:
            return None
        days.add(answer.at.astimezone(UTC).date())
        if len(days) == _DAYS_TO_MOVE:
            return answer.moved_to
    return None


def should_revert_move(attempts: Sequence[MoveAttempt]) -> bool:
    """Return whether a moved feed goes back to its earlier address: gone at the new one, or failing for three days.

    `attempts` are the requests to the new address, the newest first. Reverting does no harm: where the earlier
    address still redirects, the redirect is followed.
    """
    if attempts and attempts[0].reason == Reason.GONE:
        return True
    failed = takewhile(lambda attempt: attempt.reason is not None, attempts)
    return len({attempt.at.astimezone(UTC).date() for attempt in failed}) >= _DAYS_TO_MOVE
