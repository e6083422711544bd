"""Which encoding a text is in: its byte order mark, what it declares, strict UTF-8, then which reading makes sense as a language.

GB18030 and Big5 share most of their bytes, so a strict decode proves little. What tells them apart is that the right reading is full of
frequent characters and the wrong one is full of rare ones. Windows-1258 writes Vietnamese tones as marks after a vowel; a reading in
which such marks follow consonants is another Western language. A text that no reading fits is refused rather than stored as garbage.

Sources: code pages as the Python standard library maps them (WHATWG labels differ only in the names accepted below).
"""

from __future__ import annotations

import codecs
import itertools
import re
from typing import Final

from antiphon.retrieval.extract.document import Unreadable

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS: Final = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cp950": "big5hkscs",
    "windows-1258": "cp1258",
    "cp1258": "cp1258",
    "x-cp1258": "cp1258",
    "windows-1252": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_CHINESE: Final = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_SHORT: Final = 64  # bytes; below, any bytes may pass for a few characters of UTF-16
_SAMPLE: Final = 65_536
_FREQUENT: Final = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及"
    "比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统"
    "這個們來為國說時會過發後裡種經現當沒動還進樣開從實軍無與長機關點業將兩間問應戰頭體見產話員處論義條氣題爾別變總電數報結場計統區請書務"
    "文件服务器配置安装系统使用运行命令用户测试設定檔案伺服器安裝執行使用者測試資料網路，。、；：？！（）「」《》“”"
)
_VOWELS: Final = frozenset("aăâeêioôơuưyAĂÂEÊIOÔƠUƯY")
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
_HAN = re.compile(r"[\u3400-\u9fff]")
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]+)", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_\-]+)", re.IGNORECASE)


def decode(data: bytes, *, declared: str | None = None, html: bool = False) -> str:
    """The text of `data`. declared: a charset from HTTP. Raises Unreadable `encoding` when no known encoding fits."""
    return data.decode(detect(data, declared=declared, html=html))


def detect(data: bytes, *, declared: str | None = None, html: bool = False) -> str:
    """The name of a Python codec that decodes `data` without an error."""
    for mark, codec in _BOMS:
        if data.startswith(mark) and _decodes(data, codec):
            return codec
    wide = _wide(data)
    if wide is not None:
        return wide
    if _decodes(data, "utf-8"):
        return "utf-8"
    for label in (declared, _declared_inside(data) if html else None):
        codec_name = _LABELS.get((label or "").lower())
        if codec_name and codec_name != "utf-8" and _decodes(data, codec_name):
            return codec_name
    return _by_sense(data)


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _declared_inside(data: bytes) -> str | None:
    head = data[:2048]
    found = _XML.search(head) or _META.search(head)
    return found.group(1).decode("ascii") if found else None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: line ends, spaces and digits leave zero bytes on one side only."""
    if len(data) < 4 or len(data) % 2:
        return None
    sample = data[:_SAMPLE]
    high, low = sample[1::2].count(0), sample[0::2].count(0)
    if high + low == 0 or min(high, low) * 20 > max(high, low):
        return None
    codec = "utf-16-le" if high > low else "utf-16-be"
    if not _decodes(data, codec):
        return None
    text = data[: len(sample)].decode(codec, "ignore")
    sensible = sum(character.isalnum() or character.isspace() or character in ".,;:-()" or character in _FREQUENT for character in text)
    return codec if sensible * 10 >= len(text) * 7 else None


def _by_sense(data: bytes) -> str:
    chinese = sorted(((_chinese(data, codec), codec) for codec in _CHINESE), reverse=True)
    score, codec = chinese[0]
    if score >= 0.2:
        return codec
    if _vietnamese(data):
        return "cp1258"
    if score >= 0.1:
        return codec
    if _western(data):
        return "cp1252"
    raise Unreadable(
        "encoding",
        "The text is in none of the known encodings (UTF-8, UTF-16, GB18030, Big5, windows-1258). Save it as UTF-8 and try again.",
    )


def _chinese(data: bytes, codec: str) -> float:
    """Share of frequent characters among those beyond ASCII; 0 when the bytes do not decode."""
    if not _decodes(data, codec):
        return 0.0
    text = data[:_SAMPLE].decode(codec, "ignore")
    beyond = [character for character in text if character > "\x7f"]
    if not beyond or not _HAN.search(text) or (codec.startswith("utf-16") and len(data) < _SHORT):
        return 0.0
    return sum(character in _FREQUENT for character in beyond) / len(beyond)


def _vietnamese(data: bytes) -> bool:
    if not _decodes(data, "cp1258"):
        return False
    text = data.decode("cp1258")
    after_vowel = elsewhere = 0
    for before, mark in itertools.pairwise(text):
        if mark in _TONES:
            if before in _VOWELS:
                after_vowel += 1
            else:
                elsewhere += 1
    return after_vowel > 0 and elsewhere * 20 <= after_vowel


def _western(data: bytes) -> bool:
    """Letters beyond ASCII stand inside words and are few; noise has them everywhere."""
    if not _decodes(data, "cp1252"):
        return False
    text = data.decode("cp1252")
    beyond = [character for character in text if character > "\x7f"]
    letters = sum(
        character.isalpha()
        or character in "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u20ac\u00a0\u00a3\u00a7\u00b0\u00ab\u00bb\u00bf\u00a1"
        for character in beyond
    )
    return letters * 10 >= len(beyond) * 9 and len(beyond) * 2 <= len(text) and not re.search(r"[\x00-\x08\x0e-\x1f]", text)
