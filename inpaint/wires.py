"""Wires: thin straight things, also poles and ropes, that estimated depth sees only in parts become whole.

Where a network misses a wire, it has the depth of what lies behind it, and a move bends or breaks it. But a straight
line in space has an inverse depth that is affine along its picture, so the parts that were seen tell where the others
are; and what is seen is before what is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inpaint.axes import STANDS_PX, Axis, find_axis
from inpaint.colours import hued
from inpaint.filters import Bool, Float, widened
from inpaint.lines import find_lines, sample, thinness
from inpaint.tears import Index

STANDING, STANDING_PX, CLEAR = 0.15, 14, 0.5  # a wire stands over such a share and length, before one background
GLUED_CLEAR, GLUED_THIN, GLUED_SHARE = 0.65, 0.08, 0.08  # or, if it does not, is so much more before one background,
# stands out so much by its colour and is so long, of the long side
STEP_PX, STEP_OVER_PX = 4.0, 16  # and crosses such a step of depth over so much, which would break it
FOOT_PX = 10  # the step may be this far beyond its end: a mast stands on a ship
HELD_CLEAR, HELD_OUT = 0.8, 0.35  # or is so much before one background, stands out so much by its colour, and ends at
HELD_ALIKE = 0.8  # something nearer that has its colour over such a share of what is right beyond the end
FROM_OWN, FROM_BESIDE = 0.02, 0.075  # depth may be so many times as much behind a wire as before it where the wire was
# not seen to stand, or anywhere if it stands nowhere
HIDDEN = 20.0  # behind, where it else would be behind what is beside it: it counts so much more
ROUNDS, PRECISION = 40, 0.003
CROSSING, JOINT_PX, JOINT = 0.25, 8, 2000.0  # wires are joined where they come so close, if the sine of their angle is
# larger; that counts so much more
OFF_PX, OFF_LENGTH_PX = 1.5, 8  # of less nobody sees that a wire bends
BODY_PX, CORE_PX = 4, 2  # pixels so far beyond its rims are its own by their depth, or so far by their colour
BODY = 0.4  # if they stand out by this share of what it does
SPREAD_SHARE = 0.008  # what is so close to a bundle's rims is its own, as cables drift apart: of the long side
KEEP_SHARE = 0.004  # depth edges this close to wires are real: of the long side


@dataclass
class _Wire:
    axis: Axis
    there: Bool  # (N,) where it is
    level: Float  # (N,) its disparity


def with_wires(disparity: Float, rgb: Float, budget_px: float) -> tuple[Float, Bool]:
    """`disparity` (H, W) with whole wires, as the photo `rgb` (H, W, 3) in 0..1 has them; where (H, W) they are."""
    colour = hued(rgb)
    thin = thinness(colour)
    found, others = [], []
    for line in find_lines(colour, thin):
        axis = find_axis(line, disparity, colour, thin, budget_px)
        wire = _standing(axis, budget_px) or _glued(axis, budget_px, max(disparity.shape)) or _held(axis, budget_px)
        if wire is None:
            others.append(line)
        else:
            found.append(wire)
    _join(found, budget_px)
    result, wires = disparity.copy(), np.zeros(disparity.shape, bool)
    _put(found, result, wires, thin, budget_px)
    axes = [find_axis(line, result, colour, thin, budget_px) for line in others] if found else []
    _put([wire for axis in axes if (wire := _held(axis, budget_px))], result, wires, thin, budget_px)
    return result, widened(wires.astype(np.uint8), round(KEEP_SHARE * max(wires.shape))) > 0


def _put(found: list[_Wire], disparity: Float, wires: Bool, thin: Float, budget_px: float) -> None:
    """Give the disparity of what is `found` to its pixels in `disparity` (H, W), and add them to `wires` (H, W)."""
    before = disparity.copy()
    for wire in found:
        axis, level = wire.axis, wire.level
        if np.count_nonzero(np.abs(level - axis.own)[wire.there] * budget_px > OFF_PX) < OFF_LENGTH_PX:
            continue
        at, place = _body(axis, wire.there, before, thin, budget_px)
        new = ~wires.ravel()[at]
        if new.mean() >= 0.5:
            # No nearer than 1, for which the budget holds.
            disparity.ravel()[at[new]] = np.minimum(np.maximum(level, axis.beside), 1)[place[new]]
            wires.ravel()[at] = True


def _standing(axis: Axis, budget_px: float) -> _Wire | None:
    """A wire that was seen to stand before its surroundings."""
    stands = axis.stands * budget_px > STANDS_PX
    if (stands & axis.found).sum() < max(STANDING_PX, STANDING * axis.close.sum()) or axis.clear_share < CLEAR:
        return None
    slack, weight = np.where(stands, 1, FROM_OWN), np.ones_like(axis.front)
    level = _straight(axis.place, axis.front, axis.seen, slack, weight)
    hidden = axis.seen & ((axis.beside - level) * budget_px > STEP_PX)
    if np.count_nonzero(hidden) >= OFF_LENGTH_PX:
        level = _straight(axis.place, axis.front, axis.seen, slack, np.where(hidden, HIDDEN, 1))
    return _Wire(axis, axis.there, level)


def _glued(axis: Axis, budget_px: float, side: int) -> _Wire | None:
    """A wire that has the depth of what lies behind it, which would break it where that steps. `side`: the long one."""
    clear = axis.clear_share >= GLUED_CLEAR and axis.clearness > GLUED_THIN
    if not (clear and axis.line.slim and axis.line.length > GLUED_SHARE * side):
        return None
    known = axis.clear & axis.found
    known[np.concatenate(_feet(axis, budget_px))] = True
    step = np.abs(axis.beside[STEP_OVER_PX:] - axis.beside[:-STEP_OVER_PX]) * budget_px > STEP_PX
    if not (step & known[STEP_OVER_PX:] & known[:-STEP_OVER_PX]).any():
        return None
    slack, weight = np.full_like(axis.front, FROM_BESIDE), np.ones_like(axis.front)
    return _Wire(axis, axis.there & axis.close, _straight(axis.place, axis.front, known, slack, weight))


def _held(axis: Axis, budget_px: float) -> _Wire | None:
    """A wire that ends at something nearer of its colour, as an arm does at a pole. It has the depth of that."""
    if axis.clear_share < HELD_CLEAR or axis.clearness <= HELD_OUT:
        return None
    feet = [side for side in _feet(axis, budget_px) if len(side)]
    if not feet or axis.alike[np.concatenate(feet)].mean() <= HELD_ALIKE:
        return None
    number, ends = np.arange(len(axis.place)), [side[0] for side in feet]
    level = np.interp(number, ends, [np.median(axis.front[side]) for side in feet])
    reach = [*np.flatnonzero(axis.found)[[0, -1]], *ends]
    there = (axis.there & axis.close) | ((number >= min(reach)) & (number <= max(reach)))
    return _Wire(axis, there, level.astype(np.float32))


def _join(wires: list[_Wire], budget_px: float) -> None:
    """Where two wires cross, bring the farther one forward to the nearer: what crosses is mostly joined there."""
    joints: list[dict[int, float]] = [{} for _ in wires]
    for number, wire in enumerate(wires):
        for other_number, other in enumerate(wires[:number]):
            places = _crossing(wire, other)
            if places is None:
                continue
            levels = wire.level[places[0]], other.level[places[1]]
            if abs(levels[0] - levels[1]) * budget_px < STANDS_PX:
                continue
            farther = int(levels[1] < levels[0])
            one = (number, other_number)[farther]
            joints[one][places[farther]] = float(max(levels))
            wires[one].level = _joined(wires[one].axis, joints[one])


def _crossing(one: _Wire, other: _Wire) -> tuple[int, int] | None:
    """At which of their places two wires cross; None where they do not, or hardly."""
    ways = np.stack([one.axis.line.along, -other.axis.line.along], 1)
    if abs(np.linalg.det(ways)) < CROSSING:
        return None
    first, second = np.round(np.linalg.solve(ways, other.axis.line.start - one.axis.line.start)).astype(int)
    places = int(first - one.axis.place[0]), int(second - other.axis.place[0])
    for wire, place in zip((one, other), places, strict=True):
        if not (0 <= place < len(wire.there) and wire.there[max(0, place - JOINT_PX) : place + JOINT_PX + 1].any()):
            return None
    return places


def _joined(axis: Axis, joints: dict[int, float]) -> Float:
    """(N,) the level of a wire that has such levels at those places; it may be nearer than it was seen elsewhere."""
    front, known = axis.front.copy(), axis.seen.copy()
    slack, weight = np.full_like(front, FROM_OWN), np.ones_like(front)
    for place, level in joints.items():
        front[place], known[place] = level, True
        slack[place] = weight[place] = JOINT
    return _straight(axis.place, front, known, slack, weight)


def _feet(axis: Axis, budget_px: float) -> tuple[Index, Index]:
    """The places right beyond the two ends of a wire, from there on, at which something nearer is that may hold it."""
    first, last = np.flatnonzero(axis.found)[[0, -1]]

    def nearer(end: int, beyond: Index) -> Index:
        beyond = beyond[(beyond >= 0) & (beyond < len(axis.found))]
        return beyond[(axis.beside[beyond] - axis.beside[end]) * budget_px > STEP_PX]

    away = np.arange(1, FOOT_PX + 1)
    return nearer(first, first - away), nearer(last, last + away)


def _straight(place: Index, front: Float, known: Bool, slack: Float, weight: Float) -> Float:
    """(N,) what is affine in `place` (N,) and at `front` (N,) where that is `known` (N,), as `slack` and `weight` (N,)
    have it, see `_affine`; nowhere there nearer than the nearest of it, or a pole would lean out of the picture.
    """

    def affine(x: Float, values: Float) -> Float:
        return _affine(x[known], values[known], slack[known], weight[known])

    x = np.stack([np.ones(len(place)), place], 1)
    level = x @ affine(x, front)
    nearest = front[known].max()
    end = np.flatnonzero(known)[[0, -1]][level[known][[0, -1]].argmax()]
    if level[end] <= nearest:
        return np.asarray(level)
    away = (place - place[end])[:, None].astype(np.float64)
    return np.asarray(nearest + away @ affine(away, front - nearest))


def _affine(x: Float, values: Float, slack: Float, weight: Float) -> Float:
    """(K,) coefficients of `x` (N, K) with the least sum of differences to `values` (N,), those where it is above them
    times `slack` (N,), the others times `weight` (N,): iteratively reweighted least squares.
    """
    found = np.linalg.lstsq(x, values, rcond=None)[0]
    for _ in range(ROUNDS):
        off = values - x @ found
        weighted = x * (np.where(off > 0, weight, slack) / np.maximum(np.abs(off), PRECISION))[:, None]
        found = np.linalg.solve(weighted.T @ x + 1e-6 * np.eye(x.shape[1]), weighted.T @ values)
    return np.asarray(found)


def _body(axis: Axis, there: Bool, disparity: Float, thin: Float, budget_px: float) -> tuple[Index, Index]:
    """The flat indices of a wire's pixels (M,), and the places along its axis (M,) that they are at."""
    line, (h, w) = axis.line, disparity.shape
    spread = round(SPREAD_SHARE * max(h, w)) if line.bundle else 0
    left, right = line.rims[0] - spread, line.rims[1] + spread
    margin = int(max(-left, right)) + BODY_PX + 2
    xy = axis.xy[there]
    (x0, y0), (x1, y1) = xy.min(0).astype(int) - margin, xy.max(0).astype(int) + margin + 1
    y, x = (part.ravel() for part in np.mgrid[max(0, y0) : min(h, y1), max(0, x0) : min(w, x1)])
    off = np.stack([x, y], 1) - line.start
    aside, place = off @ line.across, np.round(off @ line.along).astype(np.int64) - axis.place[0]
    on = (place >= 0) & (place < len(there)) & (aside >= left - BODY_PX) & (aside <= right + BODY_PX)
    on[on] = there[place[on]]
    y, x, aside, place = (part[on] for part in (y, x, aside, place))
    body = (aside >= left) & (aside <= right)
    if not line.bundle:
        bright = np.max([sample(thin, axis.xy, line.across, k) for k in range(-CORE_PX, CORE_PX + 1)], 0)
        beside = (aside >= left - CORE_PX) & (aside <= right + CORE_PX)
        body = np.where(axis.shows[place], beside & (thin[y, x] > BODY * bright[place]), body)
    above = axis.above[(aside > 0).astype(int), place]
    body |= (above * budget_px > STANDS_PX) & (np.abs(disparity[y, x] - axis.own[place]) < 0.5 * above)
    return (y * w + x)[body], place[body]
