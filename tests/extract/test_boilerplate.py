import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.extract.boilerplate import is_truncated, paywall_notice, strip_boilerplate

BODY = "The town heats its pool with servers.\n\nNobody noticed a difference in the water."

TAILS = [
    "The post Town heats pool. Again! appeared first on Harbour News.",
    "L’article Le port se chauffe est apparu en premier sur Le Quai.",
    "Cet article est apparu d'abord sur Le Quai.",
    "This article originally appeared on Harbour News at https://harbour.example/pool?src=rss",
    'This article, "Town heats pool", first appeared on Harbour News',
    "Read more of this story at Slashdot.",
    "Read the full story at Harbour News.",
    "Read more",
    "Read More →",
    "more…",
    "Continue reading Town heats pool…",
    "Lire la suite",
    "Lire la suite de l’article",
    "Discuss this article in our forums",
    "(Source: Harbour News)",
    "Ada Quay contributed to this report.",
    "(Reporting by Ada Quay in Harbour Town; Editing by Tom Pier)",
    "[…]",
    "[...]",
]
LINES = [
    "Lire aussi | Article réservé à nos abonnés Le port, ce chauffage qui s’ignore",
    "À lire aussi : Le port, ce chauffage",
    "Also read: Five harbours that swim",
    "Commentaires (23)",
    "12 comments",
    "Leave a comment",
    "Facebook, Twitter, WhatsApp",
    "Share on Facebook",
    "We use cookies to make the pool warmer and to remember you.",
    "Ce site utilise des cookies pour chauffer le bassin.",
    "Tout refuser",
    "Sign up for our weekly newsletter and never miss a swim.",
    "Suivez-nous sur Google Actualités",
    "» LIRE AUSSI - Le port, ce chauffage",
    "Lire aussi Le port est-il encore un port ?",
    "Le port se chauffe tout seul - Regarder sur Quai Live",
    "SEE MORE: Five harbours that swim",
    "There is more in the water. Sign up for Harbour Mornings to get the newsletter every day.",
    "Write to Ada Quay at ada@harbour.example",
    "(avec AFP et Reuters)",
]


@pytest.mark.parametrize("tail", TAILS)
def test_a_tail_goes_as_the_last_paragraph_and_as_the_last_sentence(tail: str) -> None:
    assert strip_boilerplate(f"{BODY}\n\n{tail}") == (BODY, None)
    assert strip_boilerplate(f"{BODY} {tail}") == (BODY, None)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_boilerplate_goes_wherever_it_stands_alone(line: str) -> None:
    first, second = BODY.split("\n\n")
    assert strip_boilerplate(f"{first}\n\n{line}\n\n{second}") == (BODY, None)
    assert strip_boilerplate(f"{BODY}\n\n{line}") == (BODY, None)


@pytest.mark.parametrize(
    "sentence",
    [
        "Children of the town read more",
        "The button says Read more and nobody presses it.",
        "He wrote that the post he read appeared first on paper.",
        "Nous allons lire la suite des événements avec attention.",
        "Its cookies are baked with the same heat, and we use cookies for bribes.",
        "The recent posts of the mayor were deleted.",
        "Related posts were deleted by the mayor",
        "Share prices fell by 12 % on Monday.",
        "More: a name that stuck, says the mayor of the town. It was his idea.",
    ],
)
def test_the_same_words_inside_a_running_sentence_stay(sentence: str) -> None:
    assert strip_boilerplate(f"{BODY} {sentence}") == (f"{BODY} {sentence}", None)
    assert strip_boilerplate(f"{BODY}\n\n{sentence}") == (f"{BODY}\n\n{sentence}", None)


@pytest.mark.parametrize("heading", ["Recent Posts", "Latest headlines", "À lire aussi", "Voir aussi :", "Et vous ?"])
def test_a_list_of_headlines_that_closes_the_text_goes_with_its_heading(heading: str) -> None:
    listed = "Mayor swims in November\n\nWho pays for the pumps?\n\nThe bacs are late, says the captain of…"
    assert strip_boilerplate(f"{BODY}\n\n{heading}\n\n{listed}") == (BODY, None)


def test_of_a_list_in_the_middle_of_an_article_only_the_heading_goes() -> None:
    text = f"{BODY}\n\nRelated articles\n\nMayor swims in November\n\nThe pool opens at nine on Sundays."
    assert strip_boilerplate(text)[0] == f"{BODY}\n\nMayor swims in November\n\nThe pool opens at nine on Sundays."


@pytest.mark.parametrize(
    "notice",
    [
        "Il reste 80% de l’article à découvrir.",
        "Il vous reste 72,5 % de cet article à lire.",
        "80 % of this article remains.",
        "La suite est réservée aux abonnés.",
        "Cet article est réservé à nos abonné·es.",
        "Il faut être abonné•e pour en lire plus.",
        "Abonnez-vous pour lire la suite de l'article",
        "Subscribe to continue reading",
        "Sign in to keep reading.",
        "Subscribe now to unlock the full story.",
        "To continue reading, please subscribe.",
        "This article is for subscribers only",
        "This post is for paid subscribers",
        "You have reached your limit of free articles.",
    ],
)
def test_a_paywall_notice_at_the_end_is_the_cut_and_leaves_the_text(notice: str) -> None:
    assert strip_boilerplate(f"{BODY}\n\n{notice}") == (BODY, notice)
    offers = "Déjà abonné ? Connectez-vous.\n\nOnly 1 € for the first month, cancel anytime."
    assert strip_boilerplate(f"{BODY}\n\n{notice}\n\n{offers}\n\nLire la suite") == (BODY, notice)


def test_a_notice_and_the_way_in_for_subscribers_may_share_a_paragraph() -> None:
    notice = "Il reste 80% de l’article à découvrir."
    beside = "Il faut être abonné•e pour en lire plus. Déjà abonné•e ? Connectez-vous."
    assert strip_boilerplate(f"{BODY}\n\n{notice} {beside}") == (BODY, notice)
    other = "The town council will discuss the pool in March."
    assert strip_boilerplate(f"{BODY}\n\n{notice} {other}") == (f"{BODY}\n\n{notice} {other}", None)


def test_the_earliest_of_several_notices_is_the_one_reported() -> None:
    notices = "La suite est réservée aux abonnés.\n\nSubscribe to continue reading"
    assert strip_boilerplate(f"{BODY}\n\n{notices}") == (BODY, "La suite est réservée aux abonnés.")


def test_an_article_about_paywalls_is_whole() -> None:
    text = (
        "Readers know the line « Il reste 80% de l’article à découvrir. » by heart.\n\n"
        "Subscribe to continue reading\n\n"
        "That button, says a study of forty outlets, is pressed by one reader in a thousand.\n\n"
        "“This article is for subscribers only” comes second, and its author regrets it.\n\n"
        "The study asked for a subscription to be read."
    )
    assert strip_boilerplate(text) == (text, None)
    assert not is_truncated(text)


def test_a_text_that_is_nothing_but_a_notice_is_empty_and_cut() -> None:
    assert strip_boilerplate("This article is for subscribers only") == (
        "",
        "This article is for subscribers only",
    )


def test_a_notice_is_found_among_the_lines_of_a_page() -> None:
    assert paywall_notice(["Home", "Subscribe to continue reading", "Legal"]) == "Subscribe to continue reading"
    assert paywall_notice(["Home", "Legal"]) is None


@pytest.mark.parametrize(
    "ending", ["and then…", "and then...", "and [...]", "and […]", "end. Lire la suite", "end.\n\nRead more",
               "end.\n\nLa suite est réservée aux abonnés."],
)  # fmt: skip
def test_a_text_that_ends_with_a_promise_breaks_off(ending: str) -> None:
    assert is_truncated(f"The town heats its pool {ending}")


def test_a_credit_under_a_whole_text_is_no_promise_of_more() -> None:
    assert not is_truncated(f"{BODY}\n\nThe post Town heats pool appeared first on Harbour News.")


SENTENCES = st.sampled_from(
    ["The pool is warm.", "Le bassin est chaud.", "Nobody pays, said the mayor.", "It was cold in 2019."]
)
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=4).map(" ".join)
NOISE = st.sampled_from(
    [*TAILS, *LINES, "Recent Posts", "Mayor swims", "Subscribe to continue reading", "Déjà abonné ?"]
)


@given(st.lists(PARAGRAPHS | NOISE, max_size=8), st.booleans())
def test_stripping_twice_is_stripping_once(paragraphs: list[str], joined: bool) -> None:
    once, _ = strip_boilerplate((" " if joined else "\n\n").join(paragraphs))
    assert strip_boilerplate(once)[0] == once


@given(st.lists(PARAGRAPHS | NOISE, max_size=8), PARAGRAPHS)
def test_no_paragraph_of_the_article_is_lost_before_its_last_one(before: list[str], last: str) -> None:
    kept = strip_boilerplate("\n\n".join([*before, last]))[0].split("\n\n")
    own = [p for p in [*before, last] if p.endswith((".", "mayor.")) and p not in {*TAILS, *LINES}]
    assert [p for p in own if p not in kept] == []


def test_a_thousand_headings_and_a_megabyte_in_one_paragraph_are_stripped_in_bounded_time() -> None:
    started = time.monotonic()
    strip_boilerplate("\n\n".join(["Recent Posts\n\nThe pool is warm."] * 3000))
    strip_boilerplate("The pool is warm. " * 60_000 + "Read more")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "built",
    [
        "The pool is warm. " + "Lire la suite. " * 10_000,
        "\n\n".join(["Advertisement. Read more.", "Advertisement! Read more."] * 2000),
        "\n\n".join(["This article is for subscribers only. Read more.", "Advertisement. Read more."] * 2000),
    ],
    ids=["sentences", "lines", "notices"],
)
def test_a_text_built_to_be_stripped_piece_by_piece_is_given_up_in_time(built: str) -> None:
    started = time.process_time()
    strip_boilerplate(built)
    assert time.process_time() - started < 5


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_only_shortened(text: str) -> None:
    assert len(strip_boilerplate(text)[0]) <= len(text)
