"""Limbs: what stands out from a calm background and hangs on a nearer surface is a part of that surface."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Bool, Float, far_and_span, mean_near, nearest, widened

STEP_PX = 5.0  # of steps that no move opens by so much nobody sees where they are
CALM = 0.05  # deviation of the background's colours up to which it is calm
FOREIGN, DEVIATIONS = 0.06, 3.0  # what differs from it by more, and by more deviations, is none of it
ROUNDS = 2  # of looking at the background, the second one without what was foreign to it in the first
MOSTLY = 0.8  # of a limb's surroundings must be calm


def with_limbs(disparity: Float, colour: Float, free: Bool, budget_px: float, reach: int) -> Float:
    """Disparity (H, W) with limbs at most `reach` long at the depth of what they hang on; `colour` (H, W, 3).

    A network sees too little of spokes, wheels, tails and fingers. Before a calm background they stand out all the
    same, and if too much of it goes with them, nobody sees that. What goes on beyond the reach is something behind.
    How the background looks is told by what lies within the reach, too, but for what is foreign to it.
    Only the pixels `free` (H, W) change.
    """
    step = far_and_span(disparity, 1)[1] * budget_px > STEP_PX
    if not step.any():
        return disparity
    near, nearer = (_nearer_side(disparity, reach * n, budget_px) for n in (1, 2))
    behind = free & (widened((near & step).astype(np.uint8), reach) > 0) & ~nearer
    known = ~nearer
    for _ in range(ROUNDS):
        share = known.astype(np.float32)
        mean, square = (mean_near(x, share, reach) for x in (colour, colour * colour))
        deviation = np.sqrt(np.maximum(square - mean * mean, 0)).max(-1)
        apart = np.abs(colour - mean).max(-1)
        foreign = apart > np.maximum(FOREIGN, DEVIATIONS * np.minimum(deviation, CALM))
        known = ~nearer & ~foreign
    _, label = cv2.connectedComponents((foreign & behind).astype(np.uint8), connectivity=8)
    n = int(label.max()) + 1
    flat = label.ravel()
    size = np.bincount(flat, minlength=n)
    beyond = ~near & ~nearer & ~behind
    goes_on, hangs = (
        np.bincount(flat, weights=(widened(x.astype(np.uint8), 1) > 0).ravel(), minlength=n)
        for x in (beyond, nearer & step)
    )
    calm = np.bincount(flat, weights=(deviation < CALM).ravel(), minlength=n)
    limb = (goes_on == 0) & (hangs > 0) & (calm >= MOSTLY * size)
    limb[0] = False
    limbs = limb[label]
    return nearest(disparity, near, limbs) if limbs.any() else disparity


def _nearer_side(disparity: Float, reach: int, budget_px: float) -> Bool:
    """(H, W) the nearer sides of steps, as far as `reach` from their farther ones."""
    far, span = far_and_span(disparity, reach)
    return (span * budget_px > STEP_PX) & (disparity > far + 0.5 * span)
