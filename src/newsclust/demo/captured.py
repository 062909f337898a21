"""Captured documents (real feeds and pages kept outside the repository) as a site for the loopback server."""

from pathlib import Path

from newsclust.demo.server import Reply, Site
from newsclust.errors import SettingsError
from newsclust.model import Feed, PagePolicy, id_of
from newsclust.urls import canonical

PAGE_URLS = {
    "next-noyb-meta.html": "https://next.ink/183501/next-noyb-meta/",
    "spun-meta-noyb.html": "https://spun-site.example/spun-meta-noyb",
    "developpez-linkedin.html": "https://www.developpez.net/forums/d2172017/developpez-linkedin/",
}


def captured_site(folder: Path) -> Site:
    """Return every captured feed, under /feed/ on the host that its channel names, and every captured page."""
    site = {
        feed.url: Reply(body=file.read_bytes(), content_type="application/rss+xml; charset=utf-8")
        for file, feed in _feeds(folder)
    }
    return site | {url: Reply(body=(folder / "pages" / name).read_bytes()) for name, url in PAGE_URLS.items()}


def captured_feeds(folder: Path) -> list[Feed]:
    """Return the feeds that `captured_site` serves, by file name."""
    return [feed for _, feed in _feeds(folder)]


def _feeds(folder: Path) -> list[tuple[Path, Feed]]:
    from lxml import etree

    files = sorted((folder / "feeds").glob("*.xml"))
    if not files:
        raise SettingsError(f"{folder}: no feeds/*.xml there")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    feeds = []
    for file in files:
        channel = etree.parse(file, parser).find("channel")
        home = channel.findtext("link")
        url = f"{home.rstrip('/')}/feed/{file.name}"
        links = {link.text for link in channel.iterfind("item/link")}
        feeds.append(
            (
                file,
                Feed(
                    id=id_of(canonical(url)),
                    url=url,
                    title=channel.findtext("title"),
                    site_url=home,
                    language=channel.findtext("language"),
                    # The other feeds hold the text, or its free beginning. Their pages were not captured: a
                    # request for one could only fail.
                    pages=PagePolicy.AUTO if links & set(PAGE_URLS.values()) else PagePolicy.NEVER,
                ),
            )
        )
    return feeds
