"""Text in, text and citations out: finds the [n] marks of an answer and tells which passage each one means.

Strategy: a delta without '[' while nothing is held back passes through untouched (the common case costs one `in`). A tail that may be the
beginning of a mark or a fence is held back until it is decided. Marks inside fenced code are text; a fence is three or more backticks at
the beginning of a line. A number without a passage is text.
Rules: no character is lost, doubled or reordered, whatever the split; a citation follows the delta that completes its mark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from antiphon.chat.ports import Batches
from antiphon.core.errors import AntiphonError
from antiphon.core.events import ChoiceEnd, CitationEvent, Event, TextDelta, ToolCallStart
from antiphon.core.passages import Citation, Hit, Passage

_MARK_OR_FENCE = re.compile(r"\[(\d{1,2}(?: ?, ?\d{1,2}){0,9})\]|`{3,}")
_OPEN_TAIL = re.compile(r"\[[\d ,]{0,47}\Z|(?<!`)`+\Z")  # 47: the longest list of numbers that is a mark
_INDENT: Final = " \t>-*+.)0123456789"  # a fence may stand in a quotation or a list
_QUOTE_LIMIT: Final = 300
_SENTENCE_END = re.compile(r"[.!?。！？\n]")
_SPACE = re.compile(r"\s+")
_QUOTE_MARKS: Final = " \t\n\"'“”‘’「」『』«»>-*"


async def cite(batches: Batches, hits: Sequence[Hit]) -> Batches:
    """The same answer with CitationEvents in their places. Closing this closes `batches`; what was held back survives its failure."""
    marks: dict[int, _Marks] = {}
    try:
        async with aclosing(batches):
            async for batch in batches:
                if (
                    len(batch) == 1
                    and type(event := batch[0]) is TextDelta
                    and event.choice in marks
                    and marks[event.choice].skips(event.text)
                ):
                    yield batch
                    continue
                out: list[Event] = []
                for event in batch:
                    _pass(event, marks, hits, out)
                if out:
                    yield out
    except AntiphonError:
        if tail := _tail(marks):
            yield tail
        raise
    if tail := _tail(marks):
        yield tail


def _tail(marks: dict[int, _Marks]) -> list[Event]:
    tail: list[Event] = []
    for choice, state in marks.items():
        state.flush(choice, tail)
    return tail


def _pass(event: Event, choices: dict[int, _Marks], hits: Sequence[Hit], out: list[Event]) -> None:
    if isinstance(event, TextDelta):
        marks = choices.get(event.choice)
        if marks is None:
            marks = choices[event.choice] = _Marks(hits)
        marks.feed(event, out)
        return
    if isinstance(event, ChoiceEnd | ToolCallStart) and event.choice in choices:
        choices[event.choice].flush(event.choice, out)
    out.append(event)


class _Marks:
    """The state of one choice: text so far (its length and its current sentence), what is held back, whether code is open."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits
        self._held = ""
        self._length = 0
        self._recent = ""
        self._fenced = False

    def skips(self, text: str) -> bool:
        """True when this text can pass untouched, which is then accounted for."""
        if self._held or "[" in text or "`" in text:
            return False
        self.skip(text)
        return True

    def skip(self, text: str) -> None:
        """Account for text that passes through untouched."""
        self._length += len(text)
        self._recent = (self._recent + text)[-2 * _QUOTE_LIMIT :]

    def feed(self, event: TextDelta, out: list[Event]) -> None:
        text = self._held + event.text
        self._held = ""
        tail = _OPEN_TAIL.search(text)
        if tail is not None:
            text, self._held = text[: tail.start()], text[tail.start() :]
        self._emit(text, event, out)

    def flush(self, choice: int, out: list[Event]) -> None:
        held, self._held = self._held, ""
        self._emit(held, TextDelta("", choice), out)

    def _emit(self, text: str, event: TextDelta, out: list[Event]) -> None:
        if not text and event.provider_data is None:
            return
        out.append(TextDelta(text, event.choice, event.provider_data))
        position = 0
        for found in _MARK_OR_FENCE.finditer(text):
            self.skip(text[position : found.start()])
            position = found.end()
            if (numbers := found.group(1)) is None:
                if not self._recent.rpartition("\n")[2].strip(_INDENT):
                    self._fenced = not self._fenced
                self.skip(found.group())
                continue
            if not self._fenced:
                span = (self._length, self._length + len(found.group()))
                for number in numbers.split(","):
                    self._cite(int(number), span, event.choice, out)
            self._length += len(found.group())
        self.skip(text[position:])

    def _cite(self, number: int, span: tuple[int, int], choice: int, out: list[Event]) -> None:
        if 0 < number <= len(self._hits):
            out.append(CitationEvent(citation(number, self._hits[number - 1], self._recent), span, choice))


def citation(number: int, hit: Hit, said: str = "") -> Citation:
    """The citation of a hit. The quote is the last thing said when the passage holds it word for word, else the passage's opening."""
    passage = hit.passage
    found = _find(passage.text, said)
    start, end = found if found is not None else _opening(passage.text)
    return Citation(
        number=number,
        title=passage.title,
        url=_opened_at(passage, start, end),
        document=passage.document,
        source=passage.source,
        quote=_SPACE.sub(" ", passage.text[start:end]).strip(),
        heading=passage.heading,
        page=passage.page,
        start=passage.start + start,
        end=passage.start + end,
        score=hit.score,
    )


def _opened_at(passage: Passage, start: int, end: int) -> str:
    """Our own reader page is opened at the quoted words; a foreign address stays as it is."""
    if not passage.url.endswith(f"/documents/{passage.document}"):
        return passage.url
    return f"{passage.url}?start={passage.start + start}&end={passage.start + end}#quote"


def _find(text: str, said: str) -> tuple[int, int] | None:
    """The range of the passage that the end of `said` repeats, up to white space; None when it is not a quotation."""
    line = said.rstrip().rsplit("\n", 1)[-1].strip(_QUOTE_MARKS)
    pieces = [line]
    boundary = [match.end() for match in _SENTENCE_END.finditer(line[:-1])]
    pieces += [line[position:].strip(_QUOTE_MARKS) for position in boundary]
    for piece in pieces:
        words = piece.split()
        if len(piece) < 8 or not words:
            continue
        match = re.search(r"\s+".join(re.escape(word) for word in words), text)
        if match is not None:
            return match.span()
    return None


def _opening(text: str) -> tuple[int, int]:
    if len(text) <= _QUOTE_LIMIT:
        return 0, len(text)
    ends = [match.end() for match in _SENTENCE_END.finditer(text[:_QUOTE_LIMIT])]
    return 0, ends[-1] if ends and ends[-1] > 40 else _QUOTE_LIMIT
