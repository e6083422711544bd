"""From bytes to text in the calling process: picks the reader for the kind. Only the child process calls this on strangers' bytes.

Readers are imported when their kind first comes up, so that a child that meets only Markdown stays small.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from antiphon.retrieval.extract.document import Extracted, Unreadable
from antiphon.retrieval.extract.kinds import kind_of

Reader = Callable[[bytes, str, str | None], Extracted]


def extract(data: bytes, *, name: str, media_type: str | None = None) -> Extracted:
    """Raises Unreadable, which says why; any other error is a reader that stumbled and becomes `corrupt` in the child."""
    if not data.strip():
        raise Unreadable("empty", "The file is empty.")
    # lazy: each reader brings a parser of its own
    reader: Reader = importlib.import_module(f"antiphon.retrieval.extract.{kind_of(data, name, media_type)}").read
    return reader(data, name, media_type)
