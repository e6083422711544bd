"""Which of our languages a text is in, by its script and marks alone: no model, no dictionary.

Used for fixed texts, prompts and the wording around quotations. Codes are BCP 47: en, vi, zh-Hans, zh-Hant. Anything else counts as en.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Language = Literal["en", "vi", "zh-Hans", "zh-Hant"]

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")
_WORD = re.compile(r"[^\W\d_]+")
# Vowels with Vietnamese hooks, horns and stacked tone marks, which no other alphabet has; and the letters that a few others share with it.
_VIETNAMESE = re.compile(r"[\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
_SHARED = re.compile(r"[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169]")
_MARKED = re.compile(r"[\u00c0-\u00ff\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
# Romanian, Croatian, Czech and their neighbours, which share letters with Vietnamese, mark consonants; Vietnamese only ever strikes its d.
_FOREIGN = re.compile(r"[\u0106-\u010f\u0118-\u011b\u0139-\u015b\u015e-\u0165\u0179-\u017e\u0218-\u021b\u00e7\u00f1\u00df]", re.IGNORECASE)
_NAMES_AT_MOST: Final = 3 / 10
# Frequent characters that the other Chinese script writes differently, the traditional form before the simplified one.
_PAIRS: Final = (
    "這这個个們们來来時时對对會会國国說说為为過过學学還还沒没點点開开關关問问間间長长見见現现發发動动經经話话電电車车東东書书"
    "買买賣卖讀读寫写請请謝谢嗎吗麼么樣样從从頭头應应該该題题實实認认識识讓让變变與与業业產产員员無无氣气門门機机體体當当進进"
    "種种義义語语聽听覺觉愛爱親亲錢钱錯错鐘钟銀银館馆飯饭飲饮風风飛飞馬马魚鱼鳥鸟麗丽黃黄齊齐龍龙龜龟邊边遠远運运達达選选連连"
    "證证試试詞词課课談谈論论議议護护譯译記记計计訂订設设訪访許许訴诉誰谁調调換换鎖锁貸贷駕驾驗验裡里離离雖虽難难預预費费"
    "幾几歲岁給给網网線线級级統统組组結结編编總总務务區区報报場场單单張张後后樂乐歡欢準准灣湾術术號号價价優优"
)
_TRADITIONAL: Final = frozenset(_PAIRS[::2])
# These are also characters of the traditional script, with a meaning of their own.
_SIMPLIFIED: Final = frozenset(_PAIRS[1::2]) - frozenset("里后几准")


def detect(text: str) -> Language:
    """The language of a text. A mixed one goes with the script that carries more, a Han character weighing as much as a Latin word."""
    han = len(_HAN.findall(text))
    if han and han >= len(_LATIN_WORD.findall(text)):
        if len(_KANA.findall(text)) * 4 > han:
            return "en"
        traditional = sum(character in _TRADITIONAL for character in text)
        simplified = sum(character in _SIMPLIFIED for character in text)
        return "zh-Hant" if traditional > simplified else "zh-Hans"
    return "vi" if _is_vietnamese(text) else "en"


def _is_vietnamese(text: str) -> bool:
    """Vietnamese marks most of its words; a Vietnamese name in another language marks but a few."""
    if not _VIETNAMESE.search(text) and (not _SHARED.search(text) or _FOREIGN.search(text)):
        return False
    words = _WORD.findall(text)
    marked = sum(_MARKED.search(word) is not None for word in words)
    return marked > len(words) * _NAMES_AT_MOST


def match(tag: str | None) -> Language | None:
    """Our code for a BCP 47 tag (`zh-TW` -> zh-Hant, `vi-VN` -> vi); None for no tag, en for a language that we do not speak."""
    if not tag:
        return None
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(parts[1:]) else "zh-Hans"
    return "vi" if parts[0] == "vi" else "en"
