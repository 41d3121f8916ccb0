"""Evidence: what a picture shows at tears of estimated depth that tells whether they are real."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from inpaint.colours import hued, steepness
from inpaint.filters import Bool, Float, box_mean, dot, mean_near, nearer_side, widened
from inpaint.tears import Index, TornPairs

LEAST_STEP, LEAST_UNLIKENESS = 1e-4, 0.01  # greys are in 0..1; the latter is added
SIDE_PX = 384  # colours are compared at this long side
SIDES_PX = ((4, 2), (8, 4))  # means of boxes so far to both sides, of such a radius
# What is nearer than its surroundings and so thin, stands out from them by less, and has the same on both sides: there
# its own colours are compared with those around.
THIN_PX, LEAST_SPAN = 5, 0.02
STRETCH_PX, STRETCH_SHARE = 4.0, 0.008  # tears are judged in stretches about so long: px, or of the long side
CELL_PX = 2  # on a grid of such cells
# An outline is blurred where the photo passes from one of two colours that are so unlike to the other one over more
# than this: px, or of the long side. Its steepest edges so close to a tear tell.
UNLIKE, BLURRED_PX, BLURRED_SHARE, CLOSE_PX = 0.05, 6.0, 0.009, 8


def tear_evidence(disparity: Float, pairs: TornPairs, rgb: Float) -> Float:
    """(N, 2) logarithms of the step and of the unlikeness of colours at each of the tears `pairs`, both in the mean of
    the stretch around it.
    """
    h, w = disparity.shape
    step = np.maximum(pairs.steps(disparity), LEAST_STEP)
    scale = SIDE_PX / max(h, w)
    size = [max(1, round(side * scale)) for side in (w, h)]
    small, depth = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (rgb, disparity))
    colour = hued(small)

    def in_small(at: Index) -> tuple[Index, Index]:
        y, x = np.divmod(at, w)
        return y * size[1] // h, x * size[0] // w

    down = np.abs(pairs.near - pairs.far) == w
    right, below = (plane[in_small(pairs.first)] for plane in _unlike_sides(colour))
    unlike = np.maximum(np.where(down, below, right), _unlike_if_thin(colour, depth)[in_small(pairs.near)])
    return _in_stretches([np.log(step), np.log(unlike + LEAST_UNLIKENESS)], pairs, (h, w))


def are_blurred(unlikeness: Float, pairs: TornPairs, rgb: Float) -> Bool:
    """(N,) which of the tears `pairs` follow an outline that is blurred; `unlikeness` (N,) as in `tear_evidence`."""
    steepest = widened(steepness(hued(rgb)), CLOSE_PX).ravel()[pairs.first]
    (steep,) = _in_stretches([np.log(np.maximum(steepest, 1e-4))], pairs, rgb.shape[:2]).T
    width = max(BLURRED_PX, BLURRED_SHARE * max(rgb.shape[:2]))
    return np.asarray((unlikeness > np.log(UNLIKE)) & (unlikeness - steep > np.log(width)))


def _unlike_sides(colour: Float) -> Float:
    """(2, h, w) distance of the colours (h, w, 3) to the left and right of each pixel, and above and below it."""
    most = np.zeros((2, *colour.shape[:2]), np.float32)
    for off, radius in SIDES_PX:
        mean = box_mean(colour, radius)
        kernel = np.zeros((1, 2 * off + 1), np.float32)
        kernel[0, 0], kernel[0, -1] = -1, 1
        for plane, across in zip(most, (kernel, kernel.T), strict=True):
            change = cv2.filter2D(mean, cv2.CV_32F, across, borderType=cv2.BORDER_REPLICATE)
            np.maximum(plane, np.sqrt(dot(change, change)), out=plane)
    return most


def _unlike_if_thin(colour: Float, depth: Float) -> Float:
    """(h, w) distance of the colours (h, w, 3) of thin parts that are nearer, of disparity `depth` (h, w), from those
    around them; 0 but at those parts and next to them.
    """
    near = nearer_side(depth, THIN_PX, LEAST_SPAN)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN_PX, THIN_PX))
    thin = near & (cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_OPEN, disc) == 0)
    own, around = (mean_near(colour, x.astype(np.float32), r) for x, r in ((near, 1), (~near, THIN_PX)))
    return np.asarray(widened(np.where(thin, np.sqrt(dot(own - around, own - around)), np.float32(0)), 1))


def _in_stretches(values: Sequence[Float], pairs: TornPairs, shape: tuple[int, ...]) -> Float:
    """(N, M) means of each of M `values` (N,) at the tears `pairs` over the stretch around each tear."""
    h, w = shape
    y, x = np.divmod(pairs.first, w)
    cells = (-(-h // CELL_PX), -(-w // CELL_PX))
    cell = (y // CELL_PX) * cells[1] + x // CELL_PX
    counted: list[Float] = [*values, np.ones(len(cell), np.float32)]
    planes = np.stack([np.bincount(cell, plane, cells[0] * cells[1]) for plane in counted], 1)
    planes = planes.reshape(*cells, len(values) + 1).astype(np.float32)
    stretch = max(STRETCH_PX, STRETCH_SHARE * max(h, w)) / CELL_PX
    spread = cv2.GaussianBlur(planes, (0, 0), stretch).reshape(-1, len(values) + 1)[cell]
    return np.asarray(spread[:, :-1] / spread[:, -1:], np.float32)
