"""The embedder over that graph: tokenises, batches and runs it in worker threads.

Rules: nothing is downloaded; the weights are a directory given by setting (config.json, tokenizer.json, model.safetensors). Loading is put
off to the first text, and the converted graph is kept in the data directory for the next start.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.core.errors import OurError
from antiphon.retrieval.minilm import graph
from antiphon.retrieval.vectors import MINILM

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

Floats = npt.NDArray[np.float32]

LONGEST: Final = 256  # tokens that the model was trained on; the rest of a text is not seen
BATCH: Final = 16
_FILES: Final = ("config.json", "tokenizer.json", "model.safetensors")
_PACKAGES: Final = ("onnx", "onnxruntime", "tokenizers")
_REVISION: Final = 1  # of graph.build; an older converted graph is not used


class MiniLm:
    """weights: the directory. kept: where the converted graph goes. threads: of one run, 0 for as many as there are cores.

    Raises OurError at once when packages or files are missing.
    """

    model = MINILM

    def __init__(self, weights: Path, kept: Path, *, threads: int = 0) -> None:
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise OurError("The local embedder needs the packages of antiphon[local].", code="embedder_missing", detail=", ".join(missing))
        absent = [name for name in _FILES if not (weights / name).is_file()]
        if absent:
            message = f"The directory of the local embedder's weights lacks {', '.join(absent)}."
            raise OurError(message, code="embedder_missing", detail=str(weights))
        self._weights = weights
        self._kept = kept
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: tuple[onnxruntime.InferenceSession, tokenizers.Tokenizer] | None = None

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, float32 (texts, 384), in the order of the texts."""
        return await asyncio.to_thread(self.embed_now, texts)

    def embed_now(self, texts: Sequence[str]) -> Floats:
        """`embed` in the calling thread."""
        session, tokenizer = self._load()
        encoded = tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(texts), 384), np.float32)
        by_length = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids))
        for first in range(0, len(by_length), BATCH):
            batch = by_length[first : first + BATCH]
            width = len(encoded[batch[-1]].ids)
            ids, mask = np.zeros((len(batch), width), np.int64), np.zeros((len(batch), width), np.int64)
            for row, at in enumerate(batch):
                ids[row, : len(encoded[at].ids)] = encoded[at].ids
                mask[row, : len(encoded[at].ids)] = 1
            vectors[batch] = session.run(["vectors"], {"ids": ids, "mask": mask})[0]
        return vectors

    def _load(self) -> tuple[onnxruntime.InferenceSession, tokenizers.Tokenizer]:
        import onnxruntime  # lazy: 25 MB that most installations do without
        import tokenizers  # lazy: see above

        with self._loading:
            if self._loaded is None:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads
                session = onnxruntime.InferenceSession(str(self._converted()), options, providers=["CPUExecutionProvider"])
                tokenizer = tokenizers.Tokenizer.from_file(str(self._weights / "tokenizer.json"))
                tokenizer.no_padding()
                tokenizer.enable_truncation(LONGEST)
                self._loaded = (session, tokenizer)
            return self._loaded

    def _converted(self) -> Path:
        source = self._weights / "model.safetensors"
        state = source.stat()
        path = self._kept / f"{MINILM}-{_REVISION}-{state.st_size:x}-{state.st_mtime_ns:x}.onnx"
        if not path.exists():
            shape = msgspec.json.decode((self._weights / "config.json").read_bytes(), type=graph.Shape)
            self._kept.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(graph.build(graph.read_safetensors(source), shape).SerializeToString())
            partial.replace(path)
        return path
