"""What the camera holds on to: the subject's place and depth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
SAMPLE = 400_000  # the subject's depth is found from about so many pixels at most
MIN_SUBJECT_SHARE = 0.01  # less than this is not what the photo is about


def find_focus(disparity: Float, subject: Float | None) -> tuple[tuple[float, float], float]:
    """((x, y) as fractions of the frame, inverse depth) of the subject.

    `disparity` (H, W); `subject` (H, W) probability of subject pixels or None. Where there is no subject, near things
    close to the centre count most.
    """
    h, w = disparity.shape
    y, x = (np.arange(n, dtype=np.float32) + np.float32(0.5) for n in (h, w))
    centred = np.multiply.outer(*(np.exp(-((p / len(p) - 0.5) ** 2) / (2 * 0.22**2)) for p in (y, x)))
    weight = centred * (0.15 + disparity)
    if subject is not None:
        sure = np.clip(subject * 2 - 0.8, 0, 1)
        if float(sure.mean()) > MIN_SUBJECT_SHARE:
            weight = centred**0.5 * sure
    total = float(weight.sum())
    at = (float(weight.sum(0) @ x / total / w), float(weight.sum(1) @ y / total / h))
    every = 1 + (h * w) // SAMPLE  # sorting all of a large picture would take a tenth of a second
    return at, weighted_median(disparity.ravel()[::every], weight.ravel()[::every])


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
