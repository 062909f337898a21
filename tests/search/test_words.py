import random

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.search import FoldedArticle, count_words, stem_language, stems_of


def folded(title: str = "", text: str = "", language: str = "en") -> FoldedArticle:
    return FoldedArticle(article_id="a", language=language, title=title, text=text)


def words_of(text: str, language: str = "en") -> set[str]:
    return {word for word, _ in count_words([folded(text=text, language=language)]).words}


def rows(*articles: FoldedArticle) -> set[tuple[int, str, int, int]]:
    found = count_words(articles)
    named = {place: word for (word, _), place in found.words.items()}
    counted = zip(found.article, found.word, found.in_title, found.in_text, strict=True)
    return {(int(a), named[w], int(t), int(x)) for a, w, t, x in counted if w in named}


def test_a_product_is_found_however_it_is_spaced() -> None:
    for written in ("rtx 5090", "rtx5090", "rtx-5090", "rtx_5090"):
        assert {"rtx", "5090", "rtx5090"} <= words_of(f"the {written} is here"), written


def test_an_id_with_digits_is_one_word_and_its_parts() -> None:
    assert {"cve", "2026", "1234", "cve20261234"} <= words_of("patched: cve-2026-1234.")
    assert {"gpt", "5", "2", "gpt52"} <= words_of("gpt-5.2 is out")
    assert words_of("the n1x chip") == {"n1x", "chip"}


def test_a_hyphenated_word_is_found_as_one_and_by_its_parts() -> None:
    assert words_of("wi-fi") == {"wi", "fi", "wifi"}


def test_a_year_after_a_word_makes_no_product() -> None:
    assert words_of("january 2026") == {"january", "2026"}


def test_a_path_of_many_parts_is_no_word_and_a_hash_is_none() -> None:
    assert "abcdef" not in words_of("a-b-c-d-e-f")
    assert words_of("f" * 41) == set()


def test_stop_words_are_those_of_the_articles_language() -> None:
    assert words_of("the car and its price") == {"car", "price"}
    assert words_of("car le prix", "fr") == {"prix"}
    assert words_of("the and", "") == {"the", "and"}


def test_words_of_title_and_text_are_counted_apart_and_articles_by_their_place() -> None:
    found = rows(folded("chip chip", "a chip"), folded("puce", "chip", language="fr"))
    assert found == {(0, "chip", 2, 0), (0, "chip", 0, 1), (1, "puce", 1, 0), (1, "chip", 0, 1)}


def test_stop_words_count_in_the_length() -> None:
    found = count_words([folded("the chip", "it is a chip.")])
    assert (found.title_words.tolist(), found.text_words.tolist()) == ([2], [4])


def test_stems_are_those_of_the_language_and_a_word_with_a_digit_is_its_own() -> None:
    assert stems_of(["fines", "fine", "rtx5090"], "en") == ["fine", "fine", "rtx5090"]
    assert stems_of(["amendes", "amende"], "fr") == ["amend", "amend"]
    assert len(set(stems_of(["devoile", "devoiles", "devoilee", "devoilees"], "fr"))) == 1
    assert stems_of(["fines"], "") == ["fines"]
    assert [stem_language(code) for code in ("en", "fr", "de", "und")] == ["en", "fr", "", ""]


@given(st.lists(st.text(alphabet="ab1-. _é中", max_size=20), max_size=5))
def test_the_order_of_articles_changes_nothing_but_their_places(texts: list[str]) -> None:
    articles = [folded(text=text) for text in texts]
    order = list(range(len(articles)))
    random.Random(0).shuffle(order)
    shuffled = rows(*(articles[place] for place in order))
    assert rows(*articles) == {(order[a], w, t, x) for a, w, t, x in shuffled}


@pytest.mark.parametrize("start", [0x21, 0x2000, 0xA000, 0x1F300])
def test_a_word_is_the_same_here_and_in_the_sql_that_reads_a_query(start: int) -> None:
    characters = [chr(code) for code in range(start, start + 0x1000) if not 0xD800 <= code <= 0xDFFF]
    found = duckdb.execute(
        r"SELECT folded, regexp_extract_all(folded, '[\p{L}\p{N}]+') "
        "FROM (SELECT lower(strip_accents('x' || unnest($1::TEXT[]) || 'y')) AS folded)",
        [characters],
    ).fetchall()
    for text, in_sql in found:
        in_python = {word for word, _ in count_words([folded(text=text, language="")]).words}
        assert set(in_sql) <= in_python, text
