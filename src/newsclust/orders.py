"""What a person says of feeds, kept in a file of one JSON object a line that is only ever added to.

The night reads it as it reads the list of feeds: the command line never opens the working file.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from newsclust.sayings import append_saying, read_sayings


class OrderKind(StrEnum):
    ASK = "ask"  # in the next run, whatever the schedule says
    STAY = "stay"  # do not move to `address`, and undo it if it was done
    RELEASE = "release"  # from quarantine


class Order(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: OrderKind
    feed_id: str
    given_at: AwareDatetime
    address: str = ""


def read_orders(path: Path) -> list[Order]:
    """Return the file's lines in order; none when there is no file. SettingsError names file and line."""
    return [order for _, order in read_sayings(path, Order)]


def append_order(path: Path, order: Order) -> None:
    """Add one line to the file, after reading it whole: a damaged file is not made longer."""
    read_orders(path)
    append_saying(path, order)


def asked_for(orders: Sequence[Order]) -> dict[str, datetime]:
    """Return when each feed was last asked for, by its id."""
    return {order.feed_id: order.given_at for order in orders if order.kind is OrderKind.ASK}


def released(orders: Sequence[Order]) -> dict[str, datetime]:
    """Return when each feed was last released from quarantine, by its id."""
    return {order.feed_id: order.given_at for order in orders if order.kind is OrderKind.RELEASE}


def refused_moves(orders: Sequence[Order]) -> frozenset[tuple[str, str]]:
    """Return the (feed id, address) pairs to which no feed moves."""
    return frozenset((order.feed_id, order.address) for order in orders if order.kind is OrderKind.STAY)
