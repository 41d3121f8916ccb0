"""The teacher: a depth network in Caffe2's format, run in floating point without Caffe2.

Reads what "One Shot 3D Photography" (Kopf et al., 2020) publishes: `NAME.pb` with the graph and `NAME_init.pb` with the
quantised tensors. Its labels are what the built-in network learned from, so a row of it says what was gained.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

LONG_SIDE_PX = 384
_MULTIPLE = 32

# Field numbers of Caffe2's protobuf messages.
_OPERATOR = 2  # of a net
_INPUT, _OUTPUT, _TYPE, _ARGUMENT = 1, 2, 4, 5  # of an operator
_NAME, _FLOAT, _INT, _BYTES, _INTS = 1, 2, 3, 4, 6  # of an argument


@dataclass(frozen=True)
class _Operator:
    kind: str
    inputs: list[str]
    output: str
    arguments: dict[str, Any]

    def clamp(self, values: Any) -> Any:
        """Values within the range that the operator's quantised output can hold: that is its rectifier, too."""
        scale, zero = self.arguments["Y_scale"], self.arguments.get("Y_zero_point", 0)
        return values.clamp(-zero * scale, (255 - zero) * scale)


def load_teacher(folder: Path) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """The network in a folder, as a function from (H, W, 3) sRGB to (h, w) disparity, larger is nearer."""
    import torch

    graphs = [file for file in sorted(folder.glob("*.pb")) if file.with_name(f"{file.stem}_init.pb").is_file()]
    if len(graphs) != 1:
        raise SystemExit(f"{folder} does not hold one NAME.pb with its NAME_init.pb")
    (graph,) = graphs
    operators = list(_operators(graph.read_bytes()))
    filled = _operators(graph.with_name(f"{graph.stem}_init.pb").read_bytes())
    weights = {op.output: _tensor(op) for op in filled}

    def predict(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        h, w = rgb.shape[:2]
        scale = LONG_SIDE_PX / max(h, w)
        size = tuple(max(1, round(side * scale / _MULTIPLE)) * _MULTIPLE for side in (w, h))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        known = {operators[0].inputs[0]: torch.from_numpy(small).permute(2, 0, 1)[None]}
        with torch.inference_mode():
            for op in operators:
                known[op.output] = _run(op, [weights[name] if name in weights else known[name] for name in op.inputs])
        log_disparity = known[operators[-1].output][0, 0].numpy()
        return np.exp(log_disparity).astype(np.float32)

    return predict


def _run(op: _Operator, inputs: list[Any]) -> Any:
    from torch.nn import functional

    match op.kind:
        case "NCHW2NHWC" | "Int8Dequantize":
            return inputs[0]
        case "Int8Quantize":
            return op.clamp(inputs[0])
        case "Int8Add":
            return op.clamp(inputs[0] + inputs[1])
        case "Int8ResizeNearest":
            factors = (op.arguments["height_scale"], op.arguments["width_scale"])
            return functional.interpolate(inputs[0], scale_factor=factors, mode="nearest")
        case "Int8Conv":
            top, left, bottom, right = op.arguments["pads"]
            x = functional.pad(inputs[0], (left, right, top, bottom))
            return op.clamp(
                functional.conv2d(x, inputs[1], inputs[2], op.arguments["strides"], groups=op.arguments.get("group", 1))
            )
        case _:
            raise SystemExit(f"the teacher's graph has the unknown operator {op.kind}")


def _tensor(op: _Operator) -> Any:
    """A filled tensor in floating point; kernels as (out, in, height, width)."""
    import torch

    values, shape = op.arguments["values"], op.arguments["shape"]
    levels = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else np.array(values)
    real = (levels.astype(np.float32) - op.arguments["Y_zero_point"]) * op.arguments["Y_scale"]
    tensor = torch.from_numpy(real.astype(np.float32)).reshape(shape)
    return tensor.permute(0, 3, 1, 2).contiguous() if len(shape) == 4 else tensor


def _operators(net: bytes) -> Iterator[_Operator]:
    for number, message in _fields(net):
        if number != _OPERATOR:
            continue
        parts: dict[int, list[Any]] = {_INPUT: [], _OUTPUT: [], _TYPE: [], _ARGUMENT: []}
        for field, value in _fields(message):
            parts.setdefault(field, []).append(value)
        arguments = dict(map(_argument, parts[_ARGUMENT]))
        inputs = [name.decode() for name in parts[_INPUT]]
        yield _Operator(parts[_TYPE][0].decode(), inputs, parts[_OUTPUT][0].decode(), arguments)


def _argument(message: bytes) -> tuple[str, Any]:
    name, single, several = "", None, []
    for field, value in _fields(message):
        if field == _NAME:
            name = value.decode()
        elif field == _FLOAT:
            (single,) = struct.unpack("<f", value)
        elif field in (_INT, _BYTES):
            single = value
        elif field == _INTS:
            several.append(value - (1 << 64) if value >> 63 else value)  # two's complement
    return name, several or single


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of a protobuf message: whole numbers, or bytes."""
    at = 0
    while at < len(message):
        key, at = _whole(message, at)
        match key & 7:
            case 0:
                value, at = _whole(message, at)
                yield key >> 3, value
                continue
            case 2:
                length, at = _whole(message, at)
            case 1 | 5 as kind:
                length = 8 if kind == 1 else 4
            case _:
                raise SystemExit("the teacher's file is damaged")
        yield key >> 3, message[at : at + length]
        at += length


def _whole(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
