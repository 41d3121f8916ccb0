"""Depth maps of any kind and range as disparity: float32, larger is nearer."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from photo3d_video.errors import InputError

log = logging.getLogger(__name__)

# Outliers are cut off at either end of the range; more would flatten small objects close to the camera.
OUTLIER_FRACTION = 0.001
MIN_SIDE = 16


def disparity_from_array(
    values: npt.NDArray[Any], far_is_white: bool = False, name: str = "the depth map"
) -> npt.NDArray[np.float32]:
    """Any depth map as (H, W) float32, finite, larger is nearer.

    `values` is (H, W), or (H, W, C) with equal channels; unsigned 8 and 16-bit levels become 0..1. With
    `far_is_white`, larger values are farther: floating-point values beyond 1 are distances and become 1/distance (0 is
    a hole, infinity is disparity 0), all others are flipped. Non-finite pixels take the nearest finite pixel's value.

    Raises InputError, starting with `name`, for other shapes and types, true colour, and maps without a finite pixel.
    """
    plane = _single_channel(np.asarray(values), name)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if plane.dtype in (np.uint8, np.uint16):
            disparity = plane.astype(np.float32) / np.float32(np.iinfo(plane.dtype).max)
        else:
            disparity = plane.astype(np.float32)
        finite = disparity[np.isfinite(disparity)]
        if finite.size == 0:
            raise InputError(f"{name} has no finite value: export it again")
        if far_is_white:
            is_distance = finite.min() >= 0 and finite.max() > 1
            disparity = 1 / disparity if is_distance else finite.max() - disparity
    disparity = _filled(disparity)
    _warn_if_poor(disparity, name)
    return disparity


def normalise_disparity(raw: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Scale (H, W) disparity of any range to float32 0..1, outliers clipped; a constant map becomes 0.5.

    A map that is already normalised comes back as it is. Raises InputError for non-finite values.
    """
    values = raw.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("the depth map holds non-finite values: fill them first")
    low, high = robust_range(values)
    if not high > low:
        low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.full(values.shape, 0.5, np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def robust_range(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Both ends of the range without outliers.

    They are pixels of the map, not interpolated: so a clipped and scaled map has exactly 0 and 1 here.
    """
    flat = values.ravel()
    skip = int(OUTLIER_FRACTION * (flat.size - 1))
    ordered = np.partition(flat, (skip, flat.size - 1 - skip))
    return float(ordered[skip]), float(ordered[flat.size - 1 - skip])


def _single_channel(values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {values.dtype} values: give numbers")
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[2] in (1, 2, 3, 4):
        # With 2 or 4 channels the last one is opacity.
        colours = values[..., : 1 if values.shape[2] < 3 else 3]
        # JPEG and exports through colour profiles leave neighbouring levels in a grey picture.
        tolerance = 2 if values.dtype == np.uint8 else 2 * 257 if values.dtype == np.uint16 else 1e-3
        spread = (colours.max(axis=2) - colours.min(axis=2))[np.isfinite(colours).all(axis=2)]
        if spread.size and spread.max() > tolerance:
            raise InputError(f"{name} is coloured: give a grey depth map (a colour-coded one cannot be read back)")
        values = values[..., 0]
    if values.ndim != 2:
        raise InputError(f"{name} has shape {values.shape}: a depth map is (height, width)")
    if min(values.shape) < MIN_SIDE:
        raise InputError(f"{name} is {values.shape[1]} x {values.shape[0]} px: give at least {MIN_SIDE} px a side")
    return values


def _filled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Non-finite pixels take the value of the nearest finite one."""
    invalid = ~np.isfinite(values)
    if not invalid.any():
        return values
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(invalid, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _warn_if_poor(disparity: npt.NDArray[np.float32], name: str) -> None:
    low, high = robust_range(disparity)
    if high - low <= 0.02 * max(abs(low), abs(high)):
        log.warning("%s is nearly constant: the clip will show little depth", name)
        return
    sample = disparity.ravel()[:: max(1, disparity.size >> 18)]
    if sample.size >= 4096 and (levels := np.unique(sample).size) <= 256:
        log.warning("%s has only %d distinct levels: slopes may show steps, 16 bits are better", name, levels)


def standardise_disparity(disparity: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(H, W) of any scale and shift -> median 0, mean absolute deviation 1: so several estimates can be averaged."""
    centred = disparity - np.median(disparity)
    return (centred / max(float(np.abs(centred).mean()), 1e-6)).astype(np.float32)
