"""Slopes in place of tears that nothing in the photo speaks for.

A tear opens, and what is painted behind it shows. Where both of its sides look alike, in a lawn or within a blurred
leaf, depth that steps there is a mistake as a rule, and the gap draws the eye; a surface that is stretched there does
not.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Bool, Float, closest_pixel, dot, widened
from inpaint.tears import Links, TornPairs, smooth_surfaces, torn_pairs

# Edges, sharp and blurred ones, are looked for at these long sides, px; slopes of colour (0..1) per pixel of that size
# from which there is one.
SHARP, BLURRED = (512, 0.03), (128, 0.06)
BESIDE_PX, ALONG_PX = 3, 3  # it may lie so far beside the tear, and is as long as this to both sides at least
STRETCH_PX = 4.0  # tears are judged in stretches about so long, of the full size
BAND_PX, ROUNDS = 4, 10  # the slope reaches so far to both sides


def slopes_for_tears(disparity: Float, links: Links, alpha: Float, rgb: Float) -> tuple[Float, Links, Float]:
    """`disparity` (H, W), `links` and `alpha` (H, W) with slopes for those tears where `rgb` (H, W, 3) in 0..1 has no
    edge. What the nearer surface covered in part beside them is opaque: there is nothing behind it any more.
    """
    pairs = torn_pairs(links, disparity)
    if not len(pairs.near):
        return disparity, links, alpha
    plain = _plain(links, rgb)
    whole = Links(links.right | (plain[:, :-1] & plain[:, 1:]), links.down | (plain[:-1] & plain[1:]))
    mended = np.concatenate([whole.right[~links.right], whole.down[~links.down]])
    if not mended.any():
        return disparity, links, alpha
    beside = np.zeros(disparity.shape, np.uint8)
    beside.ravel()[np.concatenate([pairs.near[mended], pairs.far[mended]])] = 1
    slopes = np.where(widened(beside, BAND_PX) > 0, smooth_surfaces(disparity, whole, ROUNDS), disparity)
    return slopes.astype(np.float32), whole, np.where(_beside_mended(alpha < 1, pairs, mended), np.float32(1), alpha)


def _plain(links: Links, rgb: Float) -> Bool:
    """(H, W) pixels around which tears lie where there is no edge."""
    shape = rgb.shape[:2]
    shrunk = [(_shrunk(rgb, side_px), np.float32(edge)) for side_px, edge in (SHARP, BLURRED)]
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for torn, first, second, dx in (
        (~links.right, np.s_[:, :-1], np.s_[:, 1:], 1),
        (~links.down, np.s_[:-1], np.s_[1:], 0),
    ):
        steep = np.maximum(*(_steepness(small, dx, shape) / edge for small, edge in shrunk))
        total[first] += torn * np.maximum(steep[first], steep[second])
        count[first] += torn
    total, count = (cv2.GaussianBlur(plane, (0, 0), STRETCH_PX) for plane in (total, count))
    return np.asarray((count > 0) & (total < count))


def _shrunk(rgb: Float, side_px: int) -> Float:
    """`rgb` (H, W, 3) with no more than this long side, without grain."""
    h, w = rgb.shape[:2]
    scale = min(1.0, side_px / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return np.asarray(cv2.GaussianBlur(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (0, 0), 0.7), np.float32)


def _steepness(small: Float, dx: int, shape: tuple[int, int]) -> Float:
    """The steepest slope per pixel nearby of `small` (h, w, 3) across upright tears (`dx` 1) or level ones (0),
    enlarged to `shape` (H, W).
    """
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    slope = cv2.filter2D(small, cv2.CV_32F, kernel if dx else kernel.T)
    across, along = 2 * BESIDE_PX + 1, 2 * ALONG_PX + 1
    steepest = cv2.dilate(np.sqrt(dot(slope, slope)), np.ones((1, across) if dx else (across, 1), np.uint8))
    mean = cv2.blur(steepest, (1, along) if dx else (along, 1))
    return np.asarray(cv2.resize(mean, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _beside_mended(covered: Bool, pairs: TornPairs, mended: Bool) -> Bool:
    """(H, W) those of the pixels `covered` to which no pixel of the nearer side of tears is closer than a mended one.

    `mended` (N,): which of the torn pairs are.
    """
    near, whole = np.zeros(covered.shape, bool), np.zeros(covered.shape, bool)
    near.ravel()[pairs.near] = True
    whole.ravel()[pairs.near[mended]] = True
    at = np.flatnonzero(covered)
    result = np.zeros(covered.shape, bool)
    result.ravel()[at] = whole.ravel()[closest_pixel(near, at)]
    return result
