"""Sharp depth edges: a network's blurred steps become one pixel wide and sit on colour edges."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float

UInt8 = npt.NDArray[np.uint8]

MIN_STEP_PX = 3.0  # a step that no move opens by this much need not be sharp
CORE, FOOT = 1.6, 1.1  # a ramp is an edge where it is this much steeper than an even slope across the window, and near
# such a core down to where it is hardly steeper: the ground, which is never steep, stays a slope
STEP, STEP_REACH_PX = 0.7, 3  # an edge is sharp where neighbours differ by this share of what so many pixels span
COLOUR_SIGMA = 0.07  # colours (0..1) this far apart vote for each other with weight exp(-1/2)
COARSE_SIDE = 512  # long side at which wide blurs are resolved first
AT_A_TIME = 1024  # pixels, with their windows: what the processor keeps at hand
BLUR_SHARE = 0.08  # half the width of the widest blur, of the long side


def sharpen(disparity: Float, rgb: UInt8, budget_px: float) -> Float:
    """Disparity (H, W) with every blurred step that matters made sharp and moved onto a colour edge of `rgb`.

    Pixels on a ramp take the colour-weighted median of the pixels around them that are not on a ramp (after the
    weighted median of Kopf et al., "One Shot 3D Photography", 2020, and the masked median of Shih et al., 2020),
    first at `COARSE_SIDE`, where the network's blur is a few pixels wide, then at full size.
    """
    h, w = disparity.shape
    colour: Float = rgb.astype(np.float32) / np.float32(255)
    result = disparity.astype(np.float32)
    scale = min(1.0, COARSE_SIDE / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    small_colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(result, size, interpolation=cv2.INTER_AREA)
    settled = _is_settled(result)
    small_settled = cv2.resize(settled.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    widest = max(3, round(BLUR_SHARE * max(size)))
    for radius in (widest, widest // 2 + 1):
        small = _resolve_ramps(small, small_colour, small_settled, radius, budget_px)
    result = np.where(settled, result, cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))
    result = _resolve_ramps(result, colour, settled, int(np.ceil(1 + 1 / scale)), budget_px)
    return _resolve_ramps(result, colour, settled, 2, budget_px)


def _is_settled(disparity: Float) -> Bool:
    """(H, W) pixels that stay: at an edge that is sharp already, where one step makes most of what the surroundings
    span, and in surroundings that are flat, which span nothing.
    """
    right, down = np.abs(np.diff(disparity, axis=1)), np.abs(np.diff(disparity, axis=0))
    jump = np.maximum(np.pad(right, ((0, 0), (0, 1))), np.pad(down, ((0, 1), (0, 0))))
    around = np.ones((2 * STEP_REACH_PX + 1,) * 2, np.uint8)
    span = cv2.dilate(disparity, around) - cv2.erode(disparity, around)
    return np.asarray(cv2.dilate(jump, np.ones((3, 3), np.uint8)) >= STEP * span)


def _resolve_ramps(disparity: Float, colour: Float, settled: Bool, radius: int, budget_px: float) -> Float:
    """One pass of the masked, colour-weighted median over windows of the given radius; `settled` pixels stay."""
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    span = cv2.dilate(disparity, kernel) - cv2.erode(disparity, kernel)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    slope = (cv2.dilate(disparity, cross) - cv2.erode(disparity, cross)) / 2
    h, w = disparity.shape
    reach_y, reach_x = (np.minimum(np.arange(n) + radius, n - 1) - np.maximum(np.arange(n) - radius, 0) for n in (h, w))
    extent = np.minimum(reach_y[:, None], reach_x[None])  # of the window inside the picture
    steep = np.where(span * budget_px > MIN_STEP_PX, slope * extent / np.maximum(span, 1e-9), 0)
    near_core = cv2.dilate((steep > CORE).astype(np.uint8), kernel) > 0
    ramp: Bool = near_core & (steep > FOOT) & ~settled
    rows, columns = np.nonzero(ramp)
    if not len(rows):
        return disparity
    stride = 1 + radius // 6  # a sparse window is enough for a median
    offsets = np.arange(-(radius // stride) * stride, radius + 1, stride)
    dy, dx = (g.ravel() for g in np.meshgrid(offsets, offsets, indexing="ij"))
    near = np.exp(-(dy**2 + dx**2) / (2 * (0.6 * radius) ** 2)).astype(np.float32)
    # Colour and value of a pixel side by side, in a flat array: so each is looked up once, by one number.
    padded = cv2.copyMakeBorder(np.dstack([colour, disparity]), *(radius,) * 4, cv2.BORDER_REPLICATE)
    votes = np.pad(~ramp, radius, mode="edge").ravel()
    width = padded.shape[1]
    padded = padded.reshape(-1, 4)
    window = dy * width + dx
    centre = (rows + radius) * width + columns + radius
    lo, hi = float(disparity.min()), float(disparity.max())
    step = max(hi - lo, 1e-9) / 65535
    out = disparity.copy()
    for start in range(0, len(rows), AT_A_TIME):
        at = slice(start, start + AT_A_TIME)
        r, c, places = rows[at], columns[at], centre[at, None] + window
        around = padded.take(places, axis=0)
        difference = around[..., :3] - colour[r, c][:, None]
        share = near * votes.take(places)
        weight = np.exp(-np.einsum("nkc,nkc->nk", difference, difference) / (2 * COLOUR_SIGMA**2)) * share
        weight += 1e-4 * share  # where no colour matches, the nearest pixels decide
        # Value in the high and weight in the low 16 bits: one plain sort orders both, several times faster than
        # argsort.
        quantised = np.round((around[..., 3] - lo) / step).astype(np.uint32)
        packed = np.sort((quantised << 16) | np.round(weight * 65535).astype(np.uint32), axis=1)
        mass = np.cumsum(packed & 0xFFFF, axis=1, dtype=np.uint32)
        middle = (mass * 2 >= mass[:, -1:]).argmax(1)
        median = lo + (packed[np.arange(len(packed)), middle] >> 16) * step
        decided = mass[:, -1] > 0
        out[r[decided], c[decided]] = median[decided]
    return out
