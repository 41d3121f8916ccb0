"""Boxes of pixels, many at once."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def hold_any(pixels: Bool, top: Index, left: Index, bottom: Index, right: Index) -> Bool:
    """(N,) whether each box, up to and without its row `bottom` and column `right`, has some of `pixels` (H, W)."""
    count = cv2.integral(pixels.astype(np.uint8))
    return np.asarray(count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left] > 0)
