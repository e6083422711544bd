"""Kuwa's habits."""

from __future__ import annotations

from antiphon.dialects.base import SSE, Dialect
from antiphon.dialects.kuwa import decode, render

KUWA = Dialect(
    name="kuwa",
    heartbeat=None,
    stream_type=f"{SSE}; charset=utf-8",
    decode=decode.decode,
    renderer=render.CharacterRenderer,
    whole=render.whole,
    error=render.error,
)
