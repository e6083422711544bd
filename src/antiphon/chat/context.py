"""From a target, a conversation and what was found to the messages a model is sent. Pure.

Rules: the persona comes first, then the rule of grounding, then the conversation, with the passages in front of the last question. When the
whole does not fit the model's window, the oldest turns go first (never the system message, never the question), then the weakest passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from antiphon.core.language import Language
from antiphon.core.messages import Message, Text, said
from antiphon.core.passages import Hit
from antiphon.core.tokens import estimate, estimate_message

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
    head = _system(messages, language, persona, grounded, bool(hits))
    turns = [message for message in messages if message.role != "system"]
    if not turns:
        return Fitted((*head, *turns), 0, tuple(hits))
    earlier, question = turns[:-1], turns[-1]
    kept = list(hits)
    if window is None:
        return Fitted((*head, *earlier, _with_context(question, kept, language)), 0, tuple(kept))
    budget = int(window * (1 - MARGIN)) - (answer_tokens or min(DEFAULT_ANSWER_TOKENS, window // 4))
    fixed = sum(map(estimate_message, head)) + estimate_message(question)
    costs = [_hit_tokens(number, hit) for number, hit in enumerate(kept, 1)]
    while kept and fixed + sum(costs) > budget:
        kept.pop()
        costs.pop()
    room = budget - fixed - sum(costs)
    first = len(earlier)
    while first > 0 and (cost := estimate_message(earlier[first - 1])) <= room:
        room -= cost
        first -= 1
    while first < len(earlier) and earlier[first].role == "tool":
        first += 1  # a tool's result without its call is refused by every upstream
    return Fitted((*head, *earlier[first:], _with_context(question, kept, language)), first, tuple(kept))


def _system(messages: Sequence[Message], language: Language, persona: str | None, grounded: bool, found: bool) -> list[Message]:
    lines = [persona] if persona else []
    if grounded:
        lines.append(GROUNDING[language] if found else _NOTHING_FOUND[language])
    own = [said("system", "\n\n".join(lines))] if lines else []
    return own + [message for message in messages if message.role == "system"]


def _with_context(question: Message, hits: Sequence[Hit], language: Language) -> Message:
    if not hits:
        return question
    context, label = _LABELS[language]
    blocks = "\n\n".join(_block(number, hit) for number, hit in enumerate(hits, 1))
    preface = Text(f"{context}:\n{blocks}\n\n{label}: ")
    return msgspec.structs.replace(question, parts=(preface, *question.parts))


def _block(number: int, hit: Hit) -> str:
    passage = hit.passage
    where = " > ".join((passage.title, *passage.heading))
    return f"[{number}] {where}\n{passage.text}"


def _hit_tokens(number: int, hit: Hit) -> int:
    return estimate(_block(number, hit)) + 2
