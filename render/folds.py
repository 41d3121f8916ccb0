"""Sheets over folds: where a move folds a slope, the nearer side goes on over it.

Slopes stand in for tears that are slight, or probably none. One that is steep folds as soon as a move pushes its near
side over the far one: the outline would be a bare edge of the mesh, jagged and sharp however soft the photo has it, and
what of the near side lies on the slope would be gone. So the near side is drawn a second time, as far as its colours
go, in one piece and with an end that fades out; where a move stretches the slope, that keeps the outline straight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from render.sheets import Sheets

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

STEEP_PX = 1.25  # at the far end of the budget neighbours change places by a quarter of a pixel
RISE_PX = 2.5  # slopes so high need no sheet yet, and a whole one from twice as much: at the far end of the budget
LIFT_PX = 0.5  # by less than that no sheet needs to be off the slope
OVERLAP_PX = 1  # so far a sheet lies on what it goes on from, whose mesh is only nearly as exact
LEVEL_PX = 1.0  # pixels beside a slope are at its top if no more below it
BREAK_PX = 1.5  # where neighbours go on so unlike each other, they are no one sheet
CONTRAST = 0.05  # between the colours above and below: less than that shows no outline
LONG_WAY = 5  # of halvings: 32 px
AROUND_PX = 11  # the outline is looked for in the mean of a window of this side
HASTE = 1.3  # slopes are steepest in the middle: the outline is off it by so much more than the mean of colours says
FARTHEST, FADED = (0.2, 0.75), 0.25  # shares of the height: where an outline may be, and in how much a sheet fades out
MIN_QUADS = 24  # smaller pieces would be specks


@dataclass(frozen=True)
class _Slope:
    """The pixels of all steep slopes, N, as flat indices of the map."""

    at: Index
    top: Index  # where the way up from each one ends
    foot: Index  # where the way down ends
    rise: Float  # disparity between the two
    contrast: Float  # squared distance of their colours


def fold_sheets(disparity: Float, right: Bool, down: Bool, whole: Bool, rgb: Float, budget_px: float) -> Sheets | None:
    """Sheets from the tops of all slopes of `disparity` (H, W) that a move of `budget_px` folds; None without any.

    `right` (H, W - 1) and `down` (H - 1, W) say which neighbours are linked, `whole` (H - 1, W - 1) which quads are not
    torn; `rgb` (H, W, 3) in 0..1.
    """
    steep = _steep(disparity, right, down, STEEP_PX / budget_px) if budget_px else np.zeros(disparity.shape, bool)
    if not steep.any():
        return None
    slope = _slopes(disparity, right, down, rgb, np.flatnonzero(steep))
    level, fade, shows = disparity.copy(), np.zeros(disparity.shape, np.float32), np.zeros(disparity.shape, bool)
    level[steep] = disparity.ravel()[slope.top]
    fade[steep] = _fade(slope, disparity, rgb) * np.clip(slope.rise * budget_px / RISE_PX - 1, 0, 1)
    shows[steep] = (fade[steep] > 0) & (slope.contrast > CONTRAST**2)
    highest = cv2.dilate(np.where(steep, level, 0), _window(1 + OVERLAP_PX))
    beside = (highest > 0) & ~steep
    above = beside & ((highest - disparity) * budget_px < LEVEL_PX)
    fade[above] = 1
    fade = np.asarray(cv2.morphologyEx(fade, cv2.MORPH_CLOSE, _window(1)))
    level = np.where(beside & ~above, highest, level)

    levels = _corners(level)
    used = whole & _corners(steep | beside).all(-1) & _corners(shows).any(-1)
    lifted = (levels - _corners(disparity)).max(-1) * budget_px > LIFT_PX
    used &= cv2.dilate(lifted.astype(np.uint8), _window(OVERLAP_PX)) > 0
    used &= np.ptp(levels, axis=-1) * budget_px < BREAK_PX
    return _sheets(_without_small(used), level, fade)


def _window(reach: int) -> npt.NDArray[np.uint8]:
    return np.ones((2 * reach + 1,) * 2, np.uint8)


def _corners(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W) -> (H - 1, W - 1, 4) the corners of each quad."""
    return np.stack([plane[:-1, :-1], plane[:-1, 1:], plane[1:, :-1], plane[1:, 1:]], -1)


def _steep(disparity: Float, right: Bool, down: Bool, step: float) -> Bool:
    """(H, W) pixels with a link over which disparity changes by more than `step`."""
    steep = np.zeros(disparity.shape, bool)
    across = right & (np.abs(np.diff(disparity, axis=1)) > step)
    along = down & (np.abs(np.diff(disparity, axis=0)) > step)
    for links, one, other in ((across, np.s_[:, :-1], np.s_[:, 1:]), (along, np.s_[:-1], np.s_[1:])):
        steep[one] |= links
        steep[other] |= links
    return steep


def _slopes(disparity: Float, right: Bool, down: Bool, rgb: Float, at: Index) -> _Slope:
    """The steepest ways up and down from the pixels `at` (N,), over links, to where it is not steep any more."""
    width = disparity.shape[1]
    y, x = np.divmod(at, width)
    across, along = np.pad(right, ((0, 0), (1, 1))), np.pad(down, ((1, 1), (0, 0)))
    ways = ((1, across[y, x + 1]), (-1, across[y, x]), (width, along[y + 1, x]), (-width, along[y, x]))
    near = np.stack([at, *(np.where(linked, at + offset, at) for offset, linked in ways)])
    flat, colour = disparity.ravel(), rgb.reshape(-1, 3)
    height = flat[near]
    ends = []
    for steepest in (height.argmax(0), height.argmin(0)):
        to = np.arange(disparity.size)
        to[at] = near[steepest, np.arange(len(at))]
        for _ in range(LONG_WAY):
            to[at] = to[to[at]]
        ends.append(to[at])
    top, foot = ends
    apart = colour[top] - colour[foot]
    return _Slope(at, top, foot, flat[top] - flat[foot], (apart * apart).sum(1))


def _fade(slope: _Slope, disparity: Float, rgb: Float) -> Float:
    """(N,) how much of the sheet is left at each pixel of slopes: 1 at their top, 0 where their colours are those of
    the foot. Where that is, is told by all colours around: slopes are smooth, and what they lie in has a texture.
    """
    flat, colour = disparity.ravel(), rgb.reshape(-1, 3)
    height = (flat[slope.at] - flat[slope.foot]) / np.maximum(slope.rise, 1e-6)
    along = ((colour[slope.at] - colour[slope.foot]) * (colour[slope.top] - colour[slope.foot])).sum(1)
    alike = np.clip(along / np.maximum(slope.contrast, 1e-6), 0, 1)
    weight = np.minimum(slope.contrast, 0.1) + 1e-5

    def around(values: npt.NDArray[np.floating]) -> Float:
        plane = np.zeros(disparity.shape, np.float32)
        plane.ravel()[slope.at] = values
        return cv2.boxFilter(plane, -1, (AROUND_PX, AROUND_PX), normalize=False).ravel()[slope.at]

    outline = 0.5 + HASTE * around(weight * (height - alike)) / np.maximum(around(weight), 1e-9)
    return np.clip((height - np.clip(outline, *FARTHEST)) / FADED, 0, 1)


def _without_small(quads: Bool) -> Bool:
    """`quads` (H - 1, W - 1) without pieces that are too small."""
    _, piece, stats, _ = cv2.connectedComponentsWithStats(quads.astype(np.uint8), connectivity=8)
    return np.asarray(quads & (stats[:, cv2.CC_STAT_AREA] >= MIN_QUADS)[piece])


def _sheets(quads: Bool, level: Float, fade: Float) -> Sheets | None:
    """Two triangles over each of `quads` (H - 1, W - 1), at `level` (H, W), without those that `fade` (H, W) hides."""
    y, x = np.nonzero(quads)
    if not len(y):
        return None
    height, width = level.shape
    first = y * width + x
    corners = np.stack([first, first + 1, first + width, first + width + 1], 1)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [2, 1, 3]]])
    triangles = triangles[fade.ravel()[triangles].max(1) > 0]
    pixels, own = np.unique(triangles, return_inverse=True)
    at = np.stack([pixels % width + 0.5, pixels // width + 0.5], 1).astype(np.float32)
    return Sheets(
        at,
        at,
        level.ravel()[pixels],
        fade.ravel()[pixels],
        height * width + own.reshape(-1, 3),
        np.ones(len(triangles), bool),
        np.empty(0, np.int64),
    )
