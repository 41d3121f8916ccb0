"""Threads: thin things of any shape, such as cords, twigs, spokes and sagging cables, keep together in depth.

Where a network sees one in parts only, or where what lies behind it steps, it is torn. But what is thin is before
what is beside it and has no steps of its own, so its depth is a smooth one that lies behind none of its parts.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Bool, Float

WIDE_SHARE = 0.03  # what is as wide is no thread: of the long side
CRUMB_PX = 3  # what is nearer over less than twice that along a thread belongs to what hides it
REACH_SHARE = 0.02  # parts so close keep together, and steps become so long: of the long side
CROSS = np.ones((3, 3), np.uint8)


def with_threads(disparity: Float, thin: Bool, fixed: Bool) -> Float:
    """`disparity` (H, W) without steps along what is `thin` (H, W), none of which comes to lie farther off; what is
    `fixed` (H, W) stays.
    """
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, round(WIDE_SHARE * max(thin.shape))),) * 2)
    thread = (thin & ~(cv2.morphologyEx(thin.astype(np.uint8), cv2.MORPH_OPEN, wide) > 0)) | fixed
    if not thread.any():
        return disparity
    reach = round(REACH_SHARE * max(thin.shape))
    ahead = _largest(-_largest(-disparity, thread, CRUMB_PX), thread, CRUMB_PX + reach)
    inside = thread.astype(np.float32)
    level, weight = (cv2.blur(plane, (2 * reach + 1,) * 2) for plane in (ahead * inside, inside))
    return np.where(thread & ~fixed, np.maximum(disparity, level / np.maximum(weight, 1e-6)), disparity)


def _largest(values: Float, where: Bool, steps: int) -> Float:
    """(H, W) the largest of `values` (H, W) within so many steps along what is `where` (H, W)."""
    mask = where.view(np.uint8)
    inside = cv2.copyTo(values, mask, np.full_like(values, values.min()))
    for _ in range(steps):
        cv2.copyTo(cv2.dilate(inside, CROSS), mask, inside)
    return np.asarray(inside)
