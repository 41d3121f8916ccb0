"""Wires: thin straight things, also poles and ropes, that estimated depth sees only in parts become whole.

Where a network misses a wire, it has the depth of what lies behind it, and a move bends or breaks it. But a straight
line in space has an inverse depth that is affine along its picture, so the parts that were seen tell where the others
are; and what is seen is before what is beside it.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.axes import LIKELY, STANDS_PX, Axis, find_axis
from inpaint.colours import hued
from inpaint.filters import Bool, Float, largest
from inpaint.joints import Wire, join
from inpaint.lines import find_lines, sample
from inpaint.tears import Index

WIRE = 0.5  # a line is a wire if it looks as if a thin thing stood there over such a share
NEW = 0.35  # and no other wire has more than the rest of its pixels yet
END_PX = 4  # so close to where a wire ends or hides, what is beside it may be what hides it
STEP_PX, FOOT_PX = 4.0, 10  # what is so much nearer and so close beyond its end holds it: a mast stands on a ship
FROM_BESIDE = 0.015  # where it was not seen to stand, depth may be so many times as much behind a wire as before it
ROUNDS, PRECISION = 40, 0.003
STOOD = 0.1  # and so many where it was: such depth is drowned in what lies behind, rather than too near
SEEN_SHARE = 0.15  # it was seen to stand if it was over such a share
BODY_PX, CORE_PX = 4, 2  # pixels so far beyond its rims are its own by their depth, or so far as thin things
BODY = 0.4  # if they are as likely this as such a share of what it is, or by their colour:
OWN, NOISE = 0.3, 0.045  # if that, and noise, is off its by less than such a share of what is beside it
SPREAD_SHARE = 0.008  # what is so close to a bundle's rims is its own, as cables drift apart: of the long side


def with_wires(disparity: Float, rgb: Float, likely: Float, budget_px: float) -> tuple[Float, Bool]:
    """`disparity` (H, W) with whole wires, as the photo `rgb` (H, W, 3) in 0..1 has them; where (H, W) they are.

    `likely` (H, W) in 0..1: how likely a thin thing is there.
    """
    colour = hued(rgb)
    axes = [find_axis(line, disparity, likely) for line in find_lines(colour, likely)]
    found = [_wire(axis, budget_px) for axis in axes if axis.likely_share >= WIRE]
    join(found, budget_px)
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


def _wire(axis: Axis, budget_px: float) -> Wire:
    """Level with where it was seen to stand and with what holds it, elsewhere no farther than what is beside it."""
    known = cv2.erode(axis.seen.astype(np.uint8)[None], np.ones((1, 2 * END_PX + 1), np.uint8))[0] > 0
    if not known.any():
        known = axis.found.copy()
    stands = axis.stands * budget_px > STANDS_PX
    stood = bool(stands[axis.found].mean() > SEEN_SHARE)
    feet = np.concatenate(_feet(axis, budget_px))
    known[feet] = stands[feet] = True
    return Wire(axis, _straight(axis.place, axis.front, known, np.where(stands, STOOD, FROM_BESIDE)), stood)


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


def _body(wire: Wire, disparity: Float, colour: Float, likely: Float, budget_px: float) -> tuple[Index, Index]:
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
