"""Axes of wires: what a photo and its depth show along a line, and beyond its ends as far as it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import Bool, Float, without_gaps
from inpaint.lines import Line, sample
from inpaint.tears import Index

STANDS_PX = 2.0  # a wire stands before what is beside it if a move opens it by so much
BESIDE_PX = (2, 4, 7)  # so far beyond its rims the depth beside it is seen
REACH_SHARE = 0.034  # a wire goes on over such gaps, of the long side; one that is not slim ends no farther on
GAP_SHARE = 0.06  # and over such gaps between where its line was found
LIKELY = 0.5  # a thin thing is seen where that is at least so likely
SHOWS = 0.3  # it is there where that is more likely than beside it by this share of what it usually is


@dataclass(frozen=True)
class Axis:
    """N places along the axis of a wire, a pixel apart, and what there is."""

    line: Line
    place: Index  # (N,) px from the start of its line
    xy: Float  # (N, 2)
    found: Bool  # (N,) where its line was found
    seen: Bool  # (N,) there, and where it shows as it goes on
    shows: Bool  # (N,) where a thin thing is likelier than beside it
    there: Bool  # (N,) where it is: where it is seen, and over gaps
    own: Float  # (N,) disparity
    beside: Float  # (N,) the larger disparity of both sides
    above: Float  # (2, N) by how much disparity it stands before each side, that below 0 across the axis first
    likely: Float  # (N,) how likely it is a thin thing

    @property
    def likely_share(self) -> float:
        """Over which share of what was found of it it is likely a thin thing."""
        return float((self.likely[self.found] > LIKELY).mean())

    @property
    def front(self) -> Float:
        """(N,) disparity that hides nothing of it."""
        return np.maximum(self.own, self.beside)

    @property
    def stands(self) -> Float:
        """(N,) by how much disparity it stands before both sides."""
        return np.asarray(self.above.min(0), np.float32)


def find_axis(line: Line, disparity: Float, likely: Float) -> Axis:
    """Of a line, and beyond its ends as far as it shows, but at least as far as a wire may go on over a gap.

    `disparity` (H, W); `likely` (H, W) in 0..1: how likely a thin thing is there.
    """
    h, w = disparity.shape
    place = np.arange(-(h + w), line.length + h + w)
    xy = (line.start + place[:, None] * line.along).astype(np.float32)
    inside = ((xy >= 0) & (xy <= (w - 1, h - 1))).all(1)
    place, xy = place[inside], xy[inside]
    found = (place >= 0) & (place < line.length)
    found[found] = line.seen[place[found]]
    rims = ((line.rims[0], -1), (line.rims[1], 1))
    inner = np.arange(np.ceil(line.rims[0]), np.floor(line.rims[1]) + 1) if line.bundle else (-1, 0, 1)
    own, sure = (np.max([sample(plane, xy, line.across, k) for k in inner], 0) for plane in (disparity, likely))
    sides = [np.array([sample(disparity, xy, line.across, rim + sign * k) for k in BESIDE_PX]) for rim, sign in rims]
    above = own - np.array([side.min(0) for side in sides])
    out = sure - np.maximum(*(sample(likely, xy, line.across, rim + 3 * sign) for rim, sign in rims))
    shows = out > SHOWS * np.median(out[found])
    reach = round(REACH_SHARE * max(h, w))
    close = (place >= -reach) & (place < line.length + reach)
    there = _there(found, shows, reach, round(GAP_SHARE * max(h, w))) & (close | line.slim)
    seen = found | (there & shows & line.slim)
    beside = np.maximum(sides[0][0], sides[1][0])
    return Axis(line, place, xy, found, seen, shows, there, own, beside, above, sure)


def _there(found: Bool, shows: Bool, gap: int, found_gap: int) -> Bool:
    """(N,) where a wire is: where it shows, crumbs apart, over gaps, as far as that hangs together with where it was
    `found` (N,), over larger gaps.
    """
    part = cv2.morphologyEx((shows | found).astype(np.uint8)[None], cv2.MORPH_OPEN, np.ones((1, 5), np.uint8))[0] > 0
    whole = without_gaps(part, gap) | without_gaps(found, found_gap)
    _, label = cv2.connectedComponents(whole.astype(np.uint8)[None])
    return np.asarray(np.isin(label[0], np.unique(label[0][found])) & whole)
