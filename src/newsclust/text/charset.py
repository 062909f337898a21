"""Bytes of XML and HTML documents -> text: byte-order mark, UTF-8, declared charset, windows-1252.

The one decoder of the package: feeds, articles' pages and the pages that discovery reads go through it.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

# Labels in any ASCII-compatible encoding (XML 1.0, appendix F; HTML, "prescan a byte stream").
_XML_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"',]+)""", re.IGNORECASE)
_XML_PRESCAN_BYTES = 1000
_HTML_PRESCAN_BYTES = 4096
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    ("<?".encode("utf-16-le"), "utf-16-le"),
    ("<?".encode("utf-16-be"), "utf-16-be"),
)
_BYTE_ORDER_MARKS = tuple(mark for mark, _ in _MARKS if mark[0] > 0x7F or mark.startswith(b"\0\0"))
# What browsers read for these labels (WHATWG Encoding, section 4.2): a superset of the named charset.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# The encodings of the WHATWG standard, as Python calls them, besides UTF-8 (tried before any declaration) and
# UTF-16 (a declaration that could be read as ASCII is wrong about it). Python's other codecs, such as utf-7, idna
# or unicode_escape, are no charset of the web, and some yield lone surrogates.
_LEGACY = re.compile(
    r"iso8859-\d+|cp125\d|cp866|cp874|cp932|cp949|koi8-[ru]|mac-(?:roman|cyrillic)|gb18030|big5\w*|euc_jp|iso2022_jp"
)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decode each byte that is no UTF-8 as windows-1252 (a codec error handler)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newsclust_windows_1252", _as_windows_1252)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A document's text, with one warning for each declaration that the bytes contradict."""

    text: str
    warnings: tuple[str, ...] = ()


def decode(body: bytes, content_type: str, *, document: Literal["xml", "html"]) -> Decoded:
    """Return readable text whatever the bytes are declared to be.

    The bytes have the first word: a byte-order mark, then validity as UTF-8 (French or English text in another
    charset is never valid UTF-8 by chance for long), then UTF-8 with damage, when more characters beyond ASCII are
    sound than broken, or a quarter of them where UTF-8 is what it is said to be, or a ninth where it is said to be
    nothing else: the broken bytes are read as windows-1252. Then comes the first declared charset that fits
    every byte, then the first in which more characters are sound than broken, then windows-1252, which is what
    Latin-1 means on the web.

    `document` says where declarations stand and which goes first. XML: the `charset` of the Content-Type header,
    then the XML declaration (RFC 7303, section 3.2). HTML: the document's own <meta> or XML declaration, then the
    header, since a server's charset is often a default for all its files.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return Decoded(text=body.decode(codec, "replace"))
    declared = tuple(map(_codec_name, _declared_labels(body, content_type, document)))
    if body.isascii() and "iso2022_jp" not in declared:  # which is ASCII with escape sequences
        return Decoded(text=body.decode("ascii"))
    try:
        return _decoded(body.decode("utf-8"), "utf-8", declared)
    except UnicodeDecodeError:
        sound_text = body.decode("utf-8", "ignore")
    broken = len(body.decode("utf-8", "replace")) - len(sound_text)
    # By chance some twelfth of the characters of Chinese in its own charset is valid UTF-8, and hardly any elsewhere.
    is_utf8 = "utf-8" in declared or (document == "xml" and not declared)
    is_only_utf8 = is_utf8 and not any(_LEGACY.fullmatch(name) for name in declared)
    if _beyond_ascii(sound_text) > broken // (8 if is_only_utf8 else 3 if is_utf8 else 1):
        text = body.decode("utf-8", "newsclust_windows_1252")
        return Decoded(text=text, warnings=(f"charset: utf-8, but for {broken} places read as windows-1252",))
    candidates = [name for name in dict.fromkeys(declared) if _LEGACY.fullmatch(name)]
    for name in candidates:
        try:
            return _decoded(body.decode(name), name, declared)
        except UnicodeDecodeError:
            continue  # the next declaration may be the true one
    for name in candidates:
        text = body.decode(name, "replace")
        if _beyond_ascii(text) > 2 * text.count("\ufffd"):
            return _decoded(text, name, declared)
    return _decoded(body.decode("cp1252", "replace"), "cp1252", declared)


def has_byte_order_mark(body: bytes) -> bool:
    """Return whether the bytes begin with a byte-order mark of UTF-8, UTF-16 or UTF-32."""
    return body.startswith(_BYTE_ORDER_MARKS)


def _declared_labels(body: bytes, content_type: str, document: Literal["xml", "html"]) -> list[str]:
    """Return the declared charset labels, the most trusted first."""
    header = _HEADER_CHARSET.search(content_type)
    inner = _XML_DECLARATION.match(body[:_XML_PRESCAN_BYTES])
    if document == "html":
        inner = _META_CHARSET.search(body[:_HTML_PRESCAN_BYTES]) or inner
    header_labels = [header[1]] if header else []
    inner_labels = [inner[1].decode("ascii", "replace")] if inner else []
    return header_labels + inner_labels if document == "xml" else inner_labels + header_labels


def _codec_name(label: str) -> str:
    """Return Python's name for a charset label, widened as browsers do; an unknown label in lower case."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):  # ValueError: a NUL in the label
        return label.lower()
    return _SUPERSETS.get(name, name)


def _beyond_ascii(text: str) -> int:
    return sum(character > "\x7f" for character in text)


def _decoded(text: str, used: str, declared: tuple[str, ...]) -> Decoded:
    wrong = [name for name in dict.fromkeys(declared) if name != used]
    return Decoded(text=text, warnings=tuple(f"charset: declared {name}, read as {used}" for name in wrong))
