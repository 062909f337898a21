"""Paragraphs that recur on a site, and rules for single sites."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.errors import Reason, SettingsError
from newsclust.extract import TrafilaturaExtractor, boilerplate_candidates, drop_site_boilerplate
from newsclust.extract.page import read_page
from newsclust.extract.site_boilerplate import MAX_SHORT_WORDS, MIN_TITLES, MIN_TITLES_LONG
from newsclust.extract.site_rules import SiteRule, TextFrom, read_site_rules, site_rule_for
from newsclust.model import Extraction, TextSource
from newsclust.settings import ExtractSettings, Settings
from tests.extract.test_extract import LONG, URL, html_page, page_of, source_of

FOOT = "Harbour News is written on a boat and printed on sailcloth."
RULES = Path(__file__).parents[2] / "data" / "site_rules.toml"


def text_of(title: str, *paragraphs: str, host: str = "harbour.example") -> Extraction:
    return Extraction(
        article_id=title,
        canonical_url=f"https://{host}/{len(title)}",
        title=title,
        text="\n\n".join(paragraphs),
        language="en",
        language_source="text",
        author=None,
        text_source=TextSource.PAGE,
    )


def known_after(*texts: Extraction) -> frozenset[int]:
    known: set[int] = set()
    for titles, lines in boilerplate_candidates(texts).items():
        under: dict[int, set[int]] = {}
        for line in lines:
            under.setdefault(line.key, set()).add(line.context)
        known.update(key for key, seen in under.items() if len(seen) >= titles)
    return frozenset(known)


def test_a_paragraph_under_three_titles_of_a_site_is_left_out_and_the_rest_stays() -> None:
    texts = [text_of(f"Title {n}", LONG[n], FOOT) for n in range(3)]
    known = known_after(*texts)
    assert [drop_site_boilerplate(text, known).text for text in texts] == LONG[:3]


@pytest.mark.parametrize(
    "texts",
    [
        [text_of("One title", LONG[n], FOOT) for n in range(5)],
        [text_of("One title" if n else "Another", LONG[n], FOOT) for n in range(5)],
        [text_of(f"Title {n}", LONG[n], FOOT, host=f"host{n}.example") for n in range(5)],
        [text_of(f"Title {n}", LONG[n], "Price and availability") for n in range(5)],
    ],
    ids=["versions of one article", "two titles", "three sites", "a heading"],
)
def test_what_is_not_the_sites_own_is_kept(texts: list[Extraction]) -> None:
    known = known_after(*texts)
    assert [drop_site_boilerplate(text, known) for text in texts] == texts


@pytest.mark.parametrize(("articles", "is_learned"), [(MIN_TITLES_LONG - 1, False), (MIN_TITLES_LONG, True)])
def test_what_follow_ups_repeat_of_an_affair_stays_and_a_long_imprint_goes(articles: int, is_learned: bool) -> None:
    long = "Last spring the harbour board had said that the pool would stay shut until the boiler was paid for. " * 2
    assert len(long.split()) > MAX_SHORT_WORDS
    texts = [text_of(f"Title {n}", f"Story number {n} says one thing.", long.strip()) for n in range(articles)]
    assert len(known_after(*texts)) == is_learned
    assert len(known_after(*texts[: MIN_TITLES + 1])) == 0


def test_a_text_of_nothing_but_recurring_lines_is_kept_as_it_is() -> None:
    texts = [text_of(f"Title {n}", FOOT) for n in range(3)]
    assert [drop_site_boilerplate(text, known_after(*texts)) for text in texts] == texts


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from([*LONG, FOOT])), max_size=12), st.randoms())
def test_neither_the_order_nor_a_second_sight_of_texts_changes_what_is_known(
    given_texts: list[tuple[str, str]], random: object
) -> None:
    texts = [text_of(title, paragraph) for title, paragraph in given_texts]
    shuffled = [*texts, *texts]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    known = known_after(*texts)
    assert known_after(*shuffled) == known
    once = [drop_site_boilerplate(text, known) for text in texts]
    assert [drop_site_boilerplate(text, known) for text in once] == once


def written(folder: Path, toml: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(toml, encoding="utf-8")
    return path


def test_a_rule_says_which_elements_are_read_and_which_are_not(tmp_path: Path) -> None:
    rules = read_site_rules(
        written(tmp_path, "['harbour.example']\nwhy = 'x'\nbody = ['//main', '//footer']\ndrop = ['//h1', '//nav']\n")
    )
    rule = site_rule_for("https://www.harbour.example/news", rules)
    assert read_page(page_of(html_page(LONG)), rule).text == "\n\n".join([*LONG, "Imprint"])


def test_the_rule_of_the_longest_domain_holds() -> None:
    wide, narrow = (SiteRule(why=why, use=TextFrom.FEED) for why in ("wide", "narrow"))
    rules = {"harbour.example": wide, "blog.harbour.example": narrow}
    assert site_rule_for("https://blog.harbour.example/a", rules) is narrow
    assert site_rule_for("https://a.blog.harbour.example/a", rules) is narrow
    assert site_rule_for("https://www.harbour.example/a", rules) is wide
    assert site_rule_for("https://notharbour.example/a", rules) is None


def test_a_site_whose_feed_is_used_has_no_page_read_and_the_choice_says_why(tmp_path: Path) -> None:
    path = written(tmp_path, "['harbour.example']\nwhy = 'a consent wall'\nuse = 'feed'\n")
    (outcome,) = TrafilaturaExtractor(workers=1, site_rules=path).extract(
        [source_of(html_page(LONG), summary="The pool is warm.")]
    )
    assert outcome.error is None
    assert outcome.extraction is not None
    assert outcome.extraction.text == "The pool is warm."
    assert outcome.extraction.text_source_reason == (
        "the site's rule leaves the page: a consent wall; the only text: feed_summary 4 words"
    )


@pytest.mark.parametrize(
    "rule", ["body = ['//article[@id=\"gone\"]']", "drop = ['//blink']", "body = ['//p/text()']"]
)
def test_a_rule_that_finds_nothing_leaves_the_usual_text_and_an_error_that_names_the_page(
    tmp_path: Path, rule: str
) -> None:
    path = written(tmp_path, f"['harbour.example']\nwhy = 'x'\n{rule}\n")
    (outcome,) = TrafilaturaExtractor(workers=1, site_rules=path).extract([source_of(html_page(LONG))])
    assert outcome.extraction is not None
    assert outcome.extraction.text == "\n\n".join(LONG)
    assert outcome.extraction.text_source_reason.startswith(
        "the site's rule found nothing on the page; the only text: page"
    )
    assert outcome.error is not None
    assert outcome.error.reason is Reason.NOTHING_SELECTED
    assert URL in str(outcome.error)
    assert rule[:4] in str(outcome.error)


def test_a_rule_that_finds_its_body_needs_nothing_to_drop(tmp_path: Path) -> None:
    path = written(tmp_path, "['harbour.example']\nwhy = 'x'\nbody = ['//main']\ndrop = ['//aside']\n")
    (outcome,) = TrafilaturaExtractor(workers=1, site_rules=path).extract([source_of(html_page(LONG))])
    assert outcome.error is None


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "['a.example']\nwhy = 'x'\nbody = ['count(//p)']\n",
            r"rules\.toml: \['a\.example'\] body: .*selects no elements",
        ),
        ("['a.example']\nwhy = 'x'\ndrop = ['nosuch(//p)']\n", r"rules\.toml: \['a\.example'\] drop: .*no XPath"),
        ("['a.example']\nbody = ['//main']\n", "why: Field required"),
        ("['a.example']\nwhy = 'x'\n", "neither body nor drop"),
        ("['a.example']\nwhy = 'x'\nbody = ['//[']\n", "no XPath"),
        ("['a.example']\nwhy = 'x'\nuse = 'feed'\ndrop = ['//p']\n", "no page is read"),
        ("['a.example']\nwhy = 'x'\nbodies = ['//p']\n", "bodies: Extra inputs"),
        ("['a.example'\n", "rules.toml"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_file(tmp_path: Path, toml: str, message: str) -> None:
    path = written(tmp_path, toml)
    with pytest.raises(ValueError, match=message):
        read_site_rules(path)
    settings = Settings.model_construct(extract=ExtractSettings(options={"site_rules": str(path)}))
    with pytest.raises(SettingsError, match=r"rules\.toml"):
        settings.extractor()


def test_the_tracked_rules_are_sound_and_a_missing_file_holds_none(tmp_path: Path) -> None:
    assert all(rule.why for rule in read_site_rules(RULES).values())
    commented = "\n".join(line.removeprefix("# ") for line in RULES.read_text(encoding="utf-8").splitlines())
    examples = commented[commented.index('["') : commented.index("There are none")]
    assert len(read_site_rules(written(tmp_path, examples))) == 2
    assert read_site_rules(tmp_path / "none.toml") == {}
