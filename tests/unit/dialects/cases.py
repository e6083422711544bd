"""What the dialect tests share: each dialect with a request it takes, and a small client for each that reads a stream back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from antiphon.core.events import ChoiceEnd, ErrorEvent, Event, RunEnd, RunStart, TextDelta
from antiphon.core.passages import Citation
from antiphon.dialects.ask.dialect import ASK
from antiphon.dialects.base import Ask, Dialect, Head
from antiphon.dialects.event_source.dialect import EVENT_SOURCE
from antiphon.dialects.kuwa.dialect import KUWA
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from antiphon.dialects.qa_widget.dialect import QA_WIDGET
from antiphon.dialects.xiaozhi.dialect import XIAOZHI
from antiphon.wire.sse import Decoder, Frame

CITED = Citation(
    1, "Install", "https://docs.example/install", "doc_1", "install.md", "Run dnf install.", ("Guide", "Install"), None, 10, 26, 0.91
)


def head(path: str = "/", /, *, query: dict[str, str] | None = None, method: str = "POST", headers: dict[str, str] | None = None) -> Head:
    return Head(method, path, query or {}, headers or {})


def body(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


class Case(msgspec.Struct, frozen=True):
    """A dialect, a request that it answers as a stream, and how a client of it gets the text (and the failure) out of the stream."""

    dialect: Dialect
    head: Head
    body: bytes
    text: Callable[[Sequence[Frame]], str]
    failure: Callable[[Sequence[Frame]], str | None]

    def ask(self) -> Ask:
        return self.dialect.decode(self.head, self.body)

    def render(self, batches: Sequence[Sequence[Event]]) -> bytes:
        renderer = self.dialect.renderer(self.ask())
        return b"".join([renderer.events(batch) for batch in batches])


def frames(stream: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(stream) + decoder.close()


def records(stream: Sequence[Frame]) -> list[Any]:
    return [json.loads(frame.data) for frame in stream if frame.data != b"[DONE]"]


def _xiaozhi_text(stream: Sequence[Frame]) -> str:
    assert all(frame.event == "message" for frame in stream)
    assert stream[0].data == b""
    return b"".join([frame.data for frame in stream]).decode()


def _xiaozhi_failure(stream: Sequence[Frame]) -> str | None:
    return stream[-1].data.decode() or None


def _chunks_text(stream: Sequence[Frame]) -> str:
    choices = [record["choices"][0] for record in records(stream) if record.get("choices")]
    return "".join([choice["delta"].get("content", "") for choice in choices])


def _chunks_failure(stream: Sequence[Frame]) -> str | None:
    found = [record["error"]["message"] for record in records(stream) if "error" in record]
    return found[-1] if found else None


def _kuwa_failure(stream: Sequence[Frame]) -> str | None:
    found = [record["message"] for record in records(stream) if record.get("status") == "error"]
    return found[-1] if found else None


def _named(kind: str, key: str, value: str) -> Callable[[Sequence[Frame]], list[Any]]:
    return lambda stream: [record[value] for record in records(stream) if record[key] == kind]


def _joined(read: Callable[[Sequence[Frame]], list[Any]]) -> Callable[[Sequence[Frame]], str]:
    return lambda stream: "".join(read(stream))


def _last(read: Callable[[Sequence[Frame]], list[Any]]) -> Callable[[Sequence[Frame]], str | None]:
    return lambda stream: (read(stream) or [None])[-1]


CASES = {
    "xiaozhi": Case(XIAOZHI, head("/chatCompletionStream"), body([{"role": "user", "Content": "hi"}]), _xiaozhi_text, _xiaozhi_failure),
    "kuwa": Case(KUWA, head(), body({"messages": [{"role": "user", "content": "hi"}], "model": "m"}), _chunks_text, _kuwa_failure),
    "kuwa-explicit": Case(
        KUWA, head(), body({"messages": [{"role": "user", "content": "hi"}], "model": "m", "stream": True}), _chunks_text, _kuwa_failure
    ),
    "ask": Case(ASK, head(), body({"question": "hi", "stream": True}), _chunks_text, _chunks_failure),
    "openai_chat": Case(
        OPENAI_CHAT,
        head(),
        body({"messages": [{"role": "user", "content": "hi"}], "model": "m", "stream": True}),
        _chunks_text,
        _chunks_failure,
    ),
    "event_source": Case(
        EVENT_SOURCE,
        head(method="GET", query={"question": "hi"}),
        b"",
        _joined(_named("content", "event", "data")),
        _last(_named("error", "event", "data")),
    ),
    "qa_widget": Case(
        QA_WIDGET,
        head(),
        body({"tokenSlug": "docs", "question": "hi", "language": "en"}),
        _joined(_named("content", "type", "data")),
        _last(_named("error", "type", "message")),
    ),
}

START = RunStart("run_01J", "m", 1_700_000_000)


def answered(*texts: str) -> list[Event]:
    return [START, *[TextDelta(text) for text in texts], ChoiceEnd("stop"), RunEnd("completed")]


def failed(error: ErrorEvent, *texts: str) -> list[Event]:
    return [START, *[TextDelta(text) for text in texts], error, RunEnd("failed")]
