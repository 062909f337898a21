"""HTTP/1 responses repaired to the letter of RFC 9112, as browsers read them, before a strict parser sees them.

One instance reads one connection, on which one response comes: nothing behind it can be taken for another one, so
none of this opens the door to response smuggling.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_STATUS = re.compile(rb"HTTP/\d\.\d +(\d{3})\b")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;.*)?", re.DOTALL)
_MAX_HEAD_BYTES = 131_072  # a longer one goes to the parser as it comes, which refuses it
_MAX_CHUNK_LINE_BYTES = 8192
_BODILESS = (204, 304)  # RFC 9112, 6.3


class _Part(Enum):
    HEAD = auto()
    LENGTH = auto()  # a body of a known length
    CHUNKS = auto()
    REST = auto()  # as it comes, until the connection closes
    NOTHING = auto()  # whatever comes is ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The head of a response as it should have been written, and what its body is framed by."""

    written: bytes
    status: int
    length: int | None
    is_chunked: bool


@dataclass(slots=True)
class ResponseFraming:
    """Repairs one response piece by piece: `feed` returns what a strict parser may see of the next bytes.

    In its head blanks before a colon go, lines that are no header field, and a Content-Length that is no number or
    stands beside chunks; folded lines are unfolded. Of its body what was announced is left, and nothing behind it.
    """

    _part: _Part = _Part.HEAD
    _unread: bytearray = field(default_factory=bytearray)  # of the head, or of the line of a chunk
    _left: int = 0  # bytes of the body, or of a chunk and its line end
    _in_trailer: bool = False

    def feed(self, data: bytes) -> bytes:
        """Return the repaired bytes of the next piece, none while the head is not whole."""
        match self._part:
            case _Part.HEAD:
                return self._head(data)
            case _Part.LENGTH:
                kept = data[: self._left]
                self._left -= len(kept)
                return kept
            case _Part.CHUNKS:
                return self._chunks(data)
            case _Part.REST:
                return data
            case _Part.NOTHING:
                return b""

    def finish(self) -> bytes:
        """Return what was held back when the connection closes: a head that breaks off."""
        return bytes(self._unread) if self._part is _Part.HEAD else b""

    def _head(self, data: bytes) -> bytes:
        seen = max(0, len(self._unread) - 3)
        self._unread += data
        if not seen:
            self._unread = self._unread.lstrip(b"\r\n")  # RFC 9112, 2.2
        end = _HEAD_END.search(self._unread, seen)
        if end is None and len(self._unread) <= _MAX_HEAD_BYTES:
            return b""
        head = None if end is None else repaired_head(bytes(self._unread[: end.start()]))
        if end is None or head is None:
            self._part = _Part.REST
            return self._taken()
        rest = bytes(self._unread[end.end() :])
        self._unread.clear()
        if 100 <= head.status < 200:  # another head follows
            return head.written + (self._head(rest) if rest else b"")
        if head.status in _BODILESS:
            self._part = _Part.NOTHING
        elif head.is_chunked:
            self._part = _Part.CHUNKS
        elif head.length is not None:
            self._part, self._left = _Part.LENGTH, head.length
        else:
            self._part = _Part.REST
        return head.written + (self.feed(rest) if rest else b"")

    def _chunks(self, data: bytes) -> bytes:
        """Return the bytes up to the end of the last chunk and its trailer (RFC 9112, 7.1)."""
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left, position = self._left - step, position + step
                continue
            end = data.find(b"\n", position)
            self._unread += data[position : end + 1 or None]
            position = end + 1 or len(data)
            if end < 0 and len(self._unread) <= _MAX_CHUNK_LINE_BYTES:
                return data
            line = self._taken().strip()
            size = _CHUNK_SIZE.fullmatch(line)
            if self._in_trailer and not line:
                self._part = _Part.NOTHING
                return data[:position]
            if not self._in_trailer:
                if size is None:  # the parser says what is wrong with it
                    self._part = _Part.REST
                    return data
                length = int(size[1], 16)
                self._in_trailer, self._left = not length, length + 2 if length else 0
        return data

    def _taken(self) -> bytes:
        taken = bytes(self._unread)
        self._unread.clear()
        return taken


def repaired_head(head: bytes) -> _Head | None:
    """Return the head of a response without its last line ends, repaired; None when it is no HTTP/1."""
    status_line, *lines = head.replace(b"\r\n", b"\n").split(b"\n")
    status = _STATUS.match(status_line)
    if status is None:
        return None
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        plain = line.replace(b"\r", b" ").replace(b"\0", b"")
        if plain[:1] in b" \t":
            if fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + b" " + plain.strip())
            continue  # else it continues nothing
        name, colon, value = plain.partition(b":")
        name = name.rstrip()
        if colon and _TOKEN.fullmatch(name):
            fields.append((name, value.strip()))
    codings = [value.lower() for name, value in fields if name.lower() == b"transfer-encoding"]
    is_chunked = any(b"chunked" in coding for coding in codings)
    lengths = {
        length.strip() for name, value in fields if name.lower() == b"content-length" for length in value.split(b",")
    }
    numbers = {length for length in lengths if length.isdigit() and len(length) < 16}
    ignored = {b"content-length"} if is_chunked or len(numbers) < 2 else set()
    if set(codings) == {b"identity"}:
        ignored.add(b"transfer-encoding")
    kept = [(name, value) for name, value in fields if name.lower() not in ignored]
    length = int(next(iter(numbers))) if len(numbers) == 1 and not is_chunked else None
    if length is not None:
        kept.append((b"Content-Length", b"%d" % length))
    written = b"".join(b"%s: %s\r\n" % pair for pair in kept)
    return _Head(
        written=b"%s\r\n%s\r\n" % (status_line.strip(), written),
        status=int(status[1]),
        length=length,
        is_chunked=is_chunked,
    )
