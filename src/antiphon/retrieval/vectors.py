"""What search and ingest know of vectors while there is no embedder: the port, a question's vector, and the one embedder that we measured.

Rules: nothing here loads an array library. What works on vectors (`dense`, the embedders) is imported when there is an embedder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

MINILM: Final = "all-minilm-l6-v2"  # the model for which there are coefficients and shares


class Embedder(Protocol):
    """model: an id that two embedders share only if their vectors may be compared.

    `embed` gives unit vectors, float32 (texts, dims), in the order of the texts; it raises UpstreamError when it cannot.
    """

    @property
    def model(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> Floats: ...


class QueryVector(NamedTuple):
    """A question's unit vector and the embedder that made it."""

    model: str
    values: Floats
