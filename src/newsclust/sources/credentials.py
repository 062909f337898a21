"""Credentials in the addresses of feeds: written in the list or named by it, told to the request alone."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from newsclust.errors import SettingsError
from newsclust.model import Feed, FeedList

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def secret_urls(feeds: Iterable[Feed | FeedList], environment: Mapping[str, str]) -> dict[str, str]:
    """The address to ask of every feed and list whose `url` hides credentials, by id; ${NAME} is what it holds.

    Values are percent-encoded, so a password may hold any character. SettingsError, one line for each, naming feed
    and variable, when one is not set.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for feed in feeds:
        if feed.written_url is not None:
            unset = [name for name in _VARIABLE.findall(feed.written_url) if not environment.get(name)]
            problems += [f"{feed.url}: the environment variable {name} is not set" for name in unset]
            found[feed.id] = _VARIABLE.sub(
                lambda name: quote(environment.get(name[1], ""), safe=""), feed.written_url
            )
    if problems:
        raise SettingsError("\n".join(problems))
    return found
