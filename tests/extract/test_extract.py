import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsclust.errors import ExtractError, Reason, StepError
from newsclust.extract import ExtractOutcome, TrafilaturaExtractor, wants_page
from newsclust.extract.page import PageText, read_page
from newsclust.extract.select_text import select_text
from newsclust.extract.site_rules import SiteRule
from newsclust.model import MAX_TEXT_CHARACTERS, ArticleInput, Extraction, Page, PagePolicy, TextQuality, TextSource

SHARED = Path(__file__).parents[3] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the repository")

LONG = [
    "The swimming pool of the harbour town has been heated by a rack of forty servers since early spring.",
    "Nobody noticed, the mayor told reporters on Tuesday, and the bill for gas has fallen by two thirds.",
    "Engineers from the university measured the water every hour for six months before they said anything.",
    "Two neighbouring towns want to copy the idea, although neither of them owns a pool or a single server.",
    "A spokeswoman for the company that runs the rack called the result encouraging and slightly damp.",
]
URL = "https://harbour.example/news/pool"


def html_page(paragraphs: list[str], *, head: str = "", after: str = "") -> bytes:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    comments = "".join(
        f"<div class='comment'><p>First commenter number {n} says that the water was always cold.</p></div>"
        for n in range(12)
    )
    latest = "".join(f"<li><a href='/{n}'>Headline of another day, number {n}</a></li>" for n in range(8))
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
      <title>Town heats pool with servers - Harbour News</title>
      <meta property="og:title" content="Town heats pool with servers">
      <meta property="og:site_name" content="Harbour News">{head}</head><body>
      <nav><a href="/">Home</a> <a href="/sports">Sports</a></nav>
      <div id="cookie-banner"><p>We use cookies to warm the water.</p><button>Accept all</button></div>
      <main><article><h1>Town heats pool with servers</h1>{text}</article>{after}</main>
      <section id="comments"><h2>Comments (12)</h2>{comments}</section>
      <aside class="sidebar"><h3>Latest headlines</h3><ul>{latest}</ul></aside>
      <footer>Imprint</footer></body></html>""".encode()


def page_of(body: bytes, *, content_type: str = "text/html; charset=utf-8", final_url: str = URL) -> Page:
    return Page(
        url=URL,
        final_url=final_url,
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        headers={"content-type": content_type},
        body=body,
    )


def source_of(
    body: bytes | None = None,
    *,
    article_id: str = "a1",
    title: str = "Town heats pool with servers",
    summary: str | None = None,
    content: str | None = None,
    final_url: str = URL,
) -> ArticleInput:
    return ArticleInput(
        article_id=article_id,
        url=URL,
        title=title,
        summary=summary,
        content=content,
        language=None,
        feed_title="Harbour News",
        page=None if body is None else page_of(body, final_url=final_url),
    )


def page_text(**fields: object) -> PageText:
    return PageText(**{"text": "", **fields})  # type: ignore[arg-type]


def extraction_of(outcome: ExtractOutcome) -> Extraction:
    assert outcome.extraction is not None
    return outcome.extraction


def extracted(source: ArticleInput, page: PageText | None = None) -> Extraction:
    return extraction_of(select_text(source, page, None))


def read_by_order(page: Page, rule: SiteRule | None) -> PageText:
    """Stands in for `read_page` in a worker, and does what the page's body orders."""
    order = page.body.decode()
    if "hang" in order:
        time.sleep(60)
    if "die" in order:
        os.kill(os.getpid(), signal.SIGKILL)
    if "raise" in order:
        raise RecursionError("too deep")
    return page_text(text=order)


def read_process_id(page: Page, rule: SiteRule | None) -> PageText:
    """Stands in for `read_page` in a worker, and tells which process it is."""
    return page_text(text=f"process {os.getpid()}")


def test_a_page_gives_its_article_and_where_it_came_from() -> None:
    (outcome,) = TrafilaturaExtractor(workers=1).extract([source_of(html_page(LONG), summary="<p>Short.</p>")])
    assert outcome.error is None
    assert outcome.extraction == Extraction(
        article_id="a1",
        canonical_url=URL,
        title="Town heats pool with servers",
        text="\n\n".join(LONG),
        language="en",
        language_source="text",
        author=None,
        text_source=TextSource.PAGE,
        paywall_marker=None,
        text_source_reason="the longest of page 88, feed_summary 1 words",
    )


def test_a_latin_1_page_with_a_wrong_header_has_no_mojibake() -> None:
    paragraph = "À l’été, le bassin où l’on nage fut chauffé à 28 degrés grâce à des serveurs, dit le maire élu."
    body = html_page([paragraph, *LONG]).decode().replace("utf-8", "iso-8859-1").encode("cp1252")
    (outcome,) = TrafilaturaExtractor(workers=1).extract([source_of(body)])
    assert extraction_of(outcome).text.startswith(paragraph)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", Reason.NOT_HTML),
        (b"<html><body>" + b"<p>six megabytes</p>" * 300_000, Reason.TOO_LARGE),
        (b"<html><body><div></div></body></html>", Reason.NO_TEXT),
    ],
)
def test_a_failed_page_is_an_error_and_the_feed_stands_in_without_hiding_it(body: bytes, reason: Reason) -> None:
    alone, helped = TrafilaturaExtractor(workers=1).extract(
        [source_of(body), source_of(body, article_id="a2", summary="The pool is warm.")]
    )
    assert alone.error is not None
    assert (alone.error.reason, alone.error.item) == (reason, source_of(body).url)
    assert (extraction_of(alone).text, extraction_of(alone).text_quality) == ("", TextQuality.HEADLINE)
    assert helped.error is not None
    assert (helped.error.reason, helped.error.item) == (reason, source_of(body).url)
    assert extraction_of(helped).text == "The pool is warm."
    assert extraction_of(helped).text_source is TextSource.FEED_SUMMARY


def test_a_page_that_hangs_crashes_or_raises_costs_only_itself() -> None:
    orders = [
        "one fine text",
        "hang",
        "two fine texts",
        "die",
        "three fine texts",
        "raise",
        "four fine texts",
    ]
    sources = [source_of(f"<p>{o}".encode(), article_id=o) for o in orders]
    started = time.monotonic()
    outcomes = list(TrafilaturaExtractor(workers=2, timeout_s=1, read=f"{__name__}:read_by_order").extract(sources))
    assert time.monotonic() - started < 20
    reasons = {
        o: outcome.error.reason if outcome.error else None for o, outcome in zip(orders, outcomes, strict=True)
    }
    assert reasons == {
        "one fine text": None,
        "hang": Reason.TIMEOUT,
        "two fine texts": None,
        "die": Reason.CRASHED,
        "three fine texts": None,
        "raise": Reason.CRASHED,
        "four fine texts": None,
    }
    assert [not extraction_of(outcome).text for outcome in outcomes] == [r is not None for r in reasons.values()]


def test_the_outcome_depends_neither_on_the_order_of_input_nor_on_the_number_of_workers() -> None:
    sources = [
        source_of(html_page(LONG[: 2 + n % 4]), article_id=f"a{n}", summary="Short.") if n % 3 else source_of(
            article_id=f"a{n}", summary=LONG[n % 5]
        )
        for n in range(30)
    ]  # fmt: skip
    one = list(TrafilaturaExtractor(workers=1).extract(sources))
    many = list(TrafilaturaExtractor(workers=3).extract(sources[::-1]))[::-1]
    assert [extraction_of(outcome).article_id for outcome in one] == [source.article_id for source in sources]
    assert one == many


def test_an_iteration_given_up_half_way_ends_its_workers_at_once() -> None:
    filler = b"<p>" + b"long words " * 90_000
    outcomes = TrafilaturaExtractor(workers=2, read=f"{__name__}:read_by_order").extract([source_of(filler)] * 40)
    next(iter(outcomes))
    started = time.monotonic()
    outcomes.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 10


def test_workers_that_cannot_start_fail_the_step_and_not_the_items() -> None:
    with pytest.raises(StepError, match="did not start: it ended with 1"):
        list(TrafilaturaExtractor(read="newsclust.nowhere:read").extract([source_of(html_page(LONG))]))


def test_workers_are_kept_between_calls_inside_a_with_and_end_with_it() -> None:
    extractor = TrafilaturaExtractor(workers=1, read=f"{__name__}:read_process_id")

    def process() -> int:
        (outcome,) = extractor.extract([source_of(html_page(LONG))])
        return int(extraction_of(outcome).text.removeprefix("process "))

    with extractor:
        first = process()
        assert process() == first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert process() != first


@pytest.mark.parametrize("options", [{"workers": 0}, {"timeout_s": 0}, {"max_page_bytes": 0}])
def test_options_that_cannot_work_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        TrafilaturaExtractor(**options)  # type: ignore[arg-type]


def test_the_feeds_content_is_taken_when_it_is_longer_than_the_page() -> None:
    source = source_of(content="".join(f"<p>{p}</p>" for p in LONG), summary="Short.")
    taken = extracted(source, page_text(text=LONG[0]))
    assert (taken.text, taken.text_source) == ("\n\n".join(LONG), TextSource.FEED_CONTENT)
    assert extracted(source, page_text(text="\n\n".join(LONG))).text_source is TextSource.PAGE


def test_a_cut_text_names_the_words_that_say_so() -> None:
    source = source_of(content=f"<p>{LONG[0]}</p><p>Il reste 80% de l’article à découvrir.</p>")
    assert (extracted(source).text, extracted(source).paywall_marker) == (
        LONG[0],
        "Il reste 80% de l’article à découvrir.",
    )
    noted = page_text(text="\n\n".join(LONG), notice="isAccessibleForFree: false")
    assert extracted(source, noted).paywall_marker == "isAccessibleForFree: false"


def test_the_choice_of_a_text_says_what_else_there_was_and_why_a_page_was_not_among_it() -> None:
    whole, short = " ".join(LONG), "The pool is warm."
    longest = extracted(source_of(content=whole, summary=short), page_text(text=LONG[0]))
    assert longest.text_source_reason == "the longest of page 19, feed_content 88, feed_summary 4 words"
    assert extracted(source_of(summary=short)).text_source_reason == "the only text: feed_summary 4 words"
    failed = select_text(source_of(summary=short), None, ExtractError("a1", Reason.TIMEOUT, "slow"))
    assert extraction_of(failed).text_source_reason == "page failed: timeout; the only text: feed_summary 4 words"


def test_a_list_of_articles_is_an_error_of_its_own_and_the_feed_stands_in() -> None:
    outcome = select_text(source_of(b"<html>", summary="The pool is warm."), page_text(headlines=9), None)
    assert outcome.error is not None
    assert (outcome.error.reason, outcome.error.detail) == (Reason.LIST_PAGE, f"a list of 9 articles: {URL}")
    assert extraction_of(outcome).text_source_reason.startswith("page failed: list_page; ")


@pytest.mark.parametrize("summary", [None, "<p></p>", "Town heats pool with servers", "Lire la suite", "— 12 … :)"])
def test_a_source_without_any_text_of_its_own_is_its_headline(summary: str | None) -> None:
    outcome = select_text(source_of(summary=summary), None, None)
    assert outcome.error is None
    headline = extraction_of(outcome)
    assert (headline.title, headline.text) == ("Town heats pool with servers", "")
    assert (headline.text_quality, headline.text_source) == (TextQuality.HEADLINE, TextSource.TITLE)
    assert headline.text_source_reason == "nobody gives a text"


@pytest.mark.parametrize(
    "title", ["", " ", "— 12 … :)", URL, "www.harbour.example/7", "(no title)", "Sans titre", "null"]
)
def test_a_source_without_text_or_headline_is_an_error(title: str) -> None:
    outcome = select_text(replace(source_of(), title=title), None, None)
    assert outcome.extraction is None
    assert outcome.error is not None
    assert outcome.error.reason is Reason.NO_TEXT


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Pool is warm - Harbour News", "Pool is warm"),
        ("Pool is warm | harbour.example", "Pool is warm"),
        ("Pool is warm — HARBOUR", "Pool is warm"),
        ("Pool - a history", "Pool - a history"),
        ("Harbour News", "Harbour News"),
        ("Pool is warm - Other Paper", "Pool is warm - Other Paper"),
    ],
)
def test_only_a_known_name_of_the_site_is_cut_from_the_title(title: str, kept: str) -> None:
    assert extracted(source_of(title=title, summary="Text.")).title == kept


def test_the_pages_title_serves_an_entry_without_one() -> None:
    assert (
        extracted(source_of(title=" "), page_text(text="Text.", title="Pool - Quay", site_name="Quay")).title
        == "Pool"
    )
    assert extracted(source_of(title="Mine"), page_text(text="Text.", title="Pool")).title == "Mine"


@pytest.mark.parametrize(
    ("stated", "final_url", "address"),
    [
        ("https://www.harbour.example/2026/pool", URL, "https://harbour.example/2026/pool"),
        (None, "https://harbour.example/new/pool?utm_source=rss", "https://harbour.example/new/pool"),
        ("https://harbour.example/", URL, URL),
        ("https://harbour.example/en/", URL, URL),
        ("https://harbour.example/index.html", URL, URL),
        ("https://harbour.example/news", URL, URL),
        ("https://harbour.example/news/?page=2", URL, "https://harbour.example/news?page=2"),
        (
            "https://harbour.example/pool-4711",
            "https://harbour.example/pool-4711/2",
            "https://harbour.example/pool-4711",
        ),
        ("https://other.example/pool", URL, URL),
        ("mailto:mayor@harbour.example", URL, URL),
        ("https://[broken", URL, URL),
        (None, "https://harbour.example/", URL),
    ],
)
def test_the_pages_own_address_is_believed_only_for_a_page_of_its_site(
    stated: str | None, final_url: str, address: str
) -> None:
    source = source_of(b"<html>", final_url=final_url)
    assert extracted(source, page_text(text="Text.", canonical=stated)).canonical_url == address


def test_the_canonical_link_is_read_from_the_page_before_the_open_graph_one() -> None:
    graph = '<meta property="og:url" content="https://harbour.example/graph">'
    link = '<link rel="canonical" href="/link">'
    assert read_page(page_of(html_page(LONG, head=graph + link))).canonical == "https://harbour.example/link"
    assert read_page(page_of(html_page(LONG, head=graph))).canonical == "https://harbour.example/graph"


@pytest.mark.parametrize(
    ("summary", "content", "wanted"),
    [
        (None, None, True),
        ("Short.", None, True),
        (None, "<p>" + "A whole text of many words. " * 40 + "</p>", False),
        ("<p>" + "A whole text of many words. " * 40 + "</p>", "Short.", False),
        (None, "<p>" + "A text of many words. " * 40 + "</p><p>Lire la suite</p>", True),
        (None, "<p>" + "A text of many words. " * 40 + "And […]</p>", True),
        (None, "<p>" + "A text. " * 99 + "</p><p>Il reste 80% de l'article à découvrir.</p>", True),
    ],
)
def test_the_page_is_wanted_when_the_feeds_text_is_short_or_breaks_off(
    summary: str | None, content: str | None, wanted: bool
) -> None:
    assert wants_page(policy=PagePolicy.AUTO, summary=summary, content=content) is wanted
    assert wants_page(policy=PagePolicy.ALWAYS, summary=summary, content=content)
    assert not wants_page(policy=PagePolicy.NEVER, summary=summary, content=content)


@needs_shared
@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("next-noyb-meta.html", '<section id="comments">'),
        ("spun-meta-noyb.html", "<aside>"),
    ],
)
def test_a_real_article_is_whole_and_nothing_from_under_it_comes_along(name: str, foreign: str) -> None:
    from lxml.html import fragment_fromstring

    above, _, below = (SHARED / "seeds/pages" / name).read_text().partition(foreign)
    text = read_page(page_of((above + foreign + below).encode())).text
    own = [p.text_content() for p in fragment_fromstring(above, create_parent="div").iter("p")]
    others = [p.text_content() for p in fragment_fromstring(below, create_parent="div").iter("p")]
    assert len(own) > 4
    assert [p for p in own if " ".join(p.split()) not in text] == []
    assert len(others) > 10
    assert [p for p in others if p.strip() and " ".join(p.split()) in text] == []


def test_the_room_is_entered_without_loading_what_reads_pages() -> None:
    heavy = "{'trafilatura', 'lxml', 'py3langid', 'numpy'}"
    program = f"import sys, newsclust.extract; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_text_of_a_novels_length_is_cut_at_a_paragraph_and_says_so() -> None:
    long = "\n\n".join(f"Sentence number {n} of a very long book." for n in range(20_000))
    extraction = extracted(source_of(), page_text(text=long))
    assert len(extraction.text) <= MAX_TEXT_CHARACTERS
    assert extraction.text.endswith("of a very long book.")
    assert "cut to its first 499," in extraction.text_source_reason


def test_a_canonical_link_that_no_server_would_take_is_not_believed() -> None:
    page = page_text(text=" ".join(LONG), canonical=f"https://harbour.example{'/amp' * 20_000}/pool-1")
    assert extracted(source_of(), page).canonical_url == URL


def test_a_redirect_to_an_address_that_no_page_has_leaves_the_entrys_own() -> None:
    source = source_of(b"", final_url="https://harbour.example/" + "x" * 9000)
    assert extracted(source, page_text(text=" ".join(LONG))).canonical_url == URL
