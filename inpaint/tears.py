"""Links between neighbouring pixels, and the tears where a camera move would pull neighbours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, steps, widened

Index = npt.NDArray[np.int64]

SHARP = 0.5  # a step of which one pixel had this share before it was made sharp is measured or drawn, not estimated
OPEN_PX = 4.0  # steps that no move opens by so much do not tell which it is


@dataclass(frozen=True)
class Links:
    """Which 4-neighbours belong to one surface."""

    right: Bool  # (H, W - 1): pixel (y, x) is linked with (y, x + 1)
    down: Bool  # (H - 1, W): pixel (y, x) is linked with (y + 1, x)

    @staticmethod
    def all(shape: tuple[int, int]) -> Links:
        h, w = shape
        return Links(np.ones((h, w - 1), bool), np.ones((h - 1, w), bool))

    @staticmethod
    def none(shape: tuple[int, int]) -> Links:
        h, w = shape
        return Links(np.zeros((h, w - 1), bool), np.zeros((h - 1, w), bool))

    def at_tears(self, right: npt.NDArray[Any], down: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(N,) what `right` (H, W - 1) and `down` (H - 1, W) hold at each torn link, in the order of `torn_pairs`."""
        return np.concatenate([right[~self.right], down[~self.down]])

    def to_neighbours(self) -> list[tuple[int, Bool]]:
        """(flat index offset, (H * W,) mask of pixels that have a link that way): right, left, down, up."""
        h, w = self.down.shape[0] + 1, self.down.shape[1]
        right, down = np.zeros((h, w), bool), np.zeros((h, w), bool)
        left, up = np.zeros((h, w), bool), np.zeros((h, w), bool)
        right[:, :-1], left[:, 1:] = self.right, self.right
        down[:-1], up[1:] = self.down, self.down
        return [(1, right.ravel()), (-1, left.ravel()), (w, down.ravel()), (-w, up.ravel())]


@dataclass(frozen=True)
class TornPairs:
    """Every torn link as a pair of flat pixel indices, the nearer surface's first."""

    near: Index  # (N,)
    far: Index  # (N,)

    @property
    def first(self) -> Index:
        """(N,) the left or the upper pixel of each pair."""
        return np.minimum(self.near, self.far)

    def steps(self, disparity: Float) -> Float:
        """(N,) by how much more the nearer sides have of `disparity` (H, W)."""
        flat = disparity.ravel()
        return flat[self.near] - flat[self.far]


def torn_pairs(links: Links, disparity: Float) -> TornPairs:
    """The torn links of `links`, ordered by which side is nearer in `disparity` (H, W)."""
    w = disparity.shape[1]
    right, down = np.flatnonzero(~links.right), np.flatnonzero(~links.down)
    right += right // max(w - 1, 1)  # rows of pixels are longer by one than those of links
    first, second = np.concatenate([right, down]), np.concatenate([right + 1, down + w])
    flat = disparity.ravel()
    swap = flat[first] < flat[second]
    return TornPairs(np.where(swap, second, first), np.where(swap, first, second))


def steepest_steps(disparity: Float) -> Float:
    """(H, W) the largest step of `disparity` (H, W) at most a pixel away."""
    return widened(steps(disparity), 1)


def were_blurred(pairs: TornPairs, disparity: Float, before: Float) -> Bool:
    """(N,) whether the steps of `disparity` (H, W) at `pairs` came only of making it sharp: there was nothing near that
    had so much as the share SHARP of them `before` (H, W), as `steepest_steps` found.
    """
    return np.asarray(before.ravel()[pairs.near] < SHARP * pairs.steps(disparity))


def was_made_sharp(disparity: Float, before: Float, budget_px: float) -> bool:
    """Whether most steps of `disparity` (H, W) that a move opens came only of making it sharp; `before` (H, W) as for
    `were_blurred`. Depth that was measured or drawn knows its wires.
    """
    step = steps(disparity)
    torn = step * budget_px > OPEN_PX
    return bool(torn.any()) and float(np.mean(before[torn] < SHARP * step[torn])) >= 0.5


def jumps_px(disparity: Float, budget_px: float) -> tuple[Float, Float]:
    """How far a move opens each pair of neighbours, px: to the right (H, W - 1), downward (H - 1, W)."""
    return (
        np.abs(np.diff(disparity, axis=1)) * np.float32(budget_px),
        np.abs(np.diff(disparity, axis=0)) * np.float32(budget_px),
    )


def surfaces(links: Links) -> npt.NDArray[np.int32]:
    """(H, W) labels 0.. of the pieces that links hold together."""
    h, w = links.down.shape[0] + 1, links.down.shape[1]
    # Pixels and, between them, links as pixels of a picture twice as large: OpenCV labels that in no time.
    joined = np.zeros((2 * h - 1, 2 * w - 1), np.uint8)
    joined[::2, ::2] = 1
    joined[::2, 1::2], joined[1::2, ::2] = links.right, links.down
    _, label = cv2.connectedComponents(joined, connectivity=4)
    return label[::2, ::2] - 1


def smooth_surfaces(disparity: Float, links: Links, rounds: int) -> Float:
    """Average each pixel with the neighbours it is linked to, `rounds` times; tears stay sharp."""
    q = disparity
    right, down = links.right.astype(np.float32), links.down.astype(np.float32)
    count = np.ones_like(q)
    count[:, :-1] += right
    count[:, 1:] += right
    count[:-1] += down
    count[1:] += down
    for _ in range(rounds):
        total = q.copy()
        total[:, :-1] += right * q[:, 1:]
        total[:, 1:] += right * q[:, :-1]
        total[:-1] += down * q[1:]
        total[1:] += down * q[:-1]
        q = total / count
    return np.asarray(q)
