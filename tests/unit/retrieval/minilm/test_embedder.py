"""The embedder over a tiny encoder with random weights, against the same arithmetic in plain numpy.

The development environment holds the packages of antiphon[local]; the real weights are measured by bench/retrieval.py.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.errors import OurError
from antiphon.retrieval.minilm.embedder import MiniLm

pytestmark = pytest.mark.anyio

WIDTH, HEADS, LAYERS, WORDS = 384, 12, 2, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "green", "blue", "stone"]
Floats = npt.NDArray[np.float32]


def tensors() -> dict[str, Floats]:
    random = np.random.default_rng(7)
    shapes = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (16, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        parts = ("self.query", "self.key", "self.value", "output.dense")
        sizes = {f"attention.{name}": (WIDTH, WIDTH) for name in parts}
        sizes |= {"intermediate.dense": (64, WIDTH), "output.dense": (WIDTH, 64)}
        for name, size in sizes.items():
            shapes[f"{prefix}{name}.weight"], shapes[f"{prefix}{name}.bias"] = size, size[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{prefix}{name}.weight"] = shapes[f"{prefix}{name}.bias"] = (WIDTH,)
    return {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}


def write(folder: Path, values: dict[str, Floats]) -> Path:
    folder.mkdir()
    header, body = {}, b""
    for name, value in values.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [len(body), len(body) + value.nbytes]}
        body += value.tobytes()
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + body)
    sizes = {"hidden_size": WIDTH, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "max_position_embeddings": 16}
    (folder / "config.json").write_text(json.dumps({**sizes, "layer_norm_eps": 1e-12}))
    vocabulary = {word: at for at, word in enumerate(WORDS)}
    template = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    special = {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "TemplateProcessing", "single": template, "pair": template, "special_tokens": special},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def expected(values: dict[str, Floats], ids: list[int]) -> Floats:
    def norm(x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        scaled: Floats = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * values[f"{name}.weight"] + values[f"{name}.bias"]

    def linear(x: Floats, name: str) -> Floats:
        return x @ values[f"{name}.weight"].T + values[f"{name}.bias"]

    def heads(x: Floats) -> Floats:
        return x.reshape(len(ids), HEADS, WIDTH // HEADS).transpose(1, 0, 2)

    x = values["embeddings.word_embeddings.weight"][ids] + values["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + values["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        query, key, value = (heads(linear(x, f"{prefix}attention.self.{name}")) for name in ("query", "key", "value"))
        scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = norm(x + linear(mixed, f"{prefix}attention.output.dense"), f"{prefix}attention.output.LayerNorm")
        wide = linear(x, f"{prefix}intermediate.dense")
        gelu = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))).astype(np.float32)
        x = norm(x + linear(gelu, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")
    mean = x.mean(0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


async def test_vectors_agree_with_the_arithmetic_they_stand_for(tmp_path: Path) -> None:
    values = tensors()
    embedder = MiniLm(write(tmp_path / "weights", values), tmp_path / "kept", threads=1)
    found = await embedder.embed(["red green blue stone", "stone"])
    assert found.shape == (2, WIDTH)
    for vector, ids in zip(found, ([2, 4, 5, 6, 7], [2, 7]), strict=True):
        assert float(vector @ expected(values, ids)) > 0.99
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert len(await embedder.embed([])) == 0


async def test_the_graph_is_converted_once(tmp_path: Path) -> None:
    weights = write(tmp_path / "weights", tensors())
    first = await MiniLm(weights, tmp_path / "kept").embed(["red"])
    (made,) = (tmp_path / "kept").iterdir()
    before = made.stat().st_mtime_ns
    second = await MiniLm(weights, tmp_path / "kept").embed(["red"])
    assert made.stat().st_mtime_ns == before
    assert np.array_equal(first, second)


def test_missing_weights_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OurError) as caught:
        MiniLm(tmp_path, tmp_path / "kept")
    assert "config.json" in caught.value.message
