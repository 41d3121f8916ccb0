"""Votes of the pixels around a pixel: the more alike their colours and the closer they are, the more they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, nonzero

Index = npt.NDArray[np.int64]

COLOUR_SIGMA = 0.07  # colours this far apart vote for each other with weight exp(-1/2)
AT_A_TIME = 1024  # pixels, with their windows: what the processor keeps at hand


@dataclass(frozen=True)
class Votes:
    """What the K pixels of a window say to each of N pixels."""

    row: Index  # (N,)
    column: Index  # (N,)
    value: npt.NDArray[Any]  # (N, K)
    closeness: Float  # (N, K) in 0..1; 0 for pixels without a vote
    weight: Float  # (N, K) closeness times likeness of colour


def collect(values: npt.NDArray[Any], colour: Float, voters: Bool, wanted: Bool, radius: int) -> Iterator[Votes]:
    """The votes of the pixels `voters` (H, W) within `radius` on the pixels `wanted` (H, W), some pixels at a time.

    `values` (H, W) of any type; `colour` (H, W, 3), greys in 0..1. Beyond the picture, the pixels of its border vote
    again.
    """
    rows, columns = nonzero(wanted)
    stride = 1 + radius // 6  # a sparse window is enough
    offsets = np.arange(-(radius // stride) * stride, radius + 1, stride)
    near = np.exp(-np.add.outer(offsets**2, offsets**2).ravel() / (2 * (0.6 * radius) ** 2)).astype(np.float32)
    around = _Surroundings(values, colour, voters, wanted, radius)
    window = np.add.outer(offsets * around.width, offsets).ravel()
    centre = (rows + radius) * around.width + columns + radius
    for start in range(0, len(rows), AT_A_TIME):
        at = slice(start, start + AT_A_TIME)
        places = centre[at, None] + window
        # -|a - b|^2 / 2 of the traits a and b is ab - |a|^2 / 2 - |b|^2 / 2: a product of matrices but for the last.
        own = around.traits.take(centre[at], axis=0)
        rest = own[:, 3:].copy()
        own[:, 3] = 1
        weight = np.matmul(around.traits.take(places, axis=0), own[..., None])[..., 0]
        weight += rest
        np.exp(weight, out=weight)
        closeness = around.voters.take(places)
        closeness *= near
        weight *= closeness
        yield Votes(rows[at], columns[at], around.values.take(places), closeness, weight)


class _Surroundings:
    """What is looked up around the wanted pixels, in flat arrays with `radius` pixels more on every side. All else in
    them is never written, so that few wanted pixels of a large picture cost little.
    """

    def __init__(self, values: npt.NDArray[Any], colour: Float, voters: Bool, wanted: Bool, radius: int) -> None:
        h, w = wanted.shape
        self.width = w + 2 * radius
        size = (h + 2 * radius) * self.width
        wide = np.pad(wanted.view(np.uint8), radius)
        y, x = nonzero(cv2.dilate(wide, np.ones((2 * radius + 1,) * 2, np.uint8)).view(np.bool_))
        at = y * self.width + x
        source = np.clip(y - radius, 0, h - 1) * w + np.clip(x - radius, 0, w - 1)
        self.values = np.empty(size, values.dtype)
        self.values[at] = values.ravel().take(source)
        self.voters = np.empty(size, np.float32)
        self.voters[at] = voters.ravel().take(source)
        units = (colour.reshape(-1, 3).take(source, axis=0) - np.float32(0.5)) * np.float32(1 / COLOUR_SIGMA)
        self.traits = np.empty((size, 4), np.float32)  # colour in units of COLOUR_SIGMA, and minus half its square
        self.traits[at, :3] = units
        self.traits[at, 3] = -0.5 * np.einsum("nc,nc->n", units, units)
