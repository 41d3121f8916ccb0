"""Depth maps resampled to the size of their photo, with steps on the photo's own edges."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from photo3d_video.depth.disparity import robust_range
from photo3d_video.errors import InputError

MAX_ASPECT_DIFFERENCE = 0.02

# Neighbours that differ by more than this part of the map's range belong to different surfaces.
_STEP = 0.04
# Colour difference (0..255) at which a neighbour counts about 60 % of one of equal colour.
_COLOUR_SIGMA = 15.0
# Pixels per block while steps are resampled: bounds the memory at about 100 MB.
_BLOCK = 1 << 19


def fit_to_photo(
    disparity: npt.NDArray[np.float32], photo_rgb: npt.NDArray[np.uint8], name: str = "the depth map"
) -> npt.NDArray[np.float32]:
    """Resample (h, w) disparity to the size of `photo_rgb` (H, W, 3) uint8: (H, W) float32.

    Smooth surfaces are interpolated. At steps every pixel takes the value of one of the nearest pixels of the map,
    the one whose colour in the photo agrees: steps stay sharp, and land on the photo's own edges.

    Raises InputError, starting with `name`, where the aspect ratios differ by more than `MAX_ASPECT_DIFFERENCE`.
    """
    h, w = disparity.shape
    height, width = photo_rgb.shape[:2]
    if abs(w * height / (h * width) - 1) > MAX_ASPECT_DIFFERENCE:
        raise InputError(f"{name} is {w} x {h} px and the photo {width} x {height}: crop one to the other's aspect")
    if (h, w) == (height, width):
        return np.ascontiguousarray(disparity, np.float32)

    shrinks = w > width
    smooth = cv2.resize(disparity, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    fitted = np.asarray(smooth, np.float32)
    # A map pixel is at a step when the pixels that are averaged around it (3 x 3, or more when shrinking) differ.
    kernel = np.ones((2 * -(-w // (2 * width)) + 1,) * 2, np.uint8)
    local_range = cv2.dilate(disparity, kernel) - cv2.erode(disparity, kernel)
    low, high = robust_range(disparity)
    at_step = local_range > _STEP * (high - low)
    # Centre of photo pixel i, in pixels of the map.
    y_map = (np.arange(height) + 0.5) * h / height
    x_map = (np.arange(width) + 0.5) * w / width
    rows, columns = np.nonzero(at_step[np.ix_(y_map.astype(int), x_map.astype(int))])
    guide = cv2.resize(photo_rgb, (w, h), interpolation=cv2.INTER_LINEAR if shrinks else cv2.INTER_AREA)
    for start in range(0, rows.size, _BLOCK):
        r, c = rows[start : start + _BLOCK], columns[start : start + _BLOCK]
        fitted[r, c] = _agreeing_value(disparity, guide, photo_rgb[r, c], y_map[r], x_map[c])
    return fitted


def _agreeing_value(
    disparity: npt.NDArray[np.float32],
    guide: npt.NDArray[Any],
    colours: npt.NDArray[np.uint8],
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """For n points, the weighted median of the 3 x 3 map pixels around each: near and of like colour weighs most.

    disparity: (h, w). guide: (h, w, 3) the photo at that size. colours: (n, 3). y, x: (n,) in pixels of the map.
    """
    h, w = disparity.shape
    values = np.empty((9, y.size), np.float32)
    weights = np.empty((9, y.size), np.float32)
    for k, (dy, dx) in enumerate(np.ndindex(3, 3)):
        row = np.clip(y.astype(int) + dy - 1, 0, h - 1)
        column = np.clip(x.astype(int) + dx - 1, 0, w - 1)
        distance2 = (row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2
        difference2 = ((guide[row, column].astype(np.float32) - colours) ** 2).sum(axis=1)
        # The small constant lets distance decide where no neighbour has a like colour.
        agreement = np.exp(-difference2 / (2 * _COLOUR_SIGMA**2)) + 1e-3
        values[k] = disparity[row, column]
        weights[k] = np.exp(-distance2 / 2) * agreement
    order = values.argsort(axis=0)
    cumulated = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    middle = (cumulated >= cumulated[-1] / 2).argmax(axis=0)
    chosen = np.take_along_axis(order, middle[None], axis=0)
    return np.asarray(np.take_along_axis(values, chosen, axis=0)[0])
