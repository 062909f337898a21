"""The canonical address: one name for one page, two names for two."""

import subprocess
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from newsclust.urls import canonical, host, registered_domain

SAME_PAGE = [
    # scheme, host, port, user
    ("http://site.example/a", "https://site.example/a"),
    ("HTTPS://WWW.Site.Example/a", "https://site.example/a"),
    ("  https://site.example/a\n", "https://site.example/a"),
    ("https://site.ex\tample/a", "https://site.example/a"),
    ("http://site.example:80/a", "https://site.example/a"),
    ("https://site.example:443/a", "https://site.example/a"),
    ("https://site.example:/a", "https://site.example/a"),
    ("https://site.example:8443/a", "https://site.example:8443/a"),
    ("https://reader:secret@site.example/a", "https://site.example/a"),
    ("https://site.example./a", "https://site.example/a"),
    ("https://Müller.example/a", "https://xn--mller-kva.example/a"),
    ("https://actualité.example/a", "https://xn--actualit-i1a.example/a"),
    ("https://s%69te.example/a", "https://site.example/a"),
    ("http://127.0.0.1:8000/feed", "https://127.0.0.1:8000/feed"),
    ("http://[0:0::1]:8000/feed", "https://[::1]:8000/feed"),
    ("http://localhost/a", "https://localhost/a"),
    ("https://my_blog.site.example/a", "https://my_blog.site.example/a"),
    # what belongs to a name and what is a form of it
    ("https://www.gov.uk/guidance", "https://www.gov.uk/guidance"),
    ("https://www.com/a", "https://www.com/a"),
    ("https://www.site.co.uk/a", "https://site.co.uk/a"),
    ("https://m.site.example/a", "https://site.example/a"),
    ("https://mobile.site.example/a", "https://site.example/a"),
    ("https://amp.site.example/a", "https://site.example/a"),
    ("https://fr.m.site.example/a", "https://fr.site.example/a"),
    ("https://m.example/a", "https://m.example/a"),
    ("https://media.site.example/a", "https://media.site.example/a"),
    # path
    ("https://site.example", "https://site.example/"),
    ("https://site.example/", "https://site.example/"),
    ("https://site.example/a/", "https://site.example/a"),
    ("https://site.example//a///b", "https://site.example/a/b"),
    ("https://site.example/x/../a/./b", "https://site.example/a/b"),
    ("https://site.example/../../a", "https://site.example/a"),
    ("https://site.example/x/%2E%2e/a", "https://site.example/a"),
    ("https://site.example/%7euser/%c3%a9t%C3%A9", "https://site.example/~user/%C3%A9t%C3%A9"),
    ("https://site.example/été en ville", "https://site.example/%C3%A9t%C3%A9%20en%20ville"),
    ("https://site.example/a%2Fb", "https://site.example/a%2Fb"),
    ("https://site.example/100%", "https://site.example/100%25"),
    ("https://site.example/%%34%31", "https://site.example/%2541"),
    ("https://site.example/Big-News", "https://site.example/Big-News"),
    ("https://site.example/a;jsessionid=0AF3?x=1", "https://site.example/a?x=1"),
    # fragment and query
    ("https://site.example/a#comments", "https://site.example/a"),
    ("https://site.example/a?", "https://site.example/a"),
    ("https://site.example/a?&&", "https://site.example/a"),
    ("https://site.example/a?b=2&a=1", "https://site.example/a?a=1&b=2"),
    ("https://site.example/a?t=2&t=1", "https://site.example/a?t=2&t=1"),
    ("https://site.example/?p=%3a%41", "https://site.example/?p=%3AA"),
    ("https://site.example/a?id=3&amp;lang=fr", "https://site.example/a?id=3&lang=fr"),
    ("https://site.example/a?q=c%26a&flag", "https://site.example/a?flag&q=c%26a"),
    # tracking, and what only looks like it
    ("https://site.example/a?utm_source=rss&UTM_Medium=feed&id=3", "https://site.example/a?id=3"),
    ("https://site.example/a?fbclid=Iw&gclid=1&msclkid=2&gbraid=3", "https://site.example/a"),
    ("https://site.example/a?xtor=RSS-16&at_medium=custom7", "https://site.example/a"),
    ("https://site.example/a?amp;utm_source=rss", "https://site.example/a"),
    ("https://site.example/a?source=rss-b1f3d3------2", "https://site.example/a"),
    ("https://site.example/a?source=42", "https://site.example/a?source=42"),
    ("https://site.example/a?ref=newsletter", "https://site.example/a"),
    ("https://site.example/a?ref=friend.example", "https://site.example/a"),
    ("https://site.example/a?ref=v1.2", "https://site.example/a?ref=v1.2"),
    ("https://site.example/a?ref=main", "https://site.example/a?ref=main"),
    ("https://site.example/a?src=rss&cid=38136078", "https://site.example/a?cid=38136078"),
    ("https://site.example/a?mod=viewthread&tid=9", "https://site.example/a?mod=viewthread&tid=9"),
    ("https://site.example/a?sid=26/01/17/0312", "https://site.example/a?sid=26/01/17/0312"),
    ("https://site.example/a?sid=0123456789abcdef0123456789abcdef", "https://site.example/a"),
    ("https://site.example/a?sessionid=1207", "https://site.example/a?sessionid=1207"),
    ("https://site.example/a?story=utm_source", "https://site.example/a?story=utm_source"),
    # AMP
    ("https://site.example/2026/a-story/amp/", "https://site.example/2026/a-story"),
    ("https://site.example/amp/2026/a-story.html", "https://site.example/2026/a-story.html"),
    ("https://site.example/a-story.amp.html", "https://site.example/a-story.html"),
    ("https://site.example/a-story.amp", "https://site.example/a-story"),
    ("https://site.example/a-story?amp", "https://site.example/a-story"),
    ("https://site.example/a-story?amp=1", "https://site.example/a-story"),
    ("https://site.example/a-story?outputType=amp", "https://site.example/a-story"),
    ("https://site.example/tag/amp", "https://site.example/tag/amp"),
    ("https://site.example/amplifier-1/amp", "https://site.example/amplifier-1"),
    ("https://site.example/products?amp=75", "https://site.example/products?amp=75"),
    ("https://www.google.com/amp/s/www.site.example/a-story/amp", "https://site.example/a-story"),
    ("https://site-example.cdn.ampproject.org/c/s/site.example/a-1?usqp=x", "https://site.example/a-1"),
    ("https://www.google.com/amp/about", "https://google.com/amp/about"),
]
REFUSED = [
    ("", "no scheme"),
    ("site.example/a", "no scheme"),
    ("//site.example/a", "no scheme"),
    ("ftp://site.example/a", "not http or https"),
    ("mailto:editor@site.example", "not http or https"),
    ("javascript:void(0)", "not http or https"),
    ("https://", "no host"),
    ("https:///a", "no host"),
    ("https://si te.example/a", "no host name"),
    ("https://-site.example/a", "no host name"),
    ("https://site..example/a", "no host name"),
    ("https://site.example\\@other.example/a", "backslash"),
    ("https://%00/", "no host name"),
    (f"https://{'a' * 64}.example/", "no host name"),
    ("https://site.example:99999/a", "0-65535"),
    ("https://site.example:port/a", "port"),
    ("https://[::1/a", "Invalid IPv6"),
    ("https://[1:2]/a", "IPv6"),
    ("https://site.example/\ud800", "surrogates not allowed"),
]
TRACKERS = [
    "utm_source=rss",
    "utm_campaign=Feed%3A+site",
    "fbclid=IwAR0",
    "mc_cid=1f",
    "xtor=RSS-1",
    "at_campaign=x",
    "ref=rss",
    "CMP=share_btn_tw",
    "mod=rss_news",
    "src=rss",
    "ncid=rss",
]

word = st.text("abcdefgh0123456789-_.~éß ", min_size=1, max_size=6)
segment = st.one_of(
    word,
    st.sampled_from(["", ".", "..", "amp", "a-1", "s", "c", "x-1.com", "a-1.amp", "%2e%2E", "%%34%31", "%", "%zz"]),
    st.sampled_from([";jsessionid=1", "a;jsessionid=2", "amp.html", "Œuvre", "a\\b", "[x]", "@", "😀", "\x7f"]),
)
parameter = st.one_of(
    st.builds(lambda name, value: f"{name}={value}", word, segment),
    st.sampled_from([*TRACKERS, "", "amp", "amp;", "amp;amp;id=1", "=", "a==b", "id=1&amp;id=2", "ref=a.b", "%61mp"]),
)
domain = st.sampled_from(
    ["site.example", "www.site.example", "WWW.M.site.co.uk", "m.www.gov.uk", "www.com", "éa.example"]
)
domain |= st.sampled_from(["xn--zz.example", "[::1]", "10.0.0.1", "google.com", "m.google.fr"])
domain |= st.sampled_from(["x.cdn.ampproject.org", "x.cdn.m.ampproject.org"])
addresses = st.builds(
    lambda scheme, name, port, path, query, fragment: (
        f"{scheme}://{name}{port}/{'/'.join(path)}?{'&'.join(query)}{fragment}"
    ),
    st.sampled_from(["http", "https", "HTTP"]),
    domain,
    st.sampled_from(["", ":80", ":443", ":8080", ":"]),
    st.lists(segment, max_size=6),
    st.lists(parameter, max_size=5),
    st.sampled_from(["", "#", "#part", "#a?b=c"]),
)


@pytest.mark.parametrize(("url", "expected"), SAME_PAGE)
def test_an_address_has_one_canonical_form(url: str, expected: str) -> None:
    assert canonical(url) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(("url", "reason"), REFUSED)
def test_what_is_no_address_is_refused_with_the_address_and_the_reason(url: str, reason: str) -> None:
    for question in (canonical, host, registered_domain):
        with pytest.raises(ValueError, match="is no address of a page") as refusal:
            question(url)
        assert reason in str(refusal.value)
        assert repr(url) in str(refusal.value)


@given(addresses)
@example("https://google.com/amp/a/b/../../s/x.com")
@example("https://x.cdn.ampproject.org/amp/s/x-1.com")
@example("https://x.cdn.m.ampproject.org/c/s/site.example/")
def test_the_canonical_form_of_a_canonical_form_is_itself(url: str) -> None:
    assert canonical(canonical(url)) == canonical(url)


@given(st.text())
def test_whatever_follows_the_host_has_a_canonical_form(text: str) -> None:
    address = canonical("https://site.example/" + text)
    assert canonical(address) == address
    assert address.isascii()
    assert address.isprintable()


@given(addresses, st.lists(st.sampled_from(TRACKERS), min_size=1), st.booleans())
def test_tracking_parameters_change_nothing(url: str, trackers: list[str], first: bool) -> None:
    start, _, query = url.partition("#")[0].partition("?")
    query = query.strip()  # blanks around a whole address are no part of it, so that the comparison needs none
    added = [*trackers, query] if first else [query, *trackers]
    assert canonical(f"{start}?{'&'.join(added)}") == canonical(f"{start}?{query}")


@given(addresses, st.permutations(["a=1", "b=2", "c=3"]))
def test_the_order_of_parameters_changes_nothing(url: str, order: list[str]) -> None:
    start = url.partition("?")[0]
    assert canonical(f"{start}?{'&'.join(order)}") == canonical(f"{start}?a=1&b=2&c=3")


@given(
    addresses,
    st.sampled_from(["id", "p", "page", "story", "lang", "q", "v", "topic", "sid", "mod", "ref", "source"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_addresses_that_differ_in_a_meaningful_parameter_stay_apart(
    url: str, name: str, one: int, other: int
) -> None:
    assume(one != other)
    start = url.partition("?")[0]
    assert canonical(f"{start}?{name}={one}") != canonical(f"{start}?{name}={other}")


@given(st.lists(word.filter(lambda text: text not in {".", ".."}), min_size=1, max_size=4))
def test_a_longer_path_is_another_page(segments: list[str]) -> None:
    start = "https://site.example/" + "/".join(segments)
    assert canonical(start + "/part") != canonical(start)


@pytest.mark.parametrize(
    ("url", "name", "registered"),
    [
        ("https://WWW.Site.Example:8080/a", "site.example", "site.example"),
        ("https://m.news.site.co.uk/a", "m.news.site.co.uk", "site.co.uk"),
        ("https://www.gov.uk/a", "www.gov.uk", "www.gov.uk"),
        ("https://someone.github.io/a", "someone.github.io", "someone.github.io"),
        ("https://a.b.site.公司.cn/", "a.b.site.xn--55qx5d.cn", "site.xn--55qx5d.cn"),
        ("https://www.actualité.fr/", "xn--actualit-i1a.fr", "xn--actualit-i1a.fr"),
        ("https://xn--zz.example/", "xn--zz.example", "xn--zz.example"),
        ("https://a.b.nosuchending/", "a.b.nosuchending", "b.nosuchending"),
        ("http://localhost:8000/", "localhost", "localhost"),
        ("http://127.0.0.1:8000/", "127.0.0.1", "127.0.0.1"),
        ("http://[::1]:8000/", "[::1]", "[::1]"),
    ],
)
def test_host_and_registered_domain(url: str, name: str, registered: str) -> None:
    assert host(url) == name
    assert registered_domain(url) == registered


def test_importing_the_room_loads_neither_the_suffix_list_nor_the_tables_of_unicode_names() -> None:
    seen = "import sys, newsclust.urls; print({'tld', 'idna', 'courlan'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.strip() == "set()"


def test_an_address_that_no_server_would_take_is_none() -> None:
    for long in (f"https://site.example/{'a' * 8000}", f"https://site.example/{'é' * 2000}"):
        with pytest.raises(ValueError, match="at most 8000"):
            canonical(long)


def test_caches_around_caches_are_no_address() -> None:
    wrapped = "https://x-org.cdn.ampproject.org/c/" * 1 + "x-org.cdn.ampproject.org/c/" * 30 + "site.example/a-1"
    with pytest.raises(ValueError, match="caches around it"):
        canonical(wrapped)


@pytest.mark.parametrize("path", ["/amp/amp/a-1", "/a-1/amp/amp", "/a-1.amp.amp", "/amp/a-1.amp/amp"])
def test_forms_of_amp_within_forms_of_amp_are_one_page(path: str) -> None:
    assert canonical(f"https://site.example{path}") == "https://site.example/a-1"
