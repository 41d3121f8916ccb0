"""Specks: pixels of a frame that stand out as nothing in the photo does that could have come there."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

WINDOW = 5  # px: specks are smaller than half of it
STANDS_OUT = 30  # levels of 255 by which a speck stands out more than anything near it in the photo


def speck_limit(photo: npt.NDArray[Any], moved_px: float) -> npt.NDArray[np.int16]:
    """(H, W) how much a pixel may stand out from those around it, for none of a clip of the `photo`, uint8, to be a
    speck: a move takes pixels that far, so that what is there may come from so far away.
    """
    window = np.ones((2 * int(np.ceil(moved_px)) + WINDOW,) * 2, np.uint8)
    return np.asarray(cv2.dilate(_standing_out(photo), window).astype(np.int16) + STANDS_OUT)


def specks(frame: npt.NDArray[Any], limit: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """(H, W) which pixels of a frame (H, W, 3) uint8 are specks, going by `limit` (H, W) from `speck_limit`."""
    return np.asarray(_standing_out(frame) > limit)


def _standing_out(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """(H, W) how much each pixel differs from the median of those around it, in the channel where it does most."""
    picture = np.ascontiguousarray(picture)
    red, green, blue = cv2.split(cv2.absdiff(picture, cv2.medianBlur(picture, WINDOW)))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
