import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.text.html_to_text import html_to_text
from newsclust.text.language import detect_language, primary_subtag
from newsclust.text.normalize import MAX_MARKS, normalize_text


def test_blocks_and_line_breaks_part_paragraphs_and_inline_elements_do_not() -> None:
    html = "<p>One <b>bold</b> step,\n then&nbsp;an<i>other</i>.</p><ul><li>first<li>second</ul>a<br>b"
    assert html_to_text(html) == "One bold step, then another.\n\nfirst\n\nsecond\n\na\n\nb"


def test_scripts_styles_comments_captions_and_share_bars_leave_no_word() -> None:
    html = (
        "<p>Kept<script>var lost = 1</script><!-- lost --> words.</p><style>lost {}</style>"
        "<figure><img src=x><figcaption>lost: the agency</figcaption></figure>"
        "<div class='sharedaddy sd-block'><p>lost <b>lost</b></p></div>and a tail"
    )
    assert html_to_text(html) == "Kept words.\n\nand a tail"


def test_a_fragment_without_tags_is_plain_text_whose_empty_lines_part_paragraphs() -> None:
    assert html_to_text("Fish &amp; chips\nfor 3 &lt; 4 euros\n\nSecond") == "Fish & chips for 3 < 4 euros\n\nSecond"


@pytest.mark.parametrize("html", ["", "   ", "<!-- only -->", "<p></p>", "<script>x</script>", "&nbsp;"])
def test_a_fragment_without_words_gives_no_text(html: str) -> None:
    assert html_to_text(html) == ""


def test_words_under_fifteen_hundred_unclosed_elements_are_read() -> None:
    assert "deep" in html_to_text("<div>" * 1_500 + "deep")


def test_a_whole_document_with_a_body_of_its_own_is_read_as_a_fragment() -> None:
    assert html_to_text("<html><head><title>no</title></head><body><p>Yes.</p></body></html>") == "Yes."


def test_the_normal_form_has_no_invisible_characters_and_composed_accents() -> None:
    assert normalize_text("e\u0301te\u0301\u200b \ufeffne\u00adws\x07\u202e") == "été news"


def test_of_thousands_of_marks_on_one_letter_thirty_stay() -> None:
    started = time.process_time()
    text = normalize_text("The \u1ed9" + "\u0301\u0316" * 30_000 + "pen quay. Voilà \U0001f600.")
    assert time.process_time() - started < 2
    taken_apart = unicodedata.normalize("NFD", text.partition("pen")[0])
    assert sum(unicodedata.combining(character) > 0 for character in taken_apart) == MAX_MARKS
    assert text.endswith("pen quay. Voilà \U0001f600.")


@given(st.text(alphabet="\u1ed9e\u0301\u0344\u0316\u0323\u0308 \U0001f600\u302a", min_size=30, max_size=80))
def test_the_normal_form_of_stacked_marks_is_itself(stack: str) -> None:
    once = normalize_text(stack)
    assert normalize_text(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_a_paragraph_repeated_at_once_stands_once_and_a_later_return_stays() -> None:
    assert normalize_text("A\nA\n\nB\nA") == "A\n\nB\n\nA"


def test_leading_paragraphs_that_only_repeat_the_title_are_dropped() -> None:
    title = "Ferry “runs” on milk"
    assert normalize_text('Ferry "runs" on milk!\nFERRY RUNS ON MILK\nThe text.', title=title) == "The text."
    assert normalize_text("The text.\nFerry runs on milk", title=title) == "The text.\n\nFerry runs on milk"


@given(st.text(), st.text(max_size=8))
def test_the_normal_form_of_a_normal_form_is_itself(text: str, title: str) -> None:
    once = normalize_text(text, title=title)
    assert normalize_text(once, title=title) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) in {"Cc", "Cf"} for c in once if c != "\n")


@given(st.text())
def test_any_string_can_be_read_as_html_and_comes_out_in_normal_form(html: str) -> None:
    assert normalize_text(html_to_text(html)) == html_to_text(html)


ENGLISH = (
    "The harbour authority of the small town said on Monday that its ferries would run on waste heat from "
    "the new computing centre before the winter, and that nobody had to pay for it."
)
FRENCH = (
    "La capitainerie de la petite ville a annoncé lundi que ses bacs seraient chauffés par le nouveau centre "
    "de calcul avant l'hiver, et que personne n'aurait à payer pour cela."
)


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (FRENCH, "fr")])
def test_a_long_text_speaks_for_itself_whatever_the_feed_says(text: str, language: str) -> None:
    assert detect_language(text, "de") == (language, "text")


def test_of_a_short_text_the_feed_knows_better() -> None:
    assert detect_language("Pixel 12: test", "fr-FR") == ("fr", "feed")


def test_a_short_text_of_a_feed_that_says_nothing_is_guessed() -> None:
    assert detect_language("Les bacs du port sont chauffés gratuitement", None) == ("fr", "text")


@pytest.mark.parametrize("text", ["", "12 345 !", "…"])
def test_a_text_without_letters_and_a_silent_feed_give_no_language(text: str) -> None:
    assert detect_language(text, None) == ("und", "none")


@pytest.mark.parametrize(
    ("tag", "code"),
    [("fr", "fr"), ("en_US", "en"), (" EN-gb ", "en"), ("und", None), ("", None), (None, None), ("x", None),
     ("english", None)],
)  # fmt: skip
def test_a_language_tag_is_known_by_its_first_part(tag: str | None, code: str | None) -> None:
    assert primary_subtag(tag) == code


def test_a_caption_that_is_a_paragraph_is_no_text() -> None:
    figure = '<div class="wp-caption"><img src="a.jpg"><p id="c" class="wp-caption-text">Ann at the quay.</p></div>'
    assert html_to_text(f"{figure}<p>The crane lifts.</p>") == "The crane lifts."
