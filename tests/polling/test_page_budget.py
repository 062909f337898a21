"""How many pages a night downloads: of a site, for a feed, in all, and the newest first."""

from newsclust.model import Request, RequestKind
from newsclust.polling.page_budget import PageBudget, WaitingPage, WantedPage, affordable, waiting_sentence


def pages(number: int, *, site: str = "site.example", feed: str = "https://feed.example/", pause_s: float = 0.0):
    return [
        WantedPage(
            request=Request(
                url=f"https://{site}/{n}", kind=RequestKind.PAGE, item_id=f"{site} {feed} {n}", pause_s=pause_s
            ),
            feed_url=feed,
        )
        for n in range(number)
    ]


def test_three_thousand_links_at_a_delay_of_thirty_seconds_take_an_hour_and_not_a_day():
    chosen, waiting = affordable(pages(3000, pause_s=30), PageBudget())
    assert [page.request.url for page in chosen] == [f"https://site.example/{n}" for n in range(120)]
    assert {page.bound for page in waiting} == {"site.example (60 minutes)"}
    assert len(chosen) + len(waiting) == 3000


def test_a_site_a_feed_and_a_night_have_bounds_and_others_are_not_held_back():
    budget = PageBudget(site_pages=5, feed_pages=7, night_pages=15)
    wanted = [
        *pages(8),  # five fit the site
        *pages(8, site="other.example"),  # two more fit the feed
        *pages(4, site="third.example", feed="https://another.example/"),
        *pages(9, site="fourth.example", feed="https://one-more.example/"),
    ]
    chosen, waiting = affordable(wanted, budget)
    bounds = [page.bound for page in waiting]
    assert bounds.count("site.example (5 pages)") == 3
    assert bounds.count("https://feed.example/ (7 pages)") == 6
    assert bounds.count("the night (15 pages)") == 4 + 1
    assert len(chosen) == 15


def test_the_pauses_of_a_feeds_pages_are_added_up_over_its_sites():
    wanted = [page for n in range(200) for page in pages(1, site=f"s{n}.example", pause_s=30)]
    chosen, waiting = affordable(wanted, PageBudget(feed_minutes=10))
    assert len(chosen) == 20
    assert {page.bound for page in waiting} == {"https://feed.example/ (10 minutes)"}


def test_an_ordinary_night_meets_no_bound():
    wanted = [page for n in range(80) for page in pages(40, site=f"s{n}.example", feed=f"https://f{n}/", pause_s=10)]
    assert affordable(wanted, PageBudget()) == (wanted, [])


def test_what_waits_is_said_with_the_bounds_that_were_met():
    request = Request(url="https://a.example/", kind=RequestKind.PAGE, item_id="a")
    waiting = [WaitingPage(request=request, bound=f"s{n % 5}.example (60 minutes)") for n in range(2880)]
    assert waiting_sentence(waiting) == (
        "2,880 pages wait for the next night, the newest went first; the bounds of [polling] that they met: "
        "s0.example (60 minutes) 576, s1.example (60 minutes) 576, s2.example (60 minutes) 576 and 2 more."
    )
