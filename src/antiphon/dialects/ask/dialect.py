"""The ask dialect's habits."""

from __future__ import annotations

from typing import Literal

from antiphon.core.errors import AntiphonError
from antiphon.core.fold import Answer
from antiphon.dialects.ask import decode, render
from antiphon.dialects.base import SSE, Ask, Dialect, Head, Reply
from antiphon.wire.sse import comment


class Asking:
    name = "ask"
    heartbeat: bytes | None = comment("keepalive")
    on_disconnect: Literal["stop", "detach"] = "stop"
    sources: Literal["field", "footer"] = "footer"
    stream_type = SSE
    eager = False
    max_write = 65_536

    def decode(self, head: Head, body: bytes) -> Ask:
        return decode.decode(head, body)

    def renderer(self, ask: Ask) -> render.AskRenderer:
        return render.AskRenderer()

    def whole(self, ask: Ask, answer: Answer) -> Reply:
        return render.whole(ask, answer)

    def error(self, error: AntiphonError) -> Reply:
        return render.error(error)


ASK: Dialect = Asking()
