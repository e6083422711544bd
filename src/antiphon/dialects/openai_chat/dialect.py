"""The OpenAI chat dialect's habits."""

from __future__ import annotations

from typing import Literal

from antiphon.core.errors import AntiphonError
from antiphon.core.fold import Answer
from antiphon.dialects.base import SSE, Ask, Dialect, Head, Reply
from antiphon.dialects.openai_chat import decode, render
from antiphon.wire.sse import comment


class OpenAIChat:
    name = "openai_chat"
    heartbeat: bytes | None = comment("keepalive")
    on_disconnect: Literal["stop", "detach"] = "stop"
    sources: Literal["field", "footer"] = "field"
    stream_type = SSE
    eager = False
    max_write = 65_536

    def decode(self, head: Head, body: bytes) -> Ask:
        return decode.decode(head, body)

    def renderer(self, ask: Ask) -> render.ChatRenderer:
        return render.ChatRenderer(ask)

    def whole(self, ask: Ask, answer: Answer) -> Reply:
        return render.whole(ask, answer)

    def error(self, error: AntiphonError) -> Reply:
        return render.error(error)


OPENAI_CHAT: Dialect = OpenAIChat()
