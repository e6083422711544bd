"""The widget's fixed texts, in the languages we speak. A visitor whose language is another one gets English."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.core.language import Language, match


class Texts(msgspec.Struct, frozen=True):
    """found has one place, {count}."""

    searching: str
    found: str
    nothing: str
    failed: str


TEXTS: Final[dict[Language, Texts]] = {
    "en": Texts(
        "Searching for relevant information...",
        "Found {count} relevant sources. Generating answer...",
        "No relevant information found for this question.",
        "Failed to generate response",
    ),
    "vi": Texts(
        "Đang tìm kiếm thông tin liên quan...",
        "Đã tìm thấy {count} nguồn liên quan. Đang tạo câu trả lời...",
        "Không tìm thấy thông tin liên quan cho câu hỏi này.",
        "Không thể tạo câu trả lời",
    ),
    "zh-Hans": Texts("正在查找相关信息……", "找到 {count} 条相关来源，正在生成回答……", "没有找到与这个问题相关的信息。", "未能生成回答"),
    "zh-Hant": Texts("正在查找相關資訊……", "找到 {count} 筆相關來源，正在產生回答……", "沒有找到與這個問題相關的資訊。", "未能產生回答"),
}


def texts_for(tag: str | None) -> Texts:
    """The texts for a BCP 47 tag, English for none."""
    return TEXTS[match(tag) or "en"]
