"""Plain text: kept as it is, but for the encoding and line ends."""

from __future__ import annotations

from antiphon.retrieval.extract.document import Extracted, clean, finished
from antiphon.retrieval.extract.encodings import decode
from antiphon.retrieval.extract.kinds import charset_of, stem_of


def read(data: bytes, name: str, media_type: str | None) -> Extracted:
    text = clean(decode(data, declared=charset_of(media_type))).strip()
    return finished(Extracted(stem_of(name), text, "text"))
