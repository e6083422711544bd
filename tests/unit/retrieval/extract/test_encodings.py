import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.retrieval.extract.dispatch import extract
from antiphon.retrieval.extract.document import Unreadable
from antiphon.retrieval.extract.encodings import decode, detect
from tests.unit.retrieval.extract.files import cp1258

SIMPLIFIED = "借书证在前台办理，请带上身份证。每人每次最多可以借五本书，借期是三个星期，还书时间可以在网上查到。"
TRADITIONAL = "借書證在前臺辦理，請帶上身分證。每人每次最多可以借五本書，借期是三個星期，還書時間可以在網上查到。"
VIETNAMESE = (
    "Thẻ thư viện được làm ở quầy, xin mang theo giấy tờ. Mỗi người mượn được năm cuốn sách trong ba tuần, ngày trả có thể xem trên mạng."
)
FRENCH = "La carte se fait à l'accueil ; apportez une pièce d'identité. Le prêt dure trois semaines, même l'été."


@pytest.mark.parametrize(
    ("text", "data", "codec"),
    [
        (SIMPLIFIED, SIMPLIFIED.encode("gb18030"), "gb18030"),
        (TRADITIONAL, TRADITIONAL.encode("big5hkscs"), "big5hkscs"),
        (VIETNAMESE, cp1258(VIETNAMESE), "cp1258"),
        (FRENCH, FRENCH.encode("cp1252"), "cp1252"),
        (SIMPLIFIED, SIMPLIFIED.encode("utf-8"), "utf-8"),
        (SIMPLIFIED, SIMPLIFIED.encode("utf-8-sig"), "utf-8-sig"),
        (TRADITIONAL, TRADITIONAL.encode("utf-16"), "utf-16"),
        (SIMPLIFIED, SIMPLIFIED.encode("utf-16-le"), "utf-16-le"),
        (TRADITIONAL, TRADITIONAL.encode("utf-16-be"), "utf-16-be"),
        (VIETNAMESE, VIETNAMESE.encode("utf-16-le"), "utf-16-le"),
        (FRENCH, FRENCH.encode("utf-32"), "utf-32"),
    ],
)
def test_real_text_is_read_in_its_own_encoding(text: str, data: bytes, codec: str) -> None:
    assert detect(data) == codec
    assert extract(data, name="page.txt").text == text


def test_tones_become_part_of_their_letters() -> None:
    text = extract(cp1258(VIETNAMESE), name="a.txt").text
    assert unicodedata.is_normalized("NFC", text)
    assert "được" in text


def test_a_declared_encoding_is_believed_only_where_it_fits() -> None:
    assert detect(SIMPLIFIED[:3].encode("gb18030"), declared="GBK") == "gb18030"
    assert detect(SIMPLIFIED.encode("utf-8"), declared="big5") == "utf-8"
    page = f'<html><head><meta charset="big5"></head><body>{TRADITIONAL[:4]}</body></html>'.encode("big5")
    assert TRADITIONAL[:4] in decode(page, html=True)


@pytest.mark.parametrize("data", [bytes(range(128, 256)) * 8, b"\x80\x81\x00\xff\xfe\x01\x90" * 40])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable) as raised:
        detect(data)
    assert raised.value.reason == "encoding"


@given(st.binary(max_size=400))
def test_whatever_is_detected_decodes(data: bytes) -> None:
    try:
        codec = detect(data)
    except Unreadable:
        return
    assert isinstance(data.decode(codec), str)
