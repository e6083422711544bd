"""Events -> `event: message` records; an answer -> a completion; failures -> `{"errorMessage"}`.

Rules: the first and the last record of a stream are empty, and no other is; a newline in the text is a second `data:` line; a failure in
mid-stream is a last record with its text and no empty one after it. Texts of errors are the documentation's, word for word.
A record never begins with a newline, because the published client loses a first line that is empty. That takes holding back one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

from antiphon.core.errors import AntiphonError
from antiphon.core.events import (
    ChoiceEnd,
    CitationEvent,
    ErrorEvent,
    Event,
    Outcome,
    Passages,
    ReasoningDelta,
    RuleHit,
    RunEnd,
    RunStart,
    Status,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from antiphon.core.fold import Answer
from antiphon.core.passages import Citation
from antiphon.dialects.base import Ask, Reply, retry_after
from antiphon.dialects.sources import footer
from antiphon.wire.openai_answer import completion, usage_of
from antiphon.wire.sse import encode

EMPTY: Final = b"event: message\ndata: \n\n"
AUTH_INCOMPLETE: Final = "Authentication failed: cannot find username/password in request body."
AUTH_FAILED: Final = "Authentication failed: cannot authenticate with provided username and password."
INVALID_HEADER: Final = "Invalid token: empty or not starts with 'Bearer '"
INVALID_BEARER: Final = "Invalid token: expired or fake token."
INTERNAL: Final = "Failed with chatbot.ChatCompletion: {error}"


class MessageRenderer:
    """One run as a stream of text records."""

    __slots__ = ("_after_cr", "_citations", "_failed", "_held")

    def __init__(self) -> None:
        self._held = ""
        self._after_cr = False
        self._failed = False
        self._citations: list[Citation] = []

    def events(self, batch: Sequence[Event]) -> bytes:
        return b"".join([self._text(event.text) if type(event) is TextDelta else self._other(event) for event in batch])

    def _text(self, text: str) -> bytes:
        if self._after_cr or "\r" in text:
            text = self._line_feeds(text)
        if not text or text.startswith("\n"):
            self._held += text
            return b""
        ready, self._held = self._held, text
        return _record(ready)

    def _rest(self) -> bytes:
        ready, self._held = self._held, ""
        return _record(ready)

    def _line_feeds(self, text: str) -> str:
        """CRLF and CR as LF, also when a CRLF came in two deltas. A CR cannot be said inside a record."""
        if self._after_cr and text.startswith("\n"):
            text = text[1:]
            self._after_cr = False
        if text:
            self._after_cr = text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _other(self, event: Event) -> bytes:
        match event:
            case RunStart():
                return EMPTY
            case TextDelta(text=text):
                return self._text(text)
            case CitationEvent(citation=citation):
                self._citations.append(citation)
                return b""
            case ErrorEvent(message=message):
                return self._fail(message)
            case RunEnd(outcome=outcome):
                return self._end(outcome)
            case (
                Status()
                | Passages()
                | ReasoningDelta()
                | ToolCallStart()
                | ToolCallDelta()
                | ToolCallEnd()
                | RuleHit()
                | ChoiceEnd()
                | Usage()
            ):
                return b""
            case _:
                assert_never(event)

    def _end(self, outcome: Outcome) -> bytes:
        if self._failed:
            return b""
        if outcome in ("interrupted", "failed"):
            return self._fail("The answer was interrupted.")
        return self._text(footer(self._citations)) + self._rest() + EMPTY

    def _fail(self, message: str) -> bytes:
        self._failed = True
        return self._rest() + _record(INTERNAL.format(error=message))


def _record(text: str) -> bytes:
    if not text:
        return b""
    if "\n" not in text:
        return b"event: message\ndata: " + text.encode() + b"\n\n"
    return encode(text.encode(), "message")


def whole(ask: Ask, answer: Answer) -> Reply:
    choice = answer.choices[0] if answer.choices else None
    text = choice.text + footer(choice.citations) if choice else ""
    reason = (choice.finish_reason if choice else None) or "stop"
    choices = [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}]
    body = completion(answer.run, answer.created, answer.bot or answer.model, choices, usage_of(answer.usage))
    return Reply(200, msgspec.json.encode(body))


def error(failure: AntiphonError) -> Reply:
    """A fault that is not the caller's is the documentation's 500, whatever it was."""
    if failure.fault != "caller":
        return _failure(500, INTERNAL.format(error=failure.message), failure)
    texts = {"missing_credential": INVALID_HEADER, "invalid_credential": INVALID_BEARER}
    text = texts.get(failure.code, failure.message) if failure.status == 401 else failure.message
    return _failure(failure.status, text, failure)


def _failure(status: int, text: str, failure: AntiphonError | None = None) -> Reply:
    return Reply(status, msgspec.json.encode({"errorMessage": text}), headers=retry_after(failure) if failure else ())


def credentials_missing() -> Reply:
    """`POST /auth` named no user or no password."""
    return _failure(401, AUTH_INCOMPLETE)


def credentials_wrong() -> Reply:
    """`POST /auth` named a user that does not exist, or another password."""
    return _failure(401, AUTH_FAILED)


def token(access_token: str) -> Reply:
    """`POST /auth` succeeded."""
    return Reply(200, msgspec.json.encode({"accessToken": access_token}), headers=(("cache-control", "no-store"),))
