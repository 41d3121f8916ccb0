"""Limbs: what stands out from a calm background and hangs on a nearer surface is a part of that surface."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, far_and_span, largest, mean_near, nearer_side, nearest, widened

Labels = npt.NDArray[np.int32]

STEP_PX = 5.0  # of steps that no move opens by so much nobody sees where they are
CALM = 0.05  # deviation of the background's colours up to which it is calm
FOREIGN, DEVIATIONS = 0.06, 3.0  # what differs from it by more, and by more deviations, is none of it
ROUNDS = 2  # of looking at the background, the second one without what was foreign to it in the first
STANDS_OUT = 6  # a limb has so many times the pixels that it hangs on with: what has less is a rim or a shade along one
MOSTLY = 0.8  # of a limb's surroundings must be calm
# A limb this thin, half its width, may be before anything smooth, its colours but for what changes within that share of
# the reach, if somewhere it goes on beyond the step in a colour so like its own: it does not just end there.
THIN_PX, SMOOTH, CHANGES, ALIKE = 3.0, 0.04, 1 / 4, 0.12
RIM_PX = 3  # where it hangs, the nearer surface may still be blurred: it is as near as what is nearest so close by


def with_limbs(disparity: Float, colour: Float, free: Bool, budget_px: float, reach: int) -> Float:
    """Disparity (H, W) with limbs at most `reach` long at the depth of what they hang on; `colour` (H, W, 3).

    A network sees too little of spokes, wheels, tails and fingers. Before a calm background they stand out all the
    same, and if too much of it goes with them, nobody sees that. What goes on beyond the reach is something behind.
    Hairs, feelers and spires stand out where colours change slowly as well, but so does what passes behind: they must
    begin on the nearer side.
    How the background looks is told by what lies within the reach, too, but for what is foreign to it.
    Only the pixels `free` (H, W) change.
    """
    step = far_and_span(disparity, 1)[1] * budget_px > STEP_PX
    if not step.any():
        return disparity
    # The nearer sides of steps, as far as the reach, and twice as far, from their farther ones.
    near, nearer = (nearer_side(disparity, reach * n, STEP_PX / budget_px) for n in (1, 2))
    behind = free & (widened((near & step).astype(np.uint8), reach) > 0) & ~nearer
    known = ~nearer
    for _ in range(ROUNDS):
        share = known.astype(np.float32)
        mean, square = (mean_near(x, share, reach) for x in (colour, colour * colour))
        deviation = np.sqrt(np.maximum(largest(square - mean * mean), 0))
        apart = largest(np.abs(colour - mean))
        foreign = apart > np.maximum(FOREIGN, DEVIATIONS * np.minimum(deviation, CALM))
        known = ~nearer & ~foreign
    _, label = cv2.connectedComponents((foreign & behind).astype(np.uint8), connectivity=8)
    n = int(label.max()) + 1
    flat = label.ravel()
    size = np.bincount(flat, minlength=n)
    beyond, rim = ~near & ~nearer & ~behind, nearer & step
    goes_on, hangs = (
        np.bincount(flat, weights=(widened(x.astype(np.uint8), 1) > 0).ravel(), minlength=n) for x in (beyond, rim)
    )
    calm, smooth = (
        np.bincount(flat, weights=x.ravel(), minlength=n) >= MOSTLY * size
        for x in (deviation < CALM, _roughness(colour, known, reach) < SMOOTH)
    )
    limb = (
        (goes_on == 0)
        & (hangs > 0)
        & (size > STANDS_OUT * hangs)
        & (calm | (smooth & _are_thin(label, n) & _start_before(rim, label, colour, n)))
    )
    limb[0] = False
    limbs = limb[label]
    if not limbs.any():
        return disparity
    level = widened(np.where(near, disparity, 0), RIM_PX)
    return np.where(limbs, nearest(level, near, limbs), disparity)


def _roughness(colour: Float, known: Bool, reach: int) -> Float:
    """(H, W) deviation of the colours of the `known` pixels (H, W) around each pixel, slow changes apart."""
    share = known.astype(np.float32)
    texture = colour - mean_near(colour, share, max(1, round(CHANGES * reach)))
    return np.sqrt(np.maximum(largest(mean_near(texture * texture, share, reach)), 0))


def _are_thin(label: Labels, count: int) -> Bool:
    """(count,) which of the pieces `label` (H, W) are thin everywhere."""
    inside = cv2.distanceTransform((label > 0).astype(np.uint8), cv2.DIST_L2, 3)
    half = np.zeros(count, np.float32)
    np.maximum.at(half, label.ravel(), inside.ravel())
    return half <= THIN_PX


def _start_before(rim: Bool, label: Labels, colour: Float, count: int) -> Bool:
    """(count,) which of the pieces `label` (H, W) have a colour like theirs right beside them on the `rim` (H, W)."""
    h, w = label.shape
    alike = np.zeros(count, bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one, other = np.s_[: h - dy, max(0, -dx) : w - max(0, dx)], np.s_[dy:, max(0, dx) : w - max(0, -dx)]
        for piece, beside in ((one, other), (other, one)):
            y, x = np.nonzero((label[piece] > 0) & rim[beside])
            apart = largest(np.abs(colour[piece][y, x] - colour[beside][y, x]))
            alike[label[piece][y, x][apart < ALIKE]] = True
    return alike
