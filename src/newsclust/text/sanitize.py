"""Words of strangers, safe to show: they neither move a terminal's cursor nor pass for other words."""

import re

# Controls (C0, DEL, C1: an ESC or a CSI would move a terminal's cursor), and what turns the direction of the text
# that follows (UAX #9: embeddings, overrides, isolates). The marks LRM, RLM and ALM turn nothing: they stay.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def inert(text: str) -> str:
    """The text without controls and overrides of direction; line feeds and tabs stay."""
    return _COMMANDS.sub("", text)


def legible(text: str, most: int) -> str:
    """The text on one line of at most `most` characters, without controls and overrides of direction.

    A text that was longer ends with an ellipsis. legible(legible(t, n), n) == legible(t, n).
    """
    line = " ".join(inert(" ".join(text.split())).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
