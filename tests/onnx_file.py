"""A small generator as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor


def save_onnx(path: Path, weight: Tensor, count: object) -> None:
    """Latents (count, d) -> tanh(latents @ weight) as images (count, 1, 16, 16) in [-1, 1]; weight (d, 256)."""
    nodes = [
        helper.make_node("MatMul", ["z", "weight"], ["product"]),
        helper.make_node("Tanh", ["product"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["images"]),
    ]
    constants = [
        numpy_helper.from_array(weight.numpy(), "weight"),
        numpy_helper.from_array(np.array([-1, 1, 16, 16]), "shape"),
    ]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [count, len(weight)])]
    outputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [count, 1, 16, 16])]
    graph = helper.make_graph(nodes, "generator", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
