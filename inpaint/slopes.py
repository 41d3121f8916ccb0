"""Slopes in place of tears that are probably none.

A tear opens, and what is painted behind it shows. Estimated depth also steps where nothing does, in a lawn or across
the bonnet of a car, and a gap there draws the eye; a surface that is stretched there does not. Nor does it where a lens
has blurred an outline: a cut there would be the only sharp thing in sight. And a stalk that a tear would cut in two had
better bend.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from inpaint.chains import long_tears, shortest_edge_px
from inpaint.colours import hued, steepness
from inpaint.filters import Bool, Float, box_mean, closest_pixel, dot, widened
from inpaint.tears import Links, TornPairs, torn_pairs

# Of what a picture shows at a tear, two things tell best whether it is real: the step of disparity, and how unlike the
# colours on both sides are. `python -m training.fit_tears` finds POWER, and REAL for one tear in four that is real.
POWER, REAL = 0.61, 0.0351  # a tear stays if step * unlikeness ** POWER is larger, in the mean of a stretch
LEAST_STEP, LEAST_UNLIKENESS = 1e-4, 0.01  # greys are in 0..1; the latter is added
SIDE_PX = 384  # colours are compared at this long side
SIDES_PX = ((4, 2), (8, 4))  # means of boxes so far to both sides, of such a radius: thin things want the first
STRETCH_PX, STRETCH_SHARE = 4.0, 0.008  # tears are judged in stretches about so long: px, or of the long side
CELL_PX = 2  # on a grid of such cells
# No tear stays where the photo passes from one of two colours that are so unlike to the other one over more: px, or of
# the long side. Its steepest edges so close to a tear tell.
UNLIKE, BLURRED_PX, BLURRED_SHARE, CLOSE_PX = 0.05, 6.0, 0.009, 8
BAND_PX, ROUNDS = 4, 10  # the slope reaches so far to both sides


def slopes_for_tears(disparity: Float, links: Links, rgb: Float, crossed: Bool | None = None) -> tuple[Float, Links]:
    """`disparity` (H, W) and `links` with slopes for those tears that are probably none, going by the step and by the
    colours `rgb` (H, W, 3) in 0..1, and for those in `crossed` (H, W), if `inpaint.crossings` found any.
    """
    pairs = torn_pairs(links, disparity)
    if not len(pairs.near):
        return disparity, links
    evidence = tear_evidence(disparity, pairs, rgb)
    doubtful = evidence @ np.array([1, POWER], np.float32) < np.log(REAL)
    doubtful |= _are_blurred(evidence[:, 1], pairs, rgb)
    if crossed is not None:
        doubtful |= crossed.ravel()[pairs.first]
    return slopes_at(disparity, links, pairs, doubtful)


def slopes_at(disparity: Float, links: Links, pairs: TornPairs, doubtful: Bool) -> tuple[Float, Links]:
    """`disparity` (H, W) and `links` with slopes for those of all its torn `pairs` that are `doubtful` (N,)."""
    whole = _without(links, doubtful)
    mended = links.at_tears(whole.right, whole.down)
    if not mended.any():
        return disparity, links
    beside = np.zeros(disparity.shape, np.uint8)
    beside.ravel()[np.concatenate([pairs.near[mended], pairs.far[mended]])] = 1
    return _smooth(disparity, whole, widened(beside, BAND_PX) > 0), whole


def opaque_beside_slopes(alpha: Float, disparity: Float, torn: Links, whole: Links) -> Float:
    """`alpha` (H, W) with 1 for what the nearer side of `disparity` (H, W) covered in part where `torn` has tears and
    `whole` slopes: there is nothing behind it any more.
    """
    mended = torn.at_tears(whole.right, whole.down)
    if not mended.any():
        return alpha
    return np.where(_beside_mended(alpha < 1, torn_pairs(torn, disparity), mended), np.float32(1), alpha)


def tear_evidence(disparity: Float, pairs: TornPairs, rgb: Float) -> Float:
    """(N, 2) logarithms of the step and of the unlikeness of colours at each of the tears `pairs`, both in the mean of
    the stretch around it.
    """
    h, w = disparity.shape
    flat = disparity.ravel()
    step = np.maximum(flat[pairs.near] - flat[pairs.far], LEAST_STEP)
    y, x = np.divmod(pairs.first, w)
    across = _unlikeness(rgb)
    down = (np.abs(pairs.near - pairs.far) == w).astype(np.int64)
    unlike = across[down, y * across.shape[1] // h, x * across.shape[2] // w] + LEAST_UNLIKENESS
    return _in_stretches([np.log(step), np.log(unlike)], pairs, (h, w))


def _are_blurred(unlikeness: Float, pairs: TornPairs, rgb: Float) -> Bool:
    """(N,) which of the tears `pairs` follow an outline that is blurred; `unlikeness` (N,) as in `tear_evidence`."""
    steepest = widened(steepness(hued(rgb)), CLOSE_PX).ravel()[pairs.first]
    (steep,) = _in_stretches([np.log(np.maximum(steepest, 1e-4))], pairs, rgb.shape[:2]).T
    width = max(BLURRED_PX, BLURRED_SHARE * max(rgb.shape[:2]))
    return np.asarray((unlikeness > np.log(UNLIKE)) & (unlikeness - steep > np.log(width)))


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


def _unlikeness(rgb: Float) -> Float:
    """(2, h, w) distance of the colours of `rgb` (H, W, 3) to the left and to the right of each pixel, and above and
    below it, at a long side of SIDE_PX.
    """
    scale = SIDE_PX / max(rgb.shape[:2])
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    small = hued(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    most = np.zeros((2, *small.shape[:2]), np.float32)
    for off, radius in SIDES_PX:
        mean = box_mean(small, radius)
        kernel = np.zeros((1, 2 * off + 1), np.float32)
        kernel[0, 0], kernel[0, -1] = -1, 1
        for plane, across in zip(most, (kernel, kernel.T), strict=True):
            change = cv2.filter2D(mean, cv2.CV_32F, across, borderType=cv2.BORDER_REPLICATE)
            np.maximum(plane, np.sqrt(dot(change, change)), out=plane)
    return most


def _without(links: Links, doubtful: Bool) -> Links:
    """`links` without those tears that are `doubtful` (N,), in the order of `torn_pairs`; neither what is mended nor
    what stays torn is shorter than a depth edge may be: neither dashes nor crumbs.
    """
    least = shortest_edge_px((links.right.shape[0], links.down.shape[1]))
    right, down = (np.ones_like(x) for x in (links.right, links.down))
    upright = int(np.count_nonzero(~links.right))
    right[~links.right], down[~links.down] = ~doubtful[:upright], ~doubtful[upright:]
    mended = long_tears(Links(right, down), least)
    return long_tears(Links(links.right | ~mended.right, links.down | ~mended.down), least)


def _smooth(disparity: Float, links: Links, where: Bool) -> Float:
    """The pixels `where` (H, W) averaged with those they are linked to, again and again; the others stay."""
    result = disparity.copy()
    flat, at = result.ravel(), np.flatnonzero(where)
    near = [np.where(linked[at], at + offset, at) for offset, linked in links.to_neighbours()]
    for _ in range(ROUNDS):
        flat[at] = (flat[at] + sum(flat[n] for n in near)) / np.float32(1 + len(near))
    return result


def _beside_mended(covered: Bool, pairs: TornPairs, mended: Bool) -> Bool:
    """(H, W) those of the pixels `covered` to which no pixel of the nearer side of tears is closer than a mended one.

    `mended` (N,): which of the torn pairs are.
    """
    near, whole = np.zeros(covered.shape, bool), np.zeros(covered.shape, bool)
    near.ravel()[pairs.near] = True
    whole.ravel()[pairs.near[mended]] = True
    at = np.flatnonzero(covered)
    result = np.zeros(covered.shape, bool)
    result.ravel()[at] = whole.ravel()[closest_pixel(near, at)]
    return result
