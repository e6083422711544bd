"""One turn, told in order: a question becomes a stream of events. The first page to read.

    plan -> search what the actor may read -> fit the context -> ask the model -> find its citations -> count its tokens

Every failure that has a name becomes an ErrorEvent and a RunEnd, so that whoever reads the stream always sees it end. Closing the
generator closes the model's connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from antiphon.chat import context
from antiphon.chat.citations import cite
from antiphon.chat.plan import Plan
from antiphon.chat.ports import Batches, Retriever
from antiphon.core.errors import AntiphonError
from antiphon.core.events import ErrorEvent, Event, Passages, ReasoningDelta, RunEnd, RunStart, Status, TextDelta, ToolCallDelta, Usage
from antiphon.core.fold import Answer
from antiphon.core.messages import Message
from antiphon.core.passages import Hit, SearchResult
from antiphon.core.request import ChatRequest
from antiphon.core.tokens import estimate, estimate_message

NOTHING_FOUND: Final = "no_relevant_information"


async def take_turn(plan: Plan, retriever: Retriever, *, run: str, created: int) -> Batches:
    """Batches of events from run-start to run-end, in legal order. created: seconds since the epoch."""
    target = plan.target
    tally: _Tally | None = None
    yield [RunStart(run, target.model, created, target.bot)]
    try:
        found = SearchResult(0.0, (), 0)
        if target.grounded:
            yield [Status("searching")]
            found = await _search(plan, retriever)
            yield [Passages(found.confidence, found.hits, found.searched)]
            if target.strict and not found.hits:
                yield [
                    ErrorEvent(NOTHING_FOUND, "caller", "No relevant information found for this question.", status=404),
                    RunEnd("failed"),
                ]
                return
            yield [Status("found", len(found.hits))]
        fitted = _fit(plan, found.hits)
        if fitted.dropped:
            yield [Status("context-trimmed", fitted.dropped)]
        request = msgspec.structs.replace(
            plan.request,
            model=target.upstream,
            messages=fitted.messages,
            hits=fitted.hits,
            searched=found.searched,
            asked=plan.request.question,
        )
        answer = target.provider.stream(request)
        if fitted.hits:
            answer = cite(answer, fitted.hits)
        tally = _Tally(request, plan)
        async with aclosing(answer):
            async for batch in answer:
                if said := tally.take(batch):
                    yield said
        yield [tally.usage()]
        yield [RunEnd("completed")]
    except AntiphonError as error:
        if tally is not None and tally.begun:
            yield [tally.usage()]
        yield [ErrorEvent.of(error), RunEnd("failed")]


async def _search(plan: Plan, retriever: Retriever) -> SearchResult:
    target = plan.target
    return await retriever.search(
        plan.actor,
        plan.request.question,
        collections=target.collections,
        top_k=target.top_k,
        min_score=target.min_score,
        hybrid=target.hybrid,
    )


def _fit(plan: Plan, hits: Sequence[Hit]) -> context.Fitted:
    target = plan.target
    return context.fit(
        plan.request.messages,
        language=plan.language,
        persona=target.persona,
        hits=hits,
        grounded=target.grounded,
        window=target.context_tokens,
        answer_tokens=plan.request.sampling.max_tokens,
    )


class _Tally:
    """Takes the upstream's own Usage out of an answer, to be told once at its end: priced, or an estimate where there was none."""

    def __init__(self, request: ChatRequest, plan: Plan) -> None:
        self._request = request
        self._plan = plan
        self._written: list[str] = []
        self._told: Usage | None = None

    @property
    def begun(self) -> bool:
        return bool(self._written) or self._told is not None

    def take(self, batch: Sequence[Event]) -> Sequence[Event]:
        """The batch without its Usage."""
        told = False
        for event in batch:
            kind = type(event)
            if kind is TextDelta or kind is ReasoningDelta:
                self._written.append(event.text)  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._written.append(event.arguments)  # type: ignore[union-attr]
            elif kind is Usage:
                self._told = event  # type: ignore[assignment]
                told = True
        return [event for event in batch if type(event) is not Usage] if told else batch

    def usage(self) -> Usage:
        """What an answer that was cut had used, counts as far as it went."""
        return _priced(self._told or _estimated(self._request.messages, self._written), self._plan)


def count_cut(plan: Plan, answer: Answer) -> Usage | None:
    """What a turn that was cut had used, by estimate; None when the model had said nothing. A generator that is closed cannot tell."""
    if not answer.choices:
        return None
    written = [
        text for choice in answer.choices for text in (choice.text, choice.reasoning, *(call.arguments for call in choice.tool_calls))
    ]
    fitted = _fit(plan, answer.hits)
    return _priced(_estimated(fitted.messages, written), plan)


def _estimated(asked: Sequence[Message], written: list[str]) -> Usage:
    return Usage(sum(map(estimate_message, asked)), estimate("".join(written)), estimated=True)


def _priced(usage: Usage, plan: Plan) -> Usage:
    target = plan.target
    if target.input_price is None or target.output_price is None:
        return usage
    return msgspec.structs.replace(usage, cost=(usage.input * target.input_price + usage.output * target.output_price) / 1_000_000)
