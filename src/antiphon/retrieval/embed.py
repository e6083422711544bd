"""The embedder that asks a server: any with an OpenAI-compatible `/embeddings`.

Source of the format: the OpenAI API reference, "Create embeddings": `{model, input: [...]}` answered by `{data: [{index, embedding}]}`.
Rules: vectors leave here at unit length. What a server says goes to the log's detail, never to a caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx2 as httpx
import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.core.errors import UpstreamBusy, UpstreamInvalid, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable

Floats = npt.NDArray[np.float32]

BATCH: Final = 64
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
_REFUSED: Final = range(400, 500)


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int


class _Answer(msgspec.Struct):
    data: list[_Item]


_decoder = msgspec.json.Decoder(_Answer)


class RemoteEmbedder:
    """base_url: as for models, with or without a trailing slash; `/embeddings` is put behind it. Close it when done."""

    def __init__(self, base_url: str, model: str, api_key: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.model = model
        self._url = f"{base_url.rstrip('/')}/embeddings"
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        limits = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx.AsyncClient(headers=headers, timeout=limits, transport=transport, trust_env=False)

    async def embed(self, texts: Sequence[str]) -> Floats:
        """One request for each BATCH of texts, one after the other."""
        parts = [await self._ask(texts[first : first + BATCH]) for first in range(0, len(texts), BATCH)]
        if len({part.shape[1] for part in parts}) > 1:
            raise UpstreamInvalid("The embedding server answered with vectors of different lengths.")
        return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, texts: Sequence[str]) -> Floats:
        try:
            response = await self._client.post(self._url, json={"model": self.model, "input": list(texts), "encoding_format": "float"})
        except httpx.TimeoutException as error:
            raise UpstreamTimeout("The embedding server did not answer in time.", detail=type(error).__name__) from error
        except httpx.HTTPError as error:
            raise UpstreamUnreachable("The embedding server cannot be reached.", detail=type(error).__name__) from error
        if response.status_code in (429, 503):
            raise UpstreamBusy("The embedding server is too busy. Try again in a moment.", detail=str(response.status_code))
        if response.status_code in _REFUSED:
            raise UpstreamRefused("The embedding server refused the request.", detail=str(response.status_code))
        if response.status_code != 200:
            raise UpstreamInvalid("The embedding server failed.", detail=str(response.status_code))
        return _vectors(response.content, len(texts))


def _vectors(body: bytes, count: int) -> Floats:
    try:
        items = sorted(_decoder.decode(body).data, key=lambda item: item.index)
    except msgspec.DecodeError as error:
        raise UpstreamInvalid("The embedding server sent something that is not a valid answer.", detail=str(error)) from error
    dims = {len(item.embedding) for item in items}
    if [item.index for item in items] != list(range(count)) or len(dims) != 1 or 0 in dims:
        raise UpstreamInvalid("The embedding server did not answer with one vector for each text.", detail=f"{len(items)} of {count}")
    vectors = np.array([item.embedding for item in items], np.float32)
    if not np.isfinite(vectors).all():
        raise UpstreamInvalid("The embedding server sent a vector that is not finite.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
