"""What the network that ships with the package sees in a photo and its estimated depth: depth edges and thin things."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Float, far_and_span
from inpaint.loading import ASKED, load_weights
from inpaint.tiles import network_size

if TYPE_CHECKING:
    from inpaint.edge_network import EdgeNetwork

WEIGHTS = Path(__file__).with_name("edges.safetensors")
SIDE_PX = 576  # square root of the area of what the network looks at: training saw pictures of this size
REACH_PX = 20  # of a pixel's surroundings
LEAST_SPAN = 1e-4
RIM_PX = 32  # mirrored around the picture, against the network's zero padding


@dataclass(frozen=True)
class Sight:
    """A photo with its estimated depth, and what the network sees there, at its own size: (h, w), of about `SIDE_PX`
    squared. It is asked once, when that is first wanted, which raises MissingWeightsError.
    """

    rgb: npt.NDArray[np.uint8]  # (H, W, 3)
    disparity: Float  # (H, W) in 0..1, still blurred

    @property
    def edges(self) -> Float:
        """(h, w) the disparity with its steps where they are in the photo.

        Every pixel stays between the farthest and the nearest of its surroundings; the network says where.
        """
        return self._seen[0]

    @property
    def thin(self) -> Float:
        """(h, w) how likely in 0..1 each pixel is part of a thin thing that stands before both of its sides."""
        return self._seen[1]

    @functools.cached_property
    def _seen(self) -> tuple[Float, Float]:
        h, w = self.disparity.shape
        size = network_size(w, h, SIDE_PX)
        colour = cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_CUBIC)
        q = cv2.resize(self.disparity, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_LINEAR)
        far, span = far_and_span(q, REACH_PX)
        place, thin = _answer(np.dstack([colour.astype(np.float32) / np.float32(255), places(q, far, span), span]))
        return np.asarray(far + place * span, np.float32), thin


def places(disparity: Float, far: Float, span: Float) -> Float:
    """(H, W) where each pixel of `disparity` (H, W) is between `far` (0) and what lies `span` above it (1)."""
    return np.clip((disparity - far) / np.maximum(span, LEAST_SPAN), 0, 1, dtype=np.float32)


def _answer(seen: Float) -> tuple[Float, Float]:
    """What the network says (h, w) when it sees this (h, w, 5): places, and what is thin."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    padded = np.pad(seen, ((RIM_PX, RIM_PX), (RIM_PX, RIM_PX), (0, 0)), mode="symmetric")
    with ASKED, torch.inference_mode():
        answer = load_network(WEIGHTS).to(device)(torch.from_numpy(padded)[None].to(device).permute(0, 3, 1, 2))
    place, thin = answer[0, :, RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].cpu().numpy()
    return place, thin


@functools.cache
def load_network(weights: Path) -> EdgeNetwork:
    """The network with weights from a safetensors file, ready to infer. Raises MissingWeightsError."""
    from inpaint.edge_network import INPUTS, EdgeNetwork

    return load_weights(EdgeNetwork(), weights, INPUTS)
