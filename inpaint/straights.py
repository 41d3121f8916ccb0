"""Straight outlines: where depth edges follow straight edges of a photo, they lie on them over their whole length.

Screens, tables, doors and horizons are straight, and everybody sees where they are not. A network's blurred edge is
hardly so: made sharp, it wavers, and what it parts bends with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import Bool, Float, far_and_span, mean_near, without_gaps
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
SMOOTH_SHARE = 0.05  # so far to both sides depth is averaged along the nearer side: of the long side
GRID = 0.7  # so many pixels apart there is a place of a rotated grid in every pixel
NOTHING = 9.0  # farther than any two colours are apart


@dataclass(frozen=True)
class _Band:
    """What there is beside an edge of a photo: N places a pixel apart along it, K across it."""

    start: Float  # (2,) x and y
    along: Float  # (2,) unit vector
    across: Float  # (2,) unit vector to the nearer side
    seen: Bool  # (N,) where the edge was found
    more: int  # so many places at both ends are beyond it
    disparity: Float  # (N, K) from the farther side, across the edge in the middle, to the nearer one
    colours: Float  # (N, K, 3)

    @property
    def reach(self) -> int:
        """px"""
        return self.disparity.shape[1] // 2

    @property
    def contrast(self) -> Float:
        """(N,) how much both sides differ close to the edge."""
        sides = (self.colours[:, self.reach + away] for away in (BESIDE_PX, -BESIDE_PX))
        return np.asarray(np.abs(np.subtract(*sides)).max(-1))


@dataclass(frozen=True)
class _Outline:
    """An edge of a photo that is one of depth, too, at the N places of its band."""

    band: _Band
    outside: float  # how far the depth edge is outside of it, px
    off: Float  # (N,) how far it is from it, px; 0 if it is close
    parting: Float  # (N,) how far towards the nearer side both sides part, px: at the edge, or, where colours do not
    # tell, where the depth edge is, if that is close
    far: Float  # (N,) disparity of the farther side, right beside the depth edge
    near: Float  # (N,) disparity of the nearer side, steady
    sure: Bool  # (N,) where the depth edge belongs to it


def with_straight_outlines(disparity: Float, rgb: Float, budget_px: float) -> Float:
    """`disparity` (H, W) with its edges on the straight ones of the photo `rgb` (H, W, 3) in 0..1 that they follow."""
    side = max(disparity.shape)
    reach = max(3, round(REACH_SHARE * side))
    steep = far_and_span(disparity, reach)[1] * budget_px > STEP_PX
    edges = (_outline(_band(run, disparity, rgb, reach), budget_px, side) for run in _straight_edges(rgb, steep))
    result, off = disparity.copy(), np.full(disparity.shape, np.inf, np.float32)
    # The outermost goes first: what is left behind of a rim is seen more than what moves along with it.
    for outline in sorted((edge for edge in edges if edge is not None), key=lambda edge: edge.outside):
        _put(outline, disparity, result, off)
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


def _band(run: Run, disparity: Float, rgb: Float, reach: int) -> _Band:
    """What there is `reach` px to both sides of an edge, and a little beyond its ends."""
    h, w = disparity.shape
    more = round(MORE_SHARE * max(h, w))
    start = run.start - more * run.along
    across = np.array([-run.along[1], run.along[0]], np.float32)
    places = start + np.arange(len(run.seen) + 2 * more)[:, None] * run.along
    at = np.round(places[:, None] + np.arange(-reach, reach + 1)[:, None] * across).astype(np.int64)
    x, y = np.clip(at[..., 0], 0, w - 1), np.clip(at[..., 1], 0, h - 1)
    seen, depth, colours = np.pad(run.seen, more), disparity[y, x], rgb[y, x]
    if np.median((depth[:, -1] - depth[:, 0])[seen]) < 0:
        across, depth, colours = -across, depth[:, ::-1], colours[:, ::-1]
    return _Band(start, run.along, across, seen, more, depth, colours)


def _outline(band: _Band, budget_px: float, side: int) -> _Outline | None:
    """The outline that a straight edge is; None if it is none. `side`: the photo's long one, px."""
    depth, reach, length = band.disparity, band.reach, len(band.seen) - 2 * band.more
    far, rim = depth[:, 0], depth[:, -1]
    span = rim - far
    opens = span * budget_px > STEP_PX
    if (opens & band.seen).sum() < STEPS * length:
        return None
    over = ONE_STEP * np.median(span[opens & band.seen])
    opens &= (depth.max(1) < rim + over) & (depth.min(1) > far - over)
    steps, on = opens & band.seen, max(2, round(ON_SHARE * side))
    jump = np.diff(depth, axis=1)[:, reach - on : reach + on].max(1)
    if steps.sum() < STEPS * length or (steps & (jump > JUMP * span)).sum() < ON * length:
        return None
    edge = (depth < ((rim + far) / 2)[:, None]).sum(1) - reach
    looks_so = _looks_so(band.colours, edge)
    good = looks_so | (np.abs(edge) <= on)
    likely = without_gaps(good, reach // 2) & (_averaged(good, reach) > 0.5)
    goes_on = opens & good & (2 * np.abs(edge) <= reach) & (band.contrast > FAINT)
    for end in (np.s_[band.more + length :], np.s_[band.more - 1 :: -1]):
        steps[end] = np.logical_and.accumulate(goes_on[end])
    return _Outline(
        band,
        outside=-float(np.median(edge[opens & band.seen])),
        off=np.maximum(_averaged(np.abs(edge), reach) - on, 0),
        parting=_averaged(np.where(looks_so, 0, np.clip(edge, -on, on)), reach),
        far=depth[np.arange(len(edge)), np.clip(reach + edge - 2, 0, reach)],
        near=mean_near(rim[:, None], steps.astype(np.float32)[:, None], round(SMOOTH_SHARE * side))[:, 0],
        sure=without_gaps(steps, 2 * reach) & likely & (span * budget_px > STEP_PX),
    )


def _looks_so(colours: Float, edge: Index) -> Bool:
    """(N,) whether what lies between an edge of a photo, in the middle of `colours` (N, K, 3), and the depth edge,
    `edge` (N,) px towards the nearer side, looks like the side of the photo's edge that it is on.
    """
    away, edge = np.arange(colours.shape[1])[None] - colours.shape[1] // 2, edge[:, None]
    between = np.where(edge < 0, (away >= edge) & (away < -1), (away > 1) & (away < edge))
    nearer, farther = away >= np.maximum(edge, 0), away < np.minimum(edge, 0)
    square = (colours * colours).sum(-1)
    apart = np.sqrt(np.maximum(square[:, :, None] + square[:, None] - 2 * colours @ colours.transpose(0, 2, 1), 0))
    to_near, to_far = (np.where(side[:, None], apart, NOTHING).min(2) for side in (nearer, farther))
    unlike = np.where(edge < 0, to_far - to_near, to_near - to_far)
    return np.asarray((between & (unlike < ALIKE)).sum(1) >= MOSTLY * between.sum(1))


def _averaged(values: Bool | Index, span: int) -> Float:
    """(N,) means of `values` (N,) over about so many places."""
    return np.asarray(cv2.blur(values.astype(np.float32)[:, None], (1, span | 1))[:, 0])


def _put(outline: _Outline, disparity: Float, result: Float, off: Float) -> None:
    """Part both sides of an outline in `result` (H, W), but where the depth edge is no farther from another one,
    `off` (H, W).

    What changes sides has the depth of its new side. What was on the nearer side already is led to that towards the
    outline, and the less the closer the outline ends.
    """
    (h, w), band, reach = disparity.shape, outline.band, outline.band.reach
    steps = [np.arange(first, last, GRID)[..., None] for first, last in ((0, len(band.seen)), (-reach, reach))]
    xy = np.round(band.start + steps[0][:, None] * band.along + steps[1] * band.across).astype(np.int64)
    xy = xy[((xy >= 0) & (xy < (w, h))).all(-1)]
    at = np.unique(xy[:, 1] * w + xy[:, 0])
    from_start = np.stack([at % w, at // w], 1) - band.start
    place, away = np.round(from_start @ band.along).astype(np.int64), from_start @ band.across
    on = (place >= 0) & (place < len(band.seen)) & (np.abs(away) <= reach)
    on[on] = outline.sure[place[on]] & (outline.off[place[on]] < off.ravel()[at[on]])
    at, place, away = at[on], place[on], away[on]
    own, near = disparity.ravel()[at], outline.near[place]
    far, rim = outline.far[place], band.disparity[place, -1]
    nearer = away > outline.parting[place]
    new = np.where(nearer, near + (rim - near) * np.maximum(away / reach, 0), far)
    to_end = cv2.distanceTransform(np.pad(outline.sure, 1).astype(np.uint8)[None], cv2.DIST_L1, 3)[0, 1:-1]
    share = np.where(nearer, np.minimum(to_end / (2 * reach), 1)[place], 0)
    share[(own > (near + far) / 2) != nearer] = 1
    result.ravel()[at] = own + (new - own) * share
    off.ravel()[at] = outline.off[place]
