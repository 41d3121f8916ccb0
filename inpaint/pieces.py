"""Pieces of straight things in a photo, and how they go on in one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inpaint.filters import Bool, Float
from inpaint.tears import Index

ASIDE_PX, ASIDE_SHARE = 1.5, 0.012  # a piece belongs to a run so little beside it: px, and share of how far beyond
ALIKE, SIZES = 0.2, 2.2  # and with such a colour, and such a width, in comparison
GAP_SHARE, GAP_OF_RUN = 0.025, 0.4  # after such a gap: of the long side, or of the run
GROWTHS = 12
SLACK_PX = 3  # so far beyond its ends a piece is still seen


@dataclass(frozen=True)
class Pieces:
    """N straight pieces; (x, y) in pixels."""

    start: Float  # (N, 2)
    end: Float  # (N, 2)
    colour: Float  # (N, 3)
    sigma: Float  # (N,) how wide they are

    @property
    def length(self) -> Float:
        """(N,)"""
        return np.asarray(np.linalg.norm(self.end - self.start, axis=1), np.float32)


@dataclass(frozen=True)
class Run:
    """A straight line along pieces that go on in one another."""

    start: Float  # (2,) x and y
    length: float  # px
    along: Float  # (2,) unit vector
    seen: Bool  # (M,) where there is a piece, at places a pixel apart from its start on
    seed: int  # its longest piece


def runs(pieces: Pieces, side: int, seed_px: float, shortest_px: float) -> Iterator[Run]:
    """The runs of `pieces` no shorter than `shortest_px`, those with the longest pieces first; each piece is in one, or
    in several that cross.

    `side`: the photo's long one, px. No run begins with a piece shorter than `seed_px`.
    """
    used = np.zeros(len(pieces.sigma), bool)
    for seed in np.argsort(-pieces.length):
        if used[seed] or pieces.length[seed] < seed_px:
            continue
        start, end, members = _grown(pieces, int(seed), GAP_SHARE * side)
        used[members] = True
        length = float(np.linalg.norm(end - start))
        if length < shortest_px:
            continue
        along = (end - start) / length
        seen = np.zeros(int(length) + 1, bool)
        ends = [(part[members] - start) @ along for part in (pieces.start, pieces.end)]
        for first, last in np.sort(ends, 0).T:
            seen[max(0, int(first) - SLACK_PX) : int(last) + SLACK_PX + 1] = True
        yield Run(start, length, along, seen, int(seed))


def _grown(pieces: Pieces, seed: int, gap_px: float) -> tuple[Float, Float, Index]:
    """Start (2,), end (2,) and pieces (M,) of the run that goes on from the piece `seed` to both sides."""
    start, end, members = pieces.start[seed], pieces.end[seed], np.array([seed])
    lengths = pieces.length
    alike = (np.abs(pieces.colour - pieces.colour[seed]).max(1) < ALIKE) & (
        np.abs(np.log(pieces.sigma / pieces.sigma[seed])) < np.log(SIZES)
    )
    for _ in range(GROWTHS):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        across = np.array([-along[1], along[0]])
        places = np.sort([(pieces.start - start) @ along, (pieces.end - start) @ along], 0)
        aside = np.maximum(np.abs((pieces.start - start) @ across), np.abs((pieces.end - start) @ across))
        beyond = np.maximum(np.maximum(-places[0], places[1] - length), 0)
        gap = max(gap_px, GAP_OF_RUN * length)
        fits = alike & (aside < np.minimum(ASIDE_PX + ASIDE_SHARE * beyond, 2 * ASIDE_PX))
        fits &= (places[1] > -gap) & (places[0] < length + gap) & (places[1] - places[0] > 0.9 * lengths)
        fits[seed] = True
        if np.array_equal(np.flatnonzero(fits), members):
            break
        members = np.flatnonzero(fits)
        points = np.concatenate([pieces.start[members], pieces.end[members]])
        weight = np.tile(lengths[members], 2)[:, None]
        middle = (points * weight).sum(0) / weight.sum()
        off = points - middle
        along = np.linalg.eigh((off * weight).T @ off)[1][:, 1]
        reach = off @ along
        start, end = middle + reach.min() * along, middle + reach.max() * along
    return start, end, members
