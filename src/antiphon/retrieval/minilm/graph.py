"""Weights of a BERT encoder in, an ONNX graph out that turns token ids into unit sentence vectors.

Shipped precision: matrices are unsigned 8-bit by output column, activations are quantised as they come; embeddings are 8-bit by row.
Softmax, norms and sums stay in 32-bit floats. Inputs `ids` and `mask`, int64 (batch, tokens); output `vectors`, float32 (batch, width).

Sources of the formats: safetensors (8 bytes of header length, JSON header, raw little-endian data); ONNX operator set 17.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

Floats = npt.NDArray[np.float32]

OPSET: Final = 17
_IR: Final = 8


class Shape(msgspec.Struct, frozen=True):
    """What config.json of the weights says."""

    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    max_position_embeddings: int
    layer_norm_eps: float


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The 32-bit tensors of a file by name; others are left out. Raises ValueError for a file that is cut."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[8 + length + first : 8 + length + last], "<f4").reshape(entry["shape"])
    return tensors


def build(tensors: dict[str, Floats], shape: Shape) -> onnx.ModelProto:
    """The whole graph, checked."""
    from onnx import TensorProto, checker, helper  # lazy: part of the extra, and only needed once

    writer = _Writer()
    hidden = _embeddings(writer, tensors, shape)
    bias = writer.add("Unsqueeze", "mask", writer.constant(np.array([1, 2], np.int64)))
    bias = writer.add("Cast", bias, to=TensorProto.FLOAT)
    bias = writer.add("Mul", writer.add("Sub", bias, writer.scalar(1.0)), writer.scalar(10_000.0))
    for layer in range(shape.num_hidden_layers):
        hidden = _layer(writer, tensors, shape, f"encoder.layer.{layer}.", hidden, bias)
    _pool(writer, hidden)
    graph = helper.make_graph(
        writer.nodes,
        "sentence-vectors",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", shape.hidden_size])],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR)
    checker.check_model(model)
    return model


class _Writer:
    """Collects nodes and constants under names of its own."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper  # lazy: see build

        self._node = helper.make_node
        self._tensor = numpy_helper.from_array
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, output: str | None = None, **attributes: Any) -> str:
        """Append a node; returns the name of its output, further ones are that name with .1, .2 behind it."""
        name = output or f"n{len(self.nodes)}"
        names = [name, *(f"{name}.{n}" for n in range(1, outputs))]
        self.nodes.append(self._node(operator, list(inputs), names, **attributes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self._tensor(np.ascontiguousarray(values), name))
        return name

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def norm(self, hidden: str, tensors: dict[str, Floats], prefix: str, shape: Shape) -> str:
        scale, bias = self.constant(tensors[f"{prefix}.weight"]), self.constant(tensors[f"{prefix}.bias"])
        return self.add("LayerNormalization", hidden, scale, bias, axis=-1, epsilon=shape.layer_norm_eps)

    def linear(self, hidden: str, weight: Floats, bias: Floats) -> str:
        """hidden @ weight.T + bias with 8-bit operands and 32-bit sums."""
        from onnx import TensorProto  # lazy: see build

        low, high = np.minimum(weight.min(axis=1), 0), np.maximum(weight.max(axis=1), 0)
        scale = ((high - low) / 255).astype(np.float32)
        zero = np.round(-low / scale).astype(np.uint8)
        levels = np.clip(np.round(weight / scale[:, None]) + zero[:, None], 0, 255).astype(np.uint8)
        given = self.add("DynamicQuantizeLinear", hidden, outputs=3)
        product = self.add("MatMulInteger", given, self.constant(levels.T), f"{given}.2", self.constant(zero))
        product = self.add("Cast", product, to=TensorProto.FLOAT)
        product = self.add("Mul", product, self.add("Mul", f"{given}.1", self.constant(scale)))
        return self.add("Add", product, self.constant(bias))


def _embeddings(writer: _Writer, tensors: dict[str, Floats], shape: Shape) -> str:
    from onnx import TensorProto  # lazy: see build

    words = tensors["embeddings.word_embeddings.weight"]
    scale = (np.abs(words).max(axis=1, keepdims=True) / 127).astype(np.float32)
    levels = writer.constant(np.round(words / np.maximum(scale, 1e-12)).astype(np.int8))
    looked_up = writer.add("Cast", writer.add("Gather", levels, "ids"), to=TensorProto.FLOAT)
    looked_up = writer.add("Mul", looked_up, writer.add("Gather", writer.constant(scale), "ids"))
    places = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    count = writer.add("Gather", writer.add("Shape", "ids"), writer.constant(np.array([1], np.int64)))
    start = writer.constant(np.array([0], np.int64))
    hidden = writer.add("Add", looked_up, writer.add("Slice", writer.constant(places), start, count, start))
    return writer.norm(hidden, tensors, "embeddings.LayerNorm", shape)


def _layer(writer: _Writer, tensors: dict[str, Floats], shape: Shape, prefix: str, hidden: str, bias: str) -> str:
    attended = _attention(writer, tensors, shape, f"{prefix}attention.", hidden, bias)
    hidden = writer.norm(writer.add("Add", attended, hidden), tensors, f"{prefix}attention.output.LayerNorm", shape)
    wide = writer.linear(hidden, tensors[f"{prefix}intermediate.dense.weight"], tensors[f"{prefix}intermediate.dense.bias"])
    error = writer.add("Erf", writer.add("Div", wide, writer.scalar(2**0.5)))
    gelu = writer.add("Mul", writer.add("Mul", wide, writer.add("Add", error, writer.scalar(1.0))), writer.scalar(0.5))
    narrow = writer.linear(gelu, tensors[f"{prefix}output.dense.weight"], tensors[f"{prefix}output.dense.bias"])
    return writer.norm(writer.add("Add", narrow, hidden), tensors, f"{prefix}output.LayerNorm", shape)


def _attention(writer: _Writer, tensors: dict[str, Floats], shape: Shape, prefix: str, hidden: str, bias: str) -> str:
    heads, width = shape.num_attention_heads, shape.hidden_size // shape.num_attention_heads
    names = [f"{prefix}self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([tensors[f"{name}.weight"] for name in names])
    offset = np.concatenate([tensors[f"{name}.bias"] for name in names])
    joined = writer.add("Reshape", writer.linear(hidden, weight, offset), writer.constant(np.array([0, 0, 3, heads, width], np.int64)))
    split = writer.add("Split", writer.add("Transpose", joined, perm=[2, 0, 3, 1, 4]), outputs=3, axis=0)
    first = writer.constant(np.array([0], np.int64))
    query, key, value = (writer.add("Squeeze", name, first) for name in (split, f"{split}.1", f"{split}.2"))
    scores = writer.add("MatMul", query, writer.add("Transpose", key, perm=[0, 1, 3, 2]))
    scores = writer.add("Add", writer.add("Mul", scores, writer.scalar(width**-0.5)), bias)
    mixed = writer.add("MatMul", writer.add("Softmax", scores, axis=-1), value)
    flat = writer.add("Transpose", mixed, perm=[0, 2, 1, 3])
    flat = writer.add("Reshape", flat, writer.constant(np.array([0, 0, shape.hidden_size], np.int64)))
    return writer.linear(flat, tensors[f"{prefix}output.dense.weight"], tensors[f"{prefix}output.dense.bias"])


def _pool(writer: _Writer, hidden: str) -> None:
    """The mean over real tokens, at unit length."""
    from onnx import TensorProto  # lazy: see build

    along = writer.constant(np.array([1], np.int64))
    mask = writer.add("Cast", writer.add("Unsqueeze", "mask", writer.constant(np.array([2], np.int64))), to=TensorProto.FLOAT)
    total = writer.add("ReduceSum", writer.add("Mul", hidden, mask), along, keepdims=0)
    length = writer.add("ReduceL2", total, axes=[1], keepdims=1)
    writer.add("Div", total, writer.add("Max", length, writer.scalar(1e-12)), output="vectors")
