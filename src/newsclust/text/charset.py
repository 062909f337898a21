"""Bytes -> text, when neither the header nor the XML declaration can be trusted."""

import codecs
import re
from dataclasses import dataclass

# The labels a feed may use, in any ASCII-compatible encoding (XML 1.0, appendix F).
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    ("<?".encode("utf-16-le"), "utf-16-le"),
    ("<?".encode("utf-16-be"), "utf-16-be"),
)
# What browsers read for these labels (WHATWG Encoding, section 4.2): a larger set that contains the named.
_LARGER = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
# Python codecs that are no character set of the web; some yield lone surrogates.
_NOT_FOR_THE_WEB = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decoder error callback: each byte that is no UTF-8 reads as windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newsclust_windows_1252", _as_windows_1252)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    text: str
    warnings: tuple[str, ...] = ()


def decode(body: bytes, content_type: str) -> Decoded:
    """Readable text whatever the bytes claim to be; a warning where header, declaration and bytes disagree.

    The bytes have the last word: a byte-order mark, then validity as UTF-8 (French or English text in another
    charset is never valid UTF-8 by chance for long), then the header's charset (RFC 7303: it outranks the
    declaration), then the declaration's, then windows-1252.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return _told(body.decode(codec, "replace"), codec, ())
    header = _HEADER_CHARSET.search(content_type)
    declaration = _DECLARATION.match(body)
    declared = tuple(
        _codec(label) for label in (header and header[1], declaration and declaration[1].decode("ascii")) if label
    )
    if body.isascii() and not any(name.startswith("iso2022") or name == "hz" for name in declared):
        return Decoded(text=body.decode("ascii"))
    try:
        return _told(body.decode("utf-8"), "utf-8", declared)
    except UnicodeDecodeError:
        pass  # not UTF-8: ask the declarations
    for name in dict.fromkeys(declared):
        if name != "utf-8":
            try:
                return _told(body.decode(name), name, declared)
            except (ValueError, LookupError):  # ValueError: bytes that do not fit, or a NUL in the name
                continue  # the next declaration may be the true one; `_told` reports this one
    sound = sum(character > "\x7f" for character in body.decode("utf-8", "ignore"))
    broken = len(body.decode("utf-8", "replace")) - len(body.decode("utf-8", "ignore"))
    if sound > broken:
        text = body.decode("utf-8", "newsclust_windows_1252")
        return Decoded(text=text, warnings=(f"charset: utf-8, but for {broken} places read as windows-1252",))
    return _told(body.decode("cp1252", "replace"), "cp1252", declared)


def _codec(label: str) -> str:
    """Python's name for a charset label, widened as browsers do; the label itself when it names nothing."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return label.lower()
    if name in _NOT_FOR_THE_WEB:
        return f"x-{name}"
    return _LARGER.get(name, name)


def _told(text: str, used: str, declared: tuple[str, ...]) -> Decoded:
    wrong = [name for name in dict.fromkeys(declared) if name != used]
    return Decoded(text=text, warnings=tuple(f"charset: declared {name}, read as {used}" for name in wrong))
