"""The Q&A widget dialect's habits."""

from __future__ import annotations

from antiphon.dialects.base import Dialect
from antiphon.dialects.qa_widget import decode, render
from antiphon.wire.sse import comment

QA_WIDGET = Dialect(
    name="qa_widget",
    heartbeat=comment("keepalive"),
    eager=True,
    max_write=render.MAX_EVENT,
    decode=decode.decode,
    renderer=render.WidgetRenderer,
    whole=render.whole,
    error=render.error,
)
