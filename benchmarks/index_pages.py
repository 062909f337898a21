"""Measure how well index pages are distinguished from articles: front pages made of real feeds, and real articles.

Run: python -m benchmarks.index_pages [PAGES] [FEEDS]
PAGES holds ground-truth.json and html/*.html.gz (scrapinghub's article-extraction-benchmark, MIT), FEEDS captured
feeds; neither is part of the repository. Of each feed with enough headlines a front page is made in every markup
below, with and without the entries' summaries; an article is also read without its own metadata of its kind (some
have none), and of these with three paragraphs only, which is what a brief looks like.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from newsclust.errors import ItemError, SettingsError
from newsclust.evaluation.extraction import read_pages
from newsclust.evaluation.pairs import DATA
from newsclust.extract.index_pages import MIN_HEADLINE_WORDS, MIN_HEADLINES
from newsclust.extract.page import read_page
from newsclust.model import Feed, Page
from newsclust.sources.entries import parse_feed
from newsclust.text.html_to_text import html_to_text

MOST = 30  # entries of a front page
SUMMARY_WORDS = 45
SHORT_PARAGRAPHS, SHORT_PARAGRAPH_WORDS = 3, 15

_PARAGRAPH = re.compile(rb"<p\b[^>]*>(.*?)</p>", re.IGNORECASE | re.DOTALL)
_NOW = datetime(2026, 11, 22, tzinfo=UTC)
_FEED = Feed(id="front", url="https://feed.example/f", title="Front")
# What a page says of its own kind: JSON-LD, and the meta elements that name an article.
_SAID = re.compile(
    rb"<script[^>]*ld\+json[^>]*>.*?</script>|<meta[^>]*(?:og:type|article:|itemprop)[^>]*>",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One entry as a front page shows it, escaped."""

    link: str
    title: str
    summary: str


MARKUPS: dict[str, Callable[[Card], str]] = {
    "linked h2 and blurb": lambda c: (
        f'<article><h2><a href="{c.link}">{c.title}</a></h2><p>{c.summary}</p></article>'
    ),
    "card in a link, h3": lambda c: f'<a href="{c.link}"><div><h3>{c.title}</h3><p>{c.summary}</p></div></a>',
    "list of links": lambda c: f'<li><a href="{c.link}">{c.title}</a> {c.summary}</li>',
    "div of a class": lambda c: f'<div class="t"><a href="{c.link}">{c.title}</a></div><div>{c.summary}</div>',
    "rows of a table": lambda c: f'<tr><td>1.</td><td><a href="{c.link}">{c.title}</a><br>{c.summary}</td></tr>',
    "bold link and more": lambda c: (
        f'<p><b><a href="{c.link}">{c.title}</a></b><br>{c.summary} <a href="{c.link}">Read more</a></p>'
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print, for each markup, how many front pages are recognised, and how many articles are taken for one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="?", default=DATA / "pages")
    parser.add_argument("feeds", type=Path, nargs="?", default=DATA / "feeds")
    given = parser.parse_args(arguments)
    try:
        articles = [gold.page for gold in read_pages(given.pages)]
    except SettingsError as error:
        print(f"Skipped: {error}")
        return
    mute = list(map(speechless, articles))
    kinds = {"as they are": articles, "without a word on their kind": mute, "and cut short": list(map(short, mute))}
    for name, pages in kinds.items():
        print(f"articles, {name}: {_listed(pages)} of {len(pages)} called a list")
    fronts = list(front_cards(given.feeds))
    for name, markup in MARKUPS.items():
        for told, cards in (("with summaries", fronts), ("titles alone", list(map(_bare, fronts)))):
            pages = [front_page(one, markup) for one in cards]
            print(f"front pages, {name}, {told}: {_listed(pages)} of {len(pages)} called a list")


def front_cards(folder: Path) -> Iterator[list[Card]]:
    """Return the entries of each document that names enough articles of one site, as cards of its front page."""
    for path in sorted(folder.glob("*")):
        try:
            entries = parse_feed(_FEED, _page("https://feed.example/f", path.read_bytes())).entries
        except ItemError:
            continue
        cards = [
            Card(
                link=f"/{number}/{escape(entry.id)}",
                title=escape(entry.title),
                summary=escape(" ".join(html_to_text(entry.summary or entry.content or "").split()[:SUMMARY_WORDS])),
            )
            for number, entry in enumerate(entries[:MOST])
            if len(entry.title.split()) >= MIN_HEADLINE_WORDS
        ]
        if len(cards) >= MIN_HEADLINES:
            yield cards


def front_page(cards: Sequence[Card], markup: Callable[[Card], str]) -> Page:
    """Return a front page with the navigation and the foot that every site has."""
    navigation = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("home", "reviews", "about"))
    body = "".join(map(markup, cards))
    html = (
        f"<html><head><title>The front</title></head><body><nav><ul>{navigation}</ul></nav><main><h1>Latest</h1>"
        f"<div>{body}</div></main><footer><p>All rights reserved by the front.</p></footer></body></html>"
    )
    return _page("https://front.example/latest", html.encode())


def speechless(page: Page) -> Page:
    return replace(page, body=_SAID.sub(b"", page.body))


def short(page: Page) -> Page:
    """Return the page with three of its paragraphs: a brief among as many headlines as any article."""
    kept = 0

    def first_ones(found: re.Match[bytes]) -> bytes:
        nonlocal kept
        kept += len(found[1].split()) >= SHORT_PARAGRAPH_WORDS
        return found[0] if kept <= SHORT_PARAGRAPHS else b""

    return replace(page, body=_PARAGRAPH.sub(first_ones, page.body))


def _bare(cards: Sequence[Card]) -> list[Card]:
    return [replace(card, summary="") for card in cards]


def _listed(pages: Sequence[Page]) -> int:
    return sum(read_page(page).headlines > 0 for page in pages)


def _page(url: str, body: bytes) -> Page:
    return Page(url=url, final_url=url, fetched_at=_NOW, headers={}, body=body)


if __name__ == "__main__":
    main()
