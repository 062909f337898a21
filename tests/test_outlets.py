"""Who publishers are: the shipped list, a person's list, and what is inferred."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsclust.errors import SettingsError
from newsclust.outlets import (
    COUNTRIES,
    OutletKind,
    OutletSource,
    SeenPublisher,
    country_of,
    inferred_outlet,
    known_outlets,
    outlets_of,
    read_outlets,
)
from newsclust.shipped import OUTLETS, STARTER_FEEDS
from newsclust.sources.feeds_toml import read_feeds
from newsclust.urls import publisher_of


def written(folder: Path, text: str) -> Path:
    path = folder / "outlets.toml"
    path.write_text(text, encoding="utf-8")
    return path


def seen(publisher: str, languages: Mapping[str, int] | None = None) -> SeenPublisher:
    return SeenPublisher(publisher=publisher, languages=languages or {})


def test_every_feed_that_we_list_has_its_outlet() -> None:
    known = {outlet.publisher for outlet in read_outlets(OUTLETS)}
    assert {publisher_of(feed.site_url or feed.url) for feed in read_feeds(STARTER_FEEDS)} <= known


def test_every_shipped_outlet_says_where_it_is_in_which_language_and_of_which_kind() -> None:
    for outlet in known_outlets(Path("none.toml")):
        assert outlet.country in COUNTRIES, outlet
        assert outlet.languages, outlet
        assert outlet.kind is not None, outlet
        assert outlet.source is OutletSource.SHIPPED
    assert len(COUNTRIES) == 249


def test_the_newsroom_counts_not_the_ending_of_the_address() -> None:
    countries = {outlet.publisher: outlet.country for outlet in known_outlets(Path("none.toml"))}
    assert countries["theregister.com"] == "GB"
    assert countries["numerama.com"] == "FR"
    assert countries["macg.co"] == "FR"
    assert countries["arstechnica.com"] == "US"


def test_a_persons_rows_win_and_add(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[outlet]]\nname = "Wired FR"\nhost = "wired.com"\ncountry = "FR"\n'
        '[[outlet]]\nname = "Own"\nhost = "own.example"\n',
    )
    known = {outlet.publisher: outlet for outlet in known_outlets(path)}
    assert (known["wired.com"].name, known["wired.com"].country) == ("Wired FR", "FR")
    assert (known["wired.com"].kind, known["wired.com"].languages) == (None, ())
    assert known["wired.com"].source is known["own.example"].source is OutletSource.YOURS
    assert known["lwn.net"].source is OutletSource.SHIPPED


def test_the_shipped_file_of_a_checkout_is_nobodys_own() -> None:
    assert {outlet.source for outlet in known_outlets(OUTLETS)} == {OutletSource.SHIPPED}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('nmae = "A"\nname = "A"\nhost = "a.example"', r"outlet 1 \(A\): nmae: unknown key; did you mean name\?"),
        ('name = "A"', r"outlet 1 \(A\): host: it is missing"),
        ('name = "A"\nhost = "https://a.example/"', r"host: a host as in addresses is needed"),
        ('name = "A"\nhost = "www.a.example"', r"host: a host as in addresses is needed"),
        ('name = "A"\nhost = "a.example"\ncountry = "UK"', r"country: 'UK' is no country .* write GB"),
        ('name = "A"\nhost = "a.example"\ncountry = "fr"', r"country: 'fr' is no country .* write FR"),
        ('name = "A"\nhost = "a.example"\nlanguages = ["french"]', r"'french' is no language"),
        ('name = "A"\nhost = "a.example"\nlanguages = ["zz"]', r"zz"),
        ('name = "A"\nhost = "a.example"\nlanguages = "fr"', r"a list is needed: languages = \[\"fr\"\]"),
        ('name = "A"\nhost = "a.example"\nkind = "paper"', r"kind: .*'press'.* is needed"),
        ('name = "A"\nhost = "a.example"\n[[outlet]]\nname = "B"\nhost = "news.a.example"', r"2 \(B\): host: the"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_outlet_and_key(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read_outlets(written(tmp_path, f"[[outlet]]\n{text}\n"))


def test_other_tables_and_a_single_bracket_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="outlets: unknown, only"):
        read_outlets(written(tmp_path, '[[outlets]]\nname = "A"\n'))
    with pytest.raises(SettingsError, match="two brackets"):
        read_outlets(written(tmp_path, '[outlet]\nname = "A"\n'))


@pytest.mark.parametrize(
    ("publisher", "country"),
    [
        ("quai.fr", "FR"),
        ("pier.co.uk", "GB"),
        ("hafen.de", "DE"),
        ("port.ca", "CA"),
        ("pier.io", None),
        ("pier.ai", None),
        ("pier.tv", None),
        ("pier.co", None),
        ("pier.me", None),
        ("pier.com", None),
        ("pier.eu", None),
        ("localhost", None),
        ("fr", None),
        ("192.0.2.10", None),
    ],
)
def test_only_a_country_domain_that_is_not_sold_to_all_says_a_country(publisher: str, country: str | None) -> None:
    assert country_of(publisher) == country


def test_the_language_of_most_articles_is_the_outlets() -> None:
    assert inferred_outlet(seen("a.example", {"fr": 3, "en": 2, "und": 9}), None).languages == ("fr",)
    assert inferred_outlet(seen("a.example", {"fr": 2, "en": 2}), None).languages == ()
    assert inferred_outlet(seen("a.example", {"und": 2}), None).languages == ()


def test_what_nobody_says_stays_unknown_and_is_marked() -> None:
    outlet = inferred_outlet(seen("pier.com", {"en": 1}), None)
    assert (outlet.name, outlet.country, outlet.kind) == ("pier.com", None, None)
    assert outlet.source is OutletSource.INFERRED
    assert inferred_outlet(seen("pier.com"), "The Pier").name == "The Pier"
    assert inferred_outlet(seen("forum.pier.com"), None).kind is OutletKind.FORUM
    assert inferred_outlet(seen("pier.substack.com"), None).kind is OutletKind.BLOG
    assert inferred_outlet(seen("substack.com"), None).kind is None


def test_each_publisher_seen_or_listed_is_one_outlet(tmp_path: Path) -> None:
    listed = read_outlets(written(tmp_path, '[[outlet]]\nname = "B"\nhost = "b.example"\n'))
    outlets = outlets_of([seen("c.example"), seen("b.example"), seen("a.example")], listed, {"b.example": "Feed"})
    assert [(o.publisher, o.name, o.source.value) for o in outlets] == [
        ("a.example", "a.example", "inferred"),
        ("b.example", "B", "yours"),
        ("c.example", "c.example", "inferred"),
    ]
