"""The teacher's reader on a network that the test writes in Caffe2's format."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.teacher import load_teacher


def whole(value: int) -> bytes:
    value &= (1 << 64) - 1
    data = b""
    while value > 127:
        data, value = data + bytes([value & 127 | 128]), value >> 7
    return data + bytes([value])


def field(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return whole(number << 3) + whole(value)
    if isinstance(value, float):
        return whole(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return whole(number << 3 | 2) + whole(len(data)) + data


def operator(kind: str, inputs: list[str], output: str, **arguments: Any) -> bytes:
    message = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    for name, value in arguments.items():
        if isinstance(value, list):
            content = b"".join(field(6, item) for item in value)
        else:
            content = field({float: 2, int: 3, bytes: 4}[type(value)], value)
        message += field(5, field(1, name) + content)
    return field(2, message)


STEP = 1 / 255
OUT = {"Y_scale": 0.02, "Y_zero_point": 0}
CONV = {"strides": [1, 1], "pads": [1, 1, 1, 1], "kernels": [3, 3], "group": 1, "order": b"NHWC"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """log d = 2 (red - 0.25), nothing below 0, then enlarged twice and added to itself."""
    kernel = np.full((1, 3, 3, 3), 100, np.uint8)  # out, height, width, in; 100 is zero
    kernel[0, 1, 1, 0] = 200
    filled = operator("Int8GivenTensorFill", [], "w", values=kernel.tobytes(), shape=[1, 3, 3, 3], Y_scale=0.02,
                      Y_zero_point=100)  # fmt: skip
    filled += operator("Int8GivenIntTensorFill", [], "b", values=[-50], shape=[1], Y_scale=0.01, Y_zero_point=0)
    graph = operator("NCHW2NHWC", ["0"], "1") + operator("Int8Quantize", ["1"], "2", Y_scale=STEP, Y_zero_point=0)
    graph += operator("Int8Conv", ["2", "w", "b"], "3", **CONV, **OUT)
    graph += operator("Int8ResizeNearest", ["3"], "4", width_scale=2.0, height_scale=2.0, **OUT)
    graph += operator("Int8Add", ["4", "4"], "5", **OUT) + operator("Int8Dequantize", ["5"], "6")
    (tmp_path / "net.pb").write_bytes(field(1, "a net's name") + graph)
    (tmp_path / "net_init.pb").write_bytes(filled)
    return tmp_path


def test_every_operator(folder) -> None:
    rgb = np.zeros((60, 120, 3), np.uint8)
    rgb[..., 1:] = 99
    rgb[:, 60:, 0] = 255
    disparity = load_teacher(folder)(rgb)
    assert disparity.shape == (2 * 192, 2 * 384) and disparity.dtype == np.float32
    assert disparity[:, :380] == pytest.approx(1), "the rectifier"
    assert disparity[:, 390:] == pytest.approx(np.exp(2 * 1.5), rel=1e-3)


def test_range_of_an_output_clips(folder) -> None:
    graph = (folder / "net.pb").read_bytes()
    (folder / "net.pb").write_bytes(graph.replace(struct.pack("<f", 0.02), struct.pack("<f", 0.004)))
    bright = np.full((64, 64, 3), 255, np.uint8)
    assert load_teacher(folder)(bright) == pytest.approx(np.exp(0.004 * 255), rel=1e-3)


def test_what_is_no_teacher(folder) -> None:
    (folder / "net.pb").write_bytes(operator("Softmax", ["0"], "1"))
    with pytest.raises(SystemExit, match="Softmax"):
        load_teacher(folder)(np.zeros((64, 64, 3), np.uint8))
    (folder / "net_init.pb").unlink()
    with pytest.raises(SystemExit, match=r"NAME_init\.pb"):
        load_teacher(folder)
