"""One decoder for feeds and pages: what the bytes say, what is declared, and which declaration goes first."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsclust.text.charset import decode, has_byte_order_mark

ACCENTS = "L’été, où l’œuvre à 3 € naît"


def html(encoding: str, *, meta: str = "", words: str = ACCENTS) -> bytes:
    mark = f'<meta charset="{meta}">' if meta else ""
    return f"<html><head>{mark}</head><body><p>{words}</p></body></html>".encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "meta", "header"),
    [
        ("utf-8", "utf-8", "utf-8"),
        ("utf-8", "", "iso-8859-1"),
        ("utf-8", "iso-8859-1", ""),
        ("utf-8-sig", "", "iso-8859-1"),
        ("utf-16", "", ""),
        ("utf-32", "", ""),
        ("cp1252", "iso-8859-1", "utf-8"),
        ("cp1252", "iso-8859-1", "windows-1251"),
        ("cp1252", "utf-8", "iso-8859-1"),
        ("cp1252", "utf-8", "utf-8"),
        ("cp1252", "utf-16", "utf-7"),
        ("cp1252", "no-such-charset", "zip"),
        ("cp1252", "", ""),
        ("iso-8859-15", "", "ISO-8859-15"),
    ],
)
def test_html_is_decoded_right_whatever_is_declared_wrong(encoding: str, meta: str, header: str) -> None:
    words = ACCENTS.replace("’", "'") if encoding == "iso-8859-15" else ACCENTS
    content_type = "text/html" + (f"; charset={header}" if header else "")
    text = decode(html(encoding, meta=meta, words=words), content_type, document="html").text
    assert f"<p>{words}</p>" in text


@pytest.mark.parametrize("document", ["xml", "html"])
@pytest.mark.parametrize("content_type", ["", "text/html; charset=iso-8859-1"])
def test_one_damaged_byte_does_not_make_utf_8_something_else(document: str, content_type: str) -> None:
    decoded = decode(html("utf-8") + b"Caf\xe9", content_type, document=document)  # type: ignore[arg-type]
    assert ACCENTS in decoded.text
    assert decoded.text.endswith("Café")
    assert decoded.warnings == ("charset: utf-8, but for 1 places read as windows-1252",)


def test_xml_believes_the_header_before_the_declaration_and_html_the_document_before_the_header() -> None:
    in_two = "<?xml version='1.0' encoding='windows-1251'?><p>été</p>".encode("cp1252")
    header = "application/xml; charset=windows-1252"
    assert "été" in decode(in_two, header, document="xml").text
    assert "йtй" in decode(in_two, header, document="html").text


def test_of_two_declarations_the_one_that_fits_every_byte_is_used_and_the_other_is_a_warning() -> None:
    body = "<?xml version='1.0' encoding='windows-1252'?><p>l’été à Nîmes</p>".encode("cp1252")
    decoded = decode(body, "text/xml; charset=euc-jp", document="xml")
    assert "l’été à Nîmes" in decoded.text
    assert decoded.warnings == ("charset: declared euc_jp, read as cp1252",)


def test_damaged_text_in_a_declared_charset_is_read_in_it() -> None:
    body = "<p>港のフェリーは火曜日から運航を再開する</p>".encode("shift_jis") + b"\x81"
    decoded = decode(body, "text/html; charset=Shift_JIS", document="html")
    assert decoded.text.startswith("<p>港のフェリーは火曜日から運航を再開する</p>")


@given(st.text(st.characters(codec="cp1252", exclude_categories=("Cc", "Cs", "Zs")), min_size=1))
def test_a_true_declaration_of_windows_1252_is_believed_unless_the_bytes_look_like_utf_8(word: str) -> None:
    body = f"<?xml version='1.0' encoding='windows-1252'?>é {word}".encode("cp1252")
    assume(body.decode("utf-8", "ignore").isascii())
    assert decode(body, "", document="xml").text.endswith(f"é {word}")


@given(
    st.binary(max_size=300),
    st.sampled_from(["utf-8", "iso-8859-1", "utf-16", "hex", "punycode", "\0", ""]),
    st.sampled_from(["xml", "html"]),
)
def test_any_bytes_are_decoded_to_text_that_utf_8_can_hold(body: bytes, charset: str, document: str) -> None:
    text = decode(body, f"text/html; charset={charset}", document=document).text  # type: ignore[arg-type]
    text.encode("utf-8")


def test_a_byte_order_mark_is_seen() -> None:
    assert all(has_byte_order_mark("a".encode(name)) for name in ("utf-8-sig", "utf-16", "utf-32"))
    assert not any(map(has_byte_order_mark, (b"", b"<?xml", "<?xml".encode("utf-16-le"), b"\0<\0?")))


@pytest.mark.parametrize("content_type", ["text/xml", "text/xml; charset=utf-8"])
def test_the_sound_characters_of_a_text_said_to_be_utf_8_stay_sound_among_as_many_broken_ones(
    content_type: str,
) -> None:
    body = "Été à Nantes, ".encode() + "Cœur d’été".encode("cp1252")
    assert decode(body, content_type, document="xml").text == "Été à Nantes, Cœur d’été"
    more = "Été ".encode() + "Cœur d’été, où «ça» brûle à côté".encode("cp1252")
    assert decode(more, content_type, document="xml").text == "Été Cœur d’été, où «ça» brûle à côté"
    assert decode("Été".encode("cp1252"), content_type, document="xml").text == "Été"
