"""The canvas of a layered image: the photo, and around it what a move can look at past its border."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.fill import Fill
from inpaint.filters import Bool, Float

UInt8 = npt.NDArray[np.uint8]

MARGIN_PX = 3.0  # beyond the budget, against rounding and filtering at the rim


def border_for(budget_px: float) -> int:
    """How far past each side of a photo a move of `budget_px` can look, px."""
    return int(np.ceil(budget_px + MARGIN_PX))


def paint_border(rgb: UInt8, disparity: Float, budget_px: float, fill: Fill) -> Float:
    """Photo (H, W, 3) uint8 and disparity (H, W) in 0..1, sharp or not -> the canvas of its layers (H', W', 3) in 0..1.

    Past the photo's border it is painted as far as a move of `budget_px` can look.
    """
    canvas, q, inside = repeat_border(rgb, disparity, budget_px)
    return fill(canvas, q, ~inside, inside)[0]


def repeat_border(rgb: UInt8, disparity: Float, budget_px: float) -> tuple[Float, Float, Bool]:
    """Colour (H', W', 3) in 0..1 and disparity (H', W') with the edge repeated, and which pixels are of the photo."""
    border = border_for(budget_px)
    q = _smooth_outside(extend(disparity, border), border)
    inside = np.zeros(q.shape, bool)
    inside[border:-border, border:-border] = True
    return extend(rgb.astype(np.float32) / np.float32(255), border), q, inside


def extend(array: npt.NDArray[np.float32], border_px: int) -> Float:
    """(H, W[, C]) -> the same with its edge repeated `border_px` to each side."""
    pad = [(border_px, border_px)] * 2 + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, pad, mode="edge")


def _smooth_outside(disparity: Float, border_px: int) -> Float:
    """Calm the repeated edge rows farther out, where they would only draw streaks of depth."""
    h, w = disparity.shape
    sigma = max(1.0, border_px / 6)
    cells = tuple(-(-n // max(1, round(sigma / 3))) for n in (w, h))  # so broad a blur needs no more
    coarse = cv2.resize(disparity, cells, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigma * cells[0] / w, sigmaY=sigma * cells[1] / h)
    blurred = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    y = np.maximum(border_px - np.arange(h), np.arange(h) - (h - 1 - border_px)).clip(0)
    x = np.maximum(border_px - np.arange(w), np.arange(w) - (w - 1 - border_px)).clip(0)
    outside = np.maximum(y[:, None], x[None]) / border_px
    share = (np.clip(outside * 1.5 - 0.5, 0, 1) ** 2).astype(np.float32)
    return disparity * (1 - share) + blurred * share
