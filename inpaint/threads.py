"""Threads: thin things of any shape, such as cords, twigs, spokes and sagging cables, keep together in depth.

Where a network sees one in parts only, or where what lies behind it steps, it is torn. But what is thin is before
what is beside it and has no steps of its own, so it lies behind none of its parts by more than a slope explains.
"""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from inpaint.filters import Bool, Float, cell_means, cell_shares, over_cells, widened

SIDE_PX = 640  # threads are followed in a picture whose long side has about so many cells
WIDE = 19  # what is as wide is no thread: cells
CRUMB = 2  # what is nearer over less than twice that along a thread belongs to what hides it: cells
GAP = 26  # parts so close to one another keep together: cells
SLOPE = 0.5  # by so much a move may stretch a thread, px per pixel: steps become such slopes
WINDOW = np.ones((3, 3), np.uint8)


def with_threads(disparity: Float, thin: Bool, fixed: Bool, budget_px: float) -> Float:
    """`disparity` (H, W) without steps along what is `thin` (H, W), none of which comes to lie farther off; what is
    `fixed` (H, W) stays.
    """
    factor = max(1, round(max(thin.shape) / SIDE_PX))
    coarse = (cell_shares(thin, factor) > 0.5).astype(np.uint8)
    wide = cv2.morphologyEx(coarse, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDE, WIDE)))
    thread = (thin & ~(over_cells(wide.astype(np.float32), factor, thin.shape) > 0.5)) | fixed
    if not thread.any():
        return disparity
    cells, share = cell_means(disparity[..., None], thread, factor)
    level = _level(cells[..., 0], share > 0, SLOPE * factor / budget_px)
    around = np.where(share > 0, level, widened(level, 1))
    return np.where(thread & ~fixed, np.maximum(disparity, over_cells(around, factor, disparity.shape)), disparity)


def _level(cells: Float, thread: Bool, fall: float) -> Float:
    """(h, w) the disparity of a `thread` (h, w) that was seen at `cells` (h, w) and falls by so much per cell at steps;
    0 elsewhere.
    """
    seen = _grown(-_grown(-cells, thread, CRUMB), thread, CRUMB)
    sloping = _grown(seen, thread, float(np.ptp(seen[thread])) / fall, fall)
    closed = -_grown(-_grown(seen, thread, GAP / 2), thread, GAP / 2)
    # Only steps leave gaps: at the end of a thread that slopes there is none, which to close it would rise.
    return np.where(thread, np.where(sloping > seen, np.maximum(sloping, closed), seen), 0)


def _grown(values: Float, where: Bool, reach: float, fall: float = 0.0) -> Float:
    """(h, w) the largest of `values` (h, w) within such a reach along what is `where` (h, w), less `fall` per cell."""
    mask = where.view(np.uint8)
    inside = cv2.copyTo(values, mask, np.full_like(values, values.min()))
    for _ in range(ceil(reach)):
        cv2.copyTo(cv2.max(inside, cv2.subtract(cv2.dilate(inside, WINDOW), fall)), mask, inside)
    return np.asarray(inside)
