"""Content-Encoding decompressed piece by piece, so that a size limit stops a decompression bomb early."""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

import brotli

ACCEPTED = "gzip, deflate, br"
PIECE_BYTES = 65536
_MAX_MEMBERS = 1024  # of one gzip stream: usual ones have one, and each further member costs a copy of the rest
_NOT_ASKED_FOR = frozenset(("compress", "x-compress", "zstd", "dcb", "dcz", "exi", "pack200-gzip"))  # IANA's others
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<[!?/A-Za-z]|\{\s*\"|\[\s*\{)")  # how no compressed stream begins
_GZIP_MAGIC = 0x1F  # the first byte of a member (RFC 1952, 2.3.1)


class EncodingError(Exception):
    """The bytes do not match Content-Encoding, or it names a coding that was not in Accept-Encoding."""


class Decompressor(Protocol):
    """Decompression of one response body."""

    def decompress(self, sent: bytes) -> Iterator[bytes]:
        """Decompress the next bytes as sent, lazily: what the caller does not consume is not produced."""
        ...

    def finish(self) -> None:
        """Check that the stream was complete; raises EncodingError when it is truncated."""
        ...


def decompressor_for(content_encoding: str) -> Decompressor:
    """Return a new decompressor for one response's Content-Encoding (RFC 9110, 8.4.1); raises EncodingError.

    What is no coding at all (`utf-8`, `aws-chunked`, `none`) is passed over, as by browsers, and so is a coding of a
    body that is not encoded. A real one that was not asked for is refused.
    """
    names = [name.partition(";")[0].strip(" \t\"'").lower() for name in content_encoding.split(",")]
    codings = [name for name in names if name in _CODINGS or name in _NOT_ASKED_FOR]
    if len(codings) > 1 or any(name in _NOT_ASKED_FOR for name in codings):
        raise EncodingError(f"Content-Encoding {', '.join(codings)!r} was not asked for")
    return _Coded(_CODINGS[codings[0]]()) if codings else _Identity()


class _Coded:
    """A coding, unless the body begins as text does: then its server only says so."""

    def __init__(self, coding: Decompressor) -> None:
        self._coding = coding
        self._is_begun = False

    def decompress(self, sent: bytes) -> Iterator[bytes]:
        if sent and not self._is_begun:
            self._is_begun = True
            if _TEXT.match(sent):
                self._coding = _Identity()
        yield from self._coding.decompress(sent)

    def finish(self) -> None:
        self._coding.finish()


class _Identity:
    def decompress(self, sent: bytes) -> Iterator[bytes]:
        yield sent

    def finish(self) -> None:
        """Accept any length: HTTP itself checks that."""


class _Zlib:
    """gzip (RFC 1952, several members allowed) or deflate (RFC 1950, and RFC 1951 as some servers send it).

    Bytes after the last member are ignored, as browsers do: padding is common.
    """

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._over = False

    def decompress(self, sent: bytes) -> Iterator[bytes]:
        pending = False  # zlib consumed all the input and still has output pending
        while (sent or pending) and not self._over:
            if self._stream is None:
                self._stream = self._new_member(sent[0])
            elif self._stream.eof:
                self._over = not self._gzip or sent[0] != _GZIP_MAGIC
                if self._over:
                    return
                self._stream = self._new_member(sent[0])
            try:
                piece = self._stream.decompress(sent, PIECE_BYTES)
            except zlib.error as error:
                raise EncodingError(str(error)) from error
            if piece:
                yield piece
            if self._stream.eof:
                sent, pending = self._stream.unused_data, False
            else:
                sent, pending = self._stream.unconsumed_tail, len(piece) == PIECE_BYTES

    def finish(self) -> None:
        if self._stream is not None and not self._stream.eof:
            raise EncodingError("the compressed stream breaks off")

    def _new_member(self, first_byte: int) -> "zlib._Decompress":
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise EncodingError(f"more than {_MAX_MEMBERS} gzip members")
        if self._gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        has_zlib_header = first_byte & 0x0F == 8  # RFC 1950, 2.2: compression method 8
        return zlib.decompressobj(zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS)


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._started = False

    def decompress(self, sent: bytes) -> Iterator[bytes]:
        self._started = self._started or bool(sent)
        while not self._stream.is_finished():
            try:
                piece = self._stream.process(sent, output_buffer_limit=PIECE_BYTES)
            except brotli.error as error:
                raise EncodingError(str(error)) from error
            if piece:
                yield piece
            if self._stream.can_accept_more_data() and len(piece) < PIECE_BYTES:
                return  # a full piece may have left output pending, whatever can_accept_more_data says
            sent = b""

    def finish(self) -> None:
        if self._started and not self._stream.is_finished():
            raise EncodingError("the compressed stream breaks off")


_CODINGS: Mapping[str, Callable[[], Decompressor]] = {
    "gzip": partial(_Zlib, gzip=True),
    "x-gzip": partial(_Zlib, gzip=True),
    "deflate": partial(_Zlib, gzip=False),
    "br": _Brotli,
}
