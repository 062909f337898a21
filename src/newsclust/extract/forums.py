"""Find the posts of a forum thread that are articles, and drop what the forum writes about their authors."""

import re
from typing import TYPE_CHECKING

from newsclust.text.html_to_text import element_lines
from newsclust.text.normalize import word_count

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# A later post is an article when it has a title of its own and so many words of its own: of the replies in the
# developpez.com thread that we know the longest has 253, of the articles the shortest 757.
MIN_ARTICLE_WORDS = 400
MIN_TITLE_WORDS = 4

# Posts of a thread as vBulletin (developpez.com), phpBB, XenForo and Discourse mark them.
_POST_CLASSES = frozenset(("post", "postcontainer", "message--post", "topic-post"))
# What a forum writes beside a post about who wrote it; a blog's div.post has none of it.
_PROFILE = re.compile(
    r"(?:inscrite? (?:en|le)|inscription|messages|membre \w+|profil pro|détails du profil|avatar de .*|"
    r".* est déconnecté|informations (?:personnelles|professionnelles|forums)|sexe|âge|localisation|activité|"
    r"secteur|join(?:ed| date)|posts|member since|location|reputation)\b ?(?::.*|\d.*)?|"
    r"(?:par défaut|default) .*",  # the alternative text of vBulletin's post icon, before the post's title
    re.IGNORECASE,
)
_ICON_AND_TITLE = re.compile(r"(?:par défaut|default) +(.+)", re.IGNORECASE)
_REPLY = re.compile(r"(?:re|tr|aw) ?:", re.IGNORECASE)
_MAX_PROFILE_LINES = 40


def forum_posts(tree: "HtmlElement") -> list["HtmlElement"]:
    """Return the posts of a forum thread, in order; none when the page is no thread."""
    candidates = tree.xpath("//*[contains(@class, 'post')][not(ancestor::blockquote)]")
    posts = [element for element in candidates if not _POST_CLASSES.isdisjoint(element.get("class").split())]
    with_profile = [post for post in posts if any(map(_PROFILE.fullmatch, element_lines(post)[:_MAX_PROFILE_LINES]))]
    return posts if len(posts) > 1 and len(with_profile) * 2 >= len(posts) else []


def thread_text(posts: list["HtmlElement"]) -> str:
    """Return the lines of the thread's articles: its first post, and each later one that is no reply."""
    first, *later = posts
    return "\n".join(_without_profile(element_lines(post)) for post in [first, *filter(_is_article, later)])


def _is_article(post: "HtmlElement") -> bool:
    quoted = sum(word_count(quote.text_content()) for quote in post.iter("blockquote"))
    own = word_count(_without_profile(element_lines(post))) - quoted
    return own >= MIN_ARTICLE_WORDS and any(map(_is_title, _titles(post)))


def _titles(post: "HtmlElement") -> list[str]:
    icon_titles = [
        found[1] for line in element_lines(post)[:_MAX_PROFILE_LINES] if (found := _ICON_AND_TITLE.fullmatch(line))
    ]
    return [*icon_titles, *(heading.text_content() for heading in post.iter("h1", "h2", "h3"))]


def _is_title(words: str) -> bool:
    return word_count(words) >= MIN_TITLE_WORDS and not _REPLY.match(words.strip())


def _without_profile(lines: list[str]) -> str:
    """Return the lines after the last one that describes the author of a forum post."""
    head = lines[:_MAX_PROFILE_LINES]
    last = max((at for at, line in enumerate(head) if _PROFILE.fullmatch(line)), default=-1)
    return "\n".join(lines[last + 1 :])
