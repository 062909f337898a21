"""The documents that the project was asked from, as sites; they lie outside the repository."""

from pathlib import Path

from newsclust.demo.server import Reply, Site
from newsclust.errors import SettingsError
from newsclust.model import Feed, PagePolicy, id_of
from newsclust.urls import canonical

PAGES = {
    "next-noyb-meta.html": "https://next.ink/183501/next-noyb-meta/",
    "spun-meta-noyb.html": "https://spun-site.example/spun-meta-noyb",
    "developpez-linkedin.html": "https://www.developpez.net/forums/d2172017/developpez-linkedin/",
}


def seed_site(folder: Path) -> Site:
    """Every feed of the folder under /feed/ on the host that its channel names, and every page kept."""
    site = {
        feed.url: Reply(body=file.read_bytes(), content_type="application/rss+xml; charset=utf-8")
        for file, feed in _feeds(folder)
    }
    return site | {url: Reply(body=(folder / "pages" / name).read_bytes()) for name, url in PAGES.items()}


def seed_feeds(folder: Path) -> list[Feed]:
    """The feeds that `seed_site` serves, by file name."""
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
                    # The other feeds hold the text, or its free beginning; their pages were not kept, and a
                    # request for one would be a failure that tells nothing.
                    pages=PagePolicy.AUTO if links & set(PAGES.values()) else PagePolicy.NEVER,
                ),
            )
        )
    return feeds
