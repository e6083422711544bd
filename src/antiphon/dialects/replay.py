"""A finished answer as events again, for dialects whose only form is the stream."""

from __future__ import annotations

from antiphon.core.events import ChoiceEnd, CitationEvent, Event, RunEnd, RunStart, Status, TextDelta
from antiphon.core.fold import Answer


def replay(answer: Answer) -> list[Event]:
    """From run-start to run-end, the first choice's text in one delta."""
    events: list[Event] = [RunStart(answer.run, answer.model, answer.created, answer.bot)]
    if answer.confidence is not None:
        events += [Status("searching"), Status("found", len(answer.hits))]
    for choice in answer.choices[:1]:
        events.append(TextDelta(choice.text))
        events += [CitationEvent(citation, (len(choice.text), len(choice.text))) for citation in choice.citations]
        events.append(ChoiceEnd(choice.finish_reason or "stop"))
    if answer.error is not None:
        events.append(answer.error)
    return [*events, RunEnd(answer.outcome or "completed")]
