"""Cells of Markdown: no text of a stranger makes a column, a tag, a link or an image."""

import re

from newsclust.text.sanitize import one_line

_MARKUP = re.compile(r"[\\|<\[\]`]")  # each can be written with a backslash before it (CommonMark, 2.4)
_WHOLE = 10_000_000  # characters: nothing is cut


def cell(text: str, max_length: int = _WHOLE) -> str:
    """Return a text as escaped Markdown on one line, cut to `max_length`.

    Prefect's pages and any Markdown viewer show it; a headline could otherwise load an image of its own.
    """
    return _MARKUP.sub(r"\\\g<0>", one_line(text, max_length))
