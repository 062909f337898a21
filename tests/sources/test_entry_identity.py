"""Entries that a feed shows under another link or guid keep the ids that they have."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.model import DateQuality, Entry, id_of
from newsclust.sources.entry_identity import StoredEntry, identity_changes, match_known_entries
from newsclust.urls import canonical

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(
    link: str, title: str = "", guid: str | None = None, *, hours: int = 0, quality: DateQuality = DateQuality.GIVEN
) -> Entry:
    url = canonical(link)
    return Entry(
        id=id_of(url),
        feed_id="pier",
        guid=guid,
        link=link,
        url=url,
        title=title or link,
        summary=None,
        content=None,
        author=None,
        language="en",
        published_at=AT + timedelta(hours=hours),
        date_quality=quality,
    )


def known(entries: Sequence[Entry]) -> list[StoredEntry]:
    return [
        StoredEntry(
            id=one.id,
            guid=one.guid,
            link=one.link,
            title=one.title,
            published_at=one.published_at,
            date_quality=one.date_quality.value,
        )
        for one in entries
    ]


OLD = [entry(f"https://pier.example/{n}", f"News {n}", f"guid {n}", hours=n) for n in range(5)]


def moved(one: Entry, **changes: object) -> Entry:
    """The entry at another address, otherwise as it was."""
    link = one.link.replace("pier.example/", "jetty.example/news-")
    return replace(one, id=id_of(canonical(link)), link=link, url=canonical(link), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [{}, {"guid": "other"}, {"guid": None}, {"published_at": AT}, {"date_quality": DateQuality.MISSING}],
    ids=str,
)
def test_an_entry_at_another_address_is_known_by_title_and_guid_or_by_title_and_date(
    changes: dict[str, object],
) -> None:
    (found,) = match_known_entries([moved(OLD[3], **changes)], known(OLD))
    assert found == replace(moved(OLD[3], **changes), id=OLD[3].id)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},  # a guid alone: some feeds number their items anew each night
        {"title": "Another", "guid": "other"},
        {"guid": "other", "published_at": AT - timedelta(days=1)},  # a title alone: "Open thread"
        {"guid": "other", "date_quality": DateQuality.GUESSED},  # a day is no moment
    ],
    ids=str,
)
def test_an_entry_that_shares_less_is_another(changes: dict[str, object]) -> None:
    assert match_known_entries([moved(OLD[3], **changes)], known(OLD)) == [moved(OLD[3], **changes)]


def test_an_entry_whose_title_is_edited_after_its_move_is_known_by_link_and_guid() -> None:
    stored = known([replace(moved(OLD[3]), id=OLD[3].id)])
    (found,) = match_known_entries([moved(OLD[3], title="News 3, corrected")], stored)
    assert found.id == OLD[3].id


def test_what_the_document_still_shows_under_its_link_did_not_move() -> None:
    shown = [OLD[3], moved(OLD[3])]
    assert match_known_entries(shown, known(OLD)) == shown


def test_of_two_entries_that_may_be_the_one_neither_is_it() -> None:
    twice = [moved(OLD[3]), replace(moved(OLD[3]), id="other", link="https://jetty.example/other")]
    assert match_known_entries(twice, known(OLD)) == twice


def test_all_guids_new_is_a_change_and_one_guid_as_before_is_none() -> None:
    new = [replace(one, guid=f"urn:{n}") for n, one in enumerate(OLD)]
    (change,) = identity_changes(new, known(OLD))
    assert (change.what, change.why) == ("guids", "all 5 entries that it showed before have new guids")
    assert identity_changes([*new[1:], OLD[0]], known(OLD)) == []
    assert identity_changes(new[:2], known(OLD)) == []
    addresses = [replace(one, guid=f"http://pier.example/?p={n}") for n, one in enumerate(OLD)]
    tracked = [replace(one, guid=f"https://pier.example/?p={n}&utm_campaign=may") for n, one in enumerate(OLD)]
    assert identity_changes(tracked, known(addresses)) == []
    (change,) = identity_changes(new, known(addresses))
    assert change.what == "guids"


def test_all_links_new_is_a_change_that_names_the_site_and_another_spelling_of_a_link_is_none() -> None:
    (change,) = identity_changes(match_known_entries([moved(one) for one in OLD], known(OLD)), known(OLD))
    assert (change.what, change.sites) == ("links", ("jetty.example",))
    spelled = [replace(one, link=one.link.replace("https://", "http://www.") + "?utm_source=rss") for one in OLD]
    assert identity_changes(spelled, known(OLD)) == []


@given(st.permutations(range(8)), st.sets(st.integers(0, 4)), st.booleans())
def test_order_changes_nothing_ids_stay_apart_and_once_known_all_stays(
    order: list[int], which: set[int], renames: bool
) -> None:
    new = [
        moved(one, guid=f"urn:{n}" if renames else one.guid) if n in which else one for n, one in enumerate(OLD)
    ] + [entry(f"https://pier.example/new/{n}", f"Fresh {n}", f"fresh {n}") for n in range(3)]
    found = {one.link: one.id for one in match_known_entries(new, known(OLD))}
    again = {one.link: one.id for one in match_known_entries([new[place] for place in order], known(OLD)[::-1])}
    assert again == found
    assert len(set(found.values())) == len(new)
    assert {one.id for one in OLD} <= set(found.values())
    settled = match_known_entries(new, known(OLD))
    assert match_known_entries(new, known(settled)) == settled
