"""Detail for painted surfaces: a network that has to guess paints smoothly, and beside textured ground that shows.

Each part of a hole borrows the detail of one place of its context, moved there as a whole, so that it keeps its shapes
(few shifts fill most holes: He and Sun, "Statistics of Patch Offsets for Image Completion", 2012). How bright and how
colourful a place is on the whole stays as it was painted.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, add_at, cell_means, dot, larger_cells, over_cells, push_pull, put_over

# What is made up is farther from the truth than a smooth guess, but in grain, sand or plaster anything fits and what is
# smooth shows: texture that is even and not strong is made up in full, of other detail this share.
LEAST = 0.2
# Past the photo's border, where no outline draws the eye away, all texture passes for so even at least: what is finer
# than 4 px and what is broader.
EVEN_PAST_BORDER = 0.65, 0.4
# This far from its context a fill gets all of that: next to it the network knows more, but past the border a soft strip
# is all that moves show.
DEEP_PX, DEEP_PAST_BORDER_PX = 48.0, 16.0
QUICKER = 3.0  # where texture is even, 1 + this times as close
UNEVEN, STRONG = 0.1, 0.12  # relative variance of the texture's strength, and strength, that halve how sure it is
PLACE_CELLS, REGION_CELLS = 1.5, 8.0  # on the shrunken grid: the strengths of places vary over a region
FINE_PX, BROAD_PX = (0.0, 1.0, 2.0, 4.0), (1.0, 2.0, 4.0)  # octaves lie between them: of luma, of colour at a quarter
SHRINK = 4
WINDOW_PX = 12.0
# The mean root of |x| in a normal distribution is .822 times the root of its deviation. Roots, because single edges
# of the surroundings must not count as texture.
ROOT_OF_DEVIATION = 0.822
MOST_DEVIATIONS = 2.5  # of anything borrowed: an outline must not come along as one
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CELL_PX = 16  # parts and their shifts are worked out on a grid of such cells
SPREAD_CELLS = 1.5  # a part is about so large at least
HIDDEN_PRICE, DISTANCE_PRICE = 1.0, 4e-4  # of a source cell without context, and per cell, as squared colour distance
FIRST_SHIFT_CELLS, SHIFT_GROWTH, DIRECTIONS = 1.5, 1.5, 16

Box = tuple[slice, slice]
Shift = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """A piece of the holes and where its detail comes from."""

    target: Box
    source: Box  # as large
    weight: Float  # (h, w) in 0..1 over both


def add_detail(painted: Float, unknown: Bool, context: Bool) -> Float:
    """`painted` (H, W, 3) in 0..1 with detail on its `unknown` pixels (H, W): what they lack beside what is near them
    in `context` (H, W), or a part of it. Nothing else has a say. Deterministic.
    """
    known = context & ~unknown
    inner, outer = (cell_means(painted, mask, SHRINK) for mask in (unknown, known))
    chosen = _choose_shifts(*(larger_cells(*means, CELL_PX // SHRINK) for means in (inner, outer)))
    luma = painted @ LUMA
    filled = push_pull(luma, known)
    fine = _borrow([put_over(filled.copy(), luma, unknown)], unknown, known, FINE_PX, _parts(chosen, CELL_PX, unknown))
    hole, ground = inner[1] > 0, outer[1] > 0.99
    planes = put_over(push_pull(outer[0], ground), inner[0], hole)
    broad = _borrow(cv2.split(planes), hole, ground, BROAD_PX, _parts(chosen, CELL_PX // SHRINK, hole))
    even, past = _evenness(filled, known), _past_border(unknown)
    depth = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3)
    depth /= np.where(past, np.float32(DEEP_PAST_BORDER_PX), np.float32(DEEP_PX))
    of_fine, of_broad = (_amount(np.maximum(even, np.float32(least) * past), depth) for least in EVEN_PAST_BORDER)
    grain = of_fine * fine[0]
    detail = cv2.merge([grain + of_broad * over_cells(plane, SHRINK, unknown.shape) for plane in broad])
    result = add_at(painted, detail, unknown)
    return np.clip(result, 0, 1, out=result)


def _amount(even: Float, depth: Float) -> Float:
    """(H, W) the share of the lacking detail that is made up where texture is so `even` (H, W) and a hole so deep, 1
    where it gets all.
    """
    return (LEAST + (1 - LEAST) * even) * np.minimum(depth * (1 + QUICKER * even), 1)


def _past_border(unknown: Bool) -> Bool:
    """(H, W) those connected holes that take a whole side of the canvas."""
    _, label = cv2.connectedComponents(unknown.astype(np.uint8), connectivity=4)
    sides = (label[0], label[-1], label[:, 0], label[:, -1])
    return np.isin(label, [side[0] for side in sides if side.all()])


def _evenness(plane: Float, known: Bool) -> Float:
    """(H, W) in 0..1: whether the texture of `plane` (H, W) at the `known` pixels nearby is even, and not strong.

    `plane` goes on smoothly beyond them.
    """
    root = np.sqrt(np.abs(plane - cv2.GaussianBlur(plane, (0, 0), FINE_PX[-1])))
    texture, share = cell_means(root[..., None], _inside(known), SHRINK)
    weight, total = (cv2.GaussianBlur(x, (0, 0), PLACE_CELLS) for x in (share, texture[..., 0] * share))
    strength = (total / np.maximum(weight, 1e-4) / ROOT_OF_DEVIATION) ** 2
    weight, total, squares = (
        cv2.GaussianBlur(x, (0, 0), REGION_CELLS) for x in (share, strength * share, strength**2 * share)
    )
    mean, square = (x / np.maximum(weight, 1e-4) for x in (total, squares))
    uneven = np.maximum(square / np.maximum(mean**2, 1e-12) - 1, 0)
    even = 1 / (1 + (uneven / UNEVEN) ** 4) / (1 + (mean / STRONG) ** 4)
    return over_cells(push_pull(even, weight > 0.05), SHRINK, known.shape)


def _choose_shifts(holes: tuple[Float, Float], context: tuple[Float, Float]) -> dict[Shift, Float]:
    """Where the holes borrow from: shifts (dy, dx) in cells, and with each the cells (h, w) that it is for, in 0..1,
    which overlap a little.

    Close places of like colour that lie in the context. Of both are given the colours (h, w, 3) and the share (h, w)
    of the cells.
    """
    (wanted, hole), (there, ground) = holes, context
    where = (hole > 0).astype(np.float32)
    spread = np.maximum(cv2.GaussianBlur(where, (0, 0), SPREAD_CELLS), 1e-3)
    shifts = _rings(max(hole.shape) / 2)
    choice, least = np.full(hole.shape, -1), np.full(hole.shape, np.inf, np.float32)
    for number, (dy, dx) in enumerate(shifts):
        target, source = _boxes((0, hole.shape[0]), (0, hole.shape[1]), (dy, dx), hole.shape)
        price = np.full(hole.shape, HIDDEN_PRICE, np.float32)
        unlike = there[source] - wanted[target]
        unlike = dot(unlike, unlike)
        price[target] = np.where(ground[source] > 0, unlike, 0) + HIDDEN_PRICE * (1 - ground[source])
        price = cv2.GaussianBlur(price * where, (0, 0), SPREAD_CELLS) / spread + DISTANCE_PRICE * np.hypot(dy, dx)
        better = (price < least) & (where > 0)
        choice[better], least[better] = number, price[better]
    return {
        shifts[n]: np.asarray(cv2.GaussianBlur((choice == n).astype(np.float32), (0, 0), 0.6))
        for n in np.unique(choice[choice >= 0])
    }


def _rings(farthest: float) -> list[Shift]:
    """Rings of shifts in cells, each half as far again as the one before."""
    found, radius = set(), FIRST_SHIFT_CELLS
    while radius <= farthest:
        angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
        found |= {(round(radius * np.sin(a)), round(radius * np.cos(a))) for a in angles}
        radius *= SHIFT_GROWTH
    return sorted(found)


def _parts(chosen: dict[Shift, Float], cell_px: int, like: npt.NDArray[np.generic]) -> list[Part]:
    """The parts of a picture of the shape of `like` whose cells have `cell_px`."""
    parts = []
    for (dy, dx), soft in chosen.items():
        _, _, pieces, _ = cv2.connectedComponentsWithStats((soft > 0.01).astype(np.uint8))
        for left, top, width, height, _ in pieces[1:]:
            some = soft[top : top + height, left : left + width]
            weight = cv2.resize(some, None, fx=cell_px, fy=cell_px, interpolation=cv2.INTER_LINEAR)
            y, x = cell_px * top, cell_px * left
            rows, columns = (y, y + weight.shape[0]), (x, x + weight.shape[1])
            target, source = _boxes(rows, columns, (cell_px * dy, cell_px * dx), like.shape)
            inside = np.s_[target[0].start - y : target[0].stop - y, target[1].start - x : target[1].stop - x]
            parts.append(Part(target, source, np.ascontiguousarray(weight[inside])))
    return parts


def _boxes(rows: tuple[int, int], columns: tuple[int, int], shift: Shift, shape: tuple[int, ...]) -> tuple[Box, Box]:
    """The part of a box whose shifted place is in the picture, which may be empty, and that place."""
    (dy, dx), (h, w) = shift, shape[:2]
    top, left = max(rows[0], -dy), max(columns[0], -dx)
    bottom, right = max(top, min(rows[1], h, h - dy)), max(left, min(columns[1], w, w - dx))
    return np.s_[top:bottom, left:right], np.s_[top + dy : bottom + dy, left + dx : right + dx]


def _borrow(
    planes: Sequence[Float], unknown: Bool, known: Bool, sigmas_px: tuple[float, ...], parts: list[Part]
) -> list[Float]:
    """The detail that the unknown pixels of each of `planes` (H, W) lack, octave by octave.

    What is neither unknown nor known goes on smoothly from the latter.
    """
    inside = _inside(known)
    power = np.zeros(known.shape, np.float32)
    for part in parts:
        power[part.target] += (part.weight * inside[part.source]) ** 2
    total = np.sqrt(np.maximum(power, 1e-3))  # sums of what does not correlate grow by their squares
    about_known, about_unknown = _mean_around(known), _mean_around(unknown)

    def octave(band: Float) -> Float:
        root = np.sqrt(np.abs(band))
        there, here = ((about(root) / ROOT_OF_DEVIATION) ** 2 for about in (about_known, about_unknown))
        lacking, there = (
            cv2.resize(x, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
            for x in (np.sqrt(np.maximum(there**2 - here**2, 0)), np.maximum(there, 1e-4))
        )
        texture = (band / there).clip(-MOST_DEVIATIONS, MOST_DEVIATIONS) * inside
        moved = np.zeros_like(band)
        for part in parts:
            moved[part.target] += part.weight * texture[part.source]
        return np.asarray(lacking * moved / total)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # array operations let go of the interpreter's lock
        found = [threads.map(octave, _bands(plane, sigmas_px)) for plane in planes]
        return [functools.reduce(np.add, octaves) for octaves in found]


def _inside(known: Bool) -> Bool:
    return np.asarray(cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _bands(plane: Float, sigmas_px: tuple[float, ...]) -> list[Float]:
    smooth = [plane if sigma == 0 else cv2.GaussianBlur(plane, (0, 0), sigma) for sigma in sigmas_px]
    return [np.asarray(a - b) for a, b in pairwise(smooth)]


def _mean_around(where: Bool) -> Callable[[Float], Float]:
    """What takes means of a plane (H, W) about each pixel over pixels `where`, a quarter as large; far from those,
    theirs continued.
    """
    h, w = where.shape

    def window(plane: Float) -> Float:
        small = cv2.resize(plane, (max(1, w // 4), max(1, h // 4)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), WINDOW_PX / 4))

    mask = where.astype(np.float32)
    weight = window(mask)
    near, weight = weight > 0.05, np.maximum(weight, 1e-4)
    return lambda plane: push_pull(window(mask * plane) / weight, near)
