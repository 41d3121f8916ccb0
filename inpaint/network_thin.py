"""Thin things seen by the network that ships with the package: wires, poles, fences, spokes, twigs."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from inpaint.filters import Float
from inpaint.loading import load_weights
from inpaint.network_edges import ask, network_view

if TYPE_CHECKING:
    from inpaint.edge_network import ThinNetwork

WEIGHTS = Path(__file__).with_name("thin.safetensors")


def see_thin(rgb: npt.NDArray[np.uint8], disparity: Float, weights: Path = WEIGHTS) -> Float:
    """How likely in 0..1 each pixel of `rgb` (H, W, 3) is part of a thin thing that stands before both of its sides.

    `disparity` (H, W) in 0..1 as it was estimated, still blurred. (h, w), of about `network_edges.SIDE_PX` squared.
    Raises MissingWeightsError.
    """
    return ask(load_network(weights), network_view(rgb, disparity)[0])


@functools.cache
def load_network(weights: Path) -> ThinNetwork:
    """The network with weights from a safetensors file, ready to infer. Raises MissingWeightsError."""
    from inpaint.edge_network import INPUTS, ThinNetwork

    return load_weights(ThinNetwork(), weights, INPUTS)
