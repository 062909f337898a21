"""A feed speaks for a site on another host when a page of the site names it."""

from datetime import UTC, datetime, timedelta

import pytest

from newsclust.model import Page
from newsclust.sources.feed_sites import KnownFeed, SiteCheck, SiteClaim, claims_to_check, names_feed

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)
HOSTED = "https://feeds.hoster.example/town"
CLAIM = SiteClaim(feed_id="f", site="town.example", page_url="https://town.example/", addresses=(HOSTED,))


def known(site_url: str | None = None, **links: int) -> KnownFeed:
    shown = {f"https://{host}.example/story": entries for host, entries in links.items()}
    return KnownFeed(feed_id="f", addresses=(HOSTED,), site_url=site_url, links=shown)


@pytest.mark.parametrize(
    ("feed", "asked"),
    [
        (known(), []),
        (known("https://www.town.example/news"), ["https://www.town.example/news"]),
        (known(town=3, other=2), ["https://town.example/"]),
        (known(town=2), []),
        (known(town=3, other=3), []),
        (known("https://hoster.example/", town=1), []),
    ],
)
def test_the_site_that_a_feed_seems_to_be_of_is_asked(feed: KnownFeed, asked: list[str]) -> None:
    assert [claim.page_url for claim in claims_to_check([feed], [], NOW)] == asked


@pytest.mark.parametrize(
    ("is_confirmed", "days", "is_due"), [(False, 6, False), (False, 7, True), (True, 29, False), (True, 30, True)]
)
def test_a_no_is_asked_again_after_a_week_and_a_yes_after_a_month(
    is_confirmed: bool, days: int, is_due: bool
) -> None:
    check = SiteCheck(
        feed_id="f", site="town.example", is_confirmed=is_confirmed, checked_at=NOW - timedelta(days=days)
    )
    assert bool(claims_to_check([known(town=3)], [check], NOW)) is is_due


@pytest.mark.parametrize(
    ("head", "final_url", "is_named"),
    [
        ("<link rel='alternate' type='application/rss+xml' href='http://feeds.hoster.example/Town/'>", "", True),
        ("<link rel='alternate' type='application/rss+xml' href='/feed'>", "", False),
        ("<a href='https://feeds.hoster.example/town'>feed</a>", "", False),
        (
            "<link rel='alternate' type='application/rss+xml' href='https://feeds.hoster.example/town'>",
            "https://evil.example/",
            False,
        ),
        ("", "", False),
    ],
)
def test_a_page_names_a_feed_in_its_head(head: str, final_url: str, is_named: bool) -> None:
    body = f"<html><head><title>Town</title>{head}</head><body><p>News.</p></body></html>".encode()
    page = Page(url=CLAIM.page_url, final_url=final_url or CLAIM.page_url, fetched_at=NOW, headers={}, body=body)
    assert names_feed(page, CLAIM) is is_named
