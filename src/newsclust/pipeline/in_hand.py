"""Which document is worked on: so that the one with which a night broke is known, and set aside the next time.

It stands in a small file beside the database, not in it: a killed process leaves no row. To note one takes some
microseconds.
"""

import json
import os
from types import TracebackType
from typing import Self

from newsclust.errors import StepOverBudgetError
from newsclust.store import Database

_LENGTH = 512  # bytes of the note, padded: it is overwritten in one call


class InHand:
    """Notes the document in hand of a step; `broken` is the one that an earlier process left there, "" for none.

    What ends the context in order, or with an error of any kind but an exhausted budget, leaves no note.
    """

    def __init__(self, db: Database, step: str) -> None:
        self._step = step
        self._path = db.path.with_name(f".{db.path.name}.in-hand")
        self._file = -1
        self.broken = ""

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self.broken = _noted(os.pread(self._file, _LENGTH, 0), self._step)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._file)
        if not isinstance(error, StepOverBudgetError):
            self._path.unlink(missing_ok=True)

    def hold(self, item_id: str) -> None:
        """Note that this document is worked on from now on."""
        note = json.dumps({"step": self._step, "item": item_id}).encode()
        os.pwrite(self._file, note.ljust(_LENGTH)[:_LENGTH], 0)

    def release(self) -> None:
        """Note that none is."""
        os.ftruncate(self._file, 0)


def _noted(note: bytes, step: str) -> str:
    """Return the document that a note names for this step; "" when there is none."""
    try:
        noted = json.loads(note or b"{}")
    except ValueError:  # cut off
        return ""
    return str(noted.get("item", "")) if isinstance(noted, dict) and noted.get("step") == step else ""
