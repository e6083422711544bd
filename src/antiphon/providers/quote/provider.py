"""The built-in model that needs nothing: it answers by quoting the best sentences of what was retrieved, each with its [n] mark.

How a text becomes words is passed in, because search decides that; see choose.py for the choice and texts.py for what stands around it.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from antiphon.core import language
from antiphon.core.events import ChoiceEnd, TextDelta
from antiphon.core.request import ChatRequest
from antiphon.core.target import Batches
from antiphon.providers.quote.choose import Words, choose
from antiphon.providers.quote.texts import TEXTS

# A few words, or a few characters of a script without spaces.
_GROUP: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]{1,6}|(?:[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]*\s+){1,3}|\S+")


class Quoting:
    """A provider: see core.target.Provider. words: terms of a sentence; question_words: terms of a question."""

    def __init__(self, words: Words, question_words: Words) -> None:
        self._words = words
        self._question_words = question_words

    async def stream(self, request: ChatRequest) -> Batches:
        """Small deltas of one answer, told alike in each choice."""
        choices = range(request.n)
        for piece in _GROUP.findall(self.answer(request)):
            yield [TextDelta(piece, choice) for choice in choices]
            await asyncio.sleep(0)
        yield [ChoiceEnd("stop", choice) for choice in choices]

    def answer(self, request: ChatRequest) -> str:
        """The whole text."""
        spoken = language.match(request.language) or language.detect(request.question)
        texts = TEXTS[spoken]
        passages = [(hit.passage.text, hit.score) for hit in request.hits]
        quotes = choose(request.question, self._question_words(request.question), passages, self._words)
        if quotes:
            lines = [texts.quoted.format(text=quote.text, number=quote.number) for quote in quotes]
            return "\n\n".join([texts.intro, *lines, texts.outro])
        if request.searched:
            return texts.nothing.format(searched=request.searched)
        return texts.no_documents
