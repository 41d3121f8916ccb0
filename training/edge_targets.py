"""What the network for depth edges learns from: pictures, the depth that is estimated, and where its steps belong.

One `.npz` per picture: `rgb` (H, W, 3) uint8, `disparity` (H, W) float16 as the depth network blurs it, `sharp` (H, W)
float16 as it should be, `known` (H, W) bool, where that is told, `thin` (H, W) bool, what is thin and before what is on
both of its sides, and `thin_known` (H, W) bool, where that is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inpaint.colours import hued
from inpaint.filters import widened

Float = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
Rng = np.random.Generator

OUTLINE_PX = 8.0  # closer to an outline depth is blurred: what is deeper inside tells how deep a surface is
KNOWN_PX = 28.0  # so far around outlines is told where depth belongs
MARGIN_PX = 40  # looked at around a surface
SPECK_PX = 12  # pixels; of what is smaller nothing is told
THIN_PX = 11  # what is narrower is thin, as `inpaint.lines` has it at this size
BESIDE_THIN_PX = 1  # so close to a thin thing its pixels are mixed: there it is not told what they are
FAINT = 0.06  # what stands out by more in the photo of a backdrop may be thin: nobody knows
OWN_EDGE, OWN_EDGE_PX = 0.12, 17  # disparity over so many pixels that makes an edge of the backdrop's own


def sharp_target(disparity: Float, order: npt.NDArray[Any], steps: Bool | None = None) -> tuple[Float, Bool]:
    """(H, W) what `disparity` would be with its steps on the outlines of the surfaces `order` (H, W), and where that is
    known: near `steps` (H, W), or near all outlines, but not beside edges that the backdrop, surface 0, has itself.

    A surface goes on to its outline as it is farther inside; what is thin is as near as its nearest spots.
    """
    sharp, outlines = disparity.copy(), np.zeros(order.shape, bool)
    outlines[1:] |= order[1:] != order[:-1]
    outlines[:, 1:] |= order[:, 1:] != order[:, :-1]
    known = cv2.distanceTransform((~(outlines if steps is None else steps)).astype(np.uint8), cv2.DIST_L2, 5) < KNOWN_PX
    boxes: list[Any] = ndimage.find_objects(order.astype(np.int32) + 1)  # None for numbers that no pixel has
    for k, box in enumerate(boxes):
        if box is None:
            continue
        wider = tuple(slice(max(0, s.start - MARGIN_PX), s.stop + MARGIN_PX) for s in box)
        values, inside = disparity[wider], order[wider] == k
        if inside.sum() < SPECK_PX:
            known[wider] &= ~inside
            continue
        depth = cv2.distanceTransform(np.pad(inside, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        ridge = inside & (depth >= np.minimum(cv2.dilate(depth, np.ones((5, 5))), OUTLINE_PX))
        drowned = values
        if k:  # what is thin is drowned in what is behind it
            nearest = cv2.dilate(np.where(inside, values, -1), np.ones((9, 9)))
            drowned = np.where(depth >= OUTLINE_PX, values, nearest)
        else:  # where the backdrop has edges of its own, nothing is known about them
            deep, window = depth >= 1.5 * OUTLINE_PX, np.ones((OWN_EDGE_PX, OWN_EDGE_PX))
            span = cv2.dilate(np.where(deep, values, -9), window) - cv2.erode(np.where(deep, values, 9), window)
            known[wider] &= ~(inside & (cv2.dilate((span > OWN_EDGE).astype(np.uint8), window) > 0))
        share = np.clip(depth / OUTLINE_PX - 1, 0, 1)
        sharp[wider] = np.where(inside, share * values + (1 - share) * _spread(drowned, ridge), sharp[wider])
    return sharp.astype(np.float32), known


def thin_things(nearness: Float, least: float) -> Bool:
    """(H, W) what is before both of its sides by more than `least` of `nearness` (H, W), and narrower than THIN_PX."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN_PX, THIN_PX))
    return np.asarray(nearness - cv2.morphologyEx(nearness, cv2.MORPH_OPEN, disc) > least)


def _thinness(rgb: UInt8) -> Float:
    """(H, W) how much thin things stand out from the colours (H, W, 3) around them; 0 where nothing thin is.

    A thin thing has less than half of a window, and so no say in its median.
    """
    levels = np.clip(np.round(hued(rgb.astype(np.float32) / np.float32(255)) * 100 + 78), 0, 255).astype(np.uint8)
    return np.asarray(
        cv2.absdiff(levels, cv2.medianBlur(levels, 2 * THIN_PX + 1)).max(-1) / np.float32(100), np.float32
    )


def _spread(values: Float, where: Bool) -> Float:
    """(H, W) means of the values there, of those close by if there are any, else of those farther off."""
    both = np.dstack([np.where(where, values, 0), where]).astype(np.float32)
    total = 1e-9 * both.mean((0, 1)) + np.zeros_like(both)
    for step, share in ((1, 1.0), (4, 1e-3), (16, 1e-6)):
        small = cv2.resize(both, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
        total += share * cv2.resize(
            cv2.GaussianBlur(small, (0, 0), 6), both.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
    return np.asarray(total[..., 0] / total[..., 1])


def write_in_parts(write_some: Callable[[range], int], count: int, at_once: int) -> int:
    """Have `count` numbered files written by two processes, some at once. Returns how many."""
    parts = [range(k, min(k + at_once, count)) for k in range(0, count, at_once)]
    with ProcessPoolExecutor(2) as pool:
        return sum(pool.map(write_some, parts))


def write(path: Path, rgb: UInt8, order: npt.NDArray[Any], thin: Bool, photo: Bool, steps: Bool | None = None) -> None:
    """Write a picture (H, W, 3) with what the depth network says, and what it should say of the surfaces `order` (H, W)
    with their `steps` (H, W), what is `thin` (H, W), and where a `photo` (H, W) is seen: it may show thin things, too.
    """
    from photo3d_video.depth.builtin import estimate_depth

    h, w = order.shape
    disparity = cv2.resize(estimate_depth(rgb).disparity, (w, h), interpolation=cv2.INTER_LINEAR)
    sharp, known = sharp_target(disparity, order, steps)
    beside = widened(thin.view(np.uint8), BESIDE_THIN_PX) > 0
    maybe = photo & (_thinness(rgb) > FAINT)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            rgb=rgb,
            disparity=disparity.astype(np.float16),
            sharp=sharp.astype(np.float16),
            known=known,
            thin=thin,
            thin_known=thin | ~(beside | maybe),
        )
    part.rename(path)
