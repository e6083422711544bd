"""Names for new rows: a prefix that says what it is, and a ULID, so that ids sort in the order in which this process made them.

Format of the ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32 (github.com/ulid/spec).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

_lock = threading.Lock()
_last = 0
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def now_ms() -> int:
    """Milliseconds since the epoch: the unit of every time column."""
    return time.time_ns() // 1_000_000


def _draws() -> Iterator[int]:
    """80 random bits at a time, fetched in blocks: a system call for each would let other threads take the interpreter each time."""
    while True:
        block = os.urandom(10 * 256)
        for start in range(0, len(block), 10):
            yield int.from_bytes(block[start : start + 10], "big")


_drawn = _draws()


def new_id(prefix: str) -> str:
    """`doc` -> `doc_01J9ZK...` (26 characters after the underscore). Greater than every one before it, even within a millisecond."""
    global _last
    with _lock:
        chance = next(_drawn)
        value = _last = max((now_ms() << 80) | chance, _last + 1 + (chance >> 16))
    digits = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"
