"""Which part of the photo the clip shows, and at what size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from photo3d_video.errors import InputError

MAX_LONG_PX, MAX_SHORT_PX = 1920, 1080  # the largest default clip: 1080p, upright or lying


@dataclass(frozen=True)
class Framing:
    """A crop of the photo and the clip size it is shown at."""

    left: float
    """Crop's left edge as a fraction of the photo's width."""
    top: float
    """Crop's top edge as a fraction of the photo's height."""
    crop_width: float
    """Crop's width as a fraction of the photo's width."""
    crop_height: float
    """Crop's height as a fraction of the photo's height."""
    width_px: int
    """Clip width, even."""
    height_px: int
    """Clip height, even."""


def frame_photo(photo_width: int, photo_height: int, size: tuple[int, int] | None = None) -> Framing:
    """The centred crop that fills `size` (width, height), or the photo's own aspect within 1080p.

    Raises InputError for a size that no encoder takes.
    """
    if size is None:
        long_side, short_side = max(photo_width, photo_height), min(photo_width, photo_height)
        scale = min(1.0, MAX_LONG_PX / long_side, MAX_SHORT_PX / short_side)
        size = (max(16, int(photo_width * scale) // 2 * 2), max(16, int(photo_height * scale) // 2 * 2))
    width, height = size
    if width % 2 or height % 2 or min(size) < 16 or max(size) > 8192:
        raise InputError(f"--size {width}x{height}: both sides must be even, 16 to 8192 px")
    scale = max(width / photo_width, height / photo_height)
    crop_w, crop_h = width / scale / photo_width, height / scale / photo_height
    return Framing((1 - crop_w) / 2, (1 - crop_h) / 2, crop_w, crop_h, width, height)


def apply_framing(
    array: npt.NDArray[np.uint8] | npt.NDArray[np.float32], framing: Framing, size: tuple[int, int]
) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """The crop of `array` (H, W[, C]) resampled to `size` (width, height): area average down, cubic up, linear for
    floats."""
    h, w = array.shape[:2]
    scale = size[0] / (framing.crop_width * w)
    if scale < 1:  # first an area average of the whole, then the crop at sub-pixel accuracy
        shrunk = (max(1, round(w * scale)), max(1, round(h * scale)))
        array = cv2.resize(array, shrunk, interpolation=cv2.INTER_AREA)
        h, w = array.shape[:2]
        if (w, h) == size:
            return array
    step_x, step_y = framing.crop_width * w / size[0], framing.crop_height * h / size[1]
    matrix = np.array(
        [
            [step_x, 0, framing.left * w + step_x / 2 - 0.5],
            [0, step_y, framing.top * h + step_y / 2 - 0.5],
        ]
    )
    flags = (cv2.INTER_CUBIC if array.dtype == np.uint8 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(array, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
