"""Sharp depth edges: a network's blurred steps become one pixel wide and sit on colour edges."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.colours import hued
from inpaint.filters import Bool, Float, far_and_span, steps, widened
from inpaint.limbs import with_limbs
from inpaint.sight import Sight
from inpaint.votes import collect

UInt8 = npt.NDArray[np.uint8]

MIN_STEP_PX = 3.0  # a step that no move opens by this much need not be sharp
CORE, FOOT = 1.6, 1.1  # a ramp is an edge where it is this much steeper than an even slope across the window, and near
# such a core down to where it is hardly steeper: the ground, which is never steep, stays a slope
STEP, STEP_REACH_PX = 0.7, 3  # an edge is sharp where neighbours differ by this share of what so many pixels span
HOLD_SHARE = 0.1  # depth this close to steps that are sharp already is measured or drawn, so known: of the long side
BLUR_SHARE = 0.08  # half the width of the widest blur, of the long side
# Half the widths of ramps that the network leaves, px at the size that it sees, wide ones first.
SMALL_RADII = 24, 16, 8, 4, 2
LIMB_SHARE = 0.064  # what stands out no farther than that from a calm background is looked for: of the long side
CALM, CALM_PX, CALM_STEP_PX = 0.08, 5, 5.0  # lesser differences of disparity close to a step that a move opens so much
# are left over from its blur
NO_VOTE = 0.02  # likeness of colour that says nothing: where no colour matches, the nearest pixels decide


def sharpen(sight: Sight, budget_px: float) -> Float:
    """The disparity (H, W) with every blurred step that matters made sharp and moved onto an outline in the photo.

    A network says on which side of a step pixels are. What is still on a ramp then, as the network sees the picture
    small, takes the colour-weighted median of the pixels around that are not on one (after the weighted median of Kopf
    et al., "One Shot 3D Photography", 2020, and the masked median of Shih et al., 2020). Raises MissingWeightsError.
    """
    h, w = sight.disparity.shape
    result = sight.disparity.astype(np.float32)
    hold, blur = (max(2, round(share * max(h, w))) for share in (HOLD_SHARE, BLUR_SHARE))
    settled, span = _settled(result)
    sharp = settled & (span * budget_px > MIN_STEP_PX)
    known = widened(sharp.astype(np.uint8), hold) > 0
    if not (_is_steep(*_slopes(result, blur), budget_px) & ~known).any():
        return result
    colour = hued(sight.rgb.astype(np.float32) / np.float32(255))
    seen = sight.edges
    size = seen.shape[1::-1]
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA if size[0] < w else cv2.INTER_LINEAR)
    free = cv2.resize((~known).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    seen = _without_ramps(seen, small, free, budget_px, SMALL_RADII)
    seen = with_limbs(seen, small, free, budget_px, round(LIMB_SHARE * max(size)))
    seen = np.where(free, _calm_beside_steps(seen, budget_px), seen)
    result = np.where(known, result, cv2.resize(seen, (w, h), interpolation=cv2.INTER_LINEAR))
    return _without_ramps(result, colour, ~(settled & known), budget_px, (ceil(1 + max(1.0, w / size[0])), 2))


def _without_ramps(disparity: Float, colour: Float, free: Bool, budget_px: float, radii: Sequence[int]) -> Float:
    """Disparity (H, W) with what is steep over windows of these radii made a step, where it is `free` (H, W)."""
    for radius in radii:
        slopes = _slopes(disparity, radius)
        ramp = _ramps(_is_steep(*slopes, budget_px), radius, *slopes) & free
        disparity = _resolve_ramps(disparity, colour, ramp, radius)
    return disparity


def _calm_beside_steps(disparity: Float, budget_px: float) -> Float:
    """Disparity (H, W) without what ramps left beside steps: lesser steps, which would tear as well."""
    step = far_and_span(disparity, 1)[1] * budget_px > CALM_STEP_PX
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * CALM_PX + 1,) * 2)
    beside = cv2.dilate(step.astype(np.uint8), disc) > 0
    calm = cv2.bilateralFilter(disparity, 2 * CALM_PX + 1, CALM, CALM_PX, borderType=cv2.BORDER_REPLICATE)
    return np.where(beside, calm, disparity)


def _settled(disparity: Float) -> tuple[Bool, Float]:
    """(H, W) pixels that stay: at an edge that is sharp already, where one step makes most of what the surroundings
    span, and in surroundings that are flat, which span nothing; and what they span.
    """
    span = far_and_span(disparity, STEP_REACH_PX)[1]
    return np.asarray(widened(steps(disparity), 1) >= STEP * span), span


def _resolve_ramps(disparity: Float, colour: Float, ramp: Bool, radius: int) -> Float:
    """The pixels `ramp` (H, W) replaced by the masked, colour-weighted median over windows of the given radius."""
    lo, hi = float(disparity.min()), float(disparity.max())
    step = max(hi - lo, 1e-9) / 65535
    # Value in the high and weight in the low 16 bits: one plain sort orders both, several times faster than argsort.
    high = np.round((disparity - lo) / step).astype(np.uint32) << 16
    out = disparity.copy()
    for votes in collect(high, colour, ~ramp, ramp, radius):
        weight = votes.weight + NO_VOTE * votes.closeness
        packed = votes.value | np.round(weight * (65535 / (1 + NO_VOTE))).astype(np.uint32)
        packed.sort(axis=1)
        mass = np.cumsum(packed & 0xFFFF, axis=1, dtype=np.uint32)
        middle = (mass * 2 >= mass[:, -1:]).argmax(1)
        median = lo + (packed[np.arange(len(packed)), middle] >> 16) * step
        decided = mass[:, -1] > 0
        out[votes.row[decided], votes.column[decided]] = median[decided]
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
