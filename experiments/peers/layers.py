"""An ONNX file as a list of layers, for the peers that do not read ONNX themselves."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from common import DidNotRun


@dataclass
class Layer:
    """`kind` is conv, square, pool, flatten or dense; the rest is what that kind has."""

    kind: str
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    stride: tuple = (1, 1)
    padding: tuple = (0, 0)
    kernel: tuple = ()
    groups: int = 1


def read(path):
    """The layers of a network without branches, in order."""
    graph = onnx.load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    layers, last = [], graph.input[0].name
    for node in graph.node:
        if node.input[0] != last:
            raise DidNotRun(f"node {node.name or node.output[0]} is on a branch; only chains are read")
        layers.append(_layer(node, constants))
        last = node.output[0]
    return layers


def _layer(node, constants):
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    weights = [constants.get(name) for name in node.input[1:]]
    bias = weights[1] if len(weights) > 1 else None
    stride = tuple(attributes.get("strides", (1, 1)))
    match node.op_type:
        case "Conv":
            return Layer("conv", weights[0], bias, stride, _padding(node, attributes), groups=attributes.get("group", 1))
        case "AveragePool":
            kernel = tuple(attributes["kernel_shape"])
            return Layer("pool", stride=stride, padding=_padding(node, attributes), kernel=kernel)
        case "Gemm" if weights[0] is not None:
            weight = weights[0] if attributes.get("transB", 0) else weights[0].T
            return Layer("dense", weight, bias)
        case "Mul" if node.input[0] == node.input[1]:
            return Layer("square")
        case "Flatten":
            return Layer("flatten")
        case other:
            raise DidNotRun(f"operator {other} of node {node.name or node.output[0]} is not read by layers.py")


def _padding(node, attributes):
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        raise DidNotRun(f"node {node.name or node.output[0]} is padded unevenly")
    return (top, left)
