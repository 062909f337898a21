"""Sanitise text from strangers: what is shown moves no terminal's cursor and passes for no other words."""

import re

# Controls (C0, DEL, C1: an ESC or a CSI would move a terminal's cursor), and what turns the direction of the text
# that follows (UAX #9: embeddings, overrides, isolates). The marks LRM, RLM and ALM turn nothing: they stay.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def strip_controls(text: str) -> str:
    """Return the text without control characters and bidi overrides; line feeds and tabs stay."""
    return _CONTROLS.sub("", text)


def one_line(text: str, max_length: int) -> str:
    """Return the text on one line of at most `max_length` characters, without control characters and bidi overrides.

    A longer text ends with an ellipsis. one_line(one_line(t, n), n) == one_line(t, n).
    """
    line = " ".join(strip_controls(" ".join(text.split())).split())
    return line if len(line) <= max_length else f"{line[: max_length - 1].rstrip()}…"
