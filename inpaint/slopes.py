"""Slopes in place of tears that are probably none.

A tear opens, and what is painted behind it shows. Estimated depth also steps where nothing does, in a lawn or across
the bonnet of a car, and a gap there draws the eye; a surface that is stretched there does not. Nor does it where a lens
has blurred an outline: a cut there would be the only sharp thing in sight. And a stalk that a tear would cut in two had
better bend.
"""

from __future__ import annotations

import numpy as np

from inpaint.chains import long_tears, shortest_edge_px
from inpaint.evidence import are_blurred, tear_evidence
from inpaint.filters import Bool, Float, closest_pixel, widened
from inpaint.tears import Links, TornPairs, torn_pairs

# As `python -m training.fit_tears` found them for one tear in four that is real, while only colours moved depth edges.
# Now it finds .59 and .0239, which looks no better: more gaps open where nothing steps.
POWER, REAL = 0.62, 0.0356  # a tear stays if step * unlikeness ** POWER is larger, in the mean of a stretch
BAND_PX, ROUNDS = 4, 10  # the slope reaches so far to both sides
LONG = 3  # tears that stay are so many times as long as a depth edge must be, or more


def slopes_for_tears(
    disparity: Float, links: Links, rgb: Float, crossed: Bool | None = None, real: Bool | None = None
) -> tuple[Float, Links]:
    """`disparity` (H, W) and `links` with slopes for those tears that are probably none, going by the step and by the
    colours `rgb` (H, W, 3) in 0..1, the two things that tell best, and for those in `crossed` (H, W), if
    `inpaint.crossings` found any. Tears that are known to be `real` (H, W) stay.
    """
    pairs = torn_pairs(links, disparity)
    if not len(pairs.near):
        return disparity, links
    evidence = tear_evidence(disparity, pairs, rgb)
    doubtful = evidence @ np.array([1, POWER], np.float32) < np.log(REAL)
    doubtful |= are_blurred(evidence[:, 1], pairs, rgb)
    if crossed is not None:
        doubtful |= crossed.ravel()[pairs.first]
    if real is not None:
        doubtful &= ~real.ravel()[pairs.first]
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


def _without(links: Links, doubtful: Bool) -> Links:
    """`links` without those tears that are `doubtful` (N,), in the order of `torn_pairs`; what is mended is as long as
    a depth edge must be, and what stays torn is longer: short tears open as dashes of whatever lies far behind.
    """
    least = shortest_edge_px((links.right.shape[0], links.down.shape[1]))
    right, down = (np.ones_like(x) for x in (links.right, links.down))
    upright = int(np.count_nonzero(~links.right))
    right[~links.right], down[~links.down] = ~doubtful[:upright], ~doubtful[upright:]
    mended = long_tears(Links(right, down), least)
    return long_tears(Links(links.right | ~mended.right, links.down | ~mended.down), LONG * least)


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
