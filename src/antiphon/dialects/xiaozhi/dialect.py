"""XiaoZhi's habits."""

from __future__ import annotations

from antiphon.dialects.base import Dialect
from antiphon.dialects.xiaozhi import decode, render

XIAOZHI = Dialect(
    name="xiaozhi",
    heartbeat=b": keepalive\n",
    decode=decode.decode,
    renderer=lambda _: render.MessageRenderer(),
    whole=render.whole,
    error=render.error,
)
