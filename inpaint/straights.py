"""Straight outlines: where depth edges follow straight edges of a photo, they lie on them over their whole length.

Screens, tables, doors and horizons are straight, and everybody sees where they are not. A network's blurred edge is
hardly so: made sharp, it wavers, and what it parts bends with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import Bool, Float, far_and_span, mean_near
from inpaint.lines import sample
from inpaint.pieces import Pieces, Run, runs
from inpaint.tears import Index

PIECE_SHARE, SEED_SHARE = 0.012, 0.02  # the shortest pieces that count, and that an edge begins with: of the long side
LOOKS = 5  # at so many places of a piece one looks for depth edges
SHORTEST_SHARE = 0.06  # and the shortest edges
REACH_SHARE = 0.0125  # a depth edge this close to an edge of the photo may belong to it: of the long side
STEP_PX, ONE_STEP = 3.0, 0.5  # it opens by so much; what is between exceeds its sides by at most this share of the step
STEPS = 0.6  # there is such a step along this share of the edge
ON_SHARE, ON, JUMP = 0.002, 0.4, 0.6  # along this share the depth edge is on it: this close, of the long side, the
# disparity jumps by this share of the step
ALIKE, MOSTLY = 0.03, 0.7  # what changes sides looks no less like the new side than like the old one, but for so much,
# in this share of its pixels
MORE_SHARE, BESIDE_PX, FAINT = 0.03, 2, 0.03  # so far an edge may go on beyond where it was found, of the long side,
# if both sides differ, so close to it, by so much
SMOOTH_SHARE = 0.05, 0.012  # so far to both sides depth is averaged along the nearer and the farther side
GRID = 0.7  # so many pixels apart there is a place of a rotated grid in every pixel
NOTHING = 9.0  # farther than any two colours are apart


@dataclass(frozen=True)
class _Outline:
    """A straight edge of a photo that is one of depth, at N places a pixel apart."""

    start: Float  # (2,) x and y
    along: Float  # (2,) unit vector
    across: Float  # (2,) unit vector to the nearer side
    rank: tuple[float, float]  # how far the depth edge is from it, px, if not close; and of close ones outer ones first
    rim: Float  # (N,) disparity of the nearer side, as far away as depth edges may be
    near: Float  # (N,) the same, steady
    far: Float  # (N,) of the farther side, steady
    sure: Bool  # (N,) where the depth edge belongs to it


def with_straight_outlines(disparity: Float, rgb: Float, budget_px: float) -> Float:
    """`disparity` (H, W) with its edges on the straight ones of the photo `rgb` (H, W, 3) in 0..1 that they follow."""
    reach = max(3, round(REACH_SHARE * max(disparity.shape)))
    steep = far_and_span(disparity, reach)[1] * budget_px > STEP_PX
    found = [_outline(run, disparity, rgb, budget_px, reach) for run in _straight_edges(rgb, steep)]
    result, taken = disparity.copy(), np.zeros(disparity.shape, bool)
    for outline in sorted((one for one in found if one is not None), key=lambda one: one.rank):
        _put(outline, disparity, result, taken, reach)
    return result


def _straight_edges(rgb: Float, where: Bool) -> list[Run]:
    """Of the photo `rgb` (H, W, 3), from pieces that pass through `where` (H, W). By the detector of Grompone von Gioi
    et al., "LSD: a Line Segment Detector", 2012.
    """
    grey = np.clip(np.round(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) * 255), 0, 255).astype(np.uint8)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return []
    start, end = found.reshape(-1, 2, 2).swapaxes(0, 1)  # OpenCV 4 has one axis more than 5
    side = max(grey.shape)
    along = start + np.linspace(0, 1, LOOKS, dtype=np.float32)[:, None, None] * (end - start)
    x, y = np.moveaxis(np.clip(along, 0, np.array(grey.shape[::-1]) - 1).astype(np.int64), -1, 0)
    kept = (np.hypot(*(end - start).T) > PIECE_SHARE * side) & where[y, x].any(0)
    n = np.count_nonzero(kept)
    pieces = Pieces(start[kept], end[kept], np.zeros((n, 3), np.float32), np.ones(n, np.float32))
    return list(runs(pieces, side, SEED_SHARE * side, SHORTEST_SHARE * side))


def _outline(run: Run, disparity: Float, rgb: Float, budget_px: float, reach: int) -> _Outline | None:
    """The outline that a straight edge is; None if it is none."""
    side, length = max(disparity.shape), len(run.seen)
    more = round(MORE_SHARE * side)
    start = run.start - more * run.along
    places = start + np.arange(length + 2 * more)[:, None] * run.along
    seen = np.pad(run.seen, more)
    across = np.array([-run.along[1], run.along[0]], np.float32)
    if np.median((sample(disparity, places, across, reach) - sample(disparity, places, across, -reach))[seen]) < 0:
        across = -across
    far, rim = (sample(disparity, places, across, away) for away in (-reach, reach))
    span = rim - far
    opens = span * budget_px > STEP_PX
    if (opens & seen).sum() < STEPS * length:
        return None
    aways = np.arange(-reach, reach + 1)
    profile = np.stack([sample(disparity, places, across, away) for away in aways.tolist()], 1)
    over = ONE_STEP * np.median(span[opens & seen])
    opens &= (profile.max(1) < rim + over) & (profile.min(1) > far - over)
    on = max(2, round(ON_SHARE * side))
    jump = np.diff(profile, axis=1)[:, reach - on : reach + on].max(1)
    steps = opens & seen
    if steps.sum() < STEPS * length or (steps & (jump > JUMP * span)).sum() < ON * length:
        return None
    edge = (profile < ((rim + far) / 2)[:, None]).sum(1) - reach
    off = float(np.median(edge[steps]))
    rank = (max(abs(off) - on, 0), -off)
    colours = np.stack([sample(rgb, places, across, away) for away in aways.tolist()], 1)
    good = (_looks_so(colours, edge, aways) | (np.abs(edge) <= on)).astype(np.float32)
    likely = cv2.blur(good[:, None], (1, reach | 1))[:, 0] > 0.5
    goes_on = opens & likely & (np.abs(colours[:, reach + BESIDE_PX] - colours[:, reach - BESIDE_PX]).max(-1) > FAINT)
    for end in (np.s_[more + length :], np.s_[more - 1 :: -1]):
        steps[end] = np.logical_and.accumulate(goes_on[end])
    sure = _closed(steps, 2 * reach) & likely & (span * budget_px > STEP_PX)
    weight = steps.astype(np.float32)[:, None]
    near, far = (
        mean_near(values[:, None], weight, round(share * side))[:, 0]
        for values, share in zip((rim, far), SMOOTH_SHARE, strict=True)
    )
    return _Outline(start, run.along, across, rank, rim, near, far, sure)


def _looks_so(colours: Float, edge: Index, aways: Index) -> Bool:
    """(N,) whether what lies between edges of a photo and the depth edges beside them, `edge` (N,) px towards the
    nearer side, looks like the side of the photo's edge that it is on. `colours` (N, K, 3) at the distances
    `aways` (K,).
    """
    away, edge = aways[None], edge[:, None]
    between = np.where(edge < 0, (away >= edge) & (away < -1), (away > 1) & (away < edge))
    nearer, farther = away >= np.maximum(edge, 0), away < np.minimum(edge, 0)
    square = (colours * colours).sum(-1)
    apart = np.sqrt(np.maximum(square[:, :, None] + square[:, None] - 2 * colours @ colours.transpose(0, 2, 1), 0))
    to_near, to_far = (np.where(side[:, None], apart, NOTHING).min(2) for side in (nearer, farther))
    unlike = np.where(edge < 0, to_far - to_near, to_near - to_far)
    return np.asarray((between & (unlike < ALIKE)).sum(1) >= MOSTLY * between.sum(1))


def _closed(there: Bool, gap: int) -> Bool:
    """(N,) `there` (N,) with gaps up to so many places closed, but for those at its ends."""
    part = cv2.copyMakeBorder(there.astype(np.uint8)[None], 0, 0, gap, gap, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((1, gap | 1), np.uint8))[0, gap:-gap] > 0)


def _put(outline: _Outline, disparity: Float, result: Float, taken: Bool, reach: int) -> None:
    """Part both sides of an outline in `result` (H, W), where nothing is `taken` (H, W) yet, and take it.

    What changes sides has the depth of its new side. What was on its side already is led to that towards the outline,
    and the less the closer the outline ends.
    """
    h, w = disparity.shape
    steps = [np.arange(first, last, GRID)[..., None] for first, last in ((0, len(outline.sure)), (-reach, reach))]
    xy = np.round(outline.start + steps[0][:, None] * outline.along + steps[1] * outline.across).astype(np.int64)
    xy = xy[((xy >= 0) & (xy < (w, h))).all(-1)]
    at = np.unique(xy[:, 1] * w + xy[:, 0])
    off = np.stack([at % w, at // w], 1) - outline.start
    place, away = np.round(off @ outline.along).astype(np.int64), off @ outline.across
    on = (place >= 0) & (place < len(outline.sure)) & (np.abs(away) <= reach)
    on[on] = outline.sure[place[on]]
    on &= ~taken.ravel()[at]
    at, place, away = at[on], place[on], away[on]
    near, far, own = outline.near[place], outline.far[place], disparity.ravel()[at]
    new = np.where(away > 0, near + (outline.rim[place] - near) * (away / reach), far)
    end = cv2.distanceTransform(np.pad(outline.sure, 1).astype(np.uint8)[None], cv2.DIST_L1, 3)[0, 1:-1]
    share = np.where((own > (near + far) / 2) == (away > 0), np.minimum(end / (2 * reach), 1)[place], 1)
    result.ravel()[at] = own + (new - own) * share
    taken.ravel()[at] = True
