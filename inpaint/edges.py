"""Sharp depth edges: a network's blurred steps become one pixel wide and sit on colour edges."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.colours import hued
from inpaint.filters import Bool, Float, far_and_span, steps, widened
from inpaint.outlines import follow_outlines
from inpaint.votes import collect

UInt8 = npt.NDArray[np.uint8]

MIN_STEP_PX = 3.0  # a step that no move opens by this much need not be sharp
CORE, FOOT = 1.6, 1.1  # a ramp is an edge where it is this much steeper than an even slope across the window, and near
# such a core down to where it is hardly steeper: the ground, which is never steep, stays a slope
STEP, STEP_REACH_PX = 0.7, 3  # an edge is sharp where neighbours differ by this share of what so many pixels span
COARSE_SIDE = 512  # long side at which wide blurs are resolved first
BLUR_SHARE = 0.08  # half the width of the widest blur, of the long side
FINER = (8, 4, 2, 1)  # blurs are resolved from narrow to wide: shares of the widest
TAIL = 4  # a ramp runs out as far as it is steeper than the even slope across so many times its width
NARROWER = 0.7  # there is no ramp beside a narrower one that spans so much of what both do
NO_VOTE = 0.02  # likeness of colour that says nothing: where no colour matches, the nearest pixels decide
SINK, RISE = 8.0, 4.0  # a pixel is exp(-SINK) times as likely at the bottom of its ramp if it is at its top now, but
# exp(-RISE) times the other way round: blur drowns thin things in what is behind them


def sharpen(disparity: Float, rgb: UInt8, budget_px: float) -> Float:
    """Disparity (H, W) with every blurred step that matters made sharp and moved onto a colour edge of `rgb`.

    Pixels on a ramp take the colour-weighted median of the pixels around them that are not on a ramp (after the
    weighted median of Kopf et al., "One Shot 3D Photography", 2020, and the masked median of Shih et al., 2020),
    first at `COARSE_SIDE`, where the network's blur is a few pixels wide and where steps that miss an outline are moved
    onto it, then at full size. Narrow ramps come before wide ones: what lies beside a narrow one is no part of it.
    """
    h, w = disparity.shape
    colour = hued(rgb.astype(np.float32) / np.float32(255))
    result = disparity.astype(np.float32)
    scale = min(1.0, COARSE_SIDE / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    small_colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(result, size, interpolation=cv2.INTER_AREA)
    span = far_and_span(result, STEP_REACH_PX)[1]
    settled = _is_settled(result, span)
    small_settled, small_sharp = (
        cv2.resize(x.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        for x in (settled, settled & (span * budget_px > MIN_STEP_PX))
    )
    widest = max(3, round(BLUR_SHARE * max(size)))
    blurred, narrower = small, np.zeros_like(small)
    for radius in (max(2, round(widest / n)) for n in FINER):
        span, steepness = _slopes(blurred, radius)
        steep = _is_steep(span, steepness, budget_px) & (widened(narrower, radius) < NARROWER * span)
        ramp = _ramps(steep, radius, *_slopes(blurred, min(widest, TAIL * radius))) & ~small_settled
        small = _resolve_ramps(small, small_colour, ramp, radius, np.maximum(far_and_span(small, radius)[1], 1e-6))
        narrower = np.maximum(narrower, np.where(steep, span, 0))
    small = follow_outlines(small, blurred, small_colour, small_sharp, budget_px)
    result = np.where(settled, result, cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))
    for radius in (int(np.ceil(1 + 1 / scale)), 2):
        slopes = _slopes(result, radius)
        ramp = _ramps(_is_steep(*slopes, budget_px), radius, *slopes) & ~settled
        result = _resolve_ramps(result, colour, ramp, radius)
    return result


def _is_settled(disparity: Float, span: Float) -> Bool:
    """(H, W) pixels that stay: at an edge that is sharp already, where one step makes most of what the surroundings
    span, and in surroundings that are flat, which span nothing.
    """
    return np.asarray(widened(steps(disparity), 1) >= STEP * span)


def _resolve_ramps(disparity: Float, colour: Float, ramp: Bool, radius: int, span: Float | None = None) -> Float:
    """The pixels `ramp` (H, W) replaced by the masked, colour-weighted median over windows of the given radius.

    `span` (H, W), above 0, of each window: how far up its ramp a pixel is tells, too, which side it belongs to.
    """
    lo, hi = float(disparity.min()), float(disparity.max())
    step = max(hi - lo, 1e-9) / 65535
    # Value in the high and weight in the low 16 bits: one plain sort orders both, several times faster than argsort.
    high = np.round((disparity - lo) / step).astype(np.uint32) << 16
    out = disparity.copy()
    for votes in collect(high, colour, ~ramp, ramp, radius):
        at = votes.row, votes.column
        weight = votes.weight + NO_VOTE * votes.closeness
        if span is not None:
            higher = (votes.value >> 16) * (step / span[at]).astype(np.float32)[:, None]
            higher += ((lo - disparity[at]) / span[at])[:, None]
            weight *= np.exp(np.minimum(SINK * higher, -RISE * higher))
        packed = votes.value | np.round(weight * (65535 / (1 + NO_VOTE))).astype(np.uint32)
        packed.sort(axis=1)
        mass = np.cumsum(packed & 0xFFFF, axis=1, dtype=np.uint32)
        middle = (mass * 2 >= mass[:, -1:]).argmax(1)
        median = lo + (packed[np.arange(len(packed)), middle] >> 16) * step
        decided = mass[:, -1] > 0
        out[at[0][decided], at[1][decided]] = median[decided]
    return out


def _is_steep(span: Float, steepness: Float, budget_px: float) -> Bool:
    """(H, W) the middles of ramps that are at most as wide as the window of these slopes."""
    return (span * budget_px > MIN_STEP_PX) & (steepness > CORE * span)


def _ramps(steep: Bool, radius: int, span: Float, steepness: Float) -> Bool:
    """(H, W) the ramps around their middles `steep` (H, W), as far as `radius`, out to where they are hardly steeper
    than an even slope across the window of these slopes.
    """
    return widened(steep.view(np.uint8), radius).view(np.bool_) & (steepness > FOOT * span)


def _slopes(disparity: Float, radius: int) -> tuple[Float, Float]:
    """(H, W) what a window of the given radius spans, and what it would span as steep everywhere as at its middle."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rise = cv2.subtract(cv2.dilate(disparity, cross), cv2.erode(disparity, cross))  # over two pixels
    reach_y, reach_x = (
        (np.minimum(np.arange(n) + radius, n - 1) - np.maximum(np.arange(n) - radius, 0)).astype(np.float32)
        for n in disparity.shape
    )
    inside = np.minimum(reach_y[:, None], reach_x[None])  # the extent of the window inside the picture
    return far_and_span(disparity, radius)[1], np.asarray(rise * (inside / 2))
