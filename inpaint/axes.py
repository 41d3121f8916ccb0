"""Axes of wires: what a photo and its depth show along a line, and beyond its ends as far as it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import Bool, Float, without_gaps
from inpaint.lines import Line, sample
from inpaint.tears import Index

STANDS_PX = 2.0  # a wire stands before what is beside it if a move opens it by so much
BESIDE_PX, TINT_PX = (2, 4, 7), (3, 5, 7, 9, 11)  # so far beyond its rims the depth and the colours beside it are seen
EQUAL, EQUAL_OF_WIRE = 0.04, 0.6  # both sides are one background if their colours differ by less, or by less than this
# share of what the wire stands out by,
LEVEL_PX = 3.0  # and their depth by less
ONE_BACKGROUND = 0.5  # a wire has the same colours on both sides over such a share: the rim of a surface has not
REACH_SHARE = 0.034  # a wire goes on over such gaps, of the long side; one that stands nowhere ends no farther on
SHOWS = 0.3  # it is there where it stands out from its surroundings by this share of what it usually does
ALIKE = 0.1  # it has its usual colour where that differs by less


@dataclass(frozen=True)
class Axis:
    """N places along the axis of a wire, a pixel apart, and what there is."""

    line: Line
    place: Index  # (N,) px from the start of its line
    xy: Float  # (N, 2)
    found: Bool  # (N,) where its line was found
    seen: Bool  # (N,) there, and where it shows as it goes on
    shows: Bool  # (N,) where it stands out from its surroundings
    there: Bool  # (N,) where it is: where it is seen, and over gaps
    close: Bool  # (N,) no farther beyond its line than over a gap
    own: Float  # (N,) disparity
    beside: Float  # (N,) the larger disparity of both sides
    above: Float  # (2, N) by how much disparity it stands before each side, that below 0 across the axis first
    clear: Bool  # (N,) whether it is seen before one background, or stands before both sides
    alike: Bool  # (N,) where it has its usual colour
    clearness: float  # how much it usually stands out from its surroundings
    clear_share: float  # over which share of what was found of it it is clear; 0 for the rim of a surface

    @property
    def front(self) -> Float:
        """(N,) disparity that hides nothing of it."""
        return np.maximum(self.own, self.beside)

    @property
    def stands(self) -> Float:
        """(N,) by how much disparity it stands before both sides."""
        return np.asarray(self.above.min(0), np.float32)


def find_axis(line: Line, disparity: Float, colour: Float, thin: Float, budget_px: float) -> Axis:
    """Of a line, and beyond its ends as far as it shows, but at least as far as a wire may go on over a gap.

    `disparity` (H, W); `colour` (H, W, 3) of the photo, which has the `thinness` `thin` (H, W).
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
    own, bright = (np.max([sample(plane, xy, line.across, k) for k in inner], 0) for plane in (disparity, thin))
    sides = [np.array([sample(disparity, xy, line.across, rim + sign * k) for k in BESIDE_PX]) for rim, sign in rims]
    tints = [np.median([sample(colour, xy, line.across, rim + sign * k) for k in TINT_PX], 0) for rim, sign in rims]
    equal = np.abs(tints[0] - tints[1]).max(-1) < np.maximum(EQUAL, EQUAL_OF_WIRE * bright)
    above = own - np.array([side.min(0) for side in sides])
    clear = (equal & (np.abs(above[0] - above[1]) * budget_px < LEVEL_PX)) | (above.min(0) * budget_px > STANDS_PX)
    out = bright - np.maximum(*(sample(thin, xy, line.across, rim + 3 * sign) for rim, sign in rims))
    clearness = float(np.median(out[found]))
    shows = out > SHOWS * clearness
    reach = round(REACH_SHARE * max(h, w))
    close = (place >= -reach) & (place < line.length + reach)
    there = _there(found, shows, reach) & (close | line.slim)
    seen = found | (there & shows & line.slim)
    beside = np.maximum(sides[0][0], sides[1][0])
    share = float(clear[found].mean()) if equal[found].mean() >= ONE_BACKGROUND else 0.0
    tint = sample(colour, xy, line.across, 0)
    alike = np.abs(tint - np.median(tint[found], 0)).max(-1) < ALIKE
    return Axis(line, place, xy, found, seen, shows, there, close, own, beside, above, clear, alike, clearness, share)


def _there(found: Bool, shows: Bool, gap: int) -> Bool:
    """(N,) where a wire is: where it shows, crumbs apart, over gaps, as far as that hangs together with where it was
    found.
    """
    part = cv2.morphologyEx((shows | found).astype(np.uint8)[None], cv2.MORPH_OPEN, np.ones((1, 5), np.uint8))[0] > 0
    whole = without_gaps(part, gap)
    _, label = cv2.connectedComponents(whole.astype(np.uint8)[None])
    return np.asarray(np.isin(label[0], np.unique(label[0][found])) & whole)
