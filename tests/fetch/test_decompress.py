"""Decompression: every codec, however the bytes are cut, and never more than asked for."""

import gzip
import zlib
from itertools import islice

import brotli
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsclust.fetch.decompress import PIECE_BYTES, EncodingError, decompressor_for


def _raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


CODECS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


def _decoded(encoding: str, *sent: bytes) -> bytes:
    decoder = decompressor_for(encoding)
    body = b"".join(piece for chunk in sent for piece in decoder.decompress(chunk))
    decoder.finish()
    return body


def _zeros(codec: str) -> bytes:
    """A gigabyte of zeros, compressed: deflate's full flush makes a block that can be repeated."""
    if codec == "br":
        return brotli.compress(bytes(100_000_000), quality=1)
    stream = zlib.compressobj(wbits=16 + zlib.MAX_WBITS if codec == "gzip" else zlib.MAX_WBITS)
    head = stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH)
    block = stream.compress(bytes(10_000_000)) + stream.flush(zlib.Z_FULL_FLUSH)
    return head + 99 * block


@given(
    encoding=st.sampled_from(sorted(CODECS)),
    text=st.binary(max_size=2000),
    zeros=st.integers(0, 3 * PIECE_BYTES),
    parts=st.integers(1, 300),
)
@example(encoding="br", text=b"", zeros=98_273, parts=300)  # one byte more than brotli's output buffer
@example(encoding="gzip", text=b"", zeros=PIECE_BYTES, parts=1)
def test_a_body_comes_back_whole_however_it_is_cut(encoding, text, zeros, parts):
    sent = CODECS[encoding](text + bytes(zeros))
    cut = len(sent) // parts + 1
    chunks = [sent[start : start + cut] for start in range(0, len(sent), cut)]
    assert _decoded(encoding, *chunks) == text + bytes(zeros)


@given(
    encoding=st.sampled_from(["gzip", "deflate", "br"]),
    body=st.binary(min_size=1),
    left=st.floats(0.01, 0.99),
)
def test_a_stream_that_breaks_off_is_never_taken_for_whole(encoding, body, left):
    sent = CODECS[encoding](body)
    with pytest.raises(EncodingError):
        _decoded(encoding, sent[: max(1, int(len(sent) * left))])


@given(encoding=st.sampled_from(["gzip", "deflate", "br"]), sent=st.binary())
def test_any_bytes_are_decoded_or_refused_and_nothing_else(encoding, sent):
    try:
        body = _decoded(encoding, sent)
    except EncodingError:
        return
    assert isinstance(body, bytes)


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_deflate_without_its_header_is_read_as_browsers_do(cut):
    sent = _raw_deflate(b"a headline " * 50)
    chunks = [sent[start : start + cut] for start in range(0, len(sent), cut)]
    assert _decoded("deflate", *chunks) == b"a headline " * 50


@pytest.mark.parametrize("surplus", range(-2, 9))
def test_output_that_zlib_holds_back_at_the_edge_of_a_piece_is_not_lost(surplus):
    body = bytes(PIECE_BYTES + surplus)
    assert _decoded("deflate", _raw_deflate(body)) == body


@pytest.mark.parametrize("cut", [1, 13, 10_000])
def test_gzip_members_are_joined_and_padding_is_left_alone(cut):
    sent = gzip.compress(b"first, ") + gzip.compress(b"second") + bytes(20)
    chunks = [sent[start : start + cut] for start in range(0, len(sent), cut)]
    assert _decoded("gzip", *chunks) == b"first, second"


def test_thousands_of_empty_gzip_members_are_refused():
    with pytest.raises(EncodingError, match="members"):
        _decoded("gzip", gzip.compress(b"") * 2000)


def test_an_empty_body_needs_no_stream():
    assert [_decoded(encoding) for encoding in ("gzip", "deflate", "br")] == [b"", b"", b""]


@pytest.mark.parametrize("encoding", ["zstd", "gzip, gzip"])
def test_an_encoding_that_was_not_asked_for_is_refused_by_name(encoding):
    with pytest.raises(EncodingError, match=encoding):
        decompressor_for(encoding)


@pytest.mark.parametrize("codec", ["gzip", "deflate", "br"])
def test_a_bomb_gives_small_pieces_and_only_those_taken(codec):
    pieces = decompressor_for(codec).decompress(_zeros(codec))
    taken = list(islice(pieces, 50))
    assert len(taken) == 50
    assert max(map(len, taken)) <= 4 * PIECE_BYTES
