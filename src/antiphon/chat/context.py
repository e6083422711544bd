"""From a target, a conversation and what was found to the messages a model is sent. Pure.

Rules: the persona comes first, then the rule of grounding, then the conversation, with the passages in front of the last question. When the
whole does not fit the model's window, the oldest turns go first (never the system message, never the question or what follows it), then the
weakest passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from antiphon.core.language import Language
from antiphon.core.messages import Message, Text, said
from antiphon.core.passages import Hit
from antiphon.core.tokens import estimate_message

MARGIN: Final = 0.05
DEFAULT_ANSWER_TOKENS: Final = 1024

GROUNDING: Final[dict[Language, str]] = {
    "en": (
        "Answer only from the numbered context. After each statement give the number of its source in brackets, like [1]. "
        "Be accurate and brief. If the context does not settle the question, say so plainly."
    ),
    "vi": (
        "Chỉ trả lời dựa trên ngữ cảnh được đánh số. Sau mỗi ý, ghi số của nguồn trong ngoặc vuông, ví dụ [1]. "
        "Hãy chính xác và ngắn gọn. Nếu ngữ cảnh không đủ để trả lời, hãy nói rõ điều đó."
    ),
    "zh-Hans": "只根据带编号的上下文作答。每一点之后用方括号注明来源编号，例如 [1]。要准确、简明。如果上下文不足以回答，请直接说明。",
    "zh-Hant": "只根據帶編號的上下文作答。每一點之後用方括號註明來源編號，例如 [1]。要準確、簡明。如果上下文不足以回答，請直接說明。",
}

_NOTHING_FOUND: Final[dict[Language, str]] = {
    "en": "No document was found that answers this question. Say so, and do not invent sources.",
    "vi": "Không tìm thấy tài liệu nào trả lời câu hỏi này. Hãy nói rõ điều đó và không bịa nguồn.",
    "zh-Hans": "没有找到能回答这个问题的文档。请说明这一点，不要编造来源。",
    "zh-Hant": "沒有找到能回答這個問題的文件。請說明這一點，不要編造來源。",
}

_LABELS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Context", "Question"),
    "vi": ("Ngữ cảnh", "Câu hỏi"),
    "zh-Hans": ("上下文", "问题"),
    "zh-Hant": ("上下文", "問題"),
}


class Fitted(NamedTuple):
    """messages to send; dropped: how many earlier messages had to go; hits: those whose text was sent, in their order."""

    messages: tuple[Message, ...]
    dropped: int
    hits: tuple[Hit, ...]


def fit(
    messages: Sequence[Message],
    *,
    language: Language,
    persona: str | None,
    hits: Sequence[Hit],
    grounded: bool,
    window: int | None,
    answer_tokens: int | None,
) -> Fitted:
    """Assemble and fit. window: the model's context in tokens, None when unknown (then nothing is dropped)."""
    turns = [message for message in messages if message.role != "system"]
    asked = max((position for position, message in enumerate(turns) if message.role == "user"), default=0)
    earlier, question = turns[:asked], turns[asked:]

    def fixed(kept: Sequence[Hit]) -> tuple[list[Message], list[Message]]:
        return _system(messages, language, persona, grounded, bool(kept)), _with_context(question, kept, language)

    kept = tuple(hits)
    head, tail = fixed(kept)
    if window is None:
        return Fitted((*head, *earlier, *tail), 0, kept)
    budget = int(window * (1 - MARGIN)) - (answer_tokens or min(DEFAULT_ANSWER_TOKENS, window // 4))
    while kept and _tokens(head) + _tokens(tail) > budget:
        kept = kept[:-1]
        head, tail = fixed(kept)
    first = _first_that_fits(earlier, budget - _tokens(head) - _tokens(tail))
    return Fitted((*head, *earlier[first:], *tail), first, kept)


def _tokens(messages: Sequence[Message]) -> int:
    return sum(map(estimate_message, messages))


def _first_that_fits(earlier: Sequence[Message], room: int) -> int:
    """Where to begin, so that the rest fits and does not begin with a tool's result: without its call every upstream refuses it."""
    first = len(earlier)
    while first > 0 and (cost := estimate_message(earlier[first - 1])) <= room:
        room -= cost
        first -= 1
    while first < len(earlier) and earlier[first].role == "tool":
        first += 1
    return first


def _system(messages: Sequence[Message], language: Language, persona: str | None, grounded: bool, found: bool) -> list[Message]:
    lines = [persona] if persona else []
    if grounded:
        lines.append(GROUNDING[language] if found else _NOTHING_FOUND[language])
    own = [said("system", "\n\n".join(lines))] if lines else []
    return own + [message for message in messages if message.role == "system"]


def _with_context(question: list[Message], hits: Sequence[Hit], language: Language) -> list[Message]:
    """The question (and what follows it: tool calls and their results) with the passages in front."""
    if not hits or not question:
        return question
    context, label = _LABELS[language]
    blocks = "\n\n".join(_block(number, hit) for number, hit in enumerate(hits, 1))
    preface = Text(f"{context}:\n{blocks}\n\n{label}: ")
    return [msgspec.structs.replace(question[0], parts=(preface, *question[0].parts)), *question[1:]]


def _block(number: int, hit: Hit) -> str:
    passage = hit.passage
    where = " > ".join((passage.title, *passage.heading))
    return f"[{number}] {where}\n{passage.text}"
