"""Joints: wires that cross, or run into one another, are mostly tied to one another, and then as near."""

from __future__ import annotations

import itertools

import numpy as np

from inpaint.axes import STANDS_PX, Axis
from inpaint.filters import Bool, Float
from inpaint.tears import Index

CROSSING, JOINT_PX = 0.25, 8  # wires are joined where rims come so close to axes, if the sine of their angle is larger,
END_AT_PX = 16  # and the farther was seen to stand, or one of them ends so close;
RUNS_IN = 0.5  # or, if they run alike, where less than such a share of the narrower is so close to the other


class Wire:
    """A wire with the disparity that it has by itself or, where it crosses others, together with them."""

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

    @property
    def joined(self) -> bool:
        """Whether it has the level of another somewhere."""
        return bool(self._joints)

    def level_at(self, xy: Float) -> Float:
        """(N,) the disparity that it would have at such places (N, 2)."""
        place = (xy - self.axis.xy[0]) @ self.axis.line.along
        return np.asarray(self.level[0] + (self.level[-1] - self.level[0]) * place / (len(self.level) - 1), np.float32)


def join(wires: list[Wire], budget_px: float) -> None:
    """Where two wires cross, bring the farther one forward to the nearer: what crosses is mostly joined there. But what
    was not seen to stand and goes on is more likely behind, such as the line of a roof. What has come forward brings
    along what crosses it, and what lies on it or is the same, found again.
    """
    pairs = itertools.combinations(wires, 2)
    crossings = [(pair, places) for pair in pairs if (places := _crossing(*pair)) is not None]
    for pair, places in crossings * 2:
        far, near = sorted(zip(pair, places, strict=True), key=lambda end: end[0].level[end[1]])
        levels = [wire.level[place] for wire, place in (far, near)]
        if (levels[1] - levels[0]) * budget_px < STANDS_PX:
            continue
        if far[0].stood or any(wire.ends_at(place) for wire, place in (far, near)):
            far[0].join(far[1], float(levels[1]))
    for one, other in itertools.permutations(wires, 2):
        if one.joined and not other.joined and _close(other, one, 0)[0].mean() >= RUNS_IN:
            other.level = np.maximum(other.level, one.level_at(other.axis.xy))


def _crossing(one: Wire, other: Wire) -> tuple[int, int] | None:
    """At which of their places two wires cross, or run into one another; None where they do not."""
    ways = np.stack([one.axis.line.along, -other.axis.line.along], 1)
    sine = abs(np.linalg.det(ways))
    if sine < CROSSING:
        return _meeting(one, other)
    first, second = np.round(np.linalg.solve(ways, other.axis.line.start - one.axis.line.start)).astype(int)
    places = int(first - one.axis.place[0]), int(second - other.axis.place[0])
    for wire, place, across in zip((one, other), places, (other, one), strict=True):
        there, reach = wire.axis.there, int((JOINT_PX + across.axis.line.width / 2) / sine)
        if not (0 <= place < len(there) and there[max(0, place - reach) : place + reach + 1].any()):
            return None
    return places


def _meeting(one: Wire, other: Wire) -> tuple[int, int] | None:
    """At which of their places two wires that run almost alike run into one another: where the narrower is within the
    other or close beside, as near to its end as may be. None if it is nowhere, or mostly: that lies on the other, or is
    the same found again.
    """
    if one.axis.line.width > other.axis.line.width:
        places = _meeting(other, one)
        return places and places[::-1]
    close, place = _close(one, other, JOINT_PX + one.axis.line.width / 2)
    if not 0 < close.mean() < RUNS_IN:
        return None
    at = np.flatnonzero(close)
    nearest = at[np.minimum(at, len(close) - 1 - at).argmin()]
    return int(np.flatnonzero(one.axis.there)[nearest]), int(place[nearest])


def _close(one: Wire, other: Wire, reach_px: float) -> tuple[Bool, Index]:
    """Which (M,) of the places where one wire is are within the other, or so close beside; and at which (M,) of its."""
    line, there = other.axis.line, other.axis.there
    off = one.axis.xy[one.axis.there] - line.start
    aside, place = off @ line.across, np.round(off @ line.along).astype(np.int64) - other.axis.place[0]
    close = (place >= 0) & (place < len(there))
    close &= (aside >= line.rims[0] - reach_px) & (aside <= line.rims[1] + reach_px)
    close[close] = there[place[close]]
    return close, place


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
