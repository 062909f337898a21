"""What of a title and of a feed's text is the headline again, an outlet's name, or other outlets' headlines."""

from dataclasses import replace

import pytest

from newsclust.extract.headlines import without_headlines, without_outlet
from newsclust.extract.select_text import select_text
from newsclust.model import TextQuality
from tests.extract.test_extract import extraction_of, source_of

TITLE = "Town heats pool with servers"
LISTED = (
    '<ol><li><a href="/1">Town heats pool with servers</a>&nbsp;<font>The Harbour Post</font></li>'
    '<li><a href="/2">A rack of servers warms a pool</a>&nbsp;<font>Quay Times</font></li></ol>'
)
NUMBERED = (
    "<p>Article URL: <a href='https://a.example/1'>https://a.example/1</a></p><p>Comments URL: "
    "<a href='https://hub.example/1'>https://hub.example/1</a></p><p>Points: 31</p><p># Comments: 4</p>"
)


@pytest.mark.parametrize(
    "summary",
    [
        '<a href="https://news.example/1">Town heats pool with servers</a>&nbsp;&nbsp;<font>The Harbour Post</font>',
        LISTED,
        '<a href="https://hub.example/item?id=1">Comments</a>',
        NUMBERED,
        'submitted by <a href="/u/ada">/u/ada</a> <a href="/x">[link]</a> <a href="/y">[comments]</a>',
        "https://a.example/1",
        "",
    ],
)
def test_a_collecting_feed_gives_the_headline_of_the_outlet_that_it_names(summary: str) -> None:
    source = replace(source_of(summary=summary), title=f"{TITLE} - The Harbour Post", source_title="The Harbour Post")
    taken = extraction_of(select_text(source, None, None))
    assert (taken.title, taken.text, taken.text_quality) == (TITLE, "", TextQuality.HEADLINE)


def test_a_text_behind_the_repeated_headline_stays() -> None:
    text = f"{TITLE} The Harbour Post\n\nThe water is warm, the mayor said.\n\nNobody had noticed."
    assert without_headlines(text, [TITLE], ["The Harbour Post"]).startswith("The water is warm")
    assert without_headlines(f"{TITLE}\n\nA short note", [TITLE], ["The Harbour Post"]) == "A short note"


def test_an_outlet_with_a_dash_in_its_name_is_cut_and_no_other_ending_is() -> None:
    assert without_outlet(f"{TITLE} - Post - Harbour edition", ["Post – Harbour Edition"]) == TITLE
    assert without_outlet(f"{TITLE} - a first", ["Post"]) == f"{TITLE} - a first"
    assert without_outlet("- Post", ["Post"]) == "- Post"


@pytest.mark.parametrize(
    ("summary", "quality"),
    [
        ("<p>The pool is warm.</p>", TextQuality.PARTIAL),
        (f"<p>{'The pool is warm today. ' * 40}</p>", TextQuality.FULL),
        (f"<p>{'The pool is warm today. ' * 40}</p><p>Read more</p>", TextQuality.PARTIAL),
        (f"<p>{'The pool is warm today. ' * 40}</p><p>Subscribe to continue reading</p>", TextQuality.PAYWALLED),
    ],
)
def test_how_much_of_an_article_a_feed_gives_is_said(summary: str, quality: TextQuality) -> None:
    assert extraction_of(select_text(source_of(summary=summary), None, None)).text_quality is quality
