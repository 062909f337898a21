"""HTML of strangers: what the sanitiser removes, what it keeps, and plain words."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsclust.sources.html import plain_text, sanitize_html, title_text
from newsclust.text.html_to_text import html_to_text

ACTIVE = re.compile(
    r"<(?:script|style|iframe|object|embed|form|svg|math|link|meta|base)|\son\w+=|javascript:|data:", re.IGNORECASE
)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<scr<iframe>ipt>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img src='x'onerror='alert(1)'>",
        "<a href='javascript:alert(1)'>go</a>",
        "<a href=' java\tscript:alert(1)'>go</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>go</a>",
        "<p style='background:url(javascript:alert(1))'>p</p>",
        "<style>p {background: url(//spy.example)}</style>",
        "<iframe src='https://spy.example'></iframe>",
        "<object data='x.swf'><embed src='x.swf'></object>",
        "<form action='https://spy.example'><input name=password></form>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<base href='https://spy.example/'><meta http-equiv=refresh content='0;url=https://spy.example'>",
        "<!--[if IE]><script>alert(1)</script><![endif]-->",
        "<div formaction=x onclick = alert(1)>d</div>",
    ],
)  # fmt: skip
def test_whatever_could_act_is_gone_and_the_text_around_it_stays(hostile: str) -> None:
    clean = sanitize_html(f"<p>before</p>{hostile}<p>after</p>")
    assert ACTIVE.search(clean) is None
    assert clean.startswith("<p>before</p>")
    assert clean.endswith("<p>after</p>")


SPLINTERS = st.sampled_from(
    ["<script>", "</script>", "<iframe ", "<svg>", "<style>", "<p>", "<a href=", "javascript:alert(1)", "'", '"', ">",
     "<img src=x ", "onerror=alert(1)", "<!--", "-->", "<textarea>", "<title>", "&lt;", "<", "/>", " ", "<noscript>"]
)  # fmt: skip


@given(st.lists(SPLINTERS, max_size=12).map("".join))
@example("<scr<xmp>ipt>alert(1)</script>")
def test_splinters_of_markup_leave_nothing_that_acts_and_sanitising_again_changes_nothing(markup: str) -> None:
    clean = sanitize_html(markup)
    tags = " ".join(re.findall(r"<[^<>]*>", clean))
    assert re.search(r"<(?:script|style|iframe|svg|textarea|noscript|xmp)\b", tags, re.IGNORECASE) is None
    assert not any(re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag)) for tag in re.findall(r"<[^<>]*>", clean))
    assert sanitize_html(clean) == clean


def test_what_articles_are_made_of_stays() -> None:
    markup = (
        '<h2 class="jp-relatedposts">More</h2><figure><img src="https://a.example/1.jpg" alt="A quay" width="640" '
        'height="480"><figcaption>The quay</figcaption></figure><table><tbody><tr><td colspan="2">1</td></tr></tbody>'
        '</table><ol start="3"><li>three</li></ol><blockquote cite="https://b.example/"><p lang="fr">Bref.</p>'
        '</blockquote><p><a href="/relative">link</a><br>line</p><pre><code>a &lt; b</code></pre>'
    )
    assert sanitize_html(markup) == markup


def test_an_unclosed_or_self_closed_frame_swallows_nothing() -> None:
    assert html_to_text(sanitize_html("<iframe src='x' /><p>The text.</p>")) == "The text."
    assert html_to_text(sanitize_html("<p>One.</p><iframe src='x'><p>Two.</p>")) == "One.\n\nTwo."
    assert html_to_text(sanitize_html("<script src='x'/><p>The text.</p>")) == "The text."


def test_an_ampersand_that_begins_no_reference_is_a_letter() -> None:
    assert (
        html_to_text(sanitize_html("Q&A; at AT&T, R&notice caf&eacute; &amp; bar"))
        == "Q&A; at AT&T, R&notice café & bar"
    )


def test_a_title_is_its_words() -> None:
    assert (
        plain_text("One<br>two <em>three</em><script>four()</script> &amp; five<!-- six -->")
        == "One two three & five"
    )
    assert title_text("The <video> element") == "The <video> element"
