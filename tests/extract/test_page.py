import codecs
import time

import pytest

from newsclust.errors import Reason
from newsclust.extract.page import read_page, rejection
from tests.extract.test_extract import LONG, html_page, page_of


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", Reason.EMPTY),
        (b" \n\t ", "text/html", Reason.EMPTY),
        (b"<html>" + b"x" * 2000, "text/html", Reason.TOO_LARGE),
        (b"%PDF-1.7 <html>", "text/html", Reason.NOT_HTML),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "text/html", Reason.NOT_HTML),
        (b"<html>\0\0\0binary", "text/html", Reason.NOT_HTML),
        (b"<html><p>fine</p>", "application/pdf", Reason.NOT_HTML),
        (b"<html><p>fine</p>", "image/png", Reason.NOT_HTML),
        (b'{"no": "tags"}', "text/html", Reason.NOT_HTML),
        (b"<?xml version='1.0'?>\n<rss><p>x</p></rss>", "text/xml", Reason.NOT_HTML),
    ],
)
def test_what_is_no_page_worth_reading_is_refused_with_its_reason(
    body: bytes, content_type: str, reason: Reason
) -> None:
    refused = rejection(page_of(body, content_type=content_type), max_bytes=1000)
    assert refused is not None
    assert refused[0] is reason


def test_comments_before_a_page_are_passed_over_once() -> None:
    body = b"<!---->" * 26 + b"<p>fine"
    begun = time.process_time()
    assert rejection(page_of(body), max_bytes=1000) is None
    refused = rejection(page_of(b"<?xml?> <!-- <p> --> <?x?><!----><rss>"), max_bytes=1000)
    assert refused == (Reason.NOT_HTML, "no tag of HTML in it")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "TEXT/HTML", "", "application/xhtml+xml"])
def test_a_page_is_not_refused(content_type: str) -> None:
    assert rejection(page_of(b"<!doctype html><p>fine", content_type=content_type), max_bytes=1000) is None
    utf_16 = codecs.BOM_UTF16_LE + "<html><p>fine</p></html>".encode("utf-16-le")
    assert rejection(page_of(utf_16, content_type=content_type), max_bytes=1000) is None


def test_the_article_is_read_without_comments_headlines_cookie_banner_and_navigation() -> None:
    read = read_page(page_of(html_page(LONG)))
    assert all(paragraph in read.text for paragraph in LONG)
    for foreign in ("commenter", "Headline of another", "cookies", "Sports", "Imprint"):
        assert foreign not in read.text
    assert read.title == "Town heats pool with servers"
    assert read.site_name == "Harbour News"


def test_a_page_without_words_has_the_empty_text() -> None:
    assert read_page(page_of(b"<html><body><div></div></body></html>")).text == ""


def test_a_short_page_that_calls_itself_paid_for_is_noted_and_a_long_one_is_not() -> None:
    schema = '<script type="application/ld+json">{"isAccessibleForFree": "False"}</script>'
    assert read_page(page_of(html_page(LONG[:2], head=schema))).notice == "isAccessibleForFree: false"
    assert read_page(page_of(html_page(LONG * 4, head=schema))).notice is None
    assert read_page(page_of(html_page(LONG[:2]))).notice is None


def test_a_notice_outside_the_article_of_a_short_page_is_noted() -> None:
    page = html_page(LONG[:2], after="<div class='wall'><p>Subscribe to continue reading</p></div>")
    assert read_page(page_of(page)).notice == "Subscribe to continue reading"


def forum_post(author: str, words: str) -> str:
    return (
        f'<div class="post"><p>{author}\n{author} est déconnecté\nMembre éclairé\nInscrit en\nMai 2011\n'
        f"Messages\n1 234</p><p>Informations forums :\nInscription : Mai 2011\nMessages : 1 234\n"
        f"Par défaut Le port se chauffe\n{words}</p></div>"
    )


def test_of_a_forum_thread_the_first_post_is_the_text_without_its_authors_profile() -> None:
    posts = forum_post("alice", "\n".join(LONG)) + forum_post("bob", "Je ne suis pas d'accord. " * 30)
    read = read_page(page_of(f"<html><body><h1>Le port</h1>{posts}</body></html>".encode()))
    assert read.text == "\n\n".join(LONG)


def test_a_blog_that_calls_its_articles_posts_is_no_forum() -> None:
    posts = "".join(f'<div class="post"><p>{paragraph}</p></div>' for paragraph in LONG)
    read = read_page(page_of(f"<html><body><main>{posts}</main></body></html>".encode()))
    assert all(paragraph in read.text for paragraph in LONG)
