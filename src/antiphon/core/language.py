"""Which of our languages a text is in, by its script and marks alone: no model, no dictionary.

Used for fixed texts, prompts and the wording around quotations. Codes are BCP 47: en, vi, zh-Hans, zh-Hant. Anything else counts as en.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Language = Literal["en", "vi", "zh-Hans", "zh-Hant"]

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
# Letters of Vietnamese that other Latin alphabets lack, and tone marks that few others stack.
_VIETNAMESE = re.compile(r"[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
# Frequent characters that exist in one of the two Chinese scripts only.
_TRADITIONAL: Final = frozenset(
    "這個們來時對會國說為過學後還沒點開關問間長見現發動經話電車東書買賣讀寫請謝嗎麼樣從頭應該題實認識讓變萬與業產員無氣門機體"
    "當進種義語聽覺愛親錢錯鐘銀館飯飲風飛馬魚鳥麗黃齊龍龜邊遠運達選連遊週週證試詞課談論議護譯記計訂設訪許訴請誰調"
)
_SIMPLIFIED: Final = frozenset(
    "这个们来时对会国说为过学后还没点开关问间长见现发动经话电车东书买卖读写请谢吗么样从头应该题实认识让变万与业产员无气门机体"
    "当进种义语听觉爱亲钱错钟银馆饭饮风飞马鱼鸟丽黄齐龙龟边远运达选连游周证试词课谈论议护译记计订设访许诉请谁调"
)
_TRADITIONAL_ONLY: Final = _TRADITIONAL - _SIMPLIFIED
_SIMPLIFIED_ONLY: Final = _SIMPLIFIED - _TRADITIONAL


def detect(text: str) -> Language:
    """The language of a text; short or mixed texts go with the script that carries more."""
    han = len(_HAN.findall(text))
    if han and han * 3 >= len(_LATIN.findall(text)):
        traditional = sum(character in _TRADITIONAL_ONLY for character in text)
        simplified = sum(character in _SIMPLIFIED_ONLY for character in text)
        return "zh-Hant" if traditional > simplified else "zh-Hans"
    return "vi" if _VIETNAMESE.search(text) else "en"


def match(tag: str | None) -> Language | None:
    """Our code for a BCP 47 tag (`zh-TW` -> zh-Hant, `vi-VN` -> vi); None for no tag, en for a language that we do not speak."""
    if not tag:
        return None
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(parts[1:]) else "zh-Hans"
    return "vi" if parts[0] == "vi" else "en"
