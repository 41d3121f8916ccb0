"""Wires: thin straight things, also poles and ropes, that estimated depth sees only in parts become whole.

Where a network misses a wire, it has the depth of what lies behind it, and a move bends or breaks it. But a straight
line in space has an inverse depth that is affine along its picture, so the parts that were seen tell where the others
are; and what is seen is before what is beside it.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from inpaint.axes import LIKELY, STANDS_PX, Axis, find_axis
from inpaint.colours import hued
from inpaint.filters import Bool, Float, largest
from inpaint.lines import find_lines, sample
from inpaint.tears import Index

WIRE = 0.5  # a line is a wire if it looks as if a thin thing stood there over such a share
NEW = 0.35  # and no other wire has more than the rest of its pixels yet
END_PX = 4  # so close to where a wire ends or hides, what is beside it may be what hides it
STEP_PX, FOOT_PX = 4.0, 10  # what is so much nearer and so close beyond its end holds it: a mast stands on a ship
FROM_BESIDE = 0.015  # where it was not seen to stand, depth may be so many times as much behind a wire as before it
ROUNDS, PRECISION = 40, 0.003
STOOD = 0.1  # and so many where it was: such depth is drowned in what lies behind, rather than too near
CROSSING, JOINT_PX = 0.25, 8  # wires are joined where rims come so close to axes, if the sine of their angle is larger,
SEEN_SHARE, END_AT_PX = 0.15, 16  # and the farther was seen to stand over such a share, or one of them ends so close
RUNS_IN = 0.5  # and, if they run alike, less than such a share of the narrower is so close to the other
BODY_PX, CORE_PX = 4, 2  # pixels so far beyond its rims are its own by their depth, or so far as thin things
BODY = 0.4  # if they are as likely this as such a share of what it is, or by their colour:
OWN, NOISE = 0.3, 0.045  # if that, and noise, is off its by less than such a share of what is beside it
SPREAD_SHARE = 0.008  # what is so close to a bundle's rims is its own, as cables drift apart: of the long side


class _Wire:
    def __init__(self, axis: Axis, level: Float, stood: bool) -> None:
        self.axis = axis
        self.level = self._alone = level  # (N,) its disparity; and what that would be without others
        self.stood = stood  # whether it was seen to stand before what is beside it
        self._joints: dict[int, float] = {}

    def ends_at(self, place: int) -> bool:
        """Whether it ends near one of its places."""
        ends = np.flatnonzero(self.axis.there)[[0, -1]]
        return bool(np.abs(ends - place).min() <= END_AT_PX)

    def join(self, place: int, level: float) -> None:
        """At one of its places it has the level of another."""
        self._joints[place] = level
        self.level = _joined(self._alone, self.axis.there, self._joints)


def with_wires(disparity: Float, rgb: Float, likely: Float, budget_px: float) -> tuple[Float, Bool]:
    """`disparity` (H, W) with whole wires, as the photo `rgb` (H, W, 3) in 0..1 has them; where (H, W) they are.

    `likely` (H, W) in 0..1: how likely a thin thing is there.
    """
    colour = hued(rgb)
    axes = [find_axis(line, disparity, likely) for line in find_lines(colour, likely)]
    found = [_wire(axis, budget_px) for axis in axes if axis.likely_share >= WIRE]
    _join(found, budget_px)
    result, wires = disparity.copy(), np.zeros(disparity.shape, bool)
    for wire in found:
        at, place = _body(wire, disparity, colour, likely, budget_px)
        new = ~wires.ravel()[at]
        if new.mean() >= NEW:
            # No nearer than 1, for which the budget holds.
            level = np.minimum(np.maximum(wire.level, wire.axis.beside), 1)
            result.ravel()[at[new]] = level[place[new]]
            wires.ravel()[at] = True
    return result, wires


def _wire(axis: Axis, budget_px: float) -> _Wire:
    """Level with where it was seen to stand and with what holds it, elsewhere no farther than what is beside it."""
    known = cv2.erode(axis.seen.astype(np.uint8)[None], np.ones((1, 2 * END_PX + 1), np.uint8))[0] > 0
    if not known.any():
        known = axis.found.copy()
    stands = axis.stands * budget_px > STANDS_PX
    stood = bool(stands[axis.found].mean() > SEEN_SHARE)
    feet = np.concatenate(_feet(axis, budget_px))
    known[feet] = stands[feet] = True
    return _Wire(axis, _straight(axis.place, axis.front, known, np.where(stands, STOOD, FROM_BESIDE)), stood)


def _join(wires: list[_Wire], budget_px: float) -> None:
    """Where two wires cross, bring the farther one forward to the nearer: what crosses is mostly joined there. But what
    was not seen to stand and goes on is more likely behind, such as the line of a roof.
    """
    pairs = itertools.combinations(wires, 2)
    crossings = [(pair, places) for pair in pairs if (places := _crossing(*pair)) is not None]
    for pair, places in crossings * 2:  # what has come forward brings others along
        far, near = sorted(zip(pair, places, strict=True), key=lambda end: end[0].level[end[1]])
        levels = [wire.level[place] for wire, place in (far, near)]
        if (levels[1] - levels[0]) * budget_px < STANDS_PX:
            continue
        if far[0].stood or any(wire.ends_at(place) for wire, place in (far, near)):
            far[0].join(far[1], float(levels[1]))


def _crossing(one: _Wire, other: _Wire) -> tuple[int, int] | None:
    """At which of their places two wires cross, or run into one another; None where they do not."""
    ways = np.stack([one.axis.line.along, -other.axis.line.along], 1)
    sine = abs(np.linalg.det(ways))
    if sine < CROSSING:
        return _meeting(one, other)
    first, second = np.round(np.linalg.solve(ways, other.axis.line.start - one.axis.line.start)).astype(int)
    places = int(first - one.axis.place[0]), int(second - other.axis.place[0])
    for wire, place, across in zip((one, other), places, (other, one), strict=True):
        there, reach = wire.axis.there, int((JOINT_PX + np.ptp(across.axis.line.rims) / 2) / sine)
        if not (0 <= place < len(there) and there[max(0, place - reach) : place + reach + 1].any()):
            return None
    return places


def _meeting(one: _Wire, other: _Wire) -> tuple[int, int] | None:
    """At which of their places two wires that run almost alike run into one another: where the narrower is within the
    other or close beside, as near to its end as may be. None if it is nowhere, or mostly: that lies on the other, or is
    the same found again.
    """
    line = other.axis.line
    if np.ptp(one.axis.line.rims) > np.ptp(line.rims):
        places = _meeting(other, one)
        return places and places[::-1]
    there = np.flatnonzero(one.axis.there)
    off = one.axis.xy[there] - line.start
    aside, place = off @ line.across, np.round(off @ line.along).astype(np.int64) - other.axis.place[0]
    reach = JOINT_PX + np.ptp(one.axis.line.rims) / 2
    close = (place >= 0) & (place < len(other.axis.there))
    close &= (aside >= line.rims[0] - reach) & (aside <= line.rims[1] + reach)
    close[close] = other.axis.there[place[close]]
    if not 0 < close.mean() < RUNS_IN:
        return None
    at = np.flatnonzero(close)
    nearest = at[np.minimum(at, len(there) - 1 - at).argmin()]
    return int(there[nearest]), int(place[nearest])


def _joined(level: Float, there: Bool, joints: dict[int, float]) -> Float:
    """(N,) the level of a wire that alone would have `level` (N,) and has others at some places: as a whole it comes
    nearer, and turns if several places ask for that, or if it would come nearer than it was anywhere.
    """
    at, nearest = np.array(list(joints)), np.array(list(joints.values()))
    rise = nearest - level[at]
    turn = np.polyfit(at, rise, 1) if np.ptp(at) > END_AT_PX else np.array([rise.mean()])
    result = level + np.polyval(turn, np.arange(len(level)))
    hinge = at[nearest.argmax()]
    over, most = result[there].max() - result[hinge], max(level[there].max(), result[hinge]) - result[hinge]
    if over > most:
        result = result[hinge] + (result - result[hinge]) * (most / over)
    return np.asarray(result, np.float32)


def _feet(axis: Axis, budget_px: float) -> tuple[Index, Index]:
    """The places right beyond the two ends of a wire, from there on, at which something nearer is that may hold it."""
    first, last = np.flatnonzero(axis.found)[[0, -1]]

    def nearer(end: int, away: Index) -> Index:
        beyond = end + away[(end + away >= 0) & (end + away < len(axis.found))]
        # What holds it may be beside its end already, where the photo is seen small.
        inside = axis.beside[np.clip(end - away, 0, len(axis.found) - 1)]
        holds = (axis.beside[beyond] - inside.min()) * budget_px > STEP_PX
        return beyond[holds & (axis.likely[beyond] < LIKELY)]  # not another wire: with those they are joined

    away = np.arange(1, FOOT_PX + 1)
    return nearer(first, -away), nearer(last, away)


def _straight(place: Index, front: Float, known: Bool, slack: Float) -> Float:
    """(N,) what is affine in `place` (N,) and at `front` (N,) where that is `known` (N,), as `slack` (N,) has it, see
    `_affine`; nowhere there nearer than the nearest of it, or a pole would lean out of the picture.
    """

    def affine(x: Float, values: Float) -> Float:
        return _affine(x[known], values[known], slack[known])

    x = np.stack([np.ones(len(place)), place], 1)
    level = x @ affine(x, front)
    nearest = front[known].max()
    end = np.flatnonzero(known)[[0, -1]][level[known][[0, -1]].argmax()]
    if level[end] <= nearest:
        return np.asarray(level)
    away = (place - place[end])[:, None].astype(np.float64)
    return np.asarray(nearest + away @ affine(away, front - nearest))


def _affine(x: Float, values: Float, slack: Float) -> Float:
    """(K,) coefficients of `x` (N, K) with the least sum of differences to `values` (N,), those where it is above them
    times `slack` (N,): iteratively reweighted least squares.
    """
    found = np.linalg.lstsq(x, values, rcond=None)[0]
    for _ in range(ROUNDS):
        off = values - x @ found
        weighted = x * (np.where(off > 0, 1, slack) / np.maximum(np.abs(off), PRECISION))[:, None]
        found = np.linalg.solve(weighted.T @ x + 1e-6 * np.eye(x.shape[1]), weighted.T @ values)
    return np.asarray(found)


def _body(wire: _Wire, disparity: Float, colour: Float, likely: Float, budget_px: float) -> tuple[Index, Index]:
    """The flat indices of a wire's pixels (M,), and the places along its axis (M,) that they are at."""
    axis, line, there, (h, w) = wire.axis, wire.axis.line, wire.axis.there, disparity.shape
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
        close = (aside >= left - CORE_PX) & (aside <= right + CORE_PX)
        looks = likely[y, x] > BODY * axis.likely[place]
        looks |= _in_its_colour(colour[y, x], axis, place, aside > 0, colour)
        body = np.where(axis.shows[place], close & looks, body)
    above = axis.above[(aside > 0).astype(int), place]
    body |= (above * budget_px > STANDS_PX) & (np.abs(disparity[y, x] - axis.own[place]) < 0.5 * above)
    return (y * w + x)[body], place[body]


def _in_its_colour(pixels: Float, axis: Axis, place: Index, above: Bool, colour: Float) -> Bool:
    """(M,) which of the `pixels` (M, 3), at such places along an axis (M,) and `above` it or below (M,), look like it
    rather than like what is beside it there in the photo with these colours (H, W, 3).
    """
    line = axis.line
    own, low, high = (
        sample(colour, axis.xy, line.across, off) for off in (0, line.rims[0] - BODY_PX, line.rims[1] + BODY_PX)
    )
    beside = np.where(above[:, None], high[place], low[place])
    off, apart = (largest(np.abs(pixels - other)) for other in (own[place], beside))
    return np.asarray(off + NOISE < OWN * apart)
