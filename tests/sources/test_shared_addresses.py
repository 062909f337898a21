"""Items that share an address are as many articles as there are things told, from night to night."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from newsclust.model import Feed, Page, ParsedFeed, id_of
from newsclust.sources.entries import parse_feed
from newsclust.sources.shared_addresses import PlacedItem, is_reused, own_urls
from newsclust.store import Database, runs
from newsclust.store.entries import ReadDocument, save_parsed

URL = "https://pier.example/feed"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CRANES = "Two cranes of the old quay are painted green and lift their first load in the spring."
FERRY = "Passengers of the night ferry wait for the strike to end while the council looks for boats."
BRIDGE = "Engineers close the swing bridge until its bearings, which are worn, have been replaced."


def item(title: str, link: str = "/status", guid: str = "", text: str = "") -> str:
    address = f"<link>{link}</link>" if link else ""
    mark = f"<guid isPermaLink='false'>{guid}</guid>" if guid else ""
    date = "<pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate>"
    return f"<item><title>{title}</title>{address}<description>{text}</description>{mark}{date}</item>"


def parsed(*items: str) -> ParsedFeed:
    channel = f"<channel><title>Pier</title><link>https://pier.example/</link>{''.join(items)}</channel>"
    body = f'<rss version="2.0">{channel}</rss>'.encode()
    page = Page(url=URL, final_url=URL, fetched_at=NOON, headers={"content-type": "text/xml"}, body=body)
    return parse_feed(Feed(id=id_of(URL), url=URL, title="Pier"), page)


def articles(*items: str) -> int:
    return len({entry.article_id for entry in parsed(*items).entries})


# --- in one document


@pytest.mark.parametrize(
    "links",
    [
        ["/changelog#v1.2", "/changelog#v1.3", "/changelog#v1.4"],
        ["/#!/news/1", "/#!/news/2", "/#!/news/3"],
        ["/status"] * 3,
        ["/"] * 3,
        ["https://pier.example"] * 3,
        ["https://status.host.example/pier"] * 3,
        [""] * 3,
    ],
)
@pytest.mark.parametrize("has_guids", [True, False])
def test_items_at_one_address_that_tell_different_things_are_articles_of_their_own(
    links: list[str], has_guids: bool
) -> None:
    told = zip(("Cranes lift", "Ferry waits", "Bridge closed"), links, (CRANES, FERRY, BRIDGE), strict=True)
    items = [item(title, link, f"g{n}" if has_guids else "", text) for n, (title, link, text) in enumerate(told)]
    entries = parsed(*items).entries
    assert len({entry.article_id for entry in entries}) == len({entry.id for entry in entries}) == 3
    assert not any(entry.has_page for entry in entries)
    assert [entry.article_id for entry in parsed(*items[::-1]).entries] == [e.article_id for e in entries][::-1]


def test_the_anchor_of_an_item_stays_in_the_address_of_its_article() -> None:
    found = parsed(item("Sync", "/changelog#v1.2", "a"), item("Themes", "/changelog#v1.3", "b")).entries
    assert [entry.url for entry in found] == [
        "https://pier.example/changelog#v1.2",
        "https://pier.example/changelog#v1.3",
    ]


def test_an_incident_that_goes_on_under_one_title_is_several_things() -> None:
    assert articles(*(item("Update", guid=f"g{n}", text=text) for n, text in enumerate((CRANES, FERRY, BRIDGE)))) == 3
    assert articles(*(item("Update", guid=f"g{n}", text=text) for n, text in enumerate(("Mended.", "Watched.")))) == 2
    daily = [item("Links", "/links", f"g{n}").replace("02 Mar", f"0{n} Mar") for n in (1, 2, 3)]
    assert articles(*daily) == 3
    assert articles(*(each.replace("/links", "/news/2026/seals") for each in daily)) == 1
    assert articles(*(item(f"Release 1.{n}", guid=f"g{n}", text="Mends faults.") for n in range(3))) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (item("Seals", "/abc", "https://pier.example/abc#0"), item("Seals", "/abc", "https://pier.example/abc#3")),
        (item("Seals", "/abc", "https://pier.example/abc#0"), item("The seals are here", "/abc", "https://pier.example/abc#3")),
        (item("Seals are back", "/abc", "g1", CRANES), item("Seals are back", "/abc", "g2", CRANES + " New.")),
        (item("Seals are back", "/abc", "g1"), item("Seals are back", "/abc", "g2")),
        (item("Seals back", "/abc", "g1", CRANES), item("They are here again", "/abc", "g2", CRANES)),
        (item("Seals", "/abc#xtor=RSS-1", "g1"), item("Seals", "/abc#xtor=RSS-2", "g2")),
        (item("Seals", "/abc#comments", "g1"), item("Seals", "/abc", "g2")),
    ],
)  # fmt: skip
def test_one_thing_shown_twice_is_one_article_with_the_address_of_its_page(one: str, other: str) -> None:
    found = parsed(one, other, item("Cranes", "/cranes"), item("Ferry", "/ferry")).entries
    assert {entry.url for entry in found} == {
        "https://pier.example/abc", "https://pier.example/cranes", "https://pier.example/ferry"
    }  # fmt: skip


def test_a_page_of_another_site_that_was_posted_twice_is_one_article() -> None:
    others = [item(f"News {n}", f"https://site{n}.example/news") for n in range(5)]
    link = "https://harbour.example/the-crane"
    found = parsed(item("A crane", link, "1", CRANES), *others, item("Lifting (2024)", link, "2", FERRY)).entries
    assert len({entry.article_id for entry in found}) == 6
    assert all(entry.has_page for entry in found)


def test_a_page_that_several_feeds_of_one_document_link_to_is_one_article() -> None:
    link = "https://harbour.example/the-crane"
    items = [
        item(title, link, title).replace("</item>", f"<source url='https://{title}.example/feed'>S</source></item>")
        for title in ("one", "two", "three")
    ]
    assert {(entry.url, entry.has_page) for entry in parsed(*items).entries} == {(link, True)}


def test_a_single_item_has_its_page_for_itself_whatever_fragment_it_names() -> None:
    assert parsed(item("Seals", "/abc#more")).entries[0].url == "https://pier.example/abc"
    assert parsed(item("Seals", "/abc#v1")).entries[0].has_page


def test_an_episode_without_a_page_has_the_address_of_its_recording() -> None:
    enclosure = "<enclosure url='https://cdn.example/12.mp3' type='audio/mpeg' length='1'/><guid>Show-12</guid>"
    (entry,) = parsed(f"<item><title>Episode 12</title>{enclosure}</item>").entries
    assert (entry.link, entry.has_page) == ("https://cdn.example/12.mp3", False)
    assert "no usable link: the enclosure stands in" in entry.warnings


def test_an_item_that_names_no_address_at_all_is_told_at_the_sites() -> None:
    found = parsed(
        "<item><title>Talk</title></item>", "<item><title>Dance</title></item>", item("Seals", "/abc")
    ).entries
    assert [entry.title for entry in found] == ["Talk", "Dance", "Seals"]
    assert len({entry.article_id for entry in found}) == 3
    assert {entry.link for entry in found[:2]} == {"https://pier.example/"}


def test_many_items_at_one_address_take_time_in_proportion() -> None:
    def seconds(number: int) -> float:
        items = [
            PlacedItem(link=URL, url=URL, guid=f"g{n}", title=f"Title number {n}", text=f"{CRANES} {n}" * 5)
            for n in range(number)
        ]
        begun = time.process_time()
        assert len(set(own_urls(items, (), URL))) == number
        return time.process_time() - begun

    assert seconds(4000) < 2.6 * max(seconds(2000), 0.1)


# --- from night to night


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database(tmp_path_factory.mktemp("shared") / "work.duckdb", now=NOON) as db:
        db.execute("SET threads = 1")
        yield db


def stored_after(db: Database, nights: Sequence[ParsedFeed]) -> list[tuple[str, str]]:
    """Return the titles and article ids that are stored after some nights, each of which shows a document."""
    for table in ("entries", "processed", "feed_changes", "runs"):
        db.execute(f"DELETE FROM {table}")
    for night, document in enumerate(nights):
        at = NOON + timedelta(days=night)
        run = runs.begin_run(db, flow="test", night_at=at, started_at=at, settings={})
        wanted = frozenset(entry.id for entry in document.entries)
        save_parsed(
            db, run, [ReadDocument(feed_id=document.feed_id, fetched_at=at, parsed=document, want_pages=wanted)]
        )
    return db.tuples("SELECT title, article_id FROM entries ORDER BY title")


MONDAY, TUESDAY = item("Battery recall", guid="a"), item("A new lens", guid="b")


@pytest.mark.parametrize(
    "nights",
    [
        [[MONDAY], [TUESDAY]],
        [[MONDAY], [TUESDAY], [TUESDAY]],
        [[MONDAY], [TUESDAY], [TUESDAY, MONDAY]],
        [[MONDAY], [TUESDAY, MONDAY], [TUESDAY]],
        [[MONDAY, TUESDAY], [TUESDAY], [TUESDAY]],
        [[MONDAY, TUESDAY], [item("Old", "/old"), TUESDAY]],
        [[MONDAY, item("Old", "/old")], [item("Old", "/old"), TUESDAY, MONDAY], [TUESDAY, item("Old", "/old")]],
        [[item("Battery recall", "/log#1", "a")], [item("A new lens", "/log#2", "b")]],
        [[item("Battery recall", "/log#1")], [item("A new lens", "/log#2")], [item("A new lens", "/log#2")]],
        [
            [item("Battery recall", "/log#1", "https://pier.example/log#1")],
            [item("A new lens", "/log#2", "https://pier.example/log#2")],
        ],
        [[item("Battery recall")], [item("A new lens"), item("Battery recall")], [item("A new lens")]],
    ],
)
def test_an_address_that_is_used_again_later_overwrites_nothing_and_doubles_nothing(
    db: Database, nights: list[list[str]]
) -> None:
    stored = [row for row in stored_after(db, [parsed(*items) for items in nights]) if row[0] != "Old"]
    assert [title for title, _ in stored] == ["A new lens", "Battery recall"]
    assert len({article_id for _, article_id in stored}) == 2


def test_a_page_of_another_site_that_is_posted_again_later_stays_one(db: Database) -> None:
    link = "https://harbour.example/"
    assert len(stored_after(db, [parsed(item("A crane", link, "1")), parsed(item("Lifting", link, "2"))])) == 1


def test_an_article_whose_headline_is_edited_stays_one(db: Database) -> None:
    nights = [
        [item("Pier closes for repairs", "/news/pier-closes", "a")],
        [item("Pier closes for its repairs", "/news/pier-closes", "a2")],
        [item("Wholly other words", "/news/pier-closes", "a2")],
    ]
    assert len(stored_after(db, [parsed(*items) for items in nights])) == 1


def test_a_feed_whose_guids_all_changed_shows_the_articles_of_before(db: Database) -> None:
    def night(mark: str) -> ParsedFeed:
        return parsed(*(item(f"{mark} title", f"/page{'abc'[n]}", f"{mark}{n}") for n in range(3)))

    assert len(stored_after(db, [night("one"), night("two")])) == 3


def test_what_stood_among_others_asks_for_no_page_when_it_stands_alone(db: Database) -> None:
    stored_after(db, [parsed(MONDAY, TUESDAY), parsed(TUESDAY)])
    assert db.column("SELECT wants_page FROM entries") == [False, False]


def test_the_page_of_a_shared_address_is_not_asked_for_a_text(db: Database) -> None:
    stored_after(db, [parsed(MONDAY), parsed(TUESDAY)])
    wanted = dict(db.tuples("SELECT title, wants_page FROM entries"))
    assert wanted == {"Battery recall": True, "A new lens": False}


@pytest.mark.parametrize(
    ("title", "stored", "url", "is_another"),
    [
        ("A new lens", "Battery recall", "https://pier.example/support", True),
        ("Release 1.3", "Release 1.2", "https://pier.example/changelog", True),
        ("Pier closes for repairs", "Pier closes for some repairs", "https://pier.example/pier", False),
        ("Repairs of the bridge", "Pier closes the bridge", "https://pier.example/pier-closes-in-2026", False),
        ("A new lens", "Battery recall", "https://pier.example/items/2026", True),
    ],
)  # fmt: skip
def test_another_guid_and_another_thing_told_make_another_item(
    title: str, stored: str, url: str, is_another: bool
) -> None:
    def placed(guid: str | None, title: str, anchor: str = "") -> PlacedItem:
        return PlacedItem(link=f"{url}{anchor}", url=url, guid=guid, title=title, text="")

    assert is_reused(placed("b", title), placed("a", stored)) == is_another
    assert not is_reused(placed("a", title), placed("a", stored))
    assert not is_reused(placed(None, title), placed("a", stored))
    assert not is_reused(placed("b", title), placed("a", stored), guids_tell=False)
    assert is_reused(placed(None, title, "#v2"), placed(None, stored, "#v1")) == is_another
