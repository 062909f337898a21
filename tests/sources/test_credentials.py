"""Credentials in feed addresses: hidden wherever they are shown, whole where they are asked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from newsclust.errors import SettingsError
from newsclust.fetch.redaction import Redactor, redactor_for, with_redirect_secrets
from newsclust.model import Feed, Request, RequestKind, id_of
from newsclust.sources.feeds_toml import read_feeds, secret_urls, write_feeds
from newsclust.sources.opml import read_opml
from newsclust.urls import canonical, redacted

SECRET = "battery-staple"


def listing(folder: Path, *urls: str) -> Path:
    path = folder / "feeds.toml"
    path.write_text("".join(f'[[feed]]\nurl = "{url}"\ntitle = "T"\n' for url in urls), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://me:pass@one.test/feed", "https://***@one.test/feed"),
        ("https://me@one.test/feed", "https://***@one.test/feed"),
        ("https://me:pa@ss@one.test/feed", "https://***@one.test/feed"),
        ("https://me:pa/ss?x#y@one.test/feed", "https://***@one.test/feed"),  # not escaped, as it ought to be
        ("https://one.test/feed?token=abc&n=1", "https://one.test/feed?token=***&n=1"),
        ("https://one.test/?n=1&access_token=abc#top", "https://one.test/?n=1&access_token=***#top"),
        (
            "https://one.test/?key=a&apikey=b&api-key=c&X-Key=d",
            "https://one.test/?key=***&apikey=***&api-key=***&X-Key=***",
        ),
        (
            "https://one.test/?auth=a;sig=b&pass=c&PASSWORD=d",
            "https://one.test/?auth=***;sig=***&pass=***&PASSWORD=***",
        ),
        ("https://one.test/api/query.php?user=me&t=abc&f=rss", "https://one.test/api/query.php?user=me&t=***&f=rss"),
        (
            "href='https://one.test/f/api/query.php?t=abc&amp;user=me&amp;t=d#top'",
            "href='https://one.test/f/api/query.php?t=***&amp;user=me&amp;t=***#top'",
        ),
        ("https://one.test/${TOKEN}/feed", "https://one.test/***/feed"),
        ("https://me:${TOKEN}@one.test/feed", "https://***@one.test/feed"),
        (
            "see http://a:b@one.test/ and http://one.test/?key=c d",
            "see http://***@one.test/ and http://one.test/?key=*** d",
        ),
        *(
            (url, url)
            for url in ("https://one.test/@me/feed", "https://one.test:8080/@me", "https://one.test/?author=me")
        ),
        *((url, url) for url in ("https://one.test/?keyword=a&monkey=b&compass=c&n=1", "me@one.test")),
        *(
            (url, url)
            for url in ("https://one.test/watch?v=a&t=123", "https://one.test/api/query.php?start=1&sort=t")
        ),
    ],
)
def test_a_secret_is_hidden_and_the_rest_stays(written, shown):
    assert redacted(written) == shown


@given(st.text("htps:/@?&=#;ab.${}token key", max_size=40).map("http://{}".format))
def test_hiding_twice_is_hiding_once(text):
    assert redacted(redacted(text)) == redacted(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1))
def test_the_value_of_a_variable_may_hold_any_character_and_is_asked_for_as_it_is(secret):
    feed = Feed(id="f", url="https://***@one.test/?n=***", title="T", written_url="https://me:${T}@one.test/?n=${T}")
    asked = URL(secret_urls([feed], {"T": secret})[feed.id])
    assert (asked.host, asked.user, asked.password, asked.query["n"]) == ("one.test", "me", secret, secret)


def test_a_feed_hides_its_credentials_and_keeps_its_identity(tmp_path):
    url = f"https://me:{SECRET}@one.test/feed?token={SECRET}"
    (feed,) = read_feeds(listing(tmp_path, url))
    assert feed.url == "https://***@one.test/feed?token=***"
    assert feed.id == id_of(canonical(url))
    assert SECRET not in repr(feed)
    assert secret_urls([feed], {}) == {feed.id: url}


def test_a_feed_without_credentials_has_no_secret(tmp_path):
    assert secret_urls(read_feeds(listing(tmp_path, "https://one.test/feed")), {}) == {}


def test_a_list_written_anew_still_names_the_variable(tmp_path):
    path = listing(tmp_path, "https://me:${MINE}@one.test/feed")
    assert "https://me:${MINE}@one.test/feed" in write_feeds(read_feeds(path))


@pytest.mark.parametrize("environment", [{}, {"MINE": ""}])
def test_a_variable_that_is_not_set_is_named_with_its_feed(tmp_path, environment):
    feeds = read_feeds(listing(tmp_path, "https://${MINE}@one.test/feed", "https://two.test/${OTHER}"))
    with pytest.raises(SettingsError) as raised:
        secret_urls(feeds, environment)
    assert str(raised.value).splitlines() == [
        "https://***@one.test/feed: the environment variable MINE is not set",
        "https://two.test/***: the environment variable OTHER is not set",
    ]


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://me:{SECRET}@one.test/",
        f"https://me:{SECRET}@/x",
        f"https://a..b/?token={SECRET}",
        f"https://me:{SECRET}/x@one.test/",
    ],
)
def test_a_list_that_is_wrong_says_so_without_the_secret(tmp_path, url):
    with pytest.raises(SettingsError) as raised:
        read_feeds(listing(tmp_path, url))
    assert SECRET not in str(raised.value)


def test_an_opml_outline_with_credentials_is_read_and_told_without_them():
    good, bad = f"https://me:{SECRET}@one.test/feed", f"ftp://me:{SECRET}@one.test/"
    opml = read_opml(f'<opml><body><outline xmlUrl="{good}"/><outline xmlUrl="{bad}"/></body></opml>'.encode())
    assert [(feed.url, feed.title) for feed in opml.feeds] == [("https://***@one.test/feed", "one.test")]
    assert secret_urls(opml.feeds, {}) == {opml.feeds[0].id: good}
    assert len(opml.problems) == 1
    assert SECRET not in repr(opml)


def test_a_mask_hides_every_spelling_of_a_secret_and_no_common_word():
    request = Request(
        url="https://***@one.test/?token=***&n=2",
        secret_url="https://me:s%C3%A9cret@one.test/?token=abc&n=2",
        kind=RequestKind.FEED,
        item_id="f",
        authorization="GoogleLogin auth=me/0123456789",
    )
    redactor = redactor_for(request)
    assert redactor.redact("sécret s%C3%A9cret me:sécret bWU6c8OpY3JldA== me/0123456789") == "*** *** *** *** ***"
    assert redactor.redact_body("sécret abc me".encode()) == b"*** abc me"


def test_what_a_redirect_hands_over_as_a_key_is_hidden_unless_it_is_a_word():
    redactor = with_redirect_secrets(Redactor(("s3cr3t-one",)), "https://one.test/?key=technology&sig=a1b2c3%2Fd4")
    assert redactor.redact("s3cr3t-one a1b2c3/d4 a1b2c3%2Fd4 technology") == "*** *** *** technology"


def test_a_request_without_secrets_has_nothing_to_hide():
    assert (
        redactor_for(Request(url="https://one.test/?token=abcdefgh", kind=RequestKind.FEED, item_id="f")).secrets
        == ()
    )
