"""One feed document -> entries that keep their ids from night to night."""

from collections import Counter
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from newsclust.model import MAX_TITLE_CHARACTERS, Entry, Feed, Page, ParsedFeed, id_of
from newsclust.sources.document import SourceDocument, SourceItem, bounded
from newsclust.sources.entry_dates import EntryDates, dates_of
from newsclust.sources.html import plain_address, plain_text
from newsclust.sources.registry import source_of
from newsclust.sources.shared_addresses import PlacedItem, own_sites, own_urls
from newsclust.text.language import language_code
from newsclust.text.sanitize import one_line
from newsclust.urls import HIDDEN, canonical, redacted, site_of

_TITLE_CHARACTERS = 80  # of a text that stands in for a missing title
_LONGEST_NAME = 200  # of an author or a feed
_LONGEST_GUID = 2000
_LONGEST_WARNING = 200
_COMPARED_CHARACTERS = 4000  # of an item's HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class _AddressedItem:
    """An item with its address: `link` absolute, `url` canonical."""

    item: SourceItem
    link: str
    url: str
    warnings: tuple[str, ...] = ()
    is_enclosure: bool = False

    @property
    def whole(self) -> tuple[str, str | None, str]:
        """Return what must agree for two items to be one item shown twice."""
        return self.url, self.item.guid, self.item.title


def parse_feed(feed: Feed, page: Page) -> ParsedFeed:
    """Return the entries of one downloaded feed document, in its order, each id once.

    An entry's id is made of the feed's URL and
    - its canonical link, where no other item of the document has that link and it is not the site's home;
    - else its guid, where no other item has that guid;
    - else its link and title.
    So a feed that repeats one guid on every item keeps all its entries, and one that changes all guids
    overnight doubles none. An item repeated whole counts once; of two entries with one id the first stays.

    A guid that is a web address stands in for a missing link, then an enclosure's address, then the site's; an item
    whose link cannot be used and that has neither is left out with the warning "entry without an address: TITLE".
    Where several things are told at one address each has it with a fragment (`shared_addresses`). Relative links
    are taken from xml:base, then from the feed's own address (Atom, JSON Feed) or its site's (RSS, which knows no
    base). A missing title is the beginning of the text. `page.fetched_at` is the present: it stands in for a date
    that is missing, unreadable or over 15 minutes ahead, where neither the address nor the neighbours tell
    (`entry_dates`). The language is the entry's own, else what a person wrote in the feed list, else the document's.

    Titles, names and warnings are one line of 500 or 200 characters at most, without control characters and bidi
    overrides. Summary and content are sanitised HTML, and whole up to 500,000 characters; a document has 5,000
    entries at most. Whatever is left out or corrected is a warning.

    ParseError(feed.url) when the page is nothing of the feed's kind: EMPTY, HTML_NOT_FEED, NOT_A_FEED or
    NOTHING_SELECTED.
    """
    document = bounded(source_of(feed.kind).parse(feed, page))
    warnings = list(document.warnings)
    if not document.items:
        warnings.append("no entries")
    document_language = _language(document.language, warnings)
    addressed: list[_AddressedItem] = []
    base, home = _base(feed, page, document), _home(feed, page, document)
    for item in document.items:
        try:
            addressed.append(_addressed(item, base, home))
        except ValueError:
            title = one_line(_title(item, "(no title)"), _TITLE_CHARACTERS)
            warnings.append(f"entry without an address: {title}")
    homes = _homes(feed, page, document)
    distinct = {candidate.whole for candidate in addressed}
    urls = Counter(url for url, _, _ in distinct)
    guids = Counter(guid for _, guid, _ in distinct if guid)
    language = feed.language or document_language
    dates = dates_of([one.item for one in addressed], [one.link for one in addressed], language, page.fetched_at)
    placed = [
        PlacedItem(
            link=one.link,
            url=one.url,
            guid=one.item.guid,
            title=one.item.title,
            day=dated.published_at.date() if dated.quality.is_own else None,
            source=one.item.source_url or one.item.source_title,
            text=_text(one.item) if urls[one.url] > 1 or one.url in homes else "",  # of use only there
        )
        for one, dated in zip(addressed, dates, strict=True)
    ]
    sites = own_sites(homes, feed.url)
    article_urls = own_urls(placed, homes, feed.url)
    entries: dict[str, Entry] = {}
    # Two feeds whose addresses differ only in what is hidden are two feeds.
    feed_key = feed.id if HIDDEN in feed.url else feed.url
    for candidate, url, dated in zip(addressed, article_urls, dates, strict=True):
        guid = candidate.item.guid
        alone = id_of(feed_key, candidate.url)
        if guid and guids[guid] == 1:
            among_others = id_of(feed_key, guid)
        else:
            among_others = id_of(feed_key, candidate.url, candidate.item.title)
        if candidate.url in homes:
            ids: tuple[str, ...] = (among_others,)
        else:
            ids = (alone, among_others) if urls[candidate.url] == 1 else (among_others, alone)
        if urls[candidate.url] == 1 and site_of(candidate.url) not in sites:
            ids = ids[:1]  # a page of another site is what it is, whoever links to it again
        own_url = f"{url}#enclosure" if candidate.is_enclosure else url
        entry = replace(_entry(feed, ids[0], candidate, language, dated), url=own_url, other_ids=ids[1:])
        if entry.id in entries:
            warnings.append(f"entry repeated: {entry.title[:_TITLE_CHARACTERS]}")
        else:
            entries[entry.id] = entry
    return ParsedFeed(
        feed_id=feed.id,
        title=_name(document.title),
        entries=tuple(entries.values()),
        site_url=redacted(document.site_url) if document.site_url and _is_address(document.site_url) else None,
        warnings=tuple(one_line(warning, _LONGEST_WARNING) for warning in warnings),
        update_hints=document.update_hints,
    )


def _entry(feed: Feed, entry_id: str, addressed: _AddressedItem, language: str | None, dates: EntryDates) -> Entry:
    item = addressed.item
    warnings = list(addressed.warnings)
    own_language = _language(item.language, warnings)
    warnings.extend(dates.warnings)
    title = one_line(_title(item, addressed.url), MAX_TITLE_CHARACTERS) or addressed.url
    if not item.title:
        warnings.append(
            "no title: the address stands in" if title == addressed.url else "no title: taken from the text"
        )
    return Entry(
        id=entry_id,
        feed_id=feed.id,
        guid=one_line(item.guid, _LONGEST_GUID) if item.guid else None,
        link=addressed.link,
        url=addressed.url,
        title=title,
        summary=item.summary,
        content=item.content,
        author=_name(item.author),
        language=own_language or language,
        published_at=dates.published_at,
        date_quality=dates.quality,
        updated_at=dates.updated_at,
        source_title=_name(item.source_title),
        source_url=redacted(item.source_url) if item.source_url and _is_address(item.source_url) else None,
        warnings=tuple(one_line(warning, _LONGEST_WARNING) for warning in warnings),
    )


def _name(written: str | None) -> str | None:
    return one_line(written or "", _LONGEST_NAME) or None


def _title(item: SourceItem, otherwise: str) -> str:
    """Return the title, else the first words of the text, else `otherwise`."""
    text = item.title or plain_text(item.summary or "") or plain_text(item.content or "")
    if item.title or len(text) <= _TITLE_CHARACTERS:
        return text or otherwise
    words = text[:_TITLE_CHARACTERS].rpartition(" ")[0] or text[:_TITLE_CHARACTERS]
    return f"{words}…"


def _language(written: str | None, warnings: list[str]) -> str | None:
    """Return the ISO 639-1 code of what was written; None and a warning when it is no language."""
    if not written or not written.strip():
        return None
    try:
        return language_code(written)
    except ValueError as error:
        warnings.append(f"language: {error}")
        return None


# --- addresses


def _addressed(item: SourceItem, base: str, home: str) -> _AddressedItem:
    """Return the item with its link, else its guid's address, its enclosure's, or the site's; ValueError with none.

    The site's address stands for an item without any, never for one whose link cannot be used.
    """
    if item.link:
        try:
            link = urljoin(base, item.link)
            return _AddressedItem(item=item, link=link, url=canonical(link))
        except ValueError:
            pass  # what else the item names is tried
    stand_ins = [("guid", plain_address(item.guid or "")), ("enclosure", urljoin(base, item.enclosure or "mailto:"))]
    if not item.link and (item.title or item.summary or item.content):
        stand_ins.append(("site's address", home))
    for name, written in stand_ins:
        try:
            url = canonical(written)
        except ValueError:
            continue  # no address: the next one
        warnings = (f"no usable link: the {name} stands in",)
        return _AddressedItem(item=item, link=written, url=url, warnings=warnings, is_enclosure=name == "enclosure")
    raise ValueError("neither link nor guid nor enclosure is an address")


def _base(feed: Feed, page: Page, document: SourceDocument) -> str:
    if not document.relative_to_site:
        return page.final_url
    return next((site for site in (document.site_url, feed.site_url) if site and _is_address(site)), page.final_url)


def _homes(feed: Feed, page: Page, document: SourceDocument) -> set[str]:
    """Return the canonical addresses that are the site itself and so no entry's own."""
    written = (feed.site_url, document.site_url, urljoin(feed.url, "/"), urljoin(page.final_url, "/"))
    return {canonical(home) for home in written if home and _is_address(home)}


def _home(feed: Feed, page: Page, document: SourceDocument) -> str:
    """Return the site's own address."""
    known = (site for site in (document.site_url, feed.site_url) if site and _is_address(site))
    return next(known, urljoin(page.final_url, "/"))


def _text(item: SourceItem) -> str:
    """Return the beginning of an item's words, by which it is told from others at its address."""
    return plain_text((item.content or item.summary or "")[:_COMPARED_CHARACTERS])


def _is_address(text: str) -> bool:
    try:
        canonical(text)
    except ValueError:
        return False
    return True
