"""Responses are repaired as browsers read them, however their bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclust.fetch.framing import ResponseFraming


def repaired(sent: bytes, *, step: int = 0) -> bytes:
    """What a parser sees of a response that comes in pieces of `step` bytes, or at once."""
    framing = ResponseFraming()
    cuts = range(0, len(sent), step or len(sent))
    pieces = [framing.feed(sent[start : start + (step or len(sent))]) for start in cuts]
    return b"".join([*pieces, framing.finish()])


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"X-Echo : 1\r\nContent-Length : 2\r\n\r\nab", b"X-Echo: 1\r\nContent-Length: 2\r\n\r\nab"),
        (b"A: 1\nContent-Length: 2\n\nabcd", b"A: 1\r\nContent-Length: 2\r\n\r\nab"),
        (b"no field\r\nB\xe9: 2\r\n: 3\r\nX Y: 4\r\nA: 1\r\n\r\nab", b"A: 1\r\n\r\nab"),
        (b"  folded\r\nA: 1\r\n\t2\r\n  3\r\n\r\n", b"A: 1 2 3\r\n\r\n"),
        (b"A: 1\r2\0\r\n\r\n", b"A: 1 2\r\n\r\n"),
        (b"Content-Length: 2, 2\r\n\r\nabc", b"Content-Length: 2\r\n\r\nab"),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nabc", b"Content-Length: 2\r\n\r\nab"),
        (b"Content-Length: many\r\n\r\nab", b"\r\nab"),
        (b"Content-Length:\r\n\r\nab", b"\r\nab"),
        (b"Content-Length: -1\r\n\r\nab", b"\r\nab"),
        (b"Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nab", b"Content-Length: 1\r\n\r\na"),
        (
            b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\n\r\njunk",
            b"Transfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\n\r\n",
        ),
        (
            b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: trailer\r\n\r\njunk",
            b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: trailer\r\n\r\n",
        ),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab"),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 3])
def test_a_response_is_repaired_however_it_is_cut(sent: bytes, seen: bytes, step: int):
    assert repaired(OK + sent, step=step) == OK + seen


def test_lengths_that_contradict_each_other_are_left_for_the_parser_to_refuse():
    both = b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
    assert repaired(OK + both + b"ab") == OK + both + b"ab"


def test_line_ends_before_a_response_and_hints_before_the_answer_are_no_part_of_it():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    answer = OK + b"Content-Length: 1\r\n\r\n"
    assert repaired(b"\r\n\n" + hints + answer + b"abc", step=5) == hints + answer + b"a"


def test_what_follows_an_answer_without_a_body_is_ignored():
    head = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
    assert repaired(head + b"<html>") == head


def test_what_is_no_http_and_what_breaks_off_comes_as_it_is():
    assert repaired(b"220 mail.test ESMTP\r\n\r\nx") == b"220 mail.test ESMTP\r\n\r\nx"
    assert repaired(OK + b"Content-Le", step=4) == OK + b"Content-Le"


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_repaired_alike_however_they_are_cut(sent: bytes, step: int):
    assert repaired(OK + b"Transfer-Encoding: chunked\r\n\r\n" + sent, step=step).startswith(OK)
    assert repaired(OK + sent, step=step) == repaired(OK + sent)


def test_a_head_without_end_is_not_kept_without_end():
    framing = ResponseFraming()
    seen = sum(len(framing.feed(b"X: " + b"x" * 60_000)) for _ in range(4))
    assert seen == 4 * 60_003
