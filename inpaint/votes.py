"""Votes of the pixels around a pixel: the more alike their colours and the closer they are, the more they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float

Index = npt.NDArray[np.int64]

COLOUR_SIGMA = 0.07  # colours (0..1) this far apart vote for each other with weight exp(-1/2)
AT_A_TIME = 1024  # pixels, with their windows: what the processor keeps at hand


@dataclass(frozen=True)
class Votes:
    """What the K pixels of a window say to each of N pixels."""

    row: Index  # (N,)
    column: Index  # (N,)
    value: Float  # (N, K)
    closeness: Float  # (N, K) in 0..1; 0 for pixels without a vote
    weight: Float  # (N, K) closeness times likeness of colour


def collect(values: Float, colour: Float, voters: Bool, wanted: Bool, radius: int) -> Iterator[Votes]:
    """The votes of the pixels `voters` (H, W) within `radius` on the pixels `wanted` (H, W), some pixels at a time.

    `values` (H, W); `colour` (H, W, 3) in 0..1.
    """
    rows, columns = np.nonzero(wanted)
    stride = 1 + radius // 6  # a sparse window is enough
    offsets = np.arange(-(radius // stride) * stride, radius + 1, stride)
    dy, dx = (g.ravel() for g in np.meshgrid(offsets, offsets, indexing="ij"))
    near = np.exp(-(dy**2 + dx**2) / (2 * (0.6 * radius) ** 2)).astype(np.float32)
    # Colour and value of a pixel side by side, in a flat array: so each is looked up once, by one number.
    padded = cv2.copyMakeBorder(np.dstack([colour, values]), *(radius,) * 4, cv2.BORDER_REPLICATE)
    has_vote = np.pad(voters, radius, mode="edge").ravel()
    width = padded.shape[1]
    padded = padded.reshape(-1, 4)
    window = dy * width + dx
    centre = (rows + radius) * width + columns + radius
    for start in range(0, len(rows), AT_A_TIME):
        at = slice(start, start + AT_A_TIME)
        r, c, places = rows[at], columns[at], centre[at, None] + window
        around = padded.take(places, axis=0)
        difference = around[..., :3] - colour[r, c][:, None]
        closeness = near * has_vote.take(places)
        weight = np.exp(-np.einsum("nkc,nkc->nk", difference, difference) / (2 * COLOUR_SIGMA**2)) * closeness
        yield Votes(r, c, around[..., 3], closeness, weight)
