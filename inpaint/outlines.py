"""Outlines: steps of depth that lie beside an object's outline move onto it, as the colours on both sides tell."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.colours import steepness
from inpaint.filters import Bool, Float, far_and_span, guided_filter, mean_near, nearest, widened
from inpaint.limbs import with_limbs
from inpaint.votes import collect

STEP_PX = 5.0  # steps that no move opens by so much stay where they are
REACH_SHARE, WALKS = 0.008, 5  # a step walks so far at once, of the long side, and so often
PRIOR = 0.35  # at the end of its reach it needs this much more evidence than the 0.5 it needs where it is
DEPTH_PRIOR = 0.35  # and this much more where depth, blurred as it came, leaves no doubt
NO_VOTE = 0.04  # likeness of colour that says nothing
SMOOTH_PX, SMOOTH_EPS = 4, 1e-3
NEARER = 0.4  # probability of the nearer side from which a pixel is its own: a fringe is seen less in front than behind
HOLD_SHARE = 0.1  # depth this close to steps that are sharp already is measured or drawn, so known: of the long side
LOST, STEP = 0.4, 0.35  # of what disparity spans around: what makes a pixel lost to the nearer side, and a step
MORE_EDGE, IF_SURE = 0.01, 0.1  # so much steeper must the photo be at a new outline than at the old one: slopes of
# colour, and what is added where depth leaves no doubt
LIMB_SHARE = 0.064  # what stands out no farther than that from a calm background is looked for: of the long side
CALM = 0.08  # lesser differences of disparity beside an outline are left over from its blur


def follow_outlines(disparity: Float, blurred: Float, colour: Float, fixed: Bool, budget_px: float) -> Float:
    """Disparity (H, W) with its steps on the outlines seen in `colour` (H, W, 3), limbs included, and calm beside them.

    `blurred` (H, W): the disparity before its steps were made sharp, which tells how sure they are. What is near the
    pixels `fixed` (H, W) stays.
    """
    side = max(disparity.shape)
    reach, hold = max(2, round(REACH_SHARE * side)), max(2, round(HOLD_SHARE * side))
    free = cv2.dilate(fixed.astype(np.uint8), np.ones((2 * hold + 1,) * 2, np.uint8)) == 0
    walked = disparity
    for _ in range(WALKS):
        walked = _walk(walked, blurred, colour, free & _beside_steps(walked, reach, budget_px), reach)
    disparity = _with_rims(disparity, walked, blurred, colour, reach)
    disparity = with_limbs(disparity, colour, free, budget_px, max(2, round(LIMB_SHARE * side)))
    calm = cv2.bilateralFilter(disparity, 2 * reach + 1, CALM, reach, borderType=cv2.BORDER_REPLICATE)
    return np.where(free & _beside_steps(disparity, 2 * reach, budget_px), calm, disparity)


def _beside_steps(disparity: Float, reach: int, budget_px: float) -> Bool:
    """(H, W) pixels at most `reach` from a step."""
    step = far_and_span(disparity, 1)[1] * budget_px > STEP_PX
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    return np.asarray(cv2.dilate(step.astype(np.uint8), disc) > 0)


def _walk(disparity: Float, blurred: Float, colour: Float, band: Bool, reach: int) -> Float:
    """Each pixel of `band` (H, W) goes to the side of the step whose pixels beyond the band look like it."""
    if not band.any() or band.all():
        return disparity
    window = np.ones((2 * reach + 3,) * 2, np.uint8)
    top, bottom = cv2.dilate(disparity, window), cv2.erode(disparity, window)
    middle = (top + bottom) / 2
    near = disparity > middle
    inside, outside = (cv2.distanceTransform(x.astype(np.uint8), cv2.DIST_L2, 3) for x in (near, ~near))
    prior = 0.5 + PRIOR * np.clip((inside - outside) / reach, -1, 1)
    sure = np.clip((blurred - middle) / np.maximum((top - bottom) / 2, 1e-6), -1, 1)
    depth = 0.5 + DEPTH_PRIOR * sure * np.abs(sure)
    prior = prior * depth / (prior * depth + (1 - prior) * (1 - depth))
    belief = near.astype(np.float32)
    for votes in collect(disparity, colour, ~band, band, 3 * reach):
        at = votes.row, votes.column
        of_near = (votes.value > middle[at][:, None]).astype(np.float32)  # as numbers: they are summed faster
        like_near, like_far = (
            prior_of * (_total(votes.weight, side) / np.maximum(_total(votes.closeness, side), 1e-6) + NO_VOTE)
            for side, prior_of in ((of_near, prior[at]), (1 - of_near, 1 - prior[at]))
        )
        belief[at] = like_near / (like_near + like_far)
    belief = guided_filter(colour, belief, SMOOTH_PX, SMOOTH_EPS, where=band)
    now = np.where(band, belief > NEARER, near)
    now = _in_one_piece(now, near, band)
    now = ~_in_one_piece(~now, ~near, band)
    result = disparity
    for kept, new in ((near & now, now & ~near), (~near & ~now, near & ~now)):
        if new.any() and kept.any():
            result = nearest(result, kept, new)
    return result


def _with_rims(before: Float, walked: Float, blurred: Float, colour: Float, reach: int) -> Float:
    """`walked` (H, W), but with what the nearer side lost since `before` where steps left an edge of the photo for one
    that is hardly stronger: a rim as bright as what lies behind it looks like the background, not like its own side.

    What the nearer side gained stays: it is seen less in front than what is missing of it is behind.
    """
    far, span = far_and_span(before, WALKS * reach)
    lost = before - walked > LOST * span
    if not lost.any():
        return walked
    steep = widened(steepness(colour), 1)
    old, new = (far_and_span(x, 1)[1] > STEP * span for x in (before, walked))
    beside = cv2.dilate(lost.astype(np.float32), np.ones((3, 3), np.uint8))
    sure: Float = np.clip(2 * (blurred - far) / np.maximum(span, 1e-6) - 1, 0, 1, dtype=np.float32)
    left, taken = (mean_near(steep, beside * there, 3 * reach) for there in (old & ~new, new & ~old))
    worse = taken < left + MORE_EDGE + IF_SURE * mean_near(sure, lost.astype(np.float32), 3 * reach)
    return np.where(lost & worse, before, walked)


def _total(values: Float, share: Float) -> Float:
    """(N,) sums of what counts of each row of `values` (N, K)."""
    return np.asarray(np.einsum("nk,nk->n", values, share))


def _in_one_piece(side: Bool, before: Bool, band: Bool) -> Bool:
    """(H, W) `side` without crumbs: what hangs together with the side's pixels beyond the band, or with parts too thin
    to have any.
    """
    beyond = before & ~band
    return _attached(side, beyond | (before & ~_attached(before, beyond)))


def _attached(mask: Bool, to: Bool) -> Bool:
    """(H, W) the parts of `mask` that hang together with a pixel of `to`."""
    _, label = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    held = np.zeros(int(label.max()) + 1, bool)
    held[label[to & mask]] = True
    return held[label]
