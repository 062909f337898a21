"""What is taken for a page's main text: teasers out, split bodies whole, tables and lists as words."""

import pytest
from lxml.html import document_fromstring

from newsclust.extract.main_content import drop_above_title, main_text, prepare_tree
from newsclust.extract.page import read_page
from newsclust.text.normalize import alphanumeric_key
from tests.extract.test_extract import LONG, URL, html_page, page_of

HEADLINES = [
    "Ferry timetable changes again after the storm",
    "Mayor opens second bridge over the harbour",
    "Fish market to close for a month of repairs",
    "School swaps its boiler for a rack of servers",
]


def taken(body: str) -> str:
    return main_text(document_fromstring(f"<html><body>{body}</body></html>"), URL)


def paragraphs(texts: list[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def test_headlines_linked_within_the_site_are_no_text_wherever_they_stand() -> None:
    box = f'<p><a href="/a">{HEADLINES[0]}</a></p>'
    card = f'<div class="x"><a href="https://www.harbour.example/b"><h3>{HEADLINES[1]}</h3></a></div>'
    text = taken(f"<article>{paragraphs(LONG[:2])}{box}{card}{paragraphs(LONG[2:])}</article>")
    assert text == "\n\n".join(LONG)


def left(body: str) -> str:
    """What is left of a page before it is read."""
    tree = document_fromstring(f"<html><body>{body}</body></html>")
    prepare_tree(tree, "harbour.example")
    return str(tree.text_content())


def test_a_digest_that_links_to_other_sites_keeps_its_lines() -> None:
    lines = "".join(f'<p><a href="https://elsewhere{n}.example/">{line}</a></p>' for n, line in enumerate(HEADLINES))
    text = left(f"<article>{paragraphs(LONG)}{lines}</article>")
    assert [line for line in HEADLINES if line not in text] == []


def test_a_list_of_links_is_dropped_and_a_list_of_sentences_is_kept() -> None:
    links = "".join(f'<li>Also: <a href="/{n}">{line}</a></li>' for n, line in enumerate(HEADLINES))
    steps = [f'Step {n}: <a href="/{n}">open the valve as told here</a>, wait.' for n in range(4)]
    sentences = "".join(f"<li>{step}</li>" for step in steps)
    text = left(f"<article>{paragraphs(LONG)}<ul>{links}</ul><ol>{sentences}</ol></article>")
    assert not any(line in text for line in HEADLINES)
    assert all(f"Step {n}: open the valve as told here, wait." in text for n in range(4))


def test_a_page_that_is_made_of_linked_headlines_keeps_them() -> None:
    cards = "".join(f'<article><h2><a href="/{n}">{line}</a></h2></article>' for n, line in enumerate(HEADLINES))
    text = left(f"<main>{cards}<p>All of today.</p></main>")
    assert [line for line in HEADLINES if line not in text] == []


def test_a_body_that_the_layout_splits_is_read_whole() -> None:
    part = '<div class="grid"><div class="article__body">{}</div><div class="ad">Advertisement</div></div>'
    body = "".join(part.format(paragraphs(LONG[at : at + 2] * 2)) for at in (0, 2, 3))
    text = taken(f"<article>{body}</article>")
    assert [paragraph for paragraph in LONG if paragraph not in text] == []


def test_texts_with_a_headline_of_their_own_are_not_joined() -> None:
    part = '<div class="article__body"><h1>{}</h1>{}</div>'
    foreign = [
        f"Of the second text this is sentence {n}, which no reader of the first one asked for." for n in range(4)
    ]
    text = taken(f"<main>{part.format('One', paragraphs(LONG * 2))}{part.format('Two', paragraphs(foreign))}</main>")
    assert foreign[0] not in text


def test_a_name_keeps_its_sentence_when_what_pops_up_over_it_goes() -> None:
    card = (
        '<span class="hover"><span><img src="i.png"><a href="/p/ada">Ada Quay</a> '
        f'<a href="/1">{HEADLINES[0]}</a></span></span>'
    )
    text = taken(f"<article><p>The engineer Ada Quay {card} measured it.</p>{paragraphs(LONG)}</article>")
    assert text.startswith("The engineer Ada Quay measured it.")
    assert HEADLINES[0] not in text


def test_tables_and_lists_come_as_their_words_without_signs_of_markup() -> None:
    table = "<table><tr><th>Pool</th><th>Degrees</th></tr><tr><td>North</td><td>28</td></tr></table>"
    items = "<ul><li>The pump runs on solar power all day.</li><li>The rack is cooled by the pool itself.</li></ul>"
    lines = taken(f"<article>{paragraphs(LONG)}{table}{items}</article>").split("\n\n")
    assert lines[len(LONG) :] == [
        "Pool Degrees",
        "North 28",
        "The pump runs on solar power all day.",
        "The rack is cooled by the pool itself.",
    ]


def test_the_lines_of_a_program_and_a_quotation_are_kept() -> None:
    code = "<pre><code>heat = rack.watts * hours\nwater.temperature += heat / mass</code></pre>"
    quote = "<blockquote><p>We thought it was a joke until the water steamed, said the lifeguard.</p></blockquote>"
    text = taken(f"<article>{paragraphs(LONG)}{code}{quote}</article>")
    assert "heat = rack.watts * hours\n\nwater.temperature += heat / mass" in text
    assert "We thought it was a joke until the water steamed, said the lifeguard." in text


def test_where_a_notice_is_all_that_is_found_the_article_is_looked_for_again() -> None:
    notice = '<article class="article-body"><p>This copy is for your personal use only, dear reader.</p></article>'
    text = taken(f"<div class='wrap'>{notice}<div class='overlay'>{paragraphs(LONG * 2)}</div></div>")
    assert LONG[0] in text


def test_the_headline_above_the_text_is_none_of_it() -> None:
    assert taken(f"<article><h1>Pool is warm now</h1>{paragraphs(LONG)}</article>") == "\n\n".join(LONG)


@pytest.mark.parametrize("address", [URL, "https://harbour.example:8443/a", "http://127.0.0.1:8080/a"])
def test_a_page_reads_the_same_wherever_it_is_served(address: str) -> None:
    assert read_page(page_of(html_page(LONG), final_url=address)).text == "\n\n".join(LONG)


def test_pages_without_a_tree_or_a_text_have_none() -> None:
    assert taken("<div></div>") == ""
    assert read_page(page_of(b"<!-- nothing -->")).text == ""


def test_words_before_the_first_line_break_are_a_paragraph_even_with_a_link_among_them() -> None:
    opening = f'{LONG[0]} So says <em><a href="https://elsewhere.example/">the desk</a></em> of the harbour.'
    text = taken(f'<div class="content">{opening}<br><br>{LONG[1]}<br><br>{LONG[2]}</div>')
    assert text.split("\n\n")[0] == f"{LONG[0]} So says the desk of the harbour."
    assert text.endswith(LONG[2])


@pytest.mark.parametrize(
    ("above", "heading", "is_cut"),
    [
        (["Ferry tickets now sold here", LONG[3]], "The pool is warm", True),
        ([], "The pool is warm", True),
        (["Ferry tickets now sold here", LONG[3]], "How the boiler works", False),
        ([LONG[3]] * 5, "The pool is warm", False),
    ],
    ids=["a promotion above", "nothing above", "a heading that does not name the page", "far down"],
)
def test_what_stands_above_the_heading_that_names_the_page_is_not_of_it(
    above: list[str], heading: str, is_cut: bool
) -> None:
    lines = [*above, heading, *LONG]
    below = drop_above_title(lines, {alphanumeric_key(heading)}, alphanumeric_key("The pool is warm - Harbour News"))
    assert below == (LONG if is_cut else lines)


def test_a_list_of_headlines_linked_in_part_is_dropped_though_one_of_them_asks() -> None:
    asking = [*HEADLINES, "Who pays for the boiler of the school?"]
    halves = [(" ".join(line.split()[:4]), " ".join(line.split()[4:])) for line in asking]
    items = "".join(f'<li>{start} <a href="/{n}">{end}</a></li>' for n, (start, end) in enumerate(halves))
    text = left(f"<article>{paragraphs(LONG)}<ul>{items}</ul></article>")
    assert [start for start, _ in halves if start in text] == []
