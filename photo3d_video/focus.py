"""What the camera holds on to: the subject's place and depth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
MIN_SUBJECT_SHARE = 0.01  # less than this is not what the photo is about


def find_focus(disparity: Float, subject: Float | None) -> tuple[tuple[float, float], float]:
    """((x, y) as fractions of the frame, inverse depth) of the subject.

    `disparity` (H, W); `subject` (H, W) probability of subject pixels or None. Where there is no subject, near things
    close to the centre count most.
    """
    h, w = disparity.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    centred = np.exp(-(((x + 0.5) / w - 0.5) ** 2 + ((y + 0.5) / h - 0.5) ** 2) / (2 * 0.22**2))
    weight = centred * (0.15 + disparity)
    if subject is not None:
        sure = np.clip(subject * 2 - 0.8, 0, 1)
        if float(sure.mean()) > MIN_SUBJECT_SHARE:
            weight = centred**0.5 * sure
    total = float(weight.sum())
    at = (float((weight * (x + 0.5)).sum() / total / w), float((weight * (y + 0.5)).sum() / total / h))
    return at, weighted_median(disparity, weight)


def focus_at(disparity: Float, xy: tuple[float, float]) -> float:
    """Inverse depth (median of a small window) at a chosen point, fractions of the frame."""
    h, w = disparity.shape
    r = max(1, round(0.01 * max(h, w)))
    x, y = min(w - 1, int(xy[0] * w)), min(h - 1, int(xy[1] * h))
    return float(np.median(disparity[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1]))


def weighted_median(values: Float, weights: Float) -> float:
    """The value below and above which half of the weight lies."""
    order = np.argsort(values, axis=None)
    mass = np.cumsum(weights.ravel()[order], dtype=np.float64)
    return float(values.ravel()[order][np.searchsorted(mass, mass[-1] / 2)])
