"""The Q&A widget dialect's habits."""

from __future__ import annotations

from typing import Literal

from antiphon.core.errors import AntiphonError
from antiphon.core.fold import Answer
from antiphon.dialects.base import SSE, Ask, Dialect, Head, Reply
from antiphon.dialects.qa_widget import decode, render
from antiphon.wire.sse import comment


class QAWidget:
    name = "qa_widget"
    heartbeat: bytes | None = comment("keepalive")
    on_disconnect: Literal["stop", "detach"] = "stop"
    sources: Literal["field", "footer"] = "field"
    stream_type = SSE
    eager = True
    max_write = render.MAX_EVENT

    def decode(self, head: Head, body: bytes) -> Ask:
        return decode.decode(head, body)

    def renderer(self, ask: Ask) -> render.WidgetRenderer:
        return render.WidgetRenderer(ask)

    def whole(self, ask: Ask, answer: Answer) -> Reply:
        return render.whole(ask, answer)

    def error(self, error: AntiphonError) -> Reply:
        return render.error(error)


QA_WIDGET: Dialect = QAWidget()
