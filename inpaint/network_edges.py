"""Depth edges seen by the network that ships with the package, in place of the blurred ones of estimated depth."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Float, far_and_span
from inpaint.loading import load_weights
from inpaint.tiles import network_size

if TYPE_CHECKING:
    from inpaint.edge_network import EdgeNetwork, PixelNetwork

WEIGHTS = Path(__file__).with_name("edges.safetensors")
SIDE_PX = 576  # square root of the area of what the network looks at: training saw pictures of this size
REACH_PX = 20  # of a pixel's surroundings
LEAST_SPAN = 1e-4
RIM_PX = 32  # mirrored around the picture, against the network's zero padding


def see_edges(rgb: npt.NDArray[np.uint8], disparity: Float, weights: Path = WEIGHTS) -> Float:
    """`disparity` (H, W) in 0..1 with its steps where the network sees them in `rgb` (H, W, 3), at the network's size.

    Every pixel stays between the farthest and the nearest of its surroundings; the network says where. (h, w), of about
    `SIDE_PX` squared. Raises MissingWeightsError.
    """
    seen, far, span = network_view(rgb, disparity)
    return np.asarray(far + ask(load_network(weights), seen) * span, np.float32)


def network_view(rgb: npt.NDArray[np.uint8], disparity: Float) -> tuple[Float, Float, Float]:
    """What a network sees (h, w, 5), see `inpaint.edge_network`, and the least disparity (h, w) of the surroundings of
    each pixel and how far the largest lies above it (h, w).
    """
    h, w = disparity.shape
    size = network_size(w, h, SIDE_PX)
    colour = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_CUBIC)
    q = cv2.resize(disparity, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_LINEAR)
    far, span = far_and_span(q, REACH_PX)
    return np.dstack([colour.astype(np.float32) / np.float32(255), places(q, far, span), span]), far, span


def ask(network: PixelNetwork, seen: Float) -> Float:
    """(h, w) the answer of a network that sees this (h, w, 5)."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    padded = np.pad(seen, ((RIM_PX, RIM_PX), (RIM_PX, RIM_PX), (0, 0)), mode="symmetric")
    with torch.inference_mode():
        answer = network.to(device)(torch.from_numpy(padded)[None].to(device).permute(0, 3, 1, 2))
    return np.asarray(answer[0, RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].cpu().numpy())


def places(disparity: Float, far: Float, span: Float) -> Float:
    """(H, W) where each pixel of `disparity` (H, W) is between `far` (0) and what lies `span` above it (1)."""
    return np.clip((disparity - far) / np.maximum(span, LEAST_SPAN), 0, 1, dtype=np.float32)


@functools.cache
def load_network(weights: Path) -> EdgeNetwork:
    """The network with weights from a safetensors file, ready to infer. Raises MissingWeightsError."""
    from inpaint.edge_network import INPUTS, EdgeNetwork

    return load_weights(EdgeNetwork(), weights, INPUTS)
