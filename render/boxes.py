"""Boxes of pixels, many at once."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def count_from_corner(pixels: Bool) -> npt.NDArray[np.int32]:
    """(H + 1, W + 1) how many of `pixels` (H, W) lie above and to the left of each pixel corner."""
    return np.asarray(cv2.integral(pixels.astype(np.uint8)), np.int32)


def hold_any(count: npt.NDArray[np.int32], top: Index, left: Index, bottom: Index, right: Index) -> Bool:
    """(N,) whether each box, up to and without its row `bottom` and column `right`, has some of the pixels counted."""
    return np.asarray(count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left] > 0)
