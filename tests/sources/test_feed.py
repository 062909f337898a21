"""Feed documents -> entries: identities, addresses, dates, languages, charsets, and what is no feed."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.errors import ParseError, Reason
from newsclust.model import MAX_TEXT_CHARACTERS, DateQuality, Entry, Feed, Page, ParsedFeed, id_of
from newsclust.sources.dates import parse_date
from newsclust.sources.document import MAX_ITEMS
from newsclust.sources.entries import parse_feed
from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import language_code

NOW = datetime(2026, 2, 3, 20, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared" / "data"


def feed(url: str = "https://paper.example/feed.xml", **others: object) -> Feed:
    return Feed(id=id_of(url), url=url, title="The Paper", **others)  # type: ignore[arg-type]


def parsed(body: bytes | str, of: Feed | None = None, content_type: str = "application/xml") -> ParsedFeed:
    one = of or feed()
    headers = {"content-type": content_type} if content_type else {}
    body = body.encode() if isinstance(body, str) else body
    return parse_feed(one, Page(url=one.url, final_url=one.url, fetched_at=NOW, headers=headers, body=body))


def rss(*items: str, channel: str = "<link>https://paper.example/</link>") -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>The Paper</title>{channel}{inside}</channel></rss>"
    )


def item(n: object, guid: str | None = None, title: str | None = None, more: str = "") -> str:
    guid_element = "" if guid is None else f'<guid isPermaLink="false">{guid}</guid>'
    return f"<title>{title or f'News {n}'}</title><link>https://paper.example/{n}</link>{guid_element}{more}"


def atom(*entries: str, attributes: str = "") -> str:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>The Paper</title>{inside}</feed>'


def only(document: ParsedFeed) -> Entry:
    (entry,) = document.entries
    return entry


# --- what is a feed


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n\t ", Reason.EMPTY),
        ("<!doctype html><html><head><title>Sign in</title></head></html>", Reason.HTML_NOT_FEED),
        ('<?xml version="1.0"?><!-- x --><html lang="fr"><body/></html>', Reason.HTML_NOT_FEED),
        ("<p>Hello <body>there", Reason.HTML_NOT_FEED),
        ("Too many requests", Reason.NOT_A_FEED),
        ("<urlset><url><loc>https://paper.example/</loc></url></urlset>", Reason.NOT_A_FEED),
        ('{"error": "not found"}', Reason.NOT_A_FEED),
        ('{"version": "https://jsonfeed.org/version/1.1"}', Reason.NOT_A_FEED),
        ("{oops", Reason.NOT_A_FEED),
        ("[1, 2]", Reason.NOT_A_FEED),
        ("\x00\x01\x02", Reason.NOT_A_FEED),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_refused_with_its_reason(body: str, reason: Reason) -> None:
    with pytest.raises(ParseError) as refused:
        parsed(body)
    assert refused.value.reason is reason
    assert refused.value.item == "https://paper.example/feed.xml"


def test_a_refusal_shows_the_beginning_of_what_came_instead() -> None:
    with pytest.raises(ParseError, match="Please prove you are human"):
        parsed("<html><title>Please prove you are human</title></html>")


def test_a_feed_without_entries_is_a_feed_and_warns() -> None:
    document = parsed(rss())
    assert document.entries == ()
    assert document.title == "The Paper"
    assert document.warnings == ("no entries",)


def test_a_feed_that_a_server_wrapped_into_a_page_is_still_read() -> None:
    wrapped = f"<html><body>{rss(item(1)).partition('?>')[2]}</body></html>"
    assert only(parsed(wrapped)).title == "News 1"


def test_rdf_is_read() -> None:
    document = parsed(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title><link>https://paper.example/</link>'
        '</channel><item rdf:about="https://paper.example/1"><title>One</title>'
        "<link>https://paper.example/1</link><dc:date>2026-02-03T10:00:00Z</dc:date></item></rdf:RDF>"
    )
    entry = only(document)
    assert (entry.url, entry.guid) == ("https://paper.example/1", "https://paper.example/1")
    assert entry.published_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert entry.date_quality is DateQuality.GIVEN  # dc:date is the publication date that RSS 1.0 knows


def test_a_document_cut_in_the_middle_gives_the_entries_before_the_cut_and_warns() -> None:
    whole = rss(item(1), item(2), item(3))
    document = parsed(whole[: whole.index("News 3")])
    assert [entry.title for entry in document.entries][:2] == ["News 1", "News 2"]
    assert "bozo: SAXParseException" in document.warnings


def test_an_odd_content_type_is_a_warning() -> None:
    assert parsed(rss(item(1)), content_type="text/html; charset=utf-8").warnings == ("content type: text/html",)
    assert parsed(rss(item(1)), content_type="application/rss+xml").warnings == ()
    assert parsed(rss(item(1)), content_type="").warnings == ()


def test_characters_that_xml_forbids_cost_nothing_but_a_warning() -> None:
    document = parsed(rss(item(1, title="A\x0bB &#8; C &#xFFFFFFFFF; D &#x110000;E"), item(2)))
    assert [entry.title for entry in document.entries] == ["AB C D E", "News 2"]
    assert document.warnings == ("characters that XML forbids dropped",)


def test_entities_do_not_expand() -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "<b>ha</b>"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY c SYSTEM "file:///etc/passwd">]>' + rss(item(1, title="x &b; &c; y")).partition("?>")[2]
    )
    document = parsed(bomb)
    assert "entity declarations dropped" in document.warnings
    assert only(document).title == "x &b; &c; y"


def test_a_document_type_of_old_rss_is_no_obstacle() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.example/rss-0.91.dtd">'
    text = rss(item(1)).replace("?>", f"?>\n{doctype}", 1)
    assert parsed(text).warnings == ()


def test_nothing_is_opened_when_the_body_is_a_path_or_an_address(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(rss(item(1)))
    for body in (str(tmp_path / "feed.xml"), (tmp_path / "feed.xml").as_uri(), "http://127.0.0.1:9/feed.xml"):
        with pytest.raises(ParseError) as refused:
            parsed(body)
        assert refused.value.reason is Reason.NOT_A_FEED


RDF = (
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='{}'>"
    "<channel><title>T</title></channel>{}</rdf:RDF>"
)
JSON_ITEMS = '"items": [{"url": "https://paper.example/1", "title": "News"}]'
OLD_ITEM = "<item><title>News</title><link>https://paper.example/1</link></item>"
OLD_ENTRY = (
    "<entry><title>News</title><link rel='alternate' type='text/html' href='https://paper.example/1'/></entry>"
)


@pytest.mark.parametrize(
    "document",
    [
        RDF.format("http://channel.netscape.com/rdf/simple/0.9/", OLD_ITEM),
        RDF.format("http://purl.org/rss/1.0/", OLD_ITEM),
        *(
            f"<rss version='{version}'><channel><title>T</title>{OLD_ITEM}</channel></rss>"
            for version in ("0.91", "0.92", "0.93", "0.94", "2.0", "2.0.1")
        ),
        f"<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>T</title>{OLD_ENTRY}</feed>",
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>{OLD_ENTRY}</feed>",
        '{"version": "https://jsonfeed.org/version/1", ' + JSON_ITEMS + "}",
        '{"version": "https://jsonfeed.org/version/1.1", ' + JSON_ITEMS + "}",
    ],
)
def test_every_version_of_every_format_gives_its_entry(document: str) -> None:
    entry = only(parsed(document))
    assert (entry.title, entry.link) == ("News", "https://paper.example/1")


# --- podcasts, videos, and items of others' feeds

MEDIA = (
    "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/' "
    "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><title>T</title>"
    "<link>https://paper.example/</link><item>{}</item></channel></rss>"
)


@pytest.mark.parametrize(
    "media",
    [
        "<media:group><media:title>Clip</media:title><media:content url='https://cdn.example/a.mp4'/></media:group>",
        "<media:content url='https://cdn.example/a.mp4'><media:title>Clip</media:title></media:content>",
        "<enclosure url='https://cdn.example/a.mp3' type='audio/mpeg' length='1'/><itunes:title>Clip</itunes:title>",
        "<media:title>Clip</media:title><media:thumbnail url='https://cdn.example/a.jpg'/>",
    ],
)
def test_media_change_neither_title_nor_link_of_an_item_wherever_they_stand(media: str) -> None:
    plain = "<title>News</title><link>https://paper.example/1</link>"
    for inside in (media + plain, plain + media):
        entry = only(parsed(MEDIA.format(inside)))
        assert (entry.title, entry.link) == ("News", "https://paper.example/1")


def test_an_enclosure_is_the_address_of_an_entry_that_has_no_other() -> None:
    enclosure = "<title>Episode</title><enclosure url='https://cdn.example/1.mp3' type='audio/mpeg' length='1'/>"
    assert only(parsed(MEDIA.format(enclosure))).link == "https://cdn.example/1.mp3"
    entry = only(parsed(MEDIA.format(f"{enclosure}<guid>https://paper.example/episodes/1</guid>")))
    assert entry.link == "https://paper.example/episodes/1"


def test_a_podcast_without_a_description_has_its_itunes_summary_and_title() -> None:
    inside = "<itunes:title>Episode</itunes:title><itunes:summary>All of it</itunes:summary><link>/1</link>"
    entry = only(parsed(MEDIA.format(inside)))
    assert (entry.title, entry.summary) == ("Episode", "<p>All of it</p>")


def test_the_feed_that_an_item_was_taken_from_is_kept() -> None:
    source = '<source url="https://quai.example/flux">Le &lt;b&gt;Quai&lt;/b&gt;</source>'
    from_rss = only(parsed(rss(item(1, more=source))))
    assert (from_rss.title, from_rss.source_title, from_rss.source_url) == (
        "News 1",
        "Le Quai",
        "https://quai.example/flux",
    )
    inside = '<title>Le Quai</title><link rel="self" href="https://quai.example/flux"/><link href="https://quai.example/"/>'
    from_atom = only(parsed(atom(f'<title>T</title><link href="/1"/><source>{inside}</source>')))
    assert (from_atom.title, from_atom.link) == ("T", "https://paper.example/1")
    assert (from_atom.source_title, from_atom.source_url) == ("Le Quai", "https://quai.example/flux")
    nonsense = only(parsed(rss(item(1, more='<source url="javascript:x()">Quai</source>'))))
    assert (nonsense.source_title, nonsense.source_url) == ("Quai", None)
    nowhere = only(parsed(atom('<title>T</title><link href="/1"/><source><link rel="self"/></source>')))
    assert nowhere.source_url is None


def test_an_alternate_that_is_no_html_is_the_link_all_the_same() -> None:
    pdf = '<link rel="alternate" type="application/pdf" href="/thesis.pdf"/>'
    entry = only(parsed(atom(f"<id>tag:paper.example,2026:thesis</id><title>T</title>{pdf}")))
    assert (entry.link, entry.guid) == ("https://paper.example/thesis.pdf", "tag:paper.example,2026:thesis")


# --- identity


def ids(document: ParsedFeed) -> list[str]:
    return [entry.id for entry in document.entries]


def test_entries_with_one_guid_for_all_are_kept_apart_by_their_links() -> None:
    document = parsed(rss(*(item(n, guid="always-the-same") for n in range(5))))
    assert len(set(ids(document))) == 5
    assert document.warnings == ()


def test_entries_whose_guids_all_changed_overnight_keep_their_ids() -> None:
    yesterday = parsed(rss(*(item(n, guid=f"monday-{n}") for n in range(5))))
    today = parsed(rss(*(item(n, guid=f"tuesday-{n}") for n in range(5))))
    assert ids(yesterday) == ids(today)


def test_an_entry_whose_title_was_corrected_keeps_its_id() -> None:
    assert ids(parsed(rss(item(1, title="Teh news")))) == ids(parsed(rss(item(1, title="The news"))))


def test_a_link_with_and_without_tracking_is_one_entry_from_night_to_night() -> None:
    tracked = rss(item("1?utm_source=rss&amp;utm_medium=feed"))
    assert ids(parsed(tracked)) == ids(parsed(rss(item(1))))


def test_entries_with_one_link_for_all_are_kept_apart_by_their_guids() -> None:
    document = parsed(rss(*(item("live", guid=f"g{n}", title="Live") for n in range(3))))
    assert ids(document) == [id_of("https://paper.example/feed.xml", f"g{n}") for n in range(3)]


def test_entries_that_link_to_the_home_page_are_kept_apart_by_their_guids() -> None:
    home = "<title>Note {0}</title><link>https://www.paper.example/</link><guid>note-{0}</guid>"
    monday, tuesday = parsed(rss(home.format(1))), parsed(rss(home.format(2)))
    assert set(ids(monday)).isdisjoint(ids(tuesday))


def test_entries_with_one_link_and_one_guid_are_kept_apart_by_their_titles() -> None:
    document = parsed(rss(*(item("live", guid="g", title=f"Live {n}") for n in range(3))))
    assert len(set(ids(document))) == 3


def test_an_item_repeated_whole_counts_once_and_keeps_the_id_it_has_alone() -> None:
    twice = parsed(rss(item(1, guid="g"), item(2), item(1, guid="g")))
    assert [entry.title for entry in twice.entries] == ["News 1", "News 2"]
    assert twice.warnings == ("entry repeated: News 1",)
    assert ids(twice)[0] == only(parsed(rss(item(1, guid="g")))).id


@given(st.lists(st.tuples(st.sampled_from("ab/"), st.sampled_from("xyz"), st.sampled_from("TUV")), max_size=8))
def test_different_items_never_share_an_id_and_none_is_lost_in_silence(
    triples: list[tuple[str, str, str]],
) -> None:
    document = parsed(rss(*(item(path.strip("/"), guid=guid, title=title) for path, guid, title in triples)))
    assert len(set(ids(document))) == len(document.entries)
    repeats = sum(warning.startswith("entry repeated") for warning in document.warnings)
    assert len(document.entries) + repeats == len(triples)
    identical = len(triples) - len(set(triples))
    by_guid_and_title = len(triples) - len({(path, title) for path, _, title in triples})
    assert identical <= repeats <= by_guid_and_title


# --- addresses


def test_a_guid_that_is_an_address_stands_in_for_a_missing_link() -> None:
    for link in ("", "<link/>", "<link>mailto:us@paper.example</link>"):
        entry = only(parsed(rss(f"<title>T</title>{link}<guid>https://paper.example/1</guid>")))
        assert entry.url == "https://paper.example/1"


def test_an_entry_without_any_address_is_left_out_by_name() -> None:
    lost = "<title>Lost</title><link>mailto:us@paper.example</link><guid isPermaLink='false'>abc</guid>"
    document = parsed(rss(lost, item(2)))
    assert [entry.title for entry in document.entries] == ["News 2"]
    assert document.warnings == ("entry without an address: Lost",)


def test_relative_links_of_rss_belong_to_the_site() -> None:
    document = parsed(rss("<title>T</title><link>/news/1</link>"), of=feed("https://feeds.example/paper.xml"))
    assert only(document).link == "https://paper.example/news/1"
    without_home = rss("<title>T</title><link>/news/1</link>", channel="")
    known = feed("https://feeds.example/paper.xml", site_url="https://site.example/")
    assert only(parsed(without_home, of=known)).link == "https://site.example/news/1"
    assert only(parsed(without_home)).link == "https://paper.example/news/1"


def test_relative_links_of_atom_belong_to_xml_base_or_the_feed() -> None:
    entry = '<title>T</title><id>tag:1</id><link href="news/1"/>'
    assert only(parsed(atom(entry))).link == "https://paper.example/news/1"
    based = atom(entry, attributes='xml:base="https://base.example/a/"')
    assert only(parsed(based)).link == "https://base.example/a/news/1"


def test_the_address_that_feedburner_noted_is_the_link() -> None:
    noted = "<feedburner:origLink>https://paper.example/true</feedburner:origLink>"
    entry = only(parsed(rss(f"<title>T</title><link>https://feedproxy.example/~r/1</link>{noted}")))
    assert entry.link == "https://paper.example/true"


def test_the_link_is_kept_as_written_beside_the_canonical_address() -> None:
    entry = only(parsed(rss(item("1?utm_source=rss"))))
    assert (entry.link, entry.url) == ("https://paper.example/1?utm_source=rss", "https://paper.example/1")


# --- texts


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("AT&amp;amp;T  and\n friends", "AT&T and friends"),
        ("<![CDATA[L&#8217;&eacute;t&eacute; <em>enfin</em>]]>", "L’été enfin"),
        ("<![CDATA[One<br/>two]]>", "One two"),
        ("Why &lt;video&gt; matters", "Why <video> matters"),
        ("5 &lt; 6", "5 < 6"),
    ],
)
def test_titles_are_plain_text(written: str, read: str) -> None:
    assert only(parsed(rss(item(1, title=written)))).title == read


def test_a_title_of_html_in_atom_is_plain_text() -> None:
    entry = '<title type="html">A &lt;b&gt;bold&lt;/b&gt; move &amp;amp; more</title><link href="/1"/>'
    assert only(parsed(atom(entry))).title == "A bold move & more"


def test_a_missing_title_is_the_first_words_of_the_text() -> None:
    words = "<p>" + "seven words make a title for us " * 10 + "</p>"
    body = f"<link>https://paper.example/1</link><description><![CDATA[{words}]]></description>"
    entry = only(parsed(rss(body)))
    assert entry.title.startswith("seven words make a title for us seven")
    assert entry.title.endswith("…")
    assert len(entry.title) <= 81
    assert entry.warnings == ("no title: taken from the text",)


def test_without_title_and_text_the_address_stands_in() -> None:
    entry = only(parsed(rss("<link>https://paper.example/1</link>")))
    assert entry.title == "https://paper.example/1"
    assert "no title: the address stands in" in entry.warnings


def test_summary_and_content_are_the_html_as_given() -> None:
    texts = (
        "<description>Short &lt;b&gt;lead&lt;/b&gt;</description>"
        '<content:encoded><![CDATA[<p>Long <a href="/more">text</a></p>]]></content:encoded>'
    )
    entry = only(parsed(rss(item(1, more=texts))))
    assert entry.summary == "Short <b>lead</b>"
    assert entry.content == '<p>Long <a href="/more">text</a></p>'


def test_content_that_only_repeats_the_summary_is_none() -> None:
    texts = "<description>Same</description><content:encoded>Same</content:encoded>"
    entry = only(parsed(rss(item(1, more=texts))))
    assert (entry.summary, entry.content) == ("Same", None)


def test_content_without_a_summary_stays_content() -> None:
    entry = only(parsed(rss(item(1, more="<content:encoded>Only this</content:encoded>"))))
    assert (entry.summary, entry.content) == (None, "Only this")


def test_scripts_are_gone_from_html_of_every_format() -> None:
    script = "<p>Text</p><script>steal()</script>"
    from_rss = only(parsed(rss(item(1, more=f"<description><![CDATA[{script}]]></description>"))))
    from_json = only(parsed(json_feed({"id": "1", "url": "https://paper.example/1", "content_html": script})))
    from_atom = only(parsed(atom(f'<link href="/1"/><summary><![CDATA[{script}]]></summary>')))  # declared as text
    assert from_rss.summary == from_json.content == from_atom.summary == "<p>Text</p>"


def test_plain_text_of_atom_is_escaped_into_a_paragraph() -> None:
    entry = only(parsed(atom('<title>T</title><link href="/1"/><summary type="text">a &lt; b &amp; c</summary>')))
    assert entry.summary == "<p>a &lt; b &amp; c</p>"


def test_authors_are_names_in_plain_text() -> None:
    assert only(parsed(rss(item(1, more="<dc:creator>Ana &amp;amp; Bo</dc:creator>")))).author == "Ana & Bo"
    assert only(parsed(rss(item(1, more="<author>ana@paper.example (Ana Lee)</author>")))).author == "Ana Lee"
    two = "<author><name>Ana</name></author><author><name>Bo</name></author>"
    assert only(parsed(atom(f'<title>T</title><link href="/1"/>{two}'))).author == "Ana, Bo"
    assert only(parsed(rss(item(1, more="<author>ana@paper.example</author>")))).author == "ana@paper.example"
    assert only(parsed(rss(item(1)))).author is None


# --- charsets

ACCENTS = "Été à Nîmes : « l’œuvre » coûte 5 €"


@pytest.mark.parametrize(
    ("sent", "declared", "header", "warned"),
    [
        ("utf-8", "utf-8", "", False),
        ("windows-1252", "windows-1252", "", False),
        ("windows-1252", "iso-8859-1", "", False),  # what browsers call the same
        ("windows-1252", "utf-8", "", True),
        ("windows-1252", "utf-8", "utf-8", True),
        ("utf-8", "iso-8859-1", "", True),
        ("utf-8", "utf-8", "iso-8859-1", True),
        ("windows-1252", "utf-8", "windows-1252", True),
        ("utf-8", "no-such-charset", "", True),
        ("utf-8", "unicode_escape", "", True),
        ("windows-1252", "no-such-charset", "", True),
        ("utf-8-sig", "iso-8859-1", "", False),  # a byte-order mark settles it
        ("utf-16", "utf-16", "", False),
        ("utf-16-le", "utf-16", "", False),
        ("iso-8859-15", "iso-8859-15", "", False),
    ],
)
def test_text_is_readable_whatever_the_charset_is_said_to_be(
    sent: str, declared: str, header: str, warned: bool
) -> None:
    said = ACCENTS if sent != "iso-8859-15" else ACCENTS.replace("’", "'")
    text = rss(item(1, title=said)).replace('encoding="UTF-8"', f'encoding="{declared}"')
    content_type = "application/xml" + (f"; charset={header}" if header else "")
    document = parsed(text.encode(sent), content_type=content_type)
    assert only(document).title == said
    assert any(warning.startswith("charset: ") for warning in document.warnings) is warned


def test_one_pasted_byte_in_a_sound_document_spoils_nothing_else() -> None:
    body = rss(item(1, title=ACCENTS), item(2, title="Caf@")).encode().replace(b"Caf@", b"Caf\xe9")
    document = parsed(body)
    assert [entry.title for entry in document.entries] == [ACCENTS, "Café"]
    assert document.warnings == ("charset: utf-8, but for 1 places read as windows-1252",)


# --- dates


def dated(more: str) -> Entry:
    return only(parsed(rss(item(1, more=more))))


@pytest.mark.parametrize(
    ("written", "at", "quality"),
    [
        ("Tue, 03 Feb 2026 14:05:00 +0100", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("Tue, 03 Feb 2026 14:05:00 GMT", "2026-02-03T14:05:00", DateQuality.GIVEN),
        ("03 Feb 26 14:05 EST", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("Tue, 3 Feb 2026 14:05:00 CET", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("Tue, 3 Feb 2026 14:05:00 +0100 (CET)", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("Tue, 3 Feb 2026 14:05:60 GMT", "2026-02-03T14:05:59", DateQuality.GIVEN),
        ("2026-02-03T14:05:00.123+01:00", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("2026-02-03 14:05:00 +0530", "2026-02-03T08:35:00", DateQuality.GIVEN),
        ("2026-02-03T14:05Z", "2026-02-03T14:05:00", DateQuality.GIVEN),
        ("Tue Feb  3 14:05:00 CET 2026", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("Tue Feb  3 14:05:00 2026", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("2026-02-03T14:05:00", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Tue, 3 Feb 2026 14:05:00 XYZ", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("2026-02-03T14:05:00+99:00", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Tue, 03 Feb 2026 14:05:00 America/Montreal", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("Fri, 03 Jul 2025 14:05:00 Europe/Madrid", "2025-07-03T12:05:00", DateQuality.GIVEN),
        ("Tue, 03 Feb 2026 14:05:00 Mars/Olympus", "2026-02-03T14:05:00", DateQuality.GUESSED),
        (
            "Tue Feb 03 2026 14:05:00 GMT+0100 (Central European Standard Time)",
            "2026-02-03T13:05:00",
            DateQuality.GIVEN,
        ),
        ("Tue, 3 Feb 2026 14:05:00 -0500 EST", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("Tue, 3 Feb 2026 14:05:00 GMT -0500", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("Tue, 3 Feb 2026 2:05 PM Eastern Time", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("2026-02-03T14:05:00-05:00Z", "2026-02-03T19:05:00", DateQuality.GIVEN),
        ("2026-02-03T14:05:00+01:00[Europe/Paris]", "2026-02-03T13:05:00", DateQuality.GIVEN),
        ("1770127500", "2026-02-03T14:05:00", DateQuality.GIVEN),
        ("1770127500000", "2026-02-03T14:05:00", DateQuality.GIVEN),
        ("20260203T140500Z", "2026-02-03T14:05:00", DateQuality.GIVEN),
        ("2/3/2026 2:05:00 PM", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("1/13/2026 14:05", "2026-01-13T14:05:00", DateQuality.GUESSED),
        ("Tue, 13/01/2026 - 14:05", "2026-01-13T14:05:00", DateQuality.GUESSED),
        ("03.02.2026 14.05 Uhr", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Dienstag, 3. Februar 2026 um 14:05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Mardi, 3. Février 2026 - 14:05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("3 de febrero de 2026, 14:05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Posted on: February 3rd, 2026 at 2:05 p.m.", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("14:05, 3 February 2026", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Tue , 03 Feb 2026 14:5:7 0000", "2026-02-03T14:05:07", DateQuality.GIVEN),
        ("Tue, 2026-02-03 at 14:05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("Mon, 02 Feb 2026 24:00:00 GMT", "2026-02-03T00:00:00", DateQuality.GIVEN),
        ("2026-02-03", "2026-02-03T00:00:00", DateQuality.GUESSED),
        ("January 2026", "2026-01-01T00:00:00", DateQuality.GUESSED),
        ("3 February 2026", "2026-02-03T00:00:00", DateQuality.GUESSED),
        ("February 3, 2026 2:05 pm", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("mar. 3 févr. 2026 14:05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("mardi 3 février 2026 à 14h05", "2026-02-03T14:05:00", DateQuality.GUESSED),
        ("le 1er août 2025", "2025-08-01T00:00:00", DateQuality.GUESSED),
        ("15 juin 2025 08:00 +0200", "2025-06-15T06:00:00", DateQuality.GIVEN),
        ("15 juillet 2025", "2025-07-15T00:00:00", DateQuality.GUESSED),
        ("1 déc. 2025", "2025-12-01T00:00:00", DateQuality.GUESSED),
    ],
)
def test_dates_are_read_as_utc_with_the_trust_they_deserve(written: str, at: str, quality: DateQuality) -> None:
    entry = dated(f"<pubDate>{written}</pubDate>")
    assert (entry.published_at.isoformat(), entry.date_quality) == (f"{at}+00:00", quality)
    assert entry.warnings == ()


def test_without_a_date_the_moment_of_first_sight_stands_in() -> None:
    entry = dated("")
    assert (entry.published_at, entry.date_quality, entry.updated_at) == (NOW, DateQuality.MISSING, None)


@pytest.mark.parametrize(
    ("written", "warning"),
    [
        ("31 Feb 2026 10:00 GMT", "date unreadable: 31 Feb 2026 10:00 GMT"),
        ("yesterday", "date unreadable: yesterday"),
        ("x" * 200, "date unreadable: " + "x" * 40),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "date too early: Thu, 01 Jan 1970 00:00:00 GMT"),
        ("0001-01-01T00:00:00+14:00", "date unreadable: 0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_date_that_cannot_be_true_is_missing_and_kept_in_a_warning(written: str, warning: str) -> None:
    entry = dated(f"<pubDate>{written}</pubDate>")
    assert (entry.published_at, entry.date_quality) == (NOW, DateQuality.MISSING)
    assert entry.warnings == (warning,)


def test_a_date_in_the_future_is_replaced_and_kept_in_a_warning() -> None:
    entry = dated("<pubDate>Wed, 03 Feb 2027 14:05:00 GMT</pubDate>")
    assert (entry.published_at, entry.date_quality) == (NOW, DateQuality.FUTURE)
    assert entry.warnings == ("date in the future: Wed, 03 Feb 2027 14:05:00 GMT",)


def test_a_clock_fifteen_minutes_ahead_is_no_future() -> None:
    for ahead, quality in ((15, DateQuality.GIVEN), (16, DateQuality.FUTURE)):
        written = (NOW + timedelta(minutes=ahead)).isoformat()
        assert dated(f"<pubDate>{written}</pubDate>").date_quality is quality


def test_the_date_of_the_update_stands_in_for_a_missing_or_unreadable_one() -> None:
    updated = '<title>T</title><link href="/1"/><updated>2026-02-03T10:00:00Z</updated>'
    for published in ("", "<published>soon</published>"):
        entry = only(parsed(atom(updated + published)))
        assert entry.published_at == entry.updated_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
        assert entry.date_quality is DateQuality.GUESSED


def test_an_update_is_told_apart_from_the_publication_and_dropped_when_in_the_future() -> None:
    dates = "<published>2026-02-01T10:00:00Z</published><updated>{}</updated>"
    entry = only(parsed(atom('<title>T</title><link href="/1"/>' + dates.format("2026-02-02T10:00:00Z"))))
    assert entry.published_at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 2, 2, 10, tzinfo=UTC)
    assert entry.date_quality is DateQuality.GIVEN
    assert only(parsed(atom('<link href="/1"/>' + dates.format("2030-01-01T00:00:00Z")))).updated_at is None


@given(
    st.integers(min_value=0, max_value=3_000_000_000),  # seconds since 1970: until 2065
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_moment_is_read_back_from_rfc_822_and_rfc_3339(seconds: int, offset: int) -> None:
    at = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=offset)))
    for written in (at.isoformat(), at.strftime("%a, %d %b %Y %H:%M:%S %z")):
        read = parse_date(written)
        assert read.at == at
        assert read.at.utcoffset() == timedelta(0)
        assert read.exact


@given(
    st.text(max_size=70)
    | st.from_regex(r"\d{1,4}[-/ ](\d\d|[a-zé]{3,5})[-/ ]\d{1,4}[T ]\d\d:\d\d.{0,6}", fullmatch=True)
)
def test_any_text_is_a_date_in_utc_or_a_value_error(text: str) -> None:
    try:
        read = parse_date(text)
    except ValueError:
        return
    assert read.at.tzinfo is UTC


# --- languages


def test_the_language_is_the_entrys_then_the_persons_then_the_documents() -> None:
    french = rss(item(1), item(2, more="<dc:language>de-AT</dc:language>"), channel="<language>fr-FR</language>")
    assert [entry.language for entry in parsed(french).entries] == ["fr", "de"]
    assert [entry.language for entry in parsed(french, of=feed(language="en")).entries] == ["en", "de"]
    assert only(parsed(rss(item(1)))).language is None


def test_xml_lang_counts_for_the_document_and_for_an_entry() -> None:
    english = '<title>T</title><link href="/1"/>'
    german = '<title xml:lang="de">U</title><link href="/2"/>'
    document = parsed(atom(english, german, attributes='xml:lang="en-us"'))
    assert [entry.language for entry in document.entries] == ["en", "de"]
    told = parsed(atom(english, german, attributes='xml:lang="en-us"'), of=feed(language="fr"))
    assert [entry.language for entry in told.entries] == ["fr", "de"]


def test_a_nonsense_language_is_none_with_a_warning() -> None:
    document = parsed(rss(item(1), channel="<language>klingon</language>"))
    assert only(document).language is None
    assert document.warnings == ("language: not a language: klingon",)


def test_language_tags_and_names_are_two_letters() -> None:
    written = ["fr-FR", "en-us", "EN_GB", "English", "français (France)", "fra", "de"]
    assert [language_code(word) for word in written] == ["fr", "en", "en", "en", "fr", "fr", "de"]
    for nonsense in ("", "us", "x-default", "zxx", "12"):
        with pytest.raises(ValueError, match="not a language"):
            language_code(nonsense)


# --- JSON Feed


def json_feed(*items: object, version: str = "https://jsonfeed.org/version/1.1", **others: object) -> str:
    return json.dumps({"version": version, "title": "The Paper", "items": list(items), **others})


def test_a_json_feed_gives_the_same_entries_as_any_other() -> None:
    document = parsed(
        json_feed(
            {
                "id": 7,
                "url": "/1",
                "title": "One  &  two",
                "content_html": "<p>Long text</p>",
                "content_text": "Long",
                "summary": "a < b",
                "date_published": "2026-02-03T10:00:00+01:00",
                "date_modified": "2026-02-03T11:00:00+01:00",
                "authors": [{"name": "Ana"}, {"name": "Bo"}, {"url": "https://c.example"}],
                "language": "de",
            },
            language="fr-CA",
            home_page_url="https://paper.example/",
        ),
        content_type="application/feed+json",
    )
    assert document == ParsedFeed(
        feed_id=feed().id,
        title="The Paper",
        entries=(
            Entry(
                id=id_of(feed().url, "https://paper.example/1"),
                feed_id=feed().id,
                guid="7",
                link="https://paper.example/1",
                url="https://paper.example/1",
                title="One & two",
                summary="<p>a &lt; b</p>",
                content="<p>Long text</p>",
                author="Ana, Bo",
                language="de",
                published_at=datetime(2026, 2, 3, 9, tzinfo=UTC),
                date_quality=DateQuality.GIVEN,
                updated_at=datetime(2026, 2, 3, 10, tzinfo=UTC),
                other_ids=(id_of(feed().url, "7"),),
            ),
        ),
        site_url="https://paper.example/",
    )


def test_a_json_feed_with_raw_control_characters_in_its_strings_is_read() -> None:
    body = json_feed({"id": "1", "url": "/1", "title": "One", "content_html": "<p>A</p>@<p>B</p>"})
    for mark in ("\n\t", "\r\n", "\x0b", "\x00", "\x1f"):
        entry = only(parsed(body.replace("@", mark), content_type="application/feed+json"))
        assert html_to_text(entry.content or "") == "A\n\nB"


def test_references_in_the_plain_texts_of_a_json_feed_have_their_value() -> None:
    words = "Apple&#8217;s plan &amp; more"
    entry = only(parsed(json_feed({"id": "1", "url": "/1", "title": words, "summary": words, "content_text": "x"})))
    assert (entry.title, html_to_text(entry.summary or "")) == ("Apple’s plan & more", "Apple’s plan & more")
    assert only(parsed(json_feed({"id": "1", "url": "/1", "title": "The <video> tag"}))).title == "The <video> tag"


def test_plain_text_keeps_its_paragraphs_and_lists_and_wrapped_lines_are_one() -> None:
    long = "A line that was wrapped by its writer at some seventy characters or"
    text = f"First.\n\nSecond:\n- one\n- two\n \n{long}\nso goes on."
    entry = only(parsed(json_feed({"id": "1", "url": "/1", "title": "T", "content_text": text})))
    lines = [line for line in html_to_text(entry.content or "").split("\n") if line]
    assert lines == ["First.", "Second:", "- one", "- two", f"{long} so goes on."]


def test_the_attachment_of_an_episode_without_a_page_is_its_address() -> None:
    episode = {"id": "e1", "title": "Episode", "attachments": [{"url": "https://cdn.example/1.mp3"}]}
    assert only(parsed(json_feed(episode))).link == "https://cdn.example/1.mp3"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&amp;lt;p&amp;gt;Hello &amp;lt;b&amp;gt;world&amp;lt;/b&amp;gt;.&amp;lt;/p&amp;gt;", "Hello world."),
        ("&amp;amp;lt;p&amp;amp;gt;Hello.&amp;amp;lt;/p&amp;amp;gt;", "Hello."),
        ("&lt;p&gt;It&amp;amp;#8217;s caf&amp;amp;eacute;&lt;/p&gt;", "It’s café"),
        ("The &amp;lt;video&amp;gt; element", "The <video> element"),
        ("&lt;p&gt;Use &lt;code&gt;&amp;lt;b&amp;gt;x&amp;lt;/b&amp;gt;&lt;/code&gt;&lt;/p&gt;", "Use <b>x</b>"),
    ],
)  # fmt: skip
def test_a_text_that_was_escaped_once_too_often_has_no_tags_in_it(written: str, text: str) -> None:
    entry = only(parsed(rss(f"<title>T</title><link>/1</link><description>{written}</description>")))
    assert html_to_text(entry.summary or "") == text


def test_json_feed_1_0_with_one_author_and_plain_text_is_read() -> None:
    one = {"id": "https://paper.example/1", "content_text": "a & b\nc", "author": {"name": "Ana"}}
    document = parsed(json_feed(one, None, version="https://jsonfeed.org/version/1"))
    entry = only(document)
    assert (entry.content, entry.author, entry.title) == ("<p>a &amp; b<br>c</p>", "Ana", "a & b c")
    assert "items that are no objects: 1" in document.warnings


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "url", "title", "content_html", "date_published", "authors", "author", "language"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_a_json_feed_of_any_values_gives_entries_or_warnings(value: object) -> None:
    document = parsed(json_feed(value, {"url": "https://paper.example/1", "title": value, "authors": value}))
    assert document.entries[-1].url == "https://paper.example/1"


# --- robustness


@given(st.binary(max_size=400), st.sampled_from(["", "text/xml; charset=utf-16", "text/html; charset=idna"]))
@settings(max_examples=200)
def test_random_bytes_raise_nothing_but_parse_errors(body: bytes, content_type: str) -> None:
    try:
        document = parsed(body, content_type=content_type)
    except ParseError:
        return
    assert all(entry.published_at.utcoffset() == timedelta(0) for entry in document.entries)


@given(
    st.lists(
        st.sampled_from(
            ["<item>", "</item>", "<entry>", "<link/>", "<link href='http://[1'>", "<guid>", "<image>",
             "<title>a", "<textinput>", "&#x110000;", "&b;", "<![CDATA[", "<svg>", "</svg>", "<!--", "<![if",
             "<content type='x/y'>", "<pubDate>1 1 1", "<dc:date>2026-02-03", "https://paper.example/1", "é",
             "\x00"]
        ),
        max_size=12,
    )
)  # fmt: skip
@settings(max_examples=200)
def test_a_feed_of_torn_markup_raises_nothing_but_parse_errors(pieces: list[str]) -> None:
    try:
        document = parsed("<rss><channel>" + "".join(pieces))
    except ParseError:
        return
    assert all(entry.published_at.utcoffset() == timedelta(0) for entry in document.entries)


def shared_files(folder: str) -> list[Path]:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"needs the folder {folder} of real feeds, which is not part of the project")
    return sorted(path for path in (SHARED / folder).rglob("*") if path.suffix in {".xml", ".rss", ".atom", ".json"})


@pytest.mark.slow
def test_of_real_feeds_no_entry_is_lost() -> None:
    import feedparser

    counts: dict[str, tuple[int, int]] = {}
    for path in shared_files("feeds"):
        document = parsed(path.read_bytes())
        if path.suffix == ".json":  # feedparser reads no JSON Feed
            theirs = [item for item in json.loads(path.read_bytes())["items"] if isinstance(item, dict)]
        else:
            theirs = feedparser.parse(path.read_bytes()).entries
        counts[path.name] = len(document.entries), len(theirs)
        assert len({entry.id for entry in document.entries}) == len(document.entries)
        print(f"{path.name:50} {len(document.entries):5} of {len(theirs):5}  {'; '.join(document.warnings)}")
    assert {name: both for name, both in counts.items() if both[0] != both[1]} == {}
    assert sum(ours for ours, _ in counts.values()) > 1000


@pytest.mark.slow
def test_of_documents_made_to_break_parsers_none_does() -> None:
    read = 0
    for path in shared_files("feeds_torture"):
        try:
            document = parsed(path.read_bytes(), content_type="")
        except ParseError:
            continue
        read += 1
        assert all(entry.published_at.utcoffset() == timedelta(0) for entry in document.entries)
    assert read > 1000  # most of the suites are feeds; the rest are expectations in JSON and broken on purpose


# --- limits


def test_a_document_has_a_limit_of_items_and_the_first_ones_stay() -> None:
    document = parsed(rss(*(item(n) for n in range(MAX_ITEMS + 3))))
    assert [entry.title for entry in document.entries][-1] == f"News {MAX_ITEMS - 1}"
    assert document.warnings == ("items behind the first 5,000 left out: 3",)


def test_a_text_of_a_novels_length_is_cut_between_two_tags() -> None:
    piece = "<p>All work and no play.</p>"
    text = f"x{piece * (MAX_TEXT_CHARACTERS // len(piece) + 9)}"
    document = parsed(rss(item(1, more=f"<description><![CDATA[{text}]]></description>")))
    summary = only(document).summary or ""
    assert MAX_TEXT_CHARACTERS - len(piece) <= len(summary) <= MAX_TEXT_CHARACTERS
    assert not summary.endswith("<")
    assert document.warnings == ("text cut to its first 500,000 characters: News 1",)
