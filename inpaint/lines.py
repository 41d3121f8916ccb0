"""Lines: thin straight things in a photo, such as wires, poles and ropes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, box_mean
from inpaint.pieces import Pieces, runs
from inpaint.tears import Index

THIN_SHARE = 0.016  # what is at most about so wide, of the long side, is thin
SIGMAS = (0.8, 1.6, 3.2, 5.0)  # of the ridges that are looked for, px
WIDE = 8.0  # and of wide ones, px, only where they are stronger than those of the size before: thin ones look like them
LEAST, STRONG = 0.04, 0.08  # strength of a ridge everywhere and somewhere; the least is no less than the mean around
AROUND_PX, AROUND_SIGMAS = 20, 4  # over so much: px, and what it is at least for wide ridges
DIRECTIONS = 12  # ridges are followed as long as their direction is the same one of so many
PIECE_PX, SEED_PX = 8, 14  # the shortest pieces of ridges that count, and that a line begins with
STRAIGHT_PX = 1.0  # deviation of a straight piece from its line
# Of a piece that is not straight the ends are trimmed: wires bend where they leave the photo, whose edge is repeated.
TRIM_PX, TRIMS, MOST = 2.0, 5, 0.9  # what is so far from its line, so often, if such a share of it is left
SHORTEST_PX, SHORTEST_SHARE = 40, 0.06  # px, of the long side
COVERED = 0.6  # so much of a line must be seen
SLENDER, SLIM = 8, 12  # times as long as wide; so much and it may go on beyond where it was found
BUNDLE_SHARE, BUNDLE_SPREAD = 0.013, 0.02  # lines with such a gap are a bundle: of the long side; and how far the gap
BUNDLE_OVERLAP = 0.7  # may change: of the line; and how much of the shorter line has the longer one beside it
RIM, MIDDLE = 0.4, 0.6  # share of how a line stands out at which it ends, and of the most around its axis


@dataclass(frozen=True)
class Line:
    """A thin straight thing; (x, y) in pixels, (0, 0) the middle of the first pixel."""

    start: Float  # (2,)
    along: Float  # (2,) unit vector
    rims: tuple[float, float]  # where it ends to both sides of its axis, px: below 0 and above
    seen: Bool  # (N,) where it is seen, at places a pixel apart from its start on
    bundle: bool = False  # several side by side, with gaps between them

    @property
    def length(self) -> int:
        """px"""
        return len(self.seen)

    @property
    def across(self) -> Float:
        """(2,) unit vector."""
        return np.array([-self.along[1], self.along[0]], np.float32)

    @property
    def width(self) -> float:
        """px"""
        return self.rims[1] - self.rims[0]

    @property
    def slim(self) -> bool:
        """Whether it may be longer than what was found of it: short ones end in other things, and look like others."""
        return self.length >= SLIM * self.width


def find_lines(colour: Float, likely: Float) -> list[Line]:
    """The lines of a photo with these colours (H, W, 3), the thickest and longest first.

    `likely` (H, W) in 0..1: how likely a thin thing is there.
    """
    pieces = _pieces(colour, likely)
    side = max(likely.shape)
    lines = []
    for run in runs(pieces, side, SEED_PX, max(SHORTEST_PX, SHORTEST_SHARE * side)):
        places = run.start + np.arange(len(run.seen))[:, None] * run.along
        rims = _rims(likely, places[run.seen], np.array([-run.along[1], run.along[0]]))
        if run.seen.mean() >= COVERED and rims is not None and run.length >= SLENDER * (rims[1] - rims[0]):
            size = float(pieces.sigma[run.seed]) * run.length
            lines.append((size, Line(run.start, run.along, rims, run.seen)))
    return _bundled([line for _, line in sorted(lines, key=lambda entry: -entry[0])], side)


def sample(plane: Float, places: npt.NDArray[np.floating], away: npt.NDArray[np.floating], offset: float) -> Float:
    """(N[, C]) what a plane (H, W[, C]) holds so far from the `places` (N, 2) in the direction `away` (2,)."""
    at = np.round(places + offset * away).astype(np.int64)
    h, w = plane.shape[:2]
    return plane[np.clip(at[:, 1], 0, h - 1), np.clip(at[:, 0], 0, w - 1)]


def _bundled(lines: list[Line], side: int) -> list[Line]:
    """The lines, those that run close beside one another as one, as long as that is slender."""
    found: list[Line] = []
    for line in lines:
        for number, other in enumerate(found):
            both = _bundle(other, line, BUNDLE_SHARE * side)
            if both is not None:
                found[number] = both
                break
        else:
            found.append(line)
    return found


def _bundle(one: Line, other: Line, gap_px: float) -> Line | None:
    """Both as one line with the axis of the first; None if they are no bundle."""
    ends = np.stack([other.start, other.start + (other.length - 1) * other.along]) - one.start
    aside, place = ends @ one.across, np.sort(np.round(ends @ one.along).astype(np.int64))
    between = max(aside.min() + other.rims[0] - one.rims[1], one.rims[0] - other.rims[1] - aside.max())
    if not 0 < between <= gap_px or np.ptp(aside) > BUNDLE_SPREAD * other.length:
        return None
    rims = (min(one.rims[0], aside.min() + other.rims[0]), max(one.rims[1], aside.max() + other.rims[1]))
    overlap = min(place[1], one.length) - max(place[0], 0)
    if overlap < BUNDLE_OVERLAP * other.length or one.length < SLENDER * (rims[1] - rims[0]):
        return None
    first = min(0, int(place[0]))
    seen = np.zeros(max(one.length, int(place[1]) + 1) - first, bool)
    for at, part in ((-first, one.seen), (int(place[0]) - first, other.seen[: place[1] + 1 - place[0]])):
        seen[at : at + len(part)] |= part
    return Line(one.start + first * one.along, one.along, rims, seen, bundle=True)


def _pieces(colour: Float, likely: Float) -> Pieces:
    found: list[tuple[Float, Float, Float, Float]] = []
    narrower = np.zeros_like(likely)
    for sigma in (*SIGMAS, WIDE):
        strength, second = _ridges(likely, sigma)
        least = np.maximum(LEAST, box_mean(likely, max(AROUND_PX, round(AROUND_SIGMAS * sigma))))
        crests = _crests(strength, second, np.maximum(least, narrower) if sigma == WIDE else least)
        found += _straight_pieces(*crests, colour, sigma)
        narrower = strength
    return Pieces(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _ridges(plane: Float, sigma: float) -> tuple[Float, list[Float]]:
    """(H, W) the strength of bright ridges of about that width in a plane (H, W); its second derivatives xx, yy and xy.

    After Lindeberg, "Edge Detection and Ridge Detection with Automatic Scale Selection", 1998, at given scales.
    """
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma)
    second = [
        np.asarray(cv2.Sobel(smooth, cv2.CV_32F, dx, dy, scale=0.25 * sigma**2, borderType=cv2.BORDER_REPLICATE))
        for dx, dy in ((2, 0), (0, 2), (1, 1))
    ]
    xx, yy, xy = second
    strength = np.minimum(cv2.magnitude(xx - yy, 2 * xy), -(xx + yy))
    strength[[0, -1]], strength[:, [0, -1]] = 0, 0
    return strength, second


def _crests(strength: Float, second: list[Float], least: Float) -> tuple[Index, Float, Float]:
    """Flat indices (N,) of the crests of ridges, as `_ridges` has them, that are stronger than `least` (H, W), their
    strength (N,), and the angle across them (N,).
    """
    at = np.flatnonzero(strength > least)
    xx, yy, xy = (part.ravel()[at] for part in second)
    angle = 0.5 * np.arctan2(-2 * xy, yy - xx)
    step = np.round(np.sin(angle)).astype(np.int64) * strength.shape[1] + np.round(np.cos(angle)).astype(np.int64)
    flat = strength.ravel()
    crest = (flat[at] >= flat[at - step]) & (flat[at] > flat[at + step])
    return at[crest], flat[at[crest]], angle[crest]


def _straight_pieces(
    at: Index, strength: Float, angle: Float, colour: Float, sigma: float
) -> Iterator[tuple[Float, Float, Float, Float]]:
    """For each direction the fields of `Pieces` for those connected pieces of crests that are straight, long and
    strong enough.
    """
    y, x = np.divmod(at, colour.shape[1])
    tint = colour.reshape(-1, 3)[at]
    for direction in np.arange(DIRECTIONS) * (np.pi / DIRECTIONS):
        off = np.abs((angle - direction + np.pi / 2) % np.pi - np.pi / 2)
        here = np.flatnonzero(off < np.pi / DIRECTIONS)
        points = np.stack([x[here], y[here]], 1)
        yield _those_straight(_connected(points), points, strength[here], tint[here], sigma)


def _connected(points: Index) -> Index:
    """(N,) the number of the connected piece that each of the pixels `points` (N, 2) is part of."""
    if not len(points):
        return np.zeros(0, np.int64)
    x, y = (points - points.min(0)).T  # labels of all the picture take several times as long
    mask = np.zeros((y.max() + 1, x.max() + 1), np.uint8)
    mask[y, x] = 1
    _, label = cv2.connectedComponents(mask, connectivity=8)
    return np.asarray(label[y, x] - 1, np.int64)


def _those_straight(
    label: Index, points: Index, strength: Float, tint: Float, sigma: float
) -> tuple[Float, Float, Float, Float]:
    """The fields of `Pieces` for those pieces `label` (N,) of `points` (N, 2) that are, or `MOST` of which is."""
    size = np.bincount(label)
    axes = _axes(label, points, len(size))
    for _ in range(TRIMS):
        on = axes.straight[label] | (np.abs(axes.aside) < TRIM_PX)
        if on.all():
            break
        label, points = label[on], points[on]
        strength, tint = strength[on], tint[on]
        axes = _axes(label, points, len(size))
    first, last, peak = np.zeros(len(size)), np.zeros(len(size)), np.zeros(len(size))
    np.minimum.at(first, label, axes.place)
    np.maximum.at(last, label, axes.place)
    np.maximum.at(peak, label, strength)
    good = (last - first >= max(PIECE_PX, 2 * sigma)) & axes.straight & (peak > STRONG)
    good &= np.bincount(label, minlength=len(size)) >= MOST * size
    ends = (axes.middle + reach[:, None] * axes.along for reach in (first, last))
    start, end, colour = (field[good].astype(np.float32) for field in (*ends, _means(label, tint, len(size))))
    return start, end, colour, np.full(len(start), sigma, np.float32)


@dataclass(frozen=True)
class _Axes:
    """Those of K pieces, and where N points are on theirs, px."""

    middle: npt.NDArray[np.float64]  # (K, 2)
    along: npt.NDArray[np.float64]  # (K, 2) unit vectors
    straight: Bool  # (K,)
    place: npt.NDArray[np.float64]  # (N,) from the middle on
    aside: npt.NDArray[np.float64]  # (N,)


def _axes(label: Index, points: Index, count: int) -> _Axes:
    """Those of so many pieces `label` (N,) of `points` (N, 2)."""
    middle = _means(label, points, count)
    x, y = (points - middle[label]).T
    xx, yy, xy = _means(label, np.stack([x * x, y * y, x * y], 1), count).T
    spread = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    along = np.stack([np.cos(angle), np.sin(angle)], 1)
    u, v = along[label].T
    return _Axes(middle, along, spread < STRAIGHT_PX**2, x * u + y * v, y * u - x * v)


def _means(label: Index, values: npt.NDArray[Any], count: int) -> npt.NDArray[np.float64]:
    """(K, C) the mean of the `values` (N, C) of each of so many pieces `label` (N,)."""
    size = np.maximum(np.bincount(label, minlength=count), 1)[:, None]
    return np.stack([np.bincount(label, part, count) for part in values.T], 1) / size


def _rims(likely: Float, places: Float, across: Float) -> tuple[float, float] | None:
    """Offsets at which what stands out at the `places` (N, 2) of an axis ends; None if it does not."""
    widest = round(THIN_SHARE * max(likely.shape)) + 2
    profile = np.array([np.median(sample(likely, places, across, away)) for away in range(-widest, widest + 1)])
    top = profile[widest - 1 : widest + 2].max()
    low = np.flatnonzero(profile < RIM * top) - widest
    if top < max(STRONG, MIDDLE * profile.max()) or not (low < 0).any() or not (low > 0).any():
        return None
    return float(low[low < 0][-1]) + 0.5, float(low[low > 0][0]) - 0.5
