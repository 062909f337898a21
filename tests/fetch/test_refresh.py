"""Pages without words of their own that send on, and pages that only reload."""

import pytest

from newsclust.fetch.refresh import refresh_target
from newsclust.model import Page
from tests.factories import NOON

HERE = "https://hub.example/go/1"
THERE = "https://pier.example/news/pool?a=1&b=2"


def page(body: str, **headers: str) -> Page:
    return Page(url=HERE, final_url=HERE, fetched_at=NOON, headers=headers, body=body.encode())


def meta(content: str) -> str:
    return f"<html><head><title>Redirecting</title><meta http-equiv='refresh' content=\"{content}\"></head></html>"


@pytest.mark.parametrize(
    "body",
    [
        meta("0; url=https://pier.example/news/pool?a=1&amp;b=2"),
        meta("0;URL='https://pier.example/news/pool?a=1&amp;b=2'"),
        meta("5, https://pier.example/news/pool?a=1&amp;b=2"),
        "<META CONTENT='0;url=//pier.example/news/pool?a=1&b=2' HTTP-EQUIV=Refresh><p>Click here</p>",
        f"<noscript><meta http-equiv=refresh content='0;URL={THERE}'></noscript><script>{'a = 1; ' * 90}</script>",
    ],
)
def test_an_almost_empty_page_sends_on(body: str) -> None:
    assert refresh_target(page(body)) == THERE
    assert refresh_target(page("", refresh=f"0; url={THERE}")) == THERE


@pytest.mark.parametrize(
    "body",
    [
        "",
        meta("600; url=https://pier.example/"),
        meta("5"),
        meta("0; url=/go/1"),
        meta("0; url=https://www.hub.example/go/1#top"),
        meta("0; url=javascript:alert(1)"),
        meta("0; url=http://["),
        meta(f"0; url={THERE}") + "<p>A page with words of its own is read. </p>" * 10,
        f"<!-- {meta(f'0; url={THERE}')} -->",
        f"<script>document.write(`{meta(f'0; url={THERE}')}`)</script>",
        meta(f"0; url={THERE}") + " " * 70_000,
        f"<meta name='refresh' content='0; url={THERE}'>",
    ],
)
def test_a_page_that_reloads_or_has_words_is_read_itself(body: str) -> None:
    assert refresh_target(page(body)) is None
