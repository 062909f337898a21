"""When the items of a document were published, where not every item says so."""

from datetime import UTC, datetime

import pytest

from newsclust.model import DateQuality
from newsclust.sources.document import SourceItem
from newsclust.sources.entry_dates import dates_of

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
LINK = "https://pier.example/cranes"


def days(written: list[str | None], links: list[str] | None = None, language: str | None = None) -> list[str]:
    items = [SourceItem(link=LINK, title="T", published=one) for one in written]
    found = dates_of(items, links or [LINK] * len(items), language, NOW)
    assert all(one.published_at <= NOW for one in found)
    return [f"{one.published_at:%Y-%m-%d} {one.quality}" for one in found]


@pytest.mark.parametrize(
    ("link", "day"),
    [
        ("https://pier.example/2023/03/10/cranes", "2023-03-10 inferred"),
        ("https://pier.example/news/2023-3-9-cranes.html", "2023-03-09 inferred"),
        ("https://pier.example/20230310/cranes", "2023-03-10 inferred"),
        ("https://pier.example/docks/2023/mar/10/cranes", "2023-03-10 inferred"),
        ("https://pier.example/20231399/cranes", "2026-03-02 missing"),  # a number that is no day
        ("https://pier.example/202303101/cranes", "2026-03-02 missing"),
        ("https://pier.example/2027/03/10/cranes", "2026-03-02 missing"),
        ("https://pier.example/2026/03/02/cranes", "2026-03-02 missing"),  # today: first sight tells it better
    ],
)
def test_the_day_in_the_address_stands_in_for_a_date_that_nobody_can_read(link: str, day: str) -> None:
    for written in (None, "some day", "Thu, 01 Jan 1970 00:00:00 GMT"):
        assert days([written], [link]) == [day]


def test_a_date_of_the_future_is_corrected_by_the_address() -> None:
    assert days(["2062-03-10"], ["https://pier.example/2023/03/10/x"]) == ["2023-03-10 inferred"]
    assert days(["2062-03-10"]) == ["2026-03-02 future"]


def test_an_unreadable_date_that_names_a_past_year_is_not_of_today() -> None:
    assert days(["Spring of 2021"]) == ["2021-12-31 inferred"]
    assert days(["Tue, 10 Mar 2020 20:21:00 by the Clock of the Quay"]) == ["2020-03-10 inferred"]
    assert days(["on 2026-02-10 at some moment about noon"]) == ["2026-02-10 inferred"]
    assert days(["Spring of 2026"]) == ["2026-03-02 missing"]
    assert days(["2019 or 2021"]) == ["2026-03-02 missing"]


def test_an_item_between_neighbours_in_order_has_the_date_of_the_older_one() -> None:
    ordered: list[str | None] = ["2026-02-09", "soon", "2026-02-05", "2026-02-04", None]
    expected = ["2026-02-09 guessed", "2026-02-05 inferred", "2026-02-05 guessed", "2026-02-04 guessed"]
    assert days(ordered) == [*expected, "2026-02-04 inferred"]
    assert days(ordered[::-1]) == [*expected, "2026-02-04 inferred"][::-1]


def test_what_stands_before_all_dated_items_is_of_today() -> None:
    assert days([None, "2026-02-09", "2026-02-05", "2026-02-04"])[0] == "2026-03-02 missing"


def test_neighbours_tell_nothing_without_an_order() -> None:
    assert days(["2026-02-05", None, "2026-02-09", "2026-02-04"])[1] == "2026-03-02 missing"
    assert days(["2026-02-09", None, "2026-02-05"])[1] == "2026-03-02 missing"
    assert days(["2026-02-09", "2026-02-09", None, "2026-02-09"])[2] == "2026-03-02 missing"


def test_day_and_month_stand_as_in_the_other_dates_of_the_document() -> None:
    assert days(["04/03/2025", "26/02/2025"])[0].startswith("2025-03-04")
    assert days(["04/03/2025", "02/26/2025"])[0].startswith("2025-04-03")
    assert days(["04/03/2025"], language="en")[0].startswith("2025-04-03")
    assert days(["04/03/2025"], language="fr")[0].startswith("2025-03-04")


def test_a_clock_that_runs_ahead_dates_nothing_later_than_now() -> None:
    (found,) = dates_of([SourceItem(link=LINK, title="T", published="2026-03-02T22:10:00Z")], [LINK], None, NOW)
    assert (found.published_at, found.quality) == (NOW, DateQuality.GIVEN)
