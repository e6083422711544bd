"""Whom the clients ask: a model that the fake upstream serves, and the built-in bot over the test corpus."""

from __future__ import annotations

from dataclasses import dataclass

from tests.clients.answers import POLYGLOT
from tests.support.replies import TEXT


@dataclass(frozen=True)
class Subject:
    """model: its name. says: the whole answer, when it is known word for word; otherwise `mentions` must occur in it."""

    model: str
    question: str
    says: str | None = None
    mentions: tuple[str, ...] = ()

    def check(self, answer: str) -> None:
        if self.says is not None:
            assert answer == self.says
        else:
            assert [part for part in self.mentions if part not in answer] == [], answer


PLAIN = Subject("m", "What do you say?", says=TEXT)
MANY_SCRIPTS = Subject("polyglot", "請自我介紹 🌊", says=POLYGLOT)
ENGLISH_BOT = Subject("antiphon", "When is a blocked card opened again?", mentions=("5 euros", "[1]"))
CHINESE_BOT = Subject("antiphon", "卡被冻结以后，欠款降到多少才恢复使用？", mentions=("5 欧元", "[1]"))

MODELS = (PLAIN, MANY_SCRIPTS)
BOTS = (ENGLISH_BOT, CHINESE_BOT)
SUBJECTS = MODELS + BOTS


def name(subject: Subject) -> str:
    return f"{subject.model}-{'zh' if subject.question > '~' else 'en'}"
