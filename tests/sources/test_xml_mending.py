"""What feeds write wrong is mended before it is parsed, and what is no item's own is left out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.model import Entry, Feed, Page, ParsedFeed, id_of
from newsclust.sources.entries import parse_feed
from newsclust.sources.xml_mending import declared_entities, mended_xml
from newsclust.text.html_to_text import html_to_text

URL = "https://pier.example/feed"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


def parsed(body: str) -> ParsedFeed:
    headers = {"content-type": "application/xml; charset=utf-8"}
    page = Page(
        url=URL, final_url=URL, fetched_at=datetime(2026, 2, 3, 20, tzinfo=UTC), headers=headers, body=body.encode()
    )
    return parse_feed(Feed(id=id_of(URL), url=URL, title="Pier"), page)


def rss(item: str, namespaces: str = "", doctype: str = "") -> Entry:
    channel = f"<channel><title>Pier</title><link>https://pier.example/?a=1&b=2</link><item>{item}</item></channel>"
    (entry,) = parsed(f'{doctype}<rss version="2.0" {namespaces}>{channel}</rss>').entries
    return entry


def atom(entry: str, attributes: str = "") -> Entry:
    (found,) = parsed(f"<feed {ATOM} {attributes}><title>Pier</title><id>i</id><entry>{entry}</entry></feed>").entries
    return found


# --- references


@pytest.mark.parametrize(
    "undeclared", ["", "<odd:thing>x</odd:thing>"]
)  # the second is read by feedparser's other reader
def test_a_bare_ampersand_is_a_letter_in_titles_texts_links_and_guids(undeclared: str) -> None:
    link = "https://pier.example/view?id=7&region=fr&copy=2"
    entry = rss(
        f"<title>R&D at AT&T & more</title><link>{link}</link><guid>R&D-7</guid>"
        f"<description>Q&A: what AT&T pays</description>{undeclared}"
    )
    assert (entry.title, entry.link) == ("R&D at AT&T & more", link)
    assert html_to_text(entry.summary or "") == "Q&A: what AT&T pays"
    assert rss(f"<title>T</title><guid>{link}</guid>{undeclared}").link == link
    assert atom(f'<id>1</id><title>T</title><link href="{link}"/>').link == link


def test_the_address_of_the_site_keeps_its_parameters() -> None:
    channel = "<channel><title>T</title><link>https://pier.example/?x=1&y=2&copy=3</link><item><title>T</title>"
    for undeclared in ("", "<odd:thing/>"):
        document = parsed(f"<rss version='2.0'>{channel}<link>/1</link>{undeclared}</item></channel></rss>")
        assert document.site_url == "https://pier.example/?x=1&y=2&copy=3"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("caf&eacute au port", "café au port"),
        ("caf&eacute; au port", "café au port"),
        ("Ferry&nbsp;strike", "Ferry strike"),
        ("R&notice, B&copycat", "R&notice, B&copycat"),
        ("It&amp;amp;#8217;s Tom &amp;amp;amp; Jerry", "It’s Tom & Jerry"),
        ("The &amp;lt;b&amp;gt; tag", "The <b> tag"),
        ("&unknown; and &#233;", "&unknown; and é"),
        ("a < b & c", "a < b & c"),
        ("<![CDATA[R&D; AT&T]]>", "R&D; AT&T"),
    ],
)
def test_references_are_read_as_a_reader_means_them(written: str, read: str) -> None:
    assert rss(f"<title>{written}</title><link>/1</link>").title == read


def test_an_address_that_was_escaped_once_too_often_is_as_it_was_meant() -> None:
    for written in ("<![CDATA[/v?a=1&amp;b=2]]>", "/v?a=1&amp;amp;b=2", "/v?a=1&amp;#038;b=2", "/v?a=1&b=2"):
        assert rss(f"<title>T</title><link>{written}</link>").link == "https://pier.example/v?a=1&b=2"
    assert rss("<title>T</title><guid>https://pier.example/v?a=1&amp;amp;b=2</guid>").link.endswith("?a=1&b=2")


def test_an_entity_that_the_document_declares_has_its_value_and_none_names_another() -> None:
    doctype = '<!DOCTYPE rss [<!ENTITY paper "The Pier &amp; Dock"><!ENTITY twice "&paper; &paper;">]>'
    entry = rss("<title>News of &paper; &twice;</title><link>/1</link>", doctype=doctype)
    assert entry.title == "News of The Pier & Dock &twice;"
    assert declared_entities('<!ENTITY a "<b>x</b>"><!ENTITY b SYSTEM "file:///x"><!ENTITY % c "x">') == {}
    assert declared_entities(f'<!ENTITY long "{"x" * 201}">') == {}


def test_entities_add_no_more_than_a_hundred_thousand_characters() -> None:
    assert len(mended_xml("&a;" * 10_000, {"a": "x" * 200})) < 200_000


# --- what is no item's own


@pytest.mark.parametrize(
    "block",
    [
        '<x:related xmlns:x="urn:x"><link url="https://pier.example/old">Earlier</link></x:related>',
        '<x:related xmlns:x="urn:x"><title>Old</title><link>https://pier.example/old</link></x:related>',
        '<related xmlns="urn:x"><item><title>Old</title><link>/old</link></item></related>',
        "<related><story><title>Old</title><link>/old</link><description>Old words.</description></story></related>",
        "<image><title>Picture</title><link>/picture</link><url>/p.jpg</url></image>",
        "<author><name>Ann</name><title>Editor</title><link>/ann</link></author>",
    ],
)
def test_a_block_within_an_item_gives_it_neither_link_nor_title_nor_text(block: str) -> None:
    own = "<title>The line opens</title><link>https://pier.example/line</link><description>It opens.</description>"
    for item in (own + block, block + own):
        entry = rss(item)
        assert (entry.title, entry.link) == ("The line opens", "https://pier.example/line")
        assert entry.summary == "It opens."
        assert entry.content is None


def test_the_profile_of_an_author_is_not_the_post() -> None:
    author = '<author><name>ana</name><uri>/u</uri><link rel="alternate" type="text/html" href="/@ana"/></author>'
    for entry in (f'<link href="/1"/>{author}', f'{author}<link href="/1"/>'):
        found = atom(f"<id>tag:1</id><title>T</title>{entry}")
        assert (found.link, found.author) == ("https://pier.example/1", "ana")


def test_an_element_that_is_not_closed_takes_nothing_with_it() -> None:
    entry = rss("<hr><odd><title>The line opens</title><link>/line</link><description>It opens.</description>")
    assert (entry.title, entry.link) == ("The line opens", "https://pier.example/line")


def test_the_texts_of_an_item_keep_the_elements_in_them() -> None:
    entry = atom(
        f'<id>1</id><link href="/1"/><title type="xhtml"><div {XHTML}>A <b>b</b></div></title>'
        f'<content type="xhtml"><div {XHTML}><p>One</p><p>Two <a href="/x">x</a></p></div></content>'
    )
    assert entry.title == "A b"
    assert html_to_text(entry.content or "") == "One\n\nTwo x"


CAPTION = (
    "<media:description>A worker in a blue coat looks at a rack in the new hall of the plant.</media:description>"
)


@pytest.mark.parametrize(
    "media",
    [
        f'<media:content url="/i.jpg">{CAPTION}</media:content>',
        f'<media:group><media:content url="/i" type="image/jpeg"/>{CAPTION}</media:group>',
        f'<media:content url="/v.mp4" medium="video">{CAPTION}</media:content>',
        CAPTION,
    ],
)
def test_a_caption_is_not_the_text_of_an_item_that_has_words(media: str) -> None:
    entry = rss(f"<title>T</title><link>/1</link><description>It opens.</description>{media}", MEDIA)
    assert (entry.summary, entry.content) == ("It opens.", None)


def test_the_caption_of_a_picture_is_no_text_and_the_description_of_a_film_is_one() -> None:
    picture = f'<media:content url="/i.jpg">{CAPTION}</media:content>'
    assert rss(f"<title>T</title><link>/1</link>{picture}", MEDIA).summary is None
    media = '<media:content url="/v" type="video/mp4"/><media:thumbnail url="/i.jpg"/>'
    film = f"<media:group>{media}{CAPTION}</media:group>"
    assert "blue coat" in (rss(f"<title>T</title><link>/1</link>{film}", MEDIA).summary or "")


# --- which link


@pytest.mark.parametrize(
    ("links", "best"),
    [
        ('<link href="/fr"/><link rel="alternate" hreflang="en" href="/en"/>', "fr"),
        ('<link hreflang="en" href="/en"/><link hreflang="fr-FR" href="/fr"/>', "fr"),
        ('<link type="application/pdf" href="/pdf"/><link type="text/html" href="/page"/>', "page"),
        ('<link href="/page"/><link type="text/html" media="handheld" href="/small"/>', "page"),
        ('<link href="/page"/><link rel="related" href="/other"/><link rel="enclosure" href="/x.mp3"/>', "page"),
        ('<link href="nostr:x"/><link href="/page"/>', "page"),
        ('<link type="application/pdf" href="/pdf"/>', "pdf"),
    ],
)
def test_of_several_alternates_the_page_in_the_feeds_language_counts(links: str, best: str) -> None:
    entry = atom(f"<id>https://pier.example/id</id><title>T</title>{links}", 'xml:lang="fr"')
    assert entry.link == f"https://pier.example/{best}"


def test_the_first_link_of_an_item_counts_and_one_written_as_html_does() -> None:
    assert rss("<title>T</title><link>/a</link><link>/b</link>").link == "https://pier.example/a"
    assert rss("<title>T</title><link/>https://pier.example/a").link == "https://pier.example/a"


# --- robustness


@given(st.text(alphabet="<>/&;ab:\"'= -![]?x", max_size=200))
def test_any_text_is_mended_to_some_text(text: str) -> None:
    mended_xml(text, {})
