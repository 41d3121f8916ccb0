"""Ledges: small pieces of surface that hang between a nearer and a farther one, although they belong to one of them.

Where a network is unsure whether a head belongs to the body or to what lies behind, it puts it halfway. Made sharp, the
head is a piece of its own, torn off both, and a move beheads the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inpaint.chains import find_tears
from inpaint.filters import Float, widened
from inpaint.tears import Index, TornPairs, surfaces, torn_pairs, were_blurred

MOST_SHARE = 0.03  # of the picture: larger ones are things
LEAST_BORDER = 0.12  # of a ledge's torn border is towards nearer surfaces, and as much towards farther ones
BESIDE_PX, BESIDE_SHARE = 5, 0.012  # colours are compared so far to both sides of a seam: px, or of the long side
ROUNDS = 2  # a ledge may hang on another


@dataclass(frozen=True)
class _Seam:
    """The tears between a ledge and the one neighbour, nearer or farther, with which it shares most of them."""

    neighbour: int  # its label
    ledge: Index  # (N,) flat indices of the pixels on the ledge's side
    other: Index  # (N,) and on the neighbour's
    step: float  # of disparity, median


def join_ledges(disparity: Float, before: Float, rgb: Float, budget_px: float) -> Float:
    """`disparity` (H, W) whose ledges have moved, as they are, to the nearer or to the farther surface beside them: to
    the one whose colours `rgb` (H, W, 3) are more like theirs.

    `before` (H, W): the `steepest_steps` of the disparity before it was made sharp. Pieces that were sharp
    already stay.
    """
    for _ in range(ROUNDS):
        links = find_tears(disparity, budget_px)
        piece = surfaces(links).astype(np.int64)
        moved = _moved(disparity, piece, torn_pairs(links, disparity), before, rgb)
        if moved is disparity:
            break
        disparity = moved
    return disparity


def _moved(disparity: Float, piece: Index, pairs: TornPairs, before: Float, rgb: Float) -> Float:
    """One round: `piece` (H, W) labels of the surfaces that `pairs` part, `before` (H, W) as in `were_blurred`."""
    label, depth = piece.ravel(), disparity.ravel()
    apart = label[pairs.near] != label[pairs.far]
    near, far = pairs.near[apart], pairs.far[apart]
    size, below, above = (np.bincount(x, minlength=label.max() + 1) for x in (label, label[far], label[near]))
    possible = size <= MOST_SHARE * label.size
    possible &= np.minimum(below, above) >= np.maximum(LEAST_BORDER * (below + above), 1)
    result, joined = disparity, set[int]()
    low, high = float(disparity.min()), float(disparity.max())
    for number in sorted(np.flatnonzero(possible), key=lambda n: int(size[n])):
        under, over = label[far] == number, label[near] == number
        nearer = _seam(label, far[under], near[under], depth)
        farther = _seam(label, near[over], far[over], depth)
        if joined & {nearer.neighbour, farther.neighbour} or not _made(nearer, farther, disparity, before):
            continue
        unlike = [_unlikeness(rgb, piece, int(number), seam) for seam in (nearer, farther)]
        change = nearer.step if unlike[0] < unlike[1] else farther.step
        result = np.where(piece == number, np.clip(result + np.float32(change), low, high), result)
        joined.add(int(number))
    return result


def _seam(label: Index, ledge: Index, other: Index, depth: Float) -> _Seam:
    """Of the tears between the pixels `ledge` (N,) of one piece and `other` (N,), those to the main neighbour."""
    neighbour = int(np.bincount(label[other]).argmax())
    main = label[other] == neighbour
    ledge, other = ledge[main], other[main]
    return _Seam(neighbour, ledge, other, float(np.median(depth[other] - depth[ledge])))


def _made(nearer: _Seam, farther: _Seam, disparity: Float, before: Float) -> bool:
    """Whether most of both seams was no sharp step `before` (H, W)."""
    seams = (TornPairs(nearer.other, nearer.ledge), TornPairs(farther.ledge, farther.other))
    return all(np.mean(were_blurred(pairs, disparity, before)) >= 0.5 for pairs in seams)


def _unlikeness(rgb: Float, piece: Index, ledge: int, seam: _Seam) -> float:
    """Distance between the median colours on both sides of a seam."""
    reach = max(BESIDE_PX, round(BESIDE_SHARE * max(piece.shape)))
    sides = ((ledge, seam.ledge), (seam.neighbour, seam.other))
    colours = [_median_beside(rgb, piece, number, pixels, reach) for number, pixels in sides]
    return float(np.linalg.norm(colours[0] - colours[1]))


def _median_beside(rgb: Float, piece: Index, number: int, pixels: Index, reach: int) -> Float:
    """(3,) the median colour of a piece within `reach` of some of its `pixels` (N,), flat indices."""
    y, x = np.divmod(pixels, piece.shape[1])
    top, left = max(0, int(y.min()) - reach), max(0, int(x.min()) - reach)
    box = np.s_[top : int(y.max()) + reach + 1, left : int(x.max()) + reach + 1]
    close = np.zeros(piece[box].shape, np.uint8)
    close[y - top, x - left] = 1
    return np.asarray(np.median(rgb[box][(widened(close, reach) > 0) & (piece[box] == number)], axis=0))
