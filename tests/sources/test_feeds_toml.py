"""feeds.toml and OPML: what is written is read back, and every fault is told with its place."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclust.errors import SettingsError
from newsclust.model import Feed, FeedList, PagePolicy, id_of
from newsclust.sources.feeds_toml import append_feeds, read_feeds, read_lists, write_feeds
from newsclust.sources.opml import read_opml, write_opml
from newsclust.sources.registry import SOURCES
from newsclust.urls import canonical

ROOT = Path(__file__).parents[2]

_LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp")), min_size=1, max_size=30)
_NAMES = _LINES.map(lambda text: " ".join(text.split())).filter(bool)
_TAGS = st.from_regex(r"[a-zéA-Z0-9&\"'<>][a-z é\"&\\]{0,8}[a-z0-9<]", fullmatch=True).filter(
    lambda tag: "  " not in tag
)
_ADDRESSES = st.from_regex(r"https://[a-z]{1,8}\.example/[a-zA-Z0-9._~/&?=+-]{0,20}", fullmatch=True)


@st.composite
def feeds(draw: st.DrawFn) -> Feed:
    url = draw(_ADDRESSES)
    kind = draw(st.sampled_from(sorted(SOURCES)))
    return Feed(
        id=id_of(canonical(url)),
        url=url,
        title=draw(_NAMES),
        site_url=draw(st.none() | _ADDRESSES),
        language=draw(st.sampled_from([None, "en", "fr", "de"])),
        tags=tuple(draw(st.lists(_TAGS, unique=True, max_size=3))),
        pages=draw(st.sampled_from(PagePolicy)),
        priority=draw(st.integers(-100, 100)),
        kind=kind,
        select=draw(st.sampled_from(["a", 'article > h2 a[href^="/"]'])) if kind == "page" else None,
        token_env="FRESH_TOKEN" if kind == "account" else None,
    )


_FEED_LISTS = st.lists(feeds(), unique_by=lambda feed: feed.id, max_size=6)


def toml_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "feeds.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def opml(outlines: str) -> bytes:
    return f'<opml version="2.0"><head/><body>{outlines}</body></opml>'.encode()


# --- feeds.toml


@given(_FEED_LISTS)
@settings(max_examples=60)
def test_feeds_written_to_toml_are_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, some: list[Feed]
) -> None:
    path = toml_file(tmp_path_factory.mktemp("lists"), write_feeds(some))
    assert read_feeds(path) == some


def test_the_smallest_feed_has_an_address_and_a_title(tmp_path: Path) -> None:
    path = toml_file(tmp_path, '[[feed]]\nurl = "http://www.paper.example/feed/"\ntitle = "The Paper"\n')
    assert read_feeds(path) == [
        Feed(
            id=id_of("https://paper.example/feed"),
            url="http://www.paper.example/feed/",
            title="The Paper",
        )
    ]


_GOOD = 'url = "https://paper.example/feed"\ntitle = "The Paper"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[feed]]\ntitle = "x"\n', "feed 1: url: it is missing"),
        ('[[feed]]\nurl = "https://a.example/feed"\n', "1 (https://a.example/feed): title: it is missing"),
        (f"[[feed]]\n{_GOOD}colour = 1\n", "colour: unknown key"),
        ('[[feed]]\nurl = "feed.xml"\ntitle = "x"\n', "url: 'feed.xml' is no address"),
        ('[[feed]]\nurl = " https://paper.example/ "\ntitle = "x"\n', "url: an address has no blanks"),
        ('[[feed]]\nurl = 3\ntitle = "x"\n', "feed 1: url: a text in quotes is needed, not 3"),
        ('[[feed]]\nurl = "https://paper.example/feed"\ntitle = " "\n', "title: one line of text"),
        ('[[feed]]\nurl = "https://paper.example/feed"\ntitle = "a\\nb"\n', "title: one line of text"),
        (f'[[feed]]\n{_GOOD}language = "klingon"\n', "language: not a language: klingon"),
        (f'[[feed]]\n{_GOOD}language = "fr-FR"\n', 'language: write it with two letters: "fr"'),
        (f'[[feed]]\n{_GOOD}tags = ["a,b"]\n', "tags.0: a tag is one line without commas"),
        (f'[[feed]]\n{_GOOD}tags = ["a", "a"]\n', "tags: a tag stands here twice"),
        (f'[[feed]]\n{_GOOD}pages = "sometimes"\n', "pages: 'auto', 'always' or 'never' is needed, not"),
        (f'[[feed]]\n{_GOOD}priority = 101\n', "priority: at most 100 is needed, not 101"),
        (f'[[feed]]\n{_GOOD}priority = -101\n', "priority: at least -100 is needed, not -101"),
        (f'[[feed]]\n{_GOOD}priority = "1"\n', "priority: a whole number is needed, not "),
        (f'[[feed]]\n{_GOOD}priority = 1.0\n', "priority: a whole number is needed, not "),
        (f'[[feed]]\n{_GOOD}priority = true\n', "priority: a whole number is needed, not "),
        (f'[[feed]]\n{_GOOD}site_url = "paper"\n', "site_url: 'paper' is no address"),
        (f'[[feed]]\n{_GOOD}[[feed]]\nurl = "http://www.paper.example/feed/"\ntitle = "Again"\n',
         "feed 2 (http://www.paper.example/feed/): url: the same feed as https://paper.example/feed"),
        (f'[[feed]]\n{_GOOD}kind = "podcast"\n', "kind: 'podcast' is no kind of source: account"),
        (f'[[feed]]\n{_GOOD}kind = "page"\n', 'select is what kind = "page" needs, and no other kind'),
        (f'[[feed]]\n{_GOOD}select = "a"\n', 'select is what kind = "page" needs, and no other kind'),
        (f'[[feed]]\n{_GOOD}kind = "page"\nselect = "a["\n', "select: 'a[' is no CSS selector"),
        (f'[[feed]]\n{_GOOD}kind = "account"\n', 'token_env is what kind = "account" needs, and no other kind'),
        (f'[[feed]]\n{_GOOD}kind = "account"\ntoken_env = "ana/0123"\n', "token_env: the name of an environment"),
        ("[[list]]\n", "list 1: table: either a url or a path is needed"),
        ('[[list]]\nurl = "https://l.example/"\npath = "l.opml"\n', "list 1 (https://l.example/): table: either"),
        ('[[list]]\nurl = "l.opml"\n', "list 1 (l.opml): url: 'l.opml' is no address"),
        ('[[list]]\nurl = "https://l.example/"\n[[list]]\nurl = "http://www.l.example"\n',
         "list 2: the same list as https://l.example/"),
        ("list = 1\n", "list: write [[list]], with two brackets"),
        (f"[[feeds]]\n{_GOOD}", "feeds: unknown, only [[feed]] and [[list]] stand at the top"),
        (f"[feed]\n{_GOOD}", "write [[feed]], with two brackets"),
        ("feed = [3]", "feed 1: table: "),
        ("[[feed]]\nurl = ", "Invalid value"),
        (b"# caf\xe9", "utf-8"),
    ],
)  # fmt: skip
def test_every_fault_of_a_feed_list_is_told_with_its_place(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = toml_file(tmp_path, text)
    with pytest.raises(SettingsError) as refused:
        read_feeds(path)
    assert told in str(refused.value)
    assert all(line.startswith(f"{path}: ") for line in str(refused.value).splitlines())


def test_all_faults_of_a_feed_list_are_told_at_once(tmp_path: Path) -> None:
    path = toml_file(tmp_path, f'[[feed]]\ntitle = ""\n[[feed]]\n{_GOOD}tags = 1\n[[feed]]\n{_GOOD}')
    with pytest.raises(SettingsError) as refused:
        read_feeds(path)
    assert [line.split(": ")[1:4] for line in str(refused.value).splitlines()] == [
        ["line 1", "feed 1", "url"],
        ["line 1", "feed 1", "title"],
        ["line 3", "feed 2 (https://paper.example/feed)", "tags"],
    ]


def test_a_feed_list_that_is_not_there_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: No such file"):
        read_feeds(tmp_path / "nowhere.toml")


def test_the_list_that_comes_with_the_project_is_read_and_serves_both_languages() -> None:
    some = read_feeds(ROOT / "data" / "feeds.toml")
    languages = [feed.language for feed in some]
    assert min(languages.count("en"), languages.count("fr")) >= 15
    assert all(feed.site_url and feed.tags for feed in some)


# --- OPML subscriptions, and adding


def test_living_lists_are_read_beside_the_feeds(tmp_path: Path) -> None:
    lists = '[[list]]\nurl = "https://l.example/tech.opml"\ntags = ["x"]\n[[list]]\npath = "mine.opml"\n'
    text = f"{lists}[[feed]]\n{_GOOD}"
    path = toml_file(tmp_path, text)
    assert read_lists(path) == [
        FeedList(id=id_of("list", "https://l.example/tech.opml"), url="https://l.example/tech.opml", tags=("x",)),
        FeedList(id=id_of("list", "mine.opml"), url="mine.opml", file=tmp_path / "mine.opml"),
    ]
    assert len(read_feeds(path)) == 1


@given(_FEED_LISTS, _FEED_LISTS)
@settings(max_examples=30)
def test_what_is_added_is_read_after_what_was_there_or_refused_whole(
    tmp_path_factory: pytest.TempPathFactory, first: list[Feed], more: list[Feed]
) -> None:
    path = toml_file(tmp_path_factory.mktemp("lists"), "# mine\n\n" + write_feeds(first) + "# the end")
    before = path.read_bytes()
    if {feed.id for feed in first} & {feed.id for feed in more}:
        with pytest.raises(SettingsError, match="the same feed as"):
            append_feeds(path, more)
        assert path.read_bytes() == before
    else:
        append_feeds(path, more)
        assert path.read_bytes().startswith(before)
        assert read_feeds(path) == first + more


def test_the_ends_of_lines_stay_as_they_are(tmp_path: Path) -> None:
    path = toml_file(tmp_path, f"# from another system\n[[feed]]\n{_GOOD}".replace("\n", "\r\n"))
    before = path.read_bytes()
    append_feeds(path, lists=[FeedList(id="l", url="https://l.example/")])
    assert path.read_bytes().startswith(before.rstrip())
    assert (len(read_feeds(path)), len(read_lists(path))) == (1, 1)


def test_credentials_are_added_as_they_were_written(tmp_path: Path) -> None:
    path = toml_file(tmp_path, '[[feed]]\nurl = "https://ana:${PASSWORD}@paper.example/feed"\ntitle = "Paid"\n')
    other = tmp_path / "other.toml"
    append_feeds(other, read_feeds(path))
    assert other.read_text() == path.read_text()


# --- OPML


@given(_FEED_LISTS)
@settings(max_examples=60)
def test_feeds_written_to_opml_are_read_back_but_for_their_page_policy_and_priority(some: list[Feed]) -> None:
    back = read_opml(write_opml(some).encode())
    assert back.problems == ()
    asked_by_others = [feed for feed in some if feed.kind == "feed"]
    expected = {feed.id: replace(feed, pages=PagePolicy.AUTO, priority=0) for feed in asked_by_others}
    assert {feed.id: feed for feed in back.feeds} == expected


def test_folders_and_categories_become_tags() -> None:
    back = read_opml(
        opml(
            '<outline text="Tech"><outline text="Linux, Unix">'
            '<outline text="Kernel" xmlUrl="https://kernel.example/feed" category="/free/software,news"/>'
            "</outline></outline>"
            '<outline title="Top" xmlUrl="https://top.example/feed"/>'
        )
    )
    assert [(feed.title, feed.tags) for feed in back.feeds] == [
        ("Kernel", ("Tech", "Linux", "Unix", "free/software", "news")),
        ("Top", ()),
    ]
    assert back.problems == ()


def test_a_feed_in_two_folders_is_one_feed_with_both_tags() -> None:
    outline = '<outline text="{}"><outline text="A" xmlUrl="https://{}a.example/feed"/></outline>'
    back = read_opml(opml(outline.format("one", "") + outline.format("two", "www.")))
    assert [(feed.url, feed.tags) for feed in back.feeds] == [("https://a.example/feed", ("one", "two"))]


def test_attributes_are_found_in_any_case_and_a_missing_title_is_the_host() -> None:
    back = read_opml(opml('<outline XMLURL="https://a.example/feed" htmlurl="https://a.example/" LANGUAGE="en-us"/>'))
    (feed,) = back.feeds
    assert (feed.title, feed.site_url, feed.language) == ("a.example", "https://a.example/", "en")


def test_a_feed_inside_a_feed_is_found_and_gets_no_tag_of_it() -> None:
    inner = '<outline text="B" xmlUrl="https://b.example/feed"/>'
    back = read_opml(opml(f'<outline text="A" xmlUrl="https://a.example/feed">{inner}</outline>'))
    assert [(feed.title, feed.tags) for feed in back.feeds] == [("A", ()), ("B", ())]


def test_outlines_that_give_no_feed_or_lose_something_are_told() -> None:
    back = read_opml(
        opml(
            '<outline text="Empty folder"/>'
            '<outline text="Odd" xmlUrl="gopher://odd.example"/>'
            '<outline text="Thief" xmlUrl="https://thief.example/?secret=${HOME}"/>'
            '<outline text="Half" xmlUrl="https://half.example/feed" htmlUrl="nowhere" language="klingon"/>'
        )
    )
    assert [(feed.title, feed.site_url, feed.language) for feed in back.feeds] == [("Half", None, None)]
    told = " | ".join(back.problems)
    assert len(back.problems) == 5
    for part in (
        "Empty folder: left out, it has no xmlUrl",
        "Odd: left out, xmlUrl:",
        "Thief: left out, xmlUrl: it names an environment variable",
        "Half: htmlurl dropped",
    ):
        assert part in told
    assert "Half: language dropped: not a language: klingon" in told


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("feed://one.example/feed", "http://one.example/feed"),
        ("feed:https://one.example/feed", "https://one.example/feed"),
        ("feed://https://one.example/feed", "https://one.example/feed"),
        ("FEED:http://one.example/feed", "http://one.example/feed"),
        ("feeds://one.example/feed", "https://one.example/feed"),
        ("itpc://one.example/feed", "http://one.example/feed"),
        ("https://one.example/feed:2", "https://one.example/feed:2"),
    ],
)
def test_a_feed_address_of_old_readers_is_the_web_address_that_it_means(written: str, url: str) -> None:
    (feed,) = read_opml(opml(f'<outline text="One" xmlUrl="{written}"/>')).feeds
    assert feed.url == url


@pytest.mark.parametrize(
    "list_of_one",
    [
        '<OPML><BODY><OUTLINE TEXT="É" XMLURL="https://a.example/feed"/></BODY></OPML>',
        '<opml xmlns="http://opml.org/spec2"><body><outline text="É" xmlUrl="https://a.example/feed"/></body></opml>',
        '<o:opml xmlns:o="urn:o"><o:body><o:outline text="É" xmlUrl="https://a.example/feed"/></o:body></o:opml>',
        '<Opml><Body><Outline Text="É" xmlUrl="https://a.example/feed"/></Body></Opml>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("declared", ["", "utf-8", "iso-8859-1", "utf-16"])
def test_opml_is_read_whatever_its_case_namespace_and_encoding(
    list_of_one: str, encoding: str, declared: str
) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    (feed,) = read_opml((declaration + list_of_one).encode(encoding)).feeds
    assert (feed.title, feed.url) == ("É", "https://a.example/feed")


def test_a_bare_ampersand_is_read_as_one_and_told() -> None:
    back = read_opml(opml('<outline text="A & B" xmlUrl="https://a.example/feed?x=1&y=2"/>'))
    (feed,) = back.feeds
    assert (feed.title, feed.url) == ("A & B", "https://a.example/feed?x=1&y=2")
    assert len(back.problems) == 1


def test_of_a_broken_file_the_sound_outlines_are_saved_and_the_broken_lines_told() -> None:
    back = read_opml(
        opml(
            '<outline text="A" xmlUrl="https://a.example/feed"/>\n'
            '<outline text="The "B" site" xmlUrl="https://b.example/feed"/>\n'
            '<outline text="C" xmlUrl="https://c.example/feed"/>'
        )
    )
    assert [feed.title for feed in back.feeds] == ["A", "C"]
    assert any(problem.startswith("line 2: ") for problem in back.problems)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_opml_with_a_byte_order_mark_is_read(encoding: str) -> None:
    written = "<?xml version='1.0'?>" + opml("<outline text='É' xmlUrl='https://a.example/'/>").decode()
    back = read_opml(written.encode(encoding))
    assert ([feed.title for feed in back.feeds], back.problems, back.is_cut) == (["É"], (), False)
    assert read_opml(written[: -len("</body></opml>")].encode(encoding)).is_cut


def test_opml_that_breaks_off_gives_what_it_holds_and_says_so() -> None:
    lines = "\n".join(f'<outline text="{n}" xmlUrl="https://{n}.example/feed"/>' for n in "abc")
    whole = opml(lines)
    cut = read_opml(whole[: whole.index(b"c.example")])
    assert [feed.title for feed in cut.feeds] == ["a", "b"]
    assert cut.problems[-1] == "it breaks off in line 3, without </opml>: whatever stood behind is missing"
    assert not read_opml(whole).is_cut


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "not well-formed"),
        (b"not xml", "not well-formed"),
        (b"<rss><channel/></rss>", "this is <rss>"),
        (b'<opml version="2.0"><head/></opml>', "with a <body>"),
        (b'<!DOCTYPE opml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><opml><body text="&b;"/></opml>',
         "declares entities"),
        (b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><body>&x;</body></opml>',
         "declares entities"),
    ],
)  # fmt: skip
def test_what_is_no_opml_or_a_bomb_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_opml(text)


def test_opml_of_ten_levels_of_entities_is_refused_without_expanding() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
    bomb = f'<!DOCTYPE opml [<!ENTITY e0 "ha">{levels}]><opml><body><outline text="&e10;"/></body></opml>'
    with pytest.raises(SettingsError):
        read_opml(bomb.encode())


@given(st.binary(max_size=200))
def test_random_bytes_are_opml_or_a_settings_error(text: bytes) -> None:
    try:
        back = read_opml(b"<opml><body><outline xmlUrl='" + text)
    except SettingsError:
        return
    assert len(back.feeds) + len(back.problems) > 0


def test_public_feed_lists_are_read_with_hardly_a_loss() -> None:
    folder = ROOT.parent / "shared" / "data" / "opml"
    if not folder.is_dir():
        pytest.skip("needs public feed lists, which are not part of the project")
    read = written = 0
    for path in sorted(folder.rglob("*.opml")):
        text = path.read_bytes()
        read += len(read_opml(text).feeds)
        written += len(set(text.split(b'xmlUrl="')[1:]))
    assert read > 0.95 * written > 400


def test_a_list_of_others_names_feeds_in_bounded_time_and_few_words() -> None:
    tags = ",".join(map(str, range(40_000)))
    outlines = '<outline xmlUrl="https://harbour.example/feed"/>' * 400
    long = f'<outline xmlUrl="https://quay.example/feed" text="\u202e{"x" * 100_000}" category="{tags}"/>'
    body = f'<opml version="2.0"><body><outline text="{tags}">{outlines}</outline>{long}</body></opml>'
    begun = time.process_time()
    harbour, quay = read_opml(body.encode()).feeds
    assert time.process_time() - begun < 2
    assert [len(feed.tags) for feed in (harbour, quay)] == [50, 50]
    assert quay.title == "x" * 199 + "…"


def test_a_list_with_a_tag_of_thousands_of_attributes_is_refused() -> None:
    attributes = " ".join(f'a{number}="b"' for number in range(3000))
    with pytest.raises(SettingsError, match="a tag of over"):
        read_opml(opml(f"<outline {attributes} xmlUrl='https://a.example/feed'/>"))
